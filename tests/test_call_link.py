from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import CcpCase


@tagged("post_install", "-at_install")
class TestLink(CcpCase):
    """A call's record is corrected after it ended: its card, lead, team and figures move along."""

    def setUp(self):
        super().setUp()
        self.mine, self.other_team = self.env["crm.team"].create(
            [{"name": "North", "member_ids": [Command.set(self.rep.ids)]}, {"name": "South"}]
        )
        self.arjun = self.env["res.partner"].create({"name": "Arjun", "phone": "7000000104"})
        self.spring = self.env["crm.lead"].create(
            {"name": "Spring", "partner_id": self.arjun.id, "team_id": self.mine.id}
        )
        self.call = self.finished()

    def finished(self, **values):
        call = self.make_call(lead_id=self.lead.id, team_id=self.other_team.id, **values)
        self.report(call, *self.connected(), self.cdr())
        return call

    def link(self, record, user=None, call=None):
        call = self.as_user(call or self.call, user or self.rep)
        call.link_record(record._name, record.id)
        self.env.flush_all()
        self.env.invalidate_all()

    def threads(self):
        """Return the records whose chatter has the call's card."""
        return {
            record
            for record in (self.lead, self.partner, self.spring, self.arjun)
            if self.cards(record) & self.call.card_message_ids
        }

    def test_everything_moves_along(self):
        self.assertEqual(self.threads(), {self.lead, self.partner})
        self.link(self.spring)
        self.assertEqual(self.threads(), {self.spring, self.arjun})
        self.assertFalse(self.cards(self.lead) or self.cards(self.partner))
        self.assertRecordValues(
            self.call,
            [
                {
                    "res_model": "crm.lead",
                    "res_id": self.spring.id,
                    "lead_id": self.spring.id,
                    "partner_id": self.arjun.id,
                    "customer_name": "Arjun",
                    "team_id": self.mine.id,
                }
            ],
        )
        self.link(self.partner)
        self.assertEqual(self.threads(), {self.partner})
        self.assertFalse(self.call.lead_id)
        self.assertIn("Priya Sharma", self.cards(self.partner).body)

    def test_it_is_kept_who_did_it(self):
        self.link(self.spring, self.manager)
        self.assertRecordValues(
            self.call.change_ids,
            [
                {
                    "user_id": self.manager.id,
                    "kind": "record",
                    "before": "Autumn collection",
                    "after": "Spring",
                }
            ],
        )
        self.link(self.spring, self.manager)
        self.assertEqual(len(self.call.change_ids), 1, "nothing changed")

    def test_notes_move_too(self):
        self.env.company.ccp_chatter_mode = "notes"
        call = self.finished()
        notes = len(call.card_message_ids)
        self.link(self.arjun, call=call)
        self.assertEqual(set(call.card_message_ids.mapped("res_id")), {self.arjun.id})
        self.assertEqual(len(call.card_message_ids) * 2, notes)

    def test_figures_move_along(self):
        other = self.finished()
        (self.call | other)._measure()
        self.assertEqual((self.call.first_dial, other.first_dial), (True, False))
        self.link(self.spring)
        calls = self.env["ccp.call"]._take_unmeasured()
        self.assertLessEqual(self.call | other, calls)
        calls._measure()
        self.assertEqual((self.call.first_dial, other.first_dial), (True, True))

    def test_open_chatters_are_told(self):
        old = self.call.card_message_ids
        self.env["bus.bus"].search([]).unlink()
        self.link(self.spring)
        self.env.cr.precommit.run()
        messages = "".join(self.env["bus.bus"].search([]).mapped("message"))
        self.assertIn("mail.message/delete", messages)
        for message in old.ids:
            self.assertIn(str(message), messages)
        self.assertGreaterEqual(messages.count('"airtel_ccp.record"'), 4)

    def test_dialog(self):
        action = self.as_user(self.call, self.rep).action_change_record()
        dialog = self.env[action["res_model"]].with_user(self.rep)
        dialog = dialog.with_context(**action["context"]).create({})
        with self.assertRaisesRegex(UserError, "Choose a contact or a lead"):
            dialog.action_link()
        models = dict(dialog.fields_get(["record"])["record"]["selection"])
        self.assertIn("crm.lead", models)
        self.assertNotIn("ccp.callable.mixin", models)
        dialog.record = self.spring
        dialog.action_link()
        self.assertEqual(self.call.lead_id, self.spring)

    def test_refusals(self):
        foreign = self.env["res.company"].create({"name": "Other"})
        self.arjun.company_id = foreign
        with self.assertRaisesRegex(AccessError, "may not see this record"):
            self.link(self.arjun)
        self.manager.company_ids += foreign
        with self.assertRaisesRegex(UserError, "another company"):
            self.link(self.arjun, self.manager)
        self.arjun.company_id = False
        live = self.make_call()
        with self.assertRaisesRegex(UserError, "not over yet"):
            self.link(self.spring, call=live)
        live._close()
        for user in (self.other_rep, self.plain_user, self.portal_user):
            for way in (
                lambda user=user: self.link(self.spring, user),
                self.as_user(self.call, user).action_change_record,
            ):
                with self.subTest(user=user.login), self.assertRaises(AccessError):
                    way()
        # In one's own dialog, somebody else's call
        dialogs = self.env["ccp.call.link"].with_user(self.other_rep)
        values = {"call_id": self.call.id, "record": f"crm.lead,{self.spring.id}"}
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            dialogs.create(values)
        own = self.finished(user_id=self.other_rep.id)
        dialog = dialogs.create({**values, "call_id": own.id})
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            dialog.call_id = self.call
        self.call.erased = True
        for user in (self.rep, self.manager):
            with self.subTest(user=user.login), self.assertRaisesRegex(UserError, "erased"):
                self.link(self.spring, user)

    def test_a_contact_of_another_company_gets_no_card(self):
        self.arjun.company_id = self.env["res.company"].create({"name": "Other"})
        self.link(self.spring)
        self.assertFalse(self.call.partner_id)
        self.assertEqual(self.threads(), {self.spring})
