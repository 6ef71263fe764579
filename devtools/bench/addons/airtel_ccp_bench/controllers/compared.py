"""An empty route, and reports taken as other telephony addons take them."""

import json

from odoo import fields, http
from odoo.http import request

ACCEPTED = {"status": "ok"}
# The options of the addon's own route
OPTIONS = {
    "type": "bench_raw",
    "auth": "none",
    "methods": ["POST"],
    "csrf": False,
    "save_session": False,
    "readonly": False,
    "max_content_length": 64 * 1024,
}


class RawDispatcher(http.HttpDispatcher):
    """Leaves the body alone, like the addon's dispatcher: the routes must be comparable."""

    routing_type = "bench_raw"

    def dispatch(self, endpoint, args):
        """Call the route with the values of its path."""
        self.request.params = args
        return self.request.registry["ir.http"]._dispatch(endpoint)


class Compared(http.Controller):
    """The routes with which the addon's way to take a report is compared."""

    @http.route("/bench/empty/<string:token>", **OPTIONS)
    def empty(self, token):
        """Read the body and answer: the cost of Odoo alone."""
        request.httprequest.get_data()
        return request.make_json_response(ACCEPTED)

    @http.route("/bench/bare/<string:token>", **OPTIONS)
    def bare(self, token):
        """Store the body and do nothing else: the cost of one durable row."""
        request.env.cr.execute(
            "INSERT INTO bench_bare (body) VALUES (%s)",
            [request.httprequest.get_data().decode(errors="replace")],
        )
        return request.make_json_response(ACCEPTED)

    @http.route(
        "/bench/usual/<string:token>", type="http", auth="public", methods=["POST"], csrf=False
    )
    def usual(self, token):
        """Do what other telephony addons do: search, write, post a message."""
        report = json.loads(request.httprequest.get_data())
        call = request.env["bench.call"].sudo().search([("token", "=", token)], limit=1)
        if not call:
            return request.not_found()
        event = str(report.get("event") or report.get("eventType") or "CDR")
        call.write({"state": event, "last_event": event, "last_date": fields.Datetime.now()})
        call.lead_id.message_post(body=f"Airtel: {event}")
        return request.make_json_response(ACCEPTED)
