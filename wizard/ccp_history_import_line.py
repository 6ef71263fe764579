from odoo import api, fields, models


class CcpHistoryImportLine(models.TransientModel):
    """A line of a file that is no call of the past, and why."""

    _name = "ccp.history.import.line"
    _description = "Line of an import of past calls"
    _order = "sequence, id"

    import_id = fields.Many2one("ccp.history.import", required=True, ondelete="cascade")
    sequence = fields.Integer("Line", readonly=True)
    note = fields.Char("Why", readonly=True)

    @api.constrains("import_id")
    def _check_own(self):
        # Odoo asks the record rules before a record is changed, not after; and this runs as system
        self.sudo(False).check_access("write")
