"""Runs `callannotate live`: the audio, the server, the session, what Ctrl-C means, and the transcript in the end."""

import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
import click
import msgspec
from anyio import CancelScope, Event, create_task_group, open_signal_receiver
from msgspec import Struct

from contracts.errors import CATALOGUE, INTERRUPTED, LIVE_INCOMPLETE, CallAnnotateError
from contracts.live import LiveError, LiveServerMessage, SessionEnded, SessionStart
from contracts.live_audio import AudioFormat, Encoding
from contracts.options import AnnotateOptions, ChannelMode, Format
from web.cli.key import authorization
from web.cli.live_view import View, refuses, view
from web.cli.output import output_name, prepare_folder, write_standard_output, write_whole
from web.exports import render
from web.live_audio import FileSource, MicrophoneSource, PipeSource, Source, paced
from web.live_client import LiveClient

FAST: Final = 1000.0
"""Times real time that a server of our own allows."""
MANY: Final = 1_000_000
"""Requests that it allows."""


class LiveOptions(Struct, frozen=True, kw_only=True):
    """What the user has chosen."""

    file: str | None
    """A path, or "-" for standard input; None for the microphone."""
    device: str | None
    url: str | None
    language: str | None
    channels: ChannelMode
    vocabulary: tuple[str, ...]
    partials: bool
    diarize: bool
    save: bool
    speed: float | None
    """Times real time; None for as fast as possible."""
    encoding: Encoding
    sample_rate: int
    """Hertz."""
    formats: tuple[Format, ...]
    output: Path | None
    progress: str

    def start(self, audio: AudioFormat) -> SessionStart:
        """The first message."""
        return SessionStart(
            audio=audio,
            language=self.language,
            partials=self.partials,
            diarize=self.diarize,
            vocabulary=self.vocabulary,
            save=self.save,
        )


def run_live(options: LiveOptions) -> None:
    """Run to the end; exits with the code of the first warning. Raises what went wrong.

    Of a call that was not taken as a whole, the rest is written before LIVE_INCOMPLETE is raised.
    """
    if options.output is not None:
        prepare_folder(options.output, [Path(options.file or "microphone")])
    failure: CallAnnotateError | None = None
    try:
        name, ended, refused = anyio.run(_run, options)
    except BaseExceptionGroup as group:
        failure = _first(group)
    if failure is not None:
        raise failure
    contents = {kind: render(ended.result, kind, name) for kind in options.formats}
    if options.output is not None:
        write_whole({options.output / output_name(Path(name), kind): content for kind, content in contents.items()})
    for content in contents.values() if options.output is None else ():
        write_standard_output(content)
    code = 0
    for notice in ended.result.metadata.warnings:
        click.echo(f"callannotate: warning: {notice.message}", err=True)
        code = code or CATALOGUE[notice.code].exit_code or 0
    if refused is not None:
        raise CallAnnotateError(LIVE_INCOMPLETE, code=refused.code, reason=refused.message)
    sys.exit(code)


async def _run(options: LiveOptions) -> tuple[str, SessionEnded, LiveError | None]:
    """The name of the call, how it ended, and what the server did not take of it first."""
    refused: LiveError | None = None
    source = await _source(options)
    async with _server(options) as url:
        with view(options.progress) as shown:

            def show(message: LiveServerMessage) -> None:
                nonlocal refused
                if isinstance(message, LiveError) and not message.fatal and refuses(message):
                    refused = refused or message
                shown.show(message)

            client = LiveClient(url, options.start(source.audio), show, shown.notice, authorization())
            stop = Event()
            async with create_task_group() as tasks:
                given_up = await tasks.start(_listen_for_signals, stop, tasks.cancel_scope, shown)
                ended = await client.run(paced(source, options.speed, stop))
                given_up.cancel()
            if tasks.cancel_scope.cancelled_caught:
                raise CallAnnotateError(INTERRUPTED)
            if ended.job_id is not None:
                shown.notice(f"kept as job {ended.job_id}")
    return source.name, ended, refused


async def _source(options: LiveOptions) -> Source:
    if options.file is None:
        return MicrophoneSource(options.device)
    if options.file != "-":
        return await anyio.to_thread.run_sync(FileSource, Path(options.file), options.channels)
    sides = 2 if options.channels == "two-sided" else 1
    raw = AudioFormat(encoding=options.encoding, sample_rate=options.sample_rate, channels=sides)
    return await PipeSource.opened(sys.stdin.fileno(), raw)


async def _listen_for_signals(
    stop: Event, everything: CancelScope, shown: View, *, task_status: anyio.abc.TaskStatus[CancelScope]
) -> None:
    """The first Ctrl-C ends the audio, the next one everything; SIGTERM ends everything at once."""
    with CancelScope() as scope, open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started(scope)
        async for number in signals:
            if stop.is_set() or number == signal.SIGTERM:
                everything.cancel()
                return
            stop.set()
            shown.notice("ending; Ctrl-C again gives up")


@asynccontextmanager
async def _server(options: LiveOptions) -> AsyncIterator[str]:
    """The server that the user has named, or one of our own, on a port of the loopback that nobody else uses."""
    if options.url is not None:
        yield options.url
        return
    from runtime.engine import load_engine
    from runtime.engines import Engines
    from runtime.service import open_service
    from runtime.settings import load_settings
    from web.cli.pulling import pull_display
    from web.server import listening, serve_service

    settings = msgspec.structs.replace(
        load_settings(os.environ), access="anonymous", log_console=False, rate_limit=MANY, live_speed_limit=FAST
    )
    with tempfile.TemporaryDirectory(prefix="callannotate-live-") as folder:
        if not options.save:
            settings = msgspec.structs.replace(settings, volume_path=Path(folder))
        with pull_display(options.progress) as pulling:
            chosen = AnnotateOptions(model=settings.model, engine=settings.engine)
            engine = await anyio.to_thread.run_sync(load_engine, chosen, settings.threads, pulling)
        engines = Engines(settings.threads, load=lambda _options, _threads: engine)
        with listening("127.0.0.1", 0) as listener:
            stop = Event()
            async with open_service(settings, engines=engines) as service, create_task_group() as tasks:
                tasks.start_soon(serve_service, service, listener, stop, lambda _host, _port: None)
                try:
                    yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
                finally:
                    stop.set()


def _first(group: BaseExceptionGroup) -> CallAnnotateError:
    """The one error that a group is about."""
    matching = group.subgroup(CallAnnotateError)
    if matching is None:
        raise group
    leaf: BaseException = matching
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    assert isinstance(leaf, CallAnnotateError)  # subgroup() has seen to it
    return leaf
