from odoo import fields, models

from .system_made import SystemMade


class CcpErasureLog(SystemMade, models.Model):
    """An erasure of call data: when, by whom, and how much; without the person's name."""

    _name = "ccp.erasure.log"
    _description = "Erasure of Call Data"
    _order = "id desc"
    _rec_name = "date"

    date = fields.Datetime(readonly=True, required=True, default=fields.Datetime.now)
    user_id = fields.Many2one(
        "res.users", "Erased by", readonly=True, required=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        "res.company", readonly=True, required=True, index=True, ondelete="cascade"
    )
    partner_reference = fields.Integer(
        "Contact's id",
        readonly=True,
        aggregator=None,
        help="The contact's id in this database.",
    )
    call_count = fields.Integer("Calls", readonly=True)
    recording_count = fields.Integer("Recordings", readonly=True)
    report_count = fields.Integer("Reports", readonly=True)
    message_count = fields.Integer("Chatter cards and notes", readonly=True)
