import json
import uuid
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

from odoo import fields

from ..ccp.call import route
from ..ccp.safe.number import last10
from ..models import report_store, route_store
from .common import AGENT, CcpCase

AIRTEL_NUMBER = "8000000009"
DESK = "7000000999"
CUSTOMER = "7000000101"
STRANGER = "7000000555"
IST = timezone(timedelta(hours=5, minutes=30))


class IncomingCase(CcpCase):
    """A company with an Airtel number that customers call; its reports come to its own address."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.team = cls.env["crm.team"].create(
            {"name": "North", "member_ids": [(6, 0, (cls.rep | cls.other_rep).ids)]}
        )
        cls.number = cls.env["ccp.call.flow"].create(
            {
                "name": "Sales line",
                "code": "INBOUND-FLOW",
                "call_type": "INBOUND",
                "caller_number": AIRTEL_NUMBER,
                "desk_number": DESK,
                "ring_team_id": cls.team.id,
                "company_id": cls.company.id,
            }
        )
        # Whole seconds, as Airtel's records have them
        cls.start = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(minutes=2)

    def moment(self, seconds=0):
        """Return a time this many seconds after the call began, aware."""
        return self.start + timedelta(seconds=seconds)

    def milliseconds(self, seconds=0):
        """Return the same as Airtel's events and our decisions have it."""
        return int(self.moment(seconds).timestamp() * 1000)

    # What comes from outside

    def arrive(self, *reports, company=None):
        """Have reports arrive at the company's own address, each in a request of its own."""
        company = company or self.company
        self.env.flush_all()
        for report in reports:
            raw = report if isinstance(report, bytes) else json.dumps(report).encode()
            with self.registry.cursor() as cr:
                kept = report_store.receive(cr, company.ccp_webhook_token, None, raw)
                self.assertTrue(kept)
        self.env.invalidate_all()

    def decide(self, seconds=0, company=None, **values):
        """Have a decision of ours kept, as the routing URL keeps it."""
        ring = values.pop("ring", [(self.rep, AGENT)])
        decision = route.Decision(
            **{
                "id": uuid.uuid4().hex,
                "at": self.milliseconds(seconds),
                "customer": CUSTOMER,
                "airtel_number": AIRTEL_NUMBER,
                "digit": "",
                "reason": "record_owner",
                "about": route.About("crm.lead", self.lead.id, self.lead.name),
                "ring": tuple(route.Ring(user.id, last10(phone), "Agent") for user, phone in ring),
                "desk": DESK,
                "strategy": "SEQUENTIAL",
                "flow_id": self.number.id,
                "team_id": None,
                **values,
            }
        )
        self.env.flush_all()
        with self.registry.cursor() as cr:
            route_store.store(cr, (company or self.company).id, decision)
        self.env.invalidate_all()
        return decision

    def take_in(self):
        """Do what the scheduled action does with all that waits."""
        self.env.flush_all()
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_fold()
        self.env.invalidate_all()

    def incoming(self):
        """Return the calls that came in."""
        return self.env["ccp.call"].search([("direction", "=", "inbound")], order="id")

    def the_call(self):
        """Return the one call that came in."""
        call = self.incoming()
        self.assertEqual(len(call), 1, call.mapped("start_date"))
        return call

    # Reports

    def live_event(self, event, seconds, session="S-1", agent=AGENT, **values):
        """Return a real time event of an incoming call: about the agent, who sees the customer."""
        return {
            "vmSessionId": session,
            "eventType": "CALL",
            "event": event,
            "participantAddress": agent,
            "metaData": {"timestamp": self.milliseconds(seconds), "displayCli": CUSTOMER},
            **values,
        }

    def customers_end(self, seconds, session="S-1"):
        """Return the event of the customer's hanging up."""
        return self.live_event(
            "Disconnected",
            seconds,
            session,
            agent=CUSTOMER,
            metaData={"timestamp": self.milliseconds(seconds), "causeCode": 16},
        )

    def reduced_cdr(self, seconds=0, **values):
        """Return a record of the template without session id, epoch time or participants."""
        local = self.moment(seconds).astimezone(IST)
        return {
            "Call_Type": "INBOUND",
            "Caller_ID": AIRTEL_NUMBER,
            "Caller_Number": f"0{CUSTOMER}",
            "Caller_Status": "Disconnected",
            "Destination_Number": f"0{AGENT}",
            "Destination_Name": "Agent One",
            "Destination_Status": "Disconnected",
            "Destination_CLI": f"0{CUSTOMER}",
            "Missed_Destination_Number": None,
            "Overall_Call_Status": "Answered",
            "Overall_Call_Duration": "00:01:08",
            "Caller_Waiting_Time": "00:00:27",
            "Conversation_Duration": "00:00:39",
            "Date": local.strftime("%d/%m/%Y"),
            "Time": local.strftime("%H:%M:%S"),
            "Recording": None,
            **values,
        }

    def missed_cdr(self, seconds=0, **values):
        """Return the reduced record of a call that nobody picked up."""
        return self.reduced_cdr(
            seconds,
            **{
                "Destination_Number": None,
                "Destination_Status": None,
                "Destination_CLI": None,
                "Missed_Destination_Number": f"0{AGENT}",
                "Overall_Call_Status": "Missed",
                "Overall_Call_Duration": "00:00:30",
                "Conversation_Duration": "00:00:00",
                **values,
            },
        )

    def full_cdr(self, seconds=0, session="S-1", **values):
        """Return a record of the template in camelCase, of a call that connected."""
        return {
            "vmSessionId": session,
            "clientCorrelationId": None,
            "callType": "INBOUND",
            "overallCallStatus": "Answered",
            "callerNumber": CUSTOMER,
            "destinationNumber": AGENT,
            "calledNumber": AIRTEL_NUMBER,
            "callerId": AIRTEL_NUMBER,
            "startTime": self.milliseconds(seconds),
            "callAnswerTime": self.milliseconds(seconds + 11),
            "endTime": self.milliseconds(seconds + 50),
            "conversationDuration": 39000,
            "hangUpStatus": "Party A",
            "participants": [
                {"participantAddress": CUSTOMER, "participantType": "From"},
                {"participantAddress": AGENT, "participantType": "To"},
            ],
            **values,
        }

    def told(self, call):
        """Return what a call says, to be compared with what another order of reports says."""
        return {
            "count": len(self.incoming()),
            "state": call.state,
            "result": call.result,
            "user": call.user_id.name,
            "missed": sorted(call.missed_user_ids.mapped("name")),
            "start": call.start_date,
            "session": call.session_id,
            "flow": call.flow_id.name,
            "reason": call.route_reason,
            "record": (call.res_model, call.res_id),
            "talk": call.talk_seconds,
        }

    def now(self, seconds=0):
        """Return a moment as Odoo stores it."""
        return fields.Datetime.to_datetime(self.moment(seconds).replace(tzinfo=None))
