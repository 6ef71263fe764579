import functools
import logging
from datetime import timedelta
from operator import methodcaller

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from .contention import apart, take_turns

_logger = logging.getLogger(__name__)

BATCH = 200


class CcpCall(models.Model):
    """Deletes recordings, raw reports and calls when their company's periods are over.

    Live calls, and calls that somebody marked to be kept forever, stay whole.
    """

    _inherit = "ccp.call"

    def action_toggle_keep_forever(self):
        """Exempt a call from deletion after its company's periods, or take that back.

        :rtype: bool
        :raise AccessError: when the user is no manager of calls, or may not see the call
        """
        self.check_access("read")
        if not self.env.user.has_group("airtel_ccp.group_ccp_manager"):
            raise AccessError(
                self.env._("Only a manager of your company's calls may keep a call forever.")
            )
        for call in self.sudo().filtered(lambda call: not call.erased):
            call.keep_forever = not call.keep_forever
        return True

    @api.model
    def _cron_delete_old_data(self):
        """Delete what is past its period, in batches, each company by its own settings."""
        for company in self.env["res.company"].search(self._with_a_period()):
            reports = self.env["ccp.call.event"]
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
        """Return the domain of the companies that delete something after a period.

        :rtype: odoo.fields.Domain
        """
        return Domain.OR(
            Domain(f"ccp_keep_{kind}_days", ">", 0) for kind in ("recordings", "reports", "calls")
        )

    @api.model
    def _delete_in_batches(self, records, domain, delete):
        """Delete batch by batch, each committed, until nothing is left or the time is up.

        :param records: an empty recordset of the model
        :param odoo.fields.Domain | None domain: what to delete; None for nothing
        :param delete: called with each batch
        :return: how many records were done
        :rtype: int
        """
        if domain is None:
            return 0
        counts = []
        # The next run, a day later, tries them again
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
        action = "airtel_ccp.ir_cron_delete_old_data"
        take_turns(self, delete_some, action, counts.append, around)
        return max(sum(counts) - len(failed), 0)

    @api.model
    def _past_period(self, company, days):
        """Return the domain of a company's finished calls older than a period, or None.

        :param company: a ``res.company``
        :param int days: the period; 0 means forever
        :rtype: odoo.fields.Domain | None
        """
        if days <= 0:
            return None
        before = fields.Datetime.now() - timedelta(days=days)
        return (
            Domain("company_id", "=", company.id)
            & Domain("start_date", "<", before)
            & Domain("live", "=", False)
            & Domain("keep_forever", "=", False)
        )

    @api.model
    def _old_recordings(self, company):
        due = self._past_period(company, company.ccp_keep_recordings_days)
        return due and due & (
            Domain("recording_state", "in", ("stored", "pending"))
            | Domain("recording_url", "!=", False)
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
        """Return the domain of old reports to the company's own address without a call, or None.

        :rtype: odoo.fields.Domain | None
        """
        days = company.ccp_keep_reports_days
        if days <= 0:
            return None
        before = fields.Datetime.now() - timedelta(days=days)
        return (
            Domain("call_id", "=", False)
            & Domain("company_id", "=", company.id)
            & Domain("received_at", "<", before)
        )

    def _delete_recordings(self):
        """Delete the sound of these calls, and every address where it can be fetched again."""
        for call in self.filtered("recording_url"):
            call.event_ids._forget_url(call.recording_url)
        self.recording_id.unlink()
        self.write(
            {
                "recording_state": "deleted",
                "recording_url": False,
                "recording_next_date": False,
                "recording_error": False,
            }
        )
        for call in self.filtered("card_message_ids"):
            call._update_card(call._timeline())

    def _delete_reports(self):
        """Delete what Airtel sent; what was derived from it stays, even if reports follow."""
        self.filtered(lambda call: call._has_unfolded_reports())._fold()
        # A call that cannot be derived keeps its reports, to be derived later
        derived = self.filtered(lambda call: not call.fold_error)
        derived.event_ids.unlink()
        derived.request_ids.unlink()
        derived.reports_deleted = True

    def _has_unfolded_reports(self):
        """Return whether this call's state may lack something that was reported."""
        return not self.reports_deleted and not all(self.event_ids.mapped("folded"))

    def _delete_calls(self):
        """Delete these calls with all that belongs to them, their chatter cards too."""
        self.card_message_ids.unlink()
        self.recording_id.unlink()
        self.unlink()
