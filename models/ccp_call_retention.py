import functools
import logging
from datetime import timedelta
from operator import methodcaller

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from .ccp_call_recording import PLAYABLE
from .contention import apart, take_turns
from .ir_attachment import RECORDING_FIELD

_logger = logging.getLogger(__name__)

BATCH = 200
RETENTION_ACTION = "airtel_ccp.ir_cron_delete_old_data"


class CcpCall(models.Model):
    """Deletes recordings, raw reports and calls when their company's periods are over.

    Live calls, and calls that somebody marked to be kept forever, stay whole.
    """

    _inherit = "ccp.call"

    def action_toggle_keep_forever(self):
        """Exempt a call from deletion, or end the exemption.

        :rtype: bool
        :raise AccessError: when the user is not a manager of calls, or may not see the call
        """
        self.check_access("read")
        if not self.env.user.has_group("airtel_ccp.group_ccp_manager"):
            raise AccessError(
                self.env._("Only a manager of your company's calls may keep a call forever.")
            )
        for call in self.sudo().filtered(lambda call: not call.erased):
            call.keep_forever = not call.keep_forever
            if call.keep_forever and call.recording_state == "at_airtel":
                call._ask_for_recording()
        return True

    @api.model
    def _cron_delete_old_data(self):
        """Delete data older than their period, in batches, each company by its own settings.

        Archived companies are included.
        """
        reports = self.env["ccp.call.event"]
        self._delete_in_batches(
            self.env["ir.attachment"], self._orphaned_recordings(), methodcaller("unlink")
        )
        self._delete_in_batches(
            self, self._old_copies(), methodcaller("_delete_listened_recordings")
        )
        self._wake_for_copies()
        companies = self.env["res.company"].with_context(active_test=False)
        for company in companies.search(self._with_a_period()):
            if company.ccp_keep_reports_days > 0:
                reports._delete_spooled(company, company.ccp_keep_reports_days)
            counts = {
                "recordings": self._delete_in_batches(
                    self, self._old_recordings(company), methodcaller("_delete_recordings")
                ),
                "reports": self._delete_in_batches(
                    self, self._old_reports(company), methodcaller("_delete_reports")
                ),
                "calls": self._delete_in_batches(
                    self, self._old_calls(company), methodcaller("_delete_calls")
                ),
                "callbacks": self._delete_in_batches(
                    self.callback_id, self._old_callbacks(company), methodcaller("unlink")
                ),
                "entries": self._delete_in_batches(
                    self.list_item_id, self._old_entries(company), methodcaller("unlink")
                ),
                "unmatched": self._delete_in_batches(
                    reports, self._old_unmatched(company), methodcaller("unlink")
                ),
            }
            if any(counts.values()):
                _logger.info(
                    "Company %s: call data past its period deleted: %s", company.id, counts
                )

    @api.model
    def _with_a_period(self):
        """Return the domain of companies that delete anything after a period.

        :rtype: odoo.fields.Domain
        """
        return Domain.OR(
            Domain(f"ccp_keep_{kind}_days", ">", 0)
            for kind in ("recordings", "reports", "calls", "unmatched")
        )

    @api.model
    def _delete_in_batches(self, records, domain, delete):
        """Delete batch by batch, each committed, until nothing is left or the time is over.

        :param records: an empty recordset of the model
        :param odoo.fields.Domain | None domain: what to delete; None for nothing
        :param delete: called with each batch
        :return: how many records were deleted
        :rtype: int
        """
        if domain is None:
            return 0
        counts = []
        # Records that failed; the run of the next day tries them again
        failed = set()

        def note(record, error):
            failed.add(record.id)
            _logger.error("%s: its old data cannot be deleted now", record, exc_info=error)

        def delete_some(is_patient=True):
            left = domain & Domain("id", "not in", list(failed))
            due = records.search(left, limit=BATCH, order="id")
            locked = due.try_lock_for_update(allow_referencing=True)
            apart(locked, delete, note, is_patient)
            left &= Domain("id", "not in", list(failed))
            return len(locked), records.search_count(left)

        around = functools.partial(delete_some, is_patient=False)
        take_turns(self, delete_some, RETENTION_ACTION, counts.append, around)
        return max(sum(counts) - len(failed), 0)

    @api.model
    def _end_of_period(self, days):
        """Return the moment at which a period that ends now began; None for no period.

        :param int days: the period; 0 means forever
        :rtype: datetime.datetime | None
        """
        return fields.Datetime.now() - timedelta(days=days) if days > 0 else None

    @api.model
    def _past_period(self, company, days):
        """Return the domain of a company's finished calls older than a period, or None.

        :param company: a ``res.company``
        :param int days: the period; 0 means forever
        :rtype: odoo.fields.Domain | None
        """
        before = self._end_of_period(days)
        return before and (
            Domain("company_id", "=", company.id)
            & Domain("start_date", "<", before)
            & Domain("live", "=", False)
            & Domain("keep_forever", "=", False)
        )

    @api.model
    def _old_recordings(self, company):
        due = self._past_period(company, company.ccp_keep_recordings_days)
        return due and due & (
            Domain("recording_state", "in", PLAYABLE) | Domain("recording_url", "!=", False)
        )

    @api.model
    def _old_reports(self, company):
        due = self._past_period(company, company.ccp_keep_reports_days)
        return due and due & Domain("fold_error", "=", False) & (
            Domain("event_ids", "!=", False) | Domain("request_ids", "!=", False)
        )

    @api.model
    def _old_calls(self, company):
        return self._past_period(company, company.ccp_keep_calls_days)

    @api.model
    def _old_unmatched(self, company):
        """Return the domain of old reports without a call at a company's own address, or None.

        :rtype: odoo.fields.Domain | None
        """
        before = self._end_of_period(company.ccp_keep_unmatched_days)
        return before and (
            Domain("call_id", "=", False)
            & Domain("company_id", "=", company.id)
            & Domain("received_at", "<", before)
        )

    @api.model
    def _old_entries(self, company):
        """Return the domain of old entries of a company's call lists, or None.

        Entries that wait stay: they are work to be done.

        :rtype: odoo.fields.Domain | None
        """
        before = self._end_of_period(company.ccp_keep_calls_days)
        return before and (
            Domain("user_id.company_id", "=", company.id)
            & Domain("state", "!=", "waiting")
            & Domain("write_date", "<", before)
            & Domain("call_ids", "=", False)
        )

    @api.model
    def _old_callbacks(self, company):
        """Return the domain of a company's old call-backs, or None.

        Open ones stay: they are work to be done. Those of calls that are kept stay with the calls.

        :rtype: odoo.fields.Domain | None
        """
        before = self._end_of_period(company.ccp_keep_calls_days)
        return before and (
            Domain("company_id", "=", company.id)
            & Domain("state", "!=", "open")
            & Domain("last_missed", "<", before)
            & Domain("closed_date", "<", before)
            & ~Domain("call_ids.keep_forever", "=", True)
        )

    @api.model
    def _orphaned_recordings(self):
        """Return the domain of recordings without a call, which nobody could delete otherwise.

        Earlier versions left them behind when a company was deleted.

        :rtype: odoo.fields.Domain
        """

        def to_sql(model, alias, query):
            return SQL(
                "NOT EXISTS (SELECT FROM ccp_call WHERE ccp_call.id = %s)",
                SQL.identifier(alias, "res_id"),
            )

        return (
            Domain("res_model", "=", self._name)
            & Domain("res_field", "=", RECORDING_FIELD)
            & Domain.custom(to_sql=to_sql)
        )

    def _delete_recordings(self):
        """Delete the sound of these calls, and each address from which it could be fetched."""
        for call in self.filtered("recording_url"):
            call.event_ids._forget_url(call.recording_url)
        self.recording_id.unlink()
        self.write(
            {
                "recording_state": "deleted",
                "recording_url": False,
                "recording_next_date": False,
                "recording_asked_date": False,
                "recording_expiry": False,
                "recording_error": False,
            }
        )
        for call, story in self.filtered("card_message_ids")._timelines().items():
            call._update_card(story)

    def _forget_unwanted_recording(self, story):
        """Delete the address of a recording that will not be fetched any more.

        Otherwise reports would keep it longer than the company keeps recordings.

        :param ccp.call.timeline.Timeline story: the call's timeline
        """
        # A copy for listeners is deleted after an hour and may be fetched again
        is_kept = self.recording_state == "stored" and not self.recording_expiry
        is_over = is_kept or self.recording_state in ("deleted", "erased")
        if story.recording_url and (is_over or not self.recorded):
            self.event_ids._forget_url(story.recording_url)

    @api.model
    def _old_copies(self):
        """Return the domain of recordings fetched for listeners whose time is over."""
        return Domain("recording_expiry", "<=", fields.Datetime.now()) & Domain(
            "keep_forever", "=", False
        )

    @api.model
    def _wake_for_copies(self):
        """Schedule the deletion of the next copy that was fetched for listeners."""
        waiting = Domain("recording_expiry", "!=", False) & Domain("keep_forever", "=", False)
        if call := self.search(waiting, order="recording_expiry, id", limit=1):
            self.env.ref(RETENTION_ACTION)._trigger(call.recording_expiry)

    def _delete_listened_recordings(self):
        """Delete the sound of these calls; it can still be fetched from Airtel again."""
        self.recording_id.unlink()
        self.write({"recording_state": "at_airtel", "recording_expiry": False})

    def _delete_reports(self):
        """Delete Airtel's reports; the derived values stay, even if further reports come."""
        self.filtered(lambda call: call._has_unfolded_reports())._fold()
        # A call that cannot be derived keeps its reports until it can
        derived = self.filtered(lambda call: not call.fold_error)
        derived.event_ids.unlink()
        derived.request_ids.unlink()
        derived.reports_deleted = True

    def _has_unfolded_reports(self):
        """Return whether this call has reports that its state does not include."""
        return not self.reports_deleted and self._have_new_reports()

    def _delete_calls(self):
        """Delete these calls and all data about them, also outside their own rows.

        Planned activities that are still to be done stay, without their texts.
        """
        entries = self.list_item_id.filtered(lambda entry: entry.state != "waiting")
        self._delete_copies(keep_plans=True)
        self._leave_callbacks()
        self.recording_id.unlink()
        self.unlink()
        entries.filtered(lambda entry: not entry.call_ids).unlink()
