from werkzeug.exceptions import RequestedRangeNotSatisfiable

from odoo import http
from odoo.exceptions import AccessError
from odoo.http import Response, request

from ..ccp.safe.download import RecordingError
from ..models.base import MAX_ID

PASSED_ON = ("Accept-Ranges", "Content-Length", "Content-Range")


class AirtelCcpRecording(http.Controller):
    """Plays recordings to users who may see the call and may listen; each listen is logged."""

    @http.route(
        "/airtel_ccp/recording/<int:call_id>",
        type="http",
        auth="user",
        methods=["GET", "HEAD"],
        readonly=False,
    )
    def recording(self, call_id, download=None):
        """Stream a recording: our own copy or, until it is fetched, Airtel's.

        :param int call_id: the call's id
        :param str | None download: anything, to get a file that the browser keeps
        :return: 200 or 206 with sound; 416 beyond its end; 403 without the right to listen; 404
            if there is no call or the user may not see it, with the same sentence for both
            calls that do not exist and calls that the user may not see; 410 if it was deleted; 503
            if Airtel does not deliver it yet
        :rtype: odoo.http.Response
        """
        calls = request.env["ccp.call"]
        call = calls.browse(call_id).exists() if call_id <= MAX_ID else calls
        call = call._filtered_access("read")
        if not call:
            return self._sentence(404, calls._no_access_sentence())
        try:
            call._check_listener(bool(download))
        except AccessError as error:
            return self._sentence(403, error.args[0])
        source = call._recording_source()
        if source == "stored":
            response = self._from_store(call, bool(download))
        elif source == "airtel":
            try:
                response = self._from_airtel(call, bool(download))
            except RecordingError as error:
                if error.status == 416:
                    raise RequestedRangeNotSatisfiable from None
                return self._sentence(503, call._fetch_sentence(error.reason))
        else:
            status = 410 if source == "deleted" else 404
            return self._sentence(status, call._absence_sentence())
        if request.httprequest.method != "HEAD" and response.status_code in (200, 206):
            start = response.headers.get("Content-Range", "bytes 0-").startswith("bytes 0-")
            kind = "download" if download else "listen"
            request.env["ccp.call.listen"]._note(call, kind, start)
        # Played from the browser's cache, it would leave no trace in the log
        response.headers["Cache-Control"] = "private, no-store"
        return response

    def _sentence(self, status, text):
        """Answer with one sentence instead of sound."""
        headers = {"Retry-After": "60"} if status == 503 else {}
        return Response(text, status=status, headers=headers, mimetype="text/plain")

    def _from_store(self, call, as_attachment):
        """Send our own copy, or the part of it that was asked for."""
        stream = request.env["ir.binary"]._get_stream_from(call.recording_id.sudo())
        return stream.get_response(as_attachment=as_attachment, content_security_policy=None)

    def _from_airtel(self, call, as_attachment):
        """Pass on what Airtel sends, without its address.

        :raise RecordingError: when Airtel does not deliver it
        """
        opened = call._open_recording(request.httprequest.headers.get("Range"))
        answer = opened.__enter__()
        headers = {name: answer.headers[name] for name in PASSED_ON if answer.headers.get(name)}
        response = Response(
            answer.iter_chunks(),
            status=answer.status,
            headers=headers,
            mimetype=answer.content_type,
        )
        if as_attachment:
            name = call._recording_file_name(answer.content_type)
            response.headers.set("Content-Disposition", "attachment", filename=name)
        response.call_on_close(lambda: opened.__exit__(None, None, None))
        return response
