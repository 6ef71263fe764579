from odoo import http
from odoo.exceptions import AccessError
from odoo.http import Response, request

from ..ccp.recording import RecordingError

PASSED_ON = ("Accept-Ranges", "Content-Length", "Content-Range")


class AirtelCcpRecording(http.Controller):
    """Plays recordings to users who may see the call."""

    @http.route(
        "/airtel_ccp/recording/<int:call_id>",
        type="http",
        auth="user",
        methods=["GET", "HEAD"],
        readonly=True,
    )
    def recording(self, call_id):
        """Stream a recording: our own copy or, until it is fetched, Airtel's.

        :param int call_id: the call's id
        :return: 200 or 206 with sound; 404 when there is none, or not for this user; 503 when
            Airtel does not deliver it yet
        :rtype: odoo.http.Response
        """
        call = request.env["ccp.call"].browse(call_id).exists()
        try:
            call.check_access("read")
        except AccessError:
            raise request.not_found() from None
        if call.recording_state == "stored" and call.recording_id:
            stream = request.env["ir.binary"]._get_stream_from(call.recording_id.sudo())
            return stream.get_response(content_security_policy=None)
        if call.recording_state != "pending":
            raise request.not_found()
        return self._from_airtel(call)

    def _from_airtel(self, call):
        """Pass on what Airtel sends, without its address."""
        opened = request.env["ccp.recording"]._open(call, request.httprequest.headers.get("Range"))
        try:
            answer = opened.__enter__()
        except RecordingError as error:
            return Response(
                request.env["ccp.recording"]._sentence(error.reason),
                status=503,
                headers={"Retry-After": "60"},
                mimetype="text/plain",
            )
        headers = {name: answer.headers[name] for name in PASSED_ON if answer.headers.get(name)}
        response = Response(
            answer.iter_chunks(),
            status=answer.status,
            headers=headers,
            mimetype=answer.content_type,
        )
        response.call_on_close(lambda: opened.__exit__(None, None, None))
        return response
