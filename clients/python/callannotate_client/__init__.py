"""Client of CallAnnotate: `Client`, or `AsyncClient` for those who use asyncio.

    with Client("http://127.0.0.1:8000") as client:
        job = client.submit("call.wav", language="en")
        print(client.wait(job.job_id).result.speakers)

The types of what the server says are in `callannotate_client.types`.
"""

from callannotate_client.async_client import AsyncClient, Live
from callannotate_client.client import Client, SyncLive
from callannotate_client.errors import CallAnnotateError

__all__ = ["AsyncClient", "CallAnnotateError", "Client", "Live", "SyncLive"]
