from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

# How long a call that got too many reports is shown
SHOWN = timedelta(days=7)


class CcpHealth(models.Model):
    """Checks for calls with too many reports, and for reports without a call that never expire."""

    _inherit = "ccp.health"

    @api.model
    def _check_bounds(self, company):
        """Look for calls with more reports than a call can have, by an index of their own."""
        flooded = company._ccp_calls(
            Domain("report_bound", "!=", False)
            & Domain("start_date", ">=", fields.Datetime.now() - SHOWN)
        ).sorted("start_date")
        if flooded:
            call = flooded[-1]
            dropped = any(each.report_bound != "counted" for each in flooded)
            return (
                ("bad" if dropped else "warning"),
                ("not_kept" if dropped else "not_counted"),
                {
                    "count": len(flooded),
                    "call": call.id,
                    "when": fields.Datetime.to_string(call.start_date),
                    "days": company.ccp_token_days,
                },
            )
        if company.ccp_keep_unmatched_days <= 0 and self._has_unmatched(company):
            return "warning", "no_period", {}
        return "ok", "within", {}

    @api.model
    def _has_unmatched(self, company):
        """Return whether there are reports to a company's own address without a call.

        :rtype: bool
        """
        lost = Domain("company_id", "=", company.id) & Domain("call_id", "=", False)
        return bool(self.env["ccp.call.event"].sudo().search_count(lost, limit=1))

    def _words_of_bounds(self):
        _ = self.env._
        return {
            "within": _("No call of the last 7 days has too many reports."),
            "not_counted": _(
                "Calls with too many reports: %(count)s, the last one %(when)s (call number "
                "%(call)s). Some of its reports are ignored: check them (the filter “Too many "
                "reports” finds such calls), and ask Airtel."
            ),
            "not_kept": _(
                "Calls with far too many reports: %(count)s, the last one %(when)s (call number "
                "%(call)s). Further reports are discarded. Check those that arrived (the filter "
                "“Too many reports” finds such calls): if they are not from Airtel, somebody "
                "else has the call's notify URL, which expires %(days)s days after the call."
            ),
            "no_period": _(
                "Reports without a call are kept forever, with their phone numbers: enter a period "
                "under “Keep reports without a call” in Settings > Airtel CCP."
            ),
        }
