import logging

from odoo import api, models
from odoo.fields import Domain

from .callback_ledger import OPEN
from .contention import apart, take_turns

_logger = logging.getLogger(__name__)

BATCH = 50


class CcpCallback(models.Model):
    """Hands call-backs over when their agents' leave begins, an event without a notification."""

    _inherit = "ccp.callback"

    @api.model
    def _cron_hand_over(self):
        """Give open call-backs to the team if the agent is away until they are due."""
        seen = set()

        def failed(user, error):
            _logger.error("Call-backs of user %s stay with them for now", user.id, exc_info=error)

        def hand_over_some():
            taken = Domain("state", "=", OPEN) & Domain("user_id", "!=", False)
            callbacks = self.sudo()
            left = taken & Domain("user_id", "not in", list(seen))
            groups = callbacks._read_group(left, ["user_id"], limit=BATCH)
            users = callbacks.user_id.union(*(user for (user,) in groups))
            apart(users, lambda some: some._ccp_leave_callbacks(), failed)
            seen.update(users.ids)
            left = taken & Domain("user_id", "not in", list(seen))
            return len(users), callbacks.search_count(left, limit=1)

        take_turns(self, hand_over_some, "airtel_ccp.ir_cron_hand_over")
