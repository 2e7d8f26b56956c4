"""The error catalogue: everything that can go wrong in a way that a user can understand, in one place.

An entry is raised as `CallAnnotateError(ENTRY, path=...)`; its message is a format string over the details.
Warnings are entries too: the call is annotated as far as it can be read, the result names them, and the exit code tells
a script.
"""

from typing import Final

from msgspec import Struct


class Fault(Struct, frozen=True):
    """One entry of the catalogue."""

    code: str
    exit_code: int
    """Of the command line; 1 is kept for our own mistakes and 2 for usage."""
    message: str
    """What was wrong and where, as a format string over the details."""
    advice: str
    """What is allowed and what to do, as a format string over the details."""


class CallAnnotateError(Exception):
    """An error from the catalogue with its details filled in; str() is one line for a user."""

    def __init__(self, fault: Fault, **details: str | float) -> None:
        self.fault: Final = fault
        self.details: Final = details
        self.message: Final = fault.message.format(**details)
        self.advice: Final = fault.advice.format(**details)
        super().__init__(f"{self.message}. {self.advice}" if self.advice else self.message)


INTERNAL = Fault(
    "INTERNAL", 1, "{stage}: {cause}", "This is our mistake; please report it with the input that shows it."
)
INVALID_OPTION = Fault("INVALID_OPTION", 2, "{option}: {problem}", "Allowed: {allowed}.")

FILE_NOT_FOUND = Fault("FILE_NOT_FOUND", 10, "{path}: no such file", "Check the path.")
NOT_A_FILE = Fault(
    "NOT_A_FILE", 11, "{path}: is a {kind}, not a file", "Name the recordings themselves, such as calls/*.wav."
)
FILE_UNREADABLE = Fault(
    "FILE_UNREADABLE", 12, "{path}: cannot be read ({cause})", "Check the permissions and the disk."
)
FILE_EMPTY = Fault(
    "FILE_EMPTY",
    13,
    "{path}: the file is empty (0 bytes)",
    "Check that the recording was written or copied to its end.",
)
UNSUPPORTED_FORMAT = Fault(
    "UNSUPPORTED_FORMAT", 14, "{path}: not a recording that can be read ({cause})",
    "Allowed: WAV (PCM, float, mu-law, A-law, GSM 6.10), MP3, FLAC and Ogg Opus; the content decides, not the name.",
)  # fmt: skip
NO_AUDIO = Fault(
    "NO_AUDIO",
    15,
    "{path}: there are 0 samples in it",
    "Check that the recording was written to its end.",
)
TOO_MANY_CHANNELS = Fault(
    "TOO_MANY_CHANNELS", 16, "{path}: has {channels} channels", "Allowed: 1 (mono) or 2 (a side each, or stereo)."
)
UNSUPPORTED_SAMPLE_RATE = Fault(
    "UNSUPPORTED_SAMPLE_RATE", 17, "{path}: is sampled at {sample_rate} Hz",
    "Allowed: {lowest} to {highest} Hz; resample it first.",
)  # fmt: skip
INVALID_SAMPLES = Fault(
    "INVALID_SAMPLES", 18, "{path}: a sample is not a number or infinite, first at {time:.3f} s",
    "Write the recording again as PCM, or repair these samples.",
)  # fmt: skip
AUDIO_TOO_SHORT = Fault(
    "AUDIO_TOO_SHORT", 19, "{path}: lasts only {duration:.3f} s", "A call must last at least {shortest} s."
)

UNKNOWN_LANGUAGE = Fault(
    "UNKNOWN_LANGUAGE", 20, "language {language!r} is unknown to model {model!r}", "Allowed: auto, {allowed}."
)
UNKNOWN_MODEL = Fault("UNKNOWN_MODEL", 21, "no {kind} model is called {name!r}", "Allowed: {allowed}.")
WEIGHTS_CORRUPT = Fault(
    "WEIGHTS_CORRUPT", 22, "{name}: {file} has the wrong sha256 (expected {expected}, found {found})",
    "Nothing of it was kept in use; run `callannotate models remove {name}` and `callannotate models pull {name}`.",
)  # fmt: skip
WEIGHTS_MISSING = Fault(
    "WEIGHTS_MISSING", 23, "{name}: the weights are not on this machine ({cause})",
    "Go online and run `callannotate models pull {name}`, or copy the cache folder of a machine that has them.",
)  # fmt: skip
WEIGHTS_UNUSABLE = Fault(
    "WEIGHTS_UNUSABLE", 26, "{name}: cannot be used as a {kind} model ({cause})", "Allowed: {allowed}."
)
ENGINE_UNAVAILABLE = Fault(
    "ENGINE_UNAVAILABLE", 24, "the diarization engine {engine!r} cannot be loaded ({cause})",
    "Install the extra `callannotate[pyannote]`, or use --engine onnx.",
)  # fmt: skip
PIPELINE_UNAVAILABLE = Fault(
    "PIPELINE_UNAVAILABLE", 25, "the pyannote pipeline {name!r} cannot be loaded ({cause})",
    "Allowed: a folder with a config.yaml, or a hub id (a gated one needs its conditions accepted and HF_TOKEN set).",
)  # fmt: skip

OUTPUT_UNWRITABLE = Fault(
    "OUTPUT_UNWRITABLE",
    30,
    "{path}: cannot be written ({cause})",
    "Nothing was written; check the folder's permissions.",
)
DISK_FULL = Fault("DISK_FULL", 31, "{path}: the disk is full", "Nothing was written; make room or name another folder.")

STAGE_FAILED = Fault(
    "STAGE_FAILED",
    40,
    "stage {stage} failed: {cause}",
    "Nothing was written; please report it with the input that shows it.",
)
FILE_CHANGED = Fault(
    "FILE_CHANGED", 41, "{path}: was changed while it was read (from {before} to {after} bytes)",
    "Nothing was written; wait until the recorder or the copy has finished.",
)  # fmt: skip
INTERRUPTED = Fault("INTERRUPTED", 130, "interrupted", "Outputs that were finished stay; none is left half-written.")

TRUNCATED = Fault(
    "TRUNCATED", 50, "{path}: breaks off after {read:.2f} s ({cause})", "What could be read was annotated."
)
LENGTH_MISMATCH = Fault(
    "LENGTH_MISMATCH",
    51,
    "{path}: the header says {declared:.2f} s, the file holds {read:.2f} s",
    "All that the file holds was annotated.",
)
NO_SIGNAL = Fault(
    "NO_SIGNAL",
    52,
    "{path}: there is no signal (every sample has the same value)",
    "Check the recorder; the transcript is empty.",
)
DAMAGED = Fault(
    "DAMAGED", 53, "{path}: is damaged, first at {time:.2f} s; {lost:.2f} s are lost and taken as silence",
    "All the rest was annotated; fetch the recording again if another copy exists.",
)  # fmt: skip

CATALOGUE: Final = {entry.code: entry for entry in list(globals().values()) if isinstance(entry, Fault)}
"""Every entry by its code."""
