"""A call of two hours with 20,000 words: quick to see, smooth to scroll, small in memory."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, expect

from contracts.annotation import Annotation, Segment, Speaker, Turn, Word
from contracts.waveform import Waveform
from tests.ui.visitor import Visitor
from tests.web.process import Process

HOURS = 7200.0
SEGMENTS = 2000
WORDS = 10
USABLE = 2.0
"""Seconds."""
MEMORY = 300 * 2**20
"""Bytes of the page's own process."""
SMOOTH = 100.0
"""Milliseconds from one picture to the next, of 95 in 100, while the transcript is scrolled."""
SCROLL = """async () => {
  const list = document.querySelector('.transcript'), times = [];
  for (let step = 0; step < 120; step += 1) {
    list.scrollTop += 400;
    times.push(await new Promise((told) => requestAnimationFrame(told)));
  }
  const frames = times.slice(1).map((time, index) => time - times[index]).sort((one, other) => one - other);
  return {slow: frames[Math.floor(0.95 * frames.length)], rows: document.querySelectorAll('.row').length};
}"""


def long_annotation(short: Annotation) -> Annotation:
    """The result of a call of two hours by three speakers who take turns and interrupt each other."""
    choose = random.Random(6)
    vocabulary = ("the", "line", "is", "not", "available", "please", "hold", "on", "call", "to", "next", "agent")
    segments: dict[int, list[Segment]] = {1: [], 2: [], 3: []}
    turns = []
    step = HOURS / SEGMENTS
    for number in range(SEGMENTS):
        start, speaker = number * step, choose.choice((1, 1, 2, 2, 3))
        words = tuple(
            Word(choose.choice(vocabulary), start + index * 0.35, start + index * 0.35 + 0.3, choose.random())
            for index in range(WORDS)
        )
        text = " ".join(word.word for word in words)
        segments[speaker].append(Segment(start, words[-1].end_time, text, 0.5, "en", words))
        turns.append(Turn(f"speaker_{speaker}", start, words[-1].end_time + choose.choice((0.0, 0.4))))
    speakers = tuple(Speaker(f"speaker_{number}", tuple(said)) for number, said in segments.items())
    metadata = replace(short.metadata, total_duration=HOURS, speaker_count=3, word_count=SEGMENTS * WORDS)
    return Annotation(speakers, tuple(turns), metadata)


@pytest.fixture(scope="module")
def long_call(server: Process, volume: Path, spoken: Path) -> Iterator[str]:
    """A job whose result is that of a call of two hours."""
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as http:
        job_id = http.post("/api/v1/jobs", files={"file": ("two-hours.wav", spoken.read_bytes())}).json()["job_id"]
        until = time.monotonic() + 90
        while http.get(f"/api/v1/jobs/{job_id}").json()["status"] != "completed":
            assert time.monotonic() < until
        path = volume / "completed" / f"{job_id}.json"
        path.write_bytes(msgspec.json.encode(long_annotation(msgspec.json.decode(path.read_bytes(), type=Annotation))))
        rate = 40_000 / HOURS
        choose = random.Random(1)
        peaks = Waveform(
            job_id=job_id, duration=HOURS, rate=rate, channels=(tuple(choose.randrange(256) for _ in range(40_000)),)
        )
        path.with_name(f"{job_id}.peaks.json").write_bytes(msgspec.json.encode(peaks))
        yield job_id
        http.delete(f"/api/v1/jobs/{job_id}")


def page_memory() -> int:
    """Bytes that the largest page of our browsers has for itself."""
    children = psutil.Process(os.getpid()).children(recursive=True)
    return max(one.memory_full_info().uss for one in children if "--type=renderer" in one.cmdline())


def test_a_call_of_two_hours_is_quick_smooth_and_small(browser: Browser, server: Process, long_call: str) -> None:
    with Visitor.visiting(browser, server.url, "en") as visitor:
        visitor.go()
        visitor.page.locator(".call-row").first.wait_for()
        began = time.monotonic()
        visitor.open_call(long_call)
        usable = time.monotonic() - began
        scrolled = visitor.page.evaluate(SCROLL)
        visitor.shoot("7-two-hours")
        visitor.page.get_by_role("slider", name=visitor.text("position")).fill("6500")
        visitor.page.get_by_role("searchbox").fill("next agent")
        expect(visitor.page.locator(".word.shown").first).to_be_visible()
        memory = page_memory()
        print(f"usable after {usable:.2f} s, 95 % of frames within {scrolled['slow']:.0f} ms, {memory / 2**20:.0f} MB")
        assert usable < USABLE
        assert scrolled["rows"] < 80
        assert scrolled["slow"] < SMOOTH
        assert 0 < memory < MEMORY
