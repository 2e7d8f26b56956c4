"""Streams recordings to a real server, as `callannotate live` does, and notes what arrives and when."""

import random
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

import anyio
import httpx
import msgspec
from anyio import Event, create_task_group, current_time, fail_after
from msgspec import Struct

from benchmarks.live_scores import Arrival
from benchmarks.materials import Material
from benchmarks.protocol import Turn
from benchmarks.simulator import ReferenceTurn
from contracts.annotation import Annotation
from contracts.live import LiveServerMessage, SessionStart
from web.live_audio import FileSource, paced
from web.live_client import LiveClient

DEV: Final = ("d_en", "d_ru", "d_en_ru", "d_short")
PATIENCE: Final = 900.0
"""Seconds for a job, and for what is left of a session when its audio is over."""


class Streamed(Struct, frozen=True):
    """One call, streamed to its end."""

    material: Material
    arrivals: tuple[Arrival, ...]
    audio_end: float
    """Seconds from the start of the audio until all of it was sent."""
    resumes: int = 0
    cuts: int = 0


def from_folder(folder: Path, names: Sequence[str]) -> list[Material]:
    """Simulated calls that were made already: NAME.wav and NAME.json."""
    import soundfile  # noqa: PLC0415

    found = []
    for name in names:
        path = folder / f"{name}.wav"
        turns = msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=list[ReferenceTurn])
        languages = {turn.language for turn in turns}
        found.append(
            Material(
                name,
                path,
                soundfile.info(path).duration,
                tuple(Turn(turn.start, turn.end, turn.speaker) for turn in turns),
                tuple((turn.speaker, turn.text) for turn in turns),
                languages.pop() if len(languages) == 1 else None,
            )
        )
    return found


async def stream(
    url: str,
    material: Material,
    *,
    speed: float = 1.0,
    cuts: int = 0,
    seed: int = 0,
    language: str | None = None,
    save: bool = False,
    partials: bool = True,
) -> Streamed:
    """Stream a call; the connection is torn `cuts` times, at moments by chance, or as soon after as there is one.

    Raises TimeoutError where the session does not end in time, and what the client raises.
    """
    source = FileSource(material.path, "auto")
    arrivals: list[Arrival] = []
    began = current_time()
    ended = 0.0
    arrived = Event()

    def show(message: LiveServerMessage) -> None:
        nonlocal arrived
        arrivals.append(Arrival(current_time() - began, message))
        arrived.set()
        arrived = Event()

    async def audio() -> AsyncIterator[bytes]:
        nonlocal began, ended
        began = current_time()
        async for block in paced(source, speed, Event()):
            yield block
        ended = current_time() - began

    client = LiveClient(url, SessionStart(audio=source.audio, language=language, partials=partials, save=save), show)
    made = 0

    async def tear() -> None:
        nonlocal made
        chance = random.Random(seed)
        for moment in sorted(chance.uniform(0.2, material.duration / speed) for _ in range(cuts)):
            await anyio.sleep(max(0.0, began + moment - current_time()))
            while not client.cut():
                await arrived.wait()  # over the next connection
            made += 1

    with fail_after(material.duration / speed + PATIENCE):
        async with create_task_group() as tasks:
            tasks.start_soon(tear)
            await client.run(audio())
            tasks.cancel_scope.cancel()
    return Streamed(material, tuple(arrivals), ended, client.resumes, made)


def file_door(url: str, material: Material, language: str | None) -> Annotation:
    """The result of the same recording as a job."""
    metadata = {} if language is None else {"language": language}
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client, material.path.open("rb") as file:
        answer = client.post(
            "/api/v1/jobs",
            files={"file": (material.path.name, file)},
            data={"metadata": msgspec.json.encode(metadata).decode()},
        )
        path = f"/api/v1/jobs/{answer.raise_for_status().json()['job_id']}"
        limit = time.monotonic() + PATIENCE
        while (status := client.get(path).raise_for_status().json()["status"]) not in {"completed", "failed"}:
            if time.monotonic() > limit:
                raise TimeoutError(f"{material.name}: not done after {PATIENCE} s")
            time.sleep(0.2)
        if status == "failed":
            raise RuntimeError(f"{material.name}: the job failed")
        result = client.get(f"{path}/result").raise_for_status().json()["result"]
    return msgspec.convert(result, Annotation, strict=False)
