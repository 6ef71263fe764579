from odoo import api, models

from .presence import (
    look_for_calls,
    look_for_incoming_calls,
    note_calls,
    note_incoming_calls,
)


class CcpCall(models.Model):
    """Keeps what a process knows of the presence of calls, see ``presence``."""

    _inherit = "ccp.call"

    def _register_hook(self):
        super()._register_hook()
        look_for_calls(self.env)
        look_for_incoming_calls(self.env)

    @api.model
    def _create(self, data_list):
        note_calls(self.env)
        if any(data["stored"].get("direction") == "inbound" for data in data_list):
            note_incoming_calls(self.env)
        return super()._create(data_list)
