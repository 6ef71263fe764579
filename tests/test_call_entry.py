import json
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .common import CONNECTS, CcpCase

SECOND = "7000000103"
HOSTILE = "budget <5 lakh & >2\nwants <Tuesday>\n<a href='https://evil.example'>Log in again</a>"


class EntryCase(CcpCase):
    """A call that connected, and an outcome that blacklists."""

    def setUp(self):
        super().setUp()
        self.panel = self.env["ccp.panel"].with_user(self.rep)
        self.interested = self.env.ref("airtel_ccp.ccp_call_outcome_interested")
        self.never = self.env["ccp.call.outcome"].create({"name": "Never", "blacklist": True})
        self.call = self.finished()

    def finished(self, **values):
        call = self.make_call(**values)
        self.report(call, *self.connected(), self.cdr())
        return call

    def save(self, outcome, confirmed=False, call=None):
        answer = self.panel.save_outcome((call or self.call).id, outcome and outcome.id, confirmed)
        self.env.flush_all()
        self.env.invalidate_all()
        return answer

    def is_blacklisted(self, digits=CONNECTS):
        return bool(self.env["phone.blacklist"].search_count([("number", "=", f"+91{digits}")]))

    def bus(self, kind):
        self.env.cr.precommit.run()
        return self.env["bus.bus"].search([("message", "like", f'"{kind}"')])


@tagged("post_install", "-at_install")
class TestBlacklist(EntryCase):
    """Blacklisting asks once, says what it did, and is taken back with the outcome that did it."""

    def test_asks_once(self):
        offered = {each["id"]: each["blacklist"] for each in self.panel.state()["outcomes"]}
        self.assertEqual((offered[self.never.id], offered[self.interested.id]), (True, False))
        answer = self.save(self.never)
        self.assertIn("Never call 70000 00101 again?", answer["confirm"])
        self.assertEqual((answer["outcome_id"], answer["warning"]), (False, ""))
        self.assertFalse(self.call.outcome_id or self.is_blacklisted())
        answer = self.save(self.never, confirmed=True)
        self.assertNotIn("confirm", answer)
        self.assertIn("70000 00101 will not be called again.", answer["notice"])
        self.assertEqual(self.call.outcome_id, self.never)
        self.assertTrue(self.is_blacklisted())

    def test_asks_nothing_about_a_number_that_is_listed_already(self):
        self.env["phone.blacklist"].create({"number": f"+91{CONNECTS}"})
        self.assertNotIn("confirm", self.save(self.never))
        self.assertIn("stays on the phone blacklist", self.save(False)["notice"])
        self.assertTrue(self.is_blacklisted(), "it was there before")

    def test_taken_back_and_corrected(self):
        for other in (False, self.interested):
            with self.subTest(other=other):
                self.save(self.never, confirmed=True)
                answer = self.save(other)
                self.assertIn("70000 00101 can be called again.", answer["notice"])
                self.assertFalse(self.is_blacklisted())
                self.assertTrue(self.place())
                self.env["ccp.call"].search([("live", "=", True)])._close()

    def test_another_call_still_holds_it(self):
        other = self.finished()
        self.save(self.never, confirmed=True)
        self.save(self.never, confirmed=True, call=other)
        self.assertIn("stays on the phone blacklist", self.save(False)["notice"])
        self.assertTrue(self.is_blacklisted(), "the other call holds it")
        self.save(self.interested, call=other)
        self.assertFalse(self.is_blacklisted())

    def test_all_numbers_of_the_call(self):
        self.call.customer_second_number = SECOND
        self.assertIn("70000 00101 and 70000 00103", self.save(self.never)["confirm"])
        self.save(self.never, confirmed=True)
        self.assertTrue(self.is_blacklisted() and self.is_blacklisted(SECOND))
        self.save(False)
        self.assertFalse(self.is_blacklisted() or self.is_blacklisted(SECOND))

    def test_a_call_without_a_number_says_so(self):
        self.call.customer_number = False
        self.assertIn("Nothing was blacklisted", self.save(self.never)["warning"])

    def test_confirmation_is_no_way_around_the_offer(self):
        self.never.company_id = self.env["res.company"].create({"name": "Other"})
        with self.assertRaises(UserError):
            self.panel.save_outcome(self.call.id, self.never.id, True)


@tagged("post_install", "-at_install")
class TestConsequences(EntryCase):
    """What follows from an outcome: once, in our words, and as plain text."""

    def setUp(self):
        super().setUp()
        self.todo = self.env.ref("mail.mail_activity_data_todo")

    def test_a_note_stays_what_was_typed(self):
        self.interested.activity_type_id = self.todo
        self.panel.save_note(self.call.id, HOSTILE, "")
        self.save(self.interested)
        note = self.lead.activity_ids.note
        for text in (
            "budget &lt;5 lakh &amp; &gt;2<br>",
            "wants &lt;Tuesday&gt;<br>",
            "&lt;a href=",
        ):
            self.assertIn(text, note)
        self.assertNotIn("<a", note)

    def test_names_stay_what_was_typed(self):
        """Plain text in what Odoo writes into its own chatters."""
        self.rep.name = "<b>Asha</b>"
        self.never.name = "<i>Never</i>"
        planned = self.lead.activity_schedule("mail.mail_activity_data_call", user_id=self.rep.id)
        self.env.flush_all()
        self.call.start_date = fields.Datetime.now() + timedelta(seconds=1)
        self.save(self.never, confirmed=True)
        self.assertFalse(planned.active)
        entry = self.env["phone.blacklist"].search([("number", "=", f"+91{CONNECTS}")])
        self.save(False)
        bodies = "".join((entry.message_ids | self.lead.message_ids).mapped("body"))
        self.assertIn("&lt;i&gt;Never&lt;/i&gt;", bodies)
        self.assertNotIn("<i>", bodies)
        self.assertNotIn("<b>", bodies)

    def test_once(self):
        self.interested.activity_type_id = self.todo
        self.save(self.interested)
        answer = self.save(False)
        self.assertIn("the activity Interested", answer["warning"])
        self.save(self.interested)
        self.assertEqual(len(self.lead.activity_ids), 1)

    def test_what_stays_is_said(self):
        stage = self.env["crm.stage"].create({"name": "Sample sent"})
        reason = self.env["crm.lost.reason"].create({"name": "Too dear"})
        self.interested.write({"stage_id": stage.id, "lost_reason_id": reason.id})
        self.save(self.interested)
        warning = self.save(False)["warning"]
        self.assertIn("the lead's stage Sample sent", warning)
        self.assertIn("the lead's mark as lost", warning)
        self.assertEqual(self.save(self.never, confirmed=True)["warning"], "")

    def test_stage_of_another_team(self):
        mine, other = self.env["crm.team"].create([{"name": "Mine"}, {"name": "Other"}])
        stage = self.env["crm.stage"].create({"name": "Far", "team_ids": other.ids})
        self.interested.stage_id = stage
        for team, moves in ((mine, False), (mine.browse(), False), (other, True)):
            self.lead.team_id = team
            before = self.lead.stage_id
            with self.subTest(team=team.name):
                answer = self.save(self.interested)
                self.assertEqual(self.lead.stage_id, stage if moves else before)
                self.assertEqual("has no stage Far" in answer["warning"], not moves)
                self.save(False)
        stage.team_ids = False
        self.lead.write({"team_id": mine.id, "stage_id": before.id})
        self.assertEqual(self.save(self.interested)["warning"], "")

    def test_refusals_are_our_sentences(self):
        self.interested.write(
            {
                "activity_type_id": self.todo.id,
                "stage_id": self.env["crm.stage"].create({"name": "Near"}).id,
                "lost_reason_id": self.env["crm.lost.reason"].create({"name": "Dear"}).id,
                "blacklist": True,
            }
        )
        self.env["ir.rule"].create(
            {
                "name": "nobody writes leads",
                "model_id": self.env.ref("crm.model_crm_lead").id,
                "domain_force": "[(0, '=', 1)]",
                "perm_read": False,
            }
        )
        answer = self.save(self.interested, confirmed=True)
        for what in ("the activity To-Do", "moving the lead to Near", "marking the lead lost"):
            self.assertIn(f"but {what} could not be done: you may not change", answer["warning"])
        for word in ("Operation", "Document type", "Records:", "crm.lead"):
            self.assertNotIn(word, answer["warning"])
        self.assertTrue(self.is_blacklisted(), "what fails stops nothing else")
        self.assertEqual(self.call.outcome_id, self.interested)

    def test_a_record_out_of_reach(self):
        """The clicks that meet it are answered in our words."""
        self.env["ir.rule"].create(
            {
                "name": "nobody reads leads",
                "model_id": self.env.ref("crm.model_crm_lead").id,
                "domain_force": "[(0, '=', 1)]",
            }
        )
        call = self.as_user(self.call, self.rep)
        lead = self.as_user(self.lead, self.rep)
        for name, ask in {
            "place": lambda: call.place("crm.lead", lead.id),
            "click": lead.action_ccp_call,
            "button": lead.action_ccp_call_button,
            "calls": lead.action_ccp_calls,
            "open": call.action_open_record,
            "again": call.action_call_again,
            "link": lambda: self.as_user(
                self.finished(res_model="res.partner", res_id=self.partner.id), self.rep
            ).link_record("crm.lead", lead.id),
        }.items():
            with self.subTest(way=name), self.assertRaisesRegex(AccessError, "may not see this"):
                ask()


@tagged("post_install", "-at_install")
class TestActivity(EntryCase):
    """The planned activity that was clicked is the one that the call ticks off."""

    def setUp(self):
        super().setUp()
        self.call._close()
        self.first, self.second = (self.plan(name) for name in ("Ask about budget", "Delivery"))

    def plan(self, summary, days=0, user=None, record=None):
        activity = (record or self.lead).activity_schedule(
            "mail.mail_activity_data_call",
            user_id=(user or self.rep).id,
            summary=summary,
            date_deadline=fields.Date.today() + timedelta(days=days),
        )
        self.env.flush_all()
        return activity

    def click(self, activity_id):
        """Click Call on an activity, talk, and return the call."""
        answer = (
            self.as_user(self.env["ccp.call"], self.rep)
            .with_context(allowed_company_ids=self.env.company.ids)
            .place("crm.lead", self.lead.id, "phone", options={"activity_id": activity_id})
        )
        self.env.invalidate_all()
        call = self.env["ccp.call"].browse(answer["call_id"])
        call.start_date = fields.Datetime.now() + timedelta(seconds=1)
        self.report(call, *self.connected(), self.cdr())
        return call

    def test_the_one_that_was_clicked(self):
        call = self.click(self.second.id)
        self.save(self.interested, call=call)
        self.assertEqual((self.first.active, self.second.active), (True, False))
        self.assertIn("Interested", self.second.feedback)
        told = [json.loads(each) for each in self.bus("airtel_ccp.record").mapped("message")]
        self.assertIn(
            {"res_model": "crm.lead", "res_id": self.lead.id}, [each["payload"] for each in told]
        )

    def test_nobody_knows_which(self):
        self.save(self.interested, call=self.click(0))
        self.assertTrue(self.first.active and self.second.active)

    def test_the_only_one_that_is_due(self):
        self.second.date_deadline += timedelta(days=3)
        self.save(self.interested, call=self.click(0))
        self.assertEqual((self.first.active, self.second.active), (False, True))

    def test_one_that_is_not_due_stays(self):
        self.first.unlink()
        self.second.date_deadline += timedelta(days=3)
        self.save(self.interested, call=self.click(0))
        self.assertTrue(self.second.active)
        self.save(self.interested, call=self.click(self.second.id))
        self.assertFalse(self.second.active, "clicked before it was due")

    def test_others_stay(self):
        """Ids come from a browser: none of these is stored, and the call is placed all the same."""
        colleague = self.plan("A colleague's", user=self.other_rep)
        other = self.env["crm.lead"].create({"name": "Other", "user_id": self.rep.id})
        elsewhere = self.plan("Of another lead", record=other)
        gone = self.plan("Gone")
        gone.unlink()
        to_do = self.lead.activity_schedule("mail.mail_activity_data_todo", user_id=self.rep.id)
        done = self.plan("Done")
        done.action_feedback()
        for number in (
            *(colleague.id, elsewhere.id, gone.id, to_do.id, done.id),
            *(-1, 0, 10**30, True, False, None, "1", [1], 1.5),
        ):
            with self.subTest(id=number):
                self.assertFalse(self.click(number).activity_id)
        self.assertTrue(colleague.active and elsewhere.active and to_do.active)

    def test_an_unassigned_one(self):
        self.second.sudo().user_id = False
        call = self.click(self.second.id)
        self.assertEqual(call.activity_id, self.second)
        self.save(False, call=call)
        self.panel.dismiss(call.id)
        self.assertFalse(self.second.active)

    def test_an_activity_that_is_deleted_later(self):
        call = self.click(self.second.id)
        self.second.unlink()
        self.save(self.interested, call=call)
        self.assertEqual(call.outcome_id, self.interested)

    def test_an_outcome_does_not_tick_off_what_it_plans(self):
        (self.first | self.second).unlink()
        call_type = self.env.ref("mail.mail_activity_data_call")
        self.interested.write({"activity_type_id": call_type.id, "activity_days": 0})
        call = self.click(0)
        self.save(self.interested, call=call)
        self.assertTrue(self.lead.activity_ids.active)


@tagged("post_install", "-at_install")
class TestEntryDialog(EntryCase):
    """Outcome and note on the call's form: the same way, also later, also by a manager."""

    def dialog(self, user=None, call=None):
        call = self.as_user(call or self.call, user or self.rep)
        return Form(call.env["ccp.call.entry"].with_context(default_call_id=call.id))

    def test_both_are_written_and_done_once(self):
        self.interested.activity_type_id = self.env.ref("mail.mail_activity_data_todo")
        self.call.start_date -= timedelta(days=60)
        form = self.dialog()
        form.outcome_id, form.note = self.interested, HOSTILE
        form.save().action_save()
        self.assertEqual((self.call.outcome_id, self.call.note), (self.interested, HOSTILE))
        self.assertIn("wants &lt;Tuesday&gt;", self.lead.activity_ids.note)
        self.save(self.interested)
        self.assertEqual(len(self.lead.activity_ids), 1)
        self.assertIn("Interested", self.cards(self.lead).body)
        self.assertFalse(self.call.change_ids, "the agent's first words are no change")

    def test_blacklisting_asks_here_too(self):
        form = self.dialog()
        form.outcome_id, form.note = self.never, "Angry"
        dialog = form.save()
        action = dialog.action_save()
        self.assertEqual((action["res_model"], action["res_id"]), (dialog._name, dialog.id))
        self.assertIn("Never call 70000 00101 again?", dialog.question)
        self.assertFalse(self.call.outcome_id or self.call.note or self.is_blacklisted())
        told = dialog.action_confirm()
        self.assertIn("70000 00101 will not be called again.", told["params"]["message"])
        self.assertEqual((self.call.outcome_id, self.call.note), (self.never, "Angry"))
        self.assertTrue(self.is_blacklisted())

    def test_changes(self):
        self.save(self.interested)
        form = self.dialog(self.manager)
        form.outcome_id, form.note = self.env["ccp.call.outcome"], "Blue cloth"
        form.save().action_save()
        self.assertRecordValues(
            self.call.change_ids.sorted("id"),
            [
                {"user_id": self.manager.id, "kind": "note", "before": False, "after": False},
                {
                    "user_id": self.manager.id,
                    "kind": "outcome",
                    "before": "Interested",
                    "after": False,
                },
            ],
        )
        changes = self.call.change_ids
        self.assertTrue(changes.with_user(self.rep).read(["kind"]))
        with self.assertRaises(AccessError):
            changes.with_user(self.other_rep).read(["kind"])
        with self.assertRaises(AccessError):
            changes.with_user(self.manager).write({"after": "x"})

    def test_a_note_written_meanwhile_is_kept(self):
        form = self.dialog()
        form.note = "mine"
        self.panel.save_note(self.call.id, "from the panel", "")
        with self.assertRaisesRegex(UserError, "Somebody changed this note meanwhile"):
            form.save().action_save()
        self.assertEqual(self.call.note, "from the panel")

    def test_who_may(self):
        self.assertTrue(self.as_user(self.call, self.rep).may_be_changed)
        self.assertTrue(self.as_user(self.call, self.manager).may_be_changed)
        for user in (self.other_rep, self.plain_user, self.portal_user):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.dialog(user)
        # In one's own dialog, somebody else's call
        own = self.finished(user_id=self.other_rep.id)
        dialog = self.dialog(self.other_rep, own).save()
        for ask in (
            lambda: dialog.write({"call_id": self.call.id, "note": "forged"}),
            lambda: dialog.create({"call_id": self.call.id}),
            lambda: dialog.onchange(
                {"call_id": self.call.id},
                ["call_id"],
                {"call_id": {}, "company_id": {"fields": {"display_name": {}}}},
            ),
        ):
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                ask()
        foreign = self.env["ccp.call.outcome"].create(
            {"name": "Foreign", "company_id": self.env["res.company"].create({"name": "B"}).id}
        )
        with self.assertRaises(AccessError):
            dialog.write({"call_id": own.id, "note": False, "outcome_id": foreign.id})

    def test_dialogs_are_private(self):
        dialog = self.dialog().save()
        for user in (self.other_rep, self.manager):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                dialog.with_user(user).read(["note"])

    def test_call_list_entries_name_a_model_with_records(self):
        items = self.env["ccp.call.list.item"].with_user(self.rep)
        for model in ("base", "mail.thread", "no.model", "ccp.panel", "phone.blacklist.remove"):
            values = {"user_id": self.rep.id, "res_model": model, "res_id": 1}
            with self.subTest(model=model), self.assertRaises(ValidationError):
                items.create(values)
            with self.subTest(model=model), self.assertRaises(UserError):
                items.add_records(model, [1])
        self.assertTrue(self.panel.state())
