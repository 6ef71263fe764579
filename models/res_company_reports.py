from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResCompany(models.Model):
    """How long a company accepts Airtel's reports, and keeps those without a call."""

    _inherit = "res.company"

    ccp_token_days = fields.Integer(
        "Accept reports after a call (days)",
        default=7,
        required=True,
        help="For how many days after a call its notify URL accepts reports, 1 to 365. Later ones "
        "are refused.",
        groups="base.group_system",
    )
    ccp_keep_unmatched_days = fields.Integer(
        "Keep reports without a call (days)",
        default=30,
        help="Reports that come to the company's own notify URL and belong to no call of this "
        "Odoo. Zero keeps them forever.",
        groups="base.group_system",
    )

    @api.constrains("ccp_token_days")
    def _check_ccp_token_days(self):
        for company in self.sudo():
            if not 1 <= company.ccp_token_days <= 365:
                raise ValidationError(
                    self.env._(
                        "Reports can be accepted for 1 to 365 days after a call: correct this."
                    )
                )
