"""Audio as a live client sends it: the encoding of its binary frames, and how large they may be."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

Encoding = Literal["pcm_s16le", "pcm_f32le", "mulaw", "alaw"]
BYTES_PER_SAMPLE: Final[dict[Encoding, int]] = {"pcm_s16le": 2, "pcm_f32le": 4, "mulaw": 1, "alaw": 1}
FRAME_BYTES_LIMIT: Final = 64 * 1024
"""Bytes of the largest frame, text or binary; a larger one ends the connection with 1009."""
SHORTEST_FRAME_MS: Final = 20
LONGEST_FRAME_MS: Final = 1000


class AudioFormat(Struct, frozen=True, kw_only=True):
    """How the samples of the binary frames are written; fixed for the session."""

    encoding: Encoding
    sample_rate: Annotated[int, Meta(ge=8000, le=48000)]
    """Hertz."""
    channels: Annotated[int, Meta(ge=1, le=2)]
    """1 for one signal with all voices; 2, interleaved, for a call with one side on each."""

    @property
    def bytes_per_frame(self) -> int:
        """Bytes of one sample of every channel."""
        return BYTES_PER_SAMPLE[self.encoding] * self.channels

    @property
    def bytes_per_second(self) -> int:
        """Bytes of one second."""
        return self.bytes_per_frame * self.sample_rate

    @property
    def max_frame_bytes(self) -> int:
        """Bytes of the longest binary frame: one second, and no more than FRAME_BYTES_LIMIT, in whole samples."""
        return min(self.bytes_per_second, FRAME_BYTES_LIMIT // self.bytes_per_frame * self.bytes_per_frame)

    def milliseconds(self, size: int) -> int:
        """How long so many bytes last, rounded down."""
        return size * 1000 // self.bytes_per_second
