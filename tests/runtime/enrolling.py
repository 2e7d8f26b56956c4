"""Voices for the tests of the service."""

import json
from pathlib import Path

from contracts.voices import Voice
from runtime.service import JobService

NAME_OF_HER = "Аделаида Невероятная"


async def enrol(service: JobService, name: str, file: bytes, filename: str = "sample.wav") -> Voice:
    async with service.upload(filename) as upload:
        await upload.write(file)
        return await service.voices.enrol(upload, json.dumps({"name": name}).encode())


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def traces(folder: Path, *needles: bytes) -> list[tuple[str, int]]:
    """Where any of these bytes still are: file, and which of them."""
    return [
        (name, number)
        for name, content in bytes_of(folder).items()
        for number, needle in enumerate(needles)
        if needle in content
    ]
