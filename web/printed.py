"""An annotation as a document to read, to correct and to print."""

from datetime import datetime
from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import docx as python_docx
from docx.document import Document
from docx.shared import Pt

from contracts.annotation import Annotation
from web.cues import clean
from web.labels import clock, label, labelled_segments

SMALL: Final = Pt(9)


def docx(annotation: Annotation, name: str) -> bytes:
    """A Word document (Office Open XML): the name of the recording, what is known of it, and who said what when."""
    document = python_docx.Document()
    title = clean(name) or "call"
    document.core_properties.title = title
    document.core_properties.author = "CallAnnotate"
    document.core_properties.created = document.core_properties.modified = datetime(1980, 1, 1)  # as in zip files
    document.add_heading(title, level=1)
    _facts(document, annotation)
    for speaker, segment in labelled_segments(annotation):
        paragraph = document.add_paragraph()
        paragraph.add_run(f"{clock(round(segment.start_time * 1000), '.')[:8]}  ").font.size = SMALL
        paragraph.add_run(f"{speaker}: ").bold = True
        paragraph.add_run(clean(segment.text))
    written = BytesIO()
    document.save(written)
    return _undated(written)


def _undated(package: BytesIO) -> bytes:
    """The same package without the time at which it was made: the same call makes the same file."""
    undated = BytesIO()
    with ZipFile(package) as made, ZipFile(undated, "w") as out:
        for name in made.namelist():
            out.writestr(ZipInfo(name), made.read(name), ZIP_DEFLATED)
    return undated.getvalue()


def _facts(document: Document, annotation: Annotation) -> None:
    metadata = annotation.metadata
    facts = {
        "Duration": clock(round(metadata.total_duration * 1000), ".")[:8],
        "Speakers": ", ".join(label(speaker) for speaker in annotation.speakers),
        "Languages": ", ".join(metadata.languages),
        "Made by": f"CallAnnotate {metadata.version}",
    }
    table = document.add_table(rows=0, cols=2)
    for fact, value in facts.items():
        cells = table.add_row().cells
        cells[0].text, cells[1].text = fact, value or "-"
    document.add_paragraph()
