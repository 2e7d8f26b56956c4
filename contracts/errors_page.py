"""Prints docs/errors.md from the catalogue: `python -m contracts.errors_page > docs/errors.md`."""

import re
from typing import Final

from contracts.errors import CATALOGUE

HEAD: Final = """# Errors and exit codes

Made from `contracts/errors.py`; do not edit by hand (`python -m contracts.errors_page > docs/errors.md`).

Every failure is one line on standard error: what was wrong, where, what is allowed, what to do. The exit code tells a
script which one it was. 0: every call was annotated. With several recordings all are tried, every problem is printed,
and the first one decides the exit code. Codes 50 to 59 are warnings: the transcript was written, and its
`metadata.warnings` say the same. Set `CALLANNOTATE_DEBUG=1` to see the traceback of a mistake of ours.

| exit code | code | message | advice |
|---|---|---|---|
"""


def page() -> str:
    """The page as Markdown."""
    rows = [
        f"| {entry.exit_code} | `{entry.code}` | {_cell(entry.message)} | {_cell(entry.advice)} |\n"
        for entry in sorted(CATALOGUE.values(), key=lambda entry: entry.exit_code)
    ]
    return HEAD + "".join(rows)


def _cell(text: str) -> str:
    """Details stand in italics, without their format specifications."""
    return re.sub(r"{(\w+)[^}]*}", r"*\1*", text.replace("|", "\\|"))


if __name__ == "__main__":
    print(page(), end="")
