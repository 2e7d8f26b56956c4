"""`/ws/{job_id}`: the messages of one job."""

from typing import Final, cast

import msgspec
from msgspec.structs import replace
from quart import Response, Websocket, g

from contracts.errors import INVALID_MESSAGE, MESSAGES_GONE, CallAnnotateError, Language
from contracts.job_messages import JobErrorMessage, JobMessage, Ping, Pong, WatcherMessage
from contracts.websocket import JOB_CHANNEL
from runtime.access import Holder
from web.answers import wanted_language
from web.connections import Connection, Connections, Ending, object_of, refused_handshake, text_of
from web.parameters import converted

_AFTER_SEQ: Final = next(parameter for parameter in JOB_CHANNEL.parameters if parameter.name == "after_seq")
_MESSAGE: Final = msgspec.json.Decoder(WatcherMessage)


async def follow_job(connections: Connections, socket: Websocket, job_id: str, holder: Holder) -> Response | None:
    """Tell the state and every change of a job; a Response refuses the handshake."""
    language = wanted_language(socket.headers.get("Accept-Language"))
    text = socket.args.get("after_seq")
    try:
        after_seq = None if text is None else cast(int, converted(_AFTER_SEQ, text))
    except CallAnnotateError as error:
        return refused_handshake(error, language, g.request_id)
    connection = Connection(connections, socket, language, g.request_id, holder)

    async def talk(connection: Connection) -> None:
        connection.start(_listen, connection)
        await follow(connection, job_id, after_seq)
        connection.end(Ending(1000))

    await connections.serve(connection, socket.remote_addr or "", talk)
    return None


async def follow(connection: Connection, job_id: str, after_seq: int | None, in_reply_to: str | None = None) -> None:
    """Send the messages of a job until its last one; says so where some of those asked for are gone.

    Raises JOB_NOT_FOUND, also for a job that is deleted meanwhile, or SLOW_READER.
    """
    expected = None if after_seq is None else after_seq + 1
    async with connection.service.watch(job_id, after_seq) as messages:
        async for message in messages:
            if expected is not None and message.seq > expected:
                gone = CallAnnotateError(MESSAGES_GONE, after_seq=expected - 1)
                await connection.send(connection.error_message(gone, in_reply_to))
            expected = None
            await connection.send(told_in(connection.language, message))


def told_in(language: Language, message: JobMessage) -> JobMessage:
    """The message with the reason of a failure in the language of whoever listens."""
    if language == "en" or not isinstance(message, JobErrorMessage):
        return message  # the very same object is encoded once for all who listen
    return replace(message, error=message.error.told_in(language))


async def _listen(connection: Connection) -> None:
    """Answer pings; a pong has done its work by arriving."""
    async for frame in connection.frames():
        text = text_of(frame, advice="Send ping and pong as text frames")
        try:
            message = _MESSAGE.decode(text)
        except msgspec.MsgspecError as error:
            object_of(text)
            wrong = CallAnnotateError(INVALID_MESSAGE, cause=str(error), allowed="ping and pong")
            await connection.send(connection.error_message(wrong))
            continue
        if isinstance(message, Ping):
            await connection.send(Pong(timestamp=message.timestamp))
