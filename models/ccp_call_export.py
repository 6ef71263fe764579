from odoo import models

# A spreadsheet takes a text that begins with one of these for a formula
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class CcpCall(models.Model):
    """The history as a file."""

    _inherit = "ccp.call"

    def export_data(self, fields_to_export):
        """Return the history for a file, with texts that a spreadsheet shows and never runs.

        Names and numbers come from outside, and a spreadsheet runs a cell that begins with ``=``.

        :param list[str] fields_to_export: see Odoo's method of the same name
        :rtype: dict
        :raise UserError: when the user may not export
        """
        exported = super().export_data(fields_to_export)
        exported["datas"] = [
            [
                f"'{value}"
                if isinstance(value, str) and value.startswith(FORMULA_STARTS)
                else value
                for value in row
            ]
            for row in exported["datas"]
        ]
        return exported
