"""Examples of what the doors for clients of OpenAI say."""

from typing import Final

from contracts.openai import (
    OpenAIDiarized,
    OpenAILanguage,
    OpenAIModel,
    OpenAIModels,
    OpenAISegment,
    OpenAISpeakerSegment,
    OpenAITranscription,
    OpenAIUsage,
    OpenAIVerbose,
    OpenAIWord,
)

_USAGE: Final = OpenAIUsage(seconds=65.5)
_MODEL: Final = OpenAIModel(id="whisper-1")
_SEGMENT: Final = OpenAISegment(
    id=0,
    seek=40,
    start=0.4,
    end=1.9,
    text="Добро пожаловать.",
    tokens=(3401, 14135, 2147),
    avg_logprob=-0.12,
    compression_ratio=0.8,
)
_EVENTS: Final = """\
data: {"type":"transcript.text.delta","delta":"Добро пожаловать."}

data: {"type":"transcript.text.delta","delta":" Спасибо."}

data: {"type":"transcript.text.done","text":"Добро пожаловать. Спасибо.","languages":[{"code":"ru"}]}

"""
_TEXTS: Final = {
    "txt": "Добро пожаловать. Спасибо.\n",
    "srt": "1\n00:00:00,400 --> 00:00:01,900\nДобро пожаловать.\n",
    "vtt": "WEBVTT\n\n00:00:00.400 --> 00:00:01.900\nДобро пожаловать.\n",
    "events": _EVENTS,
}
_ENGLISH: Final = {
    "txt": "Welcome. Thank you.\n",
    "srt": "1\n00:00:00,400 --> 00:00:01,900\nWelcome.\n",
    "vtt": "WEBVTT\n\n00:00:00.400 --> 00:00:01.900\nWelcome.\n",
}

OPENAI_RESPONSES: Final[dict[tuple[str, int], dict[str, object]]] = {
    ("createTranscription", 200): {
        "json": OpenAITranscription(
            text="Добро пожаловать. Спасибо.", languages=(OpenAILanguage(code="ru"),), usage=_USAGE
        ),
        "verbose_json": OpenAIVerbose(
            task="transcribe",
            language="russian",
            duration=65.5,
            text="Добро пожаловать.",
            segments=(_SEGMENT,),
            words=(OpenAIWord(word="Добро", start=0.4, end=0.9), OpenAIWord(word="пожаловать.", start=0.9, end=1.9)),
            usage=_USAGE,
        ),
        "diarized_json": OpenAIDiarized(
            duration=65.5,
            text="Добро пожаловать. Спасибо.",
            segments=(
                OpenAISpeakerSegment(id="seg_001", start=0.4, end=1.9, text="Добро пожаловать.", speaker="Иван Петров"),
                OpenAISpeakerSegment(id="seg_002", start=2.3, end=3.1, text="Спасибо.", speaker="speaker_2"),
            ),
            usage=_USAGE,
        ),
        **_TEXTS,
    },
    ("createTranslation", 200): {
        "json": OpenAITranscription(text="Welcome. Thank you.", languages=(OpenAILanguage(code="ru"),), usage=_USAGE),
        "verbose_json": OpenAIVerbose(
            task="translate", language="english", duration=65.5, text="Welcome.", segments=(), usage=_USAGE
        ),
        **_ENGLISH,
    },
    ("listModels", 200): {"models": OpenAIModels(data=(_MODEL, OpenAIModel(id="whisper-base")))},
    ("getModel", 200): {"model": _MODEL},
}
OPENAI_SPECIAL_DETAILS: Final[dict[str, dict[str, str | float]]] = {
    "MODEL_NOT_FOUND": {"model": "gpt-9", "allowed": "whisper-1, whisper-base"},
    "NO_TRANSLATION": {"model": "whisper-tiny.en", "allowed": "whisper-base, whisper-tiny"},
}
