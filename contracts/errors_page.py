"""Makes docs/errors.md from the catalogue; `callannotate contracts` writes it."""

import re
from typing import Final

from contracts.errors import CATALOGUE, Fault
from contracts.live_notices import LIVE_WARNINGS, Warned
from contracts.russian import RUSSIAN

HEAD: Final = """# Errors and exit codes

Made from `contracts/errors.py` and `contracts/russian.py` by `callannotate contracts`; do not edit by hand.

**On the command line** every failure is one line on standard error: what was wrong, where, what is allowed, what to do.
The exit code tells a script which one it was. 0: every call was annotated. With several recordings all are tried, every
problem is printed, and the first one decides the exit code. Codes 50 to 59 are warnings: the transcript was written,
and its `metadata.warnings` say the same. Set `CALLANNOTATE_DEBUG=1` to see the traceback of a mistake of ours.

**Over REST** the answer has the status below and the body
`{"error": {"code", "message", "advice", "retryable", "details", "timestamp", "request_id"}}`; message and advice are in
Russian where `Accept-Language` prefers it. `request_id` is also in the header `X-Request-ID` and in the server's log.
Where *retry* says yes, the same request may succeed later; `Retry-After` says when.

**On a WebSocket** the same object comes in a message of type `error` (or in the `reply` of `/v1/ws`). Where a close
code is given, the connection is closed with it, and the reason of the close frame is the error's code. On
`/v1/ws/transcribe` the message of type `error` has these fields itself, with `fatal` and `retry_after_ms`
([live](live.md)).

"""
COMMAND_LINE_COLUMNS: Final = """
| exit code | code | message | advice | по-русски | что делать |
|---|---|---|---|---|---|
"""
SERVER_COLUMNS: Final = """
| status | code | close code | retry | message | advice | по-русски | что делать |
|---|---|---|---|---|---|---|---|
"""
WARNING_COLUMNS: Final = """
| code | message | advice | по-русски | что делать |
|---|---|---|---|---|
"""


def page() -> str:
    """The page as Markdown: the command line's by exit code, a server's by status, warnings of live sessions."""
    numbered = sorted(
        (entry.exit_code, entry.code, entry) for entry in CATALOGUE.values() if entry.exit_code is not None
    )
    answered = sorted((entry.http_status, entry.code, entry) for entry in CATALOGUE.values() if _answered(entry))
    return (
        f"{HEAD}## Exit codes of the command line\n{COMMAND_LINE_COLUMNS}"
        + "".join(f"| {code} | `{name}` | {_texts(entry)} |\n" for code, name, entry in numbered)
        + f"\n## Answers of the server\n{SERVER_COLUMNS}"
        + "".join(
            f"| {status} | `{name}` | {entry.close_code or ''} | {_yes(entry.retryable)} | {_texts(entry)} |\n"
            for status, name, entry in answered
        )
        + f"\n## Warnings of live sessions\n{WARNING_COLUMNS}"
        + "".join(f"| `{code}` | {_warned(warned)} |\n" for code, warned in sorted(LIVE_WARNINGS.items()))
    )


def _answered(entry: Fault) -> bool:
    """Whether a server answers with it: what has no exit code, or a status of its own."""
    return entry.exit_code is None or entry.http_status != 500 or entry.close_code is not None


def _yes(value: bool) -> str:
    return "yes" if value else ""


def _texts(entry: Fault) -> str:
    return " | ".join(_cell(text) for text in (entry.message, entry.advice, *RUSSIAN[entry.code]))


def _warned(warned: Warned) -> str:
    return " | ".join(_cell(text) for text in (warned.message, warned.advice, *warned.russian))


def _cell(text: str) -> str:
    """Details stand in italics, without their format specifications."""
    return re.sub(r"{(\w+)[^}]*}", r"*\1*", text.replace("|", "\\|"))
