"""When a server gives memory back."""

from anyio import Event, create_task_group, fail_after, from_thread, sleep

from runtime.memory import WORK, MemoryRelease

INTERVAL = 0.01


async def test_memory_is_given_back_after_work_and_not_while_nothing_is_done() -> None:
    released = 0
    worked = 0.0
    given_back = Event()

    def release() -> None:
        nonlocal released, worked
        released += 1
        worked += WORK  # its own work does not count
        from_thread.run_sync(given_back.set)

    async with create_task_group() as tasks:
        tasks.start_soon(MemoryRelease(release, lambda: worked, INTERVAL).run)
        await sleep(20 * INTERVAL)
        assert released == 0
        worked += 2 * WORK
        with fail_after(10):
            await given_back.wait()
        await sleep(20 * INTERVAL)
        assert released == 1
        tasks.cancel_scope.cancel()
