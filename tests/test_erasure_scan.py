import json

from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from ..models import report_store
from ..models.spool import spool_of
from .canaries import NOTES, search_folder
from .leaves_canaries import LEFT, CanaryCase

# The person itself, whom its owner edits or deletes, and what keeps the number from being called
STAYS = {
    ("res_partner", "name"),
    ("res_partner", "complete_name"),
    ("res_partner", "email_normalized"),
    ("res_partner", "phone"),
    ("res_partner", "phone_sanitized"),
    ("crm_lead", "contact_name"),
    ("crm_lead", "partner_name"),
    ("crm_lead", "phone"),
    ("crm_lead", "phone_sanitized"),
    ("phone_blacklist", "number"),
}


@tagged("post_install", "-at_install")
class TestErasureScan(CanaryCase):
    """After an erasure no column of any table, and no file, says who was called."""

    def setUp(self):
        super().setUp()
        self.before = set(self.found())

    def erase(self):
        erasure = self.env["ccp.erasure"].with_user(self.manager)
        erasure.create({"partner_id": self.partner.id}).action_erase()
        self.env.cr.postcommit.run()
        self.env.invalidate_all()

    def test_nothing_is_left(self):
        calls = self.leave_canaries()
        call, spool = calls[0], spool_of(self.env)
        correlation = call.correlation_id
        missing = LEFT - set(self.found())
        self.assertFalse(missing, "the search sees each of them")
        self.assertEqual(len(search_folder(spool.folder, self.patterns())), 2)
        self.erase()
        left = {place: kinds for place, kinds in self.found().items() if place not in STAYS}
        self.assertEqual(left, {})
        self.assertLessEqual(set(self.found()), self.before | STAYS)
        self.assertEqual(search_folder(spool.folder, self.patterns()), {})
        self.assertTrue(calls.exists() and all(calls.mapped("erased")))
        self.assert_sealed(call)
        self.assert_not_known_again(call, correlation)

    def assert_sealed(self, call):
        """Check that an erased call says so, and takes nothing any more."""
        self.assertRecordValues(
            call, [{"erased": True, "recording_state": "erased", "result": "connected"}]
        )
        own = self.as_user(call, self.rep)
        self.assertFalse(own.may_be_changed)
        told = own.timeline_html
        self.assertIn("erased on request", told)
        self.assertNotIn("no report", told)
        entry = self.env["ccp.call.entry"].with_user(self.rep)
        for name, way in {
            "note": lambda: self.panel.save_note(call.id, NOTES["panel"], ""),
            "outcome": lambda: self.panel.save_outcome(call.id, self.outcome.id),
            "taken back": lambda: self.panel.save_outcome(call.id, False),
            "link": lambda: own.link_record("crm.lead", self.lead.id),
            "dialog": lambda: Form(entry.with_context(default_call_id=call.id)),
            "follow-up": lambda: self.panel.follow_up(call.id, "tomorrow"),
        }.items():
            with self.subTest(way=name), self.assertRaises(UserError):
                way()
        self.assertEqual(self.found("note"), {})

    def assert_not_known_again(self, call, correlation):
        """Check that nothing that comes later says whom an erased call was with."""
        rows = self.env["ccp.call"].search_count([])
        reports = self.late_reports(call, correlation)
        # At the call's own address, at the account's, and from the disk
        with self.registry.cursor() as cr:
            for report in reports:
                raw = json.dumps(report).encode()
                self.assertFalse(report_store.receive(cr, self.tokens[0], None, raw))
        for report in reports:
            self.receive(report)
        self.env["ccp.call.event"]._match()
        spool = spool_of(self.env)
        spool.put(self.tokens[0], None, json.dumps(reports[0]).encode())
        spool.put(self.env.company.ccp_webhook_token, None, json.dumps(reports[1]).encode())
        for name in spool.names():
            self.assertTrue(self.env["ccp.call.event"]._replay_one(spool, name))
            spool.remove(name)
        self.env["ccp.call.event"]._match()
        # An answer that Airtel took its time for
        call._settle(
            call.id,
            {"request_outcome": "accepted", "correlation_id": correlation},
            {"status": 200, "seconds": 1},
        )
        call._fold()
        call.with_user(self.env.ref("base.user_admin")).sudo().action_fold_again()
        call._notify_anew()
        call._forget_unwanted_recording(call._timeline())
        dialog = self.env["ccp.history.import"].with_user(self.manager)
        dialog = dialog.create({"text": json.dumps([self.past_record(), reports[0]])})
        dialog.action_preview()
        with self.assertRaisesRegex(UserError, "no new call"):
            dialog.action_import()
        dialog.unlink()
        self.assertEqual(self.env["ccp.call"].search_count([]), rows)
        self.assertFalse(call.correlation_id or call.session_id or call.event_ids)
        self.assertLessEqual(set(self.found()), self.before | STAYS)

    def test_a_call_without_ids_is_not_known_again(self):
        """Airtel never answered: the agent's number and the moment say which call it was."""
        call = self.place(self.lead)
        call.write({"correlation_id": False, "session_id": False})
        call._close()
        self.erase()
        self.assertFalse(call.erased_ids)
        late = self.receive(self.cdr(Destination_Number="7000000198"))
        self.env["ccp.call.event"]._match()
        self.assertFalse(late.exists())
        another = self.receive(self.cdr(Caller_Number="7000000111"))
        self.env["ccp.call.event"]._match()
        self.assertTrue(another.exists())

    def test_while_past_calls_are_imported(self):
        self.place(self.lead)._close()
        dialog = self.env["ccp.history.import"].create({"text": "[]", "state": "saving"})
        with self.assertRaisesRegex(UserError, "being imported"):
            self.erase()
        self.assertTrue(dialog.exists())

    def test_others_keep_theirs(self):
        """An activity that somebody planned, another person's entry and unmatched report stay."""
        other = self.env["res.partner"].create({"name": "Other", "phone": "7000000104"})
        self.env["ccp.call.list.item"].with_user(self.rep).add_records("res.partner", other.ids)
        planned = self.lead.activity_schedule("mail.mail_activity_data_call", user_id=self.rep.id)
        report = self.receive(self.cdr(Destination_Number="7000000104"))
        spool = spool_of(self.env)
        spool.make_token()
        spool.put(self.env.company.ccp_webhook_token, None, b'{"Destination_Number": "7000000104"}')
        self.addCleanup(spool.remove_all)
        self.report(self.make_call(live=False, customer_number="7000000198"), *self.connected())
        self.erase()
        self.assertTrue(planned.active and report.exists() and spool.names())
        self.assertEqual(self.env["ccp.call.list.item"].search([]).mapped("res_id"), other.ids)

    def test_another_record_in_the_log_of_changes(self):
        """A call was moved from this person to another one: its log names both."""
        stranger = self.env["res.partner"].create({"name": "Other", "phone": "7000000104"})
        call = self.place(stranger)
        call._close()
        call.write({"res_model": "res.partner", "res_id": self.partner.id})
        self.as_user(call, self.manager).link_record("res.partner", stranger.id)
        self.assertTrue(self.found("name").get(("ccp_call_change", "before")))
        self.erase()
        self.assertFalse(self.found("name").get(("ccp_call_change", "before")))
        self.assertEqual(call.change_ids.after, "Other")
        self.assertFalse(call.erased)
