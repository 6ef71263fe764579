"""The state of a call is a function of its set of reports: in many orders, in part, repeated."""

import json
import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from orders import OPTIONS, SEED, Orders, try_many

from ccp.airtel.reports import parse
from ccp.call import states
from ccp.call.timeline import (
    Dialled,
    fold,
)

A, B, SECOND_AGENT = "9876543210", "9123456789", "9811111111"
START = datetime(2020, 2, 26, 12, 0, tzinfo=timezone.utc)


def epoch(seconds):
    return int((START + timedelta(seconds=seconds)).timestamp() * 1000)


def read(seconds, fields):
    return parse(json.dumps(fields), START + timedelta(seconds=seconds))


def event(word, number, seconds, cause=None, *, timed=True, kind="CALL", late=0.5, **fields):
    fields = {"eventType": kind, "event": word, "participantAddress": number} | fields
    if timed:
        fields["time"] = epoch(seconds)
    if cause:
        fields["metaData"] = {"causeCode": cause, "causeCodeDescription": f"cause {cause}"}
    return read(seconds + late, fields)


def cdr(seconds, status, **fields):
    fields = {"Session_ID": "s", "Overall_Call_Status": status} | fields
    return read(seconds, fields)


def leg(number, side, status, answered=None, ended=None, **fields):
    fields |= {"participantAddress": number, "participantType": side, "status": status}
    if answered is not None:
        fields["callAnswerTime"] = epoch(answered)
    if ended is not None:
        fields["endTime"] = epoch(ended)
    return fields


RINGS = [event("CalledNumber", A, 0), event("Ringing", A, 1)]
PICKED_UP = [*RINGS, event("Answer", A, 5)]
DIALLED_ON = [*PICKED_UP, event("CalledNumber", B, 6), event("Ringing", B, 8)]
TALKED = [
    *DIALLED_ON,
    event("Answer", B, 12),
    event("Disconnected", B, 40, 16),
    event("Disconnected", A, 41, 16),
]
ERROR = read(3, {"requestMessageType": "x", "responseType": "ERROR", "errorMessage": "no"})
FULL = cdr(
    60,
    "Answered",
    startTime=epoch(0),
    endTime=epoch(41),
    conversationDuration=28_000,
    Recording="https://rec.example.com/1",
    participants=[leg(A, "From", "Disconnected", 5, 41), leg(B, "To", "Disconnected", 12, 40)],
    events=[
        {"eventType": "CALL", "event": "Ringing", "participantAddress": B, "time": epoch(9)},
        {"eventType": "RECORD", "event": "RecordingStarted", "time": epoch(12)},
    ],
)
HISTORIES = {
    "talked": TALKED,
    "talked, with a CDR": [*TALKED, FULL],
    "talked, with two CDRs that differ": [
        *TALKED,
        cdr(50, "Answered", Conversation_Duration="00:20", Hangup_Cause="Caller"),
        replace(FULL, hangup_cause="Destination"),
    ],
    "two CDRs in the same moment": [
        *DIALLED_ON,
        cdr(60, "Missed", Caller_Number=A, Destination_Status="No Answer"),
        cdr(60, "Answered", Caller_Number=A, Recording="https://rec.example.com/2"),
    ],
    "a CDR alone, then the events": [replace(FULL, received_at=START), *TALKED],
    "the agent is busy": [*RINGS[:1], event("Busy", A, 2, 17), cdr(9, "Busy")],
    "the agent does not answer": [*RINGS, event("Noanswer", A, 30, 19), ERROR],
    "the customer is busy": [*DIALLED_ON[:4], event("Busy", B, 7, 17), event("Removed", A, 8)],
    "the agent hangs up while it rings": [
        *DIALLED_ON,
        event("Disconnected", A, 15, 16),
        event("Removed", B, 16),
    ],
    "the second try": [
        *PICKED_UP,
        event("CalledNumber", B, 6),
        event("Noanswer", B, 20, 19),
        event("CalledNumber", B, 22),
        event("Ringing", B, 23),
        event("Answer", B, 30),
        event("Disconnected", A, 50, 16),
        event("NetworkError", B, 50, 31),
    ],
    "two phones of the agent": [
        *RINGS,
        event("CalledNumber", SECOND_AGENT, 0),
        event("Rejected", A, 3, 21),
        event("Answer", SECOND_AGENT, 4),
        event("CalledNumber", B, 5),
        event("Answer", B, 9),
        event("Disconnected", SECOND_AGENT, 20, 16),
    ],
    "no report tells its time": [
        event("CalledNumber", A, 0, timed=False),
        event("Answer", A, 2, timed=False),
        event("Ringing", B, 2, timed=False),
        event("Answer", B, 2, timed=False),
        event("Disconnected", A, 2, 16, timed=False),
        event("Disconnected", B, 9, 486, timed=False),
    ],
    "everything in one moment": [
        *(event(word, A, 0) for word in ("CalledNumber", "Ringing", "Answer", "Busy")),
        *(event(word, B, 0) for word in ("CalledNumber", "Answer", "Disconnected")),
        event("Disconnected", "", 0, 17, participantName="A"),
    ],
    "keys, recording, strangers and nonsense": [
        *DIALLED_ON,
        event("Captured", B, 13, kind="DTMF", metaData={"digits": "12"}),
        event("RecordingStarted", "", 12, kind="RECORD"),
        event("RecordingFinished", "", 40, kind="RECORD", timed=False),
        event("Answer", "9700000000", 3),
        event("Exploded", A, 4),
        ERROR,
        read(5, {"nonsense": True}),
        cdr(70, "Answered", Caller_Number="9700000000", Destination_Number="9700000001"),
    ],
}
DIALLED = Dialled((A, SECOND_AGENT), (B,))


def test_any_order_tells_the_same_story():
    assert try_many(HISTORIES, DIALLED)


@pytest.mark.parametrize("name", HISTORIES)
def test_reports_that_arrive_one_by_one_lead_to_the_whole_story(name):
    """After each arrival, in whatever order, the story is that of what is there."""
    orders, chance = Orders(HISTORIES, DIALLED), random.Random(SEED)
    places = list(range(len(HISTORIES[name])))
    for _ in range(20):
        chance.shuffle(places)
        for count in range(len(places) + 1):
            arrived = [HISTORIES[name][place] for place in places[:count]]
            story = fold(arrived, DIALLED, **OPTIONS[0])
            assert story == orders.in_order(name, frozenset(places[:count]), 0)


@pytest.mark.parametrize(
    "name", [name for name in HISTORIES if name.startswith(("talked", "the ", "two phones"))]
)
def test_when_reports_with_a_time_of_their_own_arrive_changes_nothing(name):
    """In whatever order they are delivered; a CDR's own place is when it came."""
    events = [report for report in HISTORIES[name] if report.kind == "event"]
    story, chance = fold(events, DIALLED, closed=True), random.Random(SEED)
    for _ in range(100):
        chance.shuffle(events)
        delivered = [
            replace(report, received_at=START + timedelta(seconds=60 + place))
            for place, report in enumerate(events)
        ]
        assert fold(delivered, DIALLED, closed=True) == story


def test_the_histories_end_in_many_ways():
    stories = [fold(reports, DIALLED, closed=True) for reports in HISTORIES.values()]
    assert len({story.result for story in stories}) >= 6
    assert {story.result for story in stories} <= set(states.RESULTS)
    assert {story.has_cdr for story in stories} == {True, False}
