from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from ..wizard import ccp_history_import
from .common import AGENT, CONNECTS, CcpCase

STRANGER = "9811111111"
AIRTEL = "8048123456"
NAMES = "Call_Type,Caller_ID,Caller_Number,Destination_Number,Overall_Call_Status,Date,Time"


@tagged("post_install", "-at_install")
class TestImportedLater(CcpCase):
    """What people write on an imported call later stays in the history, as the call itself does."""

    def setUp(self):
        super().setUp()
        self.rep.ccp_phone = AGENT
        self.moment = fields.Datetime.now() - timedelta(days=3)
        self.outcome = self.env["ccp.call.outcome"].create({"name": "Talked"})

    def load(self, agent=AGENT, number=CONNECTS):
        row = f"OUTBOUND,{AIRTEL},{agent},{number},Answered,{self.moment:%d/%m/%Y,%H:%M:%S}"
        dialogs = self.as_user(self.env["ccp.history.import"], self.manager)
        dialog = dialogs.create({"text": f"{NAMES}\n{row}"})
        dialog.action_preview()
        dialog.action_import()
        self.env.invalidate_all()
        return self.env["ccp.call"].search([("imported", "=", True)], order="id desc", limit=1)

    def enter(self, call, user):
        entry = self.as_user(self.env["ccp.call.entry"], user).create(
            {"call_id": call.id, "outcome_id": self.outcome.id, "note": "Wants a quote"}
        )
        entry.action_save()
        self.env.flush_all()
        self.env.invalidate_all()

    def test_outcome_and_note_make_no_card(self):
        call = self.load()
        self.assertEqual(call.user_id, self.rep)
        before = self.cards(self.lead) | self.cards(self.partner)
        self.enter(call, self.rep)
        self.assertRecordValues(
            call, [{"outcome_id": self.outcome.id, "note": "Wants a quote", "imported": True}]
        )
        self.assertFalse(call.card_message_ids)
        self.assertEqual(self.cards(self.lead) | self.cards(self.partner), before)

    def test_a_further_phone_names_its_agent(self):
        self.other_rep.ccp_further_phones = STRANGER
        self.assertEqual(self.load(agent=STRANGER).user_id, self.other_rep)

    def test_a_manager_writes_on_a_call_without_agent(self):
        call = self.load(agent=STRANGER)
        self.assertFalse(call.user_id)
        self.enter(call, self.manager)
        self.assertEqual(call.outcome_id, self.outcome)
        self.assertFalse(call.card_message_ids)

    def test_a_manager_links_a_call_without_agent(self):
        call = self.load(agent=STRANGER, number="9822222222")
        self.assertFalse(call.res_id)
        team, _managers = self.env["crm.team"].create(
            [{"name": "South"}, {"name": "North", "member_ids": [Command.set(self.manager.ids)]}]
        )
        self.lead.team_id = team
        self.as_user(call, self.manager).link_record("crm.lead", self.lead.id)
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertRecordValues(
            call,
            [{"res_id": self.lead.id, "lead_id": self.lead.id, "team_id": team.id}],
        )
        self.assertFalse(call.card_message_ids)

    def test_a_call_without_agent_is_folded_anew(self):
        call = self.load(agent=STRANGER)
        call._fold_again()
        self.assertRecordValues(call, [{"result": "connected", "fold_error": False}])
        self.assertFalse(call.card_message_ids)

    def test_a_file_whose_time_is_up_keeps_its_turn(self):
        dialogs = self.env["ccp.history.import"]
        for hour in (1, 2):
            moments = [self.moment + timedelta(hours=hour, minutes=each) for each in range(2)]
            lines = [
                f"OUTBOUND,{AIRTEL},{AGENT},{CONNECTS},Answered,{each:%d/%m/%Y,%H:%M:%S}"
                for each in moments
            ]
            dialog = dialogs.with_user(self.manager).create({"text": "\n".join([NAMES, *lines])})
            dialog.action_preview()
            dialog.state = "saving"
            dialogs += dialog
        self.env.flush_all()
        cron = type(self.env["ir.cron"])
        with (
            patch.object(ccp_history_import, "BATCH", 1),
            patch.object(cron, "_commit_progress", return_value=0) as commit,
        ):
            self.env["ccp.history.import"]._cron_import()
        self.assertEqual(dialogs.mapped("saved_count"), [1, 0])
        self.assertTrue(commit.call_args.kwargs["remaining"], "nobody would ask for another run")
