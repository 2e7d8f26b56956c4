"""What an AsyncAPI document promises, in a form in which frames can be held against it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from jsonschema_rs import Draft202012Validator

Json = dict[str, Any]


class ViolationError(Exception):
    """The server did something that the document does not say."""


class NotJsonObjectError(Exception):
    """A text frame that is no JSON object."""


def parse(text: str) -> Json:
    """The JSON object of a text frame, as strictly as RFC 8259 has it. Raises NotJsonObjectError."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        value = json.loads(text, parse_constant=refuse)
        # Half of a surrogate pair is no text.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise NotJsonObjectError(str(error)) from error
    if not isinstance(value, dict):
        raise NotJsonObjectError(f"a {type(value).__name__}")
    return value


@dataclass
class Machine:
    """One machine of the order of messages."""

    name: str
    key: str | None
    start: str
    moves: dict[tuple[str, str, str], str]
    """(state, sender, frame): the next state."""
    may_close: set[str]

    def knows(self, sender: str, frame: str) -> bool:
        """Whether it has anything to do with the frame."""
        return any((side, name) == (sender, frame) for _, side, name in self.moves)


@dataclass
class Order:
    """The machines of one connection, and where they are."""

    machines: list[Machine]
    states: dict[tuple[str, str], str] = field(default_factory=dict)

    def saw(self, sender: str, frame: str, payload: Json | None) -> Iterator[tuple[str, str, str, str]]:
        """Move on; yields what was done (machine, state, sender, frame). Raises ViolationError."""
        for machine in self.machines:
            if not machine.knows(sender, frame):
                continue
            run = (machine.name, str((payload or {}).get(machine.key)) if machine.key else "")
            state = self.states.get(run, machine.start)
            if (state, sender, frame) not in machine.moves:
                raise ViolationError(f"{sender} said {frame} while {machine.name} {run[1]} was in state {state!r}")
            self.states[run] = machine.moves[state, sender, frame]
            yield (machine.name, state, sender, frame)

    def check_end(self) -> None:
        """Whether the server may close with 1000 now. Raises ViolationError."""
        for machine in self.machines:
            for name, key in [run for run in self.states if run[0] == machine.name] or [(machine.name, "")]:
                state = self.states.get((name, key), machine.start)
                if state not in machine.may_close:
                    raise ViolationError(f"closed with 1000 while {name} {key} was in state {state!r}")


class Channel:
    """One channel of the document."""

    def __init__(self, name: str, document: Json) -> None:
        self.name = name
        self._document = document
        described = document["channels"][name]
        self.address: str = described["address"]
        self.messages: dict[str, Json] = {key: document["components"]["messages"][key] for key in described["messages"]}
        self.close_codes: list[Json] = described["x-close-codes"]
        self.errors: list[str] = described["x-errors"]
        self.refusals: list[Json] = described["x-refusals"]
        self._components = {"components": document["components"]}
        # What the server says is held against schemas that allow nothing that they do not name.
        self._closed = {
            "components": {**document["components"], "schemas": closed_schema(document["components"]["schemas"])}
        }
        self._client = _validators(described["x-client-frames"], self._components)
        self._server = _validators(described["x-server-frames"], self._closed)
        self.binary = {
            sender: [name for name, reference in described[f"x-{sender}-frames"].items() if reference is None]
            for sender in ("client", "server")
        }
        self._replies: dict[str, Draft202012Validator] = {}

    def order(self) -> Order:
        """The order of messages, from the start of a connection."""
        machines = self._document["channels"][self.name]["x-order"]
        return Order(
            [
                Machine(
                    name=machine["name"],
                    key=machine["key"],
                    start=machine["start"],
                    moves={
                        (move["state"], move["sender"], move["message"]): move["to"] for move in machine["transitions"]
                    },
                    may_close=set(machine["may_close"]),
                )
                for machine in machines
            ]
        )

    def client_frame(self, payload: Json) -> str | None:
        """The frame that a message of a client is valid as, or None."""
        return next((name for name, validator in self._client.items() if validator.is_valid(payload)), None)

    def server_frame(self, payload: Json) -> str:
        """The frame that a message of the server is. Raises ViolationError where it is none, or several."""
        found = [name for name, validator in self._server.items() if validator.is_valid(payload)]
        if len(found) != 1:
            wrong = {name: problems(validator, payload) for name, validator in self._server.items()}
            shown = json.dumps(payload, ensure_ascii=False)[:400]
            raise ViolationError(f"a message is {found or 'none'} of the frames: {shown}: {wrong}")
        return found[0]

    def check(self, message: str, payload: Json) -> None:
        """Hold a payload against a message of the document. Raises ViolationError."""
        if message not in self._replies:
            schema = {**self.messages[message]["payload"], **self._closed}
            self._replies[message] = validator_of(schema)
        errors = problems(self._replies[message], payload)
        if errors:
            shown = json.dumps(payload, ensure_ascii=False)[:400]
            raise ViolationError(f"not a {message}: {'; '.join(errors)}: {shown}")

    def examples(self, sender: str) -> Iterator[tuple[str, Json]]:
        """The examples of all text messages of one side, by the names of the messages."""
        frames = self._document["channels"][self.name][f"x-{sender}-frames"]
        for name, message in self.messages.items():
            if frames.get(message["x-frame"]) is not None:
                for example in message["examples"]:
                    yield name, example["payload"]

    def close_code(self, code: int, reason: str) -> Json:
        """What the document says of the close. Raises ViolationError."""
        for close in self.close_codes:
            if close["code"] == code and (not close["errors"] or reason in close["errors"]):
                return close
        raise ViolationError(f"closed with {code} {reason!r}, which the document does not know")


def validator_of(schema: Json) -> Draft202012Validator:
    """What holds values against a schema, formats included."""
    return Draft202012Validator(schema, validate_formats=True)


def problems(validator: Draft202012Validator, value: Any) -> list[str]:
    """The first three things that are wrong with a value, and where."""
    return [
        f"{'/'.join(map(str, ['$', *error.instance_path]))}: {error.message[:300]}"
        for error in islice(validator.iter_errors(value), 3)
    ]


def _validators(frames: dict[str, str | None], components: Json) -> dict[str, Draft202012Validator]:
    return {
        name: validator_of({"$ref": reference, **components})
        for name, reference in frames.items()
        if reference is not None
    }


def closed_schema(node: Any) -> Any:
    """Schemas in which an object has the properties that are named and no others."""
    if isinstance(node, list):
        return [closed_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: closed_schema(value) for key, value in node.items()}
    if closed.get("type") == "object" and "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed


def universe(document: Json) -> set[tuple[str, ...]]:
    """All that has to be exercised: messages, errors, warnings, close codes and refusals, as tuples of words."""
    found: set[tuple[str, ...]] = {("error", code) for code in document["x-errors"]}
    for name, channel in document["channels"].items():
        found |= {("message", name, message) for message in channel["messages"]}
        found |= {("error message", name, code) for code in channel["x-errors"]}
        found |= {("refusal", name, refusal["error"]) for refusal in channel["x-refusals"]}
        found |= {
            ("warning", name, warning["code"]) for warning in channel.get("x-warnings", []) if not warning["reserved"]
        }
        for close in channel["x-close-codes"]:
            found |= {("close", name, str(close["code"]), error) for error in close["errors"] or [""]}
    return found


def moves(document: Json) -> set[tuple[str, ...]]:
    """All moves that the order of messages knows."""
    return {
        ("order", name, machine["name"], move["state"], move["sender"], move["message"])
        for name, channel in document["channels"].items()
        for machine in channel["x-order"]
        for move in machine["transitions"]
    }


def words(item: tuple[str, ...]) -> str:
    """An item of the universe for a reader."""
    return re.sub(r"\s+", " ", " ".join(item)).strip()
