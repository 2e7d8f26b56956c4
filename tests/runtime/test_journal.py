"""The journal of what the networks have computed."""

import errno
import os
from pathlib import Path

import anyio
import numpy as np
import pytest
from msgspec.structs import replace

from contracts.annotation import Annotation
from contracts.options import AnnotateOptions
from models.whisper import Heard
from models.whisper_words import HeardWord
from runtime.call import annotate_call
from runtime.engine import Engine
from runtime.journal import HEADER, KEY, MAGIC, Journal
from runtime.journaled import JournaledWhisper, array, journaled, key_of, packed
from stages.decode import open_audio

RECORDS = [(bytes([n]) * KEY, bytes([n]) * (10 + n)) for n in range(1, 6)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "job.journal"


def written(path: Path) -> None:
    journal = Journal(path)
    for key, answer in RECORDS:
        journal.put(key, answer)
    journal.close()


def test_what_was_put_in_is_there_when_it_is_opened_again(path: Path) -> None:
    written(path)
    journal = Journal(path)
    assert journal.found == len(journal) == 5
    assert [journal.get(key) for key, _ in RECORDS] == [answer for _, answer in RECORDS]
    assert journal.get(b"?" * KEY) is None
    journal.close()


def test_wherever_the_end_was_torn_off_the_records_before_are_there_and_more_can_follow(path: Path) -> None:
    written(path)
    whole = path.read_bytes()
    ends = [len(MAGIC)]
    for _, answer in RECORDS:
        ends.append(ends[-1] + HEADER.size + KEY + len(answer))
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        journal = Journal(path)
        assert journal.found == max(0, sum(end <= length for end in ends) - 1)
        journal.put(*RECORDS[-1])
        journal.close()
        journal = Journal(path)
        assert journal.get(RECORDS[-1][0]) == RECORDS[-1][1]
        journal.close()


def test_a_damaged_record_ends_what_is_believed(path: Path) -> None:
    written(path)
    whole = path.read_bytes()
    for place in range(len(MAGIC), len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        journal = Journal(path)
        for key, answer in RECORDS:
            assert journal.get(key) in {answer, None}
        assert journal.found < len(RECORDS)
        journal.close()


def test_a_file_that_is_no_journal_is_begun_anew(path: Path) -> None:
    path.write_bytes(b"something else" * 100)
    journal = Journal(path)
    assert journal.found == 0
    journal.put(*RECORDS[0])
    journal.close()
    journal = Journal(path)
    assert journal.found == 1
    journal.close()


def test_on_a_full_disk_the_job_goes_on_without_a_journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(path)
    journal.put(*RECORDS[0])
    write = os.pwrite

    def full(descriptor: int, data: bytes, offset: int) -> int:
        write(descriptor, memoryview(data)[:5], offset)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    journal.put(*RECORDS[1])
    monkeypatch.undo()
    journal.put(*RECORDS[2])
    journal.close()
    journal = Journal(path)
    assert [journal.get(key) is not None for key, _ in RECORDS[:3]] == [True, False, False]
    journal.close()


def test_arrays_come_back_bit_by_bit() -> None:
    values = np.array([[0.1, -0.0, np.nan], [np.inf, 1e-45, 3e38]], np.float32)
    again = array(packed(values), np.float32)
    assert again.tobytes() == values.tobytes()
    assert again.shape == values.shape


def test_another_question_has_another_key() -> None:
    values = np.arange(6, dtype=np.float32)
    keys = [
        key_of("segmentation", "a", values),
        key_of("segmentation", "b", values),
        key_of("voiceprint", "a", values),
        key_of("segmentation", "a", values.reshape(2, 3)),
        key_of("segmentation", "a", values[::-1]),
        key_of("segmentation", "a", values[:5]),
    ]
    assert len(set(keys)) == len(keys)
    assert key_of("segmentation", "a", values.copy()) == keys[0]


class Ears:
    """A Whisper that writes down how loud it was, and remembers what it was asked."""

    languages = ("en", "ru")

    def __init__(self) -> None:
        self.asked: list[int] = []

    def detect(self, utterances: list[np.ndarray]) -> np.ndarray:
        self.asked.append(len(utterances))
        return np.array([[float(own[0]), 1.0] for own in utterances])

    def hear(self, utterances: list[np.ndarray], languages: list[str], silence: int, **_: str) -> list[Heard]:
        self.asked.append(len(utterances))
        return [
            Heard(f"{language} {own[0]} {silence}", (HeardWord("word", 0.1, 0.2, 0.3),), -0.1, 0.2)
            for own, language in zip(utterances, languages, strict=True)
        ]


def test_of_a_batch_only_what_is_missing_is_computed_and_the_order_is_kept(path: Path) -> None:
    journal, ears = Journal(path), Ears()
    whisper = JournaledWhisper(ears, journal, "sha")  # type: ignore[arg-type]
    sounds = [np.full(5, value, np.float32) for value in (1, 2, 3, 4)]
    whisper.hear([sounds[1], sounds[3]], ["en", "ru"], 7)
    heard = whisper.hear(sounds, ["en", "en", "en", "ru"], 7)
    assert [own.text for own in heard] == ["en 1.0 7", "en 2.0 7", "en 3.0 7", "ru 4.0 7"]
    assert heard[0].words == (HeardWord("word", 0.1, 0.2, 0.3),)
    assert ears.asked == [2, 2]
    assert whisper.hear([sounds[3]], ["en"], 7)[0].text == "en 4.0 7"
    assert whisper.hear([sounds[3]], ["ru"], 8)[0].text == "ru 4.0 8"
    assert whisper.detect(sounds[:2]).tolist() == whisper.detect(sounds[:2]).tolist() == [[1.0, 1.0], [2.0, 1.0]]
    assert (journal.answered["words"], journal.computed["words"]) == (2, 6)
    journal.close()


async def annotated(engine: Engine, recording: Path) -> Annotation:
    result = await annotate_call(engine, open_audio(recording), AnnotateOptions())
    return replace(result, metadata=replace(result.metadata, processing_time=0.0, real_time_factor=0.0))


async def test_a_run_from_the_journal_gives_the_same_result_and_computes_nothing(
    path: Path, engine: Engine, speech: bytes
) -> None:
    recording = path.with_name("call.wav")
    await anyio.Path(recording).write_bytes(speech)
    plain = await annotated(engine, recording)
    journal = Journal(path)
    assert await annotated(journaled(engine, journal), recording) == plain
    assert journal.answered.total() == 0
    computed = journal.computed.total()
    journal.close()
    journal = Journal(path)
    assert await annotated(journaled(engine, journal), recording) == plain
    assert (journal.answered.total(), journal.computed.total()) == (computed, 0)
    assert plain.metadata.word_count > 3
    journal.close()


async def test_a_run_from_a_part_of_a_journal_gives_the_same_result(path: Path, engine: Engine, speech: bytes) -> None:
    recording = path.with_name("call.wav")
    await anyio.Path(recording).write_bytes(speech)
    plain = await annotated(engine, recording)
    journal = Journal(path)
    await annotated(journaled(engine, journal), recording)
    journal.close()
    whole = await anyio.Path(path).read_bytes()
    await anyio.Path(path).write_bytes(whole[:-1000])
    journal = Journal(path)
    assert await annotated(journaled(engine, journal), recording) == plain
    assert journal.answered.total() > 0
    assert journal.computed.total() > 0
    journal.close()
