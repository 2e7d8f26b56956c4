"""What the live lane hears beside what the file door hears, without a server: `python -m benchmarks.live_accuracy`.

The audio is fed in frames of 100 ms, at real time, slower, or as fast as the lane takes it. Slower than real time gives
the machine more time for every second of audio; delays are then given in seconds of the audio.
"""

import tempfile
from pathlib import Path
from typing import Final

import anyio
import click
import soundfile
from anyio import create_task_group, current_time, sleep_until
from msgspec import Struct

from benchmarks.callannotate_side import turns_annotated, words
from benchmarks.live_scores import (
    Arrival,
    announced_turns,
    changed_words,
    delays,
    finals_of,
    middle,
    revised_turns,
    share,
    words_of,
)
from benchmarks.live_stream import DEV, from_folder
from benchmarks.materials import Material
from benchmarks.protocol import Turn
from benchmarks.scores import (
    DiarizationScore,
    WordScore,
    diarization_error,
    diarization_errors,
    word_error,
    word_errors,
)
from contracts.annotation import AnnotatedSpeech, Annotation
from contracts.live_audio import AudioFormat
from contracts.live_speech import Flushed, LiveOptions
from contracts.options import AnnotateOptions
from runtime.call import annotate_call
from runtime.engine import Engine, load_engine
from runtime.lane import Lane
from runtime.live_call import open_live_call
from runtime.live_messages import message_of
from stages.decode import open_audio

FRAME: Final = 0.1
"""Seconds of audio that are fed at once."""


class Followed(Struct, frozen=True):
    """A call that went through the live lane and through the file door."""

    material: Material
    arrivals: tuple[Arrival, ...]
    result: AnnotatedSpeech
    annotation: Annotation
    speed: float

    @property
    def live(self) -> WordScore:
        """Words of the finals."""
        return word_error((text for _, text in self.material.sentences), words_of(finals_of(self.arrivals)))

    @property
    def file(self) -> WordScore:
        """Words of the file door."""
        return word_error((text for _, text in self.material.sentences), words(self.annotation))

    def diarization(self, turns: list[Turn] | tuple[Turn, ...]) -> DiarizationScore:
        """Turns against the reference."""
        return diarization_error(self.material.turns, turns, self.material.duration)

    @property
    def same(self) -> bool:
        """Whether the result of the live call is that of the file door."""
        return (self.result.speakers, self.result.turns) == (self.annotation.speakers, self.annotation.turns)


async def follow(engine: Engine, material: Material, speed: float, folder: Path) -> Followed:
    """Feed one call `speed` times as fast as real time, 0: as fast as it is taken."""
    samples, rate = soundfile.read(material.path, dtype="int16", always_2d=True)
    sides = samples.shape[1]
    audio = AudioFormat(encoding="pcm_s16le", sample_rate=rate, channels=sides)
    options = LiveOptions(language=material.language, two_sided=sides == 2)
    arrivals: list[Arrival] = []
    spool = folder / f"{material.name}.wav"
    async with open_live_call(engine, Lane(engine), spool, audio, options) as call, create_task_group() as tasks:
        began = current_time()

        async def note() -> None:
            async for event in call.events:
                if not isinstance(event, Flushed):
                    at = (current_time() - began) * (speed or 1.0)
                    arrivals.append(Arrival(at, message_of(event, words=True)(len(arrivals) + 1)))

        tasks.start_soon(note)
        step = round(FRAME * rate)
        for start in range(0, len(samples), step):
            if speed:
                await sleep_until(began + (start + step) / rate / speed)
            await call.feed(samples[start : start + step].tobytes())
        result = await call.finish()
    file = open_audio(spool, "two-sided" if sides == 2 else "auto")
    annotation = await annotate_call(engine, file, AnnotateOptions(language=material.language))
    spool.unlink()
    return Followed(material, tuple(arrivals), result, annotation, speed)


def report(done: list[Followed]) -> str:
    """All figures of some calls as one."""
    live, file = word_errors([one.live for one in done]), word_errors([one.file for one in done])
    turns = {
        "file door": [one.diarization(turns_annotated(one.annotation)) for one in done],
        "as first announced": [one.diarization(announced_turns(one.arrivals)) for one in done],
        "finals at the end": [one.diarization(revised_turns(one.arrivals)) for one in done],
    }
    changed, shown = map(sum, zip(*(changed_words(one.arrivals) for one in done), strict=True))
    lines = [
        f"WER {100 * live.rate:.1f} %, file door {100 * file.rate:.1f} %, of {live.total} words",
        *(f"DER {name} {100 * diarization_errors(scores).rate:.1f} %" for name, scores in turns.items()),
        f"words changed per word {changed / max(1, shown):.2f}",
        f"result equals the file door's: {all(one.same for one in done)}",
    ]
    if all(one.speed for one in done):
        found = [delays(one.material.turns, one.arrivals) for one in done]
        ends = [delay for own in found for delay in own.finals]
        starts = [delay for own in found for delay in own.partials]
        lines += [
            f"final after the end of speech: median {middle(ends):.2f} s, p95 {share(ends, 0.95):.2f} s",
            f"first text after the start of speech: median {middle(starts):.2f} s, p95 {share(starts, 0.95):.2f} s",
            f"stretches of speech without a final: {sum(own.missed for own in found)}",
        ]
    return "\n".join(lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1)
@click.option("--folder", type=click.Path(path_type=Path, exists=True), required=True, help="With NAME.wav and .json.")
@click.option("--speed", default=1.0, show_default=True, help="Times real time; 0: as fast as the lane takes it.")
@click.option("--threads", type=int, help="Of the networks; all cores by default.")
@click.option("--show", is_flag=True, help="Print every text of the finals.")
def main(names: tuple[str, ...], folder: Path, speed: float, threads: int | None, show: bool) -> None:
    """Feed the calls NAMES of a folder to the live lane and to the file door, and compare."""
    engine = load_engine(AnnotateOptions(), threads)
    done: list[Followed] = []
    with tempfile.TemporaryDirectory() as spools:
        for material in from_folder(folder, names or DEV):
            one = anyio.run(follow, engine, material, speed, Path(spools))
            done.append(one)
            click.echo(f"{material.name} ({material.duration:.0f} s)\n{report([one])}\n")
            for final in finals_of(one.arrivals) if show else ():
                click.echo(f"{final.start_ms:8} {final.end_ms:8} {final.speaker_id} {final.language} {final.text}")
    if len(done) > 1:
        click.echo(f"all\n{report(done)}")


if __name__ == "__main__":
    main()
