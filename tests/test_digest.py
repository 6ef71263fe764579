from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

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
