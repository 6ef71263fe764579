from ast import literal_eval
from datetime import timedelta

from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import freeze_time, tagged

from .common import CcpCase


@tagged("post_install", "-at_install")
class TestDigest(CcpCase):
    """A manager switches the weekly mail on, and it says what was hand-counted."""

    def setUp(self):
        super().setUp()
        yesterday = fields.Datetime.now() - timedelta(days=1)
        # Four attempts, one refused; two reached, an hour and a half of talk
        for state, result, seconds in (
            ("ended", "connected", 3600),
            ("ended", "connected", 1800),
            ("ended", "customer_busy", 0),
            ("ended", "agent_no_answer", 0),
            ("refused", False, 0),
        ):
            self.make_call(
                live=False,
                state=state,
                result=result,
                talk_seconds=seconds,
                start_date=yesterday,
                request_outcome="refused" if state == "refused" else "accepted",
            )
        self.digest = self.env.ref("airtel_ccp.digest_ccp_weekly")
        self.env.flush_all()

    def kpis(self, user):
        user.tz = "Asia/Kolkata"
        kpis = self.digest.with_user(user).sudo()._compute_kpis(self.env.company, user)
        return {kpi["kpi_name"]: kpi["kpi_col2"].get("value") for kpi in kpis}

    def test_off_until_a_manager_switches_it_on(self):
        self.assertEqual((self.digest.state, len(self.digest.user_ids)), ("deactivated", 0))
        model = self.env["digest.digest"].with_user(self.manager)
        model.action_ccp_weekly_mail()
        self.assertEqual((self.digest.state, self.digest.user_ids), ("activated", self.manager))
        model.action_ccp_weekly_mail()
        self.assertFalse(self.digest.user_ids)

    def test_who_may_switch(self):
        for user in (self.rep, self.plain_user, self.portal_user):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.env["digest.digest"].with_user(user).action_ccp_weekly_mail()

    def test_figures(self):
        kpis = self.kpis(self.manager)
        self.assertEqual(kpis["kpi_ccp_calls"], "4")
        self.assertEqual(kpis["kpi_ccp_connect_rate"], "50.0 %")
        self.assertEqual(kpis["kpi_ccp_talk_time"], "1 h 30 min")

    def test_the_mail(self):
        self.env["digest.digest"].with_user(self.manager).action_ccp_weekly_mail()
        self.digest._action_send_to_user(self.manager)
        mail = self.env["mail.mail"].search([], limit=1, order="id desc")
        self.assertIn(self.digest.name, mail.subject)
        for text in ("Attempts", "Connect rate", "Talk time", "1 h 30 min"):
            self.assertIn(text, mail.body_html)


@tagged("post_install", "-at_install")
class TestLastThirtyDays(CcpCase):
    """“Last 30 days” are the same days in the filter, on the dashboard and in the weekly mail."""

    def setUp(self):
        super().setUp()
        self.env["ccp.call"].search([]).unlink()
        arch = etree.fromstring(self.env["ccp.call"].get_view(view_type="search")["arch"])
        (domain,) = arch.xpath("//filter[@name='last_30_days']/@domain")
        self.domain = literal_eval(domain)

    def make_calls(self):
        """Make a call every three hours of the last 70 days, also right at midnight in India."""
        now = fields.Datetime.now()
        midnight = fields.Datetime.today() - timedelta(hours=5, minutes=30)
        moments = [now - timedelta(hours=hours) for hours in range(1, 70 * 24, 3)]
        for days in range(28, 34):
            day = midnight - timedelta(days=days)
            moments += [day, day - timedelta(seconds=1), day + timedelta(seconds=1)]
        self.env["ccp.call"].create(
            [
                {
                    "user_id": self.rep.id,
                    "company_id": self.env.company.id,
                    "live": False,
                    "state": "ended",
                    "result": "connected" if position % 3 else "customer_busy",
                    "talk_seconds": 60,
                    "start_date": moment,
                }
                for position, moment in enumerate(moments)
            ]
        )

    def kpis(self):
        digest = self.env.ref("airtel_ccp.digest_ccp_weekly")
        kpis = digest.with_user(self.manager).sudo()._compute_kpis(self.env.company, self.manager)
        return {kpi["kpi_name"]: kpi for kpi in kpis}

    def test_same_days(self):
        for moment in ("2026-11-22 10:00:00", "2026-11-22 18:29:59", "2026-03-01 19:00:00"):
            for zone in ("Asia/Kolkata", "America/New_York", "Pacific/Auckland"):
                with self.subTest(moment=moment, zone=zone), freeze_time(moment):
                    self.manager.tz = zone
                    self.env["ccp.call"].search([]).unlink()
                    self.make_calls()
                    self.env.flush_all()
                    calls = self.as_user(self.env["ccp.call"], self.manager)
                    filtered = calls.with_context(tz=zone).search_count(self.domain)
                    figures = self.as_user(self.env["ccp.dashboard"], self.manager).figures()
                    shown = {each["key"]: each["month"] for each in figures["tiles"]}["attempts"]
                    self.assertEqual(shown["value"], filtered)
                    self.assertEqual(len(figures["trend"]), 30)
                    mailed = self.kpis()["kpi_ccp_calls"]["kpi_col3"]["value"]
                    self.assertEqual(mailed, str(filtered))

    @freeze_time("2026-11-22 10:00:00")
    def test_a_period_is_compared_with_the_one_before(self):
        self.manager.tz = "Asia/Kolkata"
        # 10 in these 30 days, 5 in the 30 before, 1 before that
        for days, count in ((0, 5), (29, 5), (30, 2), (59, 3), (60, 1)):
            for _each in range(count):
                self.make_call(
                    live=False,
                    state="ended",
                    result="connected",
                    talk_seconds=828,
                    start_date=fields.Datetime.now() - timedelta(days=days),
                )
        self.env.flush_all()
        kpis = self.kpis()
        month = kpis["kpi_ccp_calls"]["kpi_col3"]
        self.assertEqual((month["value"], month["margin"]), ("10", 100.0))
        week = kpis["kpi_ccp_calls"]["kpi_col2"]
        self.assertEqual((week["value"], week["margin"]), ("5", 0.0))
        self.assertEqual(kpis["kpi_ccp_talk_time"]["kpi_col3"]["value"], "2 h 18 min")
        self.assertEqual(kpis["kpi_ccp_connect_rate"]["kpi_col3"]["value"], "100.0 %")

    def test_nothing_is_compared_with_next_to_nothing(self):
        self.manager.tz = "Asia/Kolkata"
        for days, count in ((0, 12), (40, 1)):
            for _each in range(count):
                self.make_call(
                    live=False,
                    state="ended",
                    result="connected",
                    talk_seconds=69,
                    start_date=fields.Datetime.now() - timedelta(days=days),
                )
        self.env.flush_all()
        month = {name: kpi["kpi_col3"] for name, kpi in self.kpis().items()}
        self.assertEqual({each["margin"] for each in month.values()}, {0})
        self.assertEqual(month["kpi_ccp_talk_time"]["value"], "14 min")

    def test_no_call_has_no_rate(self):
        kpis = self.kpis()
        self.assertEqual(kpis["kpi_ccp_connect_rate"]["kpi_col3"]["value"], "–")
        self.assertEqual(kpis["kpi_ccp_talk_time"]["kpi_col3"]["value"], "0 min")
