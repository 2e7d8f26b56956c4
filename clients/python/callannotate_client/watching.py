"""Follows one job over `/ws/{job_id}`, over as many connections as it takes."""

from collections.abc import AsyncGenerator
from typing import Final

import msgspec
from anyio import current_time, sleep
from msgspec import Struct
from websockets.exceptions import ConnectionClosed

from callannotate_client.connection import (
    HANDSHAKE_ERRORS,
    PATIENCE,
    Delays,
    connecting,
    refusal,
    socket_address,
)
from callannotate_client.errors import CallAnnotateError, told, unexpected, unreachable
from callannotate_client.types import (
    ConnectionErrorMessage,
    JobErrorMessage,
    JobMessage,
    ResultMessage,
    StatusUpdate,
)

DONE: Final = 1000
"""The close code after all has been said."""
STEADY: Final = 10.0
"""Seconds after which a connection is one, also where there is nothing to tell: a job may wait for hours."""


class _Head(Struct, frozen=True):
    """What tells one message from another."""

    type: str
    job_id: str | None = None


_KINDS: Final[dict[str, type[StatusUpdate | ResultMessage]]] = {"status_update": StatusUpdate, "result": ResultMessage}


async def watch(
    server: str, job_id: str, headers: dict[str, str], after_seq: int | None = None, patience: float = PATIENCE
) -> AsyncGenerator[JobMessage, None]:
    """Every message of the job, once and in order, to its last one.

    Raises CallAnnotateError where the job is not there, or goes away, or the server does for longer than `patience`.
    """
    last, delays = after_seq, Delays()
    lost_at: float | None = None
    while True:
        url = socket_address(server, f"/ws/{job_id}" + ("" if last is None else f"?after_seq={last}"))
        problem = unreachable(url, "the connection was lost")
        opened: float | None = None
        try:
            async with connecting(url, headers) as socket:
                opened = current_time()
                async for text in socket:
                    message = _message(url, text)
                    if isinstance(message, CallAnnotateError):
                        # MESSAGES_GONE and the like say why there is a gap; what ends the connection comes last.
                        problem = message
                    elif message is not None and (last is None or message.seq > last):
                        last, lost_at = message.seq, None
                        delays.reset()
                        yield message
                        if not isinstance(message, StatusUpdate):
                            return
                if socket.close_code == DONE:
                    return
        except HANDSHAKE_ERRORS as error:
            problem = refusal(url, error)
        except ConnectionClosed:
            pass
        if opened is not None and current_time() - opened >= STEADY:
            lost_at = None
            delays.reset()
        lost_at = lost_at or current_time()
        if not problem.retryable or current_time() - lost_at > patience:
            raise problem
        await sleep(delays.after(problem.retry_after))


def _message(url: str, text: str | bytes) -> JobMessage | CallAnnotateError | None:
    """One message; None for what is not about the job, and for what a later server may say."""
    try:
        head = msgspec.json.decode(text, type=_Head)
        if head.type in _KINDS:
            return msgspec.json.decode(text, type=_KINDS[head.type])
        if head.type == "error" and head.job_id is not None:
            return msgspec.json.decode(text, type=JobErrorMessage)
        if head.type == "error":
            return told(msgspec.json.decode(text, type=ConnectionErrorMessage).error)
    except msgspec.MsgspecError as error:
        raise unexpected(url, error) from error
    return None
