from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import CcpCase


@tagged("post_install", "-at_install")
class TestCallList(CcpCase):
    """The rep's own list of whom to call; nothing dials by itself."""

    def setUp(self):
        super().setUp()
        self.items = self.env["ccp.call.list.item"].with_user(self.rep)
        self.leads = self.lead + self.env["crm.lead"].create(
            [
                {"name": "Second", "phone": "7000000103", "user_id": self.rep.id},
                {"name": "Third", "phone": "7000000104", "user_id": self.rep.id},
                {"name": "No number", "user_id": self.rep.id},
                {"name": "Abroad", "phone": "+1 415 555 2671", "user_id": self.rep.id},
            ]
        )

    def test_add_names_who_is_left_out(self):
        answer = self.items.add_records("crm.lead", self.leads.ids)
        self.assertEqual(answer["added"], 3)
        left_out = {each["name"]: each["reason"] for each in answer["left_out"]}
        self.assertIn("no phone number", left_out["No number"])
        self.assertIn("not an Indian number", left_out["Abroad"])
        again = self.items.add_records("crm.lead", self.lead.ids)
        self.assertEqual(again["added"], 0)
        self.assertIn("already", again["left_out"][0]["reason"])

    def test_next_skip_and_again(self):
        self.items.add_records("crm.lead", self.leads[:3].ids)
        head = self.items._panel_values()
        self.assertEqual((head["waiting"], head["next"]["name"]), (3, "Priya Sharma"))
        self.items.browse(head["next"]["id"]).action_skip()
        head = self.items._panel_values()
        self.assertEqual((head["waiting"], head["next"]["name"]), (2, "Second"))
        self.items.browse(head["next"]["id"]).action_again()
        head = self.items._panel_values()
        self.assertEqual((head["waiting"], head["next"]["name"]), (2, "Third"))

    def test_call_counts_attempts_and_ticks_off(self):
        self.items.add_records("crm.lead", self.lead.ids)
        item = self.items.search([])
        answer = (
            self.env["ccp.call"]
            .with_user(self.rep)
            .place("crm.lead", self.lead.id, list_item_id=item.id)
        )
        call = self.env["ccp.call"].browse(answer["call_id"])
        self.env.invalidate_all()
        self.assertEqual(item.attempts, 1)
        self.assertEqual(item.state, "waiting")
        self.report(call, *self.connected(), self.cdr())
        self.assertEqual(item.state, "done")

    def test_own_list_only(self):
        self.items.add_records("crm.lead", self.lead.ids)
        item = self.items.search([])
        for user in (self.other_rep, self.manager):
            foreign = item.with_user(user)
            self.assertFalse(foreign.search([]))
            for method in ("action_skip", "action_again"):
                with self.subTest(user=user.login, method=method), self.assertRaises(AccessError):
                    getattr(foreign, method)()
            with self.assertRaises(AccessError):
                self.env["ccp.call"].with_user(user).place(
                    "crm.lead", self.lead.id, "phone", list_item_id=item.id
                )
        with self.assertRaises(AccessError):
            self.items.with_user(self.plain_user).add_records("crm.lead", self.lead.ids)

    def test_record_that_is_gone_is_passed_over(self):
        self.items.add_records("crm.lead", self.leads[:2].ids)
        self.lead.unlink()
        self.assertEqual(self.items._panel_values()["next"]["name"], "Second")

    def test_person_rather_than_the_title(self):
        self.items.add_records("crm.lead", self.lead.ids)
        item = self.items.search([])
        self.assertEqual(item.customer_name, "Priya Sharma")
        head = self.items._panel_values()["next"]
        self.assertEqual((head["name"], head["record_name"]), ("Priya Sharma", "Autumn collection"))
        lead = self.leads[1]
        lead.contact_name = "Arjun Patel"
        self.items.add_records("crm.lead", lead.ids)
        self.assertIn("Arjun Patel", self.items.search([]).mapped("customer_name"))

    def test_contact_out_of_reach_names_nobody(self):
        self.items.add_records("crm.lead", self.lead.ids)
        self.env["ir.rule"].create(
            {
                "name": "nobody reads this contact",
                "model_id": self.env.ref("base.model_res_partner").id,
                "domain_force": f"[('id', '!=', {self.partner.id})]",
            }
        )
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertTrue(self.items._panel_values()["next"])

    def test_entry_that_is_not_waiting_is_never_dialled(self):
        """Skipped in the page, reached or deleted: a panel that is behind calls nobody."""
        self.items.add_records("crm.lead", self.leads[:3].ids)
        skipped, reached, deleted = self.items.search([])
        clicks = [(item.res_id, item.id) for item in (skipped, reached, deleted)]
        skipped.action_skip()
        reached.state = "done"
        deleted.unlink()
        self.env.flush_all()
        for res_id, item_id in clicks:
            with self.subTest(item=item_id), self.assertRaises(UserError) as caught:
                self.env["ccp.call"].with_user(self.rep).place(
                    "crm.lead", res_id, list_item_id=item_id
                )
            self.assertEqual(caught.exception.context["airtel_ccp_remedy"], {"opens": "panel"})
        self.assertFalse(self.sandbox.calls())

    def test_entry_of_another_record_is_refused(self):
        self.items.add_records("crm.lead", self.leads[:2].ids)
        item = self.items.search([], limit=1)
        with self.assertRaises(UserError):
            self.env["ccp.call"].with_user(self.rep).place(
                "crm.lead", self.leads[1].id, list_item_id=item.id
            )
        self.assertFalse(self.sandbox.calls())

    def test_every_change_is_told_to_the_reps_tabs(self):
        self.items.add_records("crm.lead", self.leads[:2].ids)
        item = self.items.search([], limit=1)
        for change in (
            lambda: self.items.add_records("crm.lead", self.leads[2].ids),
            item.action_again,
            item.action_skip,
            lambda: item.write({"sequence": 99}),
            item.unlink,
        ):
            with patch.object(type(self.rep), "_bus_send") as send:
                change()
            self.assertIn(("airtel_ccp.list", {}), [call.args for call in send.call_args_list])
