"""What a WebSocket channel is, as data: who says what, in which order, and with which code a connection ends.

The order is given as state machines that run side by side on one connection. A frame moves every machine that knows its
message; a message that a machine does not know in its state is against the order. Close codes end everything.
"""

from typing import Literal

from msgspec import Struct

from contracts import access_errors, errors
from contracts.errors import Fault
from contracts.live import WarningCode
from contracts.parameters import Parameter
from contracts.scopes import Scope

Side = Literal["client", "server"]


class ChannelMessage(Struct, frozen=True, kw_only=True):
    """A frame that may travel on a channel."""

    name: str
    sender: Side
    type: object
    """The Struct that a text frame is as JSON, or `bytes` for a binary frame."""
    summary: str


class Transition(Struct, frozen=True):
    """In this state that side may send this message, which leads to that state."""

    state: str
    sender: Side
    message: str
    to: str


class Machine(Struct, frozen=True, kw_only=True):
    """The order of some of the messages."""

    name: str
    key: Literal["id", "job_id"] | None
    """The field that tells runs of the machine apart on one connection; None for one run per connection."""
    start: str
    transitions: tuple[Transition, ...]
    may_close: tuple[str, ...]
    """States in which the server may end the connection with 1000."""


class CloseCode(Struct, frozen=True, kw_only=True):
    """A way in which the server ends a connection. The reason of the close frame is the code of the error."""

    code: int
    faults: tuple[Fault, ...] = ()
    announced_by: str | None
    """The message that goes before it; None where the frame could not even be read, or nothing is wrong."""
    summary: str


class Channel(Struct, frozen=True, kw_only=True):
    """One WebSocket path."""

    name: str
    path: str
    summary: str
    description: str = ""
    """What the messages and their order do not say, in Markdown."""
    parameters: tuple[Parameter, ...] = ()
    messages: tuple[ChannelMessage, ...]
    machines: tuple[Machine, ...]
    faults: tuple[Fault, ...]
    """In `error` messages after which the connection stays open."""
    close_codes: tuple[CloseCode, ...]
    warnings: tuple[WarningCode, ...] = ()
    """Codes that a `warning` may have."""
    refusals: tuple[Fault, ...] = (errors.ROUTE_NOT_FOUND,)
    """Answered over HTTP instead of the handshake, beside those that have to do with who asks."""
    scope: Scope
    """What a key has to have."""

    @property
    def all_refusals(self) -> tuple[Fault, ...]:
        """Everything that is answered over HTTP instead of the handshake."""
        scope = () if self.scope == "monitor" else (access_errors.SCOPE_MISSING,)
        who = (access_errors.KEY_REQUIRED, access_errors.ORIGIN_REFUSED, errors.RATE_LIMITED)
        return (*self.refusals, *who, *scope)


def server(name: str, struct: object, summary: str) -> ChannelMessage:
    """A message of the server."""
    return ChannelMessage(name=name, sender="server", type=struct, summary=summary)


def client(name: str, struct: object, summary: str) -> ChannelMessage:
    """A message of a client; `bytes` for a binary frame."""
    return ChannelMessage(name=name, sender="client", type=struct, summary=summary)


def always(states: tuple[str, ...], *moves: tuple[Side, str]) -> tuple[Transition, ...]:
    """Messages that are possible in all these states and change none of them."""
    return tuple(Transition(state, side, message, state) for state in states for side, message in moves)
