"""Airtel takes its time: clicks give their workers back, and the answer is taken when it comes."""

import threading
import time

import pytest
import requests

from ...models import ccp_call_dial
from .server import end_all, live_stack, set_phone, wait_for

SLOW = "7000000113"
NEVER = "7000000116"
HANG_SECONDS = 8
# What a click may take that waits for nobody, on a busy machine
SOON = 2.5


@pytest.fixture(scope="module")
def stack():
    with live_stack(speed=1, workers=2, hang_seconds=HANG_SECONDS) as parts:
        yield parts


@pytest.fixture
def reps(stack):
    """Two reps who are logged in, at a server that has loaded all it needs."""
    server, sandbox, _setup = stack
    sandbox.clear()
    found = [server.login("rep"), server.login("other_rep")]
    for session in found * 5:
        # Some of them meet the other worker, whose caches are empty at first
        session.call("res.users", "read", [session.uid], ["name"])
    yield found
    end_all(server)


def click(session, lead_id):
    """Click Call; return the answer and how many seconds it took."""
    began = time.monotonic()
    answer = session.call("crm.lead", "action_ccp_call", [lead_id])
    return answer, time.monotonic() - began


def of_call(server, call_id):
    sql = "SELECT request_outcome, state, correlation_id FROM ccp_call WHERE id = %s"
    return server.query(sql, call_id)[0]


def test_a_late_answer_is_taken(stack, reps):
    server, sandbox, setup = stack
    set_phone(server, setup, SLOW)
    answer, seconds = click(reps[0], setup.lead_id)
    assert answer["state"] == "queued"
    assert "has not answered yet" in answer["message"]
    assert seconds < ccp_call_dial.PATIENCE_SECONDS + SOON
    call_id = answer["call_id"]
    assert of_call(server, call_id)[:2] == ("queued", "queued")
    wait_for(lambda: of_call(server, call_id)[0] == "accepted", "Airtel's answer")
    (sent,) = sandbox.calls()
    assert of_call(server, call_id)[1:] == ("ringing_agent", sent["correlationId"])
    cards = "SELECT count(*) FROM ccp_call_card_message_rel WHERE call_id = %s"
    wait_for(lambda: server.query(cards, call_id) == [(2,)], "the card on lead and contact")


def test_everybody_else_is_served(stack, reps):
    """One of two workers waits at most; the next click goes on its way without waiting."""
    server, sandbox, setup = stack
    set_phone(server, setup, NEVER)
    first = {}
    waiting = threading.Thread(target=lambda: first.update(answer=click(reps[0], setup.lead_id)))
    waiting.start()
    wait_for(sandbox.calls, "the first POST")
    second, seconds = click(reps[1], setup.lead_id)
    assert second["state"] == "queued"
    assert seconds < SOON
    pages = []
    for _time in range(5):
        began = time.monotonic()
        assert requests.get(f"{server.url}/web/login", timeout=30).ok
        pages.append(time.monotonic() - began)
    assert sorted(pages)[2] < SOON
    waiting.join()
    assert first["answer"][1] > ccp_call_dial.PATIENCE_SECONDS
    for answer in (first["answer"][0], second):
        call_id = answer["call_id"]
        wait_for(lambda call_id=call_id: of_call(server, call_id)[0] == "unknown", "its outcome")
    assert len(sandbox.calls()) == 2, "one POST for each click"
