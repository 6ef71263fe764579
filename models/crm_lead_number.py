from odoo import models

from .ccp_route import PHONE_KEY


class CrmLead(models.Model):
    """A lead is found by its number within the time in which a caller waits."""

    _inherit = "crm.lead"

    _ccp_phone_key_idx = models.Index(f"({PHONE_KEY})")
