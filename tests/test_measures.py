from datetime import datetime, timedelta
from unittest.mock import patch

from odoo.tests import new_test_user, tagged

from .common import CcpCase

INDIA = timedelta(hours=5, minutes=30)
MEASURES = (
    "attempts",
    "reached",
    "agent_failures",
    "connect_rate",
    "customer_connect_rate",
    "talk_seconds",
    "average_talk_seconds",
    "agent_ring_seconds",
    "customer_ring_seconds",
    "attempts_until_reached",
    "speed_to_dial",
    "speed_to_connect",
    "cost",
)
SPECS = [
    f"{name}:sum"
    if name in ("attempts", "reached", "agent_failures", "talk_seconds", "cost")
    else f"{name}:avg"
    for name in MEASURES
]

# Monday is 2026-06-01; times are of India. Rang: seconds of the agent's, the customer's phone.
# agent, customer, day and time, result, talked, rang, rang, pulses
CALLS = """
rep    A  Mon 09:05  customer_no_answer      0   4  30  0  lead
rep    A  Mon 09:40  customer_busy           0   6   0  0  lead
rep    A  Mon 11:10  connected             120   5  10  2  lead
rep    B  Mon 11:20  connected              60   3  20  1
rep    B  Mon 11:50  agent_no_answer         0  20   0  0
rep    C  Mon 12:00  refused                 0   0   0  0
rep    C  Mon 12:05  customer_rejected       0   7   8  0
rep    C  Tue 09:15  canceled                0   5  12  0  agent_picked_up
rep    C  Tue 09:30  connected              30   5   6  1
rep    A  Tue 09:45  connected              90   5  12  2
rep    A  Tue 11:30  no_report               0   0   0  0
rep    B  Tue 11:40  live                    0   0   0  0
other  A  Mon 09:20  failed                  0   0   0  0
other  B  Mon 11:05  customer_unreachable    0   2   0  0
other  D  Mon 15:00  connected             200   9  15  4
other  -  Tue 15:00  connected             100   0   0  0  manual
other  -  Tue 15:30  connected              50   0   0  0  manual inbound
other  D  Tue 16:00  agent_busy              0   0   0  0
other  D  Tue 16:10  agent_unreachable       0   0   0  0
other  D  Tue 16:20  customer_no_answer      0   4  40  0
other  D  Tue 16:30  connected              10   6  14  1
gone   E  Mon 10:00  connected              40   8   9  1  second_lead
gone   F  Mon 10:30  customer_no_answer      0   2  25  0
gone   F  Tue 00:30  connected              20   3   7  1
rep    A  Mon 10:00  connected             999   9   9  9  elsewhere
"""
CUSTOMERS = {
    "A": "7000000101",
    "B": "7000000103",
    "C": "7000000104",
    "D": "7000000105",
    "E": "7000000106",
    "F": "7000000107",
    "-": False,
}

# Counted by hand from the table, in the order of MEASURES
TOTAL = (22, 9, 4, 42.857, 52.941, 720, 72, 4.933, 16, 2.25, 510, 4267.5, 6.5)
BY_AGENT = {
    "rep": (11, 4, 2, 40, 50, 300, 75, 5, 14, 2.5, 900, 8415, 3),
    "other": (8, 3, 2, 37.5, 50, 360, 90, 5.25, 23, 2.5, None, None, 2.5),
    "gone": (3, 2, 0, 66.667, 66.667, 60, 30, 4.333, 13.667, 1.5, 120, 120, 1),
}
# attempts, reached, agent_failures, connect_rate, customer_connect_rate
BY_HOUR = {
    "00": (1, 1, 0, 100, 100),
    "09": (6, 2, 1, 33.333, 40),
    "10": (2, 1, 0, 50, 50),
    "11": (6, 2, 1, 40, 50),
    "12": (1, 0, 0, 0, 0),
    "15": (2, 2, 0, 100, 100),
    "16": (4, 1, 2, 25, 50),
}
BY_WEEKDAY = {"1": (11, 4, 1, 36.364, 40), "2": (11, 5, 3, 50, 71.429)}


@tagged("post_install", "-at_install")
class TestMeasures(CcpCase):
    """Every measure over a table of calls that was counted by hand."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ccp.call"].search([]).unlink()
        cls.env.company.ccp_pulse_price = 0.5
        groups = "base.group_user,airtel_ccp.group_ccp_user"
        gone = new_test_user(cls.env, "gone", groups, name="Gone Rep")
        cls.agents = {"rep": cls.rep, "other": cls.other_rep, "gone": gone}
        cls.env["res.users"].concat(*cls.agents.values()).tz = "Asia/Kolkata"
        cls.second_lead = cls.env["crm.lead"].create({"name": "Second"})
        cls.elsewhere = cls.env["res.company"].create({"name": "Elsewhere"})

    @classmethod
    def india(cls, text):
        """Return the moment in UTC of a day and time in India, such as ``Mon 09:05``."""
        day, time = text.split()
        date = {"Mon": "2026-06-01", "Tue": "2026-06-02"}[day]
        return datetime.fromisoformat(f"{date} {time}") - INDIA

    def set_dates(self, lead, created, opened):
        """Set when a lead was created and assigned, in India's time."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE crm_lead SET create_date = %s, date_open = %s WHERE id = %s",
            (self.india(created), self.india(opened), lead.id),
        )
        self.env.invalidate_all()

    def load_table(self):
        """Make the calls of the table, and measure them."""
        self.set_dates(self.lead, "Mon 08:35", "Mon 08:50")
        self.set_dates(self.second_lead, "Mon 09:58", "Mon 10:20")
        for line in CALLS.strip().splitlines():
            agent, customer, day, time, result, *numbers = line.split()
            talked, agent_rang, customer_rang, pulses = map(int, numbers[:4])
            marks = numbers[4:]
            start = self.india(f"{day} {time}")
            leads = {"lead": self.lead.id, "second_lead": self.second_lead.id}
            call = self.make_call(
                user_id=self.agents[agent].id,
                customer_number=CUSTOMERS[customer],
                start_date=start,
                state={"refused": "refused", "live": "ringing_customer"}.get(result, "ended"),
                result=False if result in ("refused", "live") else result,
                live=result == "live",
                agent_answer_date=start if "agent_picked_up" in marks else False,
                answer_date=start + timedelta(seconds=15) if marks == ["lead"] else False,
                talk_seconds=talked,
                agent_ring_seconds=agent_rang,
                customer_ring_seconds=customer_rang,
                pulses=pulses,
                direction="inbound" if "inbound" in marks else "outbound",
                lead_id=next((leads[mark] for mark in marks if mark in leads), False),
                company_id=(self.elsewhere if "elsewhere" in marks else self.env.company).id,
            )
            # With all figures of a call through Airtel, which the dialog does not write
            call.manual = "manual" in marks
        self.agents["gone"].active = False
        self.measure()

    def measure(self):
        """Run the scheduled action, but for its commit."""
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_measure()
        self.assertFalse(self.env["ccp.call"]._take_unmeasured())

    def as_manager(self):
        """Return the calls' model as the manager has it."""
        return self.as_user(self.env["ccp.call"], self.manager)

    def assertMeasures(self, found, expected, which):
        """Compare numbers to three places; ``None`` stands for nothing to measure."""
        for name, value, wanted in zip(MEASURES, found, expected, strict=False):
            if wanted is None:
                self.assertIsNone(value or None, (which, name))
            else:
                self.assertIsNotNone(value, (which, name))
                self.assertAlmostEqual(value, wanted, 3, (which, name))

    def assertGroups(self, groupby, expected, key=lambda value: value):
        """Compare the groups of every way in which numbers are asked for."""
        calls = self.as_manager()
        specs = SPECS[: len(next(iter(expected.values())))]
        rows = {key(row[0]): row[1:] for row in calls._read_group([], [groupby], specs)}
        self.assertEqual(set(rows), set(expected))
        web = {}
        for row in calls.formatted_read_group([], [groupby], specs):
            value = row[groupby]
            value = value[0] if isinstance(value, (tuple, list)) else value
            web[value] = [row[spec] for spec in specs]
        pivot = {}
        for row in calls.formatted_read_grouping_sets([], [[], [groupby]], specs)[1]:
            value = row[groupby]
            value = value[0] if isinstance(value, (tuple, list)) else value
            pivot[value] = [row[spec] for spec in specs]
        self.assertEqual(set(web), set(expected))
        self.assertEqual(set(pivot), set(expected))
        for group, numbers in expected.items():
            self.assertMeasures(rows[group], numbers, ("_read_group", group))
            self.assertMeasures(web[group], numbers, ("formatted_read_group", group))
            self.assertMeasures(pivot[group], numbers, ("grouping sets", group))

    def test_total(self):
        self.load_table()
        calls = self.as_manager()
        self.assertMeasures(calls._read_group([], [], SPECS)[0], TOTAL, "total")
        [row] = calls.formatted_read_group([], [], SPECS)
        self.assertMeasures([row[spec] for spec in SPECS], TOTAL, "web total")
        [[row]] = calls.formatted_read_grouping_sets([], [[]], SPECS)
        self.assertMeasures([row[spec] for spec in SPECS], TOTAL, "pivot total")

    def test_agents(self):
        self.load_table()
        expected = {self.agents[name].id: numbers for name, numbers in BY_AGENT.items()}
        self.assertGroups("user_id", expected, key=lambda user: user.id)

    def test_hours(self):
        self.load_table()
        self.assertGroups("start_hour", BY_HOUR)

    def test_weekdays(self):
        self.load_table()
        self.assertGroups("start_weekday", BY_WEEKDAY)

    def test_no_calls_or_no_denominator(self):
        calls = self.as_manager()
        [nothing] = calls._read_group([("id", "=", 0)], [], SPECS)
        self.assertFalse(any(nothing))
        self.make_call(state="refused", live=False)
        self.make_call(state="ended", result="agent_busy", live=False)
        self.measure()
        [found] = self.as_manager()._read_group([], [], SPECS)
        self.assertEqual(found[:3], (1, 0, 1))
        self.assertEqual(found[3], 0)
        self.assertFalse(any(found[4:]))

    def test_measured_fields_have_no_write_for_people(self):
        self.load_table()
        names = self.as_manager().fields_get(MEASURES, ["readonly", "aggregator"])
        self.assertTrue(all(each["readonly"] and each["aggregator"] for each in names.values()))
        self.assertNotIn("measured", self.as_manager().fields_get())

    def test_time_zone_changes_in_the_middle_of_a_day(self):
        before = self.make_call(start_date="2026-06-01 19:00:00", live=False)
        self.assertEqual((before.start_hour, before.start_weekday), ("00", "2"))
        self.rep.tz = "Europe/London"
        after = self.make_call(start_date="2026-06-01 19:00:00")
        self.assertEqual((after.start_hour, after.start_weekday), ("20", "1"))
        self.report(before, self.cdr(), received_at=before.start_date)
        self.assertEqual(before.result, "connected")
        self.assertEqual((before.start_hour, before.start_weekday), ("00", "2"))
        self.rep.tz = False
        fallback = self.make_call(start_date="2026-06-01 19:00:00", live=False)
        self.assertEqual((fallback.start_hour, fallback.start_weekday), ("00", "2"))

    def test_late_report_corrects_later_calls_too(self):
        first = self.make_call(start_date="2026-06-01 05:00:00", lead_id=self.lead.id)
        self.set_dates(self.lead, "Mon 10:20", "Mon 10:25")
        first._close()
        second = self.make_call(start_date="2026-06-01 06:00:00", lead_id=self.lead.id)
        self.report(second, self.cdr(), received_at=second.start_date)
        self.measure()
        self.assertEqual((first.result, second.result), ("no_report", "connected"))
        self.assertEqual(second.attempts_until_reached, 2)
        self.assertTrue(first.first_dial and second.first_connect)
        self.assertFalse(first.first_connect or second.first_dial)
        self.assertEqual(first.speed_to_dial, 300)
        self.report(first, self.cdr(), received_at=second.start_date)
        self.assertEqual(first.result, "connected")
        self.assertEqual(second.attempts_until_reached, 2, "a report changes its own call only")
        self.measure()
        self.assertEqual((first.attempts_until_reached, second.attempts_until_reached), (1, 1))
        self.assertTrue(first.first_connect)
        self.assertFalse(second.first_connect)

    def test_measuring_again_changes_nothing(self):
        self.load_table()
        names = ["attempts_until_reached", "first_dial", "speed_to_dial", "speed_to_connect"]
        calls = self.env["ccp.call"].search([])
        before = calls.read(names)
        self.env["ccp.call"]._measure_all()
        self.assertEqual(calls.read(names), before)
        self.assertFalse(self.env["ccp.call"]._take_unmeasured())

    def test_price_of_the_day(self):
        call = self.make_call(live=False, state="ended", pulses=3)
        self.assertEqual(call.cost, 1.5)
        self.env.company.ccp_pulse_price = 2
        call.talk_seconds = 5
        self.assertEqual(call.cost, 1.5)
        call.pulses = 4
        self.assertEqual(call.cost, 8)

    def test_lead_that_is_handed_on_keeps_its_speed(self):
        self.set_dates(self.lead, "Mon 08:00", "Mon 08:50")
        values = {"lead_id": self.lead.id, "live": False, "state": "ended"}
        first = self.make_call(start_date=self.india("Mon 09:00"), result="customer_busy", **values)
        self.measure()
        self.set_dates(self.lead, "Mon 08:00", "Mon 12:00")
        second = self.make_call(start_date=self.india("Mon 13:00"), result="connected", **values)
        self.measure()
        self.assertEqual(first.speed_to_dial, 600)
        self.assertEqual(second.speed_to_connect, 15000)

    def test_lead_that_is_merged(self):
        self.set_dates(self.lead, "Mon 08:00", "Mon 08:00")
        self.set_dates(self.second_lead, "Mon 09:00", "Mon 09:00")
        values = {"live": False, "state": "ended", "result": "connected"}
        first = self.make_call(lead_id=self.lead.id, start_date=self.india("Mon 08:10"), **values)
        second = self.make_call(
            lead_id=self.second_lead.id, start_date=self.india("Mon 09:10"), **values
        )
        self.measure()
        self.assertTrue(first.first_dial and second.first_dial)
        second.lead_id = self.lead
        self.measure()
        self.assertTrue(first.first_dial)
        self.assertFalse(second.first_dial or second.first_connect)
        self.assertEqual(first.speed_to_dial, 600)

    def test_agent_who_changed_teams(self):
        teams = self.env["crm.team"].create([{"name": "One"}, {"name": "Two"}])
        for team, result in zip(teams, ("connected", "customer_busy"), strict=True):
            self.make_call(team_id=team.id, live=False, state="ended", result=result)
        rows = self.as_manager()._read_group([], ["team_id"], ["attempts:sum", "connect_rate:avg"])
        found = {team.id: numbers for team, *numbers in rows}
        self.assertEqual(found, {teams[0].id: [1, 100], teams[1].id: [1, 0]})

    def test_reps_count_their_own_calls_only(self):
        self.load_table()
        calls = self.as_user(self.env["ccp.call"], self.rep)
        self.assertMeasures(calls._read_group([], [], SPECS)[0], BY_AGENT["rep"], "own")
