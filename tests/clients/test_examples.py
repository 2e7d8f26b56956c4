"""The examples of both clients, run as their readers run them."""

import os
import sys
from pathlib import Path

from anyio import fail_after, run_process

from runtime.engine import Engine
from tests.clients.cutter import Cutter
from tests.clients.javascript import PACKAGE, ROOT, node
from tests.web.serving import Server, serving, wav

PYTHON = ROOT / "clients" / "python" / "examples"
JAVASCRIPT = PACKAGE / "examples"


async def python(*arguments: str | Path, **environment: str) -> str:
    """What a program prints; where it fails, what it says of that is raised."""
    with fail_after(120):
        done = await run_process([sys.executable, *map(str, arguments)], check=False, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def url(server: Server) -> str:
    return f"http://{server.host}:{server.port}"


def test_every_example_is_run_here() -> None:
    here = Path(__file__).read_text()
    for example in (*PYTHON.iterdir(), *JAVASCRIPT.iterdir()):
        if example.suffix in {".py", ".mjs"}:
            assert f'"{example.name}"' in here, example


async def test_a_recording_is_submitted_and_its_transcript_printed_by_both_alike(server: Server, talk: Path) -> None:
    printed = (await python(PYTHON / "submit.py", talk, url(server))).splitlines()
    assert printed
    assert all("speaker_" in line for line in printed)
    again = (await node(JAVASCRIPT / "submit.mjs", talk, url(server))).splitlines()
    assert [line.split() for line in printed] == [line.split() for line in again]


async def test_jobs_are_watched_side_by_side(server: Server) -> None:
    jobs = [(await server.submit(wav(2.0)))["job_id"] for _ in range(2)]
    for printed in (
        await python(PYTHON / "watch.py", url(server), *jobs),
        await node(JAVASCRIPT / "watch.mjs", url(server), *jobs),
    ):
        lines = printed.splitlines()
        assert {f"{job}: result" for job in jobs} <= set(lines)


async def test_a_call_is_streamed_and_goes_on_after_a_cut(server: Server, cutter: Cutter, talk: Path) -> None:
    whole = (await python(PYTHON / "live.py", talk, url(server), "1000")).splitlines()
    assert any("said" in line and line.endswith("words") for line in whole)
    cutter.every, cutter.times = 3000, 2
    torn = (await python(PYTHON / "live.py", talk, cutter.url, "1000")).splitlines()
    assert cutter.cuts
    cuts, cutter.times = cutter.cuts, 4
    again = (await node(JAVASCRIPT / "live.mjs", talk, cutter.url, "1000")).splitlines()
    assert cutter.cuts > cuts
    assert [line.split() for line in torn] == [line.split() for line in whole] == [line.split() for line in again]


async def test_examples_take_their_key_from_the_environment(engine: Engine, tmp_path: Path, talk: Path) -> None:
    async with serving(tmp_path, engine, access="keys", live_speed_limit=1000.0) as locked:
        _, key = await locked.service.access.make("examples", ("read", "submit", "live"), None)
        for printed in (
            await python(PYTHON / "submit.py", talk, url(locked), CALLANNOTATE_KEY=key),
            await python(PYTHON / "live.py", talk, url(locked), "1000", CALLANNOTATE_KEY=key),
            await node(JAVASCRIPT / "submit.mjs", talk, url(locked), CALLANNOTATE_KEY=key),
            await node(JAVASCRIPT / "live.mjs", talk, url(locked), "1000", CALLANNOTATE_KEY=key),
        ):
            assert "speaker_" in printed
        page = await locked.service.jobs(status=None, limit=1, offset=0)
        for printed in (
            await python(PYTHON / "watch.py", url(locked), page.jobs[0].job_id, CALLANNOTATE_KEY=key),
            await node(JAVASCRIPT / "watch.mjs", url(locked), page.jobs[0].job_id, CALLANNOTATE_KEY=key),
        ):
            assert printed == f"{page.jobs[0].job_id}: result\n"
