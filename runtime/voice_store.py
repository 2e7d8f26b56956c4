"""Known voices and their samples in the database. No name and no voiceprint goes anywhere else from here."""

import sqlite3
import unicodedata
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from msgspec import Struct

from contracts.errors import CallAnnotateError
from contracts.recognition import KnownVoice
from contracts.voice_errors import SAMPLE_NOT_FOUND, VOICE_EXISTS, VOICE_FULL, VOICE_NOT_FOUND
from contracts.voices import MOST_SAMPLES, VOICEPRINT_SIZE, SampleSource
from runtime.database import Database, marks
from runtime.voice_files import Vectors


class VoiceRow(Struct, frozen=True, kw_only=True):
    """A voice as it is kept. Times are seconds since 1970."""

    voice_id: str
    name: str
    note: str
    created_at: float
    updated_at: float


class SampleRow(Struct, frozen=True, kw_only=True):
    """A sample as it is kept, without its voiceprints. Times are seconds since 1970."""

    sample_id: str
    voice_id: str
    created_at: float
    source: SampleSource
    filename: str
    job_id: str | None = None
    speaker_id: str | None = None
    duration: float | None = None
    """Seconds."""
    speech: float | None = None
    """Seconds."""
    model: str
    """sha256 of the voiceprint model."""
    audio_kept: int
    """1 where its audio lies on the volume, 0 otherwise."""


VOICE_COLUMNS: Final = VoiceRow.__struct_fields__
SAMPLE_COLUMNS: Final = SampleRow.__struct_fields__
SELECT_SAMPLES: Final = f"SELECT {', '.join(SAMPLE_COLUMNS)} FROM samples"


class VoiceStore:
    """The tables of voices."""

    def __init__(self, database: Database) -> None:
        self.database: Final = database

    async def add(self, voice: VoiceRow, sample: SampleRow, vectors: Vectors) -> None:
        """Add a voice with its first sample. Raises VOICE_EXISTS."""

        def work(writer: sqlite3.Connection) -> None:
            _check_name(writer, voice.name, voice.voice_id)
            values = (*(getattr(voice, name) for name in VOICE_COLUMNS), name_key(voice.name))
            names = ", ".join((*VOICE_COLUMNS, "name_key"))
            writer.execute(f"INSERT INTO voices ({names}) VALUES ({marks(values)})", values)
            _insert(writer, sample, vectors)

        await self.database.write(work)

    async def add_sample(self, sample: SampleRow, vectors: Vectors) -> None:
        """Add a sample to a voice. Raises VOICE_NOT_FOUND or VOICE_FULL."""

        def work(writer: sqlite3.Connection) -> None:
            _touch(writer, sample.voice_id, sample.created_at)
            count = "SELECT count(*) FROM samples WHERE voice_id = ?"
            if writer.execute(count, (sample.voice_id,)).fetchone()[0] >= MOST_SAMPLES:
                raise CallAnnotateError(VOICE_FULL, voice_id=sample.voice_id, limit=MOST_SAMPLES)
            _insert(writer, sample, vectors)

        await self.database.write(work)

    async def rename(self, voice_id: str, name: str, note: str, now: float) -> None:
        """Raises VOICE_NOT_FOUND or VOICE_EXISTS."""

        def work(writer: sqlite3.Connection) -> None:
            _touch(writer, voice_id, now)
            _check_name(writer, name, voice_id)
            writer.execute(
                "UPDATE voices SET name = ?, name_key = ?, note = ? WHERE voice_id = ?",
                (name, name_key(name), note, voice_id),
            )

        await self.database.write(work)

    async def renew(self, sample: SampleRow, vectors: Vectors) -> None:
        """Give a sample the voiceprints of another model; nothing happens where it was deleted meanwhile."""
        values = (sample.model, sample.speech, _bytes(vectors), sample.sample_id)
        await self.database.write(
            lambda writer: writer.execute(
                "UPDATE samples SET model = ?, speech = ?, vectors = ? WHERE sample_id = ?", values
            )
        )

    async def remove(self, voice_id: str, then: Callable[[None], None]) -> None:
        """Take a voice out with its samples. Raises VOICE_NOT_FOUND."""

        def work(writer: sqlite3.Connection) -> None:
            if writer.execute("DELETE FROM voices WHERE voice_id = ?", (voice_id,)).rowcount == 0:
                raise CallAnnotateError(VOICE_NOT_FOUND, voice_id=voice_id)

        await self.database.write(work, then)

    async def remove_sample(self, voice_id: str, sample_id: str, now: float, then: Callable[[None], None]) -> None:
        """Take a sample out. Raises VOICE_NOT_FOUND or SAMPLE_NOT_FOUND."""

        def work(writer: sqlite3.Connection) -> None:
            _touch(writer, voice_id, now)
            where = "DELETE FROM samples WHERE voice_id = ? AND sample_id = ?"
            if writer.execute(where, (voice_id, sample_id)).rowcount == 0:
                raise CallAnnotateError(SAMPLE_NOT_FOUND, sample_id=sample_id)

        await self.database.write(work, then)

    async def get(self, voice_id: str) -> tuple[VoiceRow, list[SampleRow]]:
        """A voice and its samples, the oldest first. Raises VOICE_NOT_FOUND."""
        query = f"SELECT {', '.join(VOICE_COLUMNS)} FROM voices WHERE voice_id = ?"
        rows = await self.database.read(query, voice_id)
        if not rows:
            raise CallAnnotateError(VOICE_NOT_FOUND, voice_id=voice_id)
        samples = await self.database.read(f"{SELECT_SAMPLES} WHERE voice_id = ? ORDER BY number", voice_id)
        return _voice(rows[0]), [_sample(row) for row in samples]

    async def check_name(self, name: str) -> None:
        """Raises VOICE_EXISTS where a voice has the name."""
        found = await self.named(name)
        if found is not None:
            raise CallAnnotateError(VOICE_EXISTS, voice_id=found.voice_id)

    async def check_room(self, voice_id: str) -> None:
        """Raises VOICE_NOT_FOUND, or VOICE_FULL where the voice can have no more samples."""
        _, samples = await self.get(voice_id)
        if len(samples) >= MOST_SAMPLES:
            raise CallAnnotateError(VOICE_FULL, voice_id=voice_id, limit=MOST_SAMPLES)

    async def named(self, name: str) -> VoiceRow | None:
        """The voice of this name."""
        query = f"SELECT {', '.join(VOICE_COLUMNS)} FROM voices WHERE name_key = ?"
        rows = await self.database.read(query, name_key(name))
        return _voice(rows[0]) if rows else None

    async def page(
        self, name: str | None, limit: int, offset: int
    ) -> tuple[list[tuple[VoiceRow, list[SampleRow]]], int]:
        """Voices in the order of their names, each with its samples, and how many there are on all pages."""
        where, values = ("instr(name_key, ?) > 0", [name_key(name)]) if name else ("1", [])
        (total,) = (await self.database.read(f"SELECT count(*) FROM voices WHERE {where}", *values))[0]
        rows = await self.database.read(
            f"SELECT {', '.join(VOICE_COLUMNS)} FROM voices WHERE {where} ORDER BY name_key LIMIT ? OFFSET ?",
            *values, limit, min(offset, 2**62),
        )  # fmt: skip
        voices = [_voice(row) for row in rows]
        ids = [voice.voice_id for voice in voices]
        found: dict[str, list[SampleRow]] = {voice_id: [] for voice_id in ids}
        for row in await self.database.read(f"{SELECT_SAMPLES} WHERE voice_id IN ({marks(ids)}) ORDER BY number", *ids):
            sample = _sample(row)
            found[sample.voice_id].append(sample)
        return [(voice, found[voice.voice_id]) for voice in voices], total

    async def vectors(self, voice_id: str, model: str) -> Vectors:
        """All voiceprints of a voice by this model, the oldest sample's first."""
        rows = await self.database.read(
            "SELECT vectors FROM samples WHERE voice_id = ? AND model = ? ORDER BY number", voice_id, model
        )
        return _vectors(b"".join(row[0] for row in rows))

    async def known(self, model: str) -> list[KnownVoice]:
        """Every voice that has voiceprints by this model, in the order in which they were enrolled."""
        rows = await self.database.read(KNOWN, model)
        return known_voices(rows)

    async def stale(self, model: str) -> list[SampleRow]:
        """Samples with the voiceprints of another model."""
        rows = await self.database.read(f"{SELECT_SAMPLES} WHERE model <> ? ORDER BY number", model)
        return [_sample(row) for row in rows]

    async def all_samples(self) -> list[SampleRow]:
        """Every sample of every voice."""
        return [_sample(row) for row in await self.database.read(f"{SELECT_SAMPLES} ORDER BY number")]

    async def ids(self) -> set[str]:
        """Of all voices."""
        return {row[0] for row in await self.database.read("SELECT voice_id FROM voices")}


KNOWN: Final = (
    "SELECT voices.voice_id, name, vectors, filename FROM samples JOIN voices USING (voice_id) WHERE model = ?"
    " ORDER BY voices.number, samples.number"
)
"""What is known by a model."""


def known_voices(rows: list[tuple[Any, ...]]) -> list[KnownVoice]:
    """The voices of the rows of KNOWN."""
    voices: dict[str, tuple[str, str, list[bytes]]] = {}
    for voice_id, name, blob, filename in rows:
        voices.setdefault(voice_id, (name, filename, []))[2].append(blob)
    return [
        KnownVoice(voice_id, name, _vectors(b"".join(blobs)), filename)
        for voice_id, (name, filename, blobs) in voices.items()
    ]


def name_key(name: str) -> str:
    """A name as it is compared with others."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _check_name(writer: sqlite3.Connection, name: str, voice_id: str) -> None:
    """Raises VOICE_EXISTS where another voice has the name."""
    found = writer.execute(
        "SELECT voice_id FROM voices WHERE name_key = ? AND voice_id <> ?", (name_key(name), voice_id)
    ).fetchone()
    if found is not None:
        raise CallAnnotateError(VOICE_EXISTS, voice_id=found[0])


def _touch(writer: sqlite3.Connection, voice_id: str, now: float) -> None:
    """Raises VOICE_NOT_FOUND."""
    if writer.execute("UPDATE voices SET updated_at = ? WHERE voice_id = ?", (now, voice_id)).rowcount == 0:
        raise CallAnnotateError(VOICE_NOT_FOUND, voice_id=voice_id)


def _insert(writer: sqlite3.Connection, sample: SampleRow, vectors: Vectors) -> None:
    values = (*(getattr(sample, name) for name in SAMPLE_COLUMNS), _bytes(vectors))
    names = ", ".join((*SAMPLE_COLUMNS, "vectors"))
    writer.execute(f"INSERT INTO samples ({names}) VALUES ({marks(values)})", values)


def _bytes(vectors: Vectors) -> bytes:
    """Little-endian float32, one voiceprint after the other."""
    return vectors.astype("<f4").tobytes()


def _vectors(content: bytes) -> Vectors:
    return np.frombuffer(content, "<f4").astype(np.float32).reshape(-1, VOICEPRINT_SIZE)


def _voice(values: tuple[Any, ...]) -> VoiceRow:
    return VoiceRow(**dict(zip(VOICE_COLUMNS, values, strict=True)))


def _sample(values: tuple[Any, ...]) -> SampleRow:
    return SampleRow(**dict(zip(SAMPLE_COLUMNS, values, strict=True)))
