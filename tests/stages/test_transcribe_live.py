"""The stage `transcribe` of a live call: with a recogniser that follows a script."""

import pytest
from anyio import CapacityLimiter

from contracts.speech import SpeechRegion, Transcript
from stages.transcribe import Transcribe
from stages.transcribe_live import TranscribeLive
from tests.stages.flow import through
from tests.stages.test_transcribe import Scripted, region, spoken

pytestmark = pytest.mark.anyio


async def transcribed(regions: list[SpeechRegion], *changes: tuple[float, str | None]) -> list[tuple[str, list[str]]]:
    """Language and words of each transcript; `changes`: the languages and since when they are spoken."""

    def language(second: float) -> str | None:
        return next(language for since, language in reversed(changes) if since <= second)

    stage = TranscribeLive(Transcribe(Scripted(), CapacityLimiter(1)), language)
    return [(item.language, spoken([item])) for item in await through(stage, regions) if isinstance(item, Transcript)]


async def test_each_stretch_is_of_the_language_that_was_wanted_for_it() -> None:
    regions = [region(0, 2, 1), region(4, 2, 2), region(8, 2, 3), region(12, 2, -4)]
    found = await transcribed(regions, (0.0, "en"), (7.0, "ru"), (11.0, None))
    assert found == [("en", ["1"]), ("en", ["2"]), ("ru", ["3"]), ("ru", ["-4"])]


async def test_speech_in_which_the_language_changes_is_of_the_one_in_its_middle() -> None:
    regions = [region(0, 4, 1), region(6, 4, 2)]
    assert await transcribed(regions, (0.0, "en"), (3.0, "ru"), (9.0, "en")) == [("en", ["1"]), ("ru", ["2"])]


async def test_where_the_language_never_changes_all_is_one_stretch() -> None:
    regions = [region(4 * n, 2, n) for n in range(1, 5)]
    assert await transcribed(regions, (0.0, "ru")) == [("ru", [str(n)]) for n in range(1, 5)]
    assert await transcribed([], (0.0, "ru")) == []
