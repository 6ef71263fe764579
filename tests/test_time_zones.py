import tempfile
import zoneinfo
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytz

from odoo import fields
from odoo.tests import tagged

from ..models.utils import time_zone
from .common import CcpCase

# What a system keeps whose tzdata comes without old names
PRESENT_NAMES = ("Asia/Kolkata", "Asia/Kathmandu", "Europe/London", "UTC")


@tagged("post_install", "-at_install")
class TestTimeZones(CcpCase):
    """People keep a time zone by an old name, on a server that does not know such names."""

    def setUp(self):
        super().setUp()
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in PRESENT_NAMES:
            (folder / name).parent.mkdir(exist_ok=True)
            with pytz.open_resource(name) as file:
                (folder / name).write_bytes(file.read())
        before = zoneinfo.TZPATH
        self.addCleanup(zoneinfo.ZoneInfo.clear_cache)
        self.addCleanup(zoneinfo.reset_tzpath, before)
        zoneinfo.reset_tzpath([folder])
        zoneinfo.ZoneInfo.clear_cache()
        # The package that Python falls back to
        self.startPatcher(patch.dict("sys.modules", {"tzdata": None, "tzdata.zoneinfo": None}))
        with self.assertRaises(zoneinfo.ZoneInfoNotFoundError):
            zoneinfo.ZoneInfo("Asia/Calcutta")
        self.rep.tz = self.manager.tz = "Asia/Calcutta"

    def test_names(self):
        now = fields.Datetime.now()
        for name, like in (
            ("Asia/Calcutta", "Asia/Kolkata"),
            ("Asia/Katmandu", "Asia/Kathmandu"),
            ("Europe/London", "Europe/London"),
            ("Nowhere/At all", "Asia/Kolkata"),
            ("../../etc/passwd", "Asia/Kolkata"),
            ("", "Asia/Kolkata"),
            (False, "Asia/Kolkata"),
        ):
            with self.subTest(name):
                expected = zoneinfo.ZoneInfo(like).utcoffset(now)
                self.assertEqual(time_zone(name).utcoffset(now), expected)

    def test_the_rest_goes_on(self):
        company = self.env.company
        company.ccp_daily_limit = 5
        company.ccp_calendar_id = self.env["resource.calendar"].create(
            {"name": "Never", "tz": "Asia/Calcutta", "attendance_ids": False}
        )
        company.ccp_calendar_id.attendance_ids.unlink()
        self.assertIn("outside the calling hours", self.refusal())
        company.ccp_calendar_id = self.env.ref("airtel_ccp.resource_calendar_calling_hours")
        company.ccp_calendar_id.tz = "Asia/Calcutta"
        guard = self.env["ccp.dialer"]
        self.assertFalse([*guard._broken_caps(self.rep, company, ())])
        company.ccp_calendar_id = False
        call = self.place()
        self.report(call, *self.connected(), self.cdr())
        local = call.start_date + timedelta(hours=5, minutes=30)
        self.assertEqual(call.start_hour, f"{local.hour:02d}")
        self.assertTrue(self.env["ccp.dashboard"].with_user(self.manager).figures()["tiles"])
        panel = self.env["ccp.panel"].with_user(self.rep)
        self.assertTrue(panel.follow_up_times(call.id))
