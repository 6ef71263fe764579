"""Calls that come in, seen from outside: who is rung and what is reported, over real HTTP."""

import json
import time
import wave
from io import BytesIO

import pytest
from conftest import (
    AGENT,
    AIRTEL_NUMBER,
    CUSTOMER,
    OTHER_AGENT,
    WAIT,
    Receiver,
    post,
    request,
    ring,
    specification_sample,
)

from sandbox import incoming_scripts
from sandbox.incoming_scripts import SCRIPTS
from sandbox.settings import DEFAULT_DESK

NAMES = {CUSTOMER: "C", AGENT: "A", OTHER_AGENT: "B", DEFAULT_DESK: "D"}


def talk(who):
    return [(who, "CalledNumber"), (who, "Ringing"), (who, "Answer")]


def missed(who):
    return [(who, "CalledNumber"), (who, "Ringing"), (who, "Noanswer")]


GREETED = [("C", "Played")]
C_LEAVES = [("C", "Disconnected")]
A_TALKS = [*GREETED, *talk("A"), *C_LEAVES, ("A", "Disconnected")]
DESK_TALKS = [*GREETED, *talk("D"), *C_LEAVES, ("D", "Disconnected")]
GIVEN_UP = [
    *GREETED,
    ("A", "CalledNumber"),
    ("A", "Ringing"),
    *C_LEAVES,
    ("A", "NetworkError"),
]

STORIES = {
    **dict.fromkeys(
        "first_answers asked_twice route_form route_query route_get no_secret wrong_secret "
        "two_secrets route_swapped cdr_reduced cdr_camel cdr_display cdr_twice cdr_early cdr_first "
        "cdr_never cdr_list long_call".split(),
        A_TALKS,
    ),
    **dict.fromkeys("no_decision route_late route_fails route_empty".split(), DESK_TALKS),
    "second_answers": [
        *GREETED,
        *missed("A"),
        *talk("B"),
        *C_LEAVES,
        ("B", "Disconnected"),
    ],
    "nobody_answers": [*GREETED, *missed("A"), *missed("B"), *C_LEAVES],
    "gives_up_early": GIVEN_UP,
    "gives_up_late": GIVEN_UP,
    "gives_up_in_menu": [*GREETED, *C_LEAVES],
    "agent_busy": [
        *GREETED,
        ("A", "CalledNumber"),
        ("A", "Busy"),
        ("B", "CalledNumber"),
        ("B", "Busy"),
        *C_LEAVES,
    ],
    "agent_unreachable": [
        *GREETED,
        ("A", "CalledNumber"),
        ("A", "NotReachable"),
        ("B", "CalledNumber"),
        ("B", "NotReachable"),
        *C_LEAVES,
    ],
    "agent_hangs_up": [*GREETED, *talk("A"), ("A", "Disconnected"), *C_LEAVES],
    "ring_group": [
        *GREETED,
        ("A", "CalledNumber"),
        ("B", "CalledNumber"),
        ("A", "Ringing"),
        ("B", "Ringing"),
        ("B", "Answer"),
        ("A", "Disconnected"),
        *C_LEAVES,
        ("B", "Disconnected"),
    ],
    "no_events": [],
    "silent": [],
}
OUTCOMES = {
    **dict.fromkeys(("nobody_answers", "agent_busy", "agent_unreachable"), "missed"),
    **dict.fromkeys(("gives_up_early", "gives_up_late"), "gave up while it rang"),
    "gives_up_in_menu": "left the menu",
}


def events(receiver):
    return [each for each in receiver.reports("/account") if "event" in each]


def cdrs(receiver):
    return [each for each in receiver.reports("/account") if "event" not in each]


def said(reports):
    return [(NAMES[each["participantAddress"]], each["event"]) for each in reports]


def test_every_script_is_tested():
    assert {script.name for script in SCRIPTS} == {*STORIES, "shuffled"}
    numbers = [script.number for script in SCRIPTS]
    assert numbers == [str(7000000201 + index) for index in range(len(SCRIPTS))]


@pytest.mark.parametrize("name", sorted(STORIES))
def test_what_is_reported(line, receiver, name):
    call = ring(line(), name)
    assert said(events(receiver)) == STORIES[name]
    expected = {"cdr_twice": 2, "cdr_never": 0, "silent": 0}.get(name, 1)
    assert len(cdrs(receiver)) == expected
    assert call["finished"]
    assert call["outcome"] == OUTCOMES.get(name, "answered")
    assert [each["body"] for each in call["callbacks"]] == receiver.reports("/account")
    assert {each["status"] for each in call["callbacks"]} <= {200}


def test_shuffled(line, receiver):
    ring(line(), "shuffled")
    seen = said(events(receiver))
    assert sorted(set(seen)) == sorted(A_TALKS)
    assert len(seen) > len(A_TALKS)
    assert list(dict.fromkeys(seen)) != A_TALKS
    distinct = {json.dumps(each) for each in events(receiver)}
    assert len(distinct) == len(A_TALKS), "a repeated event is the same to the byte"


@pytest.mark.parametrize(
    ("name", "digits"), [("gives_up_in_menu", "00206"), ("silent", "00233"), ("shuffled", "00231")]
)
def test_the_last_digits_choose_the_script(line, name, digits):
    sandbox = line()
    for customer in (f"70000{digits}", f"98765{digits}"):
        call_id = sandbox.ring(customer, AIRTEL_NUMBER)
        sandbox.wait_idle(WAIT)
        assert sandbox.incoming_call(call_id)["script"] == name
    assert incoming_scripts.script_for("7000000101").name == "first_answers"


def test_a_name_goes_before_the_digits(line):
    sandbox = line()
    call_id = sandbox.ring("7000000203", AIRTEL_NUMBER, script="first_answers")
    sandbox.wait_idle(WAIT)
    assert sandbox.incoming_call(call_id)["outcome"] == "answered"


@pytest.mark.parametrize(
    ("name", "place"), [("cdr_early", -3), ("cdr_first", 0), ("first_answers", -1)]
)
def test_when_the_cdr_comes(line, receiver, name, place):
    ring(line(), name)
    reports = receiver.reports("/account")
    assert "event" not in reports[place]
    assert len(cdrs(receiver)) == 1


def test_an_event(line, receiver):
    before = time.time_ns() // 1_000_000
    call = ring(line())
    greeting, _dialled, ringing, *_others, end = events(receiver)
    assert greeting == {
        "vmSessionId": call["sessionId"],
        "eventType": "MEDIA",
        "event": "Played",
        "participantAddress": CUSTOMER,
        "clientCorrelationId": None,
        "metaData": {
            "timestamp": greeting["metaData"]["timestamp"],
            "asteriskId": "node-1",
            "displayCli": CUSTOMER,
        },
    }
    assert (ringing["participantAddress"], ringing["metaData"]["displayCli"]) == (AGENT, CUSTOMER)
    assert (end["metaData"]["causeCode"], end["metaData"]["sipCode"]) == (16, 699)
    times = [each["metaData"]["timestamp"] for each in events(receiver)]
    assert times == sorted(times)
    assert before <= times[0] <= times[-1] <= time.time_ns() // 1_000_000


def test_events_of_the_phones_come_after_the_question(line, receiver, router):
    router.gate.clear()
    sandbox = line(speed=100000)
    call_id = sandbox.ring(CUSTOMER, AIRTEL_NUMBER)
    while not router.requests:
        time.sleep(0.01)
    assert said(events(receiver)) == GREETED, "the greeting comes first"
    assert sandbox.incoming_call(call_id)["outcome"] is None
    asked = time.time_ns() // 1_000_000
    router.gate.set()
    sandbox.wait_idle(WAIT)
    # Each of the two is cut to a millisecond
    assert all(each["metaData"]["timestamp"] >= asked - 2 for each in events(receiver)[1:])


def test_full_clock_has_the_times_of_a_real_call(line, receiver):
    sandbox = line()
    for name, least, most in (("gives_up_early", 1000, 5000), ("gives_up_late", 12000, 15000)):
        ring(sandbox, name, clock="full", template="camel")
        cdr = cdrs(receiver)[-1]
        assert least < cdr["fromWaitingTime"] == cdr["duration"] < most
    ring(sandbox, clock="full", template="camel")
    assert cdrs(receiver)[-1]["conversationDuration"] == 20000


def test_parallel_ringing_may_be_reported_once(line, receiver):
    ring(line(), "ring_group", parallelRinging="first")
    seen = said(events(receiver))
    assert ("A", "Ringing") in seen
    assert ("B", "Ringing") not in seen
    assert ("B", "Answer") in seen


def test_one_participant_may_be_honoured(line, receiver):
    call = ring(line(), "second_answers", participants="first")
    assert [each["number"] for each in call["rang"]] == [AGENT]
    assert call["outcome"] == "missed"
    assert said(events(receiver)) == [*GREETED, *missed("A"), *C_LEAVES]


def test_max_time_of_ringing_and_of_talk(line, receiver, router):
    sandbox = line()

    def seconds(**switches):
        ring(sandbox, clock="full", template="camel", **switches)
        return cdrs(receiver)[-1]["conversationDuration"]

    answer = router.answer()
    answer["client_add_participant"]["participants"][0]["maxTime"] = 2
    content = json.dumps(answer).encode()
    router.answers = [(200, content)] * 2
    assert seconds(maxTime="talk") == 2000
    assert cdrs(receiver)[-1]["hangUpStatus"] == "SYSTEM_INITIATED"
    assert seconds(maxTime="ring") == 20000
    router.more = {"maxTime": 7}
    assert seconds() == 7000


def test_ringing_ends_after_max_time(line, receiver, router):
    def rang_for(max_time):
        answer = router.answer()
        answer["client_add_participant"]["participants"][0]["maxTime"] = max_time
        router.answers = [(200, json.dumps(answer).encode())]
        ring(sandbox, "nobody_answers", clock="full", participants="first", cdr="never")
        times = {each["event"]: each["metaData"]["timestamp"] for each in events(receiver)}
        return times["Noanswer"] - times["Ringing"]

    sandbox = line()
    assert rang_for(0) == 20000
    assert rang_for(9) == 9000
    assert rang_for(10**9) == 60000


def test_retries_of_a_participant(line, receiver, router):
    answer = router.answer()
    answer["client_add_participant"]["participants"][0]["maxRetries"] = 2
    router.answers = [(200, json.dumps(answer).encode())]
    ring(line(), "nobody_answers", participants="first")
    assert said(events(receiver)) == [*GREETED, *missed("A") * 3, *C_LEAVES]


def test_what_the_call_tells(line):
    sandbox = line()
    call = ring(sandbox, "second_answers", digit="2")
    expected = {"from": CUSTOMER, "to": AIRTEL_NUMBER, "digit": "2", "script": "second_answers"}
    assert expected.items() <= call.items()
    assert call["rang"] == [
        {"name": "Agent1", "number": AGENT, "status": "Noanswer", "answered": False},
        {"name": "Agent2", "number": OTHER_AGENT, "status": "Disconnected", "answered": True},
    ]
    assert (call["answeredBy"], call["strategy"], call["desk"]) == (OTHER_AGENT, "SEQUENTIAL", None)
    (asked,) = call["asked"]
    assert asked["answer"]["client_add_participant"]["mergingStrategy"] == "SEQUENTIAL"
    assert (asked["status"], asked["fault"], asked["attempt"]) == (200, None, 1)
    assert sandbox.incoming_calls() == [call]
    assert sandbox.calls() == [], "POSTs have a ledger of their own"


def test_a_report_is_posted_again(line, receiver):
    receiver.statuses = [500]
    call = ring(line(), "first_answers")
    tries = [(each["attempt"], each["status"]) for each in call["callbacks"]]
    assert sorted(tries)[-1] == (2, 200)
    assert sorted(set(said(events(receiver)))) == sorted(A_TALKS)


def test_what_reports_are_authenticated_with(line, receiver):
    ring(line(notify_header="X-Airtel-Secret", notify_secret="s3cret"))
    assert {headers["X-Airtel-Secret"] for _m, _p, headers, _b in receiver.requests} == {"s3cret"}


def test_recording(line, receiver):
    sandbox = line()
    ring(sandbox, template="camel")
    url = cdrs(receiver)[-1]["recordingURL"]
    status, _headers, content = request(url)
    assert status == 200
    with wave.open(BytesIO(content)) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(20, abs=0.1)
    assert request(url[:-4])[0] == 403
    ring(sandbox, template="camel", recorded=False)
    assert cdrs(receiver)[-1]["recordingURL"] is None
    ring(sandbox, "nobody_answers", template="camel")
    assert cdrs(receiver)[-1]["recordingURL"] is None
    ring(sandbox, "nobody_answers", template="camel", voicemail=True)
    assert request(cdrs(receiver)[-1]["recordingURL"])[0] == 200


def test_the_number_may_be_withheld_or_foreign(line, receiver, router):
    sandbox = line()
    for customer, shown in (("withheld", ""), ("+14155550123", "+14155550123")):
        sandbox.ring(customer, AIRTEL_NUMBER, switches={"template": "camel", "numbers": "+91"})
        sandbox.wait_idle(WAIT)
        assert json.loads(router.requests[-1].body)["callingParticipant"] == shown
        assert cdrs(receiver)[-1]["callerNumber"] == (shown or None)
        assert events(receiver)[-2]["participantAddress"] == shown


def test_both_directions_at_once(line, receiver):
    sandbox = line(speed=20)
    other = Receiver()
    try:
        sandbox.ring(CUSTOMER, AIRTEL_NUMBER)
        assert post(sandbox, specification_sample(other.url))[0] == 200
        sandbox.wait_idle(WAIT)
        assert len(other.reports("/cdr")) == len(cdrs(receiver)) == 1
        assert len(sandbox.calls()) == len(sandbox.incoming_calls()) == 1
    finally:
        other.stop()
