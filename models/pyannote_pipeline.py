"""Any pyannote.audio diarization pipeline, from the extra `callannotate[pyannote]`.

torch and pyannote.audio are imported when a pipeline is made, never before. pyannote.audio reports usage (the duration
of every file among other things) to its makers unless it is told not to; here it is told not to, unless the user has
set PYANNOTE_METRICS_ENABLED.
"""

import inspect
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct

from contracts.audio import SAMPLE_RATE, Samples
from contracts.errors import ENGINE_UNAVAILABLE, PIPELINE_UNAVAILABLE, CallAnnotateError

THRESHOLD: Final = 0.6
"""Distance between centroids of unit length below which two clusters are one voice: the best of 0.5, 0.6 and 0.7."""

logger = logging.getLogger(__name__)


class OwnNetworks(Struct, frozen=True):
    """The default pipeline: pyannote.audio's algorithm on our two networks, which needs neither network nor token."""

    segmentation: Path
    """segmentation-3.0 as published, a PyTorch checkpoint whose hash was verified."""
    voiceprint: Path
    """CAM++ as ONNX."""
    threshold: float = THRESHOLD


class Span(NamedTuple):
    """One speaker speaking without a pause; spans of different speakers may overlap."""

    start_time: float
    """Seconds from the start of the samples."""
    end_time: float
    """Seconds from the start of the samples."""
    speaker: str


class PyannotePipeline:
    """A pipeline, loaded. One call at a time."""

    def __init__(self, source: OwnNetworks | str, threads: int) -> None:
        """Load our own networks, a folder with a `config.yaml`, or a hub id with the user's token (HF_TOKEN).

        Raises ENGINE_UNAVAILABLE where the extra is not installed, PIPELINE_UNAVAILABLE where there is no such
        pipeline or it may not be fetched. torch's number of threads is one for the whole process: it is set here.
        """
        os.environ.setdefault("PYANNOTE_METRICS_ENABLED", "false")
        with _quiet():
            try:
                import torch  # noqa: PLC0415
                from pyannote.audio import Pipeline  # noqa: PLC0415
                from pyannote.audio.pipelines import clustering  # noqa: PLC0415
            # A torch that does not fit its companions raises OSError or RuntimeError as well.
            except (ImportError, OSError, RuntimeError) as error:
                raise CallAnnotateError(ENGINE_UNAVAILABLE, engine="pyannote", cause=_first_line(error)) from error
            torch.set_num_threads(threads)
            clustering.print = logger.info  # it prints remarks, and standard output is for transcripts
            self._tensor: Final = torch.from_numpy
            if isinstance(source, OwnNetworks):
                from models.pyannote_networks import own_pipeline  # noqa: PLC0415

                self._pipeline = own_pipeline(source.segmentation, source.voiceprint, threads, source.threshold)
            else:
                self._pipeline = _published(Pipeline, source)
        self._understands: Final = frozenset(inspect.signature(self._pipeline.apply).parameters)

    def diarize(
        self,
        samples: Samples,
        min_speakers: int = 1,
        max_speakers: int | None = None,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> list[Span]:
        """Who speaks when in float32 (samples,) at SAMPLE_RATE, with the overlap kept, in the order of start_time.

        `checkpoint` is called between batches of windows and may raise, to give up. A pipeline that knows no bounds on
        the number of speakers is run without them.
        """
        if not len(samples):
            return []
        wanted: dict[str, object] = {
            "min_speakers": min_speakers,
            "max_speakers": max_speakers,
            "hook": lambda *_args, **_progress: checkpoint(),
        }
        options = {name: value for name, value in wanted.items() if name in self._understands}
        with _quiet():
            output = self._pipeline(
                {"waveform": self._tensor(samples)[None], "sample_rate": SAMPLE_RATE, "uri": "call"}, **options
            )
        # Pipelines of pyannote.audio 4 give the diarization twice, as it is and without overlap; older ones once.
        annotation = getattr(output, "speaker_diarization", output)
        end = len(samples) / SAMPLE_RATE
        spans = (
            Span(max(0.0, segment.start), min(end, segment.end), str(speaker))
            for segment, _, speaker in annotation.itertracks(yield_label=True)
        )
        return sorted(span for span in spans if span.end_time > span.start_time)


def _published(pipeline: type, source: str) -> object:
    """The pipeline of a folder or from the hub; all that can go wrong there is the user's to mend."""
    try:
        loaded = pipeline.from_pretrained(source, token=os.environ.get("HF_TOKEN"))  # type: ignore[attr-defined]
    except Exception as error:
        raise CallAnnotateError(PIPELINE_UNAVAILABLE, name=source, cause=_first_line(error)) from error
    if loaded is None:
        raise CallAnnotateError(PIPELINE_UNAVAILABLE, name=source, cause="the hub refuses it without a token")
    return loaded


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the many warnings of torch and its companions, none of which a user can do anything about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
