from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from odoo import models
from odoo.exceptions import UserError

from ..ccp import number


class CcpGuard(models.AbstractModel):
    """The house rules that may speak against a call: hours, blacklist, caps, outcomes, a busy line.

    Each guard returns nothing, or raises one sentence for the rep.
    """

    _name = "ccp.guard"
    _description = "Guards that a call has to pass"

    def _check_blacklist(self, customer_number):
        """Refuse a number that somebody asked us not to call."""
        blacklisted = (
            self.env["phone.blacklist"]
            .sudo()
            .search_count([("number", "=", f"+91{customer_number}")], limit=1)
        )
        if blacklisted:
            raise UserError(
                self.env._(
                    "%s must not be called: it is on the phone blacklist. An administrator can "
                    "take it off there, if its owner agreed.",
                    number.mask(customer_number),
                )
            )

    def _check_hours(self, company):
        """Refuse a call outside the company's calling hours."""
        calendar = company.sudo().ccp_calendar_id
        if not calendar:
            return
        now = datetime.now(timezone.utc)
        intervals = calendar._work_intervals_batch(now, now + timedelta(seconds=1))[False]
        if not intervals:
            raise UserError(
                self.env._(
                    "It is outside the calling hours of %(company)s (%(calendar)s): call later, "
                    "or ask your administrator to change the hours in Settings > Airtel CCP.",
                    company=company.name,
                    calendar=calendar.name,
                )
            )

    def _check_daily_limit(self, user, company):
        """Refuse a call past the number of calls that a user may place in a day."""
        limit = company.sudo().ccp_daily_limit
        if not limit:
            return
        zone = ZoneInfo(user.tz or "Asia/Kolkata")
        midnight = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        placed = (
            self.env["ccp.call"]
            .sudo()
            .search_count(
                [
                    ("user_id", "=", user.id),
                    ("company_id", "=", company.id),
                    ("start_date", ">=", midnight.astimezone(timezone.utc).replace(tzinfo=None)),
                    ("state", "!=", "refused"),
                ]
            )
        )
        if placed >= limit:
            raise UserError(
                self.env._(
                    "You have placed %(placed)s calls today, which is the daily limit: call "
                    "again tomorrow, or ask your administrator to raise it in Settings > "
                    "Airtel CCP.",
                    placed=placed,
                )
            )

    def _check_outcome(self, user, company):
        """Refuse a call while the last one that connected has no outcome, where one is needed."""
        if not company.sudo().ccp_require_outcome:
            return
        last = (
            self.env["ccp.call"]
            .sudo()
            .search(
                [
                    ("user_id", "=", user.id),
                    ("state", "=", "ended"),
                    ("result", "=", "connected"),
                    ("company_id", "=", company.id),
                ],
                limit=1,
            )
        )
        if last and not last.outcome_id:
            raise UserError(
                self.env._(
                    "Your call with %s has no outcome yet: choose one, then call.",
                    last.customer_name,
                )
            )

    def _check_line_free(self, user):
        """Refuse a call while another call of the same agent is live."""
        call = (
            self.env["ccp.call"]
            .sudo()
            .search([("user_id", "=", user.id), ("live", "=", True)], limit=1)
        )
        if call:
            raise UserError(self._line_busy_sentence(call.customer_name))

    def _line_busy_sentence(self, customer_name=""):
        if not customer_name:
            return self.env._("A call of yours is just being placed: finish it first.")
        return self.env._(
            "You are still in a call with %s: finish it first, or open it under Airtel CCP > "
            "Calls and choose “This call is over”.",
            customer_name,
        )
