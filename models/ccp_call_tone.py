from odoo import api, fields, models

from ..ccp.call import states
from .utils import give_values


class CcpCall(models.Model):
    """The colour in which every view shows a call's state or result."""

    _inherit = "ccp.call"

    tone = fields.Char("Colour", compute="_compute_tone")

    @api.depends("state", "result")
    def _compute_tone(self):
        give_values(self, "tone", [states.tone(call.state, call.result) for call in self])
