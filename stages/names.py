"""Names as they are compared."""

import re
import unicodedata
from typing import Final

_WORDS: Final = re.compile(r"[\w'-]+")


def folded(text: str) -> str:
    """A text as it is compared: without case, accents, and the difference between the Russian letters e and yo."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    # The breve of the Russian short i tells two letters apart; accents do not.
    kept = "".join(letter for letter in plain if letter == "\u0306" or not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", kept)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a name, folded."""
    return tuple(dict.fromkeys(_WORDS.findall(folded(text))))
