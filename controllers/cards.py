from odoo.http import request

from odoo.addons.mail.controllers.webclient import WebclientController

# More than any screen shows; a client requests the rest again
MAX_CARDS = 100


class AirtelCcpCards(WebclientController):
    """Answers browsers that ask for chatter cards which changed while they show them."""

    @classmethod
    def _process_request_for_internal_user(cls, store, name, params):
        """Add the messages that the request names and the user may read; extends `mail`."""
        result = super()._process_request_for_internal_user(store, name, params)
        if name == "airtel_ccp.cards" and isinstance(params, list):
            ids = [each for each in params[:MAX_CARDS] if isinstance(each, int)]
            # Odoo's search leaves out messages that the user may not read
            store.add(request.env["mail.message"].search([("id", "in", ids)]))
        return result
