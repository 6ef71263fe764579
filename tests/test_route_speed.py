import threading
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged

from ..ccp.airtel.routing import Question
from ..controllers import announcing
from ..models import resource_calendar
from .common import CONNECTS
from .incoming import IncomingCase
from .test_route import RoutingCase

# With the owner of a lead, whom a resource of Odoo's has hours of work for
STATEMENTS = 13
WAIT_SECONDS = 10


@tagged("post_install", "-at_install")
class TestQuestionBudget(RoutingCase):
    """A caller hears nothing while Odoo looks for the right person."""

    def test_statements(self):
        self.assertEqual(self.rung(), ("record_owner", [self.rep.id]))
        self.env.invalidate_all()
        with self.assertQueryCount(STATEMENTS):
            self.company._ccp_route(self.question(), is_kept=True)

    def question(self):
        return Question(CONNECTS, self.number.caller_number, "")


@tagged("post_install", "-at_install")
class TestRememberedTimes(RoutingCase):
    """Working times are remembered, and follow each change at once."""

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.dict(resource_calendar._remembered, clear=True))
        self.moment = datetime(2026, 11, 25, 10, tzinfo=timezone.utc)
        self.calendar = self.hours((9, 17))
        self.resource = self.env["resource.resource"].create(
            {"name": "Asha", "user_id": self.rep.id, "calendar_id": self.calendar.id, "tz": "UTC"}
        )
        self.company.resource_calendar_id = self.calendar

    def at_work(self, user=None, minutes=0):
        """Return whether a user is at work, after seeing that nothing else is remembered."""
        user = user or self.rep
        moment = self.moment + timedelta(minutes=minutes)
        users = self.env["res.users"].sudo()
        found = users._ccp_at_work(self.company, user.ids, moment)
        with patch.dict(resource_calendar._remembered, clear=True):
            self.assertEqual(users._ccp_at_work(self.company, user.ids, moment), found)
        return found[user.id]

    def leave(self, **values):
        return self.env["resource.calendar.leaves"].create(
            {
                "name": "Leave",
                "calendar_id": self.calendar.id,
                "date_from": "2026-11-25 09:30:00",
                "date_to": "2026-11-25 12:00:00",
                **values,
            }
        )

    def test_found_once(self):
        self.assertTrue(self.at_work())
        calendars = type(self.calendar)
        with patch.object(calendars, "_work_intervals_batch", side_effect=AssertionError):
            users = self.env["res.users"].sudo()
            for minutes in (0, 5, 9):
                moment = self.moment + timedelta(minutes=minutes)
                self.assertTrue(users._ccp_at_work(self.company, self.rep.ids, moment)[self.rep.id])

    def test_time_goes_by(self):
        self.moment = datetime(2026, 11, 25, 16, 55, tzinfo=timezone.utc)
        self.assertTrue(self.at_work())
        self.assertTrue(self.at_work(minutes=4))
        self.assertFalse(self.at_work(minutes=6))
        self.assertFalse(self.at_work(minutes=60))

    def test_own_leave(self):
        self.assertTrue(self.at_work())
        leave = self.leave(resource_id=self.resource.id)
        self.assertFalse(self.at_work())
        self.assertTrue(self.at_work(self.other_rep), "the other one has no resource")
        leave.date_from = "2026-11-25 11:00:00"
        self.assertTrue(self.at_work())
        self.assertFalse(self.at_work(minutes=70))
        leave.unlink()
        self.assertTrue(self.at_work(minutes=70))

    def test_holiday(self):
        self.assertTrue(self.at_work(self.other_rep))
        self.leave()
        self.assertFalse(self.at_work())
        self.assertFalse(self.at_work(self.other_rep))

    def test_hours(self):
        self.assertTrue(self.at_work())
        self.calendar.attendance_ids.hour_to = 9.5
        self.assertFalse(self.at_work())
        self.assertFalse(self.at_work(self.other_rep))
        self.calendar.attendance_ids = [Command.clear()]
        self.assertFalse(self.at_work())

    def test_another_calendar(self):
        self.assertTrue(self.at_work())
        self.resource.calendar_id = self.hours((12, 17))
        self.assertFalse(self.at_work())
        self.resource.calendar_id = False
        self.assertTrue(self.at_work(), "without hours, at any time")
        self.assertTrue(self.at_work(self.other_rep))
        self.company.resource_calendar_id = self.hours((12, 17))
        self.assertFalse(self.at_work(self.other_rep))

    def test_another_time_zone(self):
        self.assertTrue(self.at_work())
        self.resource.tz = "America/New_York"
        self.assertFalse(self.at_work())

    def test_no_more_are_remembered_than_fit(self):
        with patch.object(resource_calendar, "MOST_REMEMBERED", 2):
            for hour in range(12, 17):
                self.resource.calendar_id = self.hours((hour, 17))
                self.at_work()
                self.assertLessEqual(len(resource_calendar._remembered), 2)


@tagged("post_install", "-at_install")
class TestAnnouncer(IncomingCase):
    """Pop-ups are sent outside of the request, together, and keep nobody waiting."""

    def setUp(self):
        super().setUp()
        self.announcer = announcing.Announcer()
        self.told = []
        self.is_told = threading.Semaphore(0)
        self.has_begun = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

        def announce(*words):
            self.has_begun.set()
            self.gate.wait(WAIT_SECONDS)
            self.told.append(words)
            self.is_told.release()

        self.startPatcher(patch.object(announcing, "announce", announce))
        self.addCleanup(self.gate.set)

    def add(self, *decisions, company_id=1):
        for each in decisions:
            self.announcer.add("some", company_id, each)

    def wait(self, count):
        for _each in range(count):
            self.assertTrue(self.is_told.acquire(timeout=WAIT_SECONDS))

    def test_those_that_wait_go_together(self):
        self.gate.clear()
        self.add("first")
        self.assertTrue(self.has_begun.wait(WAIT_SECONDS))
        self.add("second", "third")
        self.add("of another", company_id=2)
        self.gate.set()
        self.wait(3)
        self.assertEqual(
            self.told,
            [
                ("some", 1, ["first"]),
                ("some", 1, ["second", "third"]),
                ("some", 2, ["of another"]),
            ],
        )

    def test_a_database_that_hangs_keeps_nobody(self):
        self.gate.clear()
        with (
            patch.object(self.announcer, "_waiting", announcing.queue.Queue(3)),
            self.assertLogs("odoo.addons.airtel_ccp.controllers.announcing", "WARNING") as log,
        ):
            self.add(*range(10))
        self.assertIn("too many wait", log.output[-1])

    def test_it_goes_on_after_a_fork(self):
        self.add("one")
        self.wait(1)
        # As a process sees it that was forked
        self.announcer._thread = threading.Thread()
        self.add("two")
        self.wait(1)


@tagged("post_install", "-at_install")
class TestAnnounce(IncomingCase):
    def test_one_that_fails_keeps_no_other(self):
        good, bad = self.decide(), self.decide(seconds=200)
        told = []

        def tell(_company, decisions):
            if bad in decisions:
                raise ValueError("injected")
            told.extend(decisions)

        with (
            patch.object(type(self.company), "_ccp_announce", tell),
            self.assertLogs("odoo.addons.airtel_ccp.controllers.announcing", "WARNING") as log,
        ):
            announcing.announce(self.env.cr.dbname, self.company.id, [bad, good])
        self.assertEqual(told, [good])
        self.assertEqual(len(log.output), 1)
        self.assertIn("ValueError", log.output[0])
