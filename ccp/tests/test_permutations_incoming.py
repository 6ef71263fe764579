"""The story of an incoming call is a function of the set of its reports, in whatever order."""

import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from inbound import (
    AIRTEL,
    ASHA,
    CAMEL,
    CUSTOMER,
    EVENTS,
    MEENA,
    MISSED,
    RAVI,
    REDUCED,
    RING_GROUP,
    TOLL_FREE,
    at,
    epoch,
    event,
    read,
)
from orders import OPTIONS, SEED, Orders, try_many

from ccp.airtel import vocabulary
from ccp.airtel.reports import parse
from ccp.call import states
from ccp.call.timeline import LINE_CODES, Dialled, fold

STRANGER = "9700000000"
DIALLED = Dialled((ASHA, RAVI), (CUSTOMER,), incoming=True, airtel_number=AIRTEL)

GREETED = [
    event("Played", CUSTOMER, 0, CUSTOMER, kind="MEDIA"),
    event("Captured", CUSTOMER, 2, CUSTOMER, kind="DTMF", digits="1"),
]
RINGS_ASHA = [event("CalledNumber", ASHA, 3, CUSTOMER), event("Ringing", ASHA, 4, CUSTOMER)]
RINGS_RAVI = [event("CalledNumber", RAVI, 3.1, CUSTOMER), event("Ringing", RAVI, 5, CUSTOMER)]
LEAVES = event("Disconnected", CUSTOMER, 50, causeCode=16)
SAMPLES = {
    "the samples' events": [read(each) for each in EVENTS.values()],
    "all samples": [read(each) for each in (*EVENTS.values(), CAMEL, REDUCED, RING_GROUP, MISSED)],
}
HISTORIES = {
    **SAMPLES,
    "the second agent takes it": [
        *GREETED,
        *RINGS_ASHA,
        event("Noanswer", ASHA, 20, CUSTOMER, causeCode=19),
        event("Ringing", RAVI, 21, CUSTOMER),
        event("Answer", RAVI, 25, CUSTOMER),
        LEAVES,
        read({**CAMEL, "destinationNumber": RAVI, "Missed_Destination_Number": ASHA}, at(60)),
    ],
    "a ring group": [
        *RINGS_ASHA,
        *RINGS_RAVI,
        event("Ringing", MEENA, 5, CUSTOMER),
        event("Answer", RAVI, 11, CUSTOMER),
        event("Disconnected", ASHA, 11, CUSTOMER, causeCode=26),
        event("Disconnected", MEENA, 11.2, CUSTOMER, causeCode=26),
        event("Disconnected", RAVI, 50, CUSTOMER, causeCode=16),
        LEAVES,
    ],
    "two answer": [
        *RINGS_ASHA,
        *RINGS_RAVI,
        event("Answer", RAVI, 11, CUSTOMER),
        event("Answer", ASHA, 11, CUSTOMER),
        event("Disconnected", ASHA, 11.5, CUSTOMER, causeCode=16),
        LEAVES,
    ],
    "nobody picks up": [
        *GREETED,
        *RINGS_ASHA,
        event("Noanswer", ASHA, 30, CUSTOMER, causeCode=19),
        event("Disconnected", CUSTOMER, 30.1, causeCode=16),
        read({**MISSED, "destinationNumber": ASHA}, at(60)),
    ],
    "the customer gives up": [
        *GREETED,
        *RINGS_ASHA,
        *RINGS_RAVI,
        event("Rejected", RAVI, 9, CUSTOMER, causeCode=21),
        event("Disconnected", CUSTOMER, 20, causeCode=16),
        event("Disconnected", ASHA, 20.2, CUSTOMER, causeCode=16),
    ],
    "the customer gives up in the menu": [*GREETED, event("Disconnected", CUSTOMER, 4)],
    "a record for each try": [
        read({**MISSED, "destinationNumber": ASHA}, at(40)),
        read({**MISSED, "destinationNumber": MEENA, "endTime": epoch(40)}, at(45)),
        read({**CAMEL, "destinationNumber": RAVI, "participants": []}, at(60)),
    ],
    "exchanged fields": [
        event("Ringing", CUSTOMER, 4, ASHA),
        event("Ringing", ASHA, 4, CUSTOMER),
        event("Answer", CUSTOMER, 11, ASHA),
        event("Disconnected", CUSTOMER, 50, causeCode=16),
        read({**CAMEL, "callerNumber": ASHA, "destinationNumber": CUSTOMER, "participants": []}),
    ],
    "no report tells its time": [
        event("Ringing", ASHA, 4, CUSTOMER, timed=False),
        event("Ringing", RAVI, 4, CUSTOMER, timed=False),
        event("Answer", RAVI, 4, CUSTOMER, timed=False),
        event("Disconnected", CUSTOMER, 9, causeCode=16, timed=False),
    ],
    "everything in one moment": [
        *(event(word, ASHA, 4, CUSTOMER) for word in ("CalledNumber", "Ringing", "Busy")),
        *(event(word, RAVI, 4, CUSTOMER) for word in ("Ringing", "Answer", "Disconnected")),
        event("Disconnected", CUSTOMER, 4),
    ],
    "the menu, strangers and nonsense": [
        *GREETED,
        event("Captured", CUSTOMER, 2, kind="DTMF", digits="2"),
        event("Answer", AIRTEL, 0, CUSTOMER),
        event("Ringing", STRANGER, 4, CUSTOMER),
        event("Exploded", ASHA, 4),
        read({"requestMessageType": "x", "responseType": "ERROR", "errorMessage": "no"}),
        read({"nonsense": True}),
        read({"decision": 1, "id": "0" * 32, "ring": [{"number": ASHA}]}),
        read({**CAMEL, "conversationDuration": 0, "destinationNumber": None, "participants": []}),
        read(
            {
                "callStatus": "Answered",
                "Caller_Number": STRANGER,
                "Destination_Number": "9700000001",
            }
        ),
    ],
}


def test_any_order_tells_the_same_story():
    assert try_many(HISTORIES, DIALLED)


@pytest.mark.parametrize("name", HISTORIES)
def test_reports_that_arrive_one_by_one_lead_to_the_whole_story(name):
    orders, chance = Orders(HISTORIES, DIALLED), random.Random(SEED)
    places = list(range(len(HISTORIES[name])))
    for _ in range(20):
        chance.shuffle(places)
        for count in range(len(places) + 1):
            arrived = [HISTORIES[name][place] for place in places[:count]]
            story = fold(arrived, DIALLED, **OPTIONS[0])
            assert story == orders.in_order(name, frozenset(places[:count]), 0)


@pytest.mark.parametrize("name", [name for name in HISTORIES if "no report" not in name])
def test_when_reports_with_a_time_of_their_own_arrive_changes_nothing(name):
    events = [report for report in HISTORIES[name] if report.kind == "event" and report.at]
    story, chance = fold(events, DIALLED, closed=True), random.Random(SEED)
    for _ in range(100):
        chance.shuffle(events)
        delivered = [
            replace(report, received_at=at(60 + place)) for place, report in enumerate(events)
        ]
        assert fold(delivered, DIALLED, closed=True) == story


def test_the_time_of_day_changes_nothing():
    """The reduced record says when the call began by the clock of India, without its zone."""
    told = set()
    for hours in range(24):
        moment = at(3600 * hours)
        local = moment + timedelta(hours=5, minutes=30)
        data = {**REDUCED, "Date": f"{local:%d/%m/%Y}", "Time": f"{local:%H:%M:%S}"}
        for delay in (70, 3600, 86_000):
            report = parse(json.dumps(data), moment + timedelta(seconds=delay))
            story = fold([report], replace(DIALLED, airtel_number=TOLL_FREE))
            told.add((story.ended_at - moment, story.answered_at - moment, story.result))
    assert told == {(timedelta(seconds=68), timedelta(seconds=29), "connected")}


def test_the_histories_end_in_many_ways():
    stories = [fold(reports, DIALLED, closed=True) for reports in HISTORIES.values()]
    results = {story.result for story in stories}
    assert results >= {"connected", "abandoned", "agent_no_answer"}
    assert results <= set(states.RESULTS)
    assert {bool(story.missed) for story in stories} == {True, False}


# Any reports

words = st.sampled_from(
    "Played CalledNumber Ringing Answer Disconnected Removed Busy Noanswer NotReachable Rejected "
    "NetworkError Captured Exploded".split()
)
numbers = st.sampled_from(
    [CUSTOMER, ASHA, RAVI, MEENA, AIRTEL, f"0{ASHA}", f"+91{CUSTOMER}", STRANGER, "12", "", None]
)
offsets = st.integers(0, 6)
events = st.builds(
    event,
    words,
    numbers,
    offsets,
    numbers,
    kind=st.sampled_from(["CALL", "CALL", "CALL", "MEDIA", "DTMF"]),
    timed=st.booleans(),
    late=offsets,
    causeCode=st.sampled_from([None, 16, 17, 19, 486, 500]),
    digits=st.sampled_from([None, "1", "2"]),
)
parts = st.fixed_dictionaries(
    {},
    optional={
        "participantAddress": numbers,
        "participantType": st.sampled_from(["From", "To"]),
        "callAnswerTime": offsets.map(epoch),
        "endTime": offsets.map(epoch),
        "status": st.sampled_from(["Disconnected", "Busy", "Noanswer", "Answered"]),
    },
)
cdr_fields = st.fixed_dictionaries(
    {},
    optional={
        "vmSessionId": st.sampled_from(["s", "t"]),
        "callType": st.sampled_from(["INBOUND", "OUTBOUND"]),
        "overallCallStatus": st.sampled_from(["Answered", "Missed", "Busy", "Disconnected", "x"]),
        "callerNumber": numbers,
        "destinationNumber": numbers,
        "callerId": numbers,
        "Missed_Destination_Number": st.lists(numbers.map(str), max_size=3).map(" | ".join),
        "DTMF_Capture": st.sampled_from(["1 | 1", "2", "None"]),
        "callerNumberStatus": st.sampled_from(["Disconnected", "Busy"]),
        "destinationNumberStatus": st.sampled_from(["Disconnected", "No Answer", "Answered"]),
        "hangUpStatus": st.sampled_from(["Party A", "Party B", "SYSTEM_INITIATED"]),
        "conversationDuration": st.sampled_from([0, 3000]),
        "fromWaitingTime": st.sampled_from([0, 2000]),
        "duration": st.sampled_from([0, 6000]),
        "startTime": offsets.map(epoch),
        "endTime": offsets.map(epoch),
        "participants": st.lists(parts, max_size=3),
        "events": st.lists(
            st.fixed_dictionaries(
                {"eventType": st.just("CALL"), "event": words, "participantAddress": numbers}
            ),
            max_size=3,
        ),
    },
)
cdrs = st.builds(lambda seconds, fields: read(fields, at(seconds)), offsets, cdr_fields)
report_lists = st.lists(st.one_of(events, events, events, cdrs), max_size=10)
calls = st.sampled_from(
    [
        DIALLED,
        Dialled((), (CUSTOMER,), incoming=True, airtel_number=AIRTEL),
        Dialled((ASHA,), (), incoming=True, airtel_number=TOLL_FREE),
        Dialled((ASHA, RAVI), (ASHA,), incoming=True),
    ]
)


@given(report_lists, calls, st.randoms(use_true_random=False), st.booleans())
def test_order_and_repetition_cannot_matter(reports, dialled, chance, closed):
    story = fold(reports, dialled, closed=closed)
    again = [*reports, *chance.choices(reports, k=5)] if reports else []
    again = [
        replace(report, received_at=report.received_at + timedelta(seconds=chance.randint(0, 9)))
        if index >= len(reports)
        else report
        for index, report in enumerate(again)
    ]
    chance.shuffle(again)
    assert fold(again, dialled, closed=closed) == story


@given(report_lists, calls, st.booleans())
def test_what_always_holds(reports, dialled, closed):
    story = fold(reports, dialled, closed=closed)
    final = fold(reports, dialled, closed=True)
    assert story.state in ("ringing_agent", "in_call", "ended")
    assert (story.result is not None) == (story.state == "ended")
    assert story.result in (None, final.result) and final.result in states.RESULTS
    assert final.result in ("connected", "abandoned", "failed", "no_report") or (
        states.RESULTS[final.result].missed_by == states.AGENT
    )
    assert story.state == "ended" or not story.has_cdr
    assert closed or story.result != "no_report"
    assert all(line.what in LINE_CODES for line in story.lines)
    assert story.talk_seconds is None or story.talk_seconds >= 0
    assert story.waited_seconds is None or story.waited_seconds >= 0
    assert not story.abandoned_early or story.result == "abandoned"
    if story.state == "in_call":
        assert story.picked_up and story.answered_at
    if story.picked_up:
        assert final.result == "connected" and story.agent.address == story.picked_up
    assert not story.ringing or story.state == "ringing_agent"
    # One who took it, others who ring, others who missed it: agents all
    groups = [{story.picked_up} - {""}, set(story.ringing), set(story.missed)]
    agents = set().union(*groups)
    assert (
        len(agents)
        == sum(map(len, groups))
        == len(story.ringing) + len(story.missed) + bool(story.picked_up)
    )
    assert all(dialled.role(each) == vocabulary.AGENT for each in agents)
    assert not agents & {*dialled.customer_numbers, dialled.airtel_number, ""}


@given(report_lists, report_lists, calls)
def test_a_cdr_ends_a_call_for_good(reports, more, dialled):
    report = read({"overallCallStatus": "Answered", "destinationNumber": RAVI})
    assume(report not in [*reports, *more])
    assert fold([*reports, report, *more], dialled).result == "connected"


ORDINARY = HISTORIES["a ring group"]


@given(st.sets(st.integers(0, len(ORDINARY) - 1)), st.sets(st.integers(0, len(ORDINARY) - 1)))
def test_more_reports_of_an_ordinary_call_never_lead_back(some, more):
    order = list(states.STATES)
    earlier = fold([ORDINARY[index] for index in some], DIALLED).state
    later = fold([ORDINARY[index] for index in some | more], DIALLED).state
    assert order.index(later) >= order.index(earlier)
