"""Streams a WAV file as if it were a call that goes on: python live.py call.wav [URL]

What is said is printed as it becomes final, then the transcript of the whole call. When the network fails, the session
goes on over a new connection by itself: pull the cable and put it back.
"""

import os
import sys
import wave
from collections.abc import Iterator
from functools import partial

from callannotate_client import CallAnnotateError, Client
from callannotate_client.types import AudioFormat, SessionStart, TranscriptFinal


def blocks(file: wave.Wave_read) -> Iterator[bytes]:
    """A tenth of a second each; the client sends them at the speed of the recording."""
    while block := file.readframes(file.getframerate() // 10):
        yield block


def main(path: str, url: str = "http://127.0.0.1:8000", speed: str = "1") -> None:
    """Finals while the call goes on, and the words of each speaker in the end."""
    with wave.open(path, "rb") as file, Client(url, api_key=os.environ.get("CALLANNOTATE_KEY")) as client:
        if file.getsampwidth() != 2:
            sys.exit("16 bits are wanted")
        audio = AudioFormat(encoding="pcm_s16le", sample_rate=file.getframerate(), channels=file.getnchannels())
        start = SessionStart(audio=audio, language="en")
        with client.live(start, blocks(file), notice=partial(print, file=sys.stderr), speed=float(speed)) as live:
            for message in live:
                if isinstance(message, TranscriptFinal) and message.text:
                    print(f"{message.start_ms / 1000:7.2f}  {message.speaker_id}: {message.text}", flush=True)
        assert live.ended is not None
        for speaker in live.ended.result.speakers:
            words = sum(len(segment.words) for segment in speaker.segments)
            print(f"{speaker.identified_as or speaker.speaker_id} said {words} words")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except CallAnnotateError as error:
        sys.exit(f"{error.message}. {error.advice}")
