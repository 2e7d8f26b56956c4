"""What a user may choose for one call; the same for every front door."""

from typing import Literal

from msgspec import Struct

ChannelMode = Literal["auto", "mono", "two-sided"]
Engine = Literal["onnx", "pyannote"]


class AnnotateOptions(Struct, frozen=True):
    """Choices for one call. Bounds are checked where a front door builds it."""

    language: str | None = None
    """ISO 639-1 code, or None to detect it per stretch of speech."""
    min_speakers: int = 1
    """At least so many speakers, over the whole call."""
    max_speakers: int | None = None
    """At most so many speakers over the whole call, or None for an open number; equal to min_speakers for a fixed one."""
    channels: ChannelMode = "auto"
    """How a stereo file is treated: "two-sided" keeps a side each, "mono" mixes them, "auto" decides by the signal."""
    preprocess: bool = True
    """Remove DC, high-pass and level the signal first."""
