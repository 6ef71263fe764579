from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, tagged

from .common import CcpSetup, accepted_call


@tagged("post_install", "-at_install")
class TestDashboardTour(CcpSetup, HttpCase):
    def test_from_a_figure_to_its_calls(self):
        self.set_up_people(self.env)
        self.env["ccp.call"].search([]).unlink()
        self.manager.tz = "UTC"
        now = fields.Datetime.now()
        for age in (0, 0, 0, 2):
            accepted_call(
                self.env,
                self.lead,
                self.partner,
                self.rep,
                self.env["ccp.call.flow"],
                state="ended",
                result="connected",
                live=False,
                start_date=now - timedelta(days=age),
            )
        self.start_tour("/odoo", "airtel_ccp_dashboard", login="ccp_manager")
