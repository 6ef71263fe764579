from odoo import models


class CrmLead(models.Model):
    """A lead can be called; the card lands on its chatter and on its contact's."""

    _name = "crm.lead"
    _inherit = ["crm.lead", "ccp.callable.mixin"]
