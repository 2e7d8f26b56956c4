"""What is made of the utterances of one channel of a live call, each heard behind what was said before."""

from collections import deque
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
from anyio import CancelScope

from contracts.audio import SAMPLE_RATE
from contracts.live_speech import LiveOptions
from contracts.live_stages import Utterance
from contracts.speech import TimedWord
from models.networks import LiveWhisperNetwork
from models.whisper import BEAM, Heard
from stages.agreement import doubled
from stages.annotate import SENTENCE_ENDS, UNSPACED
from stages.beginning import Beginning, Glanced
from stages.languages import Languages
from stages.live_work import Priority, Worker
from stages.parts import BREATH, CHANGED
from stages.said import BEFORE, Said, divided, preceding
from stages.transcribe import DETECTED, LONG_SILENCE, RETRIED, trusted

GLANCED: Final = 6 * SAMPLE_RATE
"""Samples of what was said before and the utterance together, of which a partial is heard where it is shorter."""
LENGTHY: Final = 3 * SAMPLE_RATE
"""Samples that a partial hears anew from which on their words get times, so that the next one can go on from there."""
SILENCE: Final = SAMPLE_RATE
"""Samples of silence at least after an utterance."""
REMEMBERED: Final = 12
"""Parts of what was said before at most."""
TRAILING: Final = ("...", "\u2026")
"""How a text ends that breaks off."""

T = TypeVar("T")
Language = str | Callable[[npt.NDArray[np.float64]], str]
"""A language, or what chooses it by the probability of each that the model knows: float64 (languages,)."""


@dataclass(frozen=True)
class Understood:
    """What was made of one utterance."""

    language: str
    words: tuple[TimedWord, ...]
    said: Said | None
    """For what follows to go on from; None where there is no text."""
    languages: Languages | None
    """What is known of the channel's languages with this utterance; None where the language was given."""

    @property
    def ends(self) -> bool:
        """Whether a sentence ends with it: one that trails off does not."""
        text = self.words[-1].text.rstrip() if self.words else ""
        return text.endswith(SENTENCE_ENDS) and not text.endswith(TRAILING)


@dataclass(eq=False)
class Glance:
    """A partial that is being heard."""

    scope: CancelScope = field(default_factory=CancelScope)
    begun: bool = False
    """Whether a thread is at work, which cannot be stopped; set in that thread."""

    @property
    def over(self) -> bool:
        """Whether it is out of date."""
        return self.scope.cancel_called


class Understanding:
    """One channel: knows its languages and what was said last."""

    def __init__(
        self,
        model: LiveWhisperNetwork,
        alone: Callable[[], LiveWhisperNetwork | None],
        worker: Worker,
        options: Callable[[float], LiveOptions],
    ) -> None:
        """`alone`: the same model with all the threads for one call, for when nothing else is at work; None at first.
        `options`: for what ends at a second of the stream."""
        self._model: Final = model
        self._alone: Final = alone
        self._worker: Final = worker
        self._options: Final = options
        self._languages = Languages(len(model.languages))
        self._said: Final[deque[Said]] = deque(maxlen=REMEMBERED)
        self._beginning = Beginning()

    def keep(self, understood: Understood) -> None:
        """Go on from what was understood of an utterance that is told."""
        self._beginning = Beginning()
        if understood.languages is not None and understood.words:
            self._languages = understood.languages
        said = understood.said
        if said is not None and understood.words:
            whole = said.language in UNSPACED
            self._said.extend([said] if whole else divided(said, understood.words, self._model.tokens))

    async def glance(self, item: Utterance, glance: Glance, *, first: bool) -> Glanced | None:
        """What is heard of an utterance that goes on, None where it is not trusted."""
        choose, _ = self._chooser(item, CHANGED if first else BREATH)
        skipped = self._beginning.within(item)
        hear = self._hearing(item, choose, skipped)

        def work() -> tuple[str, Heard]:
            glance.begun = True
            return hear(self._model)

        # With one thread, so that a final need not wait for it.
        language, heard = await self._worker.run(Priority.PARTIAL, work)
        if not trusted(heard, len(item.levelled) - skipped, cut=True) or doubled(heard.text):
            return None
        text = tuple(heard.text) if language in UNSPACED else (*self._beginning.words, *heard.text.split())
        return Glanced(language, text, () if language in UNSPACED else heard.words)

    def agree(self, item: Utterance, glanced: Glanced, shown: Sequence[str]) -> None:
        """Let the next partial of the utterance go on from the words that are shown."""
        self._beginning.grow(item, glanced, shown, self._model.tokens)

    async def whole(self, item: Utterance, kind: Priority) -> Understood:
        """Hear the whole utterance, alone and with a long silence after it where it is not trusted."""
        samples = item.levelled
        choose, languages = self._chooser(item, CHANGED)
        language, heard = await self._hear(kind, self._hearing(item, choose))

        def again(model: LiveWhisperNetwork) -> tuple[str, Heard]:
            return model.hear_live(samples, language, LONG_SILENCE)

        if doubled(heard.text):
            # After a short silence the decoder says some things twice.
            _, heard = await self._hear(kind, again)
        if not (trusted(heard, len(samples)) and heard.words) and len(samples) >= RETRIED:
            _, heard = await self._hear(kind, again)
        known = languages[0] if languages else None
        if not trusted(heard, len(samples)):
            return Understood(language, (), None, known)
        text = Said(item.start, samples, heard.tokens, language)
        return Understood(language, timed(item, heard), text, known)

    async def _hear(self, kind: Priority, work: Callable[[LiveWhisperNetwork], T]) -> T:
        """What the model makes of something, when it is its turn."""
        alone = self._alone()
        narrow, wide = partial(work, self._model), None if alone is None else partial(work, alone)
        return await self._worker.run(kind, narrow, wide)

    def _hearing(
        self, item: Utterance, choose: Language, skipped: int | None = None
    ) -> Callable[[LiveWhisperNetwork], tuple[str, Heard]]:
        """What hears an utterance after what was said before, or, as a partial, what follows so many samples of it:
        the language and the text."""
        context = self._options(item.end_time).prompt
        said = tuple(self._said) if skipped is None else (*self._said, *self._beginning.parts)
        samples = item.levelled[skipped:]
        whole = skipped is None

        def hear(model: LiveWhisperNetwork) -> tuple[str, Heard]:
            language = choose(model.detect([item.levelled[:DETECTED]])[0]) if callable(choose) else choose
            most = BEFORE if whole else max(0, GLANCED - len(samples))
            before = preceding(said, item.start + (skipped or 0), len(samples), language, most)
            beam, timed = (BEAM, True) if whole else (1, len(samples) >= LENGTHY)
            return model.hear_live(samples, language, SILENCE, beam=beam, timed=timed, context=context, before=before)

        return hear

    def _chooser(self, item: Utterance, change: float) -> tuple[Language, list[Languages]]:
        """The language of an utterance or how to choose it, and where what is known then will be found."""
        model, given = self._model, self._options(item.end_time).language
        if given is not None or len(model.languages) == 1:
            return given or model.languages[0], []
        known: list[Languages] = []

        def choose(probabilities: npt.NDArray[np.float64]) -> str:
            known.append(deepcopy(self._languages))
            (index,) = known[-1].choose(probabilities[None], [len(item.samples) / SAMPLE_RATE], [change])
            return model.languages[index]

        return choose, known


def timed(item: Utterance, heard: Heard) -> tuple[TimedWord, ...]:
    """The words on the stream's clock."""
    start = item.start / SAMPLE_RATE
    return tuple(TimedWord(word.text, start + word.start, start + word.end, word.probability) for word in heard.words)
