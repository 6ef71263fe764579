import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

from .contention import take_turns

_logger = logging.getLogger(__name__)

BATCH = 200


class CcpRetention(models.AbstractModel):
    """Deletes recordings, raw reports and calls when their company's periods are over.

    Calls that are live, or marked to be kept forever, are left alone.
    """

    _name = "ccp.retention"
    _description = "Deletes old call data"

    @api.model
    def _cron_delete(self):
        """Delete what is past its period, in batches, each company by its own settings."""
        for company in self.env["res.company"].search(self._with_a_period()):
            counts = {
                "recordings": self._in_batches(
                    self._due_recordings(company), self._delete_recordings
                ),
                "reports": self._in_batches(self._due_reports(company), self._delete_reports),
                "calls": self._in_batches(self._due_calls(company), self._delete_calls),
                "unmatched": self._in_batches(
                    self._due_unmatched(company), self._delete_unmatched, "ccp.call.event"
                ),
            }
            if any(counts.values()):
                _logger.info(
                    "Company %s: call data past its period deleted: %s", company.id, counts
                )

    @api.model
    def _with_a_period(self):
        """Return the domain of the companies that do not keep everything forever.

        :rtype: odoo.fields.Domain
        """
        return Domain.OR(
            Domain(f"ccp_keep_{kind}_days", ">", 0) for kind in ("recordings", "reports", "calls")
        )

    @api.model
    def _in_batches(self, domain, delete, model="ccp.call"):
        """Delete batch by batch, each committed, until nothing is left or the time is up.

        :param odoo.fields.Domain | None domain: the records; None when they are kept forever
        :param delete: what to do with a batch of them
        :param str model: the records' model
        :return: how many records were done
        :rtype: int
        """
        if domain is None:
            return 0
        records = self.env[model]
        counts = []

        def delete_some():
            due = records.search(domain, limit=BATCH, order="id")
            locked = due.try_lock_for_update(allow_referencing=True)
            if locked:
                delete(locked)
            return len(locked), records.search_count(domain)

        take_turns(self, delete_some, "airtel_ccp.ir_cron_delete_old_data", counts.append)
        return sum(counts)

    @api.model
    def _due(self, company, days):
        """Return the domain of a company's finished calls older than a period, or None.

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
    def _due_recordings(self, company):
        due = self._due(company, company.ccp_keep_recordings_days)
        return due and due & (
            Domain("recording_state", "in", ("stored", "pending"))
            | Domain("recording_url", "!=", False)
        )

    @api.model
    def _due_reports(self, company):
        due = self._due(company, company.ccp_keep_reports_days)
        return due and due & Domain("fold_error", "=", False) & (
            Domain("event_ids", "!=", False) | Domain("request_ids", "!=", False)
        )

    @api.model
    def _due_calls(self, company):
        return self._due(company, company.ccp_keep_calls_days)

    @api.model
    def _delete_recordings(self, calls):
        """Delete the sound of calls, and every address from which it could be had again.

        :param calls: ``ccp.call`` records
        """
        for call in calls.filtered("recording_url"):
            call.event_ids._forget_url(call.recording_url)
        calls.recording_id.unlink()
        calls.write(
            {
                "recording_state": "deleted",
                "recording_url": False,
                "recording_next_date": False,
                "recording_error": False,
            }
        )
        for call in calls.filtered("card_message_ids"):
            self.env["ccp.card"]._update(call, call._timeline())

    @api.model
    def _delete_reports(self, calls):
        """Delete what Airtel sent; what was made of it stays, and no later report changes it.

        :param calls: ``ccp.call`` records
        """
        calls.filtered(self._has_news)._fold()
        # What cannot be derived keeps the reports that it is to be derived from
        calls = calls.filtered(lambda call: not call.fold_error)
        calls.event_ids.unlink()
        calls.request_ids.unlink()
        calls.reports_deleted = True

    @api.model
    def _has_news(self, call):
        return not call.reports_deleted and not all(call.event_ids.mapped("folded"))

    @api.model
    def _delete_calls(self, calls):
        """Delete calls with all that belongs to them, their chatter cards too.

        :param calls: ``ccp.call`` records
        """
        calls.card_message_ids.unlink()
        calls.recording_id.unlink()
        calls.unlink()

    @api.model
    def _due_unmatched(self, company):
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

    @api.model
    def _delete_unmatched(self, reports):
        """Delete reports that no call was found for.

        :param reports: ``ccp.call.event`` records
        """
        reports.unlink()
