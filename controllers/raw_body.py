from odoo import http


class RawBodyDispatcher(http.HttpDispatcher):
    """Hands a request to its route with the body untouched.

    Odoo reads a body with a form content type before the route sees it; a report with a wrong
    content type would be lost that way.
    """

    routing_type = "airtel_ccp_raw"

    def dispatch(self, endpoint, args):
        """Call the route with the values of its path, and nothing from the body.

        Where no database is there, Odoo's own way to a route is not either.
        """
        self.request.params = args
        if not self.request.db:
            return endpoint(**args)
        return self.request.registry["ir.http"]._dispatch(endpoint)
