from odoo import api, fields, models

# Who missed it decides: grey if the customer was not reached, which is everyday; amber if the agent
# can do something about it; red if something is broken
TONES = {
    "queued": "info",
    "ringing_agent": "info",
    "ringing_customer": "info",
    "in_call": "success",
    "unknown": "warning",
    "refused": "warning",
    "connected": "success",
    "customer_no_answer": "secondary",
    "customer_busy": "secondary",
    "customer_unreachable": "secondary",
    "customer_rejected": "secondary",
    "agent_no_answer": "warning",
    "agent_busy": "warning",
    "agent_unreachable": "warning",
    "canceled": "warning",
    "failed": "danger",
    "no_report": "danger",
}


class CcpCall(models.Model):
    """The colour in which every view shows a call's state or result."""

    _inherit = "ccp.call"

    tone = fields.Char("Colour", compute="_compute_tone")

    @api.depends("state", "result")
    def _compute_tone(self):
        for call in self:
            call.tone = TONES.get(call.result or call.state, "secondary")
