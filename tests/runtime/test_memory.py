"""When a server gives memory back."""

from anyio import Event, create_task_group, fail_after, sleep

from runtime.memory import GROWTH, WORK, MemoryRelease

INTERVAL, LOOK = 0.05, 0.002


class Server:
    """A server that computes as it is told."""

    def __init__(self) -> None:
        self.released = 0
        self.worked = 0.0
        self.memory = 2 * GROWTH
        self.live = False
        self._asked = False
        """Whether memory was asked for since it was given back, as it is right afterwards."""
        self._given_back = Event()

    def release(self) -> None:
        self.released += 1
        self.worked += WORK  # its own work does not count
        self.memory = 2 * GROWTH
        self._asked = False

    def resident(self) -> int:
        if self.released and not self._asked:
            self._asked = True
            self._given_back.set()
        return self.memory

    def watched(self, interval: float) -> MemoryRelease:
        return MemoryRelease(lambda: self.live, self.release, lambda: self.worked, self.resident, interval, LOOK)

    async def has_released(self) -> None:
        self._given_back = Event()
        with fail_after(10):
            await self._given_back.wait()


async def test_memory_is_given_back_after_work_and_not_while_nothing_is_done() -> None:
    server = Server()
    async with create_task_group() as tasks:
        tasks.start_soon(server.watched(INTERVAL).run)
        await sleep(5 * INTERVAL)
        assert server.released == 0
        server.worked += 2 * WORK
        await server.has_released()
        await sleep(5 * INTERVAL)
        assert server.released == 1
        tasks.cancel_scope.cancel()


async def test_memory_that_grows_during_a_live_call_is_given_back_at_once() -> None:
    server = Server()
    server.live = True
    async with create_task_group() as tasks:
        tasks.start_soon(server.watched(3600.0).run)
        await sleep(LOOK)
        for times in (1, 2):
            server.worked += 2 * WORK
            server.memory += GROWTH
            await sleep(10 * LOOK)
            assert server.released == times - 1
            server.memory += 1
            await server.has_released()
        tasks.cancel_scope.cancel()


async def test_memory_that_grows_during_a_job_waits_for_its_time() -> None:
    server = Server()
    async with create_task_group() as tasks:
        tasks.start_soon(server.watched(3600.0).run)
        await sleep(LOOK)
        server.worked += 2 * WORK
        server.memory += 2 * GROWTH
        await sleep(20 * LOOK)
        assert server.released == 0
        tasks.cancel_scope.cancel()
