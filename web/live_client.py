"""The live session of `callannotate_client` with the types of the contracts and the errors of the catalogue.

`callannotate live` and the benchmark use it.
"""

from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec

from callannotate_client.connection import live_address
from callannotate_client.errors import SESSION_LOST, UNEXPECTED_ANSWER, UNREACHABLE
from callannotate_client.errors import CallAnnotateError as ClientError
from callannotate_client.session import PATH, LiveSession
from contracts.errors import INVALID_OPTION, LIVE_ENDED, LIVE_LOST, LIVE_UNREACHABLE, CallAnnotateError
from contracts.live import LiveClientMessage, LiveServerMessage, SessionEnded, SessionStart

_MESSAGE: Final[msgspec.json.Decoder[LiveServerMessage]] = msgspec.json.Decoder(LiveServerMessage)


class LiveClient:
    """One session, over as many connections as it takes; whoever gives it audio sees to its speed."""

    def __init__(
        self,
        url: str,
        start: SessionStart,
        show: Callable[[LiveServerMessage], None],
        notice: Callable[[str], None] = lambda _text: None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """`show` gets every message once, in order; `notice` is told of lost and new connections. `headers` go
        with every handshake."""
        self.url: Final = address(url)

        async def told(message: LiveServerMessage) -> None:
            show(message)

        self._session: Final[LiveSession[LiveServerMessage]] = LiveSession(
            self.url, start, _MESSAGE.decode, told, notice, headers=headers, speed=None
        )

    @property
    def resumes(self) -> int:
        """How often the session went on over a new connection."""
        return self._session.resumes

    async def run(self, audio: AsyncIterator[bytes]) -> SessionEnded:
        """Send the audio to its end and return the last message.

        Raises LIVE_UNREACHABLE, LIVE_ENDED where the server ends the session, or LIVE_LOST where it cannot be gone on
        with, and whatever the audio raises.
        """
        try:
            ended = await self._session.run(audio)
        except ClientError as error:
            raise self._translated(error) from error
        assert isinstance(ended, SessionEnded)  # there is no other last message
        return ended

    async def say(self, message: LiveClientMessage) -> None:
        """Send a message beside the audio; it is lost where there is no connection."""
        await self._session.say(message)

    def cut(self) -> bool:
        """Tear the connection as a network that fails would, and say whether there was one; for tests."""
        return self._session.cut()

    def _translated(self, error: ClientError) -> CallAnnotateError:
        cause = str(error.details.get("cause", error.message))
        if error.code == SESSION_LOST:
            return CallAnnotateError(LIVE_LOST, url=self.url, cause=cause)
        if error.code in {UNREACHABLE, UNEXPECTED_ANSWER} and error.status is None:
            return CallAnnotateError(LIVE_UNREACHABLE, url=self.url, cause=cause.removeprefix(f"{self.url}: "))
        if error.status is not None:
            return CallAnnotateError(LIVE_UNREACHABLE, url=self.url, cause=f"{error.code}: {error.message}")
        remedy = error.advice.rstrip(".") or "What was shown stays"
        return CallAnnotateError(LIVE_ENDED, code=error.code, reason=error.message, remedy=remedy)


def address(url: str) -> str:
    """The URL of the path for live sessions, of whatever a user names the server by. Raises INVALID_OPTION."""
    try:
        return live_address(url, PATH)
    except ClientError as error:
        raise CallAnnotateError(
            INVALID_OPTION, option="--url", problem=error.message, allowed="such as ws://127.0.0.1:8000"
        ) from error
