"""The stage `transcribe`: with a recogniser that follows a script, and with whisper-base on the sample call."""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from threading import Event, Lock

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
from anyio import CapacityLimiter, create_memory_object_stream, create_task_group, fail_after

from contracts.audio import FRAME_STEP, SAMPLE_RATE, Samples
from contracts.speech import Reached, SpeechRegion, Transcript
from models.store import ensure
from models.whisper import LONGEST, Heard, Whisper, filled
from models.whisper_words import HeardWord
from stages.transcribe import BATCH, ONE, Transcribe, batches

NOTHING = np.zeros(0, np.float32)

pytestmark = pytest.mark.anyio


class Scripted(Whisper):
    """Hears a word in every stretch of one level, named after the level; the language is Russian below zero."""

    filler = "".join(map(chr, np.random.default_rng(0).integers(97, 123, 200)))

    def __init__(self, forgets: Sequence[int] = (), loops: Sequence[int] = (), unsure: Sequence[int] = ()) -> None:
        self.languages = ("en", "ru")  # type: ignore[misc]
        self.calls: list[list[float]] = []
        """Seconds of what was heard in each call."""
        self.forgets, self.loops, self.unsure = forgets, loops, unsure
        """Levels that are left out, repeated without end, or made up, where they are heard with others."""
        self.lock, self.at_work, self.most_at_work = Lock(), 0, 0

    def detect(self, utterances: Sequence[Samples]) -> npt.NDArray[np.float64]:
        return np.array([[0.02, 0.98] if samples.min() < 0 else [0.98, 0.02] for samples in utterances])

    def hear(self, utterances: Sequence[Samples], languages: Sequence[str], silence: int, **_: str) -> list[Heard]:
        assert len(utterances) == len(languages)
        assert silence > 0
        with self.lock:
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
            self.calls.append([len(samples) / SAMPLE_RATE for samples in utterances])
        heard = [self._hear(samples) for samples in utterances]
        with self.lock:
            self.at_work -= 1
        return heard

    def _hear(self, samples: Samples) -> Heard:
        edges = [0, *(np.flatnonzero(np.diff(samples)) + 1).tolist(), len(samples)]
        spans = [(a / SAMPLE_RATE, b / SAMPLE_RATE, int(samples[a])) for a, b in pairwise(edges) if samples[a]]
        together = len(spans) > 1
        words = tuple(
            HeardWord(f"{level:<99}", begin, end, 0.9)  # as long as a word that lasts for seconds
            for begin, end, level in spans
            if not (together and level in self.forgets)
        )
        # A word says little for its time: the rest of the text makes up for that.
        text = " ".join(word.text.strip() for word in words) + self.filler[: 5 * len(samples) // SAMPLE_RATE]
        if any(level in self.loops for _, _, level in spans) and together:
            text *= 100
        doubt = -2.0 if any(level in self.unsure for _, _, level in spans) else -0.2
        return Heard(text, words, doubt, 0.1)


def region(start: float, seconds: float, level: int, channel: int = 0) -> SpeechRegion:
    frames = int(seconds * SAMPLE_RATE) // FRAME_STEP
    return SpeechRegion(
        0,
        channel,
        int(start * SAMPLE_RATE) // FRAME_STEP,
        np.ones(frames, np.uint8),
        np.zeros(frames, np.float32),
        np.full(frames * FRAME_STEP, level, np.float32),
        lead=NOTHING,
        trail=NOTHING,
    )


async def transcribed(
    model: Whisper, regions: Sequence[SpeechRegion], language: str | None = None, tokens: int = 2
) -> list[Transcript]:
    send, receive = create_memory_object_stream[SpeechRegion](math.inf)
    out, found = create_memory_object_stream[Transcript | Reached](math.inf)
    for item in regions:
        send.send_nowait(item)
    send.close()
    with fail_after(120), receive, out, found:
        await Transcribe(model, CapacityLimiter(tokens), language).run(receive, out)
        out.close()
        return [message async for message in found if isinstance(message, Transcript)]


def spoken(transcripts: Sequence[Transcript]) -> list[str]:
    return [word.text.strip() for transcript in transcripts for word in transcript.words]


async def test_every_word_gets_its_time_in_the_call_and_its_language() -> None:
    found = await transcribed(Scripted(), [region(10, 2, 1), region(13, 3, -2), region(20, 2, 3)])
    assert [(transcript.language, spoken([transcript])) for transcript in found] == [
        ("en", ["1"]),
        ("ru", ["-2"]),
        ("en", ["3"]),
    ]
    for transcript, begin, end in zip(found, [10, 13, 20], [12, 16, 22], strict=True):
        (word,) = transcript.words
        assert word.start_time == pytest.approx(begin, abs=0.05)
        assert word.end_time == pytest.approx(end, abs=0.05)
        assert transcript.end_time == pytest.approx(word.end_time)


async def test_a_given_language_is_not_questioned() -> None:
    found = await transcribed(Scripted(), [region(0, 2, 1), region(3, 2, -2)], language="en")
    assert {transcript.language for transcript in found} == {"en"}


async def test_what_is_left_out_in_a_window_is_heard_again_alone() -> None:
    model = Scripted(forgets=[3])
    found = await transcribed(model, [region(4 * n, 3, n) for n in range(1, 5)])
    assert spoken(found) == ["1", "2", "3", "4"]
    assert model.calls[1:] == [[pytest.approx(3, abs=0.05)]]


async def test_what_is_left_out_within_a_part_is_heard_again_alone_in_its_own_language() -> None:
    seconds = [region(10, 3, 1).samples, region(0, 3, -3).samples, region(0, 3, 1).samples]
    whole = msgspec.structs.replace(
        region(10, 9, 1),
        samples=np.concatenate(seconds),
        speakers=np.ones(len(np.concatenate(seconds)) // FRAME_STEP, np.uint8),
    )
    found = await transcribed(Scripted(forgets=[-3]), [region(1, 3, 1), whole, region(30, 3, 1)], "en")
    assert [spoken([transcript]) for transcript in found] == [["1"], ["-3"], ["1", "1"], ["1"]]


async def test_the_parts_of_a_window_that_loops_are_heard_again_each_alone() -> None:
    found = await transcribed(Scripted(loops=[3]), [region(4 * n, 3, n) for n in range(1, 5)])
    assert spoken(found) == ["1", "2", "3", "4"]


async def test_what_the_model_is_not_sure_of_even_alone_is_left_out() -> None:
    found = await transcribed(Scripted(unsure=[3]), [region(4 * n, 3, n) for n in range(1, 5)])
    assert spoken(found) == ["1", "2", "4"]


async def test_a_call_without_speech_has_no_transcript() -> None:
    assert await transcribed(Scripted(), []) == []


async def test_a_call_of_any_length_is_heard_in_bounded_batches_to_its_last_word() -> None:
    model = Scripted()
    found = await transcribed(model, [region(8 * n, 7, n) for n in range(1, 101)])
    assert spoken(found) == [str(n) for n in range(1, 101)]
    assert all(sum(call) * SAMPLE_RATE <= BATCH for call in model.calls)


async def test_the_first_words_come_before_the_last_region_is_known() -> None:
    send, receive = create_memory_object_stream[SpeechRegion](math.inf)
    out, found = create_memory_object_stream[Transcript | Reached](math.inf)
    with fail_after(60), receive, out, found, send:
        async with create_task_group() as tasks:
            tasks.start_soon(Transcribe(Scripted(), CapacityLimiter(1)).run, receive, out)
            for n in range(1, 61):
                send.send_nowait(region(8 * n, 7, n))
            while not isinstance(message := await found.receive(), Transcript):
                pass
            assert spoken([message]) == ["1"]
            tasks.cancel_scope.cancel()


async def test_how_far_it_is_is_told_from_the_start_after_every_batch() -> None:
    send, receive = create_memory_object_stream[SpeechRegion](math.inf)
    out, found = create_memory_object_stream[Transcript | Reached](math.inf)
    for n in range(1, 16):
        send.send_nowait(region(8 * n, 7, n))
    send.close()
    with fail_after(60), receive, out, found:
        await Transcribe(Scripted(), CapacityLimiter(1)).run(receive, out)
        out.close()
        told = [message.end_time async for message in found if isinstance(message, Reached)]
    assert told[0] == 0
    assert told == sorted(set(told))
    assert any(30 < end_time < 100 for end_time in told)
    assert told[-1] == pytest.approx(127, abs=0.1)


async def test_the_languages_of_what_follows_are_told_while_windows_are_heard() -> None:
    told = Event()

    class Waiting(Scripted):
        def detect(self, utterances: Sequence[Samples]) -> npt.NDArray[np.float64]:
            if any(samples.max() == 2 for samples in utterances):
                told.set()
            return super().detect(utterances)

        def hear(self, utterances: Sequence[Samples], languages: Sequence[str], silence: int, **_: str) -> list[Heard]:
            assert told.wait(60)
            return super().hear(utterances, languages, silence)

    regions = [region(10 * n, 9, 1 if n < 21 else 2) for n in range(25)]
    assert spoken(await transcribed(Waiting(), regions, tokens=16)) == ["1"] * 21 + ["2"] * 4


async def test_the_order_in_which_the_channels_arrive_makes_no_difference() -> None:
    left = [region(8 * n, 4, n, channel=0) for n in range(1, 60)]
    right = [region(8 * n + 5, 2, -n, channel=1) for n in range(1, 60)]
    mixed = [item for pair in zip(left, right, strict=True) for item in pair]

    def words(transcripts: Sequence[Transcript], channel: int) -> list[Transcript]:
        return [transcript for transcript in transcripts if transcript.channel == channel]

    together, apart = [await transcribed(Scripted(), order) for order in (mixed, [*right, *left])]
    for channel in (0, 1):
        assert words(together, channel) == words(apart, channel)


@pytest.mark.parametrize("tokens", [1, 2])
async def test_as_many_batches_are_at_work_as_the_limiter_allows(tokens: int) -> None:
    class Meeting(Scripted):
        """Waits in the first call until as many calls have come as may."""

        met = Event()

        def _hear(self, samples: Samples) -> Heard:
            if self.at_work == tokens:
                self.met.set()
            assert self.met.wait(30)
            return super()._hear(samples)

    model = Meeting()
    await transcribed(model, [region(20 * n, 14, n) for n in range(1, 14)], tokens=tokens)
    assert model.most_at_work == tokens


async def test_a_failure_of_the_model_reaches_the_caller() -> None:
    class Broken(Scripted):
        def _hear(self, _: Samples) -> Heard:
            raise RuntimeError("broken weights")

    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="broken weights"), flatten_subgroups=True):
        await transcribed(Broken(), [region(0, 2, 1)])


@pytest.fixture(scope="module")
def whisper() -> Whisper:
    return Whisper(ensure("whisper-base", "transcription").path, 1, parallel=2)


def speech(samples: Samples, turns: Sequence[tuple[float, float]]) -> list[SpeechRegion]:
    """The regions of a call from the times (s) of its turns."""
    regions: list[SpeechRegion] = []
    for start, end in turns:
        first, last = int((start - 0.1) * SAMPLE_RATE) // FRAME_STEP, int((end + 0.1) * SAMPLE_RATE) // FRAME_STEP
        cut = samples[first * FRAME_STEP : last * FRAME_STEP]
        frames = -(-len(cut) // FRAME_STEP)
        regions.append(
            SpeechRegion(
                len(regions), 0, first, np.ones(frames, np.uint8), np.zeros(frames, np.float32), cut, NOTHING, NOTHING
            )
        )
    return regions


@pytest.fixture(scope="module")
def call(sample_call: Path) -> tuple[list[SpeechRegion], list[str]]:
    """The sample call: its regions, and the language of each."""
    audio, rate = soundfile.read(sample_call, dtype="float32", always_2d=True)
    samples = np.asarray(soxr.resample(audio.mean(axis=1), rate, SAMPLE_RATE), np.float32)
    rows = [line.split() for line in sample_call.with_suffix(".rttm").read_text().splitlines()]
    turns = [(float(row[3]), float(row[3]) + float(row[4])) for row in rows]
    return speech(samples, turns), ["ru" if "Ivr" in row[7] else "en" for row in rows]


async def test_the_sample_call_is_written_down(whisper: Whisper, call: tuple[list[SpeechRegion], list[str]]) -> None:
    regions, languages = call
    found = await transcribed(whisper, regions)
    assert [transcript.language for transcript in sorted(found, key=lambda own: own.end_time)] == languages
    text = " ".join(spoken(found)).lower()
    assert "that feature is not available on this line." in text
    assert "to decrease the audio volume from other participants" in text
    assert "одно или несколько ключевых слов" in text
    for transcript in found:
        for word in transcript.words:
            assert word.start_time < word.end_time <= transcript.end_time
            assert 0 < word.confidence <= 1
        assert all(before.end_time <= after.start_time for before, after in pairwise(transcript.words))
    assert await transcribed(whisper, regions) == found


def test_what_is_heard_of_an_utterance_does_not_depend_on_its_batch(
    whisper: Whisper, call: tuple[list[SpeechRegion], list[str]]
) -> None:
    regions, spoken_languages = call
    chosen = [n for n, own in enumerate(regions) if 2 * SAMPLE_RATE <= len(own.samples) < 5 * SAMPLE_RATE]
    utterances = [regions[n].samples[: 9 * SAMPLE_RATE // 2] for n in chosen]
    languages = [spoken_languages[n] for n in chosen]
    assert len({len(samples) for samples in utterances}) > 2
    together = whisper.hear(utterances, languages, LONGEST)
    assert together == [
        whisper.hear([samples], [language], LONGEST)[0] for samples, language in zip(utterances, languages, strict=True)
    ]


def test_the_language_of_an_utterance_does_not_depend_on_its_batch(
    whisper: Whisper, call: tuple[list[SpeechRegion], list[str]]
) -> None:
    utterances = [own.samples[: 4 * SAMPLE_RATE] for own in call[0]]
    together = whisper.detect(utterances)
    assert np.array_equal(together, np.concatenate([whisper.detect([samples]) for samples in utterances]))
    assert {whisper.languages[n] for n in together.argmax(axis=1)} >= set(call[1])


def test_every_thread_gets_as_many_batches() -> None:
    second = SAMPLE_RATE
    assert batches([30 * second] * 6, 2) == [[0, 1], [2, 3], [4], [5]]
    assert batches([30 * second] * 5, 2) == [[0, 1], [2], [4], [3]]
    assert batches([25 * second, *[30 * second] * 3, *[5 * second] * 12], 1)[:2] == [
        [1, 2],
        [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    ]
    assert batches([30 * second, 20 * second], 2) == [[0], [1]]
    assert sorted(n for batch in batches([5 * second] * 40, 3) for n in batch) == list(range(40))


def test_beside_a_live_call_windows_are_heard_one_at_a_time() -> None:
    second = SAMPLE_RATE
    assert batches([30 * second, 20 * second, 20 * second], 1, ONE) == [[0], [1], [2]]
    assert batches([10 * second] * 4, 1, ONE) == [[0, 1, 2], [3]]


def test_an_utterance_is_filled_with_the_silence_asked_for_to_a_common_length() -> None:
    second = SAMPLE_RATE
    assert filled(4 * second, 3 * second) == filled(int(2.1 * second), 3 * second) == 7.5 * second
    assert filled(29 * second, 3 * second) == 30 * second


@pytest.mark.parametrize("level", [0.0, 10 ** (-30 / 20)])
@pytest.mark.parametrize("language", [None, "en", "ru"])
async def test_silence_and_noise_hold_no_word(whisper: Whisper, level: float, language: str | None) -> None:
    samples = np.random.default_rng(5).normal(0, level, 20 * SAMPLE_RATE).astype(np.float32)
    assert spoken(await transcribed(whisper, speech(samples, [(1, 4), (5, 19)]), language)) == []
