"""When a server gives memory back."""

from time import process_time

from anyio import create_task_group, sleep
from anyio.lowlevel import checkpoint

from runtime.memory import WORK, MemoryRelease

INTERVAL = 0.05


async def test_memory_is_given_back_after_work_and_not_while_nothing_is_done() -> None:
    released = 0

    def release() -> None:
        nonlocal released
        released += 1

    async def rest() -> None:
        await sleep(10 * INTERVAL)

    async with create_task_group() as tasks:
        tasks.start_soon(MemoryRelease(release, INTERVAL).run)
        await rest()
        released = 0
        await rest()
        assert released == 0
        end = process_time() + 2 * WORK
        while process_time() < end:
            await checkpoint()
        await rest()
        assert released > 0
        released = 0
        await rest()
        assert released == 0
        tasks.cancel_scope.cancel()
