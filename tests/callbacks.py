import json
import uuid
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

from odoo import fields
from odoo.fields import Command
from odoo.tests import new_test_user

from ..ccp.safe.spool import digest
from ..models import report_store
from .common import AGENT, CcpCase

AIRTEL_NUMBER = "8000000009"
DESK = "7000000903"
UNKNOWN = "7000000177"


class CallbackCase(CcpCase):
    """An Airtel number that customers call, its team, and calls that come in by their records."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.leader = new_test_user(
            cls.env,
            "leader",
            "sales_team.group_sale_salesman_all_leads,airtel_ccp.group_ccp_team_leader",
            name="Lata Leader",
        )
        cls.stranger = new_test_user(
            cls.env,
            "stranger",
            "sales_team.group_sale_salesman_all_leads,airtel_ccp.group_ccp_user",
            name="Sunil Stranger",
        )
        cls.team = cls.env["crm.team"].create(
            {
                "name": "North",
                "user_id": cls.leader.id,
                "member_ids": [Command.set((cls.rep | cls.other_rep).ids)],
                "company_id": cls.env.company.id,
            }
        )
        cls.line = cls.env["ccp.call.flow"].create(
            {
                "name": "Sales line",
                "code": "INBOUND-FLOW",
                "caller_number": AIRTEL_NUMBER,
                "call_type": "INBOUND",
                "desk_number": DESK,
                "ring_team_id": cls.team.id,
                "callback_minutes": 30,
                "abandon_seconds": 5,
                "company_id": cls.env.company.id,
            }
        )
        # Around the clock, so that a moment is the same in working time
        cls.env.company.resource_calendar_id = cls.env["resource.calendar"].create(
            {
                "name": "Around the clock",
                "tz": "UTC",
                "attendance_ids": [
                    Command.clear(),
                    *(
                        Command.create(
                            {
                                "name": "Day",
                                "dayofweek": str(day),
                                "hour_from": 0,
                                "hour_to": 24,
                                "day_period": "morning",
                            }
                        )
                        for day in range(7)
                    ),
                ],
            }
        )

    def setUp(self):
        super().setUp()
        self.startPatcher(
            patch.object(type(self.env["ir.cron"]), "_commit_progress", lambda *_args, **_kwargs: 1)
        )
        self.callbacks = self.env["ccp.callback"]
        # One moment for all, however long a test takes
        self.now = fields.Datetime.now()

    def cdr_of(self, customer, minutes_ago, *, talked=False, seconds=40, agent=AGENT, **values):
        """Return the record of a call that came in, in the dialect that needs no configuration.

        :param str customer: ten digits
        :param float minutes_ago: when the customer called
        :param bool talked: whether the agent picked up
        :param int seconds: how long it lasted
        :param str agent: whose phone rang
        """
        begin = self.now.replace(tzinfo=timezone.utc) - timedelta(minutes=minutes_ago)
        end = begin + timedelta(seconds=seconds)
        start_time, end_time = (int(each.timestamp() * 1000) for each in (begin, end))
        talk = 1000 * max(seconds - 5, 0) if talked else 0
        return {
            "vmSessionId": uuid.uuid4().hex,
            "clientCorrelationId": None,
            "callType": "INBOUND",
            "overallCallStatus": "Answered" if talked else "Missed",
            "callerNumber": customer,
            "destinationNumber": agent,
            "calledNumber": AIRTEL_NUMBER,
            "callerId": AIRTEL_NUMBER,
            "startTime": start_time,
            "callAnswerTime": start_time + 5000 if talked else None,
            "endTime": end_time,
            "duration": seconds * 1000,
            "fromWaitingTime": seconds * 1000 - talk,
            "conversationDuration": talk,
            "billableDuration": talk,
            "hangupCause": "Normal Clearing",
            "callerNumberStatus": "ANSWERED",
            "destinationNumberStatus": "ANSWERED" if talked else "NOANSWER",
            "recordingURL": None,
            **values,
        }

    def post(self, *records):
        """Have Airtel post records to the company's own address, and return their calls.

        Each comes when its call ends: a moment far from that is not believed.
        """
        self.env.flush_all()
        token = self.env.company.ccp_webhook_token
        for record in records:
            with self.registry.cursor() as cr:
                raw = json.dumps(record).encode()
                end = datetime.fromtimestamp(record["endTime"] / 1000, timezone.utc)
                received_at = end.replace(tzinfo=None)
                stored = report_store.store(cr, digest(token), None, raw, received_at)
                self.assertTrue(stored)
        self.env.invalidate_all()
        self.env["ccp.call"]._cron_fold()
        self.env.invalidate_all()
        ids = [record["vmSessionId"] for record in records]
        return (
            self.env["ccp.call"]
            .search([("session_id", "in", ids)])
            .sorted(lambda call: ids.index(call.session_id))
        )

    def settle(self):
        """Do what the scheduled action does that notifies."""
        self.env.flush_all()
        self.env["ccp.call"]._cron_notify()
        self.env.flush_all()
        self.env.invalidate_all()

    def come_in(self, customer=UNKNOWN, minutes_ago=10, **options):
        """Have a customer call, and settle; return the call."""
        call = self.post(self.cdr_of(customer, minutes_ago, **options))
        self.settle()
        return call

    def owed(self, customer=UNKNOWN):
        """Return all call-backs of a number, the oldest first."""
        return self.callbacks.search([("customer_number", "=", customer)], order="id")

    def notified(self):
        """Return the users whose browsers were asked to read their badge again, and forget."""
        self.env.cr.precommit.run()
        self.env.cr.execute(
            """
            DELETE FROM bus_bus
             WHERE message::jsonb ->> 'type' = 'airtel_ccp.callbacks'
         RETURNING (channel::jsonb ->> 2)::int
            """
        )
        partner_ids = [row[0] for row in self.env.cr.fetchall()]
        return self.env["res.users"].search([("partner_id", "in", partner_ids)])
