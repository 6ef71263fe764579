from datetime import timedelta, timezone

from odoo import fields, models

from .presence import INCOMING_CALLS

# Overdue call-backs must be made in the next working hours; a night has none
NEXT_HOURS = timedelta(hours=12)


class ResUsers(models.Model):
    """Call-backs of an agent who is away or leaves the company go to the agent's team."""

    _inherit = "res.users"

    def write(self, vals):
        """Write users; call-backs of users who left or are away go to their teams."""
        written = super().write(vals)
        is_about_rights = bool({"active", "group_ids", "company_ids", "ccp_may_call"} & vals.keys())
        is_about_time = bool(vals.get("ccp_away_until"))
        if (is_about_rights or is_about_time) and INCOMING_CALLS.may_be(self.env):
            self._ccp_leave_callbacks()
        return written

    def _ccp_leave_callbacks(self):
        """Give these users' open call-backs to their teams if they cannot make them."""
        callbacks = self.env["ccp.callback"].sudo()
        for user in self.sudo():
            promised = callbacks.search([("user_id", "=", user.id), ("state", "=", "open")])
            # Many are due at the end of the same working day
            alike = promised.grouped(lambda each: (each.company_id, each.due_date))
            left = callbacks.union(
                *(some for of, some in alike.items() if not user._ccp_can_call_back(*of))
            )
            if left:
                left._give_to(user.browse())

    def _ccp_can_call_back(self, company, due):
        """Return whether this user may call for a company, and will be there in time.

        :param company: the ``res.company`` that was called
        :param datetime.datetime due: when the call-back is due, naive UTC
        :rtype: bool
        """
        self.ensure_one()
        away = self.sudo().ccp_away_until
        # A user who is back before it is due keeps it; an overdue one cannot wait
        is_away = bool(away) and away > max(due, fields.Datetime.now())
        return (
            not is_away
            and self in company._ccp_callers()
            and not self._ccp_is_on_leave(company, due)
        )

    def _ccp_is_on_leave(self, company, due):
        """Return whether this user's leave lasts until a call-back is due.

        Nights and public holidays are not leave.

        :param company: the ``res.company`` that was called
        :param datetime.datetime due: when the call-back is due, naive UTC
        :rtype: bool
        """
        now = fields.Datetime.now()
        end = due if due > now else now + NEXT_HOURS
        period = [moment.replace(tzinfo=timezone.utc) for moment in (now, end)]
        groups = self._ccp_working_groups(company, self.ids)
        if not all(calendar and resources for calendar, resources, _users in groups):
            # Users without a calendar of their own have no leave of their own
            return False
        for calendar, resources, _users in groups:
            times = calendar._work_intervals_batch(*period, resources)
            if not times[False] or any(times[resource.id] for resource in resources):
                return False
        return True
