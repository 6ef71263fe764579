from odoo import models


class CrmLead(models.Model):
    """A lead can be called; its calls' cards are in its chatter and in its contact's."""

    _name = "crm.lead"
    _inherit = ["crm.lead", "ccp.callable.mixin"]

    def _merge_dependences(self, opportunities):
        """Keep the calls of merged leads on the one that stays."""
        result = super()._merge_dependences(opportunities)
        self.env["ccp.call"]._follow_merge(opportunities, self)
        return result
