"""The stage `transcribe` of a live call: with a recogniser that follows a script."""

from collections.abc import Sequence

import pytest
from anyio import CapacityLimiter

from contracts.audio import Samples
from contracts.live_speech import LiveOptions
from contracts.speech import SpeechRegion, Transcript
from models.whisper import Heard, Whisper
from stages.transcribe import Transcribe
from stages.transcribe_live import TranscribeLive
from tests.stages.flow import through
from tests.stages.test_transcribe import Scripted, region, spoken

pytestmark = pytest.mark.anyio


class Prompted(Scripted):
    """Notes what it is told of the words that may come."""

    def __init__(self) -> None:
        super().__init__()
        self.prompts: list[str] = []

    def hear(self, utterances: Sequence[Samples], languages: Sequence[str], silence: int, **more: str) -> list[Heard]:
        self.prompts.append(more["context"])
        return super().hear(utterances, languages, silence)


def stage(model: Whisper, *changes: tuple[float, LiveOptions]) -> TranscribeLive:
    """`changes`: the options, and since when they count."""

    def options(second: float) -> LiveOptions:
        return next(options for since, options in reversed(changes) if since <= second)

    return TranscribeLive(Transcribe(model, CapacityLimiter(1)), options)


async def transcribed(regions: list[SpeechRegion], *changes: tuple[float, str | None]) -> list[tuple[str, list[str]]]:
    """Language and words of each transcript; `changes`: the languages and since when they are spoken."""
    options = [(since, LiveOptions(language=language)) for since, language in changes]
    found = await through(stage(Scripted(), *options), regions)
    return [(item.language, spoken([item])) for item in found if isinstance(item, Transcript)]


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


async def test_the_vocabulary_is_that_of_its_stretch_too() -> None:
    model = Prompted()
    before, after = LiveOptions(vocabulary=("Asterisk", "PBX")), LiveOptions(partials=False)
    await through(stage(model, (0.0, before), (5.0, after)), [region(0, 2, 1), region(4, 4, 2), region(9, 2, 3)])
    assert model.prompts == ["Asterisk, PBX", ""]
