import base64
import binascii
import re
from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from ..ccp import number, untrusted

MAX_LINES = 5000
MAX_CHARACTERS = 1024 * 1024
_LINE = re.compile(
    r"""\s*(?P<quote>"?)(?P<who>[^"\t;,]+)(?P=quote)\s*[\t;,]\s*"?(?P<phone>[^"\t;,]*)"?[\s;,]*"""
)


class CcpPhoneImport(models.TransientModel):
    """Takes phones of many users over from pasted lines, and reports on each line.

    Good lines are saved even where others are not.
    """

    _name = "ccp.phone.import"
    _description = "Import users' phones"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company
    )
    text = fields.Text(
        "Users and phones",
        help="A user and a phone in each line, as copied from a spreadsheet or a CSV file.",
    )
    file = fields.Binary("CSV file", attachment=False)
    file_name = fields.Char()
    allow_calls = fields.Boolean(
        "Let them call", default=True, help="Give these users the right “Airtel calls”."
    )
    has_employees = fields.Boolean(compute="_compute_has_employees")
    line_ids = fields.One2many("ccp.phone.import.line", "import_id", readonly=True)
    summary = fields.Char(readonly=True)

    @api.depends("company_id")
    def _compute_has_employees(self):
        self.has_employees = "hr.employee" in self.env

    @api.onchange("file")
    def _onchange_file(self):
        if not self.file:
            return
        if len(self.file) > MAX_CHARACTERS:
            raise UserError(self._too_long())
        try:
            raw = base64.b64decode(self.file, validate=True)
        except binascii.Error as error:
            raise UserError(
                self.env._("This file cannot be read: save it as CSV, then choose it again.")
            ) from error
        self.text = untrusted.decode(raw).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        self.file = False

    def _too_long(self):
        return self.env._(
            "This is too much for one import: import at most %s lines at a time.", MAX_LINES
        )

    def action_take_employees(self):
        """Fill in the phones that employees have, for users who have none here.

        :return: an action that shows the dialog again
        :rtype: dict
        :raise AccessError: when the user is no administrator
        """
        self.ensure_one()
        self.check_access("write")
        lines = []
        if self.has_employees:
            employees = (
                self.env["hr.employee"]
                .sudo()
                .search(
                    Domain("user_id", "in", self._users().filtered(lambda u: not u.ccp_phone).ids)
                    & Domain("company_id", "=", self.company_id.id)
                )
            )
            for employee in employees:
                phone = employee.mobile_phone or employee.work_phone
                if phone:
                    lines.append(f"{employee.user_id.login}; {phone}")
        self.text = "\n".join(filter(None, [self.text, *lines]))
        if not lines:
            self.summary = self.env._("No employee of a user without a phone has one.")
        return self._show()

    def _users(self):
        """Return the people of the company.

        :rtype: odoo.models.BaseModel
        """
        return self.env["res.users"].search(
            Domain("share", "=", False) & Domain("company_ids", "in", self.company_id.ids)
        )

    def action_import(self):
        """Save the phones of all good lines; lines that were not taken stay to be corrected.

        :return: an action that shows the report
        :rtype: dict
        :raise AccessError: when the user is no administrator
        :raise UserError: when there is nothing to import, or too much
        """
        self.ensure_one()
        self.check_access("write")
        text = self.text or ""
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines:
            raise UserError(self.env._("Paste a user and a phone in each line, then import."))
        if len(lines) > MAX_LINES or len(text) > MAX_CHARACTERS:
            raise UserError(self._too_long())
        reports = self._take(lines)
        counts = Counter(report["state"] for report in reports)
        self.write(
            {
                "line_ids": [Command.clear(), *map(Command.create, reports)],
                "text": "\n".join(
                    line
                    for line, report in zip(lines, reports, strict=True)
                    if report["state"] == "problem"
                ),
                "summary": self.env._(
                    "%(saved)s saved, %(unchanged)s as before, %(problems)s to correct",
                    saved=counts["saved"],
                    unchanged=counts["unchanged"],
                    problems=counts["problem"],
                ),
            }
        )
        return self._show()

    def _show(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Import phones"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
        }

    def _take(self, lines):
        """Save good lines, and return a report on each.

        :param list[str] lines: what was pasted
        :return: values of ``ccp.phone.import.line``
        :rtype: list[dict]
        """
        users = self._users()
        known = {}
        for key in ("name", "email", "login"):
            # A login is unique; a name or address that several have names nobody
            counts = Counter((user[key] or "").strip().casefold() for user in users)
            for user in users:
                name = (user[key] or "").strip().casefold()
                if name and counts[name] == 1:
                    known[name] = user
        owners = {user.ccp_phone and number.last10(user.ccp_phone): user for user in users}
        seen = {}
        reports = []
        for position, line in enumerate(lines, 1):
            report = self._read_line(line, known)
            if report["state"] == "saved":
                self._take_line(report, position, seen, owners)
            reports.append({"sequence": position, **report})
        return reports

    def _read_line(self, line, known):
        """Return the report on a line as far as the line alone tells.

        :param str line: a user and a phone
        :param dict known: users by their login, address and name
        :return: values of ``ccp.phone.import.line``
        :rtype: dict
        """
        _ = self.env._
        match = _LINE.fullmatch(line[:500])
        who = match["who"].strip() if match else line.strip()[:100]
        report = {"who": who, "state": "problem"}
        if not match:
            return report | {"note": _("Write a user, a semicolon and one phone.")}
        user = known.get(who.casefold())
        if not user:
            return report | {"note": _("No user of this company has this login, address or name.")}
        report["user_id"] = user.id
        try:
            phone = number.read(match["phone"])
        except number.NumberError as error:
            notes = {
                "empty": _("There is no phone in this line."),
                "foreign": _("This is not an Indian number, and Airtel rings Indian ones only."),
                "several": _("There is more than one number: keep one."),
            }
            note = notes.get(error.reason) or _("This is not a complete Indian number.")
            return report | {"note": note}
        return report | {"phone": phone, "state": "saved"}

    def _take_line(self, report, position, seen, owners):
        """Save the phone of a good line, unless it contradicts another line or user.

        :param dict report: the report on the line, which is completed
        :param int position: the line's number
        :param dict seen: the earlier line of each user
        :param dict owners: the user of each phone
        """
        _ = self.env._
        user = self.env["res.users"].browse(report["user_id"])
        phone = report["phone"]
        if user in seen:
            report.update(
                state="problem", note=_("This user stands in line %s already.", seen[user])
            )
            return
        owner = owners.get(phone)
        if owner and owner != user:
            report.update(
                state="problem", note=_("%s has this phone already: one of both.", owner.name)
            )
            return
        seen[user] = position
        if self.allow_calls and not user.ccp_may_call:
            user.ccp_may_call = True
        if owner == user:
            report["state"] = "unchanged"
            return
        user.ccp_phone = phone
        owners[phone] = user
