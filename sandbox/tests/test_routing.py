"""How the sandbox asks whom to ring, and which answers are good, over real HTTP."""

import base64
import json
import time

import pytest
from conftest import AGENT, AIRTEL_NUMBER, CUSTOMER, OTHER_AGENT, WAIT, ring
from test_incoming import NAMES, events

from sandbox.settings import DEFAULT_DESK

SWAPPED = {"callingParticipant": AIRTEL_NUMBER, "callerId": CUSTOMER}
PLAIN = {"callingParticipant": CUSTOMER, "callerId": AIRTEL_NUMBER}
QUERY = f"callingParticipant={CUSTOMER}&callerId={AIRTEL_NUMBER}"


def rang(call):
    return [NAMES[each["number"]] for each in call["rang"]]


@pytest.mark.parametrize(
    ("script", "method", "query", "content_type", "body"),
    [
        ("first_answers", "POST", "", "application/json", json.dumps({**PLAIN, "dialKey": "2"})),
        ("route_swapped", "POST", "", "application/json", json.dumps({**SWAPPED, "dialKey": "2"})),
        (
            "route_form",
            "POST",
            "",
            "application/x-www-form-urlencoded",
            f"{QUERY}&dialKey=2",
        ),
        ("route_query", "POST", f"{QUERY}&dialKey=2", None, ""),
        ("route_get", "GET", f"{QUERY}&dialKey=2", None, ""),
    ],
)
def test_forms_of_the_question(line, router, script, method, query, content_type, body):
    call = ring(line(), script, digit="2")
    (asked,) = router.requests
    assert (asked.method, asked.path, asked.query) == (method, "/route", query)
    assert asked.headers["Content-Type"] == content_type
    assert asked.body.decode() == body
    assert call["asked"][0]["sent"]["dialKey"] == "2"
    assert rang(call) == ["A"]


def test_without_a_digit_and_with_a_query_of_the_address(line, router):
    sandbox = line(route_url=f"{router.url}?db=one")
    ring(sandbox)
    ring(sandbox, "route_get")
    assert json.loads(router.requests[0].body) == PLAIN
    assert [each.query for each in router.requests] == ["db=one", f"db=one&{QUERY}"]


@pytest.mark.parametrize(
    ("written", "customer", "airtel_number"),
    [
        ("usual", CUSTOMER, AIRTEL_NUMBER),
        ("0", f"0{CUSTOMER}", f"0{AIRTEL_NUMBER}"),
        ("91", f"91{CUSTOMER}", f"91{AIRTEL_NUMBER}"),
        ("+91", f"+91{CUSTOMER}", f"+91{AIRTEL_NUMBER}"),
    ],
)
def test_how_numbers_are_written(line, router, written, customer, airtel_number):
    sandbox = line()
    for script in ("first_answers", "route_form"):
        ring(sandbox, script, numbers=written)
    asked = json.loads(router.requests[0].body)
    assert asked == {"callingParticipant": customer, "callerId": airtel_number}
    assert customer.replace("+", "%2B") in router.requests[1].body.decode()


BASIC = f"Basic {base64.b64encode(b'odoo:pass:word').decode()}"


@pytest.mark.parametrize(
    ("settings", "name", "value", "told"),
    [
        ({}, "dauth", None, "none"),
        ({"route_header": "dauth", "route_secret": "s3cret"}, "dauth", "s3cret", "header dauth"),
        (
            {"route_header": "Authorization", "route_secret": "odoo:pass:word"},
            "Authorization",
            BASIC,
            "Basic",
        ),
        (
            {"route_header": "Authorization", "route_secret": "Bearer x"},
            "Authorization",
            "Bearer x",
            "header Authorization",
        ),
    ],
)
def test_authentication(line, router, settings, name, value, told):
    sandbox = line(**settings)
    call = ring(sandbox)
    assert router.requests[0].headers[name] == value
    assert call["asked"][0]["authentication"] == told
    for secret in ("s3cret", "pass:word", BASIC, "Bearer"):
        assert secret not in json.dumps(sandbox.incoming_calls())


def test_no_wrong_or_two_secrets(line, router):
    sandbox = line(route_header="dauth", route_secret="s3cret")
    for script in ("no_secret", "wrong_secret", "two_secrets"):
        ring(sandbox, script)
    none, wrong, two = (each.headers.get_all("dauth") for each in router.requests)
    assert none is None
    assert len(wrong) == 1 and "s3cret" not in wrong
    assert two == [*wrong, "s3cret"]


def test_an_answer_in_an_envelope(line, router):
    content = json.dumps({"status": 1, "message": "ok", "data": router.answer()}).encode()
    router.answers = [(200, content)]
    assert rang(ring(line())) == ["A"]


def changed_answer(router, edit):
    answer = router.answer()
    component = answer["client_add_participant"]
    edit(answer, component, component["participants"][0])
    return json.dumps(answer).encode()


def first(**fields):
    return lambda _answer, _component, participant: participant.update(fields)


def whole(**fields):
    return lambda _answer, component, _participant: component.update(fields)


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda answer, _component, _first: answer.clear(), "object with fields"),
        (
            lambda answer, component, _first: answer.update(client_add_participant=[component]),
            "no object",
        ),
        (whole(participants=[]), "no list"),
        (whole(participants={"1": AGENT}), "no list"),
        (whole(participants=[AGENT]), "is no object"),
        (whole(mergingStrategy="ROUND_ROBIN"), "neither SEQUENTIAL nor PARALLEL"),
        (whole(mergingStrategy=None), "neither SEQUENTIAL nor PARALLEL"),
        (whole(maxTime="0"), "maxTime of client_add_participant"),
        (first(participantAddress="+919876543210"), "10 digits"),
        (first(participantAddress=9876543210), "10 digits"),
        (first(participantAddress="९८७६५४३२१०"), "10 digits"),
        (first(participantAddress=CUSTOMER), "the customer's"),
        (first(participantAddress=OTHER_AGENT), "twice"),
        (first(participantName="Asha K."), "letters and digits"),
        (first(participantName=""), "letters and digits"),
        (first(participantName=None), "letters and digits"),
        (first(callerId="9000000009"), "belong to the account"),
        (first(callerId=[AIRTEL_NUMBER]), "belong to the account"),
        (first(maxRetries=4), "above 3"),
        (first(maxRetries=True), "whole number"),
        (first(maxTime=-1), "whole number"),
        (first(audioId="x"), "whole number"),
        (first(enableEarlyMedia=False), "a text"),
    ],
)
def test_answers_that_are_no_good(line, router, edit, fault):
    router.answers = [(200, changed_answer(router, edit))]
    call = ring(line())
    assert fault in call["asked"][0]["fault"]
    assert call["desk"] == call["asked"][0]["fault"]
    assert rang(call) == ["D"]
    assert call["answeredBy"] == DEFAULT_DESK


@pytest.mark.parametrize(
    ("status", "content", "fault"),
    [
        (500, b"{}", "status 500"),
        (302, b"", "status 302"),
        (403, b"{}", "status 403"),
        (200, b"", "empty"),
        (200, b"  \n", "empty"),
        (200, b"<html>", "not JSON"),
        (200, b"\xff\xfe", "not JSON"),
        (200, b"[1]", "object with fields"),
        (200, b'{"a":' * 40 + b"1" + b"}" * 40, "nested too deeply"),
        (200, b"[" * 50000, "not JSON"),
        (200, b'{"a": NaN}', "not JSON"),
        (200, b'{"a": "' + b"x" * 70000 + b'"}', "more than 65536 bytes"),
    ],
)
def test_answers_that_are_no_answers(line, router, status, content, fault):
    router.answers = [(status, content)]
    call = ring(line())
    assert fault in call["desk"]
    assert rang(call) == ["D"]
    assert len(json.dumps(call["asked"][0]["answer"])) < 140000


def test_participants_are_bounded(line, router):
    router.agents = [str(9000000000 + n) for n in range(21)]
    assert "more than 20" in ring(line())["desk"]


@pytest.mark.parametrize(
    ("written", "repeated"),
    [
        ("usual", AIRTEL_NUMBER),
        ("0", f"0{AIRTEL_NUMBER}"),
        ("+91", f"91{AIRTEL_NUMBER}"),
        ("+91", f"+91{AIRTEL_NUMBER}"),
    ],
)
def test_an_answer_may_repeat_the_number_as_it_was_asked(line, router, written, repeated):
    router.agents = [AGENT]
    router.answers = [(200, changed_answer(router, first(callerId=repeated)))]
    assert rang(ring(line(), numbers=written)) == ["A"]


@pytest.mark.parametrize("field", ["maxRetries", "audioId", "maxTime", "enableEarlyMedia"])
def test_what_an_answer_may_leave_out(line, router, field):
    content = changed_answer(router, lambda _answer, _component, first: first.pop(field))
    router.answers = [(200, content)]
    assert rang(ring(line())) == ["A"]


def test_a_router_that_is_too_slow(line, router):
    router.gate.clear()
    began = time.monotonic()
    call = ring(line(), routeSeconds=0.2)
    assert 0.2 <= time.monotonic() - began < 5
    assert call["desk"] == "The answer did not come within 0.2 seconds."
    assert rang(call) == ["D"]


def test_a_router_that_answers_drop_by_drop(line, router):
    def drops():
        for _drop in range(100):
            time.sleep(0.05)
            yield b" "

    router.answers = [(200, drops())]
    began = time.monotonic()
    call = ring(line(), routeSeconds=0.3)
    assert time.monotonic() - began < 3, "each drop is in time, the answer is not"
    assert call["desk"] == "The answer did not come within 0.3 seconds."


@pytest.mark.parametrize("host", ["127.0.0.1:9", "no-such-host.invalid", "a" * 64 + ".invalid"])
def test_a_router_that_is_not_there(line, host):
    call = ring(line(route_url=f"http://{host}/route"))
    assert call["desk"].startswith("There was no answer (")
    assert call["asked"][0]["status"] is None


def test_without_a_good_answer_the_call_may_end(line, receiver, router):
    router.answers = [(500, b"")]
    call = ring(line(), routeFailure="hangUp", template="camel")
    assert (call["outcome"], call["rang"], call["desk"]) == ("cut off by Airtel", [], None)
    assert call["remarks"] == ["Airtel ends the call. The answer has the status 500, not 200."]
    *_events, cdr = receiver.reports("/account")
    assert (cdr["hangUpStatus"], cdr["overallCallStatus"]) == ("SYSTEM_INITIATED", "Missed")


def test_asking_again(line, router):
    router.answers = [(500, b""), (502, b"")]
    call = ring(line(), routeRetries=2)
    assert [each["status"] for each in call["asked"]] == [500, 502, 200]
    assert [each["attempt"] for each in call["asked"]] == [1, 2, 3]
    assert len({each.body for each in router.requests}) == 1, "it asks the same"
    assert rang(call) == ["A"]
    router.answers = [(500, b"")] * 2
    call = ring(line(), routeRetries=1)
    assert len(call["asked"]) == 2
    assert rang(call) == ["D"]


@pytest.mark.parametrize(
    ("script", "asked", "who"),
    [
        ("route_late", 1, "D"),
        ("route_fails", 1, "D"),
        ("route_empty", 1, "D"),
        ("asked_twice", 2, "A"),
        ("no_decision", 0, "D"),
        ("gives_up_in_menu", 0, None),
    ],
)
def test_what_becomes_of_a_good_answer(line, router, script, asked, who):
    call = ring(line(), script)
    assert len(router.requests) == len(call["asked"]) == asked
    assert rang(call) == ([who] if who else [])
    assert {each["status"] for each in call["asked"]} <= {200}
    assert bool(call["desk"]) is (who == "D")


def test_a_late_answer_makes_the_customer_wait(line, receiver):
    sandbox = line(speed=20)
    ring(sandbox, "route_late", routeSeconds=4, clock="full")
    times = {each["event"]: each["metaData"]["timestamp"] for each in events(receiver)}
    assert 4000 < times["CalledNumber"] - times["Played"] < 6000


def test_without_a_routing_url_the_desk_rings(line, router):
    call = ring(line(route_url=""))
    assert (rang(call), call["desk"]) == (["D"], "Airtel's flow asks nobody.")
    assert not router.requests


def test_a_desk_of_its_own(line):
    assert ring(line(desk_number="7000000777"), "no_decision")["answeredBy"] == "7000000777"


def test_the_receivers_own_keys(line, receiver, router):
    content = changed_answer(router, first(leadid="L-17", callType="mine"))
    router.answers = [(200, content)] * 2
    call = ring(line(), echo=True, template="camel")
    cdr = receiver.reports("/account")[-1]
    assert (cdr["leadid"], cdr["callType"]) == ("L-17", "INBOUND")
    assert call["remarks"] == [
        "participant 1 has a key of the receiver's own: leadid",
        "participant 1 has a key of the receiver's own: callType",
    ]
    ring(line(), template="camel")
    assert "leadid" not in receiver.reports("/account")[-1]


def test_the_receivers_order_may_be_overridden(line, router):
    router.more = {"mergingStrategy": "PARALLEL"}
    assert ring(line())["strategy"] == "PARALLEL"
    assert ring(line(), strategy="SEQUENTIAL")["strategy"] == "SEQUENTIAL"


def test_stops_at_once_while_it_asks(line, router):
    router.gate.clear()
    sandbox = line()
    call_id = sandbox.ring(CUSTOMER, AIRTEL_NUMBER, switches={"routeSeconds": 60})
    while not router.requests:
        time.sleep(0.01)
    began = time.monotonic()
    sandbox.stop()
    assert time.monotonic() - began < 2
    deadline = time.monotonic() + WAIT
    while not sandbox.incoming_call(call_id)["finished"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sandbox.incoming_call(call_id)["finished"]
