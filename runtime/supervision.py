"""Tasks that a server cannot do without: when one of them dies, the server stops with an error."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog
from anyio import Event, create_task_group, sleep
from anyio.abc import TaskGroup

from contracts.errors import SERVER_FAILED, CallAnnotateError

log: Final = structlog.get_logger()

Work = Callable[[], Awaitable[None]]


class ReturnedError(Exception):
    """A task that was never to return did."""


@dataclass(eq=False)
class _Watch:
    """What the supervised tasks share."""

    tasks: TaskGroup
    stopping: Event
    patience: float
    """Seconds."""
    failures: list[tuple[str, Exception]] = field(default_factory=list)

    async def run(self, name: str, work: Work) -> None:
        """One task."""
        try:
            await work()
            raise ReturnedError("it returned")
        except Exception as error:
            log.critical("task_died", task=name, exc_info=error)
            self.failures.append((name, error))
        # The body can still tell its clients.
        self.stopping.set()
        await sleep(self.patience)
        self.tasks.cancel_scope.cancel()


@asynccontextmanager
async def supervised(works: Sequence[tuple[str, Work]], stopping: Event, patience: float) -> AsyncIterator[None]:
    """Run the named tasks, none of which ever returns, beside the body; they are cancelled when it is left.

    When one dies, `stopping` is set, the body is cancelled if it has not ended after `patience` s, and SERVER_FAILED is
    raised. What the body raises is raised as it is.
    """
    raised: Exception | None = None
    async with create_task_group() as tasks:
        watch = _Watch(tasks, stopping, patience)
        for name, work in works:
            tasks.start_soon(watch.run, name, work, name=name)
        try:
            yield
        except Exception as error:  # raised again below, outside the group
            raised = error
        finally:
            stopping.set()
            tasks.cancel_scope.cancel()
    if watch.failures:
        name, failure = watch.failures[0]
        cause = f"{type(failure).__name__}: {failure}".rstrip(".")
        raise CallAnnotateError(SERVER_FAILED, task=name, cause=cause) from failure
    if raised is not None:
        raise raised
