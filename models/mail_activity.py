from odoo import models

from .presence import CALLS


class MailActivity(models.Model):
    """Calls know the messages about their activities, so that these can be erased too."""

    _inherit = "mail.activity"

    def _action_done(self, feedback=False, attachment_ids=None):
        """Extension of `mail`: the messages that it posts belong to the calls of the activities."""
        messages, following = super()._action_done(feedback=feedback, attachment_ids=attachment_ids)
        if messages and CALLS.may_be(self.env):
            self.env["ccp.call"]._keep_done_messages(self.exists(), messages)
        return messages, following
