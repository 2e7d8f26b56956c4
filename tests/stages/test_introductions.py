"""Names that speakers give of themselves."""

import pytest

from contracts.annotation import Segment
from stages.introductions import MOST, introductions


def said(*texts: str) -> list[tuple[str, str]]:
    segments = [Segment(float(place), place + 1.0, text, 1.0, "en", ()) for place, text in enumerate(texts)]
    return [(found.name, found.organisation) for found in introductions(segments)]


@pytest.mark.parametrize(
    ("text", "name", "organisation"),
    [
        ("Hello, this is Anna Smith from Northwind Traders. How can I help?", "Anna Smith", "Northwind Traders"),
        ("My name is John.", "John", ""),
        ("Hi, I'm Peter Parker calling from the Daily Bugle.", "Peter Parker", "the Daily Bugle"),
        ("John Miller speaking.", "John Miller", ""),
        ("Thank you for calling Acme, this is Bob, how may I help you?", "Bob", ""),
        ("Good morning. You're speaking with Maria O'Neil.", "Maria O'Neil", ""),
        ("Здравствуйте, меня зовут Иван Петров, компания Ромашка.", "Иван Петров", "Ромашка"),
        ("Алло, это Анна из банка Точка.", "Анна", "Точка"),
        ("Вас беспокоит Сергей из компании «Газпром».", "Сергей", "Газпром"),
        ("Мария слушает.", "Мария", ""),
        ("Добрый день! Меня зовут Ольга. Чем могу помочь?", "Ольга", ""),
    ],
)
def test_an_introduction_is_found(text: str, name: str, organisation: str) -> None:
    assert said(text) == [(name, organisation)]


@pytest.mark.parametrize(
    "text",
    [
        "This is better.", "This is Monday.", "I'm Russian.", "Hi, it's Friday today.", "I'm sorry.", "Is this London?",
        "Это хорошо, говорит он.", "Это Москва.", "Это не Иван.", "я из компании Ромашка", "", "...",
        "Thank you, Anna.", "Anna, are you there?", "Спасибо, Иван.",
    ],
)  # fmt: skip
def test_what_is_no_introduction_is_not_taken_for_one(text: str) -> None:
    assert said(text) == []


def test_a_name_is_told_once_with_its_organisation() -> None:
    assert said("This is Anna.", "As I said, my name is Anna from Northwind.") == [("Anna", "Northwind")]


def test_of_many_names_the_first_are_kept() -> None:
    names = ["Anna", "Boris", "Clara", "Dora", "Emil"]
    assert [name for name, _ in said(*(f"My name is {name}." for name in names))] == names[:MOST]


def test_long_texts_take_no_time() -> None:
    assert said("Aa Bb " * 20_000, "это " * 20_000, "this is " * 20_000 + "Anna") == [("Anna", "")]
