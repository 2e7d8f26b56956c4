"""How the figures are computed; the definitions that the tables name.

DER: pyannote.metrics, no collar, overlap scored, over the whole recording. WER (jiwer) and cpWER (meeteval): lower
case, punctuation off, e for yo, over the whole call.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain

import jiwer
import meeteval
from msgspec import Struct
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate

from benchmarks.protocol import Turn, Word


class DiarizationScore(Struct, frozen=True):
    """Errors of one recording, or of several added up."""

    error: float
    """Seconds of speech missed, invented or given to the wrong speaker."""
    total: float
    """Seconds of speech in the reference, overlap counted once per speaker."""
    found: int
    """Speakers in the output; of several recordings: those with the right number."""
    expected: int
    """Speakers in the reference; of several recordings: all of them."""

    @property
    def rate(self) -> float:
        """The diarization error rate, 0 or more."""
        return self.error / self.total if self.total else 0.0


class WordScore(Struct, frozen=True):
    """Errors of one recording's words, or of several added up."""

    errors: int
    """Words substituted, deleted or inserted."""
    total: int
    """Words in the reference."""

    @property
    def rate(self) -> float:
        """The word error rate, 0 or more."""
        return self.errors / self.total if self.total else 0.0


def diarization_error(reference: Sequence[Turn], found: Sequence[Turn], duration: float) -> DiarizationScore:
    """The score of one recording that lasts `duration` seconds."""
    parts = DiarizationErrorRate(collar=0.0, skip_overlap=False).compute_components(
        _annotation(reference), _annotation(found), uem=Timeline([Segment(0, duration)])
    )
    return DiarizationScore(
        error=parts["missed detection"] + parts["false alarm"] + parts["confusion"],
        total=parts["total"],
        found=len({turn.speaker for turn in found}),
        expected=len({turn.speaker for turn in reference}),
    )


def diarization_errors(scores: Sequence[DiarizationScore]) -> DiarizationScore:
    """All recordings as one."""
    return DiarizationScore(
        error=sum(score.error for score in scores),
        total=sum(score.total for score in scores),
        found=sum(score.found == score.expected for score in scores),
        expected=len(scores),
    )


def word_errors(scores: Sequence[WordScore]) -> WordScore:
    """All recordings as one."""
    return WordScore(sum(score.errors for score in scores), sum(score.total for score in scores))


def _annotation(turns: Iterable[Turn]) -> Annotation:
    annotation = Annotation()
    for number, turn in enumerate(turns):
        if turn.end > turn.start:
            annotation[Segment(turn.start, turn.end), number] = turn.speaker
    return annotation


def normalised(text: str) -> str:
    """Lower case, e for yo, a space for whatever is neither letter nor digit, words apart by one space."""
    return " ".join(re.sub(r"[^\w\s]|_", " ", unicodedata.normalize("NFC", text).lower().replace("ё", "е")).split())


def word_error(reference: Iterable[str], words: Iterable[Word]) -> WordScore:
    """WER of one recording: the sentences of the reference in their order against the words in the order of time."""
    expected = normalised(" ".join(reference))
    found = normalised(" ".join(word.text for word in in_time_order(words)))
    counts = jiwer.process_words(expected, found)
    return WordScore(
        counts.substitutions + counts.deletions + counts.insertions,
        counts.hits + counts.substitutions + counts.deletions,
    )


def speaker_word_error(reference: Iterable[tuple[str, str]], words: Iterable[Word]) -> WordScore:
    """cpWER of one recording: (speaker, sentence) pairs in the order of time against the words and their speakers.

    The words of each speaker are put together, and speakers paired so that the errors are fewest
    (Watanabe et al., "CHiME-6 challenge", 2020).
    """
    rate = meeteval.wer.cp_word_error_rate(
        _per_speaker(reference),
        _per_speaker((word.speaker, word.text) for word in in_time_order(words)),
        reference_sort=False,
        hypothesis_sort=False,
    )
    return WordScore(rate.errors, rate.length)


def in_time_order(words: Iterable[Word]) -> list[Word]:
    """By the start; words that start together stay in their order."""
    return sorted(words, key=lambda word: word.start)


def _per_speaker(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    texts = defaultdict(list)
    for speaker, text in pairs:
        texts[speaker].append(text)
    return {speaker: normalised(" ".join(said)) for speaker, said in texts.items()}


def count(words: Iterable[Word]) -> int:
    """Words as WER counts them: what is only punctuation is none."""
    return len(list(chain.from_iterable(normalised(word.text).split() for word in words)))
