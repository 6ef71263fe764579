from odoo import models

from .ccp_route import PHONE_KEY


class CrmLead(models.Model):
    """Finds leads by a number quickly enough for a waiting caller."""

    _inherit = "crm.lead"

    _ccp_phone_key_idx = models.Index(f"({PHONE_KEY})")
