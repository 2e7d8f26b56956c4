"""Writes down the whole of a live call, whose client may change the language on the way."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from anyio import EndOfStream
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.audio import SAMPLE_RATE
from contracts.speech import Reached, SpeechRegion, Transcript
from stages.transcribe import Transcribe


@dataclass(frozen=True)
class TranscribeLive:
    """Has another stage write down one stretch after the other, each in its language."""

    stage: Transcribe
    language: Callable[[float], str | None] = field(repr=False)
    """Of what is said at a second of the stream; None to detect it."""

    async def run(
        self, receive: ObjectReceiveStream[SpeechRegion], send: ObjectSendStream[Transcript | Reached]
    ) -> None:
        """Send what that stage sends; speech in which the language changes is of the one in its middle."""
        stretch: _Stretch | None = _Stretch(receive, self._language, self.language(0.0))
        while stretch is not None:
            await replace(self.stage, language=stretch.language).run(stretch, send)
            stretch = stretch.following

    def _language(self, region: SpeechRegion) -> str | None:
        return self.language(region.end_time - len(region.samples) / SAMPLE_RATE / 2)


class _Stretch(ObjectReceiveStream[SpeechRegion]):
    """The regions up to the first of another language, with which `following` begins."""

    def __init__(
        self,
        rest: ObjectReceiveStream[SpeechRegion],
        language_of: Callable[[SpeechRegion], str | None],
        language: str | None,
        first: SpeechRegion | None = None,
    ) -> None:
        self.language: Final = language
        self.following: _Stretch | None = None
        self._rest: Final = rest
        self._language_of: Final = language_of
        self._first = first

    async def receive(self) -> SpeechRegion:
        region, self._first = self._first, None
        if region is None:
            region = await self._rest.receive()
        if (language := self._language_of(region)) != self.language:
            self.following = _Stretch(self._rest, self._language_of, language, region)
            raise EndOfStream
        return region

    async def aclose(self) -> None:
        """Nothing is held."""
