from odoo import api, fields, models
from odoo.fields import Domain

from .callback_ledger import OPEN
from .utils import milliseconds

# Browsers that get it ask for the badge again, and views of call-backs are read again
CALLBACK_MESSAGE = "airtel_ccp.callbacks"
# More than so many are not counted
MOST = 1000


class CcpCallback(models.Model):
    """What the panel's badge counts, and who is notified when that changes."""

    _inherit = "ccp.callback"

    @api.model
    def _mine(self):
        """Return the domain of the call-backs that are the present user's to make.

        The own ones, and those that nobody has taken of the own teams, or of no team at all.

        :rtype: odoo.fields.Domain
        """
        uid = self.env.uid
        is_free = Domain("user_id", "=", False) & (
            Domain("team_id", "=", False)
            | Domain("team_id.user_id", "=", uid)
            | Domain("team_id.member_ids", "in", [uid])
        )
        return Domain("state", "=", OPEN) & (Domain("user_id", "=", uid) | is_free)

    @api.model
    def _callback_badge(self):
        """Return what the panel's badge shows to the present user, with that user's rights.

        :return: ``open`` and ``overdue``: how many (at most a thousand are counted);
            ``next_due``: the moment at which the next one gets overdue, in milliseconds since
            1970, False if there is none
        :rtype: dict
        """
        callbacks = self.sudo(False)
        if not callbacks.has_access("read"):
            return {"open": 0, "overdue": 0, "next_due": False}
        found = callbacks.search_fetch(self._mine(), ["due_date"], limit=MOST)
        now = fields.Datetime.now()
        due = found.mapped("due_date")
        return {
            "open": len(due),
            "overdue": sum(moment < now for moment in due),
            "next_due": milliseconds(min((each for each in due if each >= now), default=False)),
        }

    def _watchers(self):
        """Return whose badges these call-backs may be part of.

        :return: users, as superuser
        :rtype: odoo.models.BaseModel
        """
        callbacks = self.sudo()
        teams = callbacks.team_id
        users = callbacks.user_id | teams.member_ids | teams.user_id
        for callback in callbacks:
            if not callback.user_id and not callback.team_id:
                users |= callback.company_id._ccp_callers()
        return users.filtered("active")

    @api.model
    def _notify_badges(self, users):
        """Have the browsers of some users ask for their badge again, once in a transaction.

        :param users: ``res.users`` records
        """
        notified = self.env.cr.precommit.data.setdefault(CALLBACK_MESSAGE, set())
        for user in users:
            if user.id not in notified:
                notified.add(user.id)
                user._bus_send(CALLBACK_MESSAGE, {})
