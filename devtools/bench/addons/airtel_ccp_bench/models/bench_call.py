"""What the usual addon keeps."""

from odoo import fields, models


class BenchCall(models.Model):
    """A call as other telephony addons keep it."""

    _name = "bench.call"
    _description = "Call of the usual addon"

    token = fields.Char(required=True, index=True)
    lead_id = fields.Many2one("crm.lead", required=True, ondelete="cascade")
    state = fields.Char()
    last_event = fields.Char()
    last_date = fields.Datetime()
