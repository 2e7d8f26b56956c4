"""Known voices: what is known of them, who they are in a call, and what an identification rests on."""

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from contracts.contacts import FoundContact

UNKNOWN = "unknown"
"""`Speaker.identified_as` of a speaker whom no known voice matched."""

EvidenceKind = Literal["voice", "number", "name", "self_introduction"]
"""A known voice, a telephone number of the call, a name given with the call, or a name that the speaker said."""


class Evidence(Struct, frozen=True):
    """One thing that an identification or a suggestion rests on."""

    kind: EvidenceKind
    text: str
    """The name of the voice, the number, or the words of the introduction."""
    probability: Annotated[float, Meta(ge=0, le=1)]
    """That this evidence by itself names the speaker rightly."""
    voice_id: str | None = None
    """Of the known voice, where the kind is "voice"."""
    contact: FoundContact | None = None
    """The contact that it leads to."""


class KnownVoice(Struct, frozen=True, eq=False):
    """A known person as matching needs it."""

    voice_id: str
    name: str
    vectors: npt.NDArray[np.float32]
    """(n, 192): the voiceprints of all its samples, as `Enrolled.vectors` or an imported file gives them; n > 0.
    Only their directions count."""
    source: str = ""
    """What the voiceprints were taken from, such as a file's name: `Speaker.voice_embedding_source`."""


class Enrolled(Struct, frozen=True, eq=False):
    """What one sample of a voice gives."""

    vectors: npt.NDArray[np.float32]
    """(n, 192): unit length; n is the same for every sample."""
    seconds: float
    """Of clean speech that they were taken from."""
    signal_to_noise: float
    """Decibels of the speech above what is between."""


class Identified(Struct, frozen=True):
    """What recognition says of one speaker of a call."""

    speaker: int
    """As in SpeakerTurn."""
    voice_id: str | None
    """None: unknown."""
    name: str | None
    """None: unknown."""
    probability: float
    """0 to 1: that the speaker is that voice; 0 for an unknown one."""
    source: str | None = None
    """`KnownVoice.source`; None for an unknown one."""
    same_as: int | None = None
    """The speaker, identified as the same voice, that this one is a part of: one person told apart by mistake."""


class Recognition(Struct, frozen=True, tag=True):
    """Who the speakers of the call are; a later one replaces it."""

    speakers: tuple[Identified, ...]
    """Of every speaker that has a turn, in the order of their numbers."""
    end_time: float
    """Seconds from the start of the stream to the end of what was heard."""
