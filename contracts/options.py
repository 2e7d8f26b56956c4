"""What a user may choose for one call; the same for every front door."""

from typing import Final, Literal

from msgspec import Struct

ChannelMode = Literal["auto", "mono", "two-sided"]
Engine = Literal["onnx", "pyannote"]
DeliveryState = Literal["pending", "delivered", "dead"]
"""Of a message to a webhook."""
Task = Literal["transcribe", "translate"]
"""What is written down of the speech: what was said, or what it means in English."""
Format = Literal["json", "srt", "vtt", "txt", "tsv", "rttm", "eaf", "textgrid", "docx"]
"""Of a transcript, as users name it."""
BINARY_FORMATS: Final[frozenset[Format]] = frozenset({"docx"})
"""Those that are no text."""


class AnnotateOptions(Struct, frozen=True):
    """Choices for one call. Bounds are checked where a front door builds it."""

    language: str | None = None
    """ISO 639-1 code, or None to detect it per stretch of speech."""
    min_speakers: int = 1
    """At least so many speakers, over the whole call."""
    max_speakers: int | None = None
    """At most so many, or None for an open number; equal to min_speakers for a fixed one."""
    channels: ChannelMode = "auto"
    """How a stereo file is treated: "two-sided" keeps a side each, "mono" mixes them, "auto" decides by the signal."""
    model: str = "whisper-base"
    """Whisper weights: a name of the catalogue, a hub id, or a local folder."""
    engine: Engine = "onnx"
    """Which diarization engine runs."""
    pipeline: str | None = None
    """With engine "pyannote": a pipeline's folder or hub id, or None for pyannote's own with our two networks."""
    preprocess: bool = True
    """Remove DC, high-pass and level the signal first."""
    recognise: bool = True
    """Name known voices; without effect where none is known."""
    task: Task = "transcribe"
    """With "translate" the text is English, whatever is spoken; the languages told are those of the speech."""
    prompt: str = ""
    """Text that might come before, or words that may be said: the decoder leans towards its spelling and style."""
