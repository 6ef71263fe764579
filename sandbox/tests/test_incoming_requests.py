"""What clients ask of the sandbox about incoming calls, and what it refuses, over real HTTP."""

import json
import logging

import pytest
from conftest import (
    AGENT,
    AIRTEL_NUMBER,
    CUSTOMER,
    OTHER_AGENT,
    WAIT,
    authorization,
    get_json,
    post,
    request,
    ring,
    specification_sample,
)

from sandbox.airtel_numbers import MOST_NUMBERS
from sandbox.incoming_scripts import SCRIPTS
from sandbox.switches import DEFAULTS, SWITCHES

WISH = {"from": CUSTOMER, "to": AIRTEL_NUMBER}


def refused(sandbox, wish, path="/sandbox/ring"):
    """Send a wish and return the sentence that refuses it."""
    status, answer = get_json(sandbox.url + path, "POST", wish)
    assert status == 400, answer
    assert answer["message"].endswith(".")
    return answer["message"]


def set_number(sandbox, number, **fields):
    wish = {"number": number, **fields}
    assert get_json(sandbox.url + "/sandbox/number", "POST", wish) == (200, {"status": "ok"})


def test_ring_over_http(line, receiver):
    sandbox = line()
    wish = {**WISH, "digit": "2", "script": "second_answers", "switches": {"template": "camel"}}
    status, answer = get_json(sandbox.url + "/sandbox/ring", "POST", wish)
    assert (status, list(answer)) == (200, ["id"])
    sandbox.wait_idle(WAIT)
    status, call = get_json(f"{sandbox.url}/sandbox/ring/{answer['id']}")
    assert status == 200
    assert call == sandbox.incoming_call(answer["id"])
    assert call["switches"] == {**DEFAULTS, "template": "camel"}
    assert get_json(sandbox.url + "/sandbox/incoming") == (200, [call])
    assert len(receiver.reports("/account")) == len(call["callbacks"])
    assert get_json(sandbox.url + "/sandbox/calls") == (200, [])
    assert get_json(sandbox.url + "/sandbox/calls", "DELETE")[0] == 200
    assert len(sandbox.incoming_calls()) == 1
    assert get_json(sandbox.url + "/sandbox/incoming", "DELETE") == (200, {"status": "ok"})
    assert get_json(sandbox.url + "/sandbox/incoming") == (200, [])
    status, answer = get_json(f"{sandbox.url}/sandbox/ring/{answer['id']}")
    assert status == 404
    assert "no incoming call" in answer["message"]


def test_null_is_as_good_as_nothing(line):
    sandbox = line()
    wish = {**WISH, "digit": None, "script": None, "switches": None}
    status, answer = get_json(sandbox.url + "/sandbox/ring", "POST", wish)
    sandbox.wait_idle(WAIT)
    assert status == 200
    assert sandbox.incoming_call(answer["id"])["script"] == "first_answers"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"from": "912345678"}, "10 digits"),
        ({"from": "91234567890"}, "10 digits"),
        ({"from": 9123456789}, "10 digits"),
        ({"from": "९१२३४५६७८९"}, "10 digits"),
        ({"from": "9123456789\n"}, "10 digits"),
        ({"from": "+919123456789"}, "10 digits"),
        ({"from": ""}, "10 digits"),
        ({"from": None}, "10 digits"),
        ({"from": [CUSTOMER]}, "10 digits"),
        ({"to": "8000000009"}, "it has 8000000001, 8000000002, 1400000001"),
        ({"to": None}, "Airtel number"),
        ({"to": [AIRTEL_NUMBER]}, "Airtel number"),
        ({"digit": "12"}, "one digit"),
        ({"digit": 2}, "one digit"),
        ({"digit": "x"}, "one digit"),
        ({"digit": "२"}, "one digit"),
        ({"digit": ""}, "one digit"),
        ({"script": "connects"}, "no script 'connects'"),
        ({"script": ["first_answers"]}, "no script"),
        ({"switches": ["events"]}, "object"),
        ({"switches": {"evnts": True}}, "no switch 'evnts'"),
        ({"switches": {"events": "true"}}, "switch events can be: false, true"),
        ({"switches": {"events": 1}}, "switch events can be"),
        ({"switches": {"events": None}}, "switch events can be"),
        ({"switches": {"missedStatus": "missed"}}, "Missed, Disconnected, Busy, Not Connected"),
        ({"switches": {"missedStatus": ["Missed"]}}, "missedStatus"),
        ({"switches": {"routeRetries": 6}}, "whole number from 0 to 5"),
        ({"switches": {"routeRetries": 1.0}}, "whole number from 0 to 5"),
        ({"switches": {"routeRetries": True}}, "whole number from 0 to 5"),
        ({"switches": {"routeSeconds": 0}}, "number from 0.05 to 60"),
        ({"switches": {"routeSeconds": 1e9}}, "number from 0.05 to 60"),
        ({"switches": {"routeSeconds": "5"}}, "number from 0.05 to 60"),
        ({"scirpt": "first_answers"}, "no 'scirpt'"),
    ],
)
def test_what_is_refused(shared_sandbox, fields, words):
    shared_sandbox.set_number(route_url="http://127.0.0.1:9/route")
    assert words in refused(shared_sandbox, {**WISH, **fields})
    assert shared_sandbox.incoming_calls() == []


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"[]", "object"),
        (b"\xff", "not JSON"),
        (b'{"from": NaN}', "not JSON"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "nested"),
        (b"[" * 100000, "not JSON"),
        (b'{"from": "9123456789"}', 'Send {"from"'),
    ],
)
@pytest.mark.parametrize("path", ["/sandbox/ring", "/sandbox/number"])
def test_bodies_that_are_refused(shared_sandbox, raw, words, path):
    status, _headers, content = request(shared_sandbox.url + path, "POST", raw)
    assert status == 400
    message = json.loads(content)["message"]
    assert message.endswith(".")
    assert words in message or (path == "/sandbox/number" and message.startswith("Send {"))


def test_too_large_a_wish(shared_sandbox):
    raw = b" " * 1_100_000
    for path in ("/sandbox/ring", "/sandbox/number"):
        assert request(shared_sandbox.url + path, "POST", raw)[0] == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/sandbox/ring", 405),
        ("POST", "/sandbox/incoming", 405),
        ("POST", "/sandbox/numbers", 405),
        ("GET", "/sandbox/number", 405),
        ("DELETE", "/sandbox/ring/x", 405),
        ("GET", "/sandbox/ring/", 404),
        ("GET", "/sandbox/ring/../calls", 404),
    ],
)
def test_other_paths(shared_sandbox, method, path, status):
    assert request(shared_sandbox.url + path, method)[0] == status


def test_a_page_in_a_browser_may_not_steer_the_sandbox(line):
    sandbox = line()
    before = get_json(sandbox.url + "/sandbox/numbers")
    headers = {"Origin": "https://page.example", "Content-Type": "text/plain"}
    for path, wish in (
        ("/sandbox/ring", WISH),
        ("/sandbox/number", {"number": None, "routeUrl": "http://page.example/"}),
        ("/sandbox/script", {"number": CUSTOMER, "script": "busy"}),
    ):
        raw = json.dumps(wish).encode()
        assert request(sandbox.url + path, "POST", raw, headers)[0] == 403
    assert get_json(sandbox.url + "/sandbox/numbers") == before
    assert sandbox.incoming_calls() == []
    assert sandbox.script_of(CUSTOMER).name == "connects"


def test_nobody_would_learn_of_the_call(make_sandbox):
    sandbox = make_sandbox()
    assert "--notify-url" in refused(sandbox, WISH)
    set_number(sandbox, AIRTEL_NUMBER, notifyUrl="http://127.0.0.1:9/")
    assert "8000000002" in refused(sandbox, {**WISH, "to": "8000000002"})
    assert get_json(sandbox.url + "/sandbox/ring", "POST", WISH)[0] == 200


def test_without_a_notify_url_the_question_alone_is_asked(line, router):
    call = ring(line(notify_url=""))
    assert call["remarks"] == ["There is no notify URL: nothing is reported."]
    assert call["callbacks"] == []
    assert (call["outcome"], len(router.requests)) == ("answered", 1)


def test_too_many_calls_at_once(line, router):
    sandbox = line(most_incoming=3)
    router.gate.clear()
    for _call in range(3):
        assert get_json(sandbox.url + "/sandbox/ring", "POST", WISH)[0] == 200
    status, answer = get_json(sandbox.url + "/sandbox/ring", "POST", WISH)
    assert (status, answer["message"][:30]) == (429, "3 incoming calls are under way")
    refused(sandbox, {**WISH, "digit": "x"})
    router.gate.set()
    sandbox.wait_idle(WAIT)
    assert get_json(sandbox.url + "/sandbox/ring", "POST", WISH)[0] == 200
    sandbox.wait_idle(WAIT)
    assert len(sandbox.incoming_calls()) == 4
    with pytest.raises(ValueError, match="At least one"):
        line(most_incoming=0)


def test_fifty_calls_at_once(line, receiver):
    sandbox = line(speed=50)
    ids = {sandbox.ring(str(9100000000 + n), AIRTEL_NUMBER) for n in range(50)}
    sandbox.wait_idle(30)
    assert len(ids) == 50
    assert {call["id"] for call in sandbox.incoming_calls()} == ids
    assert {call["outcome"] for call in sandbox.incoming_calls()} == {"answered"}
    assert len(receiver.reports("/account")) == 50 * 7


def test_an_own_setting_for_one_airtel_number(line, receiver, router):
    sandbox = line(route_header="dauth", route_secret="one")
    set_number(
        sandbox,
        "8000000002",
        notifyUrl=f"{receiver.url}/other",
        notifyHeader="X-Secret",
        notifySecret="two",
        routeSecret="three",
        desk="7000000777",
        switches={"template": "camel", "routeForm": "get"},
    )
    router.answers = [(500, b"")]
    call = ring(sandbox, to="8000000002")
    assert call["answeredBy"] == "7000000777"
    assert (router.requests[0].method, router.requests[0].headers["dauth"]) == ("GET", "three")
    assert receiver.reports("/account") == []
    assert receiver.reports("/other")[-1]["calledNumber"] == "8000000002"
    assert receiver.requests[-1][2]["X-Secret"] == "two"
    # A script goes before the number's switches, the caller's before both
    assert ring(sandbox, "cdr_reduced", to="8000000002")["template"] == "reduced"
    assert ring(sandbox, "cdr_reduced", to="8000000002", template="display")["template"] == (
        "display"
    )
    assert ring(sandbox)["asked"][0]["method"] == "POST"
    assert router.requests[-1].headers["dauth"] == "one"
    assert receiver.reports("/account")


def test_settings_for_all_numbers_and_back(line, router, receiver):
    sandbox = line()
    set_number(sandbox, "8000000002", routeUrl="")
    set_number(sandbox, None, routeUrl=f"{router.url}/all", switches={"events": False})
    numbers = {each["number"]: each for each in get_json(sandbox.url + "/sandbox/numbers")[1]}
    assert numbers[AIRTEL_NUMBER]["routeUrl"] == f"{router.url}/all"
    assert numbers["8000000002"]["routeUrl"] == ""
    assert numbers["8000000002"]["switches"] == {"events": False}
    set_number(sandbox, "8000000002", routeUrl=None)
    set_number(sandbox, None, switches=None)
    numbers = {each["number"]: each for each in get_json(sandbox.url + "/sandbox/numbers")[1]}
    assert numbers["8000000002"]["routeUrl"] == f"{router.url}/all"
    assert numbers["8000000002"]["switches"] == {}
    set_number(sandbox, None, routeUrl=None)
    assert ring(sandbox)["asked"][0]["url"] == router.url


def test_a_new_airtel_number(line, router):
    sandbox = line()
    router.agents = [AGENT]
    set_number(sandbox, "8000000077")
    assert ring(sandbox, to="8000000077")["outcome"] == "answered"
    status, answer = post(sandbox, specification_sample())[::2]
    assert status == 200, answer
    body = specification_sample()
    body["callFlowConfiguration"]["initiateCall_1"]["callerId"] = "8000000077"
    assert post(sandbox, body)[2]["errorCode"] == "INVALID_CALLER_ID", "for incoming calls alone"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"number": "80000"}, "10 digits, or 8 to 11"),
        ({"number": 8000000001}, "10 digits, or 8 to 11"),
        ({"number": "12345678"}, "toll-free (1800, 1860)"),
        ({"number": "180012345678"}, "toll-free (1800, 1860)"),
        ({"number": "८०००००००००"}, "10 digits, or 8 to 11"),
        ({"routeURL": "http://x/"}, "no 'routeURL'"),
        ({"route_url": "http://x/"}, "no 'route_url'"),
        ({"routeUrl": "ftp://x/"}, "routeUrl must be an http(s) address"),
        ({"routeUrl": "http://x/ y"}, "routeUrl must be an http(s) address"),
        ({"routeUrl": 1}, "routeUrl must be an http(s) address"),
        ({"notifyUrl": "http://" + "x" * 3000}, "notifyUrl must be an http(s) address"),
        ({"routeHeader": "dauth"}, "routeHeader needs routeSecret"),
        ({"notifySecret": "x"}, "notifyHeader needs notifySecret"),
        ({"routeHeader": "a b", "routeSecret": "x"}, "name of a header"),
        ({"routeHeader": "Content-Length", "routeSecret": "1"}, "name of a header"),
        ({"routeHeader": "dauth", "routeSecret": "a\nb"}, "a text that a header can have"),
        ({"routeHeader": "dauth", "routeSecret": "अ"}, "a text that a header can have"),
        ({"routeHeader": "dauth", "routeSecret": 5}, "must be texts"),
        ({"routeHeader": "Authorization", "routeSecret": "\ud800:x"}, "a header can have"),
        ({"desk": "123"}, "desk must be a text of 10 digits"),
        ({"desk": 7000000909}, "desk must be a text of 10 digits"),
        ({"switches": {"x": 1}}, "no switch 'x'"),
        ({"switches": []}, "object"),
    ],
)
def test_settings_that_are_refused(line, fields, words):
    sandbox = line()
    before = get_json(sandbox.url + "/sandbox/numbers")
    for number in (AIRTEL_NUMBER, None):
        wish = {"number": number, **fields}
        assert words in refused(sandbox, wish, "/sandbox/number")
    assert get_json(sandbox.url + "/sandbox/numbers") == before


def test_a_common_setting_must_fit_those_of_each_number(line):
    sandbox = line(route_header="dauth", route_secret="x")
    set_number(sandbox, AIRTEL_NUMBER, routeSecret="y")
    wish = {"number": None, "routeHeader": "", "routeSecret": ""}
    assert "routeHeader needs routeSecret" in refused(sandbox, wish, "/sandbox/number")


def test_airtel_numbers_are_bounded(line):
    sandbox = line()
    for n in range(MOST_NUMBERS - 3):
        sandbox.set_number(str(8100000000 + n))
    with pytest.raises(ValueError, match="1000 Airtel numbers already"):
        sandbox.set_number("8200000000")
    sandbox.set_number(AIRTEL_NUMBER, desk="7000000777")
    with pytest.raises(ValueError, match="no 'routeUrl'"):
        sandbox.set_number(routeUrl="http://x/")


@pytest.mark.parametrize(
    "settings",
    [
        {"route_url": "x"},
        {"notify_url": "ftp://x"},
        {"route_header": "dauth"},
        {"notify_secret": "x"},
        {"desk_number": "1"},
    ],
)
def test_settings_of_the_sandbox(make_sandbox, settings):
    with pytest.raises(ValueError, match=r"\.$"):
        make_sandbox(**settings)


def test_what_can_be_chosen(shared_sandbox):
    status, choices = get_json(shared_sandbox.url + "/sandbox/ring")
    assert status == 200
    assert [each["name"] for each in choices["scripts"]] == [each.name for each in SCRIPTS]
    assert [each["name"] for each in choices["switches"]] == [each.name for each in SWITCHES]
    assert all(each["choices"] for each in choices["switches"])


def test_the_log_has_no_secrets(line, receiver, router, caplog):
    sandbox = line(
        route_url=f"{router.url}/token-abc",
        notify_url=f"{receiver.url}/token-def",
        route_header="dauth",
        route_secret="s3cret",
    )
    with caplog.at_level(logging.DEBUG, logger="sandbox"):
        ring(sandbox)
        router.answers = [(500, b"")]
        ring(sandbox, "second_answers")
        get_json(sandbox.url + "/sandbox/number", "POST", {"number": None, "routeSecret": "other"})
    assert "Call from 91xx…89: rings 98xx…10, 98xx…11" in caplog.text
    assert "rings Airtel's own desk 70xx…09. The answer has the status 500" in caplog.text
    assert "Call from 91xx…89 -> CDR 200" in caplog.text
    secrets = (AGENT, OTHER_AGENT, CUSTOMER, "token-", "token=", "s3cret", authorization())
    for secret in secrets:
        assert secret not in caplog.text
