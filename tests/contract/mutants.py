"""Mutants of valid messages, and what the document says that each is answered with."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.contract.contract import Channel, Json, NotJsonObjectError, parse

WRONG_VALUES: tuple[Any, ...] = (None, True, -1, 1.5, 2**70, "", "x" * 300, "\u0000", [], {}, [{}], {"type": "ping"})
Outcome = str
"""The name of a frame, or "invalid", or "not JSON"."""


@dataclass(frozen=True)
class Mutant:
    """A text frame that was once a valid message."""

    label: str
    text: str

    def outcome(self, channel: Channel) -> Outcome:
        """What the document takes it for: a frame, something invalid, or nothing at all."""
        try:
            payload = parse(self.text)
        except NotJsonObjectError:
            return "not JSON"
        frame: Any = channel.client_frame(payload)
        return frame or "invalid"

    def usable_id(self) -> str | None:
        """The id that an answer has to repeat."""
        found = parse(self.text).get("id")
        return found if isinstance(found, str) and 1 <= len(found) <= 64 else None


def mutants(channel: Channel) -> Iterator[Mutant]:
    """Of every example of every message that a client may send, each text once."""
    seen: set[str] = set()
    for name, payload in channel.examples("client"):
        for mutant in (*_structural(name, payload), *_textual(name, payload)):
            if mutant.text not in seen:
                seen.add(mutant.text)
                yield mutant


def _structural(name: str, payload: Json) -> Iterator[Mutant]:
    """JSON objects that differ in one place."""
    for place in _places(payload):
        without = copy.deepcopy(payload)
        del _holder(without, place)[place[-1]]
        yield _mutant(f"{name} without {'.'.join(place)}", without)
        for value in WRONG_VALUES:
            changed = copy.deepcopy(payload)
            _holder(changed, place)[place[-1]] = value
            yield _mutant(f"{name} with {'.'.join(place)} = {str(value)[:20]!r}", changed)
    yield _mutant(f"{name} with one field more", {**payload, "unknown": {"nested": [1, None]}})
    for kind in ("", "nonsense", payload["type"].upper(), "reply", "status_update"):
        yield _mutant(f"{name} of type {kind!r}", {**payload, "type": kind})


def _textual(name: str, payload: Json) -> Iterator[Mutant]:
    """Texts that are no JSON, or JSON in an unusual dress."""
    text = json.dumps(payload)
    yield Mutant(f"{name} cut off", text[:-1])
    yield Mutant(f"{name} with something behind it", text + "]")
    yield Mutant(f"{name} in a list", f"[{text}]")
    yield Mutant(f"{name} as a string", json.dumps(text))
    yield Mutant(f"{name} with spaces around it", f" \n{text}\t\r\n")
    yield Mutant(f"{name} with NaN", text[:-1] + ', "number": NaN}')
    yield Mutant(f"{name} with a byte order mark", "\ufeff" + text)
    yield Mutant(f"{name} with half a surrogate", text[:-1] + ', "text": "\\ud800"}')
    yield Mutant(f"{name} with half a surrogate for an id", text[:-1] + ', "id": "\\ud800"}')
    yield Mutant(f"{name} with a comma too many", text[:-1] + ",}")
    yield Mutant("nothing", "")
    yield Mutant("null", "null")
    yield Mutant("a deep nest", "[" * 50_000)


def _places(payload: Json, below: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in payload.items():
        yield (*below, key)
        if isinstance(value, dict):
            yield from _places(value, (*below, key))


def _holder(payload: Json, place: tuple[str, ...]) -> Json:
    for key in place[:-1]:
        payload = payload[key]
    return payload


def _mutant(label: str, payload: Json) -> Mutant:
    return Mutant(label, json.dumps(payload))
