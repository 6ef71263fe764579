import json
from datetime import timedelta, timezone
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, tagged

from ..ccp.safe.spool import digest
from ..controllers.wakeup import Waker
from ..models import report_store
from .common import AGENT, CcpSetup, accepted_call

CUSTOMER = "7000000444"


@tagged("post_install", "-at_install")
class TestHistoryTour(CcpSetup, HttpCase):
    """A manager finds a call in a real browser."""

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(Waker, "wake"))
        self.flow = self.set_up_company(self.env, "http://127.0.0.1:9")
        self.set_up_people(self.env)
        self.start = fields.Datetime.now() - timedelta(minutes=10)

    def make_past_call(self, **values):
        """Make a call that Airtel accepted a while ago."""
        return accepted_call(
            self.env,
            self.lead,
            self.partner,
            self.rep,
            self.flow,
            live=False,
            start_date=self.start,
            **values,
        )

    def add_report(self, call, name, leg, seconds):
        """Store a report of a call, as the webhook does."""
        moment = (self.start + timedelta(seconds=seconds)).replace(tzinfo=timezone.utc)
        payload = {
            "eventType": "CALL",
            "participantAddress": {"A": AGENT, "B": CUSTOMER}[leg],
            "participantName": leg,
            "event": name,
            "time": moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "metaData": {},
        }
        token = f"token-{call.id}"
        call.token_digest = digest(token)
        self.env.flush_all()
        raw = json.dumps(payload).encode()
        self.assertTrue(report_store.receive(self.env.cr, token, None, raw))
        self.env.invalidate_all()

    def test_find_call(self):
        self.make_past_call(
            customer_name="Priya Sharma",
            customer_number="7000000101",
            state="ended",
            result="customer_busy",
        )
        call = self.make_past_call(
            customer_name="Kavya Reddy", customer_number=CUSTOMER, state="ringing_agent"
        )
        for name, leg, seconds in (
            ("Answer", "A", 4),
            ("Answer", "B", 12),
            ("Hangup", "B", 54),
            ("Hangup", "A", 54),
        ):
            self.add_report(call, name, leg, seconds)
        call._fold()
        self.start_tour("/odoo/calls", "airtel_ccp_find_call", login="ccp_manager")
