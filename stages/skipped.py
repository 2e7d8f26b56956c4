"""Speech that the decoder passed over within a part.

Mostly somebody else's, in another language, who neither a pause nor the segmentation told apart: the decoder follows
one speaker, and the alignment stretches a word of theirs over the other.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from contracts.audio import SAMPLE_RATE
from contracts.speech import TimedWord, Transcript
from models.whisper_words import pauses
from stages.parts import Part

SHORTEST: Final = 1.2
"""Seconds of sound at least; less holds a word or two, which would not be sure enough to be trusted."""
LEAST, PER_CHARACTER = 0.2, 0.1
"""Seconds that a slowly spoken word lasts at most: so many, and so many for each character. These are its last ones,
because the alignment counts what comes before a word to it."""


def skipped(part: Part, words: Sequence[TimedWord]) -> list[Part]:
    """The stretches of a part in which there is sound but no word, without the silence at their ends.

    `words` are those of the part, in the order of time.
    """
    longest = [LEAST + PER_CHARACTER * len(word.text) for word in words]
    covered = [
        (max(word.start_time, word.end_time - length), word.end_time)
        for word, length in zip(words, longest, strict=True)
    ]
    edges = [(0.0, part.start / SAMPLE_RATE), *covered, (part.end / SAMPLE_RATE, 0.0)]
    quiet = [(begin + part.start / SAMPLE_RATE, end + part.start / SAMPLE_RATE) for begin, end in pauses(part.samples)]
    found: list[Part] = []
    for (_, begin), (end, _) in pairwise(edges):
        within = [(max(begin, first), min(end, last)) for first, last in quiet if last > begin and first < end]
        if end - begin - sum(last - first for first, last in within) < SHORTEST:
            continue
        first = within[0][1] if within and within[0][0] == begin else begin
        last = within[-1][0] if within and within[-1][1] == end else end
        bounds = [round(edge * SAMPLE_RATE) - part.start for edge in (first, last)]
        found.append(part.cut(bounds, [part.change] * 2)[1])
    return found


def without(transcript: Transcript, part: Part) -> Transcript:
    """Let the words that were stretched over a skipped part begin after it."""
    end = part.end / SAMPLE_RATE
    words = (
        replace(word, start_time=end) if word.start_time < end < word.end_time else word for word in transcript.words
    )
    return replace(transcript, words=tuple(words)) if transcript.channel == part.channel else transcript
