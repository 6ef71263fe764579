from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..models.own_records import OwnRecords


class CcpFoldAgain(OwnRecords, models.TransientModel):
    """Derives all calls of a period again from their reports, after a fault was corrected."""

    _name = "ccp.fold.again"
    _description = "Recompute the calls of a period from their reports"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company
    )
    start_date = fields.Datetime(
        "Placed from", required=True, default=lambda self: fields.Datetime.today()
    )
    end_date = fields.Datetime("Until", required=True, default=fields.Datetime.now)
    only_errors = fields.Boolean("Only calls in error")
    call_count = fields.Integer("Calls", compute="_compute_call_count")

    @api.depends("start_date", "end_date", "only_errors")
    def _compute_call_count(self):
        for wizard in self:
            wizard.call_count = wizard.company_id._ccp_count_calls(wizard._domain())

    def _domain(self):
        """Return the domain of the company's calls in the period.

        :rtype: odoo.fields.Domain
        """
        domain = (
            Domain("start_date", ">=", self.start_date)
            & Domain("start_date", "<=", self.end_date)
            & Domain("manual", "=", False)
        )
        return domain & Domain("fold_error", "!=", False) if self.only_errors else domain

    def action_fold_again(self):
        """Derive the calls again: a few at once, further ones in the background.

        :return: an action that shows how many
        :rtype: dict
        :raise AccessError: when the user is not an administrator
        :raise UserError: when the period holds no call
        """
        self.ensure_one()
        self.check_access("write")
        calls = self.company_id._ccp_calls(self._domain())
        if not calls:
            raise UserError(self.env._("No call was placed in this period: choose another one."))
        return calls._fold_again_with_notice()
