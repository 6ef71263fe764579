from odoo import fields, models

from .system_made import SystemMade


class CcpCallChange(SystemMade, models.Model):
    """Who changed a call's note or outcome, and when; nobody can change these rows."""

    _name = "ccp.call.change"
    _description = "Change of an Airtel Call"
    _order = "id desc"
    _rec_name = "kind"

    call_id = fields.Many2one(
        "ccp.call", readonly=True, required=True, ondelete="cascade", index=True
    )
    user_id = fields.Many2one("res.users", readonly=True, required=True, ondelete="restrict")
    date = fields.Datetime(readonly=True, required=True, default=fields.Datetime.now)
    kind = fields.Selection(
        [("outcome", "Outcome"), ("note", "Note"), ("record", "Record")],
        "Change",
        readonly=True,
        required=True,
    )
    before = fields.Char(readonly=True)
    after = fields.Char(readonly=True)
