"""Runs one stage over given messages, and the diarization stages over a whole signal."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from anyio import CapacityLimiter, create_memory_object_stream, fail_after
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.audio import AudioChunk
from contracts.speech import Diarization
from models.segmentation import Segmentation
from models.voiceprint import VoiceprintModel
from stages.diarize import Diarize
from stages.embed import Embed
from stages.segment import Segment

In_contra = TypeVar("In_contra", contravariant=True)
Out = TypeVar("Out")
Out_co = TypeVar("Out_co", covariant=True)
In = TypeVar("In")


class OneStage(Protocol[In_contra, Out_co]):
    async def run(self, receive: ObjectReceiveStream[In_contra], send: ObjectSendStream[Out_co]) -> None: ...


async def through(stage: OneStage[In, Out], items: Iterable[In]) -> list[Out]:
    """All that a stage sends when it receives these messages and then the end of its input."""
    send, receive = create_memory_object_stream[In](math.inf)
    out, found = create_memory_object_stream[Out](math.inf)
    for item in items:
        send.send_nowait(item)
    send.close()
    with fail_after(120), receive, out, found:
        await stage.run(receive, out)
        out.close()
        return [item async for item in found]


def chunks(samples: npt.NDArray[np.float32], cuts: Sequence[int] = (), channel: int = 0) -> list[AudioChunk]:
    """One channel's signal, cut before these samples."""
    edges = [0, *cuts, len(samples)]
    return [AudioChunk(channel, start, samples[start:stop]) for start, stop in pairwise(edges)]


async def diarization(
    items: Iterable[AudioChunk], segmentation: Segmentation, voiceprints: VoiceprintModel
) -> Diarization:
    """What segment, embed and diarize make of a signal, with an open number of speakers."""
    limiter = CapacityLimiter(1)
    regions = await through(Segment(segmentation, limiter), items)
    (found,) = await through(Diarize(limiter), await through(Embed(voiceprints, limiter), regions))
    return found
