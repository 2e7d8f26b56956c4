"""The page's texts: both languages have all of them, with the same values in them."""

import re
from pathlib import Path

import pytest

from tests.ui.visitor import LOCALES, ROOT

SOURCES = ROOT / "ui/src/i18n"
TEXT = re.compile(r'^  "?([\w-]+)"?:\s*("(?:[^"\\]|\\.)*"|\{[^}]*(?:\{\w+\}[^}]*)*\}),$', re.MULTILINE)
FORMS = {"en": {"one", "other"}, "ru": {"one", "few", "many", "other"}}
"""Of a text with a number, as the language's plural rules name them."""


def texts(language: str) -> dict[str, str]:
    """Every text by its key, quotes and forms and all."""
    return dict(TEXT.findall((SOURCES / f"{language}.ts").read_text()))


def test_both_languages_have_the_same_texts_with_the_same_values() -> None:
    english, russian = texts("en"), texts("ru")
    assert len(english) > 200
    assert english.keys() == russian.keys()
    for key, text in english.items():
        assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", russian[key])), key


@pytest.mark.parametrize("language", LOCALES)
def test_a_text_with_a_number_has_every_form_that_the_language_has(language: str) -> None:
    forms = {key: set(re.findall(r"(\w+): \"", text)) for key, text in texts(language).items() if text[0] == "{"}
    assert forms
    assert set(map(frozenset, forms.values())) == {frozenset(FORMS[language])}


def test_no_text_is_there_for_nothing() -> None:
    code = "\n".join(path.read_text() for path in Path(ROOT / "ui/src").rglob("*.ts*") if path.parent != SOURCES)
    # Such as stage_${stage}: a text whose key is put together there.
    prefixes = tuple(re.findall(r"`(\w+)\$\{", code))
    assert [key for key in texts("en") if f'"{key}"' not in code and not key.startswith(prefixes)] == []
