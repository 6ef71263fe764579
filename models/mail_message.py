from odoo import models

from odoo.addons.mail.tools.discuss import Store

from .ccp_call_card import CARD_CLASS


class MailMessage(models.Model):
    """Shows each reader the chatter cards of calls as the reader may see them."""

    _inherit = "mail.message"

    def _to_store(self, store, fields, **kwargs):
        """Replace a card's stored text by one in the reader's language and with their rights."""
        # Odoo's own method calls this one again for the fields
        is_read = "message_format" not in fields and "body" in fields
        result = super()._to_store(store, fields, **kwargs)
        if is_read and store.target.is_current_user(self.env) and self.env.user._is_internal():
            for message, body in self._ccp_reader_cards().items():
                store.add_records_fields(message, [Store.Attr("body", body)])
        return result

    def _ccp_reader_cards(self):
        """Return the cards among these messages, see ``ccp.call._reader_cards``.

        Messages without a card need no statement: the stored text shows whether it is one.

        :rtype: dict
        """
        cards = self.filtered(
            lambda message: (
                message.message_type == "notification" and CARD_CLASS in (message.body or "")
            )
        )
        return self.env["ccp.call"].sudo(False)._reader_cards(cards) if cards else {}
