"""What `make fuzz` found."""

import json
import time
from datetime import datetime, timedelta, timezone

import pytest

from ccp.airtel.reports import parse
from ccp.safe.number import (
    Countries,
    NumberError,
    interpret,
    mask_in,
    read,
    readings,
)


@pytest.mark.parametrize("country", ["IN", "US", "DE", "", None])
@pytest.mark.parametrize(
    "text",
    [
        "+91 98765432",
        "+9198765432",
        "+91-9876-5432",
        "+91 (mobile) 98765432",
        "(+91) 12345678",
        "+91 0 98765432",
    ],
)
def test_the_country_code_fills_in_no_digit_that_is_missing(text, country):
    """It was read as 9198765432, which is somebody else's phone."""
    with pytest.raises(NumberError) as caught:
        interpret(text, Countries(contact=country))
    assert caught.value.reason == "invalid"
    assert readings(text, Countries(contact=country)) == ()


@pytest.mark.parametrize(("text", "country"), [("0091 98765432", "IN"), ("0091 98765432", "DE")])
def test_nor_does_one_that_is_dialled(text, country):
    with pytest.raises(NumberError):
        interpret(text, Countries(contact=country))


def test_a_plus_before_a_code_that_no_country_has():
    """Abroad, too, what says that it has a country code is not read as if it had none."""
    for country in ("IN", "US"):
        with pytest.raises(NumberError) as caught:
            interpret("+999 1234567", Countries(contact=country))
        assert caught.value.reason == "invalid"


@pytest.mark.parametrize(
    "text", ["+91 9198765432", "+91 0 9198765432", "9198765432", "09198765432", "0091 9198765432"]
)
def test_a_number_that_begins_as_the_country_code(text):
    assert read(text) == "9198765432"


@pytest.mark.parametrize("sign", ["+", "(", "+("])
def test_a_long_row_of_signs_costs_nothing(sign):
    """It took minutes, because each sign was tried as the beginning of a number."""
    text = sign * 50_000
    started = time.process_time()
    assert mask_in(text) == text
    assert mask_in(f"{text}9876543210") == "98xx…10"
    assert time.process_time() - started < 3


@pytest.mark.parametrize("blank", [" ", "\n", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u2028"])
@pytest.mark.parametrize("form", ["{0}{1}", "{1}{0}", "{0}{1}{0}"])
def test_blanks_around_a_number_that_only_regular_expressions_know(blank, form):
    """int("0\\x1c") raises, and with it the whole report was lost."""
    received_at = datetime(2020, 2, 26, 12, 20, tzinfo=timezone.utc)
    fields = {
        "Session_ID": "s",
        "Pulse_Count": "3.0",
        "Billable_Duration": "40000",
        "Conversation_Duration": "00:40",
        "endTime": str(int(received_at.timestamp() * 1000)),
    }
    spaced = {name: form.format(blank, value) for name, value in fields.items()}
    report = parse(json.dumps(spaced), received_at)
    assert report.pulses == 3
    assert report.billable_seconds == report.talk_seconds == 40
    assert report.ended_at == received_at
    event = {"event": "Answer", "metaData": {"causeCode": form.format(blank, "16")}}
    assert parse(json.dumps(event), received_at + timedelta(1)).cause_code == 16
