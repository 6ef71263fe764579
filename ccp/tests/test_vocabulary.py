import pytest

from ccp.airtel import vocabulary as words


@pytest.mark.parametrize("word", [*words.OVERALL_ANSWERED, *words.OVERALL_UNANSWERED])
def test_every_overall_status_says_something(word):
    assert words.is_overall_status(word)
    assert words.meaning(word) in words.LEG_WORDS


@pytest.mark.parametrize("word", ["", "banana", "Answered"])
def test_other_words_say_nothing(word):
    assert not words.is_overall_status(word)
    assert words.meaning(word, 17, 486) is None


def test_only_a_plain_end_has_a_reason():
    assert words.meaning("disconnected") == words.HUNG_UP
    assert words.meaning("disconnected", 17) == words.BUSY
    assert words.meaning("disconnected", None, 603) == words.REJECTED
    assert words.meaning("disconnected", 16, 699) == words.HUNG_UP
    assert words.meaning("disconnected", 19, 486) == words.NO_ANSWER
    assert words.meaning("failed", 17) == words.FAILED
    assert words.meaning("answer", 17) == words.ANSWERED
