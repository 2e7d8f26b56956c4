"""`/ws/{job_id}`: the life of a job as its watchers see it."""

from tests.contract.conversation import converse
from tests.contract.lab import UNKNOWN_JOB, Lab
from tests.contract.recordings import broken, short_speech, speech


async def watched_to_the_end(lab: Lab) -> None:
    """State at once, progress, result, 1000; pings both ways meanwhile."""
    job = await lab.submit(short_speech(15.0))
    async with lab.watch(job["job_id"]) as talk:
        first = await talk.expect_any(lambda _: True)
        lab.require(first.name == "status_update", f"first came {first.name}")
        await talk.send({"type": "ping"})
        pong = await talk.expect("server_pong")
        lab.require(pong["timestamp"] is None, f"a pong with a timestamp that nobody has sent: {pong}")
        await talk.ping()
        result = await talk.expect("result")
        await talk.end(1000)
        lab.require(len(result["result"]["speakers"]) > 0, "nobody speaks in the sample call")
    async with lab.watch(job["job_id"]) as talk:
        await talk.expect("result", job_id=job["job_id"])
        await talk.end(1000)
    async with lab.watch(job["job_id"], f"?after_seq={result['seq']}") as talk:
        await talk.end(1000)
        lab.require(not talk.unused(), f"after the last message came {talk.unused()}")


async def replayed(lab: Lab) -> None:
    """Every message of a job that has ended, from the first on."""
    job = await lab.finished()
    async with lab.watch(job["job_id"], "?after_seq=0") as talk:
        await talk.end(1000)
        said = talk.unused()
    lab.require(said[-1].name == "result", f"the last is {said[-1].name}")
    lab.require([frame.payload["seq"] for frame in said] == list(range(1, len(said) + 1)), "seq from 1 without a gap")


async def failed(lab: Lab) -> None:
    """A job that fails says why, and that is all."""
    job = await lab.submit(broken())
    async with lab.watch(job["job_id"]) as talk:
        told = await talk.expect("job_error", job_id=job["job_id"])
        lab.require(told["error"]["code"] == "INVALID_SAMPLES", f"failed with {told['error']}")
        await talk.end(1000)


async def unknown_or_deleted(lab: Lab) -> None:
    """4404 for a job that never was, for what is no id, and for one that is deleted meanwhile."""
    for job_id in (UNKNOWN_JOB, "call-17"):
        async with lab.watch(job_id) as talk:
            await talk.expect("connection_error")
            await talk.end(4404, "JOB_NOT_FOUND")
    job = await lab.submit(speech())
    async with lab.watch(job["job_id"]) as talk:
        await talk.expect("status_update")
        await lab.delete(job["job_id"])
        await talk.end(4404, "JOB_NOT_FOUND")


async def invalid_message(lab: Lab) -> None:
    """What only `/v1/ws` knows does not belong here."""
    job = await lab.submit(speech())
    async with lab.watch(job["job_id"]) as talk:
        await talk.send_as_it_is('{"type": "subscribe", "id": "s1", "job_id": "x"}')
        await talk.expect("connection_error")
        await talk.ping()
        await lab.delete(job["job_id"])
        await talk.end(4404, "JOB_NOT_FOUND")


async def archived(lab: Lab) -> None:
    """An archived job says that it is, and 1000; its recording is gone."""
    job = await lab.finished()
    async with lab.session() as talk:
        while (await talk.ask("getJob", parameters={"job_id": job["job_id"]}))["body"]["status"] != "archived":
            await talk.ping()
        reply = await talk.ask("getJobAudio", parameters={"job_id": job["job_id"]})
        lab.require(reply["body"]["error"]["code"] == "WRONG_STATE", f"audio of an archived job: {reply}")
    async with lab.watch(job["job_id"]) as talk:
        told = await talk.expect("status_update")
        lab.require(told["status"] == "archived", f"the state is {told['status']}")
        await talk.end(1000)


async def gone_messages(lab: Lab) -> None:
    """Where the replay buffer has forgotten messages, it is said; what is left follows."""
    job = await lab.finished()
    async with lab.watch(job["job_id"], "?after_seq=0") as talk:
        told = await talk.expect("connection_error")
        lab.require(told["error"]["code"] == "MESSAGES_GONE", f"told {told}")
        await talk.expect("result")
        await talk.end(1000)
    async with lab.session() as talk:
        await talk.send({"type": "subscribe", "id": "s1", "job_id": job["job_id"], "after_seq": 0})
        await talk.expect("reply", id="s1")
        told = await talk.expect("connection_error", in_reply_to="s1")
        lab.require(told["error"]["code"] == "MESSAGES_GONE", f"told {told}")
        await talk.expect("result")
        await talk.ping()


async def mistake_of_the_server(lab: Lab) -> None:
    """1011, and nothing of the mistake itself is told; needs the faulty server."""
    job = await lab.submit()
    async with lab.watch(job["job_id"], "?after_seq=13") as talk:
        told = await talk.expect("connection_error")
        lab.require("a mistake" not in str(told), f"the mistake is told: {told}")
        await talk.end(1011, "INTERNAL")
    async with lab.session() as talk:
        reply = await talk.ask("getQueueStatus")
        lab.require(reply["status"] == 500 and "a mistake" not in str(reply), f"told {reply}")
        await talk.send({"type": "subscribe", "id": "s1", "job_id": job["job_id"], "after_seq": 13})
        await talk.end(1011, "INTERNAL")
    async with lab.watch(job["job_id"]) as talk:
        told = await talk.expect("job_error")
        lab.require(told["error"]["code"] == "PROCESSING_FAILED", f"failed with {told['error']}")
        await talk.end(1000)


async def stopped(lab: Lab) -> None:
    """A server that stops says so to everyone and closes with 1012."""
    job = await lab.submit(speech())
    async with (
        lab.watch(job["job_id"]) as watching,
        lab.session() as asking,
        converse(lab.url, lab.session_channel, lab.findings, f"{lab.label} idle") as idle,
    ):
        await watching.expect("status_update")
        await asking.ping()
        assert lab.own is not None
        lab.own.stop()
        for talk in (watching, asking, idle):
            await talk.expect("session.closing", reason="SHUTTING_DOWN")
            await talk.end(1012, "SHUTTING_DOWN")
