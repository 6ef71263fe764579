import itertools
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.fields import Command
from odoo.tests import BaseCase, tagged
from odoo.tools import mute_logger

from ..models.callback_ledger import Drop, Miss, Talk, promises
from .callbacks import UNKNOWN, CallbackCase
from .common import CONNECTS

SETTLE_LOGGER = "odoo.addons.airtel_ccp.models.ccp_call_settle"
START = fields.Datetime.to_datetime("2026-11-23 10:00:00")


def miss(hours, call_id=1):
    return Miss(START + timedelta(hours=hours), call_id)


def talk(hours, call_id=2, minutes=5):
    begin = START + timedelta(hours=hours)
    return Talk(begin, call_id, begin + timedelta(minutes=minutes))


@tagged("post_install", "-at_install")
class TestCallbackLedger(BaseCase):
    """What is owed follows from the set of what happened, whatever the order."""

    def said(self, *events):
        return [
            (each.state, each.attempts, each.proof and each.proof.call_id)
            for each in promises(events)
        ]

    def test_nothing_is_owed_without_a_missed_call(self):
        self.assertEqual(self.said(), [])
        self.assertEqual(self.said(talk(1), talk(2)), [])

    def test_one_entry_however_often_the_customer_calls(self):
        self.assertEqual(self.said(*(miss(hours) for hours in range(50))), [("open", 50, None)])

    def test_a_conversation_closes_it_if_it_began_after_the_last_missed_call(self):
        self.assertEqual(self.said(miss(0), talk(1, 7)), [("done", 1, 7)])
        self.assertEqual(self.said(talk(-1, 7), miss(0)), [("open", 1, None)])
        self.assertEqual(self.said(miss(0), talk(0, 7)), [("open", 1, None)])
        self.assertEqual(self.said(miss(0), talk(1, 7), talk(2, 8)), [("done", 1, 7)])

    def test_a_new_miss_within_a_day_reopens_it(self):
        self.assertEqual(self.said(miss(0), talk(1), miss(25)), [("open", 2, None)])
        self.assertEqual(
            self.said(miss(0), talk(1), miss(25.1)), [("done", 1, 2), ("open", 1, None)]
        )
        (reopened,) = promises([miss(0), talk(1), miss(3), miss(4)])
        self.assertEqual((reopened.first, reopened.opened), (miss(0).at, miss(3).at))

    def test_what_was_dropped_is_owed_again_if_the_customer_calls_again(self):
        drop = Drop(START + timedelta(hours=1))
        self.assertEqual(self.said(miss(0), drop), [("dropped", 1, None)])
        self.assertEqual(self.said(miss(0), drop, talk(2)), [("dropped", 1, None)])
        self.assertEqual(self.said(miss(0), drop, miss(2)), [("open", 2, None)])
        self.assertEqual(self.said(miss(0), talk(0.5, 7), drop), [("done", 1, 7)])

    def test_who_dropped_it_in_the_same_second_knew_of_the_call(self):
        self.assertEqual(self.said(miss(0), Drop(START)), [("dropped", 1, None)])

    def test_order_changes_nothing(self):
        events = [
            miss(0, 1),
            miss(1, 2),
            talk(2, 3),
            miss(3, 4),
            talk(30, 5),
            Drop(START + timedelta(hours=61)),
            miss(60, 6),
        ]
        expected = promises(events)
        for order in itertools.permutations(events):
            self.assertEqual(promises(order), expected)


@tagged("post_install", "-at_install")
class TestCallback(CallbackCase):
    """A customer whom nobody answered is owed one answer, until somebody has talked with them."""

    def test_a_missed_call_is_owed_an_answer(self):
        call = self.come_in(minutes_ago=10)
        self.assertTrue(call.owes_callback)
        owed = self.owed()
        self.assertRecordValues(
            owed,
            [
                {
                    "state": "open",
                    "attempts": 1,
                    "company_id": self.env.company.id,
                    "flow_id": self.line.id,
                    "team_id": self.team.id,
                    "user_id": False,
                    "first_missed": call.start_date,
                    "last_missed": call.start_date,
                    "due_date": call.start_date + timedelta(minutes=30),
                    "is_overdue": False,
                }
            ],
        )
        self.assertEqual(owed.call_ids, call)
        self.assertEqual(call.callback_id, owed)

    def test_one_entry_counts_on(self):
        for minutes in (50, 40, 5):
            call = self.come_in(minutes_ago=minutes)
        owed = self.owed()
        self.assertEqual((len(owed), owed.attempts, len(owed.call_ids)), (1, 3, 3))
        self.assertEqual(owed.last_missed, call.start_date)
        self.assertEqual(owed.due_date, owed.first_missed + timedelta(minutes=30))
        self.assertTrue(owed.is_overdue)

    def test_numbers_are_apart(self):
        self.come_in()
        self.come_in("7000000178")
        self.assertEqual((len(self.owed()), len(self.owed("7000000178"))), (1, 1))

    def test_who_hangs_up_at_once_is_owed_nothing(self):
        for seconds, is_owed in ((4, False), (5, False), (6, True)):
            call = self.come_in(seconds=seconds, hangUpStatus="Party A", minutes_ago=seconds)
            with self.subTest(seconds=seconds):
                self.assertEqual((call.state, call.hung_up_by), ("ended", "customer"))
                self.assertEqual(call.owes_callback, is_owed)
                self.assertEqual(bool(self.owed()), is_owed)

    def test_who_is_busy_at_once_has_missed_it(self):
        call = self.come_in(seconds=3, destinationNumberStatus="BUSY")
        self.assertTrue(call.owes_callback)

    def test_the_period_is_that_of_the_day_of_the_call(self):
        call = self.come_in(seconds=40)
        call.write({"result": "abandoned"})
        self.assertTrue(call.owes_callback)
        self.line.abandon_seconds = 100
        call.invalidate_recordset()
        call.write({"result": "abandoned"})
        self.assertTrue(call.owes_callback)

    def test_a_conversation_that_came_in_closes_it(self):
        missed = self.come_in(minutes_ago=10)
        proof = self.come_in(minutes_ago=5, talked=True)
        self.assertEqual(proof.result, "connected")
        owed = self.owed()
        self.assertRecordValues(
            owed,
            [
                {
                    "state": "done",
                    "closed_by_id": proof.id,
                    "callback_seconds": 300,
                    "in_time_rate": 100,
                }
            ],
        )
        self.assertEqual(owed.call_ids, missed | proof)

    def test_an_earlier_conversation_is_no_proof(self):
        self.come_in(minutes_ago=20, talked=True)
        self.come_in(minutes_ago=10)
        self.come_in(minutes_ago=30, talked=True)
        self.assertEqual(self.owed().state, "open")

    def test_an_outgoing_conversation_closes_it(self):
        self.come_in(CONNECTS, minutes_ago=10)
        call = self.place()
        self.report(call, *self.connected())
        self.assertEqual(self.owed(CONNECTS).state, "open")
        self.report(call, self.event("Disconnected", "B", 54, causeCode="16"), self.cdr())
        self.settle()
        self.assertEqual((call.state, call.result), ("ended", "connected"))
        owed = self.owed(CONNECTS)
        self.assertEqual((owed.state, owed.closed_by_id), ("done", call))

    def test_a_call_that_reaches_nobody_closes_nothing(self):
        self.come_in(CONNECTS, minutes_ago=10)
        call = self.place()
        self.report(call, self.cdr(Overall_Call_Status="Missed", Destination_Status="No Answer"))
        self.settle()
        self.assertEqual(self.owed(CONNECTS).state, "open")

    def test_a_conversation_that_was_logged_by_hand_closes_it(self):
        self.come_in(CONNECTS, minutes_ago=10)
        call = self.log_by_hand(phone=CONNECTS, duration=1)
        self.settle()
        self.assertEqual(self.owed(CONNECTS).closed_by_id, call)

    def test_reopened_within_a_day(self):
        self.come_in(minutes_ago=60)
        self.come_in(minutes_ago=50, talked=True)
        again = self.come_in(minutes_ago=20)
        owed = self.owed()
        self.assertRecordValues(
            owed,
            [
                {
                    "state": "open",
                    "attempts": 2,
                    "closed_by_id": False,
                    "opened_date": again.start_date,
                    "due_date": again.start_date + timedelta(minutes=30),
                }
            ],
        )

    def test_after_a_day_it_is_another_one(self):
        self.come_in(minutes_ago=3 * 24 * 60)
        self.come_in(minutes_ago=3 * 24 * 60 - 10, talked=True)
        self.come_in(minutes_ago=20)
        self.assertEqual(self.owed().mapped("state"), ["done", "open"])

    def test_any_order_of_settling_gives_the_same(self):
        records = [
            self.cdr_of(UNKNOWN, 60),
            self.cdr_of(UNKNOWN, 50, talked=True),
            self.cdr_of(UNKNOWN, 40),
            self.cdr_of(UNKNOWN, 30),
        ]
        names = ("state", "attempts", "first_missed", "last_missed", "opened_date", "due_date")
        found = set()
        for order in itertools.permutations(range(4)):
            with self.subTest(order=order), self.env.cr.savepoint() as savepoint:
                for position in order:
                    self.post(records[position])
                    self.settle()
                owed = self.owed()
                self.assertEqual(len(owed), 1)
                values = tuple(owed[name] for name in names)
                found.add((*values, tuple(sorted(owed.call_ids.mapped("session_id")))))
                savepoint.rollback()
                self.env.invalidate_all()
        self.assertEqual(len(found), 1, found)

    def test_settling_again_changes_nothing(self):
        self.come_in(minutes_ago=60)
        self.come_in(minutes_ago=50, talked=True)
        call = self.come_in(minutes_ago=20)
        before = self.owed().read()
        call._settle_soon()
        self.settle()
        self.assertEqual(self.owed().read(), before)
        self.assertFalse(call.to_settle)

    def test_a_correction_takes_it_back(self):
        """A later record of the same call may say that somebody did pick up."""
        call = self.come_in(minutes_ago=10)
        self.assertEqual(len(self.owed()), 1)
        call.write({"result": "connected"})
        self.settle()
        self.assertFalse(self.owed())

    def test_a_late_proof_in_the_middle_makes_two_of_one(self):
        first = self.cdr_of(UNKNOWN, 3 * 24 * 60)
        proof = self.cdr_of(UNKNOWN, 3 * 24 * 60 - 10, talked=True)
        last = self.cdr_of(UNKNOWN, 20)
        self.post(first, last)
        self.settle()
        owed = self.owed()
        self.assertEqual((len(owed), owed.attempts), (1, 2))
        owed.with_user(self.rep).action_take()
        self.post(proof)
        self.settle()
        found = self.owed().sorted("first_missed")
        self.assertEqual(found.mapped("state"), ["done", "open"])
        self.assertEqual(found[1].user_id, self.rep, "what people work with stays the same one")

    def test_a_withheld_number_is_owed_nothing(self):
        before = self.callbacks.search_count([])
        self.come_in("")
        self.assertEqual(self.callbacks.search_count([]), before)

    def test_a_blacklisted_caller_is_owed_nothing(self):
        call = self.come_in()
        call.route_reason = "blocked"
        self.assertFalse(call.owes_callback)
        self.settle()
        self.assertFalse(self.owed())

    def test_a_bad_one_stops_no_other(self):
        bad, good = "7000000171", "7000000172"
        self.post(self.cdr_of(bad, 10), self.cdr_of(good, 10))
        owner = type(self.callbacks)
        original = owner._settle_number

        def fail(callbacks, company, customer_number, trial=False):
            if customer_number == bad:
                raise ValueError("settling")
            return original(callbacks, company, customer_number, trial)

        with mute_logger(SETTLE_LOGGER), patch.object(owner, "_settle_number", fail):
            self.settle()
        self.assertFalse(self.owed(bad))
        self.assertEqual(len(self.owed(good)), 1)
        call = self.env["ccp.call"].search([("customer_number", "=", bad)])
        self.assertTrue(call.to_settle and call.settle_date > fields.Datetime.now())
        call.settle_date = fields.Datetime.now() - timedelta(seconds=1)
        self.settle()
        self.assertEqual(len(self.owed(bad)), 1)
        self.assertFalse(call.to_settle or call.settle_tries)

    def test_it_is_given_up_after_some_tries(self):
        self.post(self.cdr_of(UNKNOWN, 10))
        call = self.env["ccp.call"].search([("customer_number", "=", UNKNOWN)])
        owner = type(self.callbacks)
        with (
            mute_logger(SETTLE_LOGGER),
            patch.object(owner, "_settle_number", side_effect=ValueError) as settle_number,
        ):
            for _each in range(10):
                self.settle()
                call.settle_date = False
                self.env.flush_all()
        self.assertEqual(settle_number.call_count, 5)
        self.assertFalse(call.to_settle)


@tagged("post_install", "-at_install")
class TestCallbackClock(CallbackCase):
    """The clock runs in working time only: the number's, else the company's."""

    def calendar(self, hour_from, hour_to):
        return self.env["resource.calendar"].create(
            {
                "name": "Office",
                "tz": "Asia/Kolkata",
                "company_id": self.env.company.id,
                "attendance_ids": [
                    Command.clear(),
                    *(
                        Command.create(
                            {
                                "name": "Day",
                                "dayofweek": str(day),
                                "hour_from": hour_from,
                                "hour_to": hour_to,
                                "day_period": "morning",
                            }
                        )
                        for day in range(5)
                    ),
                ],
            }
        )

    def due(self, moment):
        moment = fields.Datetime.to_datetime(moment)
        return fields.Datetime.to_string(self.callbacks._due(moment, self.line, self.env.company))

    def test_the_companys(self):
        self.env.company.resource_calendar_id = self.calendar(9, 17)
        # Friday in India: 16:00, 16:50, 20:00
        self.assertEqual(self.due("2026-11-27 10:30:00"), "2026-11-27 11:00:00")
        self.assertEqual(self.due("2026-11-27 11:20:00"), "2026-11-30 03:50:00")
        self.assertEqual(self.due("2026-11-27 14:30:00"), "2026-11-30 04:00:00")

    def test_the_numbers_own_comes_first(self):
        self.env.company.resource_calendar_id = self.calendar(9, 17)
        self.line.calendar_id = self.calendar(9, 21)
        self.assertEqual(self.due("2026-11-27 14:30:00"), "2026-11-27 15:00:00")

    def test_holidays(self):
        calendar = self.env.company.resource_calendar_id = self.calendar(9, 17)
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": calendar.id,
                "date_from": "2026-11-29 18:30:00",
                "date_to": "2026-11-30 18:29:59",
            }
        )
        self.assertEqual(self.due("2026-11-27 14:30:00"), "2026-12-01 04:00:00")

    def test_a_calendar_without_hours_says_nothing(self):
        calendar = self.env["resource.calendar"].create({"name": "Empty", "tz": "UTC"})
        calendar.attendance_ids.unlink()
        self.env.company.resource_calendar_id = calendar
        self.assertEqual(self.due("2026-11-27 14:30:00"), "2026-11-27 15:00:00")

    def test_an_unknown_number(self):
        moment = fields.Datetime.to_datetime("2026-11-27 14:30:00")
        due = self.callbacks._due(moment, self.line.browse(), self.env.company)
        self.assertEqual(due - moment, timedelta(hours=1))

    def test_a_new_period_changes_nothing_of_the_past(self):
        self.come_in(minutes_ago=10)
        due = self.owed().due_date
        self.line.callback_minutes = 600
        self.come_in(minutes_ago=5)
        self.assertEqual((self.owed().attempts, self.owed().due_date), (2, due))
