from odoo import models
from odoo.exceptions import AccessError

RECORDING_FIELD = "recording_file"


class IrAttachment(models.Model):
    """Recordings are heard through their own route only, which knows the rights and keeps a log."""

    _inherit = "ir.attachment"

    def _check_access(self, operation):
        """Refuse recordings to everybody, administrators too; see the recording route."""
        recordings = self.browse()
        if not self.env.su:
            of_calls = self.sudo().filtered(lambda file: file.res_model == "ccp.call")
            recordings = of_calls.sudo(False)
        refused = super()._check_access(operation)
        if not recordings:
            return refused
        others = refused[0] if refused else self.browse()
        return recordings | others, lambda: AccessError(
            self.env._("A recording can be heard from its call only: open the call and play it.")
        )
