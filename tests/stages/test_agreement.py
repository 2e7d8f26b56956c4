"""Which words of an utterance that goes on are shown."""

from stages.agreement import Agreement, bare, common


def shown(*hypotheses: str) -> list[str]:
    """What is shown after each hypothesis, where it changed."""
    agreement = Agreement()
    return [" ".join(agreement.shown) for text in hypotheses if agreement.take(tuple(text.split()))]


def test_the_first_hypothesis_is_shown_without_its_last_word() -> None:
    assert shown("the conference is") == ["the conference"]


def test_a_single_word_waits_for_a_second_hypothesis() -> None:
    assert shown("the", "the party") == ["the"]


def test_what_the_first_two_hypotheses_agree_about_is_shown() -> None:
    assert shown("press", "press the pound") == ["press"]


def test_later_on_three_hypotheses_have_to_agree() -> None:
    assert shown("press", "press the pound", "press the pound key please", "press the pound key please now") == [
        "press",
        "press the pound",
    ]


def test_a_hypothesis_that_disagrees_takes_nothing_back_alone() -> None:
    assert shown("press the", "press the pound", "less a sound", "press the pound key") == ["press", "press the"]


def test_what_three_hypotheses_deny_is_replaced() -> None:
    assert shown("I am sorry", "eye", "I'm sorry there", "I'm sorry there are", "I'm sorry there are no") == [
        "I am",
        "I'm sorry there",
    ]


def test_case_and_punctuation_are_no_disagreement_and_follow_the_latest() -> None:
    assert common(("To", "leave,"), ("to", "leave", "the")) == ("to", "leave")
    assert bare("«Астериск».") == "астериск"


def test_the_last_word_waits_for_more_even_if_it_was_heard_twice() -> None:
    assert shown("press", "press the pow", "press the pow", "press the pow") == ["press", "press the"]
