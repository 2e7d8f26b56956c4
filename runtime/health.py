"""How the service feels: every component is tried, not assumed."""

import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

import psutil
from anyio import CapacityLimiter, Lock, fail_after, to_thread

from contracts.errors import CallAnnotateError
from contracts.jobs import DiskUsage, Health, HealthComponents, HealthStatus, MemoryUsage
from runtime.engines import Engines
from runtime.job_queue import JobQueue
from runtime.job_store import JobStore
from runtime.memory import resident
from runtime.settings import Settings
from runtime.volume import LOGS, Volume

PATIENCE: Final = 3.0
"""Seconds that a component may take to answer."""
STUCK: Final = 900.0
"""Seconds without any progress after which a running job counts as stuck; one call into a network takes far less."""
CGROUP: Final = Path("/sys/fs/cgroup")


class HealthCheck:
    """Tries every component; asked more often than once in `every` seconds, it repeats what it found."""

    def __init__(
        self, settings: Settings, volume: Volume, store: JobStore, engines: Engines, queue: JobQueue,
        stopping: Callable[[], bool], sessions: Callable[[], int] = lambda: 0, every: float = 1.0,
    ) -> None:  # fmt: skip
        """`sessions`: how many live ones there are."""
        self._settings: Final = settings
        self._volume: Final = volume
        self._store: Final = store
        self._engines: Final = engines
        self._queue: Final = queue
        self._stopping: Final = stopping
        self._sessions: Final = sessions
        self._every: Final = every
        self._limiter: Final = CapacityLimiter(2)
        self._began: Final = time.monotonic()
        self._looking: Final = Lock()
        self._last: tuple[float, HealthStatus] | None = None

    async def status(self) -> HealthStatus:
        """The state of everything."""
        async with self._looking:
            if self._last is None or time.monotonic() - self._last[0] > self._every:
                found = await self._look()
                self._last = (time.monotonic(), found)
            return self._last[1]

    async def _look(self) -> HealthStatus:
        problems: dict[str, str] = {}
        volume, disk = await self._volume_state()
        if volume:
            problems["volume_access"] = volume
        if store := await self._store_state():
            problems["queue_manager"] = store
        if work := self._work_state():
            problems["audio_processing"] = work
        if self._engines.loaded(self._settings.model, self._settings.engine) is None:
            problems["models"] = f"models: {self._settings.model} is not loaded"
        states: dict[str, Health] = {
            name: "unhealthy" if name in problems else "healthy"
            for name in ("queue_manager", "volume_access", "audio_processing", "models")
        }
        return HealthStatus(
            status="unhealthy" if problems else "healthy",
            version=version("callannotate"),
            uptime=int(time.monotonic() - self._began),
            queue_status=self._queue_status(),
            live_sessions=self._sessions(),
            components=HealthComponents(**states, memory_usage=memory_usage(), disk_usage=disk),
            problems=tuple(problems.values()),
        )

    async def _volume_state(self) -> tuple[str, DiskUsage]:
        """What is wrong with the volume, "" for nothing, and the room on it."""
        unknown = DiskUsage(volume_free="unknown", logs_size="unknown")
        try:
            with fail_after(PATIENCE):
                free, logs, problem = await to_thread.run_sync(
                    self._try_volume, limiter=self._limiter, abandon_on_cancel=True
                )
        except TimeoutError:
            return "volume_access: the volume does not answer", unknown
        except OSError as error:
            return f"volume_access: {error.strerror or error}", unknown
        least = self._settings.min_free_space
        if not problem and free < least:
            problem = f"volume_access: {sized(free)} are free, at least {sized(least)} are needed"
        return problem, DiskUsage(volume_free=sized(free), logs_size=sized(logs))

    def _try_volume(self) -> tuple[int, int, str]:
        """Free bytes, bytes of logs, and what is wrong with writing; blocks."""
        problem = ""
        try:
            self._volume.check_writable()
        except OSError as error:
            problem = f"volume_access: it cannot be written ({error.strerror or error})"
        return self._volume.free(), self._volume.size(LOGS), problem

    async def _store_state(self) -> str:
        """What is wrong with the queue."""
        try:
            with fail_after(PATIENCE):
                await self._store.check()
        except TimeoutError:
            return "queue_manager: the database does not answer"
        except CallAnnotateError as error:
            return f"queue_manager: {error.message}"
        return ""

    def _work_state(self) -> str:
        """What is wrong with the workers."""
        missing = self._settings.jobs_at_once - self._queue.workers
        if missing > 0:
            return f"audio_processing: {missing} of {self._settings.jobs_at_once} workers are dead"
        for job_id, job in self._queue.running.items():
            if time.monotonic() - job.moved > STUCK:
                return f"audio_processing: job {job_id} has not come further for {STUCK / 60:.0f} minutes"
        return ""

    def _queue_status(self) -> Literal["active", "stopping", "stopped"]:
        if self._stopping():
            return "stopping"
        return "active" if self._queue.workers else "stopped"


def memory_usage() -> MemoryUsage:
    """Of this process, and what the container or else the machine has left."""
    used = resident()
    available = psutil.virtual_memory().available
    limit, current = (_cgroup(CGROUP / name) for name in ("memory.max", "memory.current"))
    if limit is not None and current is not None:
        available = max(0, min(available, limit - current))
    return MemoryUsage(used=sized(used), available=sized(available), percentage=round(100 * used / (used + available)))


def _cgroup(path: Path) -> int | None:
    """A figure of the control group; None where there is no limit or no group."""
    try:
        text = path.read_text()
    except OSError:
        return None
    return int(text) if text.strip().isdigit() else None


def sized(count: int) -> str:
    """Bytes as the specification shows them: "512MB", "50GB"."""
    return f"{count // 1_000_000_000}GB" if count >= 10_000_000_000 else f"{count // 1_000_000}MB"
