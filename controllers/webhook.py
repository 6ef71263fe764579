from odoo import http
from odoo.http import request

from ..models.ccp_dialer import SECRET_HEADER
from . import access_log, raw_body, wakeup

MAX_BODY_BYTES = 64 * 1024

access_log.mask_tokens()
waker = wakeup.Waker()


class AirtelCcpWebhook(http.Controller):
    """Takes Airtel's reports (specification 3: Airtel expects 200 for each)."""

    @http.route(
        "/airtel_ccp/webhook/<string:token>",
        type=raw_body.RawBodyDispatcher.routing_type,
        auth="none",
        methods=["POST"],
        csrf=False,
        save_session=False,
        readonly=False,
        max_content_length=MAX_BODY_BYTES,
    )
    def report(self, token):
        """Store one report and answer 200; an unknown token is answered 404, storing nothing.

        :param str token: the secret of one call
        :rtype: odoo.http.Response
        """
        header = request.httprequest.headers.get(SECRET_HEADER)
        raw = request.httprequest.get_data()
        if not request.env["ccp.call.event"]._receive(token, header, raw):
            raise request.not_found()
        request.env.cr.postcommit.add(lambda: waker.wake(request.db))
        return request.make_json_response({"status": "ok"})
