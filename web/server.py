"""The server: the service behind Hypercorn, one process, stopped by SIGTERM or by the death of one of its tasks."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from threading import Timer
from typing import Final

import anyio
import structlog
from anyio import CancelScope, create_task_group, current_time, open_signal_receiver
from hypercorn.asyncio import serve as serve_asgi
from hypercorn.config import Config

from contracts.errors import PORT_UNAVAILABLE, SERVER_FAILED, CallAnnotateError
from runtime.engines import Engines
from runtime.health_pass import health_pass
from runtime.service import JobService, open_service
from runtime.settings import Settings
from web import tcp_server, websocket_stream
from web.app import create_app
from web.asgi import UNFINISHED
from web.guard import is_loopback
from web.websocket_stream import LINGER

LOG: Final = structlog.get_logger("callannotate.web")
GRACE: Final = UNFINISHED + 0.5
"""Seconds that requests and WebSockets have to come to an end."""
FORCED_AFTER: Final = 1.5
"""Seconds beyond SHUTDOWN_TIMEOUT after which the process ends whatever still runs; jobs survive that."""
STUCK: Final = 60.0
"""Seconds after which the kernel gives up a connection whose other end takes no byte."""
KEEP_ALIVE: Final = 30.0
"""Seconds that a connection may wait for its first or next request."""
ANONYMOUS: Final = (
    "Whoever reaches this address may read, submit and delete calls: no API key is needed. Make one with "
    "`callannotate keys add`, listen on 127.0.0.1, or see to it that nobody else gets here."
)
Ready = Callable[[str, int], None]
"""Called with address and port once connections are accepted."""


def run_server(settings: Settings, ready: Ready = lambda _host, _port: None) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises PORT_UNAVAILABLE, SERVER_FAILED, or what makes the volume, the database or the models unusable.
    """
    anyio.run(_run_until_signal, settings, ready)


async def _run_until_signal(settings: Settings, ready: Ready) -> None:
    async with create_task_group() as tasks:
        stop = anyio.Event()
        tasks.start_soon(_await_signal, stop, settings.shutdown_timeout)
        failure: CallAnnotateError | None = None
        try:
            await serve(settings, stop, ready)
        except CallAnnotateError as error:
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _await_signal(stop: anyio.Event, limit: float) -> None:
    """Set `stop` at the first signal; the second one ends the process at once."""
    with open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            if stop.is_set():
                os._exit(128 + number)
            LOG.info("server_stopping", signal=signal.Signals(number).name)
            stop.set()
            # A thread, since an event loop that hangs could not end itself.
            last_resort = Timer(limit + FORCED_AFTER, _force)
            last_resort.daemon = True
            last_resort.start()


def _force() -> None:
    sys.stderr.write("callannotate: stopping took too long and was cut short; jobs are kept\n")
    sys.stderr.flush()
    os._exit(0)


async def serve(settings: Settings, stop: anyio.Event, ready: Ready, *, engines: Engines | None = None) -> None:
    """Serve until `stop` is set. Raises as run_server does."""
    with closing(listening(settings.host, settings.port)) as listener:
        try:
            async with open_service(settings, engines=engines) as service:
                await serve_service(service, listener, stop, ready)
        except BaseExceptionGroup as group:
            raise _reason(group) from group


async def serve_service(service: JobService, listener: socket.socket, stop: anyio.Event, ready: Ready) -> None:
    """Serve an open service until `stop` is set."""
    async with create_task_group() as tasks:
        tasks.start_soon(_announce_end, service, stop)
        host, port = listener.getsockname()[:2]
        LOG.info("server_started", host=host, port=port)
        if not service.access.needed() and not is_loopback(host):
            LOG.warning("anonymous_on_network", host=host, port=port, advice=ANONYMOUS)
        with health_pass(service.settings.volume_path, host, port, service.access.health_token):
            ready(host, port)
            tasks.start_soon(_serve_http, service, listener)
            await service.stopping.wait()
            tasks.cancel_scope.cancel()


async def _announce_end(service: JobService, stop: anyio.Event) -> None:
    """Have the service tell its clients: when the server is to stop, and when the service is being cancelled."""
    try:
        await stop.wait()
    finally:
        service.stopping.set()


async def _serve_http(service: JobService, listener: socket.socket) -> None:
    """Shielded, because Hypercorn cannot be cancelled in good order: it ends by itself once `stopping` is set."""
    websocket_stream.install()
    tcp_server.install()
    with CancelScope(shield=True) as scope:

        async def stopping() -> None:
            await service.stopping.wait()
            scope.deadline = current_time() + GRACE + LINGER

        await serve_asgi(create_app(service), _config(service.settings, listener), shutdown_trigger=stopping)


def _config(settings: Settings, listener: socket.socket) -> Config:
    config = Config()
    # Hypercorn closes what it is given.
    config.bind = [f"fd://{os.dup(listener.fileno())}"]
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.include_server_header = False
    config.graceful_timeout = GRACE
    config.keep_alive_timeout = KEEP_ALIVE
    config.max_app_queue_size = 4
    config.websocket_max_message_size = settings.ws_max_message
    config.websocket_ping_interval = settings.heartbeat_interval
    return config


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes any that is free. Raises PORT_UNAVAILABLE."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        cause = error.strerror or str(error)
        raise CallAnnotateError(PORT_UNAVAILABLE, host=host, port=port, cause=cause) from error
    listener.setblocking(False)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Inherited by every connection: a client that neither reads nor goes away is ended by the kernel.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(STUCK * 1000))
    return listener


def _reason(group: BaseExceptionGroup) -> BaseException:
    """The one error that a group is about."""
    leaves = _leaves(group)
    for leaf in leaves:
        if isinstance(leaf, CallAnnotateError):
            return leaf
    first = next((leaf for leaf in leaves if isinstance(leaf, Exception)), None)
    if first is None:
        return leaves[0]
    return CallAnnotateError(SERVER_FAILED, task="a task", cause=f"{type(first).__name__}: {first}")


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
