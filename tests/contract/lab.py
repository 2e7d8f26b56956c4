"""What a scenario works with: a server, its document, and helpers to get jobs into a state."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.contract.contract import Channel, Json, ViolationError
from tests.contract.conversation import Conversation, Findings, converse
from tests.contract.recordings import tone
from tests.contract.servers import OwnServer

UNKNOWN_JOB = "00000000-0000-4000-8000-000000000000"


@dataclass
class Lab:
    """One server under test."""

    url: str
    document: Json
    """AsyncAPI, as the server hands it out."""
    openapi: Json
    findings: Findings
    own: OwnServer | None = None
    label: str = ""
    _channels: dict[str, Channel] = field(default_factory=dict)

    def channel(self, name: str) -> Channel:
        """A channel of the document."""
        if name not in self._channels:
            self._channels[name] = Channel(name, self.document)
        return self._channels[name]

    @property
    def job_channel(self) -> Channel:
        """`/ws/{job_id}`."""
        return self.channel("job")

    @property
    def session_channel(self) -> Channel:
        """`/v1/ws`."""
        return self.channel("session")

    def watch(
        self, job_id: str, query: str = "", language: str | None = None
    ) -> AbstractAsyncContextManager[Conversation]:
        """A conversation about one job."""
        channel = self.job_channel
        path = channel.address.replace("{job_id}", job_id) + query
        return converse(self.url, channel, self.findings, f"{self.label} {path}", path=path, language=language)

    def session(self, language: str | None = None) -> AbstractAsyncContextManager[Conversation]:
        """A conversation about everything."""
        channel = self.session_channel
        return converse(self.url, channel, self.findings, f"{self.label} {channel.address}", language=language)

    async def submit(self, data: bytes | None = None, metadata: str = "{}") -> Any:
        """A new job, over REST."""
        async with self.http() as http:
            response = await http.post(
                "/api/v1/jobs",
                files={"file": ("call.wav", tone() if data is None else data)},
                data={"metadata": metadata},
            )
        self.require(response.status_code == 201, f"POST /jobs: {response.status_code} {response.text[:300]}")
        return response.json()

    async def finished(self, data: bytes | None = None, metadata: str = "{}") -> Any:
        """A job that has completed or failed."""
        job = await self.submit(data, metadata)
        async with self.watch(job["job_id"]) as talk:
            await talk.end(1000)
        return job

    async def delete(self, job_id: str) -> None:
        """Delete a job, over REST."""
        async with self.http() as http:
            await http.delete(f"/api/v1/jobs/{job_id}")

    def http(self) -> httpx.AsyncClient:
        """A client of REST."""
        return httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=60)

    def require(self, condition: bool, problem: str) -> None:
        """Raise ViolationError with the problem unless the condition holds."""
        if not condition:
            raise ViolationError(f"{self.label}: {problem}")


Scenario = Callable[[Lab], Awaitable[None]]
