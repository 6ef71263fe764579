from odoo import api, models

from ..ccp.safe import number
from .presence import INCOMING_CALLS


class ResPartner(models.Model):
    """A contact whose number is saved adopts the earlier calls of that number."""

    _inherit = "res.partner"

    # Odoo runs this whenever one of these fields was saved, whichever way that was done
    @api.constrains(lambda partner: partner._ccp_phone_fields())
    def _ccp_adopt_calls(self):
        """Let earlier calls of unknown callers belong to the contact that has their number now.

        If several contacts have it, the calls belong to the one that was saved first.
        """
        if not INCOMING_CALLS.may_be(self.env):
            return
        names = self._ccp_phone_fields()
        for partner in self.sudo():
            texts = filter(None, (partner[name] for name in names))
            numbers = {digits for text in texts for digits in number.candidates(text)}
            if numbers:
                self.env["ccp.call"]._adopt(partner, numbers)
