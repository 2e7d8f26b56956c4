"""An annotation in the formats of OpenAI's audio interface."""

import zlib
from collections.abc import Sequence
from math import log
from statistics import fmean
from typing import Final

import msgspec
from msgspec import UNSET

from contracts.annotation import Annotation, Segment, Speaker
from contracts.openai import (
    OpenAIDiarized,
    OpenAILanguage,
    OpenAISegment,
    OpenAISpeakerSegment,
    OpenAITranscription,
    OpenAITranscriptionForm,
    OpenAITranslationForm,
    OpenAIUsage,
    OpenAIVerbose,
    OpenAIWord,
)
from contracts.openai_languages import LANGUAGE_NAMES
from web import subtitles
from web.labels import label, labelled_segments

AnyForm = OpenAITranscriptionForm | OpenAITranslationForm
LEAST: Final = 1e-6
"""Confidence that counts for less."""


def rendered(annotation: Annotation, form: AnyForm, tokens: Sequence[Sequence[int]]) -> bytes:
    """The annotation in the format that a form asks for; `tokens` of every segment, for `verbose_json`."""
    match form.response_format:
        case "text":
            return f"{text_of(annotation)}\n".encode()
        case "srt":
            return subtitles.srt(annotation, labelled=False).encode()
        case "vtt":
            return subtitles.vtt(annotation, labelled=False).encode()
        case "verbose_json":
            return msgspec.json.encode(verbose(annotation, form, tokens))
        case "diarized_json":
            assert isinstance(form, OpenAITranscriptionForm)  # a translation has no such format
            return msgspec.json.encode(diarized(annotation, form.known_speaker_names))
    return msgspec.json.encode(
        OpenAITranscription(text=text_of(annotation), languages=languages_of(annotation), usage=_usage(annotation))
    )


def text_of(annotation: Annotation) -> str:
    """All that is said, in the order of time."""
    return " ".join(segment.text for _, segment in labelled_segments(annotation))


def languages_of(annotation: Annotation) -> tuple[OpenAILanguage, ...]:
    """Those of the speech, the one with most words first."""
    return tuple(OpenAILanguage(code=code) for code in annotation.metadata.languages)


def verbose(annotation: Annotation, form: AnyForm, tokens: Sequence[Sequence[int]]) -> OpenAIVerbose:
    """With segments, words, or both."""
    segments = [segment for _, segment in labelled_segments(annotation)]
    wanted = form.timestamp_granularities if isinstance(form, OpenAITranscriptionForm) else ()
    words = [word for segment in segments for word in segment.words]
    translated = isinstance(form, OpenAITranslationForm)
    heard = next(iter(annotation.metadata.languages), "unknown")
    return OpenAIVerbose(
        task="translate" if translated else "transcribe",
        language="english" if translated else LANGUAGE_NAMES.get(heard, heard),
        duration=annotation.metadata.total_duration,
        text=text_of(annotation),
        segments=tuple(_segment(n, segment, tokens[n]) for n, segment in enumerate(segments))
        if "segment" in wanted or not wanted
        else UNSET,
        words=tuple(
            OpenAIWord(word=word.word, start=word.start_time, end=word.end_time)
            for word in sorted(words, key=lambda word: word.start_time)
        )
        if "word" in wanted
        else UNSET,
        usage=_usage(annotation),
    )


def diarized(annotation: Annotation, names: Sequence[str]) -> OpenAIDiarized:
    """With the speakers; of known voices only those with these names are named, or all."""
    return OpenAIDiarized(
        duration=annotation.metadata.total_duration,
        text=text_of(annotation),
        segments=speaker_segments(annotation, names),
        usage=_usage(annotation),
    )


def speaker_segments(annotation: Annotation, names: Sequence[str]) -> tuple[OpenAISpeakerSegment, ...]:
    """Every segment with its speaker, in the order of time."""
    wanted = {name.casefold() for name in names}
    said = [(_called(speaker, wanted), segment) for speaker in annotation.speakers for segment in speaker.segments]
    said.sort(key=lambda item: (item[1].start_time, item[1].end_time))
    return tuple(
        OpenAISpeakerSegment(
            id=f"seg_{n:03d}", start=segment.start_time, end=segment.end_time, text=segment.text, speaker=speaker
        )
        for n, (speaker, segment) in enumerate(said, 1)
    )


def _called(speaker: Speaker, wanted: set[str]) -> str:
    name = label(speaker)
    return name if not wanted or name.casefold() in wanted else speaker.speaker_id


def _segment(number: int, segment: Segment, tokens: Sequence[int]) -> OpenAISegment:
    text = segment.text.encode()
    return OpenAISegment(
        id=number,
        seek=round(segment.start_time * 100),
        start=segment.start_time,
        end=segment.end_time,
        text=segment.text,
        tokens=tuple(tokens),
        avg_logprob=round(fmean(log(max(word.confidence, LEAST)) for word in segment.words), 4),
        compression_ratio=round(len(text) / len(zlib.compress(text)), 4),
    )


def _usage(annotation: Annotation) -> OpenAIUsage:
    return OpenAIUsage(seconds=annotation.metadata.total_duration)
