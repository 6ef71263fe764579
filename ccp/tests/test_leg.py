"""One party of a call, by events and CDR."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ccp.airtel.reports import CdrLeg
from ccp.call.leg import (
    Leg,
    merge_cdr_legs,
    with_cdr,
)

A, B = "9876543210", "9123456789"
START = datetime(2020, 2, 26, 12, 0, tzinfo=timezone.utc)


def at(seconds):
    return START + timedelta(seconds=seconds)


BY_EVENTS = Leg(
    address=A,
    rang=True,
    answered_at=at(5),
    ended_at=at(41),
    ring_seconds=4,
    end="hung_up",
    cause_code=16,
    sip_code=699,
    cause_text="Normal call clearing",
    live=True,
)
BY_CDR = CdrLeg(
    address=B,
    started_at=at(2),
    answered_at=at(6),
    ended_at=at(43),
    ring_seconds=0,
    cause_code=31,
    sip_code=500,
    cause_text="Normal, unspecified",
    operator="Jio",
    circle="Mumbai",
)
OF_CDR = {
    "answered_at": at(6),
    "ended_at": at(43),
    "ring_seconds": 0,
    "cause_code": 31,
    "sip_code": 500,
    "cause_text": "Normal, unspecified",
    "operator": "Jio",
    "circle": "Mumbai",
    "live": False,
}


def test_a_silent_cdr_changes_nothing_but_that_it_is_over():
    assert with_cdr(BY_EVENTS, CdrLeg()) == replace(BY_EVENTS, live=False)


def test_a_cdr_alone_makes_a_leg():
    assert with_cdr(Leg(), BY_CDR) == Leg(address=B, rang=True, end="hung_up", **OF_CDR)


def test_a_cdr_wins_over_events_but_for_which_phone_it_was():
    assert with_cdr(BY_EVENTS, BY_CDR) == replace(BY_EVENTS, **OF_CDR)


@pytest.mark.parametrize(
    ("by_events", "status", "end", "rang"),
    [
        (None, "busy", "busy", False),
        (None, "noanswer", "no_answer", True),
        (None, "rejected", "rejected", True),
        (None, "", None, False),
        ("no_answer", "", "no_answer", True),
        ("busy", "disconnected", "busy", False),
        ("failed", "disconnected", "hung_up", False),
        ("busy", "noanswer", "no_answer", True),
    ],
)
def test_how_an_unanswered_leg_ended(by_events, status, end, rang):
    leg = with_cdr(Leg(end=by_events), CdrLeg(status=status))
    assert (leg.end, leg.rang) == (end, rang)


def test_entries_of_one_party():
    early = CdrLeg(address=B, status="busy", started_at=at(5), operator="Jio")
    late = CdrLeg(address=B, status="noanswer", started_at=at(20))
    unknown = CdrLeg(circle="Mumbai", status="rejected")
    elsewhere = CdrLeg(address=A, cause_text="of another phone")
    answered = CdrLeg(address=B, answered_at=at(3))
    assert merge_cdr_legs([]) is None
    assert merge_cdr_legs([early]) == early
    latest = replace(late, operator="Jio", circle="Mumbai")
    for order in ([early, late, unknown, elsewhere], [elsewhere, unknown, late, early]):
        assert merge_cdr_legs(order) == latest
    assert merge_cdr_legs([late, answered]).answered_at == at(3)
    assert merge_cdr_legs([late, answered]).status == "noanswer"
