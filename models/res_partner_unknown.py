from odoo import api, models

from ..ccp.safe import number
from .presence import INCOMING_CALLS


class ResPartner(models.Model):
    """A contact takes over the earlier calls of its number when the number is saved."""

    _inherit = "res.partner"

    # Odoo runs this whenever one of these fields was saved, in any way
    @api.constrains(lambda partner: partner._ccp_phone_fields())
    def _ccp_adopt_calls(self):
        """Link earlier calls of unknown callers to the contact that now has their number.

        If several contacts have it, the calls go to the one that was saved first.
        """
        if not INCOMING_CALLS.may_be(self.env):
            return
        names = self._ccp_phone_fields()
        for partner in self.sudo():
            texts = filter(None, (partner[name] for name in names))
            numbers = {digits for text in texts for digits in number.candidates(text)}
            if numbers:
                self.env["ccp.call"]._adopt(partner, numbers)
