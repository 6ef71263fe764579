import json
import threading
import uuid
from datetime import timedelta, timezone
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo import fields
from odoo.tests import BaseCase, tagged
from odoo.tools import mute_logger

from ...models import report_store
from ..callbacks import AIRTEL_NUMBER, DESK, UNKNOWN
from ..common import CcpSetup
from .server import LiveServer

ROUNDS = 5


@tagged("post_install", "-at_install")
class TestCallbacksAtOnce(BaseCase):
    """Two transactions that settle one number at the same moment leave one call-back."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.enterClassContext(LiveServer())
        cls.server.stop()
        with cls.server.env() as env:
            CcpSetup.set_up_company(env, "http://127.0.0.1:9")
            env["ccp.call.flow"].create(
                {
                    "name": "Sales line",
                    "code": "INBOUND-FLOW",
                    "caller_number": AIRTEL_NUMBER,
                    "call_type": "INBOUND",
                    "desk_number": DESK,
                }
            )

    def setUp(self):
        super().setUp()
        self.forget_all()

    def forget_all(self):
        self.server.query("DELETE FROM ccp_callback")
        self.server.query("DELETE FROM ccp_call")

    def come_in(self, minutes_ago, talked=False):
        """Have a customer call; the call is folded, and not settled."""
        now = fields.Datetime.now().replace(tzinfo=timezone.utc)
        begin = int((now - timedelta(minutes=minutes_ago)).timestamp() * 1000)
        record = {
            "vmSessionId": uuid.uuid4().hex,
            "callType": "INBOUND",
            "overallCallStatus": "Answered" if talked else "Missed",
            "callerNumber": UNKNOWN,
            "destinationNumber": DESK,
            "calledNumber": AIRTEL_NUMBER,
            "callerId": AIRTEL_NUMBER,
            "startTime": begin,
            "endTime": begin + 40000,
            "duration": 40000,
            "conversationDuration": 30000 if talked else 0,
        }
        with self.server.env() as env:
            token = env.company.ccp_webhook_token
            raw = json.dumps(record).encode()
            self.assertTrue(report_store.receive(env.cr, token, None, raw))
        with self.server.env() as env:
            env["ccp.call"]._cron_fold()

    def rows(self):
        return self.server.query(
            "SELECT state, attempts FROM ccp_callback WHERE customer_number = %s", UNKNOWN
        )

    def settle(self):
        with self.server.env() as env:
            env["ccp.call"]._cron_notify()

    def at_once(self, *works):
        """Run some works at the same moment, each in a thread, and return what they raised."""
        barrier = threading.Barrier(len(works))
        raised = []

        def run(work):
            barrier.wait()
            try:
                work()
            except SerializationFailure as error:
                raised.append(error)

        threads = [threading.Thread(target=run, args=[work]) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return raised

    def test_the_scheduled_action_twice(self):
        for turn in range(ROUNDS):
            self.forget_all()
            self.come_in(10)
            self.come_in(8)
            if turn % 2:
                self.come_in(5, talked=True)
            self.at_once(self.settle, self.settle)
            # Whoever came second left it to the first one, or found nothing to do
            self.settle()
            expected = ("done", 2) if turn % 2 else ("open", 2)
            with self.subTest(turn=turn):
                self.assertEqual([tuple(row) for row in self.rows()], [expected])

    def settle_from_one_snapshot(self):
        """Settle the number twice, each time with what both knew before either wrote anything."""
        both_have_read = threading.Barrier(2)
        with self.server.env() as env:
            owner = type(env["ccp.callback"])
        original = owner._facts

        def facts(callbacks, *arguments):
            found = original(callbacks, *arguments)
            both_have_read.wait(30)
            return found

        def settle():
            with self.server.env() as env:
                env["ccp.callback"]._settle_number(env.company, UNKNOWN)

        with patch.object(owner, "_facts", facts), mute_logger("odoo.sql_db"):
            return self.at_once(settle, settle)

    def test_even_past_the_lock_nothing_doubles(self):
        """The second one meets the first one's rows, and fails as a whole."""
        for talked, expected in ((False, ("open", 1)), (True, ("done", 1))):
            self.forget_all()
            self.come_in(10)
            if talked:
                self.come_in(5, talked=True)
            with self.subTest(expected=expected):
                self.assertEqual(len(self.settle_from_one_snapshot()), 1)
                self.assertEqual([tuple(row) for row in self.rows()], [expected])
