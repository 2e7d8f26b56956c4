"""What a recording looks like, for those who draw it."""

from typing import Annotated

from msgspec import Meta, Struct

from contracts.annotation import Seconds
from contracts.jobs import JobId

Peak = Annotated[int, Meta(ge=0, le=255)]


class Waveform(Struct, frozen=True, kw_only=True):
    """The loudest sample of each stretch of a recording."""

    job_id: JobId
    duration: Seconds
    """Of the recording."""
    rate: Annotated[float, Meta(ge=0)]
    """Peaks per second."""
    channels: tuple[tuple[Peak, ...], ...]
    """Of each side of a two-sided call, or of the only channel: 255 is full scale."""
