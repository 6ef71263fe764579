from odoo import fields, models

from ..models.own_records import OwnRecords


class CcpHistoryImportLine(OwnRecords, models.TransientModel):
    """A line of a file that was not imported as a call, with the reason."""

    _name = "ccp.history.import.line"
    _description = "Line of an import of past calls"
    _own_by = ("import_id",)
    _order = "sequence, id"

    import_id = fields.Many2one("ccp.history.import", required=True, ondelete="cascade")
    sequence = fields.Integer("Line", readonly=True)
    note = fields.Char("Why", readonly=True)
