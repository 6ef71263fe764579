import contextlib
import json
import os
import uuid
from datetime import timedelta, timezone
from unittest.mock import patch
from urllib.parse import urlsplit

from psycopg2.errors import UniqueViolation

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import TransactionCase, new_test_user
from odoo.tests.common import _super_send

from ..ccp.safe.decisions import Decisions
from ..ccp.safe.spool import Spool, digest
from ..controllers import route
from ..controllers.wakeup import Waker
from ..models import report_store
from ..models.res_company_limits import USUAL_LIMITS
from ..models.spool import root
from ..sandbox.server import Sandbox
from .secrets_in_logs import HEADER, TOKEN, searching_logs

# What takes minutes has a short form too; `make test-all` runs the long one
LONG = bool(os.environ.get("AIRTEL_CCP_LONG"))
AGENT = "7000000901"
OTHER_AGENT = "7000000902"
CONNECTS = "7000000101"


__all__ = [
    "AGENT",
    "CONNECTS",
    "HEADER",
    "LONG",
    "OTHER_AGENT",
    "TOKEN",
    "CcpCase",
    "CcpSetup",
    "accepted_call",
]


# What the product writes in other ways only, together with other fields, and how a test has it
# written: a row with these alone would be one that the product never makes
OF_OTHER_DOORS = {
    "manual": "log it with the dialog: CcpCase.log_by_hand",
    "imported": "import it: ccp.history.import",
    "erased": "erase it: ccp.erasure",
    "reports_deleted": "let the company's period pass: CcpCase.delete_reports",
}


def accepted_call(env, record, contact, user, flow, **values):
    """Make the row of a call that Airtel accepted, without asking Airtel.

    It may be over already. State, result, line and Airtel's answer go together, as the product
    writes them, so one of them brings the others; what has a door of its own is refused.

    :param odoo.api.Environment env: where to write
    :param record: the record that was called
    :param contact: the ``res.partner`` behind it
    :param user: the agent
    :param flow: the ``ccp.call.flow`` that runs it
    :param values: what else the row holds, or holds instead
    """
    for name in OF_OTHER_DOORS:
        if values.get(name):
            raise ValueError(f"no call is placed with {name}: {OF_OTHER_DOORS[name]}")
    state = values.get("state") or ("ended" if values.get("result") else "ringing_agent")
    if state == "ended":
        values = {"state": state, "result": "no_report", "live": False, **values}
    elif values.get("result"):
        raise ValueError(f"a call that is {state} has no result")
    if state == "refused":
        values = {"request_outcome": "refused", "correlation_id": False, "live": False, **values}
    if values.get("live") and state in ("ended", "refused"):
        raise ValueError("a call that is over holds no line")
    return env["ccp.call"].create(
        {
            "res_model": record._name,
            "res_id": record.id,
            "customer_name": contact.name,
            "partner_id": contact.id,
            "user_id": user.id,
            "company_id": env.company.id,
            "flow_id": flow.id,
            "agent_number": AGENT,
            "customer_number": CONNECTS,
            "caller_number": "8000000001",
            "token_digest": digest(uuid.uuid4().hex),
            "header_digest": digest(HEADER),
            "request_outcome": "accepted",
            "state": "ringing_agent",
            "correlation_id": "Xchange-test",
            **values,
        }
    )


class CcpSetup:
    """A company with an account at the sandbox, two reps, a manager, a contact and a lead.

    Each test's log is searched for secrets, tokens, recordings' addresses and full numbers.
    """

    def setUp(self):
        super().setUp()
        self.addCleanup(self._check_logs)
        self.secret_finder = self.enterContext(searching_logs())

    def _check_logs(self):
        self.assertFalse(self.secret_finder.found, "\n".join(self.secret_finder.found[:5]))

    @classmethod
    def _request_handler(cls, session, request, /, **kw):
        # Odoo's own handler cannot compare a timeout of two parts
        if urlsplit(request.url).hostname == "127.0.0.1":
            return _super_send(session, request, **kw)
        return super()._request_handler(session, request, **kw)

    @classmethod
    def set_up_company(cls, env, base_url):
        """Point the current company to a sandbox.

        :param odoo.api.Environment env: where to write
        :param str base_url: the sandbox's address
        :return: the call flow
        """
        company = env.company
        flow = env["ccp.call.flow"].create(
            {
                "name": "Sandbox",
                "code": "SANDBOX-FLOW",
                "caller_number": "8000000001",
                "company_id": company.id,
            }
        )
        company.write(
            {
                "ccp_base_url": base_url,
                "ccp_username": "demo",
                "ccp_password": "p@55w0rd",
                "ccp_customer_id": "SANDBOX-CUSTOMER",
                "ccp_flow_id": flow.id,
                "ccp_recording_hosts": f"*.airtel.in, {base_url}",
                "ccp_calendar_id": False,
                # Tests place calls in a row, to the same few numbers
                **dict.fromkeys(USUAL_LIMITS, 0),
                "ccp_notify_base_url": "http://127.0.0.1:9",
            }
        )
        return flow

    @classmethod
    def set_up_people(cls, env):
        """Make the users, the contact and the lead that tests call with and on."""
        sales = "base.group_user,sales_team.group_sale_salesman_all_leads"
        calls = "base.group_partner_manager,airtel_ccp.group_ccp_user"
        rep = f"{sales},{calls},airtel_ccp.group_ccp_download"
        cls.rep = new_test_user(env, "rep", rep, name="Asha Rep", ccp_phone=AGENT)
        cls.other_rep = new_test_user(env, "other_rep", rep, name="Ravi Rep", ccp_phone=OTHER_AGENT)
        cls.manager = new_test_user(
            env,
            "ccp_manager",
            f"{sales},airtel_ccp.group_ccp_manager,airtel_ccp.group_ccp_download",
            name="Meera Manager",
        )
        cls.plain_user = new_test_user(env, "plain", sales, name="Plain User")
        cls.portal_user = new_test_user(env, "portal_user", "base.group_portal")
        cls.partner = env["res.partner"].create(
            {
                "name": "Priya Sharma",
                "phone": f"+91 {CONNECTS}",
                "country_id": env.ref("base.in").id,
            }
        )
        cls.lead = env["crm.lead"].create(
            {
                "name": "Autumn collection",
                "type": "opportunity",
                "partner_id": cls.partner.id,
                "phone": f"+91 {CONNECTS}",
                "user_id": cls.rep.id,
            }
        )


class CcpCase(CcpSetup, TransactionCase):
    """The addon over a sandbox that answers at once; its reports reach nobody."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls._check_disk)
        cls.sandbox = Sandbox(port=0, speed=10000, callback_attempts=1)
        cls.sandbox.start()
        cls.addClassCleanup(cls.sandbox.stop)
        cls.flow = cls.set_up_company(cls.env, cls.sandbox.url)
        cls.set_up_people(cls.env)
        cls.startClassPatcher(patch.object(Waker, "wake"))
        # It would wait for the test's own transaction
        cls.startClassPatcher(patch.object(route.announcer, "add"))

    @classmethod
    def _check_disk(cls):
        """Find what a test left on disk, which no rollback takes away: later tests take it in."""
        folder = root() / cls.env.cr.dbname
        left = [*Spool(folder).names(), *Decisions(folder).waiting()]
        for name in left:
            (folder / name).unlink()
        if left:
            raise AssertionError(f"left on disk: {left}")

    def setUp(self):
        super().setUp()
        self.sandbox.clear()
        if not self._registry_patched:
            self.registry_enter_test_mode()

    def as_user(self, record, user):
        """Return ``record`` as ``user`` sees it, with an empty cache."""
        self.env.flush_all()
        self.env.invalidate_all()
        return record.with_user(user)

    def place(self, record=None, user=None, field_name="phone"):
        """Click Call, and return the call (as superuser)."""
        record = self.as_user(record or self.lead, user or self.rep)
        result = record.action_ccp_call(field_name)
        self.env.invalidate_all()
        return self.env["ccp.call"].browse(result["call_id"])

    def refusal(self, record=None, user=None, field_name="phone"):
        """Click Call, and return the sentence that says why no call was placed.

        ``assertRaises`` would roll back what the click committed.
        """
        try:
            self.place(record, user, field_name)
        except UserError as error:
            self.env.invalidate_all()
            return error.args[0]
        raise AssertionError("the call was placed")

    def make_call(self, **values):
        """Make the row of a call that Airtel accepted, without asking Airtel."""
        return accepted_call(self.env, self.lead, self.partner, self.rep, self.flow, **values)

    def log_by_hand(self, record=None, user=None, **values):
        """Log a call with the dialog, and return it (as superuser).

        :param values: what is entered in the dialog
        """
        record = record or self.lead
        dialog = self.env["ccp.manual.call"].with_user(user or self.rep)
        dialog.create({"res_model": record._name, "res_id": record.id, **values}).action_log()
        return self.env["ccp.call"].search([("manual", "=", True)], limit=1)

    def delete_reports(self, call):
        """Have a call's reports deleted, as when its company's period is over."""
        days = call.company_id.ccp_keep_reports_days
        start = call.start_date
        call.start_date = fields.Datetime.now() - timedelta(days=3)
        call.company_id.ccp_keep_reports_days = 2
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_delete_old_data()
        self.env.invalidate_all()
        call.start_date = start
        call.company_id.ccp_keep_reports_days = days

    def report(self, call, *reports, fold=True, received_at=None):
        """Have reports arrive as the webhook stores them; then fold.

        :param received_at: when reports came that waited on disk; by default now
        """
        token = f"token-{call.id}"
        call.token_digest = digest(token)
        self.env.flush_all()
        for payload in reports:
            raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            # A cursor for each, as each request has one; a repeat is there already
            with contextlib.suppress(UniqueViolation), self.registry.cursor() as cr:
                self.assertTrue(report_store.store(cr, digest(token), None, raw, received_at))
        self.env.invalidate_all()
        if fold:
            call._fold()

    def end_silent(self, calls):
        """Move the deadlines of calls into the past, and do what the scheduled action does then."""
        waiting = calls.filtered("deadline")
        waiting.deadline = fields.Datetime.now() - timedelta(seconds=1)
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_end_silent_calls()

    def event(self, event, leg, seconds=0, *, event_type="CALL", **meta):
        """Return a real time event (specification 3), ``seconds`` after now."""
        moment = fields.Datetime.now().replace(tzinfo=timezone.utc)
        moment = fields.Datetime.add(moment, seconds=seconds)
        return {
            "eventType": event_type,
            "participantAddress": {"A": AGENT, "B": CONNECTS}.get(leg, leg),
            "participantName": leg,
            "event": event,
            "time": moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "metaData": meta,
        }

    def connected(self):
        """Return the events of a call up to the moment when both talk."""
        return [
            self.event("CalledNumber", "A", 1),
            self.event("Ringing", "A", 2),
            self.event("Answer", "A", 5),
            self.event("CalledNumber", "B", 6),
            self.event("Ringing", "B", 8),
            self.event("Answer", "B", 12),
        ]

    def cdr(self, **values):
        """Return a call data record in the display dialect of a call that connected."""
        return {
            "Session_ID": "5f0c4b1e-0000-4000-8000-000000000001",
            "Client_Correlation_Id": "Xchange5f0c4b1e-0000-4000-8000-000000000001",
            "Overall_Call_Status": "Answered",
            "Caller_Number": AGENT,
            "Destination_Number": CONNECTS,
            "Caller_Status": "Connected",
            "Destination_Status": "Connected",
            "Conversation_Duration": "00:00:42",
            "Overall_Call_Duration": "00:00:54",
            "Hangup_Cause": "USER_INITIATED",
            **values,
        }

    def cards(self, record):
        """Return the chatter cards on a record."""
        return record.message_ids.filtered(
            lambda message: "o_airtel_ccp_card" in (message.body or "")
        )
