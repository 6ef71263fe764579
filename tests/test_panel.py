from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .common import AGENT, CONNECTS, CcpCase

SECOND = "7000000905"


@tagged("post_install", "-at_install")
class TestPanel(CcpCase):
    """What the rep's panel shows, and what it may do."""

    def setUp(self):
        super().setUp()
        self.call = self.make_call()
        self.panel = self.env["ccp.panel"].with_user(self.rep)
        self.outcome = self.env.ref("airtel_ccp.ccp_call_outcome_interested")

    def shown(self):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.panel.state()["call"]

    def finish(self, call=None):
        self.report(call or self.call, *self.connected(), self.cdr())

    def test_words_for_each_state(self):
        self.assertIn("No report from Airtel yet", self.shown()["message"])
        expected = {
            ("CalledNumber", "A"): "Calling your phone 70xx…01",
            ("Ringing", "A"): "Calling your phone 70xx…01",
            ("Answer", "A"): "You picked up, calling Priya Sharma",
            ("CalledNumber", "B"): "You picked up, calling Priya Sharma",
            ("Ringing", "B"): "You picked up, the phone of Priya Sharma is ringing",
            ("Answer", "B"): "Connected with Priya Sharma",
        }
        for report in self.connected():
            self.report(self.call, report)
            key = report["event"], report["participantName"]
            self.assertEqual(self.shown()["message"], expected[key], key)
        self.assertEqual(self.shown()["state"], "in_call")
        self.assertTrue(self.shown()["answer"])

    def test_customer_was_busy_before_the_call_ends(self):
        self.report(
            self.call,
            self.event("Answer", "A", 1),
            self.event("CalledNumber", "B", 2),
            self.event("Busy", "B", 3),
        )
        self.assertEqual(self.shown()["message"], "Priya Sharma was busy")
        self.assertEqual(self.shown()["state"], "ringing_customer")

    def test_folds_what_waits(self):
        self.report(self.call, *self.connected(), fold=False)
        self.assertEqual(self.shown()["state"], "in_call")

    def test_colour_is_that_of_every_view(self):
        self.assertEqual(self.shown()["tone"], "info")
        self.report(
            self.call,
            self.cdr(
                Overall_Call_Status="Missed",
                Destination_Status="Busy",
                Conversation_Duration="00:00:00",
            ),
        )
        shown = self.shown()
        self.assertEqual((shown["result"], shown["tone"]), ("customer_busy", "secondary"))

    def test_call_stays_until_put_away(self):
        self.panel.dismiss(self.call.id)
        self.assertEqual(self.shown()["id"], self.call.id, "a live call stays")
        self.finish()
        self.assertEqual(self.shown()["result"], "connected")
        self.panel.dismiss(self.call.id)
        self.assertFalse(self.shown())

    def test_old_and_refused_calls_are_not_shown(self):
        self.call.write({"live": False, "state": "refused"})
        self.assertFalse(self.shown())
        self.call.write({"state": "ended", "result": "connected"})
        self.call.start_date -= timedelta(days=1)
        self.assertFalse(self.shown())

    def test_numbers_are_masked(self):
        shown = str(self.shown())
        self.assertNotIn(CONNECTS, shown)
        self.assertNotIn(AGENT, shown)

    def test_last_call(self):
        self.finish()
        self.panel.save_note(self.call.id, "Send a sample", "")
        self.panel.save_outcome(self.call.id, self.outcome.id)
        self.env.flush_all()
        self.make_call()
        last = self.shown()["last"]
        self.assertEqual(
            (last["id"], last["result"], last["outcome"], last["note"]),
            (self.call.id, "Connected", "Interested", "Send a sample"),
        )

    def test_record_out_of_reach(self):
        self.lead.unlink()
        shown = self.shown()
        self.assertFalse(shown["can_open"])
        self.assertEqual(shown["customer"], "Priya Sharma")

    def test_note_is_kept_and_told(self):
        self.report(self.call, *self.connected())
        answer = self.panel.save_note(self.call.id, "<b>Blue</b> cloth", "")
        self.assertEqual(answer, {"saved": True, "note": "<b>Blue</b> cloth"})
        self.assertIn("&lt;b&gt;Blue&lt;/b&gt; cloth", self.cards(self.lead).body)

    def test_other_tabs_are_told(self):
        self.report(self.call, *self.connected())
        for change in (
            lambda: self.panel.save_note(self.call.id, "Blue", ""),
            lambda: self.panel.save_outcome(self.call.id, self.outcome.id),
        ):
            self.env.cr.precommit.run()
            self.env["bus.bus"].search([]).unlink()
            change()
            self.env.cr.precommit.run()
            told = self.env["bus.bus"].search([("message", "like", "airtel_ccp.call")])
            self.assertEqual(len(told), 1)
            self.assertIn("Blue", told.message)

    def test_a_refusal_after_the_answer_says_why(self):
        """The browser shows this sentence in place of the panel."""
        self.call.write({"state": "refused", "live": False, "refusal": "Top up the account."})
        self.assertEqual(self.call._panel_values()["message"], "Top up the account.")

    def test_two_tabs_lose_nothing(self):
        self.panel.save_note(self.call.id, "from the first tab", "")
        answer = self.panel.save_note(self.call.id, "from the second tab", "")
        self.assertEqual(answer, {"saved": False, "note": "from the first tab"})
        both = "from the first tab\nfrom the second tab"
        answer = self.panel.save_note(self.call.id, both, "from the first tab")
        self.assertTrue(answer["saved"])
        self.assertEqual(self.call.note, both)

    def test_same_note_twice_is_no_conflict(self):
        self.panel.save_note(self.call.id, "same", "")
        self.assertTrue(self.panel.save_note(self.call.id, "same", "")["saved"])

    def test_outcome_is_told(self):
        self.finish()
        self.panel.save_outcome(self.call.id, self.outcome.id)
        self.assertEqual(self.call.outcome_id, self.outcome)
        self.assertIn("Interested", self.cards(self.lead).body)
        self.panel.save_outcome(self.call.id, False)
        self.assertFalse(self.call.outcome_id)

    def test_outcome_that_is_not_offered(self):
        self.outcome.active = False
        with self.assertRaises(UserError):
            self.panel.save_outcome(self.call.id, self.outcome.id)

    def test_consequences(self):
        self.finish()
        stage = self.env["crm.stage"].create({"name": "Sample sent"})
        self.outcome.write(
            {
                "activity_type_id": self.env.ref("mail.mail_activity_data_call").id,
                "activity_days": 3,
                "stage_id": stage.id,
                "blacklist": True,
            }
        )
        answer = self.panel.save_outcome(self.call.id, self.outcome.id, True)
        self.assertFalse(answer["warning"])
        self.assertEqual(self.lead.stage_id, stage)
        activity = self.lead.activity_ids
        self.assertEqual(activity.user_id, self.rep)
        self.assertEqual(activity.date_deadline - fields.Date.today(), timedelta(days=3))
        self.assertTrue(
            self.env["phone.blacklist"].search_count([("number", "=", f"+91{CONNECTS}")])
        )
        self.panel.save_outcome(self.call.id, self.outcome.id)
        self.assertEqual(len(self.lead.activity_ids), 1, "once for an outcome")

    def test_lost(self):
        reason = self.env["crm.lost.reason"].create({"name": "Wrong number"})
        self.outcome.lost_reason_id = reason
        self.finish()
        self.panel.save_outcome(self.call.id, self.outcome.id)
        self.assertFalse(self.lead.active)
        self.assertEqual(self.lead.lost_reason_id, reason)

    def test_consequence_that_cannot_be_done(self):
        """The outcome stays, and the rep is warned."""
        self.outcome.stage_id = self.env["crm.stage"].create({"name": "Far"})
        self.env["ir.rule"].create(
            {
                "name": "nobody writes leads",
                "model_id": self.env.ref("crm.model_crm_lead").id,
                "domain_force": "[(0, '=', 1)]",
                "perm_read": False,
            }
        )
        self.finish()
        answer = self.panel.save_outcome(self.call.id, self.outcome.id)
        self.assertIn("could not be done", answer["warning"])
        self.assertEqual(self.call.outcome_id, self.outcome)

    def test_planned_activity_is_done_by_the_call(self):
        planned = self.lead.activity_schedule(
            "mail.mail_activity_data_call", user_id=self.rep.id, summary="Call about the sample"
        )
        other = self.lead.activity_schedule("mail.mail_activity_data_todo", user_id=self.rep.id)
        self.env.flush_all()
        self.call.start_date = fields.Datetime.now() + timedelta(seconds=1)
        self.finish()
        self.panel.save_outcome(self.call.id, self.outcome.id)
        self.assertFalse(planned.exists() and planned.active)
        self.assertTrue(other.active)
        done = self.lead.message_ids.filtered(lambda message: "00:42" in (message.body or ""))
        self.assertTrue(any("Interested" in message.body for message in done))

    def test_planned_activity_is_done_without_an_outcome(self):
        planned = self.lead.activity_schedule("mail.mail_activity_data_call", user_id=self.rep.id)
        self.env.flush_all()
        self.call.start_date = fields.Datetime.now() + timedelta(seconds=1)
        self.finish()
        consume = self.env["ccp.call"]._cron_consume_activities
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            consume()
            self.assertTrue(planned.active, "the rep may still be choosing")
            self.call.end_date -= timedelta(minutes=20)
            consume()
        self.assertFalse(planned.exists() and planned.active)

    def test_planned_activity_stays_when_nobody_was_reached(self):
        planned = self.lead.activity_schedule("mail.mail_activity_data_call", user_id=self.rep.id)
        self.report(
            self.call,
            self.cdr(
                Overall_Call_Status="Missed",
                Destination_Status="Busy",
                Conversation_Duration="00:00:00",
            ),
        )
        self.panel.save_outcome(self.call.id, self.outcome.id)
        self.assertTrue(planned.active)

    def test_only_the_own_calls(self):
        for user in (self.other_rep, self.manager, self.plain_user, self.portal_user):
            panel = self.env["ccp.panel"].with_user(user)
            for name, arguments in (
                ("save_note", (self.call.id, "x", "")),
                ("save_outcome", (self.call.id, self.outcome.id)),
                ("dismiss", (self.call.id,)),
                ("close", (self.call.id,)),
                ("follow_up", (self.call.id, "hour")),
            ):
                with self.subTest(user=user.login, method=name), self.assertRaises(AccessError):
                    getattr(panel, name)(*arguments)
        for user in (self.plain_user, self.portal_user):
            panel = self.env["ccp.panel"].with_user(user)
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                panel.state()
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                panel.find("Priya")

    def test_close_frees_the_line(self):
        self.panel.close(self.call.id)
        self.assertRecordValues(self.call, [{"live": False, "result": "no_report"}])

    def test_find(self):
        found = self.panel.find("priya")
        self.assertIn(
            ("res.partner", self.partner.id),
            [(each["res_model"], each["res_id"]) for each in found],
        )
        self.assertNotIn(CONNECTS, str(found))


@tagged("post_install", "-at_install")
class TestNumbers(CcpCase):
    """Several numbers: the rep chooses, and the server reads the number itself."""

    def offered(self, record, field_name=None):
        return self.env["ccp.call"].with_user(self.rep).place(record._name, record.id, field_name)

    def test_one_number_is_called_at_once(self):
        self.assertIn("call_id", self.offered(self.lead, "phone"))

    def test_two_numbers_in_a_field(self):
        self.lead.phone = "7000000101 / 7000000103"
        choices = self.offered(self.lead, "phone")["choices"]
        self.assertEqual([each["phone"] for each in choices], ["70000 00101", "70000 00103"])
        self.assertFalse(self.sandbox.calls())
        self.env["ccp.call"].with_user(self.rep).place(
            "crm.lead", self.lead.id, "phone", choice=choices[1]["key"]
        )
        participants = self.sandbox.calls()[0]["body"]["callFlowConfiguration"]["addParticipant_1"][
            "participants"
        ]
        self.assertEqual([each["participantAddress"] for each in participants], ["7000000103"])

    def test_numbers_of_company_and_people(self):
        company = self.env["res.partner"].create(
            {"name": "Sharma Textiles", "is_company": True, "phone": "7000000104"}
        )
        self.partner.parent_id = company
        child = self.env["res.partner"].create(
            {"name": "Dev Sharma", "parent_id": self.partner.id, "phone": "7000000105"}
        )
        self.env.flush_all()
        choices = self.offered(self.lead)["choices"]
        self.assertEqual(
            {each["owner"] for each in choices},
            {self.lead.display_name, company.display_name, child.display_name},
        )

    def test_last_that_connected_comes_first(self):
        self.lead.phone = "7000000101 / 7000000103"
        self.make_call(live=False, state="ended", result="connected", customer_number="7000000103")
        choices = self.offered(self.lead, "phone")["choices"]
        self.assertEqual(choices[0]["phone"], "70000 00103")

    def test_smuggled_choice(self):
        stranger = self.env["res.partner"].create({"name": "Stranger", "phone": "7000000106"})
        for choice in (
            f"res.partner,{stranger.id},phone,0",
            "7000000106",
            "crm.lead,0,phone,0",
            "x",
            "9" * 999,
        ):
            with self.subTest(choice=choice[:30]), self.assertRaises(UserError):
                self.env["ccp.call"].with_user(self.rep).place(
                    "crm.lead", self.lead.id, "phone", choice=choice
                )
        self.assertFalse(self.sandbox.calls())

    def test_second_phones(self):
        self.flow.write({"second_agent_phone": True, "second_customer_phone": True})
        self.rep.ccp_second_phone = SECOND
        self.lead.phone = "7000000101 / 7000000103"
        key = self.offered(self.lead, "phone")["choices"][0]["key"]
        answer = (
            self.env["ccp.call"]
            .with_user(self.rep)
            .place("crm.lead", self.lead.id, "phone", choice=key)
        )
        body = self.sandbox.calls()[0]["body"]["callFlowConfiguration"]
        self.assertEqual(
            [each["participantAddress"] for each in body["initiateCall_1"]["participants"]],
            [AGENT, SECOND],
        )
        self.assertEqual(
            [each["participantAddress"] for each in body["addParticipant_1"]["participants"]],
            ["7000000101", "7000000103"],
        )
        call = self.env["ccp.call"].browse(answer["call_id"])
        self.report(call, self.event("Answer", SECOND, 3))
        self.assertEqual(call.state, "ringing_customer")


@tagged("post_install", "-at_install")
class TestManualCall(CcpCase):
    """Calls made outside are logged by hand, and marked as such."""

    def log(self, **values):
        return (
            self.env["ccp.manual.call"]
            .with_user(self.rep)
            .create(
                {
                    "res_model": "crm.lead",
                    "res_id": self.lead.id,
                    "start_date": fields.Datetime.now() - timedelta(hours=1),
                    "duration": 2.5,
                    "note": "Called from the car",
                    "outcome_id": self.env.ref("airtel_ccp.ccp_call_outcome_interested").id,
                    **values,
                }
            )
        )

    def test_log(self):
        self.log().action_log()
        call = self.env["ccp.call"].search([("manual", "=", True)])
        self.assertRecordValues(
            call,
            [
                {
                    "state": "ended",
                    "result": "connected",
                    "talk_seconds": 150,
                    "live": False,
                    "user_id": self.rep.id,
                    "partner_id": self.partner.id,
                }
            ],
        )
        card = self.cards(self.lead)
        self.assertIn("Logged by hand", card.body)
        self.assertIn("Called from the car", card.body)
        call._fold()
        self.assertEqual(call.result, "connected")

    def test_bad_input(self):
        for values in (
            {"start_date": fields.Datetime.now() + timedelta(hours=1)},
            {"duration": -1},
            {"duration": 99999},
        ):
            with self.subTest(values=values), self.assertRaises(ValidationError):
                self.log(**values)
        for values in ({"res_model": "no.model"}, {"res_id": 0}):
            with self.subTest(values=values), self.assertRaises(UserError):
                self.log(**values).action_log()

    def test_rights(self):
        with self.assertRaises(AccessError):
            self.log().with_user(self.plain_user).action_log()
