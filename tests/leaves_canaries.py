import base64
import json
from unittest.mock import patch

from odoo.tests import Form

from ..ccp.safe.spool import digest
from ..models import report_store
from ..models.spool import spool_of
from .canaries import ADDRESS, DIGITS, NAME, NOTES, SPELLINGS, patterns, search_database
from .common import AGENT, CcpCase
from .test_recording import wav

# Where the canaries are before anything is erased: a search that misses one of these is broken
LEFT = {
    ("bus_bus", "message"),
    ("ccp_call", "customer_name"),
    ("ccp_call", "note"),
    ("ccp_call_change", "after"),
    ("ccp_call_entry", "note"),
    ("ccp_call_event", "payload"),
    ("ccp_call_list_item", "customer_name"),
    ("ccp_history_import", "file"),
    ("ccp_history_import", "text"),
    ("ccp_manual_call", "note"),
    ("mail_activity", "note"),
    ("mail_activity", "summary"),
    ("mail_message", "body"),
}


class CanaryCase(CcpCase):
    """Calls with somebody in every way that the product offers, each with a value of its own."""

    def setUp(self):
        super().setUp()
        self.partner.write({"name": NAME, "phone": SPELLINGS[0]})
        self.lead.write({"name": "Autumn", "phone": SPELLINGS[2], "contact_name": NAME})
        self.other_lead = self.env["crm.lead"].create(
            {"name": "Winter", "partner_id": self.partner.id, "user_id": self.rep.id}
        )
        self.panel = self.env["ccp.panel"].with_user(self.rep)
        self.outcome = self.env["ccp.call.outcome"].create(
            {
                "name": "Call again",
                "activity_type_id": self.env.ref("mail.mail_activity_data_call").id,
                "blacklist": True,
            }
        )
        self.tokens = []

    def patterns(self, *kinds):
        """Return expressions for this test's canaries, see ``canaries.patterns``."""
        return patterns(*self.tokens, *map(digest, self.tokens), kinds=kinds)

    def found(self, *kinds):
        """Return where this test's canaries are in the database, see ``search_database``."""
        self.env.flush_all()
        self.env.cr.precommit.run()
        return search_database(self.env.cr, self.patterns(*kinds))

    def leave_canaries(self):
        """Call the person, and leave what such days leave; return the calls."""
        items = self.env["ccp.call.list.item"].with_user(self.rep)
        items.add_records("res.partner", self.partner.ids)
        items.add_records("crm.lead", self.lead.ids)
        calls = self.placed_call() | self.logged_call() | self.imported_calls()
        self.leave_dialogs(calls[0])
        for spelling in SPELLINGS[1:]:
            self.receive(self.cdr(Destination_Number=spelling, Session_ID=f"lost {spelling}"))
        # A report waits on disk, and another one was set aside
        spool = spool_of(self.env)
        token = self.env.company.ccp_webhook_token
        for number in (SPELLINGS[0], SPELLINGS[3]):
            spool.put(token, None, json.dumps(self.cdr(Destination_Number=number)).encode())
        spool.set_aside(spool.names()[0], "ValueError")
        self.addCleanup(spool.remove_all)
        return calls

    def placed_call(self):
        """Place a call, have all reports come, fetch its recording and write on it."""
        item = self.env["ccp.call.list.item"].with_user(self.rep)._next()
        record = self.as_user(self.lead, self.rep)
        call_id = record.action_ccp_call("phone")["call_id"]
        self.env.invalidate_all()
        call = self.env["ccp.call"].browse(call_id)
        call.list_item_id = item.sudo()
        self.tokens.append(f"token-{call.id}")
        reports = [
            {**each, "participantAddress": each["participantAddress"].replace("7000000101", DIGITS)}
            for each in self.connected()
        ]
        ids = {"Session_ID": "session-1", "Client_Correlation_Id": call.correlation_id}
        self.report(call, *reports, self.cdr(Destination_Number=DIGITS, Recording=ADDRESS, **ids))
        call._store_recording(wav(), "audio/wav")
        self.panel.save_note(call.id, NOTES["panel"], "")
        self.panel.follow_up(call.id, "tomorrow", NOTES["follow-up"])
        # Done without a word, so that its message says its summary alone
        call.follow_up_id.with_user(self.rep).action_feedback()
        # A manager, so that Odoo mails the agent what was planned for him
        own = self.as_user(call, self.manager)
        own._write_note(NOTES["outcome"])
        own._write_outcome(self.outcome.id, confirmed=True)
        call.planned_activity_ids.filtered(
            lambda activity: activity.summary == "Call again"
        ).with_user(self.rep).action_feedback(feedback="two\nlines")
        for record in (self.partner, self.other_lead):
            self.as_user(call, self.manager).link_record(record._name, record.id)
        # Last, or the outcome would take it for the call that was planned and is made
        self.panel.follow_up(call.id, "hour", NOTES["follow-up"])
        return call

    def logged_call(self):
        """Log a call by hand."""
        before = self.env["ccp.call"].search([])
        dialog = self.env["ccp.manual.call"].with_user(self.rep)
        dialog.create(
            {
                "res_model": "crm.lead",
                "res_id": self.lead.id,
                "phone": SPELLINGS[4],
                "note": NOTES["logged"],
            }
        ).action_log()
        return self.env["ccp.call"].search([]) - before

    def past_record(self):
        """Return a record of a call of the past."""
        return self.cdr(
            Destination_Number=DIGITS,
            Session_ID="session-2",
            Client_Correlation_Id="past",
            Recording=ADDRESS,
            Date="01/02/2024",
            Time="10:00:00",
        )

    def imported_calls(self):
        """Import a call of the past."""
        before = self.env["ccp.call"].search([])
        dialog = self.env["ccp.history.import"].with_user(self.manager)
        dialog = dialog.create({"text": json.dumps([self.past_record()])})
        dialog.action_preview()
        dialog.action_import()
        return self.env["ccp.call"].search([]) - before

    def leave_dialogs(self, call):
        """Leave each dialog open that holds something about a call."""
        entries = self.env["ccp.call.entry"].with_user(self.rep)
        dialog = Form(entries.with_context(default_call_id=call.id))
        dialog.note = NOTES["entry"]
        dialog.save()
        self.env["ccp.call.link"].with_user(self.rep).create({"call_id": call.id})
        self.env["ccp.manual.call"].with_user(self.rep).create(
            {"res_model": "crm.lead", "res_id": self.lead.id, "note": NOTES["dialog"]}
        )
        text = json.dumps([self.past_record(), {"Remarks": NOTES["import"]}])
        imports = self.env["ccp.history.import"].with_user(self.manager)
        imports.create({"text": text})
        imports.create({"file": base64.b64encode(text.encode()), "file_name": "calls.json"})

    def receive(self, payload):
        """Have a report come to the account's own address, which belongs to no call."""
        self.env.flush_all()
        with self.registry.cursor() as cr:
            token = self.env.company.ccp_webhook_token
            self.assertTrue(report_store.receive(cr, token, None, json.dumps(payload).encode()))
        report = self.env["ccp.call.event"].search([], limit=1, order="id desc")
        self.assertFalse(report.call_id)
        return report

    def run_retention(self):
        """Run the scheduled action that deletes what is past its period."""
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_delete_old_data()
        self.env.flush_all()
        self.env.invalidate_all()

    def late_reports(self, call, correlation):
        """Return reports about a call as they come when it was erased already."""
        return [
            self.cdr(Destination_Number=DIGITS, Session_ID="session-1", Client_Correlation_Id=""),
            self.cdr(
                Destination_Number=DIGITS,
                Session_ID="another",
                Client_Correlation_Id=correlation,
                Caller_Number=AGENT,
            ),
        ]
