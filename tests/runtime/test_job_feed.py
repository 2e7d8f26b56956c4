"""What watchers of a job are told."""

from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from anyio import EndOfStream

from contracts.errors import JOB_NOT_FOUND, SLOW_READER, CallAnnotateError
from contracts.job_messages import JobErrorMessage, StatusUpdate
from contracts.jobs import JobFailure, JobProgress
from runtime.job_feed import JobFeeds, Subscription
from runtime.volume import Volume

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    (tmp_path / "processing").mkdir()
    return Volume(tmp_path)


def update(seq: int) -> StatusUpdate:
    return StatusUpdate(
        job_id="j", seq=seq, status="processing", progress=JobProgress(percentage=min(100, seq)), timestamp=NOW
    )


def last(seq: int) -> JobErrorMessage:
    return JobErrorMessage(job_id="j", seq=seq, error=JobFailure(code="X", message="x"), timestamp=NOW)


async def feeds_with(volume: Volume, count: int, kept: int = 1000, buffer: int = 100) -> JobFeeds:
    """Feeds with a job that has told so many messages."""
    feeds = JobFeeds(volume, kept, buffer)
    feeds.begin(update(1))
    for _ in range(count - 1):
        await feeds.publish("j", update)
    return feeds


def follow(feeds: JobFeeds, after_seq: int | None = None) -> Subscription:
    found = feeds.subscribe("j", after_seq)
    assert found is not None
    return found[1]


async def seqs(subscription: Subscription, count: int) -> list[int]:
    with anyio.fail_after(5):
        return [(await subscription.receive()).seq for _ in range(count)]


async def test_a_watcher_gets_the_current_state_at_once_and_then_every_message(volume: Volume) -> None:
    feeds = await feeds_with(volume, 5)
    watcher = follow(feeds)
    assert await seqs(watcher, 1) == [5]
    await feeds.publish("j", update)
    await feeds.publish("j", update)
    feeds.end(last(8))
    assert await seqs(watcher, 3) == [6, 7, 8]
    with pytest.raises(EndOfStream):
        await watcher.receive()


@pytest.mark.parametrize(
    ("after_seq", "replayed"),
    [(0, [1, 2, 3, 4, 5]), (3, [4, 5]), (5, []), (6, [5]), (None, [5])],
)
async def test_a_watcher_that_comes_back_gets_what_it_missed(
    volume: Volume, after_seq: int | None, replayed: list[int]
) -> None:
    feeds = await feeds_with(volume, 5)
    watcher = follow(feeds, after_seq)
    assert await seqs(watcher, len(replayed)) == replayed
    assert watcher.waiting == 0


async def test_messages_that_are_no_longer_kept_are_replaced_by_the_current_state(volume: Volume) -> None:
    feeds = await feeds_with(volume, 10, kept=4)
    assert await seqs(follow(feeds, 6), 4) == [7, 8, 9, 10]
    watcher = follow(feeds, 5)
    assert await seqs(watcher, 1) == [10]
    assert watcher.waiting == 0


async def test_a_watcher_that_waits_is_woken(volume: Volume) -> None:
    feeds = await feeds_with(volume, 1)
    watcher = follow(feeds, 1)
    found: list[int] = []

    async def read() -> None:
        found.append((await watcher.receive()).seq)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            await feeds.publish("j", update)
    assert found == [2]


async def test_a_watcher_that_does_not_read_is_cut_off_and_holds_nothing_up(volume: Volume) -> None:
    feeds = await feeds_with(volume, 1, buffer=3)
    slow, quick = follow(feeds), follow(feeds)
    for seq in range(1, 6):
        assert await seqs(quick, 1) == [seq]
        await feeds.publish("j", update)
    assert slow.waiting == 0
    with pytest.raises(CallAnnotateError) as caught:
        await slow.receive()
    assert caught.value.fault is SLOW_READER


async def test_a_long_replay_does_not_make_a_watcher_slow(volume: Volume) -> None:
    feeds = await feeds_with(volume, 50, buffer=3)
    watcher = follow(feeds, 0)
    await feeds.publish("j", update)
    assert await seqs(watcher, 51) == list(range(1, 52))


async def test_numbers_and_messages_go_on_after_a_crash(volume: Volume) -> None:
    await feeds_with(volume, 5)
    again = JobFeeds(volume, 1000, 100)
    await again.resume(update(1))
    assert await seqs(follow(again, 0), 5) == [1, 2, 3, 4, 5]
    await again.publish("j", update)
    assert again.last("j") == update(6)


@pytest.mark.parametrize("torn", [1, 10, 100])
async def test_a_message_that_was_torn_off_is_left_out_and_its_number_given_again(volume: Volume, torn: int) -> None:
    await feeds_with(volume, 5)
    path = volume.messages("j")
    path.write_bytes(path.read_bytes()[:-torn])
    again = JobFeeds(volume, 1000, 100)
    await again.resume(update(1))
    await again.publish("j", update)
    assert again.last("j") == update(5)
    third = JobFeeds(volume, 1000, 100)
    await third.resume(update(1))
    assert third.last("j") == update(5)


async def test_a_job_that_had_told_nothing_yet_begins_with_what_the_database_knows(volume: Volume) -> None:
    feeds = JobFeeds(volume, 1000, 100)
    await feeds.resume(update(1))
    assert feeds.last("j") == update(1)


async def test_a_full_volume_keeps_news_back_and_no_number_is_lost(volume: Volume) -> None:
    feeds = await feeds_with(volume, 2)
    volume.messages("j").unlink()
    volume.messages("j").symlink_to("/dev/full")
    await feeds.publish("j", update)
    assert feeds.last("j") == update(2)
    volume.messages("j").unlink()
    await feeds.publish("j", update)
    assert feeds.last("j") == update(3)


async def test_who_comes_after_the_end_gets_the_end_and_what_was_missed(volume: Volume) -> None:
    feeds = await feeds_with(volume, 3)
    feeds.end(last(4))
    assert feeds.subscribe("j", None) is None
    assert await seqs(feeds.replay(last(4), None), 1) == [4]
    assert await seqs(feeds.replay(last(4), 1), 3) == [2, 3, 4]
    with pytest.raises(EndOfStream):
        await feeds.replay(last(4), 4).receive()
    assert await seqs(JobFeeds(volume, 10, 10).replay(last(4), 1), 1) == [4]


async def test_who_watches_a_job_that_is_deleted_is_told_so(volume: Volume) -> None:
    feeds = await feeds_with(volume, 3)
    watcher = follow(feeds)
    feeds.forget("j")
    with pytest.raises(CallAnnotateError) as caught:
        await watcher.receive()
    assert caught.value.fault is JOB_NOT_FOUND
    feeds.forget("j")
