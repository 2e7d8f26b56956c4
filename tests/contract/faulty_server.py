"""`callannotate serve` with mistakes of ours in it: what no client can cause, the runner sees from here.

- The queue cannot be told: `getQueueStatus` is answered by INTERNAL.
- Whoever watches a job from the message after number 13 on meets an unexpected error: 1011.
- Every job fails in the graph: PROCESSING_FAILED.
- Live sessions meet what tests/contract/faulty_live.py has for them.
- With `--everything` nothing works: every operation is answered by INTERNAL.
"""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager, nullcontext
from typing import Any, NoReturn
from unittest.mock import patch

from anyio.abc import ObjectReceiveStream

from contracts.job_messages import JobMessage
from runtime import job_queue
from runtime.service import JobService
from tests.contract.faulty_live import faulty_live
from web.access import AccessOperations
from web.cli import cli
from web.contacts import ContactOperations
from web.corrections import CorrectionOperations
from web.openai import OpenAIOperations
from web.rest import Operations
from web.voices import VoiceOperations
from web.webhooks import WebhookOperations

UNLUCKY = 13
Messages = ObjectReceiveStream[JobMessage]
WATCH = JobService.watch
VERBS = {"correct", "create", "list", "get", "delete", "update", "add", "enrol", "sync", "redeliver"}
"""With which the names of the operations begin."""


async def broken_queue(_: JobService) -> NoReturn:
    """Instead of JobService.queue."""
    raise RuntimeError("a mistake")


def broken_watch(
    service: JobService, job_id: str, after_seq: int | None = None
) -> AbstractAsyncContextManager[Messages]:
    """Instead of JobService.watch."""
    return _broken() if after_seq == UNLUCKY else WATCH(service, job_id, after_seq)


@asynccontextmanager
async def _broken() -> AsyncIterator[Messages]:
    raise RuntimeError("a mistake")
    yield


async def broken_graph(*_: object, **__: object) -> NoReturn:
    """Instead of annotate_call."""
    raise RuntimeError("a mistake")


async def broken_operation(*_: object) -> NoReturn:
    """Instead of any operation."""
    raise RuntimeError("a mistake")


@contextmanager
def everything_broken() -> Iterator[None]:
    """Every operation meets a mistake."""
    with ExitStack() as stack:
        for kind in (
            Operations,
            CorrectionOperations,
            VoiceOperations,
            ContactOperations,
            AccessOperations,
            OpenAIOperations,
            WebhookOperations,
        ):
            names: dict[str, Any] = {name: broken_operation for name in vars(kind) if name.split("_")[0] in VERBS}
            stack.enter_context(patch.multiple(kind, **names))
        yield


if __name__ == "__main__":
    with (
        patch.object(JobService, "queue", broken_queue),
        patch.object(JobService, "watch", broken_watch),
        patch.object(job_queue, "annotate_call", broken_graph),
        faulty_live(),
        everything_broken() if "--everything" in sys.argv else nullcontext(),
    ):
        cli(["serve"])
