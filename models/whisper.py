"""Whisper on CTranslate2: one pass of the encoder, shared by language detection, decoding and alignment."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import ctranslate2
import numpy as np
import numpy.typing as npt

from contracts.audio import SAMPLE_RATE, Samples
from models.whisper_features import HOP, LogMel
from models.whisper_tokens import Vocabulary
from models.whisper_words import HeardWord, timed_words, token_starts

LONGEST: Final = 30 * SAMPLE_RATE
"""Samples that the encoder takes at most."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """The encoder's output for several utterances."""

    output: npt.NDArray[np.float32]
    """(utterances, frames of 20 ms, width)."""
    lengths: tuple[int, ...]
    """Samples of each utterance without the silence after it."""

    def rows(self, chosen: Sequence[int]) -> "Encoded":
        """Only these utterances."""
        return Encoded(self.output[list(chosen)], tuple(self.lengths[row] for row in chosen))


@dataclass(frozen=True)
class Hypothesis:
    """What the decoder made of one utterance."""

    tokens: tuple[int, ...]
    text: str
    log_probability: float
    """Mean over the tokens, the end of text included; natural logarithm."""
    no_speech: float
    """0 to 1: probability of the token for silence or music in the place of the first."""

    @property
    def compression(self) -> float:
        """Bytes of the text over its bytes when compressed; a text that repeats itself reaches more than 2.4."""
        text = self.text.encode()
        return len(text) / len(zlib.compress(text))


class Whisper:
    """A Whisper model of any size, loaded. Calls may come from several threads at once."""

    def __init__(self, path: Path, threads: int, *, parallel: int = 1, compute_type: str = "int8") -> None:
        """Load a folder with model.bin, config.json, vocabulary and tokenizer.json.

        Each call uses at most `threads` threads, and `parallel` calls run at once.
        """
        self._model: Final = ctranslate2.models.Whisper(
            str(path), compute_type=compute_type, inter_threads=parallel, intra_threads=threads
        )
        self._features: Final = LogMel(self._model.n_mels)
        self._vocabulary: Final = Vocabulary(path / "tokenizer.json", multilingual=self._model.is_multilingual)
        self.languages: Final = self._vocabulary.languages
        """Codes of the languages that the model knows; only "en" for an English-only model."""

    def encode(self, utterances: Sequence[Samples], silence: float) -> Encoded:
        """Encode utterances of at most LONGEST samples, each followed by silence.

        All are brought to the length of the longest and `silence` seconds, at most to LONGEST.
        """
        longest = min(LONGEST, max(len(samples) for samples in utterances) + int(silence * SAMPLE_RATE))
        frames = 2 * -(-longest // (2 * HOP))
        features = np.stack([self._features(samples, frames) for samples in utterances])
        output = self._model.encode(ctranslate2.StorageView.from_array(features))
        return Encoded(np.array(output), tuple(len(samples) for samples in utterances))

    def detect(self, encoded: Encoded) -> npt.NDArray[np.float64]:
        """Probability of each of `languages` for each utterance: float64 (utterances, languages)."""
        if len(self.languages) == 1:
            return np.ones((len(encoded.lengths), 1))
        found = self._model.detect_language(ctranslate2.StorageView.from_array(encoded.output))
        index = {f"<|{language}|>": n for n, language in enumerate(self.languages)}
        probabilities = np.zeros((len(found), len(index)))
        for row, scores in zip(probabilities, found, strict=True):
            for token, score in scores:
                row[index[token]] = score
        return probabilities

    def decode(self, encoded: Encoded, languages: Sequence[str], *, beam: int = 5) -> list[Hypothesis]:
        """Find the text of each utterance in its language."""
        prompts = [[*self._vocabulary.prompt(language), self._vocabulary.untimed] for language in languages]
        results = self._model.generate(
            ctranslate2.StorageView.from_array(encoded.output),
            prompts,
            beam_size=beam,
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [
            Hypothesis(
                tokens=tuple(result.sequences_ids[0]),
                text=self._vocabulary.text(result.sequences_ids[0]).strip(),
                # CTranslate2 divides by the tokens without the end of text.
                log_probability=result.scores[0] * len(result.sequences_ids[0]) / (len(result.sequences_ids[0]) + 1),
                no_speech=result.no_speech_prob,
            )
            for result in results
        ]

    def align(
        self, encoded: Encoded, languages: Sequence[str], hypotheses: Sequence[Hypothesis]
    ) -> list[list[HeardWord]]:
        """Find the time and the probability of each word of each utterance."""
        words: list[list[HeardWord]] = [[] for _ in hypotheses]
        for language in dict.fromkeys(languages):
            rows = [n for n, own in enumerate(languages) if own == language and hypotheses[n].tokens]
            if not rows:
                continue
            part = encoded.rows(rows)
            results = self._model.align(
                ctranslate2.StorageView.from_array(part.output),
                self._vocabulary.prompt(language),
                [list(hypotheses[n].tokens) for n in rows],
                [min(encoded.output.shape[1] * 2, -(-length // HOP)) for length in part.lengths],
            )
            for n, length, result in zip(rows, part.lengths, results, strict=True):
                tokens = hypotheses[n].tokens
                starts = token_starts(result.alignments, len(tokens))
                grouped = self._vocabulary.words(tokens, language)
                words[n] = timed_words(grouped, starts, result.text_token_probs, length / SAMPLE_RATE)
        return words
