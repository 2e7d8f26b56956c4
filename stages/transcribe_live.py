"""Writes down the whole of a live call, whose client may change the language and the vocabulary on the way."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from anyio import EndOfStream
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.audio import SAMPLE_RATE
from contracts.live_speech import LiveOptions
from contracts.speech import Reached, SpeechRegion, Transcript
from stages.transcribe import Transcribe


@dataclass(frozen=True)
class TranscribeLive:
    """Has another stage write down one stretch after the other, each in its language."""

    stage: Transcribe
    options: Callable[[float], LiveOptions] = field(repr=False)
    """For what is said at a second of the stream."""

    async def run(
        self, receive: ObjectReceiveStream[SpeechRegion], send: ObjectSendStream[Transcript | Reached]
    ) -> None:
        """Send what that stage sends; for speech in which the options change, those in its middle count."""
        stretch: _Stretch | None = _Stretch(receive, self._stage, self._stage_at(0.0))
        while stretch is not None:
            await stretch.stage.run(stretch, send)
            stretch = stretch.following

    def _stage(self, region: SpeechRegion) -> Transcribe:
        return self._stage_at(region.end_time - len(region.samples) / SAMPLE_RATE / 2)

    def _stage_at(self, second: float) -> Transcribe:
        options = self.options(second)
        return replace(self.stage, language=options.language, prompt=options.prompt)


class _Stretch(ObjectReceiveStream[SpeechRegion]):
    """The regions for one stage, up to the first for another one, with which `following` begins."""

    def __init__(
        self,
        rest: ObjectReceiveStream[SpeechRegion],
        stage_of: Callable[[SpeechRegion], Transcribe],
        stage: Transcribe,
        first: SpeechRegion | None = None,
    ) -> None:
        self.stage: Final = stage
        self.following: _Stretch | None = None
        self._rest: Final = rest
        self._stage_of: Final = stage_of
        self._first = first

    async def receive(self) -> SpeechRegion:
        region, self._first = self._first, None
        if region is None:
            region = await self._rest.receive()
        if (stage := self._stage_of(region)) != self.stage:
            self.following = _Stretch(self._rest, self._stage_of, stage, region)
            raise EndOfStream
        return region

    async def aclose(self) -> None:
        """Nothing is held."""
