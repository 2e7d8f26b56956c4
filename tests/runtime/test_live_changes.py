"""What a client changes in the course of a call counts from its place in the audio on."""

from runtime.live_changes import KEPT, Changing


def test_a_change_counts_for_what_ends_after_it() -> None:
    language = Changing("en")
    language.change(2.0, "ru")
    language.change(5.0, "de")
    assert [language.at(second) for second in (0.0, 2.0, 2.1, 5.0, 60.0)] == ["en", "en", "ru", "ru", "de"]
    assert language.latest == "de"


def test_a_change_before_the_first_sound_counts_for_all() -> None:
    language = Changing("en")
    language.change(0.0, "ru")
    assert language.at(0.1) == "ru"


def test_no_more_changes_are_kept_than_are_of_use() -> None:
    number = Changing(0)
    for second in range(1, 10 * KEPT):
        number.change(second, second)
        number.change(second, second)
    assert number.at(10 * KEPT) == 10 * KEPT - 1
    assert number.at(1.0) == 9 * KEPT
