"""Submits a recording and prints its transcript: python submit.py call.wav [URL]"""

import os
import sys

from callannotate_client import CallAnnotateError, Client


def main(path: str, url: str = "http://127.0.0.1:8000") -> None:
    """Who said what, line by line."""
    with Client(url, api_key=os.environ.get("CALLANNOTATE_KEY")) as client:
        job = client.submit(
            path,
            metadata={"language": "en", "description": "from the example"},
            progress=lambda sent, size: print(f"{100 * sent // size} % sent", file=sys.stderr),
        )
        result = client.wait(job.job_id).result
        segments = [(speaker, segment) for speaker in result.speakers for segment in speaker.segments]
        for speaker, segment in sorted(segments, key=lambda pair: pair[1].start_time):
            print(f"{segment.start_time:7.2f}  {speaker.identified_as or speaker.speaker_id}: {segment.text}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except CallAnnotateError as error:
        sys.exit(f"{error.message}. {error.advice}")
