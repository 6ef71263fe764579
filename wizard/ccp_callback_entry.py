from odoo import api, fields, models
from odoo.exceptions import UserError

from ..ccp.safe import text
from ..models.ccp_callback import MAX_REASON
from ..models.utils import CLOSE


class CcpCallbackEntry(models.TransientModel):
    """The dialog that hands a call-back over, or drops it with a reason."""

    _name = "ccp.callback.entry"
    _description = "Hand over or drop a call-back"

    callback_id = fields.Many2one(
        "ccp.callback", "Call-back", required=True, readonly=True, ondelete="cascade"
    )
    colleague_ids = fields.Many2many(
        "res.users", string="Who can take it", compute="_compute_colleague_ids"
    )
    user_id = fields.Many2one(
        "res.users",
        "Colleague",
        domain="[('id', 'in', colleague_ids)]",
        help="Leave empty for the team: anybody of it can take the call-back then.",
    )
    reason = fields.Char(
        size=MAX_REASON, help="Why nobody calls back. It is kept with the call-back."
    )

    @api.constrains("callback_id")
    def _check_callback(self):
        self._ccp_check_named("callback_id")

    @api.constrains("user_id")
    def _check_user(self):
        self._ccp_check_named("user_id")

    @api.depends("callback_id")
    @api.depends_context("uid")
    def _compute_colleague_ids(self):
        for entry in self:
            callback = entry.callback_id.sudo(False)
            entry.colleague_ids = (
                callback.sudo().company_id._ccp_callers().sudo(False)._filtered_access("read")
                if callback and callback.has_access("read")
                else False
            )

    def action_hand_over(self):
        """Hand the call-back over to the colleague, or to the team if none was chosen.

        :return: an action that closes the dialog
        :rtype: dict
        :raise AccessError: when the user may not call, or may not see the call-back
        :raise UserError: when nothing is owed any more, somebody else has taken it, or the
            colleague may not call
        """
        self.ensure_one()
        self.check_access("write")
        self.callback_id._hand_over(self.user_id)
        return dict(CLOSE)

    def action_drop(self):
        """Drop the call-back with the reason that was entered.

        :return: an action that closes the dialog
        :rtype: dict
        :raise AccessError: when the user may not call, or may not see the call-back
        :raise UserError: when no reason was entered, nothing is owed any more, or somebody else has
            taken it
        """
        self.ensure_one()
        self.check_access("write")
        callback = self.callback_id
        callback._check_may_act()
        callback._check_in_charge()
        reason = text.clean(self.reason, MAX_REASON)
        if not reason:
            raise UserError(self.env._("Write why nobody calls back: the reason is kept."))
        callback._drop(reason)
        return dict(CLOSE)
