"""Incoming calls: how long a customer waited, when things happened, and what is told of them."""

from dataclasses import replace

import pytest
from inbound import (
    AIRTEL,
    ASHA,
    CALL,
    CUSTOMER,
    GREETING,
    RAVI,
    REDUCED,
    RING_GROUP,
    RINGS_ASHA,
    RINGS_RAVI,
    at,
    epoch,
    event,
    leaves,
    read,
    record,
    turned,
)

from ccp.call.timeline import Dialled, fold

# How soon the customer gave up


@pytest.mark.parametrize(
    ("seconds", "limit", "early"), [(4, 5, True), (5, 5, True), (6, 5, False), (6, 10, True)]
)
def test_who_hangs_up_at_once_was_not_missed(seconds, limit, early):
    dialled = replace(CALL, abandon_seconds=limit)
    story = fold([GREETING, event("Ringing", ASHA, 2, CUSTOMER), leaves(seconds)], dialled)
    assert (story.result, story.waited_seconds) == ("abandoned", seconds)
    assert story.abandoned_early is early


def test_only_who_gave_up_can_do_so_early():
    assert not fold([event("Busy", ASHA, 1, CUSTOMER), leaves(2)], CALL).abandoned_early
    assert not fold([GREETING], CALL).abandoned_early
    talked = [event("Answer", ASHA, 1, CUSTOMER), leaves(3)]
    assert not fold(talked, CALL).abandoned_early


def test_a_wait_that_nobody_knows_is_not_short():
    story = fold([record(overallCallStatus="Missed", hangUpStatus="Party A")], CALL)
    assert (story.result, story.waited_seconds) == ("abandoned", None)
    assert not story.abandoned_early


def test_a_wait_in_vain_is_the_longest_that_reports_know():
    """The record's own may be nothing, because no agent answered."""
    report = record(overallCallStatus="Missed", hangUpStatus="Party A", fromWaitingTime=0)
    assert fold([report], CALL).waited_seconds == 0
    longer = record(
        overallCallStatus="Missed", hangUpStatus="Party A", fromWaitingTime=0, duration=9_000
    )
    assert fold([longer], CALL).waited_seconds == 9
    assert fold([GREETING, leaves(20), longer], CALL).waited_seconds == 20
    # The call may have begun before the first event
    whole = record(overallCallStatus="Missed", startTime=epoch(0), endTime=epoch(20))
    assert fold([RINGS_ASHA, whole], CALL).waited_seconds == 20
    assert fold([RINGS_ASHA, leaves(20), whole], CALL).waited_seconds == 20


def test_the_wait_for_an_agent():
    events = [GREETING, RINGS_ASHA, event("Answer", ASHA, 11, CUSTOMER)]
    assert fold(events[:2], CALL).waited_seconds is None
    assert fold(events, CALL).waited_seconds == 11
    said = record(overallCallStatus="Answered", fromWaitingTime=13_000)
    assert fold([*events, said], CALL).waited_seconds == 13


# Moments and lines


def test_when_an_agent_answered_follows_from_what_the_record_says():
    base = {"Overall_Call_Status": "Answered", "Call_Type": "INBOUND", "Caller_Number": CUSTOMER}
    day = {"Date": "24/07/2025", "Time": "11:22:33", "Destination_Number": ASHA}
    waited = {"Caller_Waiting_Time": "00:27"}
    assert fold([read(base | day | waited)], CALL).answered_at == at(27)
    lengths = {"Overall_Call_Duration": "01:08", "Conversation_Duration": "00:39"}
    assert fold([read(base | day | waited | lengths)], CALL).answered_at == at(29)
    assert fold([read(base | day)], CALL).answered_at is None
    assert fold([read(base | waited)], CALL).answered_at is None
    outgoing = Dialled((ASHA,), (CUSTOMER,))
    assert fold([read(base | day | waited | lengths)], outgoing).answered_at is None


def test_a_line_says_whose_phone_it_is_about():
    story = fold([GREETING, RINGS_ASHA, turned(RINGS_RAVI), leaves(40)], CALL)
    assert [(line.what, line.leg, line.address) for line in story.lines] == [
        ("other", "customer", ""),
        ("ringing", "agent", ASHA),
        ("ringing", "agent", RAVI),
        ("hung_up", "customer", ""),
    ]
    shown = repr(story) + repr(CALL)
    assert not any(number in shown for number in (ASHA, RAVI, CUSTOMER, AIRTEL))


def test_an_event_that_a_record_repeats_is_another_agents():
    repeated = [{"eventType": "CALL", "event": "Ringing", "participantAddress": RAVI}]
    story = fold([RINGS_ASHA, record(overallCallStatus="Missed", events=repeated)], CALL)
    assert set(story.missed) == {ASHA, RAVI}
    repeated[0]["participantAddress"] = ASHA
    again = fold([RINGS_ASHA, record(overallCallStatus="Missed", events=repeated)], CALL)
    assert [line.what for line in again.lines] == ["ringing", "cdr"]


def test_whom_we_meant_to_ring_changes_nothing():
    data = {"decision": 1, "id": "0" * 32, "ring": [{"number": RAVI}], "customer": CUSTOMER}
    decided = read(data)
    assert decided.kind == "decision"
    assert fold([RINGS_ASHA, decided], CALL) == fold([RINGS_ASHA], CALL)
    assert fold([decided], CALL).has_reports


def test_an_outgoing_call_has_nobody_who_takes_it():
    dialled = Dialled((ASHA,), (CUSTOMER,))
    reports = [event("Ringing", ASHA, 1), event("Answer", ASHA, 2), event("Answer", CUSTOMER, 9)]
    story = fold([*reports, read({**REDUCED, **RING_GROUP})], dialled)
    assert (story.picked_up, story.ringing, story.missed, story.keys) == ("", (), (), "")
    assert (story.waited_seconds, story.abandoned_early) == (None, False)
    assert {line.address for line in story.lines} == {""}
