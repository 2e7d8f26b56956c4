"""whisper-base on utterances of a live call, heard behind what was said before."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from contracts.audio import SAMPLE_RATE, Samples
from models.store import ensure
from models.whisper import Before, Whisper, repeats

SAMPLE = Path(__file__).parents[1] / "data" / "sample.flac"
SILENCE = 3 * SAMPLE_RATE
FIRST, SECOND = (0.9, 4.1), (12.9, 18.6)
"""Seconds of two turns of the sample call, both English and of one voice."""


@pytest.fixture(scope="module")
def whisper() -> Whisper:
    return Whisper(ensure("whisper-base", "transcription").path, 1)


@pytest.fixture(scope="module")
def call() -> Samples:
    samples, rate = soundfile.read(SAMPLE, dtype="float32")
    resampled: Samples = soxr.resample(samples, rate, SAMPLE_RATE).astype(np.float32)
    return resampled


def cut(call: Samples, span: tuple[float, float]) -> Samples:
    return call[round(span[0] * SAMPLE_RATE) : round(span[1] * SAMPLE_RATE)]


def said(whisper: Whisper, call: Samples) -> Before:
    """The first turn, with the silence that follows it."""
    _, heard = whisper.hear_live(cut(call, FIRST), "en", SILENCE)
    return Before(np.concatenate([cut(call, FIRST), np.zeros(SAMPLE_RATE, np.float32)]), heard.tokens)


class StopsEarly:
    """The model, which stops after a second where it is asked to begin at a time."""

    def __init__(self, model: Any, untimed: int) -> None:
        self.model, self.untimed, self.prompts = model, untimed, []  # type: ignore[var-annotated]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def generate(self, features: Any, prompts: list[list[int]], **options: Any) -> Any:
        self.prompts.append(prompts[0])
        results = self.model.generate(features, prompts, **options)
        start = prompts[0][-1]
        if start == self.untimed:
            return results
        (whole,) = results
        early = [start, *whole.sequences_ids[0][1:3], start + 50]
        return [SimpleNamespace(sequences_ids=[early], scores=whole.scores, no_speech_prob=whole.no_speech_prob)]


def test_behind_what_was_said_only_what_follows_is_heard(whisper: Whisper, call: Samples) -> None:
    language, heard = whisper.hear_live(cut(call, SECOND), "en", SILENCE, before=said(whisper, call))
    assert language == "en"
    assert heard.text.startswith("Your message has been saved")
    assert "feature" not in heard.text
    assert heard.log_probability > -1


def test_its_words_lie_within_the_utterance_in_the_order_of_time(whisper: Whisper, call: Samples) -> None:
    _, heard = whisper.hear_live(cut(call, SECOND), "en", SILENCE, before=said(whisper, call))
    times = [time for word in heard.words for time in (word.start, word.end)]
    assert " ".join(word.text for word in heard.words) == heard.text
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= SECOND[1] - SECOND[0]


def test_what_stops_before_the_utterance_ends_is_heard_again_alone(
    whisper: Whisper, call: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = said(whisper, call)
    alone = whisper.hear_live(cut(call, SECOND), "en", SILENCE)[1]
    model = StopsEarly(whisper._model, whisper._vocabulary.untimed)
    monkeypatch.setattr(whisper, "_model", model)
    assert whisper.hear_live(cut(call, SECOND), "en", SILENCE, before=before)[1].text == alone.text
    assert [prompt[-1] == model.untimed for prompt in model.prompts] == [False, True]


@pytest.mark.parametrize(
    ("text", "before", "found"),
    [
        (" Press star to cancel this message.", " To mute yourself. Press star to cancel this message.", True),
        (" Press star to cancel.", " press Star to cancel, please", True),
        (" You are about to enter an echo test. Press star to cancel this message.", " Press star to cancel it.", True),
        (" Yes.", " Yes.", False),
        (" You have pressed a star.", " Press star to cancel this message.", False),
        (" Нажмите клавишу решётка.", " Введите пароль и нажмите клавишу решётка.", True),
        (" Starting.", " It is starting now, or restarting.", True),
        (" Start now.", " It will restart now.", False),
        ("", " Press star.", False),
        (" Press star to cancel.", "", False),
    ],
)
def test_text_that_was_said_before_is_told_from_what_follows(text: str, before: str, found: bool) -> None:
    assert repeats(text, before) is found


def test_more_threads_hear_the_same_to_the_last_bit(whisper: Whisper, call: Samples) -> None:
    wide = Whisper(ensure("whisper-base", "transcription").path, 2)
    before = said(whisper, call)
    for beam in (1, 5):
        narrow, alone = (
            model.hear_live(cut(call, SECOND), "en", SILENCE, beam=beam, before=before) for model in (whisper, wide)
        )
        assert narrow == alone
        assert narrow[1].words
