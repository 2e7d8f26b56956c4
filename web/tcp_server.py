"""Hypercorn's connections, closed as soon as their clients have closed them.

Hypercorn notices that, but closes its own side only when a connection would have been idle for too long: until then
each takes a descriptor, and whoever asks once a second for `/health` holds thirty of them.
"""

from hypercorn.asyncio import run
from hypercorn.asyncio.tcp_server import TCPServer


class PromptTCPServer(TCPServer):
    """See the module."""

    async def _read_data(self) -> None:
        await super()._read_data()
        await self.idle_task.stop()

    async def _idle_timeout(self) -> None:
        if not self.reader.at_eof():  # a request that ends when its client has gone leaves nothing to wait for
            await super()._idle_timeout()


def install() -> None:
    """Have Hypercorn use it; there is no setting for the class."""
    run.TCPServer = PromptTCPServer  # type: ignore[attr-defined]
