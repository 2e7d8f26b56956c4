"""Answers of REST held against the OpenAPI document that the server hands out."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.contract.contract import Json, ViolationError, closed_schema, problems, validator_of
from tests.contract.conversation import Findings
from tests.contract.lab import Lab


class Rest:
    """A client that looks at every answer."""

    def __init__(self, http: httpx.AsyncClient, document: Json, findings: Findings) -> None:
        self._http = http
        self._findings = findings
        self._components = {**document["components"], "schemas": closed_schema(document["components"]["schemas"])}
        self.operations: dict[str, tuple[str, str, Json]] = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }

    async def ask(self, operation: str, place: str | Mapping[str, str] = "", **more: Any) -> httpx.Response:
        """One request. Raises ViolationError where the answer is not as documented.

        :param place: what stands in the path: the only parameter, or each by its name
        """
        method, path, _ = self.operations[operation]
        names = re.findall("{(.*?)}", path)
        chosen = dict.fromkeys(names, place) if isinstance(place, str) else place
        response = await self._http.request(method, path.format(**chosen), **more)
        self.check(operation, response)
        return response

    async def refused(self, code: str, operation: str, place: str | Mapping[str, str] = "", **more: Any) -> None:
        """A request that has to be answered by this error."""
        response = await self.ask(operation, place, **more)
        told = response.json()["error"]["code"].upper() if response.status_code >= 400 else response.status_code
        if told != code:
            raise ViolationError(f"{operation} was answered by {told} instead of {code}: {response.text[:300]}")

    def check(self, operation: str, response: httpx.Response) -> None:
        """Status, media type, headers and body. Raises ViolationError."""
        described = self.operations[operation][2]["responses"].get(str(response.status_code))
        if described is None:
            raise ViolationError(f"{operation}: status {response.status_code} is not documented: {response.text[:300]}")
        for name in described["headers"]:
            header = self._components["headers"][name]
            if name in response.headers:
                value: Any = response.headers[name]
                value = int(value) if header["schema"].get("type") == "integer" and value.isdigit() else value
                self._hold(f"{operation}: header {name}", header["schema"], value)
            elif header["required"]:
                raise ViolationError(f"{operation}: {response.status_code} without the header {name}")
        content = described.get("content", {})
        media_type = response.headers.get("Content-Type", "").partition(";")[0]
        if content and media_type not in content:
            raise ViolationError(f"{operation}: {response.status_code} with {media_type!r}")
        if media_type == "application/json":
            body = json.loads(response.content)
            self._hold(f"{operation}: {response.status_code}", content[media_type]["schema"], body)
            if (
                "error" in body
                and response.status_code >= 400
                and {"timestamp", "param"} & (body["error"] or {}).keys()
            ):
                # Clients of OpenAI are told the code in small letters.
                self._note_error(operation, body["error"]["code"].upper(), content[media_type]["examples"], response)

    def _note_error(self, operation: str, code: str, documented: Json, response: httpx.Response) -> None:
        if code not in documented:
            raise ViolationError(f"{operation}: {response.status_code} {code} is not documented")
        told = response.json()["error"]
        if "param" not in told and told["request_id"] != response.headers["X-Request-ID"]:
            raise ViolationError(f"{operation}: another request_id in the body than in the header")
        self._findings.exercised.add(("rest", operation, code))
        self._findings.error(code)

    def _hold(self, what: str, schema: Json, value: Any) -> None:
        if wrong := problems(validator_of({**schema, "components": self._components}), value):
            raise ViolationError(f"{what}: {'; '.join(wrong)}")


@asynccontextmanager
async def rest_of(lab: Lab) -> AsyncIterator[Rest]:
    """A client of a server, with the document that it hands out."""
    async with lab.http() as http:
        yield Rest(http, lab.openapi, lab.findings)


def rest_universe(document: Json) -> set[tuple[str, ...]]:
    """Every error of every operation."""
    return {
        ("rest", operation["operationId"], code)
        for methods in document["paths"].values()
        for operation in methods.values()
        for status, response in operation["responses"].items()
        if int(status) >= 400
        for code in response["content"]["application/json"].get("examples", {})
        if code in document["x-errors"]
    }
