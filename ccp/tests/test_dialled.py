"""Whom an incoming call is between: numbers alone say who is who."""

import json
from dataclasses import replace

import pytest
from inbound import (
    AIRTEL,
    ASHA,
    ASHA_MISSES,
    CALL,
    CAMEL,
    CUSTOMER,
    RAVI,
    REDUCED,
    RINGS_ASHA,
    RINGS_RAVI,
    STRANGER,
    TOLL_FREE,
    ended,
    event,
    leaves,
    read,
    record,
    to,
    turned,
)

from ccp.call.dialled import is_same_number
from ccp.call.timeline import Dialled, fold


@pytest.mark.parametrize(
    "reports", [[RINGS_ASHA], [RINGS_ASHA, ASHA_MISSES, RINGS_RAVI, leaves(50)]]
)
def test_whose_phone_it_is_and_what_it_shows_may_be_exchanged(reports):
    exchanged = [turned(each) if each.shown else each for each in reports]
    assert fold(exchanged, CALL) == fold(reports, CALL)


def test_an_exchanged_answer_is_known_by_an_agent_that_is_known():
    answer = event("Answer", CUSTOMER, 11, ASHA)
    assert fold([answer], CALL).picked_up == ASHA
    # Airtel answers the customer, too, and that phone may show any number
    unknown = event("Answer", CUSTOMER, 11, STRANGER)
    assert fold([unknown], CALL).state == "ringing_agent"
    assert fold([event("Ringing", CUSTOMER, 4, STRANGER)], CALL).ringing == (STRANGER,)


def test_a_known_agent_counts_before_a_number_that_nobody_knows():
    assert fold([event("Ringing", STRANGER, 4, ASHA)], CALL).ringing == (ASHA,)
    assert fold([event("Ringing", ASHA, 4, STRANGER)], CALL).ringing == (ASHA,)
    assert fold([event("Ringing", ASHA, 4, RAVI)], CALL).ringing == (ASHA,)
    assert fold([event("Ringing", STRANGER, 4, "9700000001")], CALL).ringing == (STRANGER,)


def test_the_airtel_number_is_nobodys_phone():
    reports = [event("Ringing", AIRTEL, 1, CUSTOMER), event("Answer", AIRTEL, 1)]
    story = fold(reports, CALL)
    assert (story.state, story.ringing, story.missed) == ("ringing_agent", (), ())
    assert fold([event("Disconnected", AIRTEL, 9, CUSTOMER)], CALL).state == "ended"


def test_an_agent_who_calls_is_the_customer():
    dialled = Dialled((ASHA, RAVI), (ASHA,), incoming=True, airtel_number=AIRTEL)
    reports = [
        event("Played", ASHA, 0, ASHA, kind="MEDIA"),
        event("Ringing", RAVI, 4, ASHA),
        event("Answer", RAVI, 9, ASHA),
        event("Disconnected", ASHA, 30, causeCode=16),
    ]
    story = fold(reports, dialled)
    assert (story.result, story.picked_up, story.hung_up_by) == ("connected", RAVI, "customer")
    assert story.missed == ()


def test_a_number_that_is_withheld():
    dialled = Dialled((ASHA,), (), incoming=True, airtel_number=AIRTEL)
    reports = [event("Ringing", ASHA, 4), event("Answer", ASHA, 9)]
    assert fold(reports, dialled).picked_up == ASHA
    # Only who withholds a number has none
    story = fold([*reports, event("Disconnected", "", 30, causeCode=16)], dialled)
    assert (story.state, story.hung_up_by, story.talk_seconds) == ("ended", "customer", 21)
    unnamed = event("Disconnected", "", 30, causeCode=16)
    assert fold([*reports, unnamed], CALL).state == "in_call"
    assert ended(reports[0], unnamed, dialled=dialled) == ("ended", "abandoned", "", (ASHA,))
    report = record(callerNumber=None, overallCallStatus="Answered", destinationNumber=ASHA)
    assert ended(report, dialled=dialled) == ("ended", "connected", ASHA, ())
    strangers = record(callerNumber="9700000001", overallCallStatus="Answered")
    assert fold([strangers], dialled).result == "connected"


def test_names_say_nothing():
    named = json.dumps({"eventType": "CALL", "event": "Answer", "participantName": "A"})
    story = fold([read(json.loads(named))], CALL)
    assert (story.state, story.lines[0].leg) == ("ringing_agent", None)


TURNED = {
    **CAMEL,
    "callerNumber": ASHA,
    "destinationNumber": CUSTOMER,
    "participants": [
        {"participantAddress": ASHA, "participantType": "From"},
        {"participantAddress": CUSTOMER, "participantType": "To"},
    ],
}


def test_a_record_that_names_the_agent_as_the_caller():
    story = fold([read(TURNED)], CALL)
    assert (story.result, story.picked_up, story.hung_up_by) == ("connected", ASHA, "agent")
    missed = {
        "overallCallStatus": "Missed",
        "destinationNumberStatus": "",
        "conversationDuration": 0,
    }
    unnamed = {
        **TURNED,
        **missed,
        "callerNumber": None,
        "participants": [TURNED["participants"][1]],
    }
    unnamed |= {"callerNumberStatus": "Busy", "hangUpStatus": ""}
    assert ended(read(unnamed))[1] == "agent_busy"
    assert fold([read({**CAMEL, "hangUpStatus": "Party B"})], CALL).hung_up_by == "agent"


def test_inbound_as_a_whole_and_outbound_in_each_part():
    parts = [{**each, "participantCallType": "OUTBOUND"} for each in CAMEL["participants"]]
    report = read({**CAMEL, "participants": parts})
    assert report.direction == "inbound"
    assert fold([report], CALL) == fold([read(CAMEL)], CALL)


def test_records_of_other_calls():
    other = {"callerNumber": STRANGER, "destinationNumber": "9700000001"}
    assert not fold([record(overallCallStatus="Answered", **other)], CALL).has_cdr
    # The customer may not be named, and nobody needs to know the agents
    agents = {"callerNumber": None, "participants": [to(STRANGER), to("9700000001")]}
    assert fold([record(overallCallStatus="Missed", **agents)], CALL).has_cdr
    alone = {"callerNumber": AIRTEL, "destinationNumber": STRANGER}
    story = fold([record(overallCallStatus="Answered", **alone)], CALL)
    assert story.picked_up == STRANGER


TOLL_FREE_FORMS = ["18001234", "018001234", "9118001234", "+91 1800 1234", "0091-1800-1234"]


@pytest.mark.parametrize("form", TOLL_FREE_FORMS)
def test_a_toll_free_number_in_any_form(form):
    dialled = Dialled((ASHA,), (CUSTOMER,), incoming=True, airtel_number=TOLL_FREE)
    report = read({**REDUCED, "Destination_Number": form, "Overall_Call_Status": "Missed"})
    assert fold([report], dialled).missed == ()
    assert is_same_number(form, TOLL_FREE) and is_same_number(TOLL_FREE, form)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("18001234567", "1800 123 4567", True),
        ("018001234567", "18001234567", True),
        (AIRTEL, f"+91{AIRTEL}", True),
        (AIRTEL, CUSTOMER, False),
        ("18001234", "18001235", False),
        ("18001234", "5518001234", False),
        ("1234", "01234", False),
        ("", "", False),
        ("", "0", False),
        ("0", "00", False),
    ],
)
def test_one_number(one, other, same):
    assert is_same_number(one, other) is same
    assert is_same_number(other, one) is same


def test_the_snapshot_keeps_what_an_incoming_call_needs():
    dialled = replace(CALL, abandon_seconds=9)
    assert Dialled.of_snapshot(json.loads(json.dumps(dialled.snapshot()))) == dialled
    old = {name: value for name, value in dialled.snapshot().items() if name != "airtel_number"}
    assert Dialled.of_snapshot({**old, "users": {ASHA: 7}}) == replace(dialled, airtel_number="")
