from odoo import models

from .noted_settings import NotedSettings


class ResCompany(NotedSettings, models.Model):
    """Changes of a company's settings of calling are logged."""

    _inherit = "res.company"

    def _ccp_settings(self, names):
        """Return which of some fields are settings of calling."""
        return super()._ccp_settings(name for name in names if name.startswith("ccp_"))
