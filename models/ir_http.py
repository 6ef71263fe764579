from odoo import models


class IrHttp(models.AbstractModel):
    """Tells the browser at start-up whether the user may call, so that no request is needed."""

    _inherit = "ir.http"

    def session_info(self):
        """Add ``airtel_ccp`` for users with calling rights; others get nothing more.

        :rtype: dict
        """
        info = super().session_info()
        if self.env.user._is_internal() and self.env.user.has_group("airtel_ccp.group_ccp_user"):
            info["airtel_ccp"] = {"can_call": True}
        return info
