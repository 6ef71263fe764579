from odoo import fields, models

from ..models.own_records import OwnRecords


class CcpPhoneImportLine(OwnRecords, models.TransientModel):
    """The result of one line of an import of phones."""

    _name = "ccp.phone.import.line"
    _description = "Line of an import of phones"
    _own_by = ("import_id",)
    _order = "sequence, id"

    import_id = fields.Many2one("ccp.phone.import", required=True, ondelete="cascade")
    sequence = fields.Integer("Line", readonly=True)
    who = fields.Char("As entered", readonly=True)
    user_id = fields.Many2one("res.users", readonly=True, ondelete="cascade")
    phone = fields.Char(readonly=True)
    state = fields.Selection(
        [("saved", "Saved"), ("unchanged", "Unchanged"), ("problem", "Not saved")],
        "Result",
        readonly=True,
        required=True,
    )
    note = fields.Char("Why", readonly=True)
