import pytest

from ccp.airtel import vocabulary


@pytest.mark.parametrize("word", [*vocabulary.OVERALL_ANSWERED, *vocabulary.OVERALL_UNANSWERED])
def test_every_overall_status_says_something(word):
    assert vocabulary.is_overall_status(word)
    assert vocabulary.meaning(word) in vocabulary.LEG_WORDS


@pytest.mark.parametrize("word", ["", "banana", "Answered"])
def test_other_words_say_nothing(word):
    assert not vocabulary.is_overall_status(word)
    assert vocabulary.meaning(word, 17, 486) is None


def test_only_a_plain_end_has_a_reason():
    assert vocabulary.meaning("disconnected") == vocabulary.HUNG_UP
    assert vocabulary.meaning("disconnected", 17) == vocabulary.BUSY
    assert vocabulary.meaning("disconnected", None, 603) == vocabulary.REJECTED
    assert vocabulary.meaning("disconnected", 16, 699) == vocabulary.HUNG_UP
    assert vocabulary.meaning("disconnected", 19, 486) == vocabulary.NO_ANSWER
    assert vocabulary.meaning("failed", 17) == vocabulary.FAILED
    assert vocabulary.meaning("answer", 17) == vocabulary.ANSWERED
