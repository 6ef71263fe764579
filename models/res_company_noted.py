from odoo import models

from .noted_settings import NotedSettings


class ResCompany(NotedSettings, models.Model):
    """Who changes a company's settings of calling is kept."""

    _inherit = "res.company"

    def _ccp_settings(self, names):
        """Return those of some fields that are settings of calling."""
        return super()._ccp_settings(name for name in names if name.startswith("ccp_"))
