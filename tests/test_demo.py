from datetime import timedelta

from lxml import etree

from odoo import fields
from odoo.modules import get_manifest
from odoo.tests import tagged
from odoo.tools import file_open

from .common import CcpCase


@tagged("post_install", "-at_install")
class TestDemo(CcpCase):
    """Demo data alarm nobody, and leave other addons' tests alone."""

    def test_calls_that_nobody_was_asked_to_place_are_never_late(self):
        """Those of the demo data, of an import or logged by hand have no address for reports."""
        start = fields.Datetime.now() - timedelta(minutes=20)
        for values in (
            {"state": "ended", "result": "connected"},
            {"state": "ended", "result": "no_report"},
        ):
            self.make_call(live=False, start_date=start, token_digest=False, **values)
        self.log_by_hand(start_date=start)
        lines = self.env["ccp.health"]._check(self.env.company, ["reports", "silent_calls"])
        self.assertEqual(lines.mapped("state"), ["unknown", "ok"])
        panel = self.env["ccp.panel"].with_user(self.rep)
        self.assertFalse(panel.state()["reports_late"])
        self.make_call(start_date=start)
        lines = self.env["ccp.health"]._check(self.env.company, ["reports"])
        self.assertIn("bad", lines.mapped("state"), "one that Airtel accepted is")

    def test_the_main_company_is_left_alone(self):
        for name in get_manifest("airtel_ccp")["demo"]:
            with file_open(f"airtel_ccp/{name}", "rb") as file:
                tree = etree.parse(file)
            self.assertFalse(tree.xpath("//record[@id='base.main_company']"), name)
