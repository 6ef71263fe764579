from odoo import models

from .presence import CALLS


class MailActivity(models.Model):
    """Links the messages about activities to their calls, so they can be erased with the calls."""

    _inherit = "mail.activity"

    def _action_done(self, feedback=False, attachment_ids=None):
        """Link the messages that Odoo posts here to the calls of the activities."""
        messages, following = super()._action_done(feedback=feedback, attachment_ids=attachment_ids)
        if messages and CALLS.may_be(self.env):
            self.env["ccp.call"]._keep_done_messages(self.exists(), messages)
        return messages, following
