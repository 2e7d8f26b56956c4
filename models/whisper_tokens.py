"""Whisper's vocabulary: prompts, text, and the grouping of tokens into words."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer

from contracts.options import Task

UNSPACED: Final = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages that are written without spaces between words: every piece of text counts as a word."""
OPENING: Final = frozenset("\"'“‘«¿¡([{„")
"""Marks that belong to the word after them when they stand alone."""
TIMESTAMP: Final = 0.02
"""Seconds from one token for a time to the next."""
CONTEXT: Final = 223
"""Tokens of the text before at most: half of what the decoder takes, less the token in front of them."""
LONGEST_CHARACTER: Final = 4
"""Bytes of the longest character in UTF-8, so tokens of the longest character that is split over tokens."""


@dataclass(frozen=True)
class TokenWord:
    """A word as a run of tokens."""

    text: str
    """With its punctuation and without surrounding space."""
    first: int
    """Index of the first token that is more than punctuation."""
    last: int
    """One past the index of the last token that is more than punctuation."""


class Vocabulary:
    """The tokens of one model. Ids differ between models, so all are looked up by name."""

    def __init__(self, path: Path, *, multilingual: bool) -> None:
        """Read tokenizer.json; an English-only model has no language and no task in its prompt."""
        self._tokenizer: Final[Tokenizer] = Tokenizer.from_file(str(path))
        self._multilingual: Final = multilingual
        self.end: Final = self._id("<|endoftext|>")
        first, last = self._id("<|startoftranscript|>") + 1, self._id("<|translate|>")
        names = [str(self._tokenizer.id_to_token(token)) for token in range(first, last)]
        self.languages: Final = tuple(name[2:-2] for name in names) if multilingual else ("en",)
        """ISO 639-1 codes (three letters where there is no code of two) in the order of their tokens."""

    def _id(self, name: str) -> int:
        token = self._tokenizer.token_to_id(name)
        if token is None:
            raise ValueError(f"tokenizer.json has no token {name}")
        return int(token)

    def prompt(self, language: str, task: Task = "transcribe") -> list[int]:
        """What the decoder is told before the first word, without the last token that forbids timestamps.

        `language` is that of the speech. Raises ValueError for a translation by an English-only model.
        """
        start = [self._id("<|startoftranscript|>")]
        if self._multilingual:
            return [*start, self._id(f"<|{language}|>"), self._id(f"<|{task}|>")]
        if task != "transcribe":
            raise ValueError("an English-only model does not translate")
        return start

    def context(self, text: str, said: Sequence[int] = ()) -> list[int]:
        """What the decoder is told of the text before, or of words that may come, and of what was said last, in tokens.

        Nothing where there is neither; of more than fits the last.
        """
        tokens = [*(self.tokens(text) if text else []), *said]
        return [self._id("<|startofprev|>"), *tokens[-CONTEXT:]] if tokens else []

    def tokens(self, text: str) -> list[int]:
        """A text as the decoder would write it."""
        return list(self._tokenizer.encode(f" {text.strip()}", add_special_tokens=False).ids)

    @property
    def untimed(self) -> int:
        """The token that ends the prompt where no timestamps are wanted."""
        return self._id("<|notimestamps|>")

    def timed(self, seconds: float) -> int:
        """The token that has the decoder begin with what is said from so many seconds of the audio on."""
        return self.untimed + 1 + round(seconds / TIMESTAMP)

    def time(self, token: int, otherwise: float) -> float:
        """The seconds that a token stands for, or `otherwise` where it stands for none."""
        return (token - self.untimed - 1) * TIMESTAMP if token > self.untimed else otherwise

    def text(self, tokens: Sequence[int]) -> str:
        """Without special tokens; the space in front of the first word is kept."""
        return str(self._tokenizer.decode([token for token in tokens if token < self.end]))

    def words(self, tokens: Sequence[int], language: str) -> list[TokenWord]:
        """Group tokens (no special ones) into words; punctuation joins its neighbours, as in a printed text."""
        words: list[TokenWord] = []
        pending = ""
        for first, last in self._runs(tokens, spaced=language not in UNSPACED):
            text = self.text(tokens[first:last])
            if not is_mark(text):
                spoken = [n for n in range(first, last) if not is_mark(self.text(tokens[n : n + 1]))]
                words.append(TokenWord(pending + text.strip(), spoken[0], spoken[-1] + 1))
                pending = ""
            elif text.strip() in OPENING or not words:
                pending += text.strip()
            else:
                words[-1] = replace(words[-1], text=words[-1].text + pending + text.rstrip())
                pending = ""
        if pending and words:
            words[-1] = replace(words[-1], text=words[-1].text + pending)
        return words

    def _runs(self, tokens: Sequence[int], *, spaced: bool) -> list[tuple[int, int]]:
        """First and one past the last index of the tokens of each piece between spaces, or of each character."""
        runs: list[tuple[int, int]] = []
        first = 0
        for last in range(1, len(tokens) + 1):
            text = self.text(tokens[first:last])
            if "\ufffd" in text and last - first < LONGEST_CHARACTER and last < len(tokens):
                continue  # half of a character
            if runs and spaced and not text.startswith(" "):
                runs[-1] = (runs[-1][0], last)
            else:
                runs.append((first, last))
            first = last
        return runs


def is_mark(text: str) -> bool:
    """Whether there is nothing to say aloud in the text: only spaces, punctuation and no letter, digit or symbol."""
    return all(character.isspace() or unicodedata.category(character).startswith("P") for character in text)
