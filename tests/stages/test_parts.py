"""Cutting regions where speakers change, and parts where they may."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.audio import FRAME_STEP, SAMPLE_RATE
from contracts.speech import SpeechRegion
from stages.parts import CHANGED, LONGEST, PIECE, SHORTEST, Part, change_frames, joined, parts, pieces

NOTHING = np.zeros(0, np.float32)


def region(speakers: str, changes: dict[int, float] | None = None, first_frame: int = 0) -> SpeechRegion:
    """A region from a string of a digit per frame; the samples count up, so that each is known again."""
    share = np.zeros(len(speakers), np.float32)
    for frame, value in (changes or {}).items():
        share[frame] = value
    samples = np.arange(len(speakers) * FRAME_STEP, dtype=np.float32)
    return SpeechRegion(
        0, 1, first_frame, np.array([int(digit) for digit in speakers], np.uint8), share, samples, NOTHING, NOTHING
    )


def burst(seconds: float, level: float = 0.1) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.random.default_rng(0).normal(0, level, int(seconds * SAMPLE_RATE)).astype(np.float32)


def test_a_region_is_cut_where_the_speaker_changes() -> None:
    found = parts(region("1" * 200, {80: 1.0, 150: 0.4}, first_frame=1000))
    assert [(part.start // FRAME_STEP, len(part.samples) // FRAME_STEP) for part in found] == [(1000, 80), (1080, 120)]
    assert {part.channel for part in found} == {1}


def test_where_two_speak_at_once_the_cut_is_in_the_middle() -> None:
    assert change_frames(region("1" * 60 + "2" * 30 + "1" * 60, {60: 1.0, 90: 1.0})) == [75]


def test_an_overlap_in_which_a_third_speaker_joins_is_one_cut() -> None:
    assert change_frames(region("1" * 60 + "2" * 40 + "1" * 60, {60: 1.0, 80: 1.0, 100: 1.0})) == [80]


def test_an_overlap_that_lasts_to_the_end_of_the_region_is_a_part_of_its_own() -> None:
    assert change_frames(region("1" * 60 + "2" * 40, {60: 1.0})) == [60]


def test_a_change_beside_the_edge_of_the_region_is_no_cut() -> None:
    assert change_frames(region("1" * 100, {0: 1.0, 3: 1.0, 97: 1.0})) == []


def test_a_short_region_is_one_part() -> None:
    assert len(parts(region("1" * 8))) == 1


def test_a_part_that_is_too_long_is_cut_in_its_quietest_place() -> None:
    speech = region("1" * 1100)
    quiet = slice(700 * FRAME_STEP, 720 * FRAME_STEP)
    speech.samples[:] = burst(len(speech.samples) / SAMPLE_RATE)[: len(speech.samples)]
    speech.samples[quiet] = 0
    first, second = parts(speech)
    assert quiet.start <= len(first.samples) <= quiet.stop
    assert second.start == first.end


@given(st.data())
def test_parts_are_the_region_without_gap_or_overlap(data: st.DataObject) -> None:
    frames = data.draw(st.integers(8, 1777))
    changes = data.draw(st.dictionaries(st.integers(0, frames - 1), st.floats(0, 1, width=32), max_size=8))
    speakers = data.draw(st.text("12", min_size=frames, max_size=frames)) if frames < 100 else "1" * frames
    whole = region(speakers, changes, first_frame=7)
    found = parts(whole)
    np.testing.assert_array_equal(np.concatenate([part.samples for part in found]), whole.samples)
    assert [part.start for part in found] == [found[0].start, *(part.end for part in found[:-1])]
    assert all(min(SHORTEST, len(whole.samples)) <= len(part.samples) <= LONGEST for part in found)
    split = [piece for part in found for piece in pieces(part)]
    np.testing.assert_array_equal(np.concatenate([piece.samples for piece in split]), whole.samples)


def test_a_part_is_cut_at_a_dip_of_the_level() -> None:
    samples = np.concatenate([burst(2), burst(0.2, 0.001), burst(3)])
    first, second = pieces(Part(0, 100, samples, CHANGED))
    assert len(first.samples) / SAMPLE_RATE == pytest.approx(2.1, abs=0.05)
    assert second.start == 100 + len(first.samples)
    assert first.change > second.change > 0


def test_a_dip_between_syllables_or_beside_the_end_is_no_cut() -> None:
    samples = np.concatenate([burst(0.5), burst(0.2, 0.001), burst(2), burst(0.05, 0.001), burst(2)])
    assert len(pieces(Part(0, 0, samples, CHANGED))) == 1


@pytest.mark.parametrize("level", [0.0, 0.1])
def test_a_part_of_even_level_is_not_cut(level: float) -> None:
    assert len(pieces(Part(0, 0, burst(5, level), CHANGED))) == 1


def test_pieces_of_one_language_are_joined_again() -> None:
    samples = np.concatenate([burst(2), burst(0.2, 0.001), burst(2), burst(0.2, 0.001), burst(2)])
    cut = pieces(Part(0, 100, samples, CHANGED))
    assert len(cut) == 3
    (whole,), languages = joined(cut, ["en", "en", "en"])
    assert (whole.start, languages) == (100, ["en"])
    np.testing.assert_array_equal(whole.samples, samples)
    both, languages = joined(cut, ["en", "en", "ru"])
    assert ([len(part.samples) for part in both], languages) == (
        [both[1].start - 100, len(cut[2].samples)],
        ["en", "ru"],
    )


def test_parts_of_different_speakers_or_with_a_pause_between_them_stay_apart() -> None:
    turns = [Part(0, 0, burst(2), CHANGED), Part(0, 2 * SAMPLE_RATE, burst(2), CHANGED)]
    assert len(joined(turns, ["en", "en"])[0]) == 2
    pause = [Part(0, 0, burst(2), 0.0), Part(0, 3 * SAMPLE_RATE, burst(2), 0.0)]
    assert len(joined(pause, ["en", "en"])[0]) == 2


def test_what_is_joined_is_never_longer_than_a_part_may_be() -> None:
    half = LONGEST // 2 + PIECE
    cut = [Part(0, 0, np.zeros(half, np.float32), 0.0), Part(0, half, np.zeros(half, np.float32), 0.0)]
    assert len(joined(cut, ["en", "en"])[0]) == 2


def test_the_audio_beside_a_region_belongs_to_its_first_and_last_part() -> None:
    inner = region("1" * 200, {80: 1.0}, first_frame=1000)
    before, after = np.full(500, -1, np.float32), np.full(300, -2, np.float32)
    first, second = parts(msgspec.structs.replace(inner, lead=before, trail=after))
    assert first.start == 1000 * FRAME_STEP - 500
    assert second.start == 1080 * FRAME_STEP
    assert second.end == 1200 * FRAME_STEP + 300
    np.testing.assert_array_equal(
        np.concatenate([first.samples, second.samples]), np.concatenate([before, inner.samples, after])
    )
