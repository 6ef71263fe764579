from odoo import http


class RawBodyDispatcher(http.HttpDispatcher):
    """Passes a request to its route without reading the body.

    Odoo reads a body with a form content type before the route sees it: a report with a wrong
    content type would be lost.
    """

    routing_type = "airtel_ccp_raw"

    def dispatch(self, endpoint, args):
        """Call the route with the values of its path, and none from the body.

        Odoo's usual way to a route is not available without a database.
        """
        self.request.params = args
        if not self.request.db:
            return endpoint(**args)
        return self.request.registry["ir.http"]._dispatch(endpoint)
