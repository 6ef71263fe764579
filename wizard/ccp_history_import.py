import base64
import binascii
import logging
from datetime import datetime, timezone

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..ccp.call import history
from ..ccp.safe import table
from ..ccp.safe.faults import name_of
from ..models.contention import CONTENTION, is_gone
from ..models.guarded_fields import GuardedFields
from ..models.own_records import OwnRecords
from ..models.utils import form_of

_logger = logging.getLogger(__name__)

# Base64 takes four characters for three bytes
MAX_CHARACTERS = table.MAX_BYTES * 4 // 3 + 4
SHOWN_PROBLEMS = 200
# How many calls are saved while the user waits; the others in the background
AT_ONCE = 500
BATCH = 250


class CcpHistoryImport(GuardedFields, OwnRecords, models.TransientModel):
    """Imports past calls from Airtel's records, after a preview.

    The steps are the values of ``state``: a file is chosen, its preview is shown, its calls are
    saved.
    """

    _name = "ccp.history.import"
    _description = "Import past calls"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company
    )
    file = fields.Binary(
        attachment=False, help="CSV or xlsx from Airtel's portal, or a file with JSON."
    )
    file_name = fields.Char()
    text = fields.Text(
        "Or paste records", help="Lines copied from a spreadsheet, or JSON, one record or many."
    )
    state = fields.Selection(
        [
            ("choose", "Choose"),
            ("preview", "Preview"),
            ("saving", "Being saved"),
            ("done", "Saved"),
            ("failed", "Stopped"),
        ],
        required=True,
        readonly=True,
        default="choose",
    )
    outgoing_count = fields.Integer("Outgoing calls", readonly=True)
    incoming_count = fields.Integer("Incoming calls", readonly=True)
    known_count = fields.Integer("Known already", readonly=True)
    problem_count = fields.Integer("Not understood", readonly=True)
    contact_count = fields.Integer("With a contact", readonly=True)
    lead_count = fields.Integer("With a lead", readonly=True)
    agentless_count = fields.Integer(
        "Without an agent",
        readonly=True,
        help="Calls whose agent is unknown: the record has no agent's phone, or one that no user "
        "has.",
    )
    expired_count = fields.Integer("Calls past the retention period", readonly=True)
    expired_report_count = fields.Integer(
        "Airtel's records past the retention period", readonly=True
    )
    keep_calls_days = fields.Integer(related="company_id.ccp_keep_calls_days")
    keep_reports_days = fields.Integer(related="company_id.ccp_keep_reports_days")
    first_date = fields.Datetime("First call", readonly=True)
    last_date = fields.Datetime("Last call", readonly=True)
    unused = fields.Char("Columns that are not used", readonly=True)
    saved_count = fields.Integer("Saved calls", readonly=True)
    line_ids = fields.One2many("ccp.history.import.line", "import_id", readonly=True)

    def action_preview(self):
        """Read the file and show what it contains; nothing is saved yet.

        :return: an action that shows the dialog again
        :rtype: dict
        :raise AccessError: when the dialog is not the user's own
        :raise UserError: when the file cannot be read, with what to do instead
        """
        self._check_own()
        past = self._read()
        rows, nameless = self._rows(past)
        unknown = self._unknown_of(rows)
        problems = {each.line: each.problem for each in past.calls if each.problem}
        problems |= {each.line: "numbers" for each in nameless}
        self.write(
            {
                "state": "preview",
                **self._counts(unknown),
                "known_count": len(rows) - len(unknown),
                "problem_count": len(problems),
                "unused": ", ".join(past.unused) or False,
                "saved_count": 0,
                "line_ids": [Command.clear(), *self._problem_lines(problems)],
            }
        )
        return self._show()

    def action_import(self):
        """Save the calls of the preview; many of them in the background.

        :return: an action that shows the dialog again
        :rtype: dict
        :raise AccessError: when the dialog is not the user's own
        :raise UserError: when there is nothing to save, or the file can no longer be read
        """
        self._check_own()
        if self.state not in ("preview", "failed"):
            raise UserError(self.env._("Look at the preview first, then import."))
        unknown = self._unknown()
        if not unknown:
            raise UserError(
                self.env._("There is no new call in this file: choose another one, or close.")
            )
        if len(unknown) > AT_ONCE:
            self.state = "saving"
            self.env.ref("airtel_ccp.ir_cron_import_history").sudo()._trigger()
        else:
            self._save(unknown)
            self._finish()
        return self._show()

    def action_refresh(self):
        """Show the progress of the work in the background.

        :return: an action that shows the dialog again
        :rtype: dict
        :raise AccessError: when the dialog is not the user's own
        """
        self._check_own()
        return self._show()

    def action_choose(self):
        """Go back and choose another file.

        :return: an action that shows the dialog again
        :rtype: dict
        :raise AccessError: when the dialog is not the user's own
        """
        self._check_own()
        self.write({"state": "choose", "file": False, "file_name": False, "text": False})
        return self._show()

    def action_open_calls(self):
        """Open the imported calls of the history.

        :return: a window action
        :rtype: dict
        :raise AccessError: when the user may not see calls
        """
        self._check_own()
        return self._ccp_open_calls([("imported", "=", True)])

    def _show(self):
        return form_of(self, self.env._("Import past calls"))

    def _read(self):
        """Return the content of the file or the pasted text.

        :rtype: ccp.call.history.History
        :raise UserError: when it cannot be read, with what to do instead
        """
        # The uploaded file may be larger than the browser's field shows
        content = self.with_context(bin_size=False).file or b""
        try:
            if len(content) > MAX_CHARACTERS:
                raise table.TableError("too_large")
            raw = base64.b64decode(content, validate=True) if content else self.text or ""
            past = history.read(raw, datetime.now(timezone.utc))
        except binascii.Error as error:
            raise UserError(self._sentence("broken")) from error
        except table.TableError as error:
            raise UserError(self._sentence(error.reason)) from error
        if past.problem:
            raise UserError(self._sentence(past.problem))
        return past

    def _sentence(self, reason):
        """Return why a file cannot be read, and what to do.

        :param str reason: see ``ccp.safe.table.TableError`` and ``ccp.call.history.History``
        :rtype: str
        """
        _ = self.env._
        return {
            "empty": _("Choose a file or paste records, then press Preview."),
            "header": _(
                "No row of this table names its columns as Airtel does (Caller_Number, "
                "Destination_Number, Overall_Call_Status, ...): export it again with the names, "
                "or write them into the first row."
            ),
            "too_large": _(
                "The file is larger than %s MB: export fewer days at a time.",
                table.MAX_BYTES // 1024 // 1024,
            ),
            "too_many_rows": _(
                "The file contains more than %s calls: export fewer days at a time.", table.MAX_ROWS
            ),
            "too_slow": _(
                "This workbook takes too long to read: save it as CSV, then choose that."
            ),
            "broken": _("This file cannot be read: save it as CSV, then choose that."),
            "hostile": _(
                "This workbook is built in a way that can harm a server: save it as CSV, then "
                "choose that."
            ),
            "unavailable": _(
                "This server cannot read workbooks (Python's openpyxl is missing): save it as CSV, "
                "then choose that."
            ),
        }[reason]

    def _rows(self, past):
        """Return the calls in a file, and its records without a customer's number.

        :param ccp.call.history.History past: the file's content
        :rtype: tuple[list, list]
        """
        good = [each for each in past.calls if not each.problem]
        return self.env["ccp.call"]._past_rows(self.company_id, good)

    def _unknown(self):
        """Return the file's calls that are not in the history yet.

        :rtype: list
        """
        rows, _nameless = self._rows(self._read())
        return self._unknown_of(rows)

    def _unknown_of(self, rows):
        """Return those of some calls of the file that are not in the history yet.

        :param list rows: see ``_rows``
        :rtype: list
        """
        return self.env["ccp.call"]._unknown_rows(self.company_id, rows)

    def _counts(self, rows):
        """Return the preview's figures about the calls to be saved.

        :rtype: dict
        """
        calls = self.env["ccp.call"]
        company = self.company_id.sudo()
        dates = [row.start_date for row in rows]
        return {
            "outgoing_count": sum(row.direction == "outbound" for row in rows),
            "incoming_count": sum(row.direction == "inbound" for row in rows),
            "contact_count": sum(bool(row.partner) for row in rows),
            "lead_count": sum(bool(row.lead) for row in rows),
            "agentless_count": sum(not row.user for row in rows),
            "expired_count": calls._past_expired(company.ccp_keep_calls_days, rows),
            "expired_report_count": calls._past_expired(company.ccp_keep_reports_days, rows),
            "first_date": min(dates, default=False),
            "last_date": max(dates, default=False),
        }

    def _problem_lines(self, problems):
        """Return ORM commands for the lines of the file that are not calls.

        :param dict[int, str] problems: by line: see ``ccp.call.history.PastCall``
        :rtype: list
        """
        _ = self.env._
        notes = {
            "json": _("This is not a JSON object."),
            "kind": _("This is not a call record: nothing in it says how the call ended."),
            "time": _("No column says when the call began, or that time is in the future."),
            "damaged": _(
                "A spreadsheet shortened a number (9.87E+09): format that column as text, and "
                "export again."
            ),
            "numbers": _("The customer's number is missing or not complete."),
            "result": _(
                "Airtel does not use this status, and nothing else says how the call ended."
            ),
        }
        return [
            Command.create({"sequence": line, "note": notes[problem]})
            for line, problem in sorted(problems.items())[:SHOWN_PROBLEMS]
        ]

    def _save(self, rows):
        """Save some calls.

        :param list rows: all or some rows of ``_unknown``
        """
        self.env["ccp.call"]._create_past(self.company_id, rows)
        self.saved_count += len(rows)

    def _finish(self):
        """Delete the file, which contains names, once its calls are saved."""
        self.write({"state": "done", "file": False, "text": False})

    @api.model
    def _cron_import(self):
        """Save the calls of large files, in batches; a file that fails does not stop the others."""
        for dialog in self.sudo().search([("state", "=", "saving")], order="id"):
            own = dialog.with_user(dialog.create_uid).with_company(dialog.company_id)
            try:
                if not own._save_all():
                    # Further files are left to the next run, which this one's rest triggers
                    return
            except CONTENTION as error:
                _logger.info("Import %s met another transaction (%s)", dialog.id, name_of(error))
                self.env.cr.rollback()
                self.env.ref("airtel_ccp.ir_cron_import_history")._trigger()
                self.env["ir.cron"]._commit_progress(remaining=1)
                return
            except Exception:  # noqa: BLE001 - one file must not stop the others
                if is_gone(self.env.cr):
                    raise
                self.env.cr.rollback()
                _logger.exception("Import %s of past calls stopped", dialog.id)
                dialog.state = "failed"
                self.env["ir.cron"]._commit_progress(remaining=0)

    def _save_all(self):
        """Save the file's calls in batches, each committed, until all are saved or time is over.

        Saved calls are recognised the next time, so it can stop and start again at any point.

        :return: whether everything is saved
        :rtype: bool
        """
        rows = self._unknown()
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            self._save(batch)
            remaining = len(rows) - start - len(batch)
            has_time = self.env["ir.cron"].sudo()._commit_progress(len(batch), remaining=remaining)
            if remaining and not has_time:
                return False
        self._finish()
        self.create_uid._bus_send(
            "simple_notification",
            {
                "type": "success",
                "message": self.env._("%s past calls were imported.", self.saved_count),
            },
        )
        return True
