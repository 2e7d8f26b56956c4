"""A result with what people have corrected in it."""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from contracts.annotation import Annotation, Segment, Speaker, Turn, Word
from contracts.corrections import Corrections

CERTAIN: Final = 1.0
"""Confidence of what a person wrote."""
Texts = dict[tuple[str, int, int], str]


def corrected(annotation: Annotation, corrections: Corrections) -> Annotation:
    """The result as people have corrected it.

    A speaker who says nothing any more stays, without segments; one who was not there is added. Turns follow the
    segments: what a speaker's turn has in common with a segment that somebody else said is that person's turn.
    """
    if not (corrections.speakers or corrections.segments or corrections.words):
        return annotation
    texts = {(one.speaker_id, one.segment, one.word): one.text for one in corrections.words}
    said_by = {(one.speaker_id, one.segment): one.said_by for one in corrections.segments}
    names = {one.speaker_id: one.name for one in corrections.speakers}
    known = {speaker.speaker_id: speaker for speaker in annotation.speakers}
    known |= {name: Speaker(speaker_id=name, segments=()) for name in (*said_by.values(), *names) if name not in known}
    segments: dict[str, list[Segment]] = {name: [] for name in known}
    for speaker in annotation.speakers:
        for number, segment in enumerate(speaker.segments):
            fixed = _with_texts(segment, speaker.speaker_id, number, texts)
            if fixed is not None:
                segments[said_by.get((speaker.speaker_id, number), speaker.speaker_id)].append(fixed)
    speakers = tuple(
        replace(
            _named(speaker, names.get(name)),
            segments=tuple(sorted(segments[name], key=lambda segment: (segment.start_time, segment.end_time))),
        )
        for name, speaker in known.items()
    )
    words = sum(len(segment.words) for speaker in speakers for segment in speaker.segments)
    metadata = replace(annotation.metadata, speaker_count=len(speakers), word_count=words)
    return Annotation(speakers=speakers, turns=_turns(annotation, said_by), metadata=metadata)


def _named(speaker: Speaker, name: str | None) -> Speaker:
    """The speaker as a person named it: then nothing else that was found speaks for the name."""
    if name is None:
        return speaker
    if name == speaker.identified_as:
        return replace(speaker, confidence=CERTAIN)
    return replace(
        speaker, identified_as=name, confidence=CERTAIN, voice_embedding_source=None, voice_id=None, evidence=()
    )


def _with_texts(segment: Segment, speaker_id: str, number: int, texts: Texts) -> Segment | None:
    """The segment with its words corrected, None where nothing is left of it."""
    found = {index: texts.get((speaker_id, number, index)) for index in range(len(segment.words))}
    if all(text is None for text in found.values()):
        return segment
    words = [
        word if found[index] is None else replace(word, word=found[index] or "", confidence=CERTAIN)
        for index, word in enumerate(segment.words)
    ]
    words = [word for word in words if word.word]
    if not words:
        return None
    gap = "" if segment.text == "".join(word.word for word in segment.words) else " "
    return replace(
        segment,
        start_time=words[0].start_time,
        end_time=words[-1].end_time,
        text=gap.join(word.word for word in words),
        confidence=round(_mean(words), 4),
        words=tuple(words),
    )


def _mean(words: list[Word]) -> float:
    return sum(word.confidence for word in words) / len(words)


def _turns(annotation: Annotation, said_by: dict[tuple[str, int], str]) -> tuple[Turn, ...]:
    """All turns, those within a segment that somebody else said given to that person."""
    moved: dict[str, list[tuple[float, float, str]]] = {}
    for speaker in annotation.speakers:
        for number, segment in enumerate(speaker.segments):
            other = said_by.get((speaker.speaker_id, number))
            if other is not None:
                moved.setdefault(speaker.speaker_id, []).append((segment.start_time, segment.end_time, other))
    if not moved:
        return annotation.turns
    turns = [piece for turn in annotation.turns for piece in _cut(turn, moved.get(turn.speaker_id, []))]
    return tuple(sorted(turns, key=lambda turn: (turn.start_time, turn.end_time)))


def _cut(turn: Turn, moved: list[tuple[float, float, str]]) -> Iterator[Turn]:
    """A turn cut where stretches of it are somebody else's; `moved` in time order."""
    position = turn.start_time
    for start, end, other in moved:
        begin, stop = max(start, position), min(end, turn.end_time)
        if begin >= stop:
            continue
        if begin > position:
            yield Turn(turn.speaker_id, position, begin)
        yield Turn(other, begin, stop)
        position = stop
    if position < turn.end_time:
        yield Turn(turn.speaker_id, position, turn.end_time)
