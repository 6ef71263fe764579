import pytest

from devtools.commands.demo import Outcome, Taken, is_wave, text_of
from devtools.lab.session import Answer

WAVE = b"RIFF\x24\x00\x00\x00WAVEfmt "


def test_text_of_markup():
    markup = (
        "<div><strong>Call to</strong> Priya <span> 98… </span></div>"
        "<ul><li>0:00\n  <b>Ringing</b></li><li>0:04 &lt;Answer&gt;</li></ul>"
    )
    assert text_of(markup).splitlines() == ["Call to Priya 98…", "0:00 Ringing", "0:04 <Answer>"]


def test_text_of_nothing():
    assert text_of(False) == ""


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, WAVE, True),
        (206, WAVE, False),
        (200, b"<html>RIFF", False),
        (200, b"RIFF", False),
        (303, WAVE, False),
    ],
)
def test_is_wave(status, body, expected):
    assert is_wave(Answer(status, "audio/wav", body)) is expected


def test_all_is_well():
    assert Outcome("connected", ["event", "cdr"], True, True).shortcomings() == []


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (Outcome("customer_busy", ["cdr"], True, True), "ended as customer_busy"),
        (Outcome(None, ["cdr"], True, True), "ended as nothing"),
        (Outcome("connected", ["event"], True, True), "record did not arrive"),
        (Outcome("connected", ["cdr"], False, True), "could not fetch"),
        (Outcome("connected", ["cdr"], True, False), "without logging in"),
    ],
)
def test_each_shortcoming_is_named(outcome, text):
    (found,) = outcome.shortcomings()
    assert text in found


def test_a_call_that_was_taken_well():
    assert Taken("connected", "asha", "record_owner").shortcomings() == []


@pytest.mark.parametrize(
    ("taken", "texts"),
    [
        (Taken("abandoned", "asha", "record_owner"), ["ended as abandoned"]),
        (Taken("connected", "ravi", "record_owner"), ["ravi picked up"]),
        (Taken("connected", "asha", "desk"), ["for the reason desk"]),
        (Taken(None, None, None), ["ended as nothing", "nobody picked up", "for the reason none"]),
    ],
)
def test_each_shortcoming_of_a_taken_call_is_named(taken, texts):
    found = taken.shortcomings()
    assert len(found) == len(texts)
    for text, sentence in zip(texts, found, strict=True):
        assert text in sentence
