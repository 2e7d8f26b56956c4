"""What the live lane tells, as messages for the client."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final as Constant
from typing import assert_never

from contracts.live import (
    LiveServerMessage,
    LiveWord,
    SpeakerUpdate,
    SpeakerUpdated,
    SpeechEnded,
    SpeechStarted,
    TranscriptFinal,
    TranscriptPartial,
    WarningCode,
)
from contracts.live_notices import live_warning
from contracts.live_speech import (
    Degraded,
    Final,
    Partial,
    Relabelled,
    SpeechBegan,
    SpeechStopped,
)
from contracts.speech import TimedWord
from stages.annotate import UNSPACED

Make = Callable[[int], LiveServerMessage]
"""Makes a message of its `seq`."""
Told = SpeechBegan | SpeechStopped | Partial | Final | Relabelled | Degraded
"""The events that clients are told."""
LEVELS: Constant[tuple[WarningCode, ...]] = ("partials_restored", "partials_reduced", "partials_off")
"""By the level of Degraded."""


def message_of(event: Told, *, words: bool) -> Make:
    """The message for an event; `words`: whether finals list theirs."""
    match event:
        case SpeechBegan(channel=channel, time=time):
            return lambda seq: SpeechStarted(seq=seq, channel=channel, time_ms=milliseconds(time))
        case SpeechStopped(channel=channel, time=time):
            return lambda seq: SpeechEnded(seq=seq, channel=channel, time_ms=milliseconds(time))
        case Partial():
            return lambda seq: _partial(event, seq)
        case Final():
            return lambda seq: _final(event, seq, words=words)
        case Relabelled(speakers=speakers, names=names):
            return lambda seq: SpeakerUpdated(seq=seq, updates=_updates(speakers.items(), names))
        case Degraded(level=level):
            return lambda seq: live_warning(LEVELS[level], seq)
        case _:
            assert_never(event)


def _partial(event: Partial, seq: int) -> TranscriptPartial:
    return TranscriptPartial(
        seq=seq,
        segment_id=segment_id(event.utterance),
        revision=event.revision,
        channel=event.channel,
        start_ms=milliseconds(event.start_time),
        text=event.text,
        speaker_id=None if event.speaker is None else speaker_id(event.speaker),
    )


def _final(event: Final, seq: int, *, words: bool) -> TranscriptFinal:
    return TranscriptFinal(
        seq=seq,
        segment_id=segment_id(event.utterance),
        channel=event.channel,
        start_ms=milliseconds(event.start_time),
        end_ms=milliseconds(event.end_time),
        text=("" if event.language in UNSPACED else " ").join(word.text for word in event.words),
        words=tuple(_word(word) for word in event.words) if words else (),
        speaker_id=speaker_id(event.speaker),
        confidence=event.confidence,
        language=event.language,
        reason=event.reason,
    )


def _word(word: TimedWord) -> LiveWord:
    return LiveWord(
        word=word.text,
        start_ms=milliseconds(word.start_time),
        end_ms=milliseconds(word.end_time),
        confidence=word.confidence,
    )


def _updates(speakers: Iterable[tuple[int, int]], names: Mapping[int, str]) -> tuple[SpeakerUpdate, ...]:
    """One update for each speaker, its segments in order, with its name where the voice is known."""
    by_speaker: dict[int, list[int]] = {}
    for utterance, speaker in speakers:
        by_speaker.setdefault(speaker, []).append(utterance)
    return tuple(
        SpeakerUpdate(
            segment_ids=tuple(map(segment_id, sorted(utterances))),
            speaker_id=speaker_id(speaker),
            name=names.get(speaker),
        )
        for speaker, utterances in sorted(by_speaker.items())
    )


def segment_id(utterance: int) -> str:
    """`segment_1` for the first utterance."""
    return f"segment_{utterance + 1}"


def speaker_id(speaker: int) -> str:
    """`speaker_1` for the first speaker."""
    return f"speaker_{speaker + 1}"


def milliseconds(seconds: float) -> int:
    """Of seconds from the start of the stream."""
    return max(0, round(1000 * seconds))
