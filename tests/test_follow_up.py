from datetime import datetime, timezone

from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged

from .common import CcpCase

# 15:30 in India
SUNDAY = "2026-11-22 10:00:00"
MONDAY = "2026-11-23 10:00:00"
MONDAY_EVENING = "2026-11-23 15:00:00"


@tagged("post_install", "-at_install")
class TestFollowUp(CcpCase):
    """The next call that a rep plans: at a time to call, once, and it can be taken back."""

    def setUp(self):
        super().setUp()
        self.rep.tz = "Asia/Kolkata"
        self.call = self.make_call()
        self.panel = self.env["ccp.panel"].with_user(self.rep)
        calendars = self.env["resource.calendar"]
        self.env.company.ccp_calendar_id = calendars.create(
            {"name": "Calling", "tz": "Asia/Kolkata", "attendance_ids": self.hours(range(7), 9, 20)}
        )
        self.env.company.resource_calendar_id = calendars.create(
            {"name": "Office", "tz": "Asia/Kolkata", "attendance_ids": self.hours(range(5), 10, 18)}
        )
        self.env.flush_all()

    def hours(self, days, start, end):
        return [
            (5, 0),
            *(
                (0, 0, {"name": "x", "dayofweek": str(day), "hour_from": start, "hour_to": end})
                for day in days
            ),
        ]

    def proposed(self):
        self.env.invalidate_all()
        return {each["key"]: each for each in self.panel.follow_up_times(self.call.id)}

    def planned(self):
        return self.lead.activity_ids.filtered(lambda each: each.user_id == self.rep)

    @freeze_time(MONDAY)
    def test_inside_hours_the_proposals_are_what_they_say(self):
        proposed = self.proposed()
        self.assertEqual(proposed["hour"]["when"], "2026-11-23 11:00:00")
        self.assertRegex(proposed["hour"]["label"], r"^Today at 4:30")
        self.assertEqual(proposed["tomorrow"]["when"], "2026-11-24 04:30:00")
        self.assertRegex(proposed["tomorrow"]["label"], r"^Tomorrow at 10:00")

    @freeze_time(MONDAY_EVENING)
    def test_late_in_the_evening_they_move_to_the_next_opening(self):
        proposed = self.proposed()
        self.assertEqual(proposed["hour"]["when"], "2026-11-24 03:30:00")
        self.assertRegex(proposed["hour"]["label"], r"^Tomorrow at 9:00")

    @freeze_time(SUNDAY)
    def test_on_a_day_off_they_move_to_the_next_working_day(self):
        proposed = self.proposed()
        self.assertEqual(proposed["hour"]["when"], "2026-11-23 03:30:00")
        self.assertEqual(proposed["tomorrow"]["when"], "2026-11-23 04:30:00")

    @freeze_time(MONDAY)
    def test_holidays_are_passed_over(self):
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": self.env.company.ccp_calendar_id.id,
                "company_id": self.env.company.id,
                "date_from": "2026-11-23 18:30:00",
                "date_to": "2026-11-24 18:29:59",
            }
        )
        proposed = self.proposed()
        self.assertEqual(proposed["tomorrow"]["when"], "2026-11-25 03:30:00")
        self.assertRegex(proposed["tomorrow"]["label"], r"Wed 25 Nov at 9:00")

    @freeze_time(MONDAY)
    def test_hours_of_the_flow_count_too(self):
        self.flow.calendar_id = self.env["resource.calendar"].create(
            {"name": "Early", "tz": "Asia/Kolkata", "attendance_ids": self.hours(range(7), 8, 11)}
        )
        self.env.flush_all()
        self.assertEqual(self.proposed()["hour"]["when"], "2026-11-24 03:30:00")

    @freeze_time(SUNDAY)
    def test_nothing_is_limited_without_calendars(self):
        self.env.company.ccp_calendar_id = False
        self.env.company.resource_calendar_id = False
        self.env.flush_all()
        self.assertEqual(self.proposed()["hour"]["when"], "2026-11-22 11:00:00")

    def test_they_are_by_day(self):
        """Also if calling hours are open around the clock, or nothing limits them."""
        calendar = self.env.company.ccp_calendar_id
        calendar.attendance_ids.unlink()
        calendar.attendance_ids = self.hours(range(7), 0, 24)
        self.env.flush_all()
        with freeze_time(SUNDAY):
            self.assertEqual(self.proposed()["hour"]["when"], "2026-11-23 03:30:00")
        self.env.company.write({"ccp_calendar_id": False, "resource_calendar_id": False})
        self.env.flush_all()
        # 0:24 in Kolkata
        with freeze_time("2026-11-22 18:54:00"):
            self.assertEqual(self.proposed()["hour"]["when"], "2026-11-23 03:30:00")

    @freeze_time(SUNDAY)
    def test_hours_that_never_open_do_not_hide_the_proposals(self):
        self.env.company.ccp_calendar_id.attendance_ids.unlink()
        self.env.flush_all()
        self.assertEqual(self.proposed()["hour"]["when"], "2026-11-22 11:00:00")

    @freeze_time(MONDAY)
    def test_an_own_choice_outside_is_taken_and_warned_about(self):
        for when, outside in (
            ("2026-11-24 05:00:00", False),
            ("2026-11-24 19:54:00", True),
            ("2026-11-28 05:00:00", True),
        ):
            answer = self.panel.follow_up(self.call.id, when)
            self.assertEqual(answer["outside"], outside, when)
            self.assertEqual("outside the calling hours" in answer["sentence"], outside)
        self.assertEqual(str(self.planned().date_deadline), "2026-11-28")

    @freeze_time(MONDAY)
    def test_a_second_click_moves_it(self):
        first = self.panel.follow_up(self.call.id, "hour", "about the sample")
        self.assertIn("4:30", first["sentence"])
        self.assertIn("about the sample", self.planned().note)
        self.panel.follow_up(self.call.id, "hour", "about the sample")
        self.assertEqual(len(self.planned()), 1)
        self.panel.follow_up(self.call.id, "tomorrow", "about the price")
        self.assertEqual(str(self.planned().date_deadline), "2026-11-24")
        self.assertIn("about the price", self.planned().note)
        self.assertEqual(self.planned().activity_type_id.category, "phonecall")

    @freeze_time(MONDAY)
    def test_the_panel_knows_it_after_a_reload(self):
        self.assertFalse(self.panel.state()["call"]["follow_up"])
        self.panel.follow_up(self.call.id, "tomorrow")
        self.env.invalidate_all()
        self.assertIn("10:00", self.panel.state()["call"]["follow_up"]["text"])

    @freeze_time(MONDAY)
    def test_taken_back_only_while_it_is_open_and_own(self):
        self.panel.follow_up(self.call.id, "tomorrow")
        self.panel.take_back_follow_up(self.call.id)
        self.assertFalse(self.planned())
        self.assertFalse(self.panel.state()["call"]["follow_up"])
        self.panel.follow_up(self.call.id, "tomorrow")
        self.planned().action_feedback()
        with self.assertRaises(UserError):
            self.panel.take_back_follow_up(self.call.id)
        self.panel.follow_up(self.call.id, "tomorrow")
        activity = self.planned()
        activity.user_id = self.other_rep
        with self.assertRaises(UserError):
            self.panel.take_back_follow_up(self.call.id)
        self.assertTrue(activity.exists())

    @freeze_time(MONDAY)
    def test_moments_that_are_none(self):
        for when in ("2026-11-20 10:00:00", "nonsense", "", None, 5):
            with self.subTest(when=when), self.assertRaises(UserError):
                self.panel.follow_up(self.call.id, when)

    @freeze_time("2026-11-23 10:07:31")
    def test_round_times(self):
        when = datetime.fromisoformat(self.proposed()["hour"]["when"]).replace(tzinfo=timezone.utc)
        self.assertEqual((when.minute % 5, when.second), (0, 0))
        self.assertGreater(when, datetime(2026, 11, 23, 11, 7, tzinfo=timezone.utc))
