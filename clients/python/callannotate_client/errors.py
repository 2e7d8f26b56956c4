"""The one exception of this package."""

from typing import Final

import msgspec

from callannotate_client.types import ErrorBody, ErrorDetail, JobFailure, LiveError

UNREACHABLE: Final = "UNREACHABLE"
"""There was no answer."""
UNEXPECTED_ANSWER: Final = "UNEXPECTED_ANSWER"
"""There was one that cannot be understood: another server, or something between."""
SESSION_LOST: Final = "SESSION_LOST"
"""A live session whose connection was lost cannot be gone on with."""
INVALID_ADDRESS: Final = "INVALID_ADDRESS"
"""What was given as the address of the server is none."""
INVALID_KEY: Final = "INVALID_KEY"
"""What was given as the API key is none."""


class CallAnnotateError(Exception):
    """What went wrong: an error of the server's catalogue (docs/errors.md), or one of the codes of this module."""

    def __init__(
        self,
        code: str,
        message: str,
        advice: str = "",
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
        details: dict[str, str | float] | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}" + (f". {advice}" if advice else ""))
        self.code: Final = code
        self.message: Final = message
        """What was wrong, and where."""
        self.advice: Final = advice
        """What is allowed, and what to do."""
        self.retryable: Final = retryable
        """Whether the same may succeed later."""
        self.retry_after: Final = retry_after
        """Seconds after which it may, where the server says so."""
        self.status: Final = status
        """Of HTTP; None where the error came over a WebSocket, or from here."""
        self.details: Final = details or {}
        """What the message is made of."""
        self.request_id: Final = request_id
        """Names the request in the server's log."""


def refused(status: int, body: bytes, retry_after: str | None) -> CallAnnotateError:
    """An answer over HTTP that is no success."""
    wait = float(retry_after) if retry_after is not None and retry_after.isdigit() else None
    try:
        return told(msgspec.json.decode(body, type=ErrorBody).error, status, wait)
    except msgspec.MsgspecError:
        # Something between us and the server, such as a proxy, has its own way of saying it.
        later = status in {429, 502, 503, 504}
        return CallAnnotateError(
            UNEXPECTED_ANSWER, f"HTTP {status}", "Check the address.", retryable=later, retry_after=wait, status=status
        )


def told(error: ErrorDetail, status: int | None = None, retry_after: float | None = None) -> CallAnnotateError:
    """An error as REST and `/ws/{job_id}` tell it."""
    return CallAnnotateError(
        error.code, error.message, error.advice, retryable=error.retryable, retry_after=retry_after, status=status,
        details=error.details, request_id=error.request_id,
    )  # fmt: skip


def failed(failure: JobFailure) -> CallAnnotateError:
    """Why a job failed."""
    return CallAnnotateError(failure.code, failure.message, failure.advice, details=failure.details)


def live_ended(error: LiveError) -> CallAnnotateError:
    """What a live session ended with."""
    seconds = None if error.retry_after_ms is None else error.retry_after_ms / 1000
    return CallAnnotateError(
        error.code, error.message, error.advice, retryable=error.retryable, retry_after=seconds, details=error.details
    )


def unreachable(url: str, cause: object) -> CallAnnotateError:
    """No answer."""
    text = str(cause) or type(cause).__name__
    return CallAnnotateError(
        UNREACHABLE, f"{url}: no answer ({text})", "Check the address and that the server runs.", retryable=True,
        details={"cause": text},
    )  # fmt: skip


def unexpected(url: str, cause: object) -> CallAnnotateError:
    """An answer that cannot be understood."""
    return CallAnnotateError(UNEXPECTED_ANSWER, f"{url}: {cause}", "Check the address.")
