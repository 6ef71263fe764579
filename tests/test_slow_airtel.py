"""Airtel takes its time: clicks give their workers back, and the answer is taken when it comes."""

import threading
import time

import psycopg2
import pytest
import requests

from odoo.tests import tagged

from ..ccp.airtel.client import (
    Answer,
    CcpError,
)
from ..ccp.airtel.pending import (
    Exchange,
)
from ..models import ccp_call_answer, ccp_call_dial
from .common import AGENT, CcpCase
from .live_server import live_stack
from .test_live import set_phone, wait_for

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
    server.query(
        "UPDATE ccp_call SET live = false, state = 'ended', result = 'no_report', deadline = NULL"
    )


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


@tagged("post_install", "-at_install")
class TestLateAnswer(CcpCase):
    """What becomes of an answer for which nobody waits any more."""

    def late(self, outcome):
        """Click Call while Airtel takes its time, then let it answer.

        :param outcome: an ``Answer``, or the exception that the request ends with
        """
        answered = threading.Event()
        held = []

        class Client:
            def execute(self, _body):
                answered.wait(30)
                if isinstance(outcome, Exception):
                    raise outcome
                return outcome

        def hold(exchange, take):
            held.append((exchange, take))

        self.patch(ccp_call_dial, "PATIENCE_SECONDS", 0)
        self.patch(type(self.env["res.company"]), "_ccp_client", lambda *_arguments: Client())
        # In this thread, because a test has one connection
        self.patch(Exchange, "when_answered", hold)
        call = self.place()
        self.assertEqual((call.state, call.live), ("queued", True))
        answered.set()
        for exchange, take in held:
            take(exchange)
        self.env.invalidate_all()
        return call

    def test_accepted(self):
        call = self.late(Answer("Xchange-late", 200, 4.2))
        self.assertEqual((call.state, call.correlation_id), ("ringing_agent", "Xchange-late"))
        self.assertEqual(call.sudo().request_ids.duration, 4200)
        self.assertTrue(call.card_message_ids)

    def test_refused(self):
        call = self.late(CcpError("refused", "HTTP_403", status=403))
        self.assertEqual((call.state, call.live), ("refused", False))
        self.assertFalse(call.card_message_ids)
        told = (
            self.env["bus.bus"]
            .search([], order="id desc")
            .filtered(lambda message: call.refusal in message.message.replace("\\u2019", "’"))
        )
        self.assertTrue(told, "the rep's browser is told why")

    def test_unknown(self):
        call = self.late(CcpError("unknown", "TIMEOUT"))
        self.assertEqual((call.state, call.request_outcome), ("unknown", "unknown"))

    def test_an_error_of_ours(self):
        with self.assertLogs(ccp_call_answer.__name__, "ERROR") as logs:
            call = self.late(ZeroDivisionError())
        self.assertEqual(call.state, "queued", "its deadline ends it")
        self.assertNotIn(AGENT, "\n".join(logs.output))

    def test_nothing_is_sent_whose_answer_could_get_lost(self):
        """What can fail before the wait, such as the request's own connection, fails first."""

        def fail(_calls):
            raise psycopg2.OperationalError("away")

        sent = []
        self.patch(ccp_call_dial, "Exchange", lambda *words: sent.append(words))
        self.patch(type(self.env["ccp.call"]), "_patience", fail)
        before = self.env["ccp.call"].search_count([])
        # Not assertRaises, which would roll back what the click committed
        try:
            self.place()
        except psycopg2.OperationalError:
            self.env.invalidate_all()
        else:
            self.fail("it did not fail")
        self.assertFalse(sent)
        self.assertEqual(self.env["ccp.call"].search_count([]), before, "a row was left behind")

    def test_half_of_what_serves_may_wait(self):
        """Places are taken by transactions, and free again when these end."""
        calls = self.env["ccp.call"]
        self.patch(ccp_call_dial, "config", {"workers": 4, "http_port": 1})
        with (
            self.env.registry._db.cursor() as one,
            self.env.registry._db.cursor() as two,
            self.env.registry._db.cursor() as three,
        ):
            found = [calls.with_env(self.env(cr=cr))._patience() for cr in (one, two, three)]
            self.assertEqual(found, [ccp_call_dial.PATIENCE_SECONDS] * 2 + [0])
            two.rollback()
            self.assertTrue(calls.with_env(self.env(cr=three))._patience())
