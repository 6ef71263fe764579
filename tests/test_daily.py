import random
from ast import literal_eval
from datetime import datetime, timedelta
from unittest.mock import patch

from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError
from odoo.models import BaseModel
from odoo.tests import freeze_time, tagged

from ..models import ccp_call_daily
from ..models.ccp_call_daily import CcpCallDaily
from ..models.measures import AGGREGATES, PARTS
from .common import CcpCase

RESULTS = (
    "connected",
    "connected",
    "customer_no_answer",
    "customer_busy",
    "agent_no_answer",
    "canceled",
    "failed",
    "no_report",
    False,
)
# India's midnight, an hour around it, and other days of other weeks and months
MOMENTS = [
    datetime(2026, 2, 28, 18, 30) + timedelta(minutes=minutes)  # noqa: DTZ001 - as Odoo stores it
    for minutes in (0, -1, 1, -60, 60, 24 * 60 - 1, 24 * 60, 9000, -50000, 100000)
]
GROUPS = (
    [],
    ["start_date:day"],
    ["start_date:week"],
    ["start_date:month"],
    ["start_date:day", "company_id"],
    ["start_weekday", "start_date:month"],
    ["start_hour"],
    ["start_weekday", "start_hour"],
    ["user_id"],
    ["user_id", "start_date:week"],
    ["company_id"],
    ["start_hour", "direction"],
    ["result"],
    ["result", "outcome_id", "start_date:month"],
    ["flow_id", "direction"],
    ["team_id", "user_id"],
)
SPECS = ["__count", *AGGREGATES]


@tagged("post_install", "-at_install")
class TestDaily(CcpCase):
    """The sums agree with the calls to the unit, whatever happens to the calls."""

    def setUp(self):
        super().setUp()
        self.env["ccp.call"].search([]).unlink()
        self.random = random.Random(7)
        self.outcome = self.env["ccp.call.outcome"].search([], limit=1)
        self.calls = self.env["ccp.call"]
        for _ in range(60):
            self.calls |= self.make_call(**self.values())

    def values(self):
        dice = self.random
        result, state = dice.choice(RESULTS), dice.choice(("ended", "ended", "refused"))
        return {
            "live": False,
            "state": state,
            "result": state == "ended" and result,
            "start_date": dice.choice(MOMENTS),
            "user_id": dice.choice((self.rep.id, self.other_rep.id)),
            "direction": dice.choice(("outbound", "outbound", "inbound")),
            "trial": dice.random() < 0.1,
            "talk_seconds": dice.choice((0, 35, 95)),
            "agent_ring_seconds": dice.choice((0, 4, 9)),
            "agent_answer_date": dice.choice((False, MOMENTS[0])),
            "outcome_id": dice.choice((False, self.outcome.id)),
        }

    def report(self, user=None, zone="Asia/Kolkata"):
        """Return the report as a user has it."""
        self.env.flush_all()
        self.env.invalidate_all()
        daily = self.env["ccp.call.daily"].with_user(user or self.manager)
        return daily.with_context(tz=zone)

    def source(self, *question, user=None, zone="Asia/Kolkata"):
        """Ask the report, and return the kind of sums that it read; None for the calls."""
        found = []
        choose = CcpCallDaily._source

        def noting(model, domain):
            found.append(choose(model, domain))
            return found[-1]

        with patch.object(CcpCallDaily, "_source", noting):
            self.report(user, zone)._read_group(*question)
        return found[0] and found[0].kind

    def raw(self):
        """Have the report read the calls."""
        return patch.object(CcpCallDaily, "_source", return_value=None)

    def assert_exact(self):
        """Compare each report from the sums with the same from the calls."""
        report = self.report()
        calls = self.env["ccp.call"].with_env(report.env)
        for period in ([], [("start_date", ">=", MOMENTS[0]), ("start_date", "<", MOMENTS[6])]):
            for groups in GROUPS:
                with self.subTest(period=period, groups=groups):
                    self.assertIsNotNone(self.source(period, groups, SPECS))
                    served = report._read_group(period, groups, SPECS)
                    self.assertEqual(report._read_grouping_sets(period, [groups], SPECS), [served])
                    with self.raw():
                        self.assertEqual(served, report._read_group(period, groups, SPECS))
                    of_calls = calls._read_group([("trial", "=", False), *period], groups, SPECS)
                    self.assertEqual(self.zero(served), self.zero(of_calls))
                    for each in (each for row in served for each in row):
                        if isinstance(each, BaseModel):
                            self.assertEqual(each.env, report.env)

    def zero(self, rows):
        """Return rows with 0 for nothing; a call without a talk time has 0 in its column."""
        return [tuple(each or 0 for each in row) for row in rows]

    def test_after_creation(self):
        self.assert_exact()

    def test_after_any_change(self):
        for call in self.calls[:40]:
            values = self.values()
            names = self.random.sample(sorted(values), 4)
            call.write({name: values[name] for name in names})
        self.calls[40:45].unlink()
        # Nor does it matter who writes
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ccp_call SET talk_seconds = talk_seconds + 1, company_id = company_id"
            " WHERE id IN %s",
            [self.calls[50:].ids and tuple(self.calls[50:].ids)],
        )
        self.env.cr.execute("DELETE FROM ccp_call WHERE id = %s", [self.calls[46].id])
        self.env.invalidate_all()
        self.assert_exact()

    def test_merging_and_counting_anew_change_nothing(self):
        self.calls[:10].write({"user_id": self.other_rep.id})
        daily = self.env["ccp.call.daily"]
        self.env.flush_all()
        self.assertTrue(daily._merge())
        self.assertFalse(daily._merge())
        self.assert_exact()
        self.calls[10:20].write({"result": "connected"})
        self.env.flush_all()
        self.assertTrue(daily._merge())
        self.assert_exact()
        daily._count_all()
        self.assert_exact()

    def test_calls_that_are_gone_leave_no_group(self):
        self.calls.filtered(lambda call: call.user_id == self.rep).unlink()
        rows = self.report()._read_group([], ["user_id"], ["__count"])
        self.assertEqual([user for user, _count in rows], [self.other_rep])
        self.calls.exists().unlink()
        rows = self.report()._read_group([], [], ["__count", "attempts:sum"])
        self.assertEqual(rows, [(0, False)])

    def test_rows_are_calls(self):
        rows = self.report().search([])
        self.assertEqual(set(rows.ids), set(self.calls.filtered(lambda call: not call.trial).ids))
        row = rows[0]
        call = self.env["ccp.call"].browse(row.id)
        for name in ("user_id", "result", "start_date", "connect_rate", "agent_ring_seconds"):
            self.assertEqual(row[name], call[name], name)

    def test_which_rows_a_report_reads(self):
        late = MOMENTS[2]
        for domain, groups, specs, kind in (
            ([], ["start_date:week"], ["__count"], "hour"),
            ([], ["start_hour"], ["connect_rate:avg"], "hour"),
            ([("direction", "=", "outbound")], ["start_hour"], ["__count"], "hour"),
            ([("result", "=", "connected")], ["start_date:day"], ["__count"], "result"),
            ([("user_id", "=", self.rep.id)], ["start_date:day"], ["__count"], "agent"),
            ([("start_date", ">=", MOMENTS[0])], ["team_id"], ["__count"], "agent"),
            ([("start_date", ">=", late)], ["user_id"], ["__count"], None),
            ([("talk_seconds", ">", 60)], ["user_id"], ["__count"], None),
            ([], ["start_date:hour"], ["__count"], None),
            ([], ["user_id", "start_hour"], ["__count"], None),
            ([], ["user_id"], ["pulses:sum"], None),
        ):
            with self.subTest(domain=domain, groups=groups, specs=specs):
                self.assertEqual(self.source(domain, groups, specs), kind)
        elsewhere = self.source([], ["start_date:day"], ["__count"], zone="Europe/Berlin")
        self.assertIsNone(elsewhere)
        by_pulses = self.source([], ["user_id"], ["__count"], (), 0, None, "pulses:sum desc")
        self.assertIsNone(by_pulses)

    def filters(self):
        """Return the filters of the report's search by their name."""
        arch = etree.fromstring(self.env["ccp.call.daily"].get_view(view_type="search")["arch"])
        return {each.get("name"): each for each in arch.iter("filter")}

    @freeze_time("2026-03-06 10:00:00")
    def test_what_each_window_shows_first(self):
        filters = self.filters()
        for name, field, first in (
            ("", "start_date:week", "last_12_weeks"),
            ("_hour", "start_hour", "last_12_weeks"),
            ("_agent", "user_id", "last_30_days"),
        ):
            action = self.env.ref(f"airtel_ccp.action_ccp_call_report{name}")
            with self.subTest(window=action.name):
                self.assertEqual(
                    literal_eval(action.context or "{}"), {f"search_default_{first}": 1}
                )
                domain = literal_eval(filters[first].get("domain"))
                self.assertIsNotNone(self.source(domain, [field], SPECS))

    @freeze_time("2026-03-06 10:00:00")
    def test_twelve_whole_weeks(self):
        domain = literal_eval(self.filters()["last_12_weeks"].get("domain"))
        first = datetime(2025, 12, 1)  # noqa: DTZ001 - as Odoo stores it
        for days in range(96):
            self.make_call(live=False, start_date=first + timedelta(days=days))
        everything = dict(self.report()._read_group([], ["start_date:week"], ["__count"]))
        begun = sorted(week for week in everything if week <= fields.Datetime.now())
        found = dict(self.report()._read_group(domain, ["start_date:week"], ["__count"]))
        self.assertEqual(
            {week: found.get(week) for week in begun[-12:]},
            {week: everything[week] for week in begun[-12:]},
        )
        self.assertFalse(set(found) & set(begun[:-12]))
        self.assertGreater(len(begun), 12)

    def test_every_dimension_can_be_chosen(self):
        groups = {
            literal_eval(each.get("context"))["group_by"].partition(":")[0]
            for each in self.filters().values()
            if each.get("context")
        }
        hidden = {"company_id"} - groups
        self.assertEqual(groups | hidden, set(ccp_call_daily.DIMENSIONS))

    def test_no_client_chooses_the_rows(self):
        """What a client sends as context is no choice of ours."""
        sent = {"ccp_source": ["hour", ["start_hour"]], "ccp_grouping": [["start_hour"], True]}
        rows = self.report().with_context(**sent).search_read([], ["user_id"])
        self.assertEqual(len(rows), len(self.calls.filtered(lambda call: not call.trial)))

    def test_everybody_counts_what_they_see(self):
        team = self.env["crm.team"].create({"name": "North", "user_id": self.other_rep.id})
        self.calls[:20].team_id = team
        leader = self.env.ref("airtel_ccp.group_ccp_team_leader")
        self.other_rep.group_ids += leader
        for user in (self.rep, self.other_rep, self.manager):
            report = self.report(user)
            seen = self.env["ccp.call"].with_user(user).search([("trial", "=", False)])
            with self.subTest(user=user.login):
                self.assertEqual(set(report.search([]).ids), set(seen.ids))
                for groups in ([], ["user_id"], ["start_hour"], ["result"]):
                    rows = report._read_group([], groups, ["__count"])
                    self.assertEqual(sum(row[-1] for row in rows), len(seen), groups)
        for user in (self.plain_user, self.portal_user):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.report(user)._read_group([], [], ["__count"])

    def test_a_rule_for_calls_holds_for_the_report(self):
        self.calls[:5].note = "secret"
        self.calls[:5].trial = False
        self.env["ir.rule"].create(
            {
                "name": "No secrets",
                "model_id": self.env["ir.model"]._get_id("ccp.call"),
                "domain_force": "['|', ('note', '=', False), ('note', '!=', 'secret')]",
            }
        )
        seen = self.calls.filtered(lambda call: not call.trial and not call.note)
        self.assertEqual(self.report()._read_group([], [], ["__count"]), [(len(seen),)])
        self.assertIsNone(self.source([], ["start_hour"], ["__count"]))

    def test_calls_of_other_companies_stay_away(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self.calls.filtered(lambda call: not call.trial)[:7].company_id = company
        rows = self.report()._read_group([], ["company_id"], ["__count"])
        self.assertEqual([row[0] for row in rows], [self.env.company])

    def test_a_new_measure_is_counted_at_the_update(self):
        """An installed database keeps placing calls when an update brings a measure."""
        daily = self.env["ccp.call.daily"]
        self.env.flush_all()
        with patch.dict(PARTS, {"long_talks": "({talk_seconds} > 60)::int"}):
            daily.init()
            call = self.make_call(**{**self.values(), "trial": False, "talk_seconds": 95})
            self.env.flush_all()
            self.env.cr.execute("SELECT SUM(long_talks) FROM ccp_call_daily WHERE kind = 'hour'")
            (counted,) = self.env.cr.fetchone()
            long = self.env["ccp.call"].search_count(
                [("trial", "=", False), ("talk_seconds", ">", 60)]
            )
            self.assertEqual(counted, long)
            call.talk_seconds = 0
            self.env.flush_all()
        daily.init()
        self.make_call(live=False)
        self.assert_exact()

    def test_a_new_dimension_is_counted_at_the_update(self):
        daily = self.env["ccp.call.daily"]
        self.env.flush_all()
        without = tuple(name for name in ccp_call_daily.KINDS["hour"] if name != "direction")
        with patch.dict(ccp_call_daily.KINDS, {"hour": without}):
            daily.init()
            self.make_call(live=False)
            self.env.flush_all()
        daily.init()
        self.assert_exact()

    def test_an_update_without_a_change_counts_nothing(self):
        self.env.flush_all()
        with patch.object(CcpCallDaily, "_count_all") as count:
            self.env["ccp.call.daily"].init()
        count.assert_not_called()

    def test_the_dashboard_is_the_same_from_calls(self):
        now = datetime.now() - timedelta(hours=2)  # noqa: DTZ005 - as Odoo stores it
        for call in self.calls:
            call.start_date = now - timedelta(hours=self.random.randrange(40 * 24))
        self.manager.tz = "Asia/Kolkata"
        dashboard = self.report().env["ccp.dashboard"]
        served = dashboard.figures()
        with self.raw():
            self.assertEqual(dashboard.figures(), served)
        self.assertTrue(served["reps"] and served["hours"])
