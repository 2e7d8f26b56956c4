"""Follows jobs to their end, side by side: python watch.py URL JOB_ID ..."""

import asyncio
import os
import sys

from callannotate_client import AsyncClient, CallAnnotateError
from callannotate_client.types import StatusUpdate


async def follow(client: AsyncClient, job_id: str) -> None:
    """Lost connections are made again; nothing is missing, and nothing comes twice."""
    async for message in client.watch(job_id):
        if isinstance(message, StatusUpdate):
            print(f"{job_id}: {message.status}, {message.progress.percentage} % {message.progress.current_stage or ''}")
        else:
            print(f"{job_id}: {message.__struct_config__.tag}")


async def main(url: str, *job_ids: str) -> None:
    """All of them at once."""
    async with AsyncClient(url, api_key=os.environ.get("CALLANNOTATE_KEY")) as client:
        await asyncio.gather(*(follow(client, job_id) for job_id in job_ids))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except CallAnnotateError as error:
        sys.exit(f"{error.message}. {error.advice}")
