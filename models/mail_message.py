from odoo import models

from odoo.addons.mail.tools.discuss import Store

from .ccp_call_card import CARD_CLASS


class MailMessage(models.Model):
    """Shows chatter cards of calls to each reader as that one may see them."""

    _inherit = "mail.message"

    def _to_store(self, store, fields, **kwargs):
        """Extension of `mail`: a call's card is shown in the language and with the rights of its
        reader, whatever is stored of it."""
        # Odoo's own method calls this one again for the fields themselves
        is_read = "message_format" not in fields and "body" in fields
        result = super()._to_store(store, fields, **kwargs)
        if is_read and store.target.is_current_user(self.env) and self.env.user._is_internal():
            for message, body in self._ccp_reader_cards().items():
                store.add_records_fields(message, [Store.Attr("body", body)])
        return result

    def _ccp_reader_cards(self):
        """Return the cards of calls among these messages, see ``ccp.call._reader_cards``.

        Messages without one cost no statement: a card's stored text says that it is one.

        :rtype: dict
        """
        cards = self.filtered(
            lambda message: (
                message.message_type == "notification" and CARD_CLASS in (message.body or "")
            )
        )
        return self.env["ccp.call"].sudo(False)._reader_cards(cards) if cards else {}
