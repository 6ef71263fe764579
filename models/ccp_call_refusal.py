from odoo import models

from . import refusals


class CcpCall(models.Model):
    """Why Airtel refused a call."""

    _inherit = "ccp.call"

    def _refusal_sentence(self):
        """Return why the call was refused, in the current reader's language.

        The field ``refusal`` keeps the sentence that the agent read.

        :rtype: str
        """
        self.ensure_one()
        about = self.sudo()._about()
        flow = self.flow_id.name
        return refusals.sentence(self.env, about, self.refusal_code, flow, self.caller_number)
