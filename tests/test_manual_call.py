from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .common import AGENT, CONNECTS, CcpCase

OTHER = "7000000102"


class ManualCallCase(CcpCase):
    """Calls are logged by the dialog, as a rep does."""

    def dialog(self, record=None, user=None):
        """Open the dialog on a record."""
        record = record or self.lead
        self.env.flush_all()
        self.env.invalidate_all()
        dialogs = self.env["ccp.manual.call"].with_user(user or self.rep)
        return Form(dialogs.with_context(default_res_model=record._name, default_res_id=record.id))

    def log(self, record=None, user=None, **values):
        """Fill in the dialog, press Log call, and return the call and what the button gave."""
        form = self.dialog(record, user)
        for name, value in values.items():
            setattr(form, name, value)
        before = self.env["ccp.call"].search([], limit=1).id or 0
        answer = form.save().action_log()
        self.env.flush_all()
        return self.env["ccp.call"].search([("id", ">", before)]), answer


@tagged("post_install", "-at_install")
class TestManualCallNumber(ManualCallCase):
    """A call that was logged by hand has a number like any other call."""

    def test_the_number_is_offered_and_kept(self):
        form = self.dialog()
        self.assertEqual(form.phone, "70000 00101")
        self.assertEqual(
            [each["phone"] for each in form.offered_phones],
            ["70000 00101"],
        )
        call, answer = self.log(duration=2)
        self.assertEqual(answer, {"type": "ir.actions.act_window_close"})
        self.assertRecordValues(call, [{"manual": True, "customer_number": CONNECTS}])
        found = self.env["ccp.call"].search([("phone_search", "ilike", "0101")])
        self.assertEqual(found, call)
        self.assertIn("70xx…01", self.cards(self.lead).body)

    def test_every_number_of_the_record_is_offered(self):
        self.lead.phone = f"{CONNECTS} / {OTHER}"
        form = self.dialog()
        phones = [each["phone"] for each in form.offered_phones]
        self.assertEqual(phones, ["70000 00101", "70000 00102"])
        form.phone = phones[1]
        form.save().action_log()
        self.assertEqual(self.env["ccp.call"].search([], limit=1).customer_number, OTHER)

    def test_another_number_is_checked(self):
        for text in ("+91 98765-43210", "09876543210", "98765 43210"):
            with self.subTest(text):
                self.assertEqual(self.log(phone=text)[0].customer_number, "9876543210")
        for text in ("12345", "98765 43210 / 98765 43211", "+1 415 555 2671", "somebody"):
            with self.subTest(text), self.assertRaisesRegex(UserError, "not one Indian phone"):
                self.log(phone=text)
        with self.assertRaisesRegex(UserError, "your own phone"):
            self.log(phone=AGENT)

    def test_required_where_the_record_has_one(self):
        wizard = self.env["ccp.manual.call"].with_user(self.rep)
        values = {"res_model": "crm.lead", "res_id": self.lead.id}
        with self.assertRaisesRegex(UserError, "Choose the number"):
            wizard.create({**values, "phone": False}).action_log()
        with self.assertRaises(AssertionError):
            self.log(phone=False)
        # Over RPC the number may be left out: it is the record's then
        wizard.create(values).action_log()
        self.assertEqual(self.env["ccp.call"].search([], limit=1).customer_number, CONNECTS)

    def test_a_record_without_a_number(self):
        nobody = self.env["res.partner"].create({"name": "No phone"})
        call, _answer = self.log(nobody)
        self.assertFalse(call.customer_number)

    def test_erasure(self):
        self.log(duration=1, note="private")
        call = self.env["ccp.call"].search([], limit=1)
        stranger = self.env["res.partner"].create({"name": "S", "phone": f"+91{CONNECTS}"})
        wizard = self.env["ccp.erasure"].with_user(self.manager)
        self.env.flush_all()
        wizard.create({"partner_id": stranger.id}).action_erase()
        self.assertTrue(call.erased)
        self.assertFalse(call.customer_number or call.note)

    def test_cap(self):
        self.env.company.ccp_number_daily_limit = 1
        self.log()
        self.assertIn("reached the daily limit for one number", self.refusal())

    def test_an_incoming_one_is_no_attempt(self):
        self.env.company.ccp_number_daily_limit = 1
        self.log(direction="inbound")
        self.assertEqual(self.place().request_outcome, "accepted")


@tagged("post_install", "-at_install")
class TestManualCallStory(ManualCallCase):
    """What came of it: who missed whom, when, and what follows."""

    def test_missed_incoming(self):
        call, _answer = self.log(direction="inbound")
        self.assertEqual((call.direction, call.result), ("inbound", "agent_no_answer"))
        self.assertEqual((call.attempts, call.agent_failures), (0, 0))
        body = self.cards(self.lead).body
        self.assertIn("Missed call from Priya Sharma", body)
        for text in (body, call.with_user(self.rep).timeline_html):
            self.assertIn("Asha Rep did not pick up", text)
            self.assertNotIn("Call to", text)
            self.assertNotIn("Priya Sharma did not pick up", text)
        self.assertEqual(call.display_name, "Call from Priya Sharma")
        call._fold()
        self.assertEqual(call.result, "agent_no_answer")

    def test_incoming_that_connected(self):
        call, _answer = self.log(direction="inbound", duration=2.5)
        self.assertEqual(call.result, "connected")
        body = self.cards(self.lead).body
        self.assertIn("Call from", body)
        self.assertIn("talked for 02:30", body)

    def test_outgoing(self):
        call, _answer = self.log()
        self.assertEqual(call.result, "customer_no_answer")
        body = self.cards(self.lead).body
        self.assertIn("Asha Rep called Priya Sharma", body)
        self.assertIn("Priya Sharma did not pick up", body)

    def test_right_after_it(self):
        """Whoever types the duration only, talked until now."""
        form = self.dialog()
        form.duration = 60
        start = form.start_date
        before = fields.Datetime.now() - timedelta(minutes=60)
        self.assertLess(abs(start - before), timedelta(seconds=30))
        form.save().action_log()
        call = self.env["ccp.call"].search([], limit=1)
        self.assertEqual(call.talk_seconds, 3600)
        self.assertLessEqual(call.end_date, fields.Datetime.now())

    def test_a_time_that_was_entered_stays(self):
        form = self.dialog()
        entered = fields.Datetime.now() - timedelta(hours=5)
        form.start_date = entered
        form.duration = 60
        self.assertEqual(form.start_date, entered)

    def test_the_end_may_not_lie_in_the_future(self):
        now = fields.Datetime.now()
        for values, words in (
            ({"start_date": now, "duration": 60}, "would end in the future"),
            ({"start_date": now - timedelta(minutes=59), "duration": 60}, "would end in the"),
            ({"start_date": now + timedelta(hours=1)}, "cannot be logged for a time in the future"),
            ({"duration": 1441}, "correct its duration"),
            ({"duration": -1}, "correct its duration"),
        ):
            with self.subTest(values), self.assertRaisesRegex(ValidationError, words):
                self.env["ccp.manual.call"].with_user(self.rep).create(
                    {"res_model": "crm.lead", "res_id": self.lead.id, **values}
                )

    def test_never_again(self):
        outcome = self.env.ref("airtel_ccp.ccp_call_outcome_do_not_call")
        call, answer = self.log(outcome_id=outcome, duration=1)
        self.assertEqual(answer["res_model"], "ccp.call.entry")
        self.assertFalse(call.outcome_id)
        self.assertFalse(self.env["phone.blacklist"].search([]))
        entry = self.env["ccp.call.entry"].with_user(self.rep).browse(answer["res_id"])
        self.assertIn("Never call", entry.question)
        entry.action_confirm()
        self.assertEqual(call.outcome_id, outcome)
        self.assertIn("blacklist", self.refusal())
        listed = self.env["phone.blacklist"].search([]).mapped("number")
        self.assertEqual(listed, [f"+91{CONNECTS}"])

    def test_an_outcome_whose_consequence_is_not_allowed(self):
        """The call is logged, and a warning says what is left to do."""
        outcome = self.env["ccp.call.outcome"].create(
            {"name": "Won", "stage_id": self.env["crm.stage"].search([], limit=1).id}
        )
        self.env["ir.rule"].create(
            {
                "name": "Leads are read only",
                "model_id": self.env["ir.model"]._get_id("crm.lead"),
                "domain_force": "[(0, '=', 1)]",
                "perm_read": False,
                "perm_create": False,
                "perm_unlink": False,
            }
        )
        call, answer = self.log(outcome_id=outcome, duration=1)
        self.assertEqual(call.outcome_id, outcome)
        self.assertEqual(answer["tag"], "display_notification")
        self.assertIn("The outcome is saved, but", answer["params"]["message"])
        self.assertEqual(answer["params"]["next"], {"type": "ir.actions.act_window_close"})
        self.assertIn("Won", self.cards(self.lead).body)

    def test_outcome_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        outcome = self.env["ccp.call.outcome"].create({"name": "Theirs", "company_id": other.id})
        archived = self.env["ccp.call.outcome"].create({"name": "Old", "active": False})
        before = self.env["ccp.call"].search_count([])
        about = {"res_model": "crm.lead", "res_id": self.lead.id}
        dialogs = self.env["ccp.manual.call"].with_user(self.rep)
        with self.assertRaisesRegex(AccessError, "may not see"):
            dialogs.create({**about, "outcome_id": outcome.id})
        with self.assertRaisesRegex(UserError, "not offered any more"):
            dialogs.create({**about, "outcome_id": archived.id}).action_log()
        self.assertEqual(self.env["ccp.call"].search_count([]), before)

    def test_an_invented_call_answers_for_no_other(self):
        """An outcome that is needed cannot be passed by logging a call that has one."""
        self.env.company.ccp_require_outcome = True
        call = self.place()
        self.report(call, *self.connected(), self.cdr())
        self.assertIn("has no outcome yet", self.refusal())
        self.log(outcome_id=self.env.ref("airtel_ccp.ccp_call_outcome_interested"), duration=3)
        self.assertIn("has no outcome yet", self.refusal())
        call.outcome_id = self.env.ref("airtel_ccp.ccp_call_outcome_interested")
        self.log(duration=3)
        self.assertEqual(self.place().request_outcome, "accepted")

    def test_models_that_hold_no_records(self):
        for name in ("ccp.dialer", "mail.thread", "no.model"):
            wizard = self.env["ccp.manual.call"].with_user(self.rep)
            with self.subTest(name), self.assertRaisesRegex(UserError, "does not exist"):
                wizard.create({"res_model": name, "res_id": 1}).action_log()

    def test_a_record_that_may_not_be_read(self):
        lead = self.env["crm.lead"].create({"name": "Secret", "phone": f"+91{OTHER}"})
        self.env["ir.rule"].create(
            {
                "name": "Not this one",
                "model_id": self.env["ir.model"]._get_id("crm.lead"),
                "domain_force": f"[('id', '!=', {lead.id})]",
            }
        )
        wizard = (
            self.env["ccp.manual.call"]
            .with_user(self.rep)
            .create({"res_model": "crm.lead", "res_id": lead.id})
        )
        self.assertFalse(wizard.phone or wizard.offered_phones)
        with self.assertRaises(AccessError):
            wizard.action_log()
