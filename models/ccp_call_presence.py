from odoo import api, models

from .presence import CALLS, INCOMING_CALLS


class CcpCall(models.Model):
    """Keeps the cached presence of calls of a process up to date, see ``presence``."""

    _inherit = "ccp.call"

    def _register_hook(self):
        super()._register_hook()
        CALLS.look(self.env)
        INCOMING_CALLS.look(self.env)

    @api.model
    def _create(self, data_list):
        CALLS.note(self.env)
        if any(data["stored"].get("direction") == "inbound" for data in data_list):
            INCOMING_CALLS.note(self.env)
        return super()._create(data_list)
