"""Whisper on CTranslate2: one pass of the encoder, shared by language detection, decoding and alignment."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import ctranslate2
import numpy as np
import numpy.typing as npt

from contracts.audio import SAMPLE_RATE, Samples
from contracts.options import Task
from models.whisper_features import HOP, LogMel
from models.whisper_tokens import Vocabulary
from models.whisper_words import HeardWord, timed_words, token_starts

LONGEST: Final = 30 * SAMPLE_RATE
"""Samples that the encoder takes at most."""
DETECTION_SILENCE: Final = SAMPLE_RATE // 4
"""Samples of silence at least after an utterance whose language is detected; more changes nothing."""
DETECTION_GRAIN: Final = SAMPLE_RATE // 2
"""Samples: for detection, utterances are filled up to multiples of it."""
GRAIN: Final = 5 * SAMPLE_RATE // 2
"""Samples: utterances are filled up to multiples of it, so that many have the same length and share a batch."""
BEAM: Final = 5
"""Hypotheses that the decoder follows at once."""
REPEATED: Final = 8
"""Characters of a text at least that is taken for a repetition of what was said before."""
REPEATED_WORDS: Final = 4
"""Words in a row of a longer text that are taken for one."""
EARLY: Final = 1.2
"""Seconds before the end of an utterance at which the decoder may end: it hears some silence at the end, too."""
LONG: Final = 6 * SAMPLE_RATE
"""Samples of an utterance from which on to hear it again takes long: first it is seen whether there is more to hear."""
LEAST_TOKENS: Final = 12
"""Tokens that the shortest utterance may have where a loop must not take long."""
TOKENS: Final = 8
"""Tokens that a second of it may have besides."""
LONGEST_TIMES: Final = 1500
"""Steps of 20 ms that the decoder may begin after: all that it hears."""


@dataclass(frozen=True)
class Heard:
    """What was understood of one utterance."""

    text: str
    words: tuple[HeardWord, ...]
    log_probability: float
    """Mean over the tokens, the end of text included; natural logarithm."""
    no_speech: float
    """0 to 1: probability of the token for "no speech" in the place of the first."""
    tokens: tuple[int, ...] = ()
    """Of the text, for what follows to go on from; only of an utterance of a live call."""

    @property
    def compression(self) -> float:
        """Bytes of the text over its bytes when compressed; a text that repeats itself reaches more than 2.4."""
        text = self.text.encode()
        return len(text) / len(zlib.compress(text))


@dataclass(frozen=True, eq=False)
class Before:
    """What was said before an utterance, for the decoder to go on from: it hears both and writes what follows."""

    samples: Samples
    """float32 (samples,): with the silence up to the utterance; its language is that of the utterance."""
    tokens: tuple[int, ...]
    """Of what was understood of it."""
    earlier: tuple[int, ...] = ()
    """Of what was said before that: told to the decoder and not heard."""


def filled(samples: int, silence: int) -> int:
    """Samples of an utterance with at least so many of silence after it, and at most LONGEST.

    The decoder answers to how much silence follows, so this depends on the utterance alone and never on its batch.
    """
    return min(LONGEST, -(-(samples + silence) // GRAIN) * GRAIN)


class Whisper:
    """A Whisper model of any size, loaded. Calls may come from several threads at once."""

    def __init__(self, path: Path, threads: int, *, parallel: int = 1, compute_type: str = "int8") -> None:
        """Load a folder with model.bin, config.json, tokenizer.json and the vocabulary.

        Each call uses at most `threads` threads, and `parallel` calls run at once; further ones wait.
        """
        self._model: Final = ctranslate2.models.Whisper(
            str(path), compute_type=compute_type, inter_threads=parallel, intra_threads=threads
        )
        self._features: Final = LogMel(self._model.n_mels)
        self._vocabulary: Final = Vocabulary(path / "tokenizer.json", multilingual=self._model.is_multilingual)
        self.languages: Final = self._vocabulary.languages
        """Codes of the languages that the model knows; only "en" for an English-only model."""

    def detect(self, utterances: Sequence[Samples]) -> npt.NDArray[np.float64]:
        """Probability of each of `languages` for each utterance: float64 (utterances, languages)."""
        probabilities = np.zeros((len(utterances), len(self.languages)))
        if len(self.languages) == 1:
            return probabilities + 1
        index = {f"<|{language}|>": n for n, language in enumerate(self.languages)}
        lengths = [-(-(len(own) + DETECTION_SILENCE) // DETECTION_GRAIN) * DETECTION_GRAIN for own in utterances]
        for length in sorted(set(lengths)):
            numbers = [n for n, own in enumerate(lengths) if own == length]
            encoded = np.concatenate([self._encode(utterances[n], length) for n in numbers])
            for n, scores in zip(numbers, self._model.detect_language(_storage(encoded)), strict=True):
                for token, score in scores:
                    probabilities[n, index[token]] = score
        return probabilities

    def hear(
        self,
        utterances: Sequence[Samples],
        languages: Sequence[str],
        silence: int,
        *,
        task: Task = "transcribe",
        context: str = "",
    ) -> list[Heard]:
        """Find the words of each utterance in its language; one pass of the encoder serves decoding and alignment.

        Utterances are at most LONGEST samples, and of one length when `filled` with that much silence: raises
        ValueError otherwise. What is heard of one does not depend on the others. With the task "translate" the words
        are English, whatever the language; their times are where the decoder listened. `context` as in `hear_live`.
        """
        (length,) = {filled(len(samples), silence) for samples in utterances}
        prompts = [self._vocabulary.prompt(language, task_in(language, task)) for language in languages]
        before = self._vocabulary.context(context)
        # One at a time: together they take no less time, and memory that grows with their number.
        encoded = np.concatenate([self._encode(samples, length) for samples in utterances])
        results = self._model.generate(
            _storage(encoded),
            [[*before, *prompt, self._vocabulary.untimed] for prompt in prompts],
            beam_size=BEAM,
            return_scores=True,
            return_no_speech_prob=True,
        )
        tokens = [result.sequences_ids[0] for result in results]
        written = ["en" if task == "translate" else language for language in languages]
        words = self._align(encoded, utterances, tokens, prompts, written)
        return [
            Heard(
                text=self._vocabulary.text(own).strip(),
                words=tuple(heard),
                # CTranslate2 divides by the number of tokens without the end of text.
                log_probability=result.scores[0] * len(own) / (len(own) + 1),
                no_speech=result.no_speech_prob,
            )
            for result, own, heard in zip(results, tokens, words, strict=True)
        ]

    def tokens(self, text: str) -> list[int]:
        """A text in the tokens of the model."""
        return self._vocabulary.tokens(text)

    def hear_live(
        self,
        samples: Samples,
        language: str | Callable[[npt.NDArray[np.float64]], str],
        silence: int,
        *,
        beam: int = BEAM,
        timed: bool = True,
        context: str = "",
        before: Before | None = None,
    ) -> tuple[str, Heard]:
        """Find the words of one utterance that is wanted soon, and its language, with one pass of the encoder.

        `language` is known, or chosen by what it is given: the probability of each of `languages`, float64
        (languages,). With `beam` 1 the decoder is greedy, and may stop early. Without `timed` there is text and no
        words. `context` are words that may be said: the decoder leans towards their spelling. A loop ends after so much
        text as can be said in the time, which an utterance that is heard with others is not bound to.
        """
        vocabulary = self._vocabulary
        whole = samples if before is None else np.concatenate([before.samples, samples])
        encoded = self._encode(whole, filled(len(whole), silence))
        if callable(language):
            language = language(self._probabilities(encoded))
        said, earlier = ((), ()) if before is None else (before.tokens, before.earlier)
        start = vocabulary.untimed if before is None else vocabulary.timed(len(before.samples) / SAMPLE_RATE)
        prompt = [*vocabulary.context(context, [*earlier, *said]), *vocabulary.prompt(language), start]
        result = self._decode(encoded, prompt, beam, len(samples) / SAMPLE_RATE)
        tokens = result.sequences_ids[0]
        own = [token for token in tokens if token < vocabulary.end]
        text = vocabulary.text(own).strip()
        seconds = len(whole) / SAMPLE_RATE
        # Of a partial it may stop early: it is heard again soon.
        left = seconds - vocabulary.time(tokens[-1], seconds) if beam > 1 and before is not None else 0.0
        early = left > EARLY
        if early and len(samples) >= LONG:
            # Most such times are wrong: then nothing follows, or what was said is said once more.
            told = vocabulary.context(context, [*earlier, *said, *own])
            prompt = [*told, *vocabulary.prompt(language), tokens[-1]]
            more = vocabulary.text(self._decode(encoded, prompt, 1, left).sequences_ids[0])
            early = bool(_bare(more)) and not repeats(more, text)
        if before is not None and (early or repeats(text, vocabulary.text(said))):
            # It stopped after a sentence, or went back instead of on, as it does where the language changes.
            return self.hear_live(samples, language, silence, beam=beam, timed=timed, context=context)
        # CTranslate2 divides by the number of tokens without the end of text.
        score = result.scores[0] * len(tokens) / (len(tokens) + 1)
        words = self._timed(encoded, samples, said, own, language, len(whole)) if timed else []
        return language, Heard(text, tuple(words), score, result.no_speech_prob, tuple(own))

    def _decode(
        self, encoded: npt.NDArray[np.float32], prompt: list[int], beam: int, seconds: float
    ) -> ctranslate2.models.WhisperGenerationResult:
        """What follows the prompt, of so much text at most as can be said in so many seconds."""
        longest = LEAST_TOKENS + int(seconds * TOKENS)
        (result,) = self._model.generate(
            _storage(encoded),
            [prompt],
            beam_size=beam,
            max_length=max(2 * longest, len(prompt) + longest),  # half of it at most is for the answer
            max_initial_timestamp_index=LONGEST_TIMES,
            return_scores=True,
            return_no_speech_prob=True,
        )
        return result

    def _timed(
        self,
        encoded: npt.NDArray[np.float32],
        samples: Samples,
        said: Sequence[int],
        own: list[int],
        language: str,
        length: int,
    ) -> list[HeardWord]:
        """The words of an utterance that ends what was encoded, `length` samples, behind the tokens said before."""
        grouped = self._vocabulary.words(own, language)
        if not grouped:
            return []
        (result,) = self._model.align(
            _storage(encoded),
            self._vocabulary.prompt(language),
            [[*said, *own]],
            [min(2 * encoded.shape[1], -(-length // HOP))],
        )
        starts = token_starts(result.alignments, len(said) + len(own))[len(said) :]
        shift = (length - len(samples)) / SAMPLE_RATE
        return timed_words(grouped, starts - shift, result.text_token_probs[len(said) :], samples)

    def _probabilities(self, encoded: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Of each of `languages`: float64 (languages,)."""
        if len(self.languages) == 1:
            return np.ones(1)
        found = dict(self._model.detect_language(_storage(encoded))[0])
        return np.array([found[f"<|{language}|>"] for language in self.languages])

    def _encode(self, samples: Samples, length: int) -> npt.NDArray[np.float32]:
        """The encoder's output for one utterance and silence up to `length`: float32 (1, frames of 20 ms, width)."""
        frames = 2 * -(-min(LONGEST, length) // (2 * HOP))
        return np.asarray(self._model.encode(_storage(self._features(samples, frames)[None])))

    def _align(
        self,
        encoded: npt.NDArray[np.float32],
        utterances: Sequence[Samples],
        tokens: Sequence[Sequence[int]],
        prompts: Sequence[list[int]],
        languages: Sequence[str],
    ) -> list[list[HeardWord]]:
        """Time and probability of each word of each utterance, which is written in one of the languages.

        One at a time, because each takes the probabilities of all the vocabulary for all its tokens: 20 MB and more.
        """
        words: list[list[HeardWord]] = []
        for own, samples, row, prompt, language in zip(tokens, utterances, encoded, prompts, languages, strict=True):
            grouped = self._vocabulary.words(own, language)
            if not grouped:
                words.append([])
                continue
            (result,) = self._model.align(
                _storage(row[None]),
                prompt,
                [own],
                [min(2 * len(row), -(-len(samples) // HOP))],
            )
            starts = token_starts(result.alignments, len(own))
            words.append(timed_words(grouped, starts, result.text_token_probs, samples))
        return words


def task_in(language: str, task: Task) -> Task:
    """What there is to do with speech in this language: English stays as it was said."""
    return "transcribe" if language == "en" else task


def repeats(text: str, before: str) -> bool:
    """Whether a text of some length is there before already, or a part of it of some length."""
    words, known = _bare(text), f" {' '.join(_bare(before))} "
    if len(" ".join(words)) < REPEATED:
        return False
    runs = [words[first : first + REPEATED_WORDS] for first in range(max(1, len(words) - REPEATED_WORDS + 1))]
    return any(f" {' '.join(run)} " in known for run in runs)


def _bare(text: str) -> list[str]:
    """Its words without case and the punctuation around them."""
    return [word for word in (word.strip(" .,?!:;\u2026").lower() for word in text.split()) if word]


def _storage(array: npt.NDArray[np.float32]) -> ctranslate2.StorageView:
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(array))
