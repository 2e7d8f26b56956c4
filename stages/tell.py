"""Tells somebody outside of the graph what is written down, as it comes."""

from collections.abc import Callable
from dataclasses import dataclass

from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.speech import Reached, Transcript


@dataclass(frozen=True)
class Tell:
    """Passes everything on."""

    heard: Callable[[Transcript], None]
    """Called in the event loop with every transcript that has words; it must not take long."""

    async def run(
        self, receive: ObjectReceiveStream[Transcript | Reached], send: ObjectSendStream[Transcript | Reached]
    ) -> None:
        """Tell, then pass on."""
        async for item in receive:
            if isinstance(item, Transcript) and item.words:
                self.heard(item)
            await send.send(item)
