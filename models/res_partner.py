from odoo import api, models
from odoo.fields import Domain


class ResPartner(models.Model):
    """A contact can be called; its calls include those placed from its leads."""

    _name = "res.partner"
    _inherit = ["res.partner", "ccp.callable.mixin"]

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_ccp_call_count(self):
        """Count calls by contact, whichever record they were placed from."""
        counts = {}
        if self.ids:
            counts = dict(
                self.env["ccp.call"]._read_group(
                    [("partner_id", "in", self.ids)], ["partner_id"], ["__count"]
                )
            )
        for partner in self:
            partner.ccp_call_count = counts.get(partner._origin, 0)

    def _ccp_calls_domain(self):
        return Domain("partner_id", "=", self.id)
