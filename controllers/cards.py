from odoo.http import request

from odoo.addons.mail.controllers.webclient import WebclientController

# More than any screen shows; a client asks again for the rest
MAX_CARDS = 100


class AirtelCcpCards(WebclientController):
    """Answers a browser that asks for chatter cards which changed while it shows them."""

    @classmethod
    def _process_request_for_internal_user(cls, store, name, params):
        """Extension of `mail`: adds the messages that a user names and may read."""
        result = super()._process_request_for_internal_user(store, name, params)
        if name == "airtel_ccp.cards" and isinstance(params, list):
            ids = [each for each in params[:MAX_CARDS] if isinstance(each, int)]
            # Odoo's search leaves out what the user may not read
            store.add(request.env["mail.message"].search([("id", "in", ids)]))
        return result
