from odoo import models

from .ccp_route import PHONE_KEY


class ResPartner(models.Model):
    """A contact is found by its number within the time in which a caller waits."""

    _inherit = "res.partner"

    _ccp_phone_key_idx = models.Index(f"({PHONE_KEY})")
