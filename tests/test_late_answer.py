import threading

import psycopg2

from odoo.tests import tagged

from ..ccp.airtel.client import (
    Answer,
    CcpError,
)
from ..ccp.airtel.pending import Exchange
from ..models import ccp_call_answer, ccp_call_dial
from .common import AGENT, CcpCase


@tagged("post_install", "-at_install")
class TestLateAnswer(CcpCase):
    """An answer that comes after the click has ended changes the call."""

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
        messages = (
            self.env["bus.bus"]
            .search([], order="id desc")
            .filtered(lambda message: call.refusal in message.message.replace("\\u2019", "’"))
        )
        self.assertTrue(messages, "the rep's browser is told why")

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
