"""The client in JavaScript in a browser: the same files, with what browsers have instead of what Node.js has."""

import os
import shutil
from base64 import b64encode
from pathlib import Path

import soundfile
from anyio import fail_after
from playwright.async_api import Route, async_playwright

from tests.clients.cutter import Cutter
from tests.clients.javascript import PACKAGE

ACT = """
async ([recording, samples]) => {
  const { Client } = await import("/client/index.js");
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const client = new Client(location.origin);
  const sent = [];
  const file = new File([bytes(recording)], "call.wav");
  const job = await client.submit(file, { metadata: { language: "en" }, progress: (...now) => sent.push(now) });
  const { result } = await client.wait(job.job_id);
  const plain = await client.submit(file);
  const audio = { encoding: "pcm_s16le", sample_rate: 8000, channels: 1 };
  const live = client.live({ audio, language: "en" }, { speed: null });
  void live.pipe([bytes(samples)]);
  const seen = [];
  for await (const message of live) {
    seen.push(message.seq);
    if (seen.length % 5 === 1 && live.resumes < 2) live.cut();
  }
  const { totals } = live.ended;
  const [filename, speakers] = [job.file_info.filename, result.speakers.length];
  const again = [plain.file_info.filename, plain.file_info.size === file.size];
  return { sent, filename, again, speakers, seen, resumes: live.resumes, totals };
}
"""


async def files_of_the_client(route: Route) -> None:
    """As a page's own server would give them."""
    name = route.request.url.rsplit("/", 1)[1]
    await route.fulfill(body=(PACKAGE / "dist" / name).read_bytes(), content_type="text/javascript")


async def test_a_recording_and_a_live_session_over_lost_connections(cutter: Cutter, talk: Path) -> None:
    chromium = shutil.which(os.environ.get("CHROMIUM") or "chromium")
    assert chromium, "Chromium is needed: apt-get install chromium, or name another in CHROMIUM"
    recording = talk.read_bytes()  # noqa: ASYNC240 - small
    samples = soundfile.read(talk, dtype="int16")[0].tobytes()
    with fail_after(120):
        async with async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = await browser.new_page()
            await page.route("**/client/*.js", files_of_the_client)
            await page.goto(f"{cutter.url}/info")
            given = [b64encode(content).decode() for content in (recording, samples)]
            seen = await page.evaluate(ACT, given)
            await browser.close()
    assert seen["filename"] == "call.wav"
    assert seen["sent"][-1] == [len(recording), len(recording)]
    assert seen["again"] == ["call.wav", True]
    assert seen["speakers"] >= 1
    assert seen["resumes"] == 2
    assert seen["seen"] == list(range(1, len(seen["seen"]) + 1))
    assert seen["totals"]["bytes_received"] == len(samples)
