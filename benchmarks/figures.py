"""What was measured, and the figures that follow from it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from benchmarks import scores
from benchmarks.materials import Material
from benchmarks.protocol import Turn
from benchmarks.runner import Run
from benchmarks.scores import DiarizationScore, WordScore


class Role(StrEnum):
    """A system in one of its ways of working, as the tables call it."""

    DIARIZE = "CallAnnotate, diarization"
    ANNOTATE = "CallAnnotate"
    BATCHED = "faster-whisper, batched"
    SEQUENTIAL = "faster-whisper, sequential"
    PYANNOTE = "pyannote.audio"


TRANSCRIBERS: Final = (Role.ANNOTATE, Role.BATCHED, Role.SEQUENTIAL)
DIARIZERS: Final = (Role.DIARIZE, Role.PYANNOTE)


class Measured(Struct, frozen=True):
    """The runs of one benchmark and what they worked on. Some runs are missing from a quick one."""

    calls: tuple[Material, ...]
    folders: dict[str, tuple[Material, ...]]
    """Recordings with RTTM, by the name of their folder."""
    speechless: tuple[Material, ...]
    runs: dict[Role, Run]
    memory: dict[Role, Run]
    """Each in a process that works on the call of about six minutes and nothing else."""
    long: Run | None
    """CallAnnotate in a process that works on two hours of the same call and nothing else."""

    def worked_on(self, role: Role, materials: Sequence[Material]) -> list[Material]:
        """Those of the materials that the system was given."""
        run = self.runs.get(role)
        return [material for material in materials if run is not None and material.name in run.outcomes]

    def diarization(self, role: Role, materials: Sequence[Material]) -> dict[str, DiarizationScore]:
        """DER by the name of the recording. Of a system's variants, the best over all recordings of the run counts."""
        every = self.variants(role, self._diarized)
        if not every:
            return {}
        best = min(every, key=lambda variant: scores.diarization_errors([*every[variant].values()]).rate)
        return {name: every[best][name] for name in (material.name for material in self.worked_on(role, materials))}

    def variants(self, role: Role, materials: Sequence[Material]) -> dict[str, dict[str, DiarizationScore]]:
        """DER by the variant and by the name of the recording; a system without variants has one, without a name."""
        known = self.worked_on(role, materials)
        outcomes = self.runs[role].outcomes if known else {}

        def turns(name: str, variant: str) -> tuple[Turn, ...]:
            return outcomes[name].variants[variant] if variant else outcomes[name].turns

        return {
            variant: {
                material.name: scores.diarization_error(
                    material.turns, turns(material.name, variant), material.duration
                )
                for material in known
            }
            for variant in (outcomes[known[0].name].variants or [""] if known else [])
        }

    @property
    def _diarized(self) -> list[Material]:
        return [*self.calls, *(recording for folder in self.folders.values() for recording in folder)]

    def words(self, role: Role) -> dict[str, WordScore]:
        """WER by the name of the call."""
        return {
            call.name: scores.word_error(
                [text for _, text in call.sentences], self.runs[role].outcomes[call.name].words
            )
            for call in self.worked_on(role, self.calls)
        }

    def speaker_words(self) -> dict[str, WordScore]:
        """CallAnnotate's cpWER by the name of the call."""
        outcomes = self.runs[Role.ANNOTATE].outcomes if Role.ANNOTATE in self.runs else {}
        return {
            call.name: scores.speaker_word_error(call.sentences, outcomes[call.name].words)
            for call in self.worked_on(Role.ANNOTATE, self.calls)
        }

    def invented(self, role: Role) -> dict[str, int]:
        """Words found where nobody speaks, by the name of the recording."""
        return {
            sound.name: scores.count(self.runs[role].outcomes[sound.name].words)
            for sound in self.worked_on(role, self.speechless)
        }

    def real_time_factor(self, role: Role) -> float | None:
        """Processing time over the time of the calls, on all calls that the system was given."""
        calls = self.worked_on(role, self.calls)
        if not calls:
            return None
        return self.runs[role].seconds([call.name for call in calls]) / sum(call.duration for call in calls)

    def ratio(self, role: Role, others: Sequence[Role]) -> float | None:
        """Time of the one over the time of the others together, on the calls that all of them were given."""
        calls = [call.name for call in self.calls if all(self.worked_on(each, [call]) for each in (role, *others))]
        if not calls:
            return None
        return self.runs[role].seconds(calls) / sum(self.runs[other].seconds(calls) for other in others)
