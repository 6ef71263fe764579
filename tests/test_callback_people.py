from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..models.utils import milliseconds
from .callbacks import UNKNOWN, CallbackCase
from .common import CONNECTS


@tagged("post_install", "-at_install")
class TestCallbackPeople(CallbackCase):
    """Whose a call-back is: the owner's, else the team's, of whom anybody may take it."""

    def test_the_owners(self):
        self.come_in(CONNECTS)
        owed = self.owed(CONNECTS)
        self.assertEqual((owed.user_id, owed.team_id), (self.rep, self.team))
        self.assertEqual(owed.partner_id, self.partner)

    def test_not_of_an_owner_who_is_away(self):
        self.rep.ccp_away_until = fields.Datetime.now() + timedelta(hours=5)
        self.come_in(CONNECTS)
        self.assertFalse(self.owed(CONNECTS).user_id)

    def test_an_owner_who_is_back_in_time_gets_it(self):
        self.rep.ccp_away_until = fields.Datetime.now() + timedelta(minutes=5)
        self.come_in(CONNECTS, minutes_ago=1)
        self.assertEqual(self.owed(CONNECTS).user_id, self.rep)

    def test_an_owner_who_is_back_gets_what_is_overdue(self):
        self.rep.ccp_away_until = fields.Datetime.now() - timedelta(minutes=1)
        self.come_in(CONNECTS, minutes_ago=60)
        self.assertTrue(self.owed(CONNECTS).is_overdue)
        self.assertEqual(self.owed(CONNECTS).user_id, self.rep)

    def take_leave(self, minutes, *users):
        """Have users be on leave from a minute ago on, as Odoo's apps for leave write it."""
        now = fields.Datetime.now()
        calendar = self.env.company.resource_calendar_id
        resources = self.env["resource.resource"].create(
            [{"name": user.name, "user_id": user.id, "calendar_id": calendar.id} for user in users]
        )
        self.env["resource.calendar.leaves"].create(
            [
                {
                    "name": "Leave",
                    "calendar_id": calendar.id,
                    "resource_id": resource_id,
                    "date_from": now - timedelta(minutes=1),
                    "date_to": now + timedelta(minutes=minutes),
                }
                for resource_id in resources.ids or [False]
            ]
        )

    def hand_over(self):
        self.callbacks._cron_hand_over()

    def test_not_of_an_owner_who_is_on_leave(self):
        self.take_leave(300, self.rep)
        self.come_in(CONNECTS)
        self.assertFalse(self.owed(CONNECTS).user_id)

    def test_whose_leave_ends_in_time_keeps_it(self):
        self.take_leave(5, self.rep)
        self.come_in(CONNECTS, minutes_ago=1)
        self.hand_over()
        self.assertEqual(self.owed(CONNECTS).user_id, self.rep)

    def test_it_is_handed_over_when_leave_begins(self):
        self.come_in(CONNECTS)
        self.come_in()
        owed, other = self.owed(CONNECTS), self.owed()
        self.as_user(other, self.other_rep).action_take()
        self.hand_over()
        self.assertEqual(owed.user_id, self.rep)
        self.take_leave(300, self.rep)
        self.hand_over()
        self.assertFalse(owed.user_id)
        self.assertTrue(owed.released)
        self.assertEqual(other.user_id, self.other_rep)

    def test_what_is_overdue_waits_for_nobody_on_leave(self):
        self.come_in(CONNECTS, minutes_ago=60)
        self.take_leave(780, self.rep)
        self.hand_over()
        self.assertFalse(self.owed(CONNECTS).user_id)

    def test_a_holiday_of_all_changes_nothing(self):
        self.come_in(CONNECTS)
        self.take_leave(300)
        self.hand_over()
        self.assertEqual(self.owed(CONNECTS).user_id, self.rep)

    def test_one_that_cannot_be_handed_over_keeps_no_other(self):
        self.come_in(CONNECTS)
        self.come_in()
        owed, other = self.owed(CONNECTS), self.owed()
        self.as_user(other, self.other_rep).action_take()
        self.take_leave(300, self.rep, self.other_rep)
        leave_one = type(self.rep)._ccp_leave_callbacks

        def leave(users):
            if self.rep in users:
                raise ValueError("injected")
            return leave_one(users)

        with (
            patch.object(type(self.rep), "_ccp_leave_callbacks", leave),
            self.assertLogs("odoo.addons.airtel_ccp.models.ccp_callback_absence", "ERROR"),
        ):
            self.hand_over()
        self.assertEqual(owed.user_id, self.rep)
        self.assertFalse(other.user_id)

    def test_who_goes_away_hands_it_over(self):
        self.come_in(CONNECTS)
        self.rep.ccp_away_until = fields.Datetime.now() + timedelta(hours=5)
        owed = self.owed(CONNECTS)
        self.assertFalse(owed.user_id)
        self.come_in(CONNECTS, minutes_ago=1)
        self.assertFalse(owed.user_id, "the owner does not get back what was handed over")

    def test_who_leaves_hands_it_over(self):
        self.come_in(CONNECTS)
        self.rep.active = False
        self.assertFalse(self.owed(CONNECTS).user_id)

    def test_who_may_not_call_any_more_hands_it_over(self):
        self.come_in(CONNECTS)
        self.rep.ccp_may_call = False
        self.assertFalse(self.owed(CONNECTS).user_id)

    def test_take(self):
        self.come_in()
        owed = self.owed()
        self.as_user(owed, self.other_rep).action_take()
        self.assertEqual(owed.user_id, self.other_rep)
        with self.assertRaisesRegex(UserError, "Ravi Rep"):
            self.as_user(owed, self.rep).action_take()
        self.as_user(owed, self.leader).action_take()
        self.assertEqual(owed.user_id, self.leader)

    def entry(self, callback, user, **values):
        entries = self.env["ccp.callback.entry"].with_user(user)
        return entries.create({"callback_id": callback.id, **values})

    def test_hand_over(self):
        self.come_in(CONNECTS)
        owed = self.owed(CONNECTS)
        self.as_user(owed, self.rep).action_open_hand_over()
        self.entry(owed, self.rep, user_id=self.other_rep.id).action_hand_over()
        self.assertEqual(owed.user_id, self.other_rep)
        self.entry(owed, self.other_rep).action_hand_over()
        self.assertEqual((owed.user_id, owed.released), (self.rep.browse(), True))

    def test_nobody_gets_it_who_may_not_call(self):
        self.come_in(CONNECTS)
        with self.assertRaises(UserError):
            entry = self.entry(self.owed(CONNECTS), self.rep, user_id=self.plain_user.id)
            entry.action_hand_over()

    def test_others_do_not_hand_over_what_is_taken(self):
        self.come_in(CONNECTS)
        with self.assertRaises(UserError):
            self.as_user(self.owed(CONNECTS), self.other_rep).action_open_hand_over()

    def test_drop(self):
        self.come_in()
        owed = self.owed()
        with self.assertRaises(UserError):
            self.entry(owed, self.rep, reason="  ").action_drop()
        self.entry(owed, self.rep, reason="Wrong number\nof a shop").action_drop()
        self.assertRecordValues(
            owed,
            [
                {
                    "state": "dropped",
                    "drop_reason": "Wrong number of a shop",
                    "dropped_by_id": self.rep.id,
                }
            ],
        )
        with self.assertRaises(UserError):
            self.as_user(owed, self.rep).action_take()
        self.env["ccp.call"].search([("customer_number", "=", UNKNOWN)])._settle_soon()
        self.settle()
        self.assertEqual(owed.state, "dropped", "looking at it again changes nothing")
        owed.dropped_date -= timedelta(minutes=5)
        self.come_in(minutes_ago=1)
        self.assertEqual((owed.state, owed.attempts), ("open", 2))

    def test_do_not_call_again(self):
        self.come_in(CONNECTS)
        call = self.env["ccp.call"].search([("customer_number", "=", CONNECTS)], limit=1)
        owed = self.owed(CONNECTS)
        outcome = self.env.ref("airtel_ccp.ccp_call_outcome_do_not_call")
        call.with_user(self.manager)._write_outcome(outcome.id, confirmed=True)
        self.assertRecordValues(
            owed, [{"state": "dropped", "drop_reason": outcome.name, "dropped_for_id": call.id}]
        )
        call.with_user(self.manager)._write_outcome(False)
        self.settle()
        self.assertRecordValues(owed, [{"state": "open", "drop_reason": False}])

    # Calling back

    def test_call_back(self):
        self.come_in(CONNECTS)
        owed = self.owed(CONNECTS)
        action = self.as_user(owed, self.rep).action_call_back()
        params = action["params"]
        self.assertEqual(action["tag"], "airtel_ccp.call")
        self.assertEqual(
            params["options"], {"callback_id": owed.id, "company_id": self.env.company.id}
        )
        placed = (
            self.env["ccp.call"]
            .with_user(self.rep)
            .place(params["res_model"], params["res_id"], options=params["options"])
        )
        self.env.invalidate_all()
        call = self.env["ccp.call"].browse(placed["call_id"])
        self.assertRecordValues(
            call,
            [{"callback_id": owed.id, "customer_number": CONNECTS, "direction": "outbound"}],
        )
        self.assertEqual(call._record(), owed._record())

    def test_call_back_an_unknown_number(self):
        self.come_in()
        owed = self.owed()
        params = self.as_user(owed, self.rep).action_call_back()["params"]
        self.assertEqual((params["res_model"], params["res_id"]), ("ccp.callback", owed.id))
        self.assertEqual(owed.user_id, self.rep, "who calls back has taken it")
        placed = (
            self.env["ccp.call"]
            .with_user(self.rep)
            .place(params["res_model"], params["res_id"], options=params["options"])
        )
        self.env.invalidate_all()
        call = self.env["ccp.call"].browse(placed["call_id"])
        self.assertRecordValues(call, [{"callback_id": owed.id, "customer_number": UNKNOWN}])

    def test_call_back_a_number_that_its_record_has_no_more(self):
        self.come_in(CONNECTS)
        self.lead.phone = self.partner.phone = "+91 70000 00102"
        owed = self.owed(CONNECTS)
        params = self.as_user(owed, self.rep).action_call_back()["params"]
        self.assertEqual(params["res_model"], "ccp.callback")

    def test_the_number_that_called_is_called_among_several(self):
        self.come_in(CONNECTS)
        owed = self.owed(CONNECTS)
        record = owed._record()
        self.env["res.partner"].create(
            {"name": "Office", "parent_id": self.partner.id, "phone": "+91 70000 00102"}
        )
        calls = self.env["ccp.call"].with_user(self.rep)
        asked = calls.place(record._name, record.id)
        self.assertIn("choices", asked)
        placed = calls.place(record._name, record.id, options={"callback_id": owed.id})
        self.assertIn("call_id", placed)

    def test_a_call_of_another_number_is_not_linked(self):
        self.come_in()
        call = self.env["ccp.call"].with_user(self.rep)
        placed = call.place(
            "crm.lead", self.lead.id, "phone", options={"callback_id": self.owed().id}
        )
        self.assertFalse(self.env["ccp.call"].browse(placed["call_id"]).callback_id)

    # Who sees it

    def test_who_sees_the_teams(self):
        self.come_in()
        owed = self.owed()
        for user, sees in (
            (self.rep, True),
            (self.other_rep, True),
            (self.leader, True),
            (self.manager, True),
            (self.stranger, False),
        ):
            with self.subTest(user=user.name):
                found = self.as_user(self.callbacks, user).search([("id", "=", owed.id)])
                self.assertEqual(bool(found), sees)
        for user in (self.plain_user, self.portal_user):
            with self.subTest(user=user.name), self.assertRaises(AccessError):
                self.as_user(self.callbacks, user).search([])
        with self.assertRaises(AccessError):
            self.as_user(owed, self.stranger).action_take()

    def test_everybody_who_calls_sees_what_is_nobodys(self):
        self.line.ring_team_id = False
        self.come_in()
        self.assertTrue(self.as_user(self.owed(), self.stranger).has_access("read"))

    def test_nobody_writes_one(self):
        self.come_in()
        for user in (self.rep, self.leader, self.manager, self.env.ref("base.user_admin")):
            owed = self.as_user(self.owed(), user)
            for refused in (lambda: owed.write({"state": "done"}), owed.unlink, owed.copy):  # noqa: B023
                with self.subTest(user=user.name), self.assertRaises(AccessError):
                    refused()

    def test_its_name_is_for_those_who_see_it(self):
        self.come_in(CONNECTS)
        owed = self.owed(CONNECTS)
        self.assertIn("Priya", self.as_user(owed, self.rep).display_name)
        self.assertNotIn("Priya", self.as_user(owed, self.stranger).sudo().display_name)

    # The badge

    def badge(self, user):
        return self.as_user(self.callbacks, user)._callback_badge()

    def test_badge(self):
        self.assertEqual(self.badge(self.rep), {"open": 0, "overdue": 0, "next_due": False})
        self.come_in(minutes_ago=45)
        self.come_in("7000000178", minutes_ago=10)
        badge = self.badge(self.rep)
        self.assertEqual((badge["open"], badge["overdue"]), (2, 1))
        self.assertEqual(badge["next_due"], milliseconds(self.owed("7000000178").due_date))
        self.as_user(self.owed(), self.other_rep).action_take()
        self.assertEqual(self.badge(self.rep)["open"], 1)
        self.assertEqual(self.badge(self.other_rep)["open"], 2)
        self.assertEqual(self.badge(self.stranger)["open"], 0)
        self.assertEqual(self.badge(self.plain_user)["open"], 0)
        self.assertEqual(self.as_user(self.env["ccp.call"], self.rep)._callback_count(), 1)

    def test_those_are_notified_whose_badge_changes(self):
        self.notified()
        self.come_in()
        team = self.rep | self.other_rep | self.leader
        self.assertEqual(self.notified(), team)
        self.as_user(self.owed(), self.rep).action_take()
        self.assertEqual(self.notified(), team)
        self.come_in(minutes_ago=2, talked=True)
        self.assertEqual(self.notified(), team)
