from odoo import models


class IrHttp(models.AbstractModel):
    """Tells the browser at start-up what the user may do, so that no request is needed."""

    _inherit = "ir.http"

    def session_info(self):
        """Add ``airtel_ccp`` for users with rights to calls; others get nothing more.

        :rtype: dict
        """
        info = super().session_info()
        user = self.env.user
        if user._is_internal():
            rights = {
                "can_call": user.has_group("airtel_ccp.group_ccp_user"),
                "can_listen": user.has_group("airtel_ccp.group_ccp_listen"),
                "can_download": user.has_group("airtel_ccp.group_ccp_download"),
            }
            if user.has_group("base.group_system"):
                rights["setup_needed"] = self.env["ccp.setup"]._is_needed(self.env.company)
            if any(rights.values()):
                info["airtel_ccp"] = rights
        return info
