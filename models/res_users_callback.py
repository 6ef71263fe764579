from odoo import fields, models

from .presence import INCOMING_CALLS


class ResUsers(models.Model):
    """Call-backs of an agent who is away or leaves go to the agent's team."""

    _inherit = "res.users"

    def write(self, vals):
        """Write users; the call-backs of those who leave or are away go to their teams."""
        written = super().write(vals)
        is_about_rights = bool({"active", "group_ids", "company_ids", "ccp_may_call"} & vals.keys())
        is_about_time = bool(vals.get("ccp_away_until"))
        if (is_about_rights or is_about_time) and INCOMING_CALLS.may_be(self.env):
            self._ccp_leave_callbacks()
        return written

    def _ccp_leave_callbacks(self):
        """Give those open call-backs of these users to their teams that the users cannot make."""
        callbacks = self.env["ccp.callback"].sudo()
        for user in self.sudo():
            own = callbacks.search([("user_id", "=", user.id), ("state", "=", "open")])
            left = own.filtered(lambda each: not user._ccp_can_call_back(each))  # noqa: B023
            if left:
                left._give_to(user.browse())

    def _ccp_can_call_back(self, callback):
        """Return whether this user may call for a call-back's company and is there in time.

        :param callback: one ``ccp.callback``, as superuser
        :rtype: bool
        """
        self.ensure_one()
        away = self.sudo().ccp_away_until
        # Who is back before it is due keeps it; what is overdue cannot wait for anybody
        is_away = bool(away) and away > max(callback.due_date, fields.Datetime.now())
        return not is_away and self in callback.company_id._ccp_callers()
