import csv
import io
import json

import openpyxl

from odoo import http
from odoo.tests import HttpCase, tagged

from .common import CcpCase

SECRET_FIELDS = {
    "token_digest",
    "header_digest",
    "recording_url",
    "recording_file",
    "recording_tries",
    "dialled",
    "noted_lines",
    "card_message_ids",
}
COLUMNS = ("start_date", "customer_name", "customer_number", "result", "talk_seconds")


@tagged("post_install", "-at_install")
class TestExport(CcpCase, HttpCase):
    """The history as a file, through Odoo's own export; no secret comes along."""

    def setUp(self):
        super().setUp()
        self.manager.group_ids |= self.env.ref("base.group_allow_export")
        self.call = self.make_call(
            live=False,
            customer_name="=1+1",
            recording_url="https://rec.airtel.in/r?token=hidden-value",
        )
        self.report(self.call, self.cdr(Recording="https://rec.airtel.in/r?token=hidden-value"))
        self.env.flush_all()
        self.authenticate("ccp_manager", "ccp_manager")

    def export(self, kind, columns=COLUMNS):
        parameters = {
            "model": "ccp.call",
            "fields": [{"name": name, "label": name, "type": "char"} for name in columns],
            "ids": self.call.ids,
            "domain": [],
            "groupby": [],
            "import_compat": False,
        }
        return self.url_open(
            f"/web/export/{kind}",
            data={
                "data": json.dumps(parameters),
                "token": "x",
                "csrf_token": http.Request.csrf_token(self),
            },
        )

    def test_csv(self):
        answer = self.export("csv")
        self.assertEqual(answer.status_code, 200)
        rows = list(csv.reader(io.StringIO(answer.text)))
        self.assertEqual(len(rows), 2)
        self.assertEqual(rows[1][1], "'=1+1", "no formula")
        self.assertNotIn("hidden-value", answer.text)

    def test_xlsx(self):
        answer = self.export("xlsx")
        self.assertEqual(answer.status_code, 200)
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
        cell = sheet["B2"]
        self.assertEqual((cell.value, cell.data_type), ("'=1+1", "s"), "no formula")

    def test_secrets_are_not_offered(self):
        answer = self.url_open(
            "/web/export/get_fields",
            data=json.dumps(
                {"params": {"model": "ccp.call", "domain": [], "import_compat": False}}
            ),
            headers={"Content-Type": "application/json"},
        ).json()["result"]
        offered = {field["id"] for field in answer}
        self.assertIn("customer_number", offered)
        self.assertFalse(offered & SECRET_FIELDS)

    def test_secrets_are_not_given(self):
        for name in (*SECRET_FIELDS, "event_ids/payload"):
            for kind in ("csv", "xlsx"):
                with self.subTest(field=name, kind=kind), self.allow_errors():
                    answer = self.export(kind, ("start_date", name))
                    self.assertNotEqual(answer.status_code, 200)
                    self.assertNotIn(b"hidden-value", answer.content)

    def allow_errors(self):
        """Let Odoo's log say why an export was refused."""
        return self.assertLogs("odoo.addons.web.controllers.export", level="ERROR")

    def test_who_may_not_export(self):
        self.manager.group_ids -= self.env.ref("base.group_allow_export")
        self.env.flush_all()
        with self.allow_errors():
            self.assertNotEqual(self.export("csv").status_code, 200)
