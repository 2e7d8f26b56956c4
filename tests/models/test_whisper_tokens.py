"""Words from tokens, with the vocabulary of whisper-base. Fetches the model if it is missing."""

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from models.store import ensure
from models.whisper_tokens import Vocabulary


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(ensure("whisper-base", "transcription").path / "tokenizer.json", multilingual=True)


@cache
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(ensure("whisper-base", "transcription").path / "tokenizer.json"))


def tokens_of(text: str) -> list[int]:
    return list(tokenizer().encode(text, add_special_tokens=False).ids)


def words(vocabulary: Vocabulary, text: str, language: str = "en") -> list[str]:
    return [word.text for word in vocabulary.words(tokens_of(text), language)]


def test_all_languages_of_the_model_are_known(vocabulary: Vocabulary) -> None:
    assert len(vocabulary.languages) == 99
    assert {"en", "ru", "uk", "zh", "haw"} <= set(vocabulary.languages)


def test_an_english_only_model_is_asked_for_neither_language_nor_task() -> None:
    vocabulary = Vocabulary(ensure("whisper-base", "transcription").path / "tokenizer.json", multilingual=False)
    assert vocabulary.languages == ("en",)
    assert len(vocabulary.prompt("en")) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Hello, world!", ["Hello,", "world!"]),
        (" L'appel d'urgence n'est pas là.", ["L'appel", "d'urgence", "n'est", "pas", "là."]),
        (" Наш PIN-код: «решётка».", ["Наш", "PIN-код:", "«решётка»."]),
        (' He said: "No." Then...', ["He", "said:", '"No."', "Then..."]),
        (" ¿Qué? (nada)", ["¿Qué?", "(nada)"]),
        (" на линии - ваш вызов", ["на", "линии -", "ваш", "вызов"]),
        (" 12.5 % of 1,000", ["12.5 %", "of", "1,000"]),
        ("... and so", ["...and", "so"]),
        (" so 🙂 what", ["so", "🙂", "what"]),
        ("", []),
        (" ...", []),
    ],
)
def test_punctuation_belongs_to_the_word_beside_it(vocabulary: Vocabulary, text: str, expected: list[str]) -> None:
    assert words(vocabulary, text) == expected


def test_a_word_spans_its_letters_and_not_its_punctuation(vocabulary: Vocabulary) -> None:
    tokens = tokens_of(" «Allô», dit-il.")
    for word, spoken in zip(vocabulary.words(tokens, "fr"), ["Allô", "dit-il"], strict=True):
        assert vocabulary.text(tokens[word.first : word.last]).strip(" «") == spoken


def test_a_language_without_spaces_is_cut_between_characters(vocabulary: Vocabulary) -> None:
    found = words(vocabulary, "请稍等。谢谢!", "zh")
    assert "".join(found) == "请稍等。谢谢!"
    assert len(found) > 2
    assert "。" not in found


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1), st.sampled_from(["en", "ja"]))
def test_nothing_is_lost_and_no_character_is_split(vocabulary: Vocabulary, text: str, language: str) -> None:
    tokens = tokens_of(" " + text)
    found = vocabulary.words(tokens, language)
    spoken = "".join(word.text for word in found).replace(" ", "")
    assert spoken == vocabulary.text(tokens).replace(" ", "") or not found
    assert all(0 <= word.first < word.last <= len(tokens) for word in found)
    assert all(before.last <= after.first for before, after in pairwise(found))
