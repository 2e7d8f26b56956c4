"""Joins words and turns: every word belongs to one speaker, and overlap is kept in the turns."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Final

import numpy as np
import numpy.typing as npt
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from msgspec.structs import replace

from contracts.annotation import AnnotatedSpeech, Segment, Speaker, Turn, Word
from contracts.recognition import UNKNOWN, Evidence, Identified, Recognition
from contracts.speech import Diarization, Reached, SpeakerTurn, TimedWord, Transcript

PAUSE: Final = 1.0
"""Seconds of a speaker's silence that end a segment: about what a subtitle or a reader takes for a new thought."""
LONGEST_SEGMENT: Final = 30.0
"""Seconds after which a segment ends at the next end of a sentence."""
COHERENCE: Final = 0.5
"""Weight of the whole utterance against the single word. An utterance is cut where speakers change, so its words mostly
belong together; where two speak at once this keeps the one who was understood."""
UNSPACED: Final = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages that are written without spaces between words."""
SENTENCE_ENDS: Final = (".", "?", "!", "\u2026", "\u3002")


@dataclass(frozen=True)
class Annotate:
    """Collects the transcripts, the last diarization and the last recognition of a call; sends one AnnotatedSpeech when
    all are complete."""

    two_sided: bool = False
    """Name the side of the call with each speaker."""
    translated: bool = False
    """The words are English, whatever the language of the speech."""

    async def run(
        self,
        receive: ObjectReceiveStream[Transcript | Reached | Diarization | Recognition],
        send: ObjectSendStream[AnnotatedSpeech],
    ) -> None:
        """Memory grows with the number of words and turns only."""
        transcripts: list[Transcript] = []
        turns: tuple[SpeakerTurn, ...] = ()
        known: tuple[Identified, ...] = ()
        end_time = 0.0
        async for item in receive:
            end_time = max(end_time, item.end_time)
            match item:
                case Transcript():
                    transcripts.append(item)
                case Diarization():
                    turns = item.turns
                case Recognition():
                    known = item.speakers
                case Reached():
                    pass  # it was for progress
        await send.send(
            annotated(transcripts, turns, end_time, two_sided=self.two_sided, known=known, translated=self.translated)
        )


def annotated(
    transcripts: Sequence[Transcript],
    turns: Sequence[SpeakerTurn],
    end_time: float,
    *,
    two_sided: bool,
    known: Sequence[Identified] = (),
    translated: bool = False,
) -> AnnotatedSpeech:
    """Give every word to a speaker and group each speaker's words into segments.

    `known`: what recognition says of the speakers of the turns; empty where it did not run. `translated`: the words are
    English.
    """
    unspaced = frozenset() if translated else UNSPACED
    spoken = [transcript for transcript in transcripts if transcript.words]
    turns = _with_unheard(spoken, _joined(turns, known))
    who = {identified.speaker: identified for identified in known}
    owned: dict[int, list[tuple[TimedWord, str]]] = {turn.speaker: [] for turn in turns}
    for transcript in spoken:
        own = [turn for turn in turns if turn.channel == transcript.channel]
        for word, speaker in zip(transcript.words, speakers_of(transcript.words, own), strict=True):
            owned[speaker].append((word, transcript.language))
    starts = np.sort(np.array([word.start_time for transcript in spoken for word in transcript.words]))
    channels = {turn.speaker: turn.channel for turn in turns}
    names = {speaker: f"speaker_{n}" for n, speaker in enumerate(dict.fromkeys(turn.speaker for turn in turns), 1)}
    return AnnotatedSpeech(
        speakers=tuple(
            _named(
                Speaker(
                    speaker_id=name,
                    segments=tuple(
                        segments(sorted(owned[speaker], key=lambda own: own[0].start_time), starts, unspaced)
                    ),
                    channel=channels[speaker] if two_sided else None,
                    identified_as=UNKNOWN if known else None,
                ),
                who.get(speaker),
            )
            for speaker, name in names.items()
        ),
        turns=tuple(Turn(names[turn.speaker], round(turn.start_time, 3), round(turn.end_time, 3)) for turn in turns),
        end_time=end_time,
    )


def _named(speaker: Speaker, identified: Identified | None) -> Speaker:
    if identified is None or identified.name is None:
        return speaker
    probability = round(identified.probability, 4)
    return replace(
        speaker,
        identified_as=identified.name,
        confidence=probability,
        voice_embedding_source=identified.source or None,
        voice_id=identified.voice_id,
        evidence=(Evidence("voice", identified.name, probability, identified.voice_id),),
    )


def _joined(turns: Sequence[SpeakerTurn], known: Sequence[Identified]) -> list[SpeakerTurn]:
    """The turns with those speakers joined who are one known voice."""
    same = {identified.speaker: identified.same_as for identified in known if identified.same_as is not None}
    return [replace(turn, speaker=same.get(turn.speaker, turn.speaker)) for turn in turns]


def _with_unheard(spoken: Sequence[Transcript], turns: Sequence[SpeakerTurn]) -> list[SpeakerTurn]:
    """The turns in time order; a channel with words but without a turn (too little speech for a voiceprint) gets one
    turn of a speaker of its own for each of its utterances, so that no word is left over."""
    heard = {turn.channel for turn in turns}
    unheard = sorted({transcript.channel for transcript in spoken} - heard)
    following = max((turn.speaker for turn in turns), default=-1) + 1
    added = [
        SpeakerTurn(channel, following + n, transcript.words[0].start_time, transcript.words[-1].end_time)
        for n, channel in enumerate(unheard)
        for transcript in spoken
        if transcript.channel == channel
    ]
    return sorted([*turns, *added], key=lambda turn: (turn.start_time, turn.end_time))


def speakers_of(words: Sequence[TimedWord], turns: Sequence[SpeakerTurn]) -> list[int]:
    """The speaker of each word of one utterance: who speaks during most of it, and during the utterance as a whole.

    A word that no turn touches goes to the nearest turn. `turns` must not be empty.
    """
    starts = np.array([turn.start_time for turn in turns])
    ends = np.array([turn.end_time for turn in turns])
    speakers = np.array([turn.speaker for turn in turns])
    shares = np.stack([_shares(word, starts, ends, speakers) for word in words])  # float64 (words, speakers)
    lengths = np.array([word.end_time - word.start_time for word in words])
    whole = lengths @ shares / lengths.sum()
    scores = np.where(shares > 0, shares + COHERENCE * whole, 0.0)
    chosen = [int(n) for n in scores.argmax(axis=1)]
    for n, word in enumerate(words):
        if not shares[n].any():
            distance = np.maximum(starts - word.end_time, word.start_time - ends)
            chosen[n] = int(speakers[distance.argmin()])
    return chosen


def _shares(
    word: TimedWord, starts: npt.NDArray[np.float64], ends: npt.NDArray[np.float64], speakers: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """float64 (speakers,): share of the word's time, 0 to 1, during which each speaker speaks."""
    overlap = np.minimum(word.end_time, ends) - np.maximum(word.start_time, starts)
    return np.bincount(speakers, np.maximum(overlap, 0.0)) / (word.end_time - word.start_time)


def segments(
    words: Sequence[tuple[TimedWord, str]], starts: npt.NDArray[np.float64], unspaced: Collection[str] = UNSPACED
) -> Iterator[Segment]:
    """Group one speaker's words (with their languages, in time order) into segments.

    A segment ends at a pause, at a change of language, where somebody else said a word in between, and at the end of a
    sentence when it has grown long. `starts` (float64, sorted) are the start times of all words of the call. Words of
    the `unspaced` languages are written without spaces between them.
    """
    if not words:
        return
    begin = 0
    for n, ((before, language), (after, following)) in enumerate(pairwise(words), 1):
        interrupted = np.searchsorted(starts, after.start_time) - np.searchsorted(starts, before.end_time) > 0
        complete = before.end_time - words[begin][0].start_time > LONGEST_SEGMENT and before.text.endswith(
            SENTENCE_ENDS
        )
        if after.start_time - before.end_time > PAUSE or language != following or interrupted or complete:
            yield _segment(words[begin:n], unspaced)
            begin = n
    yield _segment(words[begin:], unspaced)


def _segment(words: Sequence[tuple[TimedWord, str]], unspaced: Collection[str]) -> Segment:
    own = tuple(
        Word(word.text, round(word.start_time, 3), round(word.end_time, 3), round(word.confidence, 4))
        for word, _ in words
    )
    return Segment(
        start_time=own[0].start_time,
        end_time=own[-1].end_time,
        text=("" if words[0][1] in unspaced else " ").join(word.word for word in own),
        confidence=round(fmean(word.confidence for word in own), 4),
        language=words[0][1],
        words=own,
    )
