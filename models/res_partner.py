from odoo import models
from odoo.fields import Domain


class ResPartner(models.Model):
    """A contact can be called; its calls include those placed from its leads."""

    _name = "res.partner"
    _inherit = ["res.partner", "ccp.callable.mixin"]

    def _ccp_call_counts(self):
        """Count by contact, whichever record the calls were placed from."""
        groups = self.env["ccp.call"]._read_group(
            [("partner_id", "in", self.ids)], ["partner_id"], ["__count"]
        )
        return {partner.id: count for partner, count in groups}

    def _ccp_calls_domain(self):
        return Domain("partner_id", "=", self.id)
