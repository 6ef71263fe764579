from odoo import api, fields, models

from ..ccp.call import states


class CcpCall(models.Model):
    """The colour in which every view shows a call's state or result."""

    _inherit = "ccp.call"

    tone = fields.Char("Colour", compute="_compute_tone")

    @api.depends("state", "result")
    def _compute_tone(self):
        for call in self:
            call.tone = states.tone(call.state, call.result)
