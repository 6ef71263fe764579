from odoo import models

from .ccp_call_live import CHANNEL


class IrWebsocket(models.AbstractModel):
    """Only team leaders and managers may listen on the bus channel of live calls."""

    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels):
        channels = list(channels)
        if CHANNEL in channels:
            channels.remove(CHANNEL)
            user = self.env.user
            if user.has_group("airtel_ccp.group_ccp_team_leader"):
                channels += [(company, CHANNEL) for company in user.company_ids]
        return super()._build_bus_channel_list(channels)
