from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import CcpCase

# 00:30 on the 10th in Kolkata, still the 9th in UTC
NOW = datetime(2026, 3, 9, 19, 0)  # noqa: DTZ001 - as Odoo stores it


@tagged("post_install", "-at_install")
class TestDashboard(CcpCase):
    def setUp(self):
        super().setUp()
        self.env["ccp.call"].search([]).unlink()
        self.leader = new_test_user(
            self.env,
            "ccp_leader",
            "sales_team.group_sale_salesman_all_leads,airtel_ccp.group_ccp_team_leader",
            tz="Asia/Kolkata",
        )
        self.manager.tz = "Asia/Kolkata"
        self.team = self.env["crm.team"].create({"name": "North", "user_id": self.leader.id})

    def ended(self, result, start=NOW, **values):
        return self.make_call(state="ended", live=False, result=result, start_date=start, **values)

    def history(self):
        """Five calls today, one yesterday, one too old, one refused."""
        talked = {"talk_seconds": 60, "agent_ring_seconds": 4}
        self.ended("connected", team_id=self.team.id, **talked)
        outcome = self.env.ref("airtel_ccp.ccp_call_outcome_interested")
        self.ended("connected", outcome_id=outcome.id, talk_seconds=30, agent_ring_seconds=8)
        self.ended("customer_no_answer", team_id=self.team.id)
        self.ended("agent_no_answer", user_id=self.other_rep.id)
        self.make_call(start_date=NOW)
        # A minute before Kolkata's midnight
        self.ended("connected", NOW - timedelta(minutes=31), **talked)
        self.ended("connected", NOW - timedelta(days=30), **talked)
        self.make_call(state="refused", live=False, start_date=NOW)

    def figures(self, user=None):
        with freeze_time(NOW):
            return self.as_user(self.env["ccp.dashboard"], user or self.manager).figures()

    def tiles(self, period, user=None):
        return {tile["key"]: tile[period]["value"] for tile in self.figures(user)["tiles"]}

    def test_figures(self):
        self.history()
        today = {key: float(value) for key, value in self.tiles("today").items()}
        self.assertAlmostEqual(today.pop("customer_connect_rate"), 66.667, 2)
        self.assertEqual(
            today,
            {
                "attempts": 5,
                "reached": 2,
                "connect_rate": 50,
                "talk": 90,
                "average_talk": 45,
                "agent_ring": 6,
                "missed": 1,
                "no_outcome": 1,
            },
        )
        month = self.tiles("month")
        self.assertEqual((month["attempts"], month["reached"], month["no_outcome"]), (6, 3, 2))

    def test_each_link_lists_the_calls_behind_it(self):
        self.history()
        figures = self.figures()
        calls = self.env["ccp.call"].with_user(self.manager)
        for tile in figures["tiles"]:
            for period in ("today", "month"):
                figure = tile[period]
                with self.subTest(tile=tile["key"], period=period):
                    self.assertEqual(calls.search_count(figure["domain"]), figure["count"])
        numbers = [
            figure
            for rep in figures["reps"]
            for figure in rep["figures"]
            if figure["kind"] == "number"
        ]
        numbers += [day[key] for day in figures["trend"] for key in ("attempts", "reached")]
        for figure in numbers:
            self.assertEqual(calls.search_count(figure["domain"]), figure["value"])
        for cell in figures["hours"]:
            self.assertEqual(calls.search_count(cell["domain"]), cell["count"])
        self.assertEqual(sum(cell["count"] for cell in figures["hours"]), 4)

    def test_days_are_the_users(self):
        self.history()
        trend = self.figures()["trend"]
        self.assertEqual(len(trend), 30)
        self.assertEqual(
            [(day["day"], day["attempts"]["value"]) for day in trend[-2:]],
            [("2026-03-09", 1), ("2026-03-10", 5)],
        )
        self.manager.tz = "UTC"
        trend = self.figures()["trend"]
        self.assertEqual((trend[-1]["day"], trend[-1]["attempts"]["value"]), ("2026-03-09", 6))

    def test_a_leader_sees_the_own_team(self):
        self.history()
        figures = self.figures(self.leader)
        self.assertEqual(self.tiles("today", self.leader)["attempts"], 2)
        self.assertEqual([rep["id"] for rep in figures["reps"]], [self.rep.id])

    def test_rights(self):
        for user in (self.rep, self.plain_user, self.portal_user):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.as_user(self.env["ccp.dashboard"], user).figures()

    def test_empty(self):
        figures = self.figures()
        self.assertTrue(figures["empty"])
        self.assertEqual(figures["reps"], [])
        self.assertEqual(self.tiles("today")["no_outcome"], 0)

    def test_few_queries(self):
        self.history()
        dashboard = self.as_user(self.env["ccp.dashboard"], self.manager)
        # A first time fills the caches of rights and settings
        with freeze_time(NOW):
            dashboard.figures()
            dashboard.env.invalidate_all()
            # Three of sums; the others read rules, names and time zones of users
            with self.assertQueryCount(14):
                dashboard.figures()
