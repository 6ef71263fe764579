import base64
import binascii
from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from ..ccp.safe import lines as pasted
from ..ccp.safe import number, table
from ..ccp.safe import text as untrusted
from ..models.own_records import OwnRecords
from ..models.utils import form_of

MAX_CHARACTERS = 1024 * 1024
# The titles of such columns in spreadsheets, in lower case and without signs
PERSON_TITLES = frozenset(
    "user login username email emailaddress mail name fullname username employee employeename "
    "agent agentname rep person".split()
)
PHONE_TITLES = frozenset(
    "mobile mobileno mobilenumber mobilephone phone phoneno phonenumber cell contact contactno "
    "contactnumber number telephone tel workmobile workphone".split()
)
# A shorter number is an employee's number rather than a phone
LEAST_PHONE_DIGITS = 7


def title(cell):
    """Return a column's title in lower case, without signs and blanks."""
    return "".join(filter(str.isalpha, cell.casefold()))


class CcpPhoneImport(OwnRecords, models.TransientModel):
    """Imports phones of many users from pasted lines, with a report on each line.

    Good lines are saved even if others fail.
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
    file = fields.Binary("CSV or Excel file", attachment=False)
    file_name = fields.Char()
    allow_calls = fields.Boolean(
        "Allow calls", default=True, help="Give these users the right “Airtel calls”."
    )
    has_employees = fields.Boolean(compute="_compute_has_employees")
    line_ids = fields.One2many("ccp.phone.import.line", "import_id", readonly=True)
    summary = fields.Char(readonly=True)

    @api.depends("company_id")
    def _compute_has_employees(self):
        self.has_employees = "hr.employee" in self.env

    @api.onchange("file")
    def _onchange_file(self):
        if self.file:
            self._take_file()

    def _take_file(self):
        """Copy the file's lines into the text field, for a look before the import.

        :raise UserError: when it cannot be read, or is too long
        """
        if len(self.file) > MAX_CHARACTERS:
            raise UserError(self._too_long())
        try:
            raw = base64.b64decode(self.file, validate=True)
            if table.is_workbook(raw):
                rows = [row for row in table.rows(raw) if any(row)]
                if len(rows) > pasted.MAX_ROWS:
                    raise table.TableError("too_many_rows")
                text = pasted.to_text(rows)
            else:
                text = untrusted.decode(raw).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        except (binascii.Error, table.TableError) as error:
            if getattr(error, "reason", "") in ("too_large", "too_many_rows", "too_slow"):
                raise UserError(self._too_long()) from error
            raise UserError(
                self.env._(
                    "This file cannot be read: save it as CSV or as an Excel workbook (.xlsx), "
                    "then choose it again."
                )
            ) from error
        self.text = text
        self.file = False

    def _too_long(self):
        return self.env._("There are too many lines: import at most %s at a time.", pasted.MAX_ROWS)

    def action_take_employees(self):
        """Fill in the phones of employees, for users who have none yet.

        :return: an action that shows the dialog again
        :rtype: dict
        :raise AccessError: when the user is not an administrator
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
            self.summary = self.env._(
                "There is nothing to copy: no user without a phone has an employee with one."
            )
        return self._show()

    def _users(self):
        """Return the users of the company.

        :rtype: odoo.models.BaseModel
        """
        return self.env["res.users"].search(
            Domain("share", "=", False) & Domain("company_ids", "in", self.company_id.ids)
        )

    def action_import(self):
        """Save the phones of all good lines; the others stay in the text, to be corrected.

        :return: an action that shows the report
        :rtype: dict
        :raise AccessError: when the user is not an administrator
        :raise UserError: when there is nothing to import, or too much
        """
        self.ensure_one()
        self.check_access("write")
        if self.file:
            self._take_file()
        text = self.text or ""
        if len(text) > MAX_CHARACTERS:
            raise UserError(self._too_long())
        lines = pasted.records(text)
        rows = pasted.cells(lines)
        titles = self._titles(rows)
        header = lines[: bool(titles)]
        lines, rows = lines[len(header) :], rows[len(header) :]
        if not lines:
            raise UserError(self.env._("Paste a user and a phone in each line, or choose a file."))
        if len(lines) > pasted.MAX_ROWS:
            raise UserError(self._too_long())
        reports = self._take(rows, titles)
        counts = Counter(report["state"] for report in reports)
        left = [
            line
            for line, report in zip(lines, reports, strict=True)
            if report["state"] == "problem"
        ]
        self.write(
            {
                "line_ids": [Command.clear(), *map(Command.create, reports)],
                # With the titles, by which the next import recognises the columns
                "text": "\n".join([*header, *left] if left else []),
                "summary": self.env._(
                    "%(saved)s saved, %(unchanged)s unchanged, %(problems)s to correct",
                    saved=counts["saved"],
                    unchanged=counts["unchanged"],
                    problems=counts["problem"],
                ),
            }
        )
        return self._show()

    def _show(self):
        return form_of(self, self.env._("Import phones"))

    @api.model
    def _titles(self, rows):
        """Return the titles of the columns, if the first row has them.

        :param list[list[str]] rows: cells, see ``ccp.lines``
        :return: the columns' titles without signs; empty if the first row is a person's
        :rtype: list[str]
        """
        titles = [title(cell) for cell in rows[0]] if rows else []
        has_phone = any(self._is_phone(cell) for cell in rows[0]) if rows else False
        known = PERSON_TITLES | PHONE_TITLES
        return titles if not has_phone and known.intersection(titles) else []

    @api.model
    def _is_phone(self, cell):
        """Return whether a cell looks like a phone, even a wrong one."""
        return "@" not in cell and len(number.last10(cell)) >= LEAST_PHONE_DIGITS

    def _take(self, rows, titles):
        """Save good rows, and return a report on each.

        :param list[list[str]] rows: the people's cells
        :param list[str] titles: see ``_titles``
        :return: values of ``ccp.phone.import.line``
        :rtype: list[dict]
        """
        users = self._users()
        known = {}
        for key in ("name", "email", "login"):
            # Logins are unique; a name or address that several users have identifies nobody
            counts = Counter((user[key] or "").strip().casefold() for user in users)
            for user in users:
                name = (user[key] or "").strip().casefold()
                if name and counts[name] == 1:
                    known[name] = user
        seen = {}
        reports = []
        for position, row in enumerate(rows, 1):
            report = self._read_row(row, titles, known)
            if report["state"] == "saved":
                self._take_line(report, position, seen)
            reports.append({"sequence": position, **report})
        return reports

    @api.model
    def _split_row(self, row, titles):
        """Return the cells that may identify a user, and the phone's text.

        :param list[str] row: cells
        :param list[str] titles: see ``_titles``
        :rtype: tuple[list[str], str]
        """
        cells = dict(enumerate(row))
        phones = [
            position
            for position in cells
            if position < len(titles) and titles[position] in PHONE_TITLES
        ]
        if not phones:
            # The last one: an employee's number comes before the phone
            phones = [position for position, cell in cells.items() if self._is_phone(cell)][-1:]
        if not phones:
            phones = [len(row) - 1] if len(row) > 1 else []
        names = [cell for position, cell in cells.items() if cell and position not in phones]
        return names, next((cells[each] for each in phones if cells[each]), "")

    def _read_row(self, row, titles, known):
        """Return the report on a row, from the row alone.

        :param list[str] row: cells
        :param list[str] titles: see ``_titles``
        :param dict known: users by their login, address and name
        :return: values of ``ccp.phone.import.line``
        :rtype: dict
        """
        _ = self.env._
        names, phone = self._split_row(row, titles)
        report = {"who": ", ".join(names)[:100], "state": "problem"}
        if not names or len(row) < 2:
            return report | {"note": _("Write a user, a semicolon and one phone.")}
        # "Kumar, Sunil" without quotes is two cells
        names.append(", ".join(names))
        users = {known[name.casefold()] for name in names if name.casefold() in known}
        if not users:
            return report | {"note": _("No user of this company has this login, address or name.")}
        if len(users) > 1:
            return report | {"note": _("This line names two users: keep one.")}
        report["user_id"] = users.pop().id
        try:
            digits = number.read(phone)
        except number.NumberError as error:
            notes = {
                "empty": _("There is no phone in this line."),
                "foreign": _("This is not an Indian number, and Airtel rings Indian ones only."),
                "several": _("There is more than one number: keep one."),
                "extension": _("Airtel cannot ring an extension: enter a direct number."),
                "not_dialable": _("This is a service number, not the phone of a person."),
                "spreadsheet": _(
                    "Excel has cut this number: format the column as text, then enter the number "
                    "again."
                ),
            }
            note = notes.get(error.reason) or _("This is not a complete Indian number.")
            return report | {"note": note}
        return report | {"phone": digits, "state": "saved"}

    def _take_line(self, report, position, seen):
        """Save the phone of a good line, unless another line or user contradicts it.

        :param dict report: the line's report, completed in place
        :param int position: the line's number
        :param dict seen: the earlier line of each user
        """
        _ = self.env._
        user = self.env["res.users"].browse(report["user_id"])
        phone = report["phone"]
        if user in seen:
            report.update(state="problem", note=_("This user is already on line %s.", seen[user]))
            return
        if user.ccp_phone == phone:
            report["state"] = "unchanged"
        elif problem := user._ccp_phone_problem(phone):
            report.update(state="problem", note=problem)
            return
        seen[user] = position
        if self.allow_calls and not user.ccp_may_call:
            user.ccp_may_call = True
        if report["state"] == "saved":
            user.ccp_phone = phone
