"""What a service is made of, opened in order after what may have been a crash."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from anyio import to_thread

from contracts.options import AnnotateOptions
from runtime.access import Access
from runtime.access_store import NAME as ACCESS
from runtime.access_store import AccessStore
from runtime.contact_store import NAME as CONTACTS
from runtime.contact_store import ContactStore
from runtime.contacts import Contacts
from runtime.corrections import CorrectionFiles
from runtime.database import NAME
from runtime.engine import Engine
from runtime.engines import Engines
from runtime.intake import Intake
from runtime.job_feed import JobFeeds
from runtime.job_queue import JobQueue
from runtime.job_store import JobStore
from runtime.live_archive import LiveArchive
from runtime.logs import open_logs
from runtime.metrics import Metrics
from runtime.recovery import recover
from runtime.settings import Settings
from runtime.speed import REMEMBERED, Speed
from runtime.voice_results import ResultForgetter
from runtime.voice_store import VoiceStore
from runtime.voices import Voices
from runtime.volume import LOGS, Volume
from runtime.webhooks import Webhooks, lifetime


@dataclass(frozen=True, eq=False)
class Parts:
    """What a service is made of."""

    settings: Settings
    volume: Volume
    store: JobStore
    feeds: JobFeeds
    corrections: CorrectionFiles
    engines: Engines
    queue: JobQueue
    metrics: Metrics
    intake: Intake
    voices: Voices
    contacts: Contacts
    engine: Engine
    """Of jobs that ask for none, and of live sessions."""
    archive: LiveArchive
    access: Access
    webhooks: Webhooks


@asynccontextmanager
async def opened_parts(settings: Settings, engines: Engines) -> AsyncIterator[Parts]:
    """Everything that has to be closed again, brought in order after what may have been a crash."""
    async with AsyncExitStack() as stack:
        volume = Volume(settings.volume_path)
        stack.enter_context(volume.opened())
        stack.enter_context(open_logs(volume.root / LOGS, settings))
        store = await to_thread.run_sync(JobStore, volume.root / NAME, lifetime(settings))
        stack.callback(store.close)
        feeds = JobFeeds(volume, settings.replay_buffer, settings.watcher_buffer)
        with volume.explained():
            await recover(volume, store, feeds)
        speed = Speed()
        for model, duration, elapsed in reversed(await store.speeds(REMEMBERED)):
            speed.learn(model, duration, elapsed)
        own = AnnotateOptions(model=settings.model, engine=settings.engine)
        engine = await stack.enter_async_context(engines.use(own))
        if not speed.known:
            speed.guess(*await to_thread.run_sync(engines.try_out, engine))
        metrics = Metrics(store.counts, lambda: feeds.watchers)
        corrections = CorrectionFiles(volume)
        results = ResultForgetter(volume, store, feeds, corrections)
        voices = Voices(settings, volume, VoiceStore(store.database), engine, results)
        with volume.explained():
            await voices.recover()
        copy = await to_thread.run_sync(ContactStore, volume.root / CONTACTS)
        stack.callback(copy.close)
        contacts = Contacts(settings, copy)
        with volume.explained():
            webhooks = await to_thread.run_sync(Webhooks, settings, store.outbox, metrics)
        with volume.explained():
            doors = await to_thread.run_sync(AccessStore, volume.root / ACCESS)
        stack.callback(doors.close)
        queue = JobQueue(settings, volume, store, feeds, engines, speed, metrics, voices, contacts)
        intake = Intake(settings, volume, store, feeds, queue)
        archive = LiveArchive(settings, volume, store, intake)
        with volume.explained():
            await archive.recover()
        yield Parts(settings, volume, store, feeds, corrections, engines, queue, metrics, intake, voices, contacts,
                    engine, archive, Access(settings, doors), webhooks)  # fmt: skip
