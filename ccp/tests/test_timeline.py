import json
import random
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ccp.airtel.reports import parse
from ccp.call import states
from ccp.call.timeline import (
    LINE_CODES,
    Dialled,
    fold,
)

A, B = "9876543210", "9123456789"
DIALLED = Dialled((A,), (B,))
START = datetime(2020, 2, 26, 12, 0, tzinfo=timezone.utc)


def at(seconds):
    return START + timedelta(seconds=seconds)


def epoch(seconds):
    return int(at(seconds).timestamp() * 1000)


def event(word, number, seconds, cause=None, *, timed=True, received=None, kind="CALL", **fields):
    """An event as Airtel posts it, received half a second after it happened."""
    fields = {"eventType": kind, "event": word, "participantAddress": number} | fields
    if timed:
        fields["time"] = epoch(seconds)
    if cause:
        fields["metaData"] = {"causeCode": cause, "causeCodeDescription": f"cause {cause}"}
    return parse(json.dumps(fields), at(seconds + 0.5 if received is None else received))


def cdr(seconds=60, **fields):
    return parse(json.dumps(fields), at(seconds))


AGENT_RINGS = [event("CalledNumber", A, 0), event("Ringing", A, 1)]
AGENT_ANSWERS = [*AGENT_RINGS, event("Answer", A, 5)]
CUSTOMER_RINGS = [*AGENT_ANSWERS, event("CalledNumber", B, 6), event("Ringing", B, 8)]
CONNECTED = [*CUSTOMER_RINGS, event("Answer", B, 12)]
OVER = [*CONNECTED, event("Disconnected", B, 40, 16), event("Disconnected", A, 41, 16)]


def states_after(reports, **options):
    """State after each report."""
    return [fold(reports[:count], DIALLED, **options).state for count in range(len(reports) + 1)]


# An ordinary call


def test_states_of_an_ordinary_call():
    assert states_after(OVER) == [
        *["ringing_agent"] * 3,
        *["ringing_customer"] * 3,
        "in_call",
        "ended",
        "ended",
    ]


def test_the_whole_story_of_an_ordinary_call():
    story = fold(OVER, DIALLED)
    assert (story.state, story.result) == ("ended", "connected")
    assert (story.answered_at, story.ended_at) == (at(12), at(41))
    assert (story.talk_seconds, story.hung_up_by, story.has_cdr) == (28, "customer", False)
    assert (story.recording_url, story.pulses) == ("", None)
    agent, customer = story.agent, story.customer
    assert (agent.address, customer.address) == (A, B)
    assert (agent.answered_at, agent.ended_at, agent.ring_seconds) == (at(5), at(41), 4)
    assert (agent.rang, agent.end, agent.live, agent.cause_code) == (True, "hung_up", False, 16)
    assert (customer.answered_at, customer.ended_at, customer.ring_seconds) == (at(12), at(40), 4)
    assert [(line.what, line.leg, line.at) for line in story.lines] == [
        ("dialled", "agent", START),
        ("ringing", "agent", at(1)),
        ("answered", "agent", at(5)),
        ("dialled", "customer", at(6)),
        ("ringing", "customer", at(8)),
        ("answered", "customer", at(12)),
        ("hung_up", "customer", at(40)),
        ("hung_up", "agent", at(41)),
    ]
    assert [line.cause for line in story.lines[-2:]] == ["cause 16", "cause 16"]


def test_legs_live_while_the_call_does():
    story = fold(CUSTOMER_RINGS, DIALLED)
    assert (story.agent.live, story.customer.live) == (True, True)
    assert (story.agent.end, story.customer.end) == (None, None)
    assert story.talk_seconds is None
    assert story.result is None
    ended = fold(OVER[:-1], DIALLED)
    assert (ended.agent.live, ended.customer.live) == (False, False)


@pytest.mark.parametrize("identified_by", ["address", "name", "component"])
def test_a_leg_is_known_by_number_then_name_then_component(identified_by):
    def identify(leg):
        return {
            "address": {"participantAddress": "0" + {"A": A, "B": B}[leg]},
            "name": {"participantName": leg.lower(), "participantAddress": '""'},
            "component": {
                "requestName": {"A": "initiateCall_1", "B": "addParticipant_1"}[leg],
                "participantAddress": None,
            },
        }[identified_by]

    reports = [
        event("Answer", "", 5, **identify("A")),
        event("Answer", "", 12, **identify("B")),
        event("Disconnected", "", 40, **identify("A")),
    ]
    assert states_after(reports) == ["ringing_agent", "ringing_customer", "in_call", "ended"]
    assert fold(reports, DIALLED).hung_up_by == "agent"


def test_the_number_decides_before_the_name():
    reports = [event("Answer", A, 5, participantName="B", requestName="addParticipant_1")]
    assert fold(reports, DIALLED).state == "ringing_customer"
    assert fold(reports, DIALLED).customer.answered_at is None


def test_who_cannot_be_told_apart_changes_nothing():
    same = Dialled((A,), (A,), "X", "X", "c", "c")
    reports = [event("Answer", A, 5, participantName="X", requestName="c")]
    story = fold(reports, same)
    assert story.state == "ringing_agent"
    assert [(line.leg, line.what) for line in story.lines] == [(None, "other")]


# The request


@pytest.mark.parametrize("request_", ["queued", "unknown", "refused"])
def test_without_reports_the_request_is_the_state(request_):
    story = fold([], DIALLED, request=request_)
    assert (story.state, story.result, story.lines) == (request_, None, ())


def test_an_accepted_request_rings_the_agent():
    assert (fold([], DIALLED).session_id, fold([], DIALLED).correlation_id) == ("", "")
    assert fold([], DIALLED).state == "ringing_agent"
    assert fold([], DIALLED, closed=True).result == "no_report"


@pytest.mark.parametrize("request_", ["queued", "unknown", "refused", "accepted"])
def test_phones_that_rang_win_over_the_request(request_):
    assert fold(AGENT_RINGS[:1], DIALLED, request=request_).state == "ringing_agent"
    assert fold(CONNECTED, DIALLED, request=request_).state == "in_call"
    assert fold([cdr(Overall_Call_Status="Answered")], DIALLED, request=request_).state == "ended"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("accepted", ("ended", "no_report")),
        ("unknown", ("ended", "no_report")),
        ("queued", ("ended", "no_report")),
        ("refused", ("refused", None)),
    ],
)
def test_closing_without_reports(request_, expected):
    story = fold([], DIALLED, request=request_, closed=True)
    assert (story.state, story.result) == expected


# Results, from events alone

NO_ANSWER_A = [*AGENT_RINGS, event("Noanswer", A, 30, 19)]
NO_ANSWER_B = [*CUSTOMER_RINGS, event("Noanswer", B, 38, 19)]

RESULTS = {
    "agent no answer": (NO_ANSWER_A, "agent_no_answer"),
    "agent busy": ([*AGENT_RINGS, event("Busy", A, 2, 17)], "agent_busy"),
    "agent busy by cause": ([*AGENT_RINGS, event("Disconnected", A, 2, 17)], "agent_busy"),
    "agent busy by SIP": ([*AGENT_RINGS, event("Removed", A, 2, 486)], "agent_busy"),
    "agent declines": ([*AGENT_RINGS, event("Rejected", A, 2, 21)], "agent_busy"),
    "agent unreachable": ([event("NotReachable", A, 2, 20)], "agent_unreachable"),
    "agent's network": ([*AGENT_RINGS, event("NetworkError", A, 2, 500)], "failed"),
    "agent rang out": ([*AGENT_RINGS, event("Disconnected", A, 30, 16)], "agent_no_answer"),
    "agent rings, nothing else": (AGENT_RINGS, "no_report"),
    "agent answers, nothing else": (AGENT_ANSWERS, "no_report"),
    "customer rings, nothing else": (CUSTOMER_RINGS, "no_report"),
    "customer no answer": (NO_ANSWER_B, "customer_no_answer"),
    "customer busy": ([*CUSTOMER_RINGS, event("Busy", B, 9)], "customer_busy"),
    "customer busy by cause": ([*CUSTOMER_RINGS, event("Removed", B, 9, 17)], "customer_busy"),
    "customer rejects": ([*CUSTOMER_RINGS, event("Rejected", B, 9)], "customer_rejected"),
    "customer rejects by cause": (
        [*CUSTOMER_RINGS, event("Disconnected", B, 9, 21)],
        "customer_rejected",
    ),
    "customer unreachable": (
        [*CUSTOMER_RINGS, event("Not Reachable", B, 9)],
        "customer_unreachable",
    ),
    "customer rang out": (
        [*CUSTOMER_RINGS, event("Disconnected", B, 38, 16), event("Disconnected", A, 39, 16)],
        "customer_no_answer",
    ),
    "customer's network": (
        [*CUSTOMER_RINGS, event("NetworkError", B, 9, 500), event("Disconnected", A, 10, 16)],
        "failed",
    ),
    "then the agent is dropped": (
        [*NO_ANSWER_B, event("Disconnected", A, 38)],
        "customer_no_answer",
    ),
    "agent hangs up": ([*CUSTOMER_RINGS, event("Disconnected", A, 15, 16)], "canceled"),
    "agent hangs up and the other leg falls": (
        [*CUSTOMER_RINGS, event("Disconnected", A, 15, 16), event("NetworkError", B, 15.2, 500)],
        "canceled",
    ),
    "agent hangs up at once": ([*AGENT_ANSWERS, event("Disconnected", A, 5.5, 16)], "canceled"),
    "agent's network after the answer": (
        [*AGENT_ANSWERS, event("NetworkError", A, 5.5, 500)],
        "failed",
    ),
    "connected, no end": (CONNECTED, "connected"),
    "connected, both ends": (OVER, "connected"),
    "connected, the other leg falls": (
        [*CONNECTED, event("Disconnected", A, 30, 16), event("NetworkError", B, 30.1, 500)],
        "connected",
    ),
    "connected, agent's answer lost": (
        [event for event in OVER if (event.event, event.address) != ("answer", A)],
        "connected",
    ),
    "busy, then tried again": (
        [
            *CUSTOMER_RINGS,
            event("Busy", B, 9),
            event("CalledNumber", B, 20),
            event("Answer", B, 25),
            event("Disconnected", B, 50),
        ],
        "connected",
    ),
    "API error alone": (
        [cdr(requestMessageType="InitiateCall", responseType="ERROR", errorMessage="no channel")],
        "failed",
    ),
    "API error and a call": (
        [*OVER, cdr(requestMessageType="Record", responseType="ERROR")],
        "connected",
    ),
}


@pytest.mark.parametrize(("reports", "result"), RESULTS.values(), ids=RESULTS.keys())
def test_result_by_events(reports, result):
    story = fold(reports, DIALLED, closed=True)
    assert (story.state, story.result) == ("ended", result)
    shuffled = [*reports, *reports]
    random.Random(7).shuffle(shuffled)
    assert fold(shuffled, DIALLED, closed=True) == story


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        (NO_ANSWER_A, "ringing_agent"),
        ([*AGENT_RINGS, event("Busy", A, 2)], "ringing_agent"),
        ([*AGENT_RINGS, event("Disconnected", A, 30, 19)], "ringing_agent"),
        (NO_ANSWER_B, "ringing_customer"),
        ([*CUSTOMER_RINGS, event("Disconnected", B, 38, 16)], "ringing_customer"),
        ([*NO_ANSWER_B, event("Disconnected", A, 38.5, 16)], "ended"),
        ([*CUSTOMER_RINGS, event("Disconnected", A, 15, 16)], "ended"),
        ([*AGENT_ANSWERS, event("Removed", A, 6)], "ended"),
        ([event("CalledNumber", B, 6)], "ringing_customer"),
        ([event("Noanswer", B, 6)], "ringing_customer"),
        ([event("Answer", B, 12)], "in_call"),
        ([event("Answer", B, 12), event("Disconnected", A, 20)], "ended"),
        # The agent's second attempt was not reported, but there must have been one.
        ([event("Disconnected", A, 30), event("CalledNumber", B, 40)], "ringing_customer"),
        ([event("Noanswer", A, 30, timed=False), event("Ringing", B, 40)], "ringing_customer"),
    ],
)
def test_only_an_answered_legs_end_ends_the_call(reports, state):
    assert fold(reports, DIALLED).state == state


# A leg that is dialled again, and clocks that are missing


def test_an_agent_who_is_dialled_again_lives():
    again = [
        *NO_ANSWER_A,
        event("CalledNumber", A, 40),
        event("Ringing", A, 41),
        event("Answer", A, 45),
    ]
    story = fold(again, DIALLED)
    assert (story.state, story.agent.live) == ("ringing_customer", True)
    assert (story.agent.answered_at, story.agent.ring_seconds) == (at(45), 4)


def test_the_end_of_an_earlier_attempt_does_not_end_the_answered_one():
    again = [
        *AGENT_RINGS,
        event("Disconnected", A, 30, 16),
        event("CalledNumber", A, 40),
        event("Answer", A, 45),
    ]
    assert fold(again, DIALLED).state == "ringing_customer"
    assert fold([*again, event("Disconnected", A, 50)], DIALLED).state == "ended"


@pytest.mark.parametrize("end", ["Disconnected", "Removed", "NetworkError"])
@pytest.mark.parametrize("order", [(5, 30), (30, 5), (5, 5)])
@pytest.mark.parametrize("timed", [True, False])
def test_answer_and_end_in_any_order_are_an_ended_leg(end, order, timed):
    reports = [
        event("CalledNumber", A, 0, timed=timed),
        event("Answer", A, order[0], timed=timed),
        event(end, A, order[1], timed=timed),
    ]
    story = fold(reports, DIALLED)
    assert story.state == "ended"
    assert story.agent.end == "hung_up"
    assert story.agent.ended_at >= story.agent.answered_at


def test_any_end_that_is_surely_after_the_answer_ends_the_leg():
    assert fold([event("Answer", A, 5), event("NotReachable", A, 30)], DIALLED).state == "ended"


def test_an_end_after_the_last_attempt_began_is_the_answered_ones():
    reports = [
        event("CalledNumber", A, 0),
        event("Disconnected", A, 2, 16),
        event("Ringing", A, 3),
        event("Answer", A, 5),
    ]
    assert fold(reports, DIALLED).state == "ended"


def test_ringing_shows_the_attempts_where_dialling_is_not_reported():
    reports = [
        event("Ringing", A, 1),
        event("Disconnected", A, 30, 16),
        event("Ringing", A, 41),
        event("Answer", A, 45),
    ]
    assert fold(reports, DIALLED).state == "ringing_customer"


def test_in_the_same_moment_an_end_comes_last():
    reports = [event("Ringing", A, 2), event("Busy", A, 2), event("CalledNumber", A, 2)]
    assert fold(reports, DIALLED).agent.end == "busy"


def test_an_event_without_a_number_is_about_the_only_phone():
    reports = [event("Answer", A, 5), event("Disconnected", "", 30, participantName="A")]
    story = fold(reports, DIALLED)
    assert (story.state, story.agent.address) == ("ended", A)


def test_an_unanswered_end_without_a_clock_is_an_earlier_attempts():
    reports = [event("Noanswer", A, 9, timed=False), event("Answer", A, 5, timed=False)]
    assert fold(reports, DIALLED).state == "ringing_customer"


def test_several_phones_of_the_agent():
    third = "9000000003"
    dialled = Dialled((A, third), (B,))
    reports = [
        event("Ringing", A, 1),
        event("Ringing", third, 1),
        event("Answer", third, 5),
        event("Disconnected", A, 5.5, 16),
    ]
    story = fold(reports, dialled)
    assert (story.state, story.agent.live, story.agent.address) == ("ringing_customer", True, third)
    left = event("Disconnected", third, 20)
    for story in (fold([*reports, left], dialled), fold([*reports[:-1], left], dialled)):
        assert (story.state, story.agent.ended_at) == ("ended", at(20))


def test_a_conference_of_agents_goes_on_while_one_is_left():
    third = "9000000003"
    dialled = Dialled((A, third), (B,))
    reports = [
        event("Answer", A, 4),
        event("Answer", third, 5),
        event("Answer", B, 10),
        event("Disconnected", A, 20),
    ]
    assert fold(reports, dialled).state == "in_call"
    assert fold([*reports, event("Disconnected", third, 30)], dialled).state == "ended"


def test_what_a_leg_says_before_it_is_dialled():
    story = fold([], DIALLED)
    assert (story.agent.address, story.customer.address) == (A, B)
    assert (story.agent.rang, story.agent.live) == (False, False)
    assert fold([], Dialled((), ())).agent.address == ""
    named = event("Ringing", "", 1, participantName="A")
    assert fold([named], Dialled((), ())).agent.address == ""


@pytest.mark.parametrize(
    ("word", "rang"), [("CalledNumber", False), ("Ringing", True), ("Answer", True)]
)
def test_a_phone_rang_when_it_rings_or_was_answered(word, rang):
    story = fold([event(word, A, 1)], DIALLED)
    assert story.agent.rang == rang


def test_why_a_leg_ended():
    details = {"causeCode": 16, "sipCode": 699, "causeCodeDescription": "Normal call clearing"}
    story = fold([*CONNECTED, event("Disconnected", B, 40, metaData=details)], DIALLED)
    told = [(leg.cause_code, leg.sip_code, leg.cause_text) for leg in (story.agent, story.customer)]
    assert told == [(None, None, ""), (16, 699, "Normal call clearing")]


def test_ringing_counts_until_the_answer():
    late = [*AGENT_ANSWERS, event("Ringing", A, 7)]
    assert fold(late, DIALLED).agent.ring_seconds == 4
    at_once = fold([event("Ringing", A, 5), event("Answer", A, 5)], DIALLED).agent
    assert at_once.ring_seconds == 0


def test_an_unanswered_end_in_the_moment_of_the_answer_is_an_earlier_attempts():
    reports = [event("Answer", A, 5), event("Busy", A, 5)]
    assert fold(reports, DIALLED).state == "ringing_customer"


def test_an_event_of_no_type_is_read_by_its_word():
    assert fold([event("Answer", A, 5, kind=None)], DIALLED).state == "ringing_customer"


# The CDR

FULL_CDR = {
    "vmSessionId": "s-1",
    "clientCorrelationId": "Xchange-s-1",
    "overallCallStatus": "Answered",
    "startTime": epoch(0),
    "endTime": epoch(43),
    "conversationDuration": 27_000,
    "duration": 43_000,
    "hangupCause": "Caller",
    "recordingURL": "https://rec.airtel.in/r?token=a+/=",
    "participants": [
        {
            "participantAddress": f"91{A}",
            "participantType": "From",
            "startTime": epoch(0),
            "callAnswerTime": epoch(6),
            "endTime": epoch(43),
            "status": "Disconnected",
            "operatorName": "Airtel",
            "circleName": "Delhi",
            "retryCount": 1,
            "pulse": 1,
        },
        {
            "participantAddress": B,
            "participantType": "To",
            "startTime": epoch(7),
            "callAnswerTime": epoch(13),
            "endTime": epoch(40),
            "status": "Disconnected",
            "pulse": 2,
        },
    ],
}


def test_the_cdr_is_the_authority():
    story = fold([*OVER, cdr(**FULL_CDR)], DIALLED)
    assert (story.state, story.result, story.has_cdr) == ("ended", "connected", True)
    assert (story.answered_at, story.ended_at) == (at(13), at(43))
    assert (story.talk_seconds, story.hung_up_by, story.pulses) == (27, "agent", 3)
    assert (story.session_id, story.correlation_id) == ("s-1", "Xchange-s-1")
    assert story.recording_url == FULL_CDR["recordingURL"]
    assert (story.agent.answered_at, story.agent.ended_at) == (at(6), at(43))
    assert (story.agent.operator, story.agent.circle) == ("Airtel", "Delhi")
    assert (story.customer.answered_at, story.customer.end) == (at(13), "hung_up")
    assert story.lines[-1].what == "cdr"


def test_where_the_cdr_is_silent_events_fill_in():
    story = fold([*OVER, cdr(Overall_Call_Status="Answered")], DIALLED)
    assert (story.answered_at, story.ended_at) == (at(12), at(41))
    assert (story.talk_seconds, story.hung_up_by) == (28, "customer")
    assert story.agent.answered_at == at(5)


def test_the_cdr_alone_is_enough():
    story = fold([cdr(**FULL_CDR)], DIALLED)
    assert (story.result, story.talk_seconds, story.agent.rang) == ("connected", 27, True)


def test_a_call_that_the_cdr_calls_missed_was_not_answered():
    assert fold([*OVER, cdr(Overall_Call_Status="Missed")], DIALLED).answered_at is None


def test_the_end_follows_from_start_and_duration():
    report = cdr(Overall_Call_Status="Answered", startTime=epoch(0), duration=43_000)
    assert fold([report], DIALLED).ended_at == at(43)


def test_a_cdr_alone_says_when_the_customer_answered():
    report = cdr(Overall_Call_Status="Answered", callAnswerTime=epoch(12))
    assert fold([report], DIALLED).answered_at == at(12)
    assert fold([cdr(Overall_Call_Status="Answered")], DIALLED).answered_at is None


def test_a_leg_of_a_cdr_is_known_by_its_name():
    participants = [{"participantName": "b", "operatorName": "Jio", "status": "Busy"}]
    story = fold([cdr(vmSessionId="s", participants=participants)], DIALLED)
    assert (story.customer.operator, story.agent.operator) == ("Jio", "")


def test_an_earlier_cdr_fills_in():
    first = {"Recording": "https://h/r", "Pulse_Count": 2, "Caller_Operator_Name": "Airtel"}
    later = {"Overall_Call_Status": "Answered", "Caller_Circle_Name": "Delhi"}
    story = fold([cdr(60, Session_ID="s", **first), cdr(90, **later)], DIALLED)
    assert (story.result, story.recording_url, story.pulses) == ("connected", "https://h/r", 2)
    assert (story.agent.operator, story.agent.circle) == ("Airtel", "Delhi")


TELLING = {
    "status": {"Overall_Call_Status": "Missed"},
    "answered": {"Overall_Call_Status": "Answered"},
    "who hung up": {"Hangup_Cause": "Caller"},
    "recording": {"Recording": "https://h/r"},
    "end": {"endTime": epoch(40)},
    "talk": {"conversationDuration": 0},
    "duration": {"duration": 0},
    "billed": {"billableDuration": 0},
    "leg's answer": {"participants": [{"participantAddress": A, "callAnswerTime": epoch(5)}]},
    "leg's end": {"participants": [{"participantAddress": A, "endTime": epoch(40)}]},
    "leg's status": {"participants": [{"participantAddress": A, "status": "Busy"}]},
}
SILENT = {
    "nothing": {},
    "start": {"startTime": epoch(0)},
    "unknown words": {"Overall_Call_Status": "Banana", "Hangup_Cause": "Banana"},
    "pulses": {"Pulse_Count": 1},
    "leg": {"participants": [{"participantAddress": A, "startTime": epoch(0)}]},
}


@pytest.mark.parametrize("fields", TELLING.values(), ids=TELLING.keys())
def test_what_in_a_cdr_says_how_the_call_went(fields):
    story = fold([cdr(vmSessionId="s", **fields)], DIALLED)
    assert (story.has_cdr, story.state) == (True, "ended")


@pytest.mark.parametrize("fields", SILENT.values(), ids=SILENT.keys())
def test_what_in_a_cdr_says_nothing(fields):
    story = fold([cdr(vmSessionId="s", **fields)], DIALLED)
    assert (story.has_cdr, story.state) == (False, "ringing_agent")
    assert [(line.what, line.detail) for line in story.lines] == [("other", "CDR")]


def test_a_cdr_by_which_only_the_agent_answered_tells_no_result():
    participants = [{"participantAddress": A, "callAnswerTime": epoch(5)}]
    assert fold([cdr(vmSessionId="s", participants=participants)], DIALLED).result == "failed"


# Several reports of one moment


def test_of_what_came_in_one_moment_the_order_does_not_count():
    fields = {"Overall_Call_Status": "Answered", "Session_ID": "x"}
    alike = [
        cdr(Recording="https://h/1", **fields),
        cdr(Recording="https://h/2", **fields),
        cdr(Session_ID="x", Client_Correlation_Id="False", endTime=epoch(40)),
        cdr(requestMessageType="x", responseType="ERROR"),
    ]
    assert fold(alike, DIALLED) == fold(alike[::-1], DIALLED)


def test_lines_of_one_moment_have_an_order():
    reports = [event("Disconnected", A, 30, "z"), event("Disconnected", B, 30, "a")]
    for order in (reports, reports[::-1]):
        assert [line.leg for line in fold(order, DIALLED).lines] == ["agent", "customer"]


def test_the_agent_cancels_until_the_customers_leg_ends():
    for seconds, result in ((14.9, "canceled"), (15, "canceled"), (15.1, "failed")):
        reports = [*CUSTOMER_RINGS, event("Disconnected", A, seconds, 16)]
        reports.append(event("NetworkError", B, 15, 500))
        story = fold(reports, DIALLED)
        assert (story.state, story.result) == ("ended", result)
        assert story.hung_up_by == ("agent" if result == "canceled" else None)


CDR_RESULTS = {
    "overall": ({"Overall_Call_Status": "Answered"}, "connected"),
    "overall connected": ({"overallCallStatus": "Connected"}, "connected"),
    "talk alone": ({"Session_ID": "s", "Conversation_Duration": "00:35"}, "connected"),
    "disconnected with talk": (
        {"Overall_Call_Status": "Disconnected", "Conversation_Duration": "00:35"},
        "connected",
    ),
    "answer time against the overall status": (
        {
            "overallCallStatus": "Missed",
            "participants": [
                {"participantType": "To", "callAnswerTime": epoch(9), "status": "Disconnected"}
            ],
        },
        "connected",
    ),
    "agent no answer": (
        {"Overall_Call_Status": "Missed", "Caller_Status": "No Answer"},
        "agent_no_answer",
    ),
    "agent busy": (
        {
            "Overall_Call_Status": "Missed",
            "Caller_Status": "Disconnected",
            "Caller_Status_Detail": "17 | 486 | User busy | Disconnected",
        },
        "agent_busy",
    ),
    "agent unreachable": (
        {"overallCallStatus": "Missed", "callerNumberStatus": "NotReachable"},
        "agent_unreachable",
    ),
    "agent's network": (
        {"overallCallStatus": "Missed", "callerNumberStatus": "Network Error"},
        "failed",
    ),
    "customer busy": (
        {
            "Overall_Call_Status": "Busy",
            "Caller_Status": "Disconnected",
            "Destination_Status": "Busy",
        },
        "customer_busy",
    ),
    "customer busy by the whole": (
        {"Overall_Call_Status": "Busy", "Caller_Status": "Disconnected"},
        "customer_busy",
    ),
    "customer rejects": (
        {"Overall_Call_Status": "Missed", "Destination_Status_Detail": "21 | 603 | Call rejected"},
        "customer_rejected",
    ),
    "customer unreachable": (
        {"overallCallStatus": "Missed", "destinationNumberStatus": "Not_Reachable"},
        "customer_unreachable",
    ),
    "customer no answer": (
        {"Overall_Call_Status": "Missed", "Caller_Status": "Disconnected"},
        "customer_no_answer",
    ),
    "canceled": (
        {
            "Overall_Call_Status": "Missed",
            "Caller_Status": "Disconnected",
            "Destination_Status": "Disconnected",
            "Hangup_Cause": "Caller",
        },
        "canceled",
    ),
    "canceled before the network gave up": (
        {
            "Overall_Call_Status": "Missed",
            "Caller_Status": "Disconnected",
            "Destination_Status": "No Answer",
            "Hangup_Cause": "Caller",
        },
        "canceled",
    ),
    "answered by the leg's own status": (
        {"vmSessionId": "s", "Destination_Status": "Answered"},
        "connected",
    ),
    "missed, nobody knows why": ({"Overall_Call_Status": "Missed"}, "failed"),
    "nothing but an end": ({"vmSessionId": "s", "endTime": epoch(40)}, "failed"),
}


@pytest.mark.parametrize(("fields", "result"), CDR_RESULTS.values(), ids=CDR_RESULTS.keys())
def test_result_by_the_cdr_alone(fields, result):
    story = fold([cdr(**fields)], DIALLED)
    assert (story.state, story.result) == ("ended", result)
    assert story.talk_seconds == (0 if result != "connected" else story.talk_seconds)


@pytest.mark.parametrize(
    ("fields", "events", "result"),
    [
        ({"Overall_Call_Status": "Missed"}, AGENT_RINGS, "agent_no_answer"),
        ({"Overall_Call_Status": "Missed"}, NO_ANSWER_B, "customer_no_answer"),
        ({"Overall_Call_Status": "Missed"}, RESULTS["agent hangs up"][0], "canceled"),
        ({"Overall_Call_Status": "Missed"}, RESULTS["customer busy"][0], "customer_busy"),
        ({"Overall_Call_Status": "Disconnected"}, OVER, "connected"),
        # The CDR is the authority.
        ({"Overall_Call_Status": "Missed"}, OVER, "customer_no_answer"),
        ({"Overall_Call_Status": "Busy"}, AGENT_RINGS, "agent_busy"),
        ({"vmSessionId": "s", "endTime": epoch(50)}, AGENT_RINGS, "agent_no_answer"),
        ({"Overall_Call_Status": "Disconnected"}, NO_ANSWER_B, "customer_no_answer"),
        (
            {"Overall_Call_Status": "Missed", "Destination_Status": "Disconnected"},
            RESULTS["customer busy"][0],
            "customer_busy",
        ),
        (
            {"Overall_Call_Status": "Missed", "Hangup_Cause": "SYSTEM_INITIATED"},
            [*CUSTOMER_RINGS, event("Disconnected", A, 30), event("Disconnected", B, 30.1)],
            "customer_no_answer",
        ),
    ],
)
def test_result_by_both(fields, events, result):
    assert fold([*events, cdr(**fields)], DIALLED).result == result


def test_the_longer_conversation_leads_whichever_cdr_came_first():
    short = {"vmSessionId": "s-1", "overallCallStatus": "Answered", "conversationDuration": 20_000}
    for full_at, short_at in ((60, 90), (90, 60)):
        reports = [cdr(full_at, **FULL_CDR), cdr(short_at, **short)]
        story = fold(reports, DIALLED)
        assert (story.talk_seconds, story.ended_at) == (27, at(43))
        assert story.agent.operator == "Airtel"
        assert [line.what for line in story.lines] == ["cdr", "cdr"]
        assert fold(reversed(reports), DIALLED) == story


def test_a_cdr_that_comes_twice_is_one():
    twice = [cdr(60, **FULL_CDR), cdr(90, **FULL_CDR)]
    assert fold(twice, DIALLED) == fold(twice[:1], DIALLED)


def test_a_cdr_tells_the_events_that_were_lost_and_repeats_no_other():
    raw = [
        {"eventType": "CALL", "event": "Answer", "participantAddress": A, "time": epoch(5.3)},
        {"eventType": "CALL", "event": "Answer", "participantAddress": B, "time": epoch(12.2)},
    ]
    story = fold([*AGENT_ANSWERS, cdr(events=raw, **FULL_CDR)], DIALLED)
    answers = [(line.leg, line.at) for line in story.lines if line.what == "answered"]
    assert answers == [("agent", at(5)), ("customer", at(12.2))]


def test_a_leg_that_is_listed_twice_is_the_answered_one():
    participants = [
        {"participantAddress": B, "status": "Busy", "startTime": epoch(5)},
        {
            "participantAddress": B,
            "status": "Disconnected",
            "startTime": epoch(20),
            "callAnswerTime": epoch(25),
            "endTime": epoch(50),
        },
    ]
    story = fold([cdr(vmSessionId="s", participants=participants)], DIALLED)
    assert (story.result, story.talk_seconds) == ("connected", 25)


def test_a_leg_with_several_phones_is_the_one_that_was_answered():
    third = "9000000003"
    participants = [
        {
            "participantAddress": third,
            "status": "Busy",
            "startTime": epoch(20),
            "operatorName": "Jio",
        },
        {"participantAddress": B, "startTime": epoch(5), "callAnswerTime": epoch(9)},
        {"participantType": "To", "circleName": "Mumbai"},
    ]
    report = cdr(vmSessionId="s", participants=participants)
    leg = fold([report], Dialled((A,), (B, third))).customer
    assert (leg.answered_at, leg.end) == (at(9), "hung_up")
    assert (leg.operator, leg.circle) == ("", "Mumbai")


def test_a_leg_that_the_cdr_knows_as_answered_ended_as_one():
    participants = [{"participantAddress": B, "callAnswerTime": epoch(25)}]
    story = fold([event("Busy", B, 9), cdr(vmSessionId="s", participants=participants)], DIALLED)
    assert (story.result, story.customer.end) == ("connected", "hung_up")


@pytest.mark.parametrize(
    ("word", "who"),
    [
        ("Caller", "agent"),
        ("Destination", "customer"),
        ("B", "customer"),
        ("A", "agent"),
        ("SYSTEM_INITIATED", "system"),
        ("USER_INITIATED", "customer"),
        ("", "customer"),
        ("whatever", "customer"),
    ],
)
def test_who_hung_up(word, who):
    report = cdr(Overall_Call_Status="Answered", Hangup_Cause=word)
    assert fold([*OVER, report], DIALLED).hung_up_by == who


def test_before_the_end_nobody_hung_up():
    reports = [event("Busy", A, 2), event("CalledNumber", B, 6)]
    story = fold(reports, DIALLED)
    assert (story.state, story.result) == ("ringing_customer", None)
    assert (story.ended_at, story.hung_up_by) == (None, None)
    closed = fold(reports, DIALLED, closed=True)
    assert (closed.result, closed.hung_up_by) == ("canceled", "agent")


def test_who_hung_up_by_events():
    ends = {
        "agent": [event("Disconnected", A, 30), event("Disconnected", B, 31)],
        "customer": [event("NetworkError", A, 30, 500), event("Disconnected", B, 31)],
        None: [event("Disconnected", A, 30), event("Disconnected", B, 30)],
    }
    for who, reports in ends.items():
        assert fold([*CONNECTED, *reports], DIALLED).hung_up_by == who
    assert fold([*CONNECTED, event("NetworkError", B, 30, 500)], DIALLED).hung_up_by == "agent"
    assert fold(CONNECTED, DIALLED, closed=True).hung_up_by is None
    for first, second, who in ((A, B, "agent"), (B, A, "customer")):
        networks = [event("NetworkError", first, 30, 500), event("NetworkError", second, 31, 500)]
        assert fold([*CONNECTED, *networks], DIALLED).hung_up_by == who
    ends = [event("Disconnected", A, 39, 16)]
    assert fold([*NO_ANSWER_B, *ends], DIALLED).hung_up_by is None


# Nonsense

UNRELATED = "9000000009"
NONSENSE = [
    event("Answer", UNRELATED, 5),
    event("Answer", UNRELATED, 5, participantName="A"),
    event("Disconnected", UNRELATED, 5, requestName="addParticipant_1"),
    event("Exploded", A, 5),
    event("", A, 5),
    event("Answer", "", 5),
    event("Answer", "12", 5),
    event("Answer", A, 5, kind="MEDIA"),
    event("Disconnected", A, 5, kind="QUALITY"),
    parse(json.dumps({"eventType": [], "event": {"a": 1}}), at(5)),
    parse("nonsense", at(5)),
    cdr(Session_ID="s"),
    cdr(Session_ID=5, Overall_Call_Status=[], participants="x", Caller_Number=10**50),
    cdr(Overall_Call_Status="Banana", Hangup_Cause="Banana", Caller_Status="Banana"),
    cdr(**FULL_CDR | {"participants": [{"participantAddress": UNRELATED, "status": "Busy"}]}),
    cdr(Overall_Call_Status="Answered", Caller_Number=UNRELATED, Destination_Number=UNRELATED),
    cdr(requestMessageType="Play", responseType="SUCCESS"),
]
SITUATIONS = [
    ([], "accepted"),
    ([], "refused"),
    ([], "unknown"),
    (AGENT_RINGS, "accepted"),
    (CUSTOMER_RINGS, "accepted"),
    (CONNECTED, "accepted"),
    (OVER, "accepted"),
]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_changes_nothing(nonsense):
    for reports, request in SITUATIONS:
        before = fold(reports, DIALLED, request=request)
        after = fold([*reports, nonsense], DIALLED, request=request)
        changed = {"lines": (), "session_id": "", "correlation_id": ""}
        assert replace(after, **changed) == replace(before, **changed)


# Lines


def test_other_lines():
    reports = [
        event("RecordingStarted", "", 6, kind="RECORD"),
        event("Recording_Finished", "", 40, kind="RECORD"),
        event("Captured", B, 20, kind="DTMF", metaData={"digits": "42"}),
        event("Played", A, 21, kind="MEDIA"),
        cdr(50, requestMessageType="Record", responseType="ERROR", errorMessage=f"no {A}"),
        event("Disconnected", B, 45, metaData={"causeCode": 31}),
    ]
    story = fold(reports, DIALLED)
    assert [(line.what, line.leg, line.detail, line.cause) for line in story.lines] == [
        ("recording_started", None, "", ""),
        ("keypad", "customer", "42", ""),
        ("other", "agent", "MEDIA played", ""),
        ("recording_finished", None, "", ""),
        ("hung_up", "customer", "", "Q.850 31"),
        ("api_error", None, "no 98xx…10", ""),
    ]


@pytest.mark.parametrize(
    ("details", "cause"),
    [
        ({"causeCode": 31, "sipCode": 500, "causeCodeDescription": "Fell"}, "Fell"),
        ({"causeCode": 31, "sipCode": 500}, "Q.850 31"),
        ({"sipCode": 500}, "SIP 500"),
        ({}, ""),
    ],
)
def test_the_cause_of_an_end(details, cause):
    story = fold([*CONNECTED, event("Disconnected", B, 45, metaData=details)], DIALLED)
    assert (story.lines[-1].cause, story.lines[-1].detail) == (cause, "")
    rings = event("Ringing", A, 1, metaData=details | {"digits": "42"})
    assert [(line.cause, line.detail) for line in fold([rings], DIALLED).lines] == [("", "")]


def test_lines_of_keys_and_cdrs():
    reports = [
        event("Captured", B, 20, kind="DTMF"),
        cdr(50, Overall_Call_Status="No Answer"),
        cdr(51, endTime=epoch(40), overallCallStatus=f"to {A}"),
    ]
    assert [(line.what, line.detail) for line in fold(reports, DIALLED).lines] == [
        ("other", "DTMF captured"),
        ("cdr", "noanswer"),
        ("cdr", "to98xx…10"),
    ]


def test_lines_tell_no_number():
    report = event("Disconnected", A, 5, metaData={"causeCodeDescription": f"call to +91{B} fell"})
    assert fold([report], DIALLED).lines[0].cause == "call to 91xx…89 fell"


def test_a_network_error_after_the_answer_is_a_plain_end():
    story = fold([*CONNECTED, event("NetworkError", B, 30, 500)], DIALLED)
    assert (story.lines[-1].what, story.customer.end) == ("hung_up", "hung_up")


def test_representations_hide_numbers_and_urls():
    shown = repr(fold([*OVER, cdr(**FULL_CDR)], DIALLED)) + repr(DIALLED)
    for secret in (A, B, "token"):
        assert secret not in shown


# Any order, any repetition

words = st.sampled_from(
    "CalledNumber Ringing Answer Disconnected Removed Busy Noanswer NotReachable Rejected "
    "NetworkError RecordingStarted Captured Exploded".split()
)
numbers = st.sampled_from([A, B, "0" + A, "+91" + B, "", UNRELATED])
offsets = st.integers(0, 6)
events = st.builds(
    event,
    words,
    numbers,
    offsets,
    st.sampled_from([None, 16, 17, 19, 486, 500]),
    timed=st.booleans(),
    received=offsets,
    kind=st.sampled_from(["CALL", "CALL", "CALL", "RECORD", "DTMF"]),
    participantName=st.sampled_from(["", "A", "B"]),
    requestName=st.sampled_from(["", "initiateCall_1", "addParticipant_1"]),
)
cdr_fields = st.fixed_dictionaries(
    {},
    optional={
        "Session_ID": st.sampled_from(["s", "t"]),
        "Overall_Call_Status": st.sampled_from(["Answered", "Missed", "Busy", "Banana"]),
        "Caller_Number": numbers,
        "Destination_Number": numbers,
        "Caller_Status": st.sampled_from(["Disconnected", "Busy"]),
        "Destination_Status": st.sampled_from(["Disconnected", "No Answer"]),
        "Hangup_Cause": st.sampled_from(["Caller", "SYSTEM_INITIATED", "USER_INITIATED"]),
        "Conversation_Duration": st.sampled_from(["00:00", "00:35"]),
        "endTime": offsets.map(epoch),
        "Recording": st.sampled_from(["https://r.airtel.in/1", "https://r.airtel.in/2"]),
        "participants": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "participantAddress": numbers,
                    "participantType": st.sampled_from(["From", "To"]),
                    "callAnswerTime": offsets.map(epoch),
                    "endTime": offsets.map(epoch),
                    "status": st.sampled_from(["Disconnected", "Busy"]),
                },
            ),
            max_size=3,
        ),
        "events": st.lists(
            st.fixed_dictionaries(
                {"eventType": st.just("CALL"), "event": words, "participantAddress": numbers}
            ),
            max_size=3,
        ),
    },
)
cdrs = st.builds(lambda seconds, fields: cdr(seconds, **fields), offsets, cdr_fields)
results = st.builds(
    lambda seconds, kind: cdr(seconds, requestMessageType="x", responseType=kind),
    offsets,
    st.sampled_from(["ERROR", "SUCCESS"]),
)
report_lists = st.lists(st.one_of(events, events, events, cdrs, results), max_size=10)
requests = st.sampled_from(["accepted", "queued", "refused", "unknown"])


@given(report_lists, st.randoms(use_true_random=False), requests, st.booleans())
def test_order_and_repetition_cannot_matter(reports, chance, request, closed):
    story = fold(reports, DIALLED, request=request, closed=closed)
    again = [*reports, *chance.choices(reports or [None], k=5)] if reports else []
    again = [
        replace(report, received_at=report.received_at + timedelta(seconds=chance.randint(0, 9)))
        if index >= len(reports)
        else report
        for index, report in enumerate(again)
    ]
    chance.shuffle(again)
    assert fold(again, DIALLED, request=request, closed=closed) == story


@given(report_lists, requests, st.booleans())
def test_what_always_holds(reports, request, closed):
    story = fold(reports, DIALLED, request=request, closed=closed)
    assert story.state in states.STATES
    final = fold(reports, DIALLED, request=request, closed=True)
    assert final.result in (None, *states.RESULTS)
    assert (story.result is not None) == (story.state == "ended")
    assert story.result in (None, final.result)
    assert story.state == "ended" or not story.has_cdr
    assert all(line.what in LINE_CODES for line in story.lines)
    assert [line.at for line in story.lines] == sorted(line.at for line in story.lines)
    if story.state == "in_call":
        assert story.customer.answered_at and final.result == "connected"
    if story.answered_at:
        assert final.result == "connected"
    if story.state == "ended":
        assert not story.agent.live and not story.customer.live
    assert story.talk_seconds is None or story.talk_seconds >= 0


def test_what_was_dialled_survives_json():
    for dialled in (
        DIALLED,
        Dialled((), (B,), "Me", "You", "c1", "c2", incoming=True, agent_pool=True),
    ):
        assert Dialled.of_snapshot(json.loads(json.dumps(dialled.snapshot()))) == dialled
    assert Dialled.of_snapshot({}) == Dialled((), ())


@given(report_lists, report_lists, requests)
def test_a_cdr_ends_a_call_for_good(reports, more, request):
    report = cdr(Overall_Call_Status="Answered")
    # What came before is no report when it comes again: another CDR may then be the last one
    assume(report not in [*reports, *more])
    assert fold([*reports, report, *more], DIALLED, request=request).result == "connected"


@given(st.sets(st.integers(0, len(OVER) - 1)), st.sets(st.integers(0, len(OVER) - 1)))
def test_more_reports_of_an_ordinary_call_never_lead_back(some, more):
    """Whatever arrived first: what arrives later leads to the same state or a later one."""
    earlier = fold([OVER[index] for index in some], DIALLED).state
    later = fold([OVER[index] for index in some | more], DIALLED).state
    order = list(states.STATES)
    assert order.index(later) >= order.index(earlier)


def test_ten_reports_are_quick():
    reports = [*OVER, event("RecordingStarted", "", 6, kind="RECORD"), cdr(**FULL_CDR)]

    def once():
        started = time.process_time()
        fold(reports, DIALLED)
        return time.process_time() - started

    assert min(once() for _ in range(50)) < 1e-3


def test_a_flood_of_reports_is_bearable():
    reports = [event("Ringing", A, second / 1000) for second in range(3000)]
    started = time.process_time()
    fold(reports, DIALLED)
    assert time.process_time() - started < 6
