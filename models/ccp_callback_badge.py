from odoo import api, fields, models
from odoo.fields import Domain

from .callback_ledger import OPEN
from .utils import milliseconds

# The bus message at which browsers reload the badge and the views of call-backs
CALLBACK_MESSAGE = "airtel_ccp.callbacks"
# Counting stops here
MOST = 1000


class CcpCallback(models.Model):
    """The number on the panel's badge, and the users who are notified when it changes."""

    _inherit = "ccp.callback"

    @api.model
    def _mine(self):
        """Return the domain of the call-backs that the current user should make.

        These are the user's own, and those without an agent that belong to the user's teams or to
        no team.

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
        """Return what the panel's badge shows to the current user, with that user's rights.

        :return: ``open`` and ``overdue``: how many (up to a thousand are counted); ``next_due``:
            when the next one becomes overdue, in milliseconds since 1970, False if there is none
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
        """Return the users whose badges may count these call-backs.

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
        """Have the browsers of some users reload the badge, once per transaction.

        :param users: ``res.users`` records
        """
        notified = self.env.cr.precommit.data.setdefault(CALLBACK_MESSAGE, set())
        for user in users:
            if user.id not in notified:
                notified.add(user.id)
                user._bus_send(CALLBACK_MESSAGE, {})
