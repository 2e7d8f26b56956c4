"""Why a job failed, as its client is told."""

from contracts.errors import FILE_EMPTY, CallAnnotateError
from contracts.jobs import JobFailure


def test_a_failure_is_told_in_the_language_of_whoever_asks() -> None:
    error = CallAnnotateError(FILE_EMPTY, path="call.wav")
    stored = JobFailure(code="FILE_EMPTY", message=error.message, advice=error.advice, details=error.details)
    russian = stored.told_in("ru")
    assert russian.message == error.message_in("ru") != error.message
    assert russian.advice == error.advice_in("ru") != error.advice
    assert russian.told_in("en") == stored


def test_a_failure_of_another_version_is_told_as_it_was_written() -> None:
    stored = JobFailure(code="OF_ANOTHER_VERSION", message="as it was")
    assert stored.told_in("ru") == stored
