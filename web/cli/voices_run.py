"""Runs `callannotate voices`: finds the voice that is meant, does what is wanted, prints what came of it."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import anyio
import click
import msgspec

from contracts.errors import INVALID_OPTION, CallAnnotateError
from contracts.voice_errors import VOICE_NOT_FOUND, VOICEPRINT_UNUSABLE
from contracts.voices import (
    VOICEPRINT_SIZE,
    SpeakerEnrolment,
    Voice,
    VoiceName,
    VoicePage,
    VoiceprintFormat,
    VoiceRequest,
    VoiceUpdate,
)
from runtime.voice_files import HEAD, kind_of
from runtime.voice_store import name_key
from stages.sound import shown
from web.cli.output import write_whole
from web.cli.voice_book import VoiceBook, open_book, opened_sample

PAGE: Final = 1000
"""Voices that are asked for at a time."""
HEADER: Final = ("NAME", "SAMPLES", "SPEECH", "STATE", "ID")


class Listed(Protocol):
    """What it takes to find a voice."""

    async def page(self, name: str | None, limit: int, offset: int) -> VoicePage: ...
    async def get(self, voice_id: str) -> Voice: ...


def list_voices(url: str | None, volume: Path | None, name: str | None) -> None:
    """A table of all voices."""

    async def work(book: VoiceBook) -> None:
        rows = [HEADER]
        for voice in await _all(book, name):
            speech = sum(sample.speech or 0.0 for sample in voice.samples)
            state = "stale" if voice.stale else "known"
            rows.append((_safe(voice.name), str(len(voice.samples)), f"{speech:.0f} s", state, voice.voice_id))
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
        for row in rows:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    _run(url, volume, work)


def add_files(
    url: str | None, volume: Path | None, name: str, files: Sequence[Path], note: str, *, only_voiceprints: bool
) -> None:
    """Enrol files under a name, one after the other; what was enrolled before an error stays."""
    wanted = VoiceRequest(name=_name(name), note=note)
    for file in files:
        with opened_sample(file) as content:
            kind = kind_of(content.read(HEAD))
        if only_voiceprints and kind is None:
            cause = "it is a recording, or something else"
            raise CallAnnotateError(VOICEPRINT_UNUSABLE, path=shown(file), cause=cause, size=VOICEPRINT_SIZE)

    async def work(book: VoiceBook) -> None:
        voice = await _find(book, name)
        for file in files:
            if voice is None:
                voice = await book.enrol(file, wanted)
            else:
                voice = await book.add_sample(voice.voice_id, file)
            sample = voice.samples[-1]
            heard = f"{sample.speech:.0f} s of clean speech" if sample.speech is not None else "voiceprints"
            click.echo(f"{file}: {heard}; {_safe(voice.name)} is {voice.voice_id} with {_count(voice)}")

    _run(url, volume, work)


def enrol_speaker(url: str | None, volume: Path | None, job_id: str, speaker_id: str, name: str) -> None:
    """Enrol a speaker of a job under a name."""
    _name(name)

    async def work(book: VoiceBook) -> None:
        known = await _find(book, name)
        wanted = SpeakerEnrolment(name=name) if known is None else SpeakerEnrolment(voice_id=known.voice_id)
        voice = await book.enrol_speaker(job_id, speaker_id, wanted)
        speech = voice.samples[-1].speech or 0.0
        click.echo(
            f"{speaker_id}: {speech:.0f} s of clean speech; {_safe(voice.name)} is {voice.voice_id}"
            f" with {_count(voice)}"
        )

    _run(url, volume, work)


def show_voice(url: str | None, volume: Path | None, voice: str) -> None:
    """A voice as JSON."""

    async def work(book: VoiceBook) -> None:
        found = await _one(book, voice)
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())

    _run(url, volume, work)


def rename_voice(url: str | None, volume: Path | None, voice: str, name: str, note: str | None) -> None:
    """Another name."""
    _name(name)

    async def work(book: VoiceBook) -> None:
        found = await _one(book, voice)
        renamed = await book.rename(found.voice_id, VoiceUpdate(name=name, note=found.note if note is None else note))
        click.echo(f"{_safe(found.name)}: is called {_safe(renamed.name)} now")

    _run(url, volume, work)


def remove_voice(url: str | None, volume: Path | None, voice: str, sample: str | None, *, forget_results: bool) -> None:
    """Delete a voice, or a sample."""
    if sample is not None and forget_results:
        raise CallAnnotateError(
            INVALID_OPTION, option="--forget-results", problem="does not go with --sample",
            allowed="where the whole voice is removed",
        )  # fmt: skip

    async def work(book: VoiceBook) -> None:
        found = await _one(book, voice)
        if sample is None:
            await book.delete(found.voice_id, forget_results=forget_results)
            click.echo(f"{_safe(found.name)}: removed")
        else:
            await book.delete_sample(found.voice_id, sample)
            click.echo(f"{_safe(found.name)}: sample {sample} removed")

    _run(url, volume, work)


def export_voice(url: str | None, volume: Path | None, voice: str, file: Path) -> None:
    """Voiceprints to a file; its ending says in which format."""
    kinds: dict[str, VoiceprintFormat] = {".npy": "npy", ".vec": "vec"}
    kind = kinds.get(file.suffix.lower())
    if kind is None:
        raise CallAnnotateError(
            INVALID_OPTION, option="FILE", problem=f"{file.name!r} ends in neither", allowed=".npy or .vec"
        )

    async def work(book: VoiceBook) -> None:
        found = await _one(book, voice)
        write_whole({file: await book.voiceprints(found.voice_id, kind)}, private=True)
        click.echo(f"{_safe(found.name)}: voiceprints in {file}")

    _run(url, volume, work)


def renew_voices(volume: Path | None, voice: str | None) -> None:
    """Make voiceprints anew."""
    from web.cli.local_book import open_own

    async def work() -> None:
        async with open_own(volume) as own:
            if voice is None:
                count = await own.voices.renew_all()
            else:
                found = await _one(own.voices, voice)
                count = await own.voices.renew_voice(found.voice_id)
            click.echo(f"{count} samples have new voiceprints")

    anyio.run(work)


def _run(url: str | None, volume: Path | None, work: Callable[[VoiceBook], Awaitable[None]]) -> None:
    async def main() -> None:
        async with open_book(url, volume) as book:
            await work(book)

    anyio.run(main)


async def _all(book: VoiceBook, name: str | None) -> list[Voice]:
    found: list[Voice] = []
    while True:
        page = await book.page(name, PAGE, len(found))
        found += page.voices
        if not page.voices or len(found) >= page.total:
            return found


async def _find(book: Listed, name: str) -> Voice | None:
    """The voice of this name."""
    page = await book.page(name, PAGE, 0)
    return next((voice for voice in page.voices if name_key(voice.name) == name_key(name)), None)


async def _one(book: Listed, voice: str) -> Voice:
    """The voice that is meant, by its name or its id. Raises VOICE_NOT_FOUND."""
    named = await _find(book, voice)
    if named is not None:
        return named
    if "/" in voice or not voice.strip():
        raise CallAnnotateError(VOICE_NOT_FOUND, voice_id=voice)
    return await book.get(voice)


def _name(name: str) -> str:
    """Raises INVALID_OPTION."""
    try:
        return msgspec.convert(name, VoiceName)
    except msgspec.ValidationError as error:
        raise CallAnnotateError(
            INVALID_OPTION, option="NAME", problem=f"{name!r} cannot be a name",
            allowed="1 to 200 characters, none of them a control character, no blanks at the ends",
        ) from error  # fmt: skip


def _safe(name: str) -> str:
    """A name as a terminal can be given it: a server may not be ours."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _count(voice: Voice) -> str:
    return "1 sample" if len(voice.samples) == 1 else f"{len(voice.samples)} samples"
