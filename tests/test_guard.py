from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .common import OTHER_AGENT, CcpCase

# A Monday: 10:00 in Kolkata is 04:30 UTC
MONDAY = datetime(2026, 11, 23)  # noqa: DTZ001 - naive UTC, as fields hold it


def india(hours, days=0):
    """Return an hour of India's clock, days after that Monday, as UTC."""
    return MONDAY + timedelta(days=days, hours=hours) - timedelta(hours=5, minutes=30)


@tagged("post_install", "-at_install")
class TestGuard(CcpCase):
    """House rules: when is called, and how often. Nothing reaches Airtel for a refused call."""

    def setUp(self):
        super().setUp()
        self.hours = self.env.ref("airtel_ccp.resource_calendar_calling_hours")
        self.rep.tz = "Asia/Kolkata"

    def make_calendar(self, start, end, **values):
        return self.env["resource.calendar"].create(
            {
                "name": f"From {start}",
                "tz": "Asia/Kolkata",
                "attendance_ids": [
                    Command.clear(),
                    *(
                        Command.create(
                            {
                                "name": "Open",
                                "dayofweek": str(day),
                                "hour_from": start,
                                "hour_to": end,
                                "day_period": "morning",
                            }
                        )
                        for day in range(5)
                    ),
                ],
                **values,
            }
        )

    def rule(self, moment):
        """Return what speaks against a call at a moment, or nothing."""
        guard = self.env["ccp.dialer"].with_user(self.rep)
        with freeze_time(moment):
            return next(guard._broken_hours(self.rep, self.env.company, self.flow), "")

    def test_hours_of_the_company(self):
        self.env.company.ccp_calendar_id = self.hours
        self.assertFalse(self.rule(india(10)))
        self.assertIn("11/24/26, 9:00", self.rule(india(22)).replace("\u202f", " "))
        self.rep.tz = "UTC"
        self.assertIn("3:30", self.rule(india(22)), "in the rep's own time zone")

    def test_hours_of_the_flow_narrow_those_of_the_company(self):
        self.env.company.ccp_calendar_id = self.hours
        self.flow.calendar_id = self.make_calendar(8, 11)
        self.assertIn("From 8", self.rule(india(8.5)))
        self.assertFalse(self.rule(india(10)))
        self.assertIn("11/24/26, 9:00", self.rule(india(12)).replace("\u202f", " "))
        self.assertIn("11/30/26", self.rule(india(12, days=4)), "not at the week-end")
        self.env.company.ccp_calendar_id = False
        self.assertFalse(self.rule(india(8.5)))

    def test_holidays(self):
        self.env.company.ccp_calendar_id = self.hours
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": self.hours.id,
                "company_id": self.env.company.id,
                "date_from": india(0),
                "date_to": india(24),
            }
        )
        self.assertIn("11/24/26, 9:00", self.rule(india(10)).replace("\u202f", " "))
        self.assertFalse(self.rule(india(10, days=1)))

    def test_calendar_of_another_time_zone(self):
        self.env.company.ccp_calendar_id = self.make_calendar(9, 17, tz="Europe/London")
        self.assertTrue(self.rule(india(10)))
        self.assertFalse(self.rule(india(16)))

    def test_never_open(self):
        self.env.company.ccp_calendar_id = self.make_calendar(9, 10)
        self.env.company.ccp_calendar_id.attendance_ids.unlink()
        self.assertIn("no call in the next 30 days", self.rule(india(10)))

    def test_calls_outside_the_hours(self):
        closed = self.make_calendar(9, 10)
        closed.attendance_ids.unlink()
        self.flow.calendar_id = closed
        self.assertIn("outside the calling hours", self.refusal())
        self.assertFalse(self.sandbox.calls())

    def over(self, **values):
        """Make a call that counts, of today."""
        return self.make_call(live=False, **values)

    def test_cap_of_a_user(self):
        self.env.company.ccp_daily_limit = 1
        self.over(user_id=self.other_rep.id)
        self.over(state="refused")
        self.log_by_hand()
        self.over(trial=True)
        self.over(start_date=datetime.now() - timedelta(days=2))  # noqa: DTZ005
        self.place().live = False
        self.assertIn("daily limit", self.refusal())
        self.assertEqual(len(self.sandbox.calls()), 1)

    def test_cap_of_the_company(self):
        self.env.company.ccp_company_daily_limit = 2
        self.over(user_id=self.other_rep.id)
        self.place().live = False
        self.assertIn("its daily limit", self.refusal())
        other = self.env["res.company"].create({"name": "Other"})
        self.assertFalse([*self.env["ccp.dialer"]._broken_caps(self.rep, other, ())])

    def test_cap_of_a_number(self):
        self.env.company.ccp_number_daily_limit = 3
        self.over(user_id=self.other_rep.id, customer_number="7000000101")
        self.over(customer_number="7000000102", customer_second_number="7000000101")
        self.log_by_hand(phone="70000 00101")
        for spelling in ("+91 70000 00101", "070000-00101", "917000000101"):
            self.lead.phone = spelling
            self.assertIn("70xx…01 has reached the daily limit for one number, 3", self.refusal())
        self.lead.phone = "7000000102"
        self.assertEqual(self.place().request_outcome, "accepted")

    def test_cap_of_a_number_that_was_an_agents_phone(self):
        """A rep who rings somebody as the own phone uses up what that number may be called."""
        self.env.company.ccp_number_daily_limit = 2
        self.over(agent_number="7000000101", customer_number="7000000102")
        self.over(agent_second_number="7000000101", customer_number="7000000102")
        self.assertIn("70xx…01 has reached", self.refusal())
        self.over(customer_number="7000000103")
        self.lead.phone = OTHER_AGENT
        self.over(agent_number=OTHER_AGENT, user_id=self.other_rep.id)
        self.over(agent_number=OTHER_AGENT, user_id=self.other_rep.id)
        self.assertEqual(self.place().request_outcome, "accepted", "a colleague can be called")

    def test_limits_cannot_be_negative(self):
        for name in (
            "ccp_daily_limit",
            "ccp_company_daily_limit",
            "ccp_number_daily_limit",
            "ccp_pause_seconds",
        ):
            with self.subTest(name), self.assertRaises(ValidationError):
                self.env.company[name] = -1
        with self.assertRaisesRegex(ValidationError, "between 0 and 3600"):
            self.env.company.ccp_pause_seconds = 3601

    def test_new_companies_begin_with_limits(self):
        company = self.env["res.company"].create({"name": "New"})
        self.assertEqual(
            (
                company.ccp_daily_limit,
                company.ccp_company_daily_limit,
                company.ccp_number_daily_limit,
                company.ccp_pause_seconds,
            ),
            (300, 0, 5, 3),
        )
        self.assertFalse(company.ccp_reserve_phones)

    # The pause between two calls

    def in_a_row(self, times, user=None):
        """Place and close calls over and over, as a script would; return the refusals."""
        refusals = []
        for _time in range(times):
            try:
                call = self.place(user=user)
            except UserError as error:
                self.env.invalidate_all()
                refusals.append(error.args[0])
            else:
                call.with_user(user or self.rep).action_close()
        return refusals

    def test_pause(self):
        self.env.company.ccp_pause_seconds = 3
        refusals = []
        with freeze_time(MONDAY) as clock:
            for _second in range(7):
                refusals += self.in_a_row(3)
                clock.tick(1)
        self.assertEqual(len(self.sandbox.calls()), 3, "in the seconds 0, 3 and 6")
        self.assertEqual(len(refusals), 18)
        self.assertIn("call again in a moment (3 s)", refusals[0])
        self.assertIn("call again in a moment (1 s)", refusals[-3])

    def test_no_right_goes_past_the_pause(self):
        self.env.company.ccp_pause_seconds = 3
        self.rep.group_ids += self.env.ref("airtel_ccp.group_ccp_override")
        with freeze_time(MONDAY):
            self.ask()
            self.env["ccp.call"].search([("live", "=", True)]).with_user(self.rep).action_close()
            with self.assertRaisesRegex(UserError, "in a moment"):
                self.ask(override_reason="Please")
        self.assertEqual(len(self.sandbox.calls()), 1)

    def test_which_calls_the_pause_follows(self):
        """Calls that the same agent asked of Airtel, also refused ones, from whichever company."""
        self.env.company.ccp_pause_seconds = 3
        with freeze_time(MONDAY):
            for values in (
                {"user_id": self.other_rep.id},
                {"trial": True},
                {"direction": "inbound"},
                {"start_date": MONDAY - timedelta(seconds=3)},
            ):
                self.over(**{"start_date": MONDAY, **values})
            self.log_by_hand()
            self.assertFalse(self.in_a_row(1))
            self.env["ccp.call"].search([]).unlink()
            other = self.env["res.company"].create({"name": "Other"})
            for values in ({"state": "refused"}, {"company_id": other.id}):
                call = self.over(start_date=MONDAY, **values)
                with self.subTest(values):
                    self.assertIn("in a moment", self.refusal())
                call.unlink()

    # Despite the rules

    def ask(self, user=None, **options):
        """Click Call as a browser does."""
        self.env.flush_all()
        self.env.invalidate_all()
        calls = self.env["ccp.call"].with_user(user or self.rep)
        answer = calls.place("crm.lead", self.lead.id, "phone", None, None, options)
        self.env.invalidate_all()
        return answer

    def allow(self):
        self.rep.group_ids += self.env.ref("airtel_ccp.group_ccp_override")
        self.env.company.ccp_number_daily_limit = 1
        self.over(customer_number="7000000101")

    def test_override_with_a_reason(self):
        self.allow()
        self.assertIn("limit for one number", self.ask()["override"]["sentence"])
        self.assertIn("override", self.ask(override_reason="  \n "))
        self.assertFalse(self.sandbox.calls())
        answer = self.ask(override_reason=" She asked\nfor it " + "x" * 500)
        call = self.env["ccp.call"].browse(answer["call_id"])
        self.assertTrue(call.override_reason.startswith("She asked for it x"))
        self.assertEqual(len(call.override_reason), 200)
        self.assertIn("limit for one number", call.overridden)
        self.assertEqual(len(self.sandbox.calls()), 1)

    def test_a_reason_that_was_not_needed_is_not_kept(self):
        self.allow()
        self.env.company.ccp_number_daily_limit = 0
        call = self.env["ccp.call"].browse(self.ask(override_reason="Why not")["call_id"])
        self.assertFalse(call.overridden or call.override_reason)

    def test_without_the_right(self):
        self.allow()
        self.rep.group_ids -= self.env.ref("airtel_ccp.group_ccp_override")
        self.assertIn("limit for one number", self.refusal())
        for options in ({}, {"override_reason": "Please"}):
            try:
                self.ask(**options)
            except UserError as error:
                # Browsers know it by its name, and show it as a sentence
                self.assertIs(type(error), UserError)
                self.assertIn("limit for one number", str(error))
            else:
                self.fail("the call was placed")
        self.assertFalse(self.sandbox.calls())
        with self.assertRaises(AccessError):
            self.rep.with_user(self.rep).write(
                {"group_ids": [Command.link(self.env.ref("airtel_ccp.group_ccp_override").id)]}
            )

    def test_what_cannot_be_overridden(self):
        self.allow()
        self.env["phone.blacklist"].create({"number": "+917000000101"})
        try:
            self.ask(override_reason="Please")
        except UserError as error:
            self.assertIn("blacklist", str(error))
        else:
            self.fail("the call was placed")
        self.assertFalse(self.sandbox.calls())

    def test_no_other_right_brings_it_along(self):
        right = self.env.ref("airtel_ccp.group_ccp_override")
        self.assertFalse(right.all_implied_by_ids - right)
