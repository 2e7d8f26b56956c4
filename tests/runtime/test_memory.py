"""When a server gives memory back."""

from anyio import create_task_group, sleep

from runtime.memory import WORK, MemoryRelease

INTERVAL = 0.01


async def test_memory_is_given_back_after_work_and_not_while_nothing_is_done() -> None:
    released = 0
    worked = 0.0

    def release() -> None:
        nonlocal released, worked
        released += 1
        worked += WORK  # its own work does not count

    async with create_task_group() as tasks:
        tasks.start_soon(MemoryRelease(release, lambda: worked, INTERVAL).run)
        await sleep(20 * INTERVAL)
        assert released == 0
        for rounds in (1, 2):
            worked += 2 * WORK
            await sleep(20 * INTERVAL)
            assert released == rounds
        tasks.cancel_scope.cancel()
