from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    """When contacts are merged, their calls move to the contact that stays."""

    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_reference_fields(self, src_partners, dst_partner):
        """Move calls and call list entries, which refer to contacts by model and id."""
        result = super()._update_reference_fields(src_partners, dst_partner)
        self.env["ccp.call"]._follow_merge(src_partners, dst_partner)
        return result
