import math

from odoo import http
from odoo.exceptions import AccessError
from odoo.http import Response, request

from ..models import streams
from ..models.base import MAX_ID

# The player asks with this whether there is something to play; no sound is sent
PROBE = "bytes=0-0"
# The seconds after which a player asks again if all slots were taken
BUSY_SECONDS = 2
# Says what the player should do; the body says it in words
STATE_HEADER = "X-Airtel-Ccp"


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
        """Send Odoo's copy of a recording; if there is none yet, have it fetched.

        Nothing is passed through from Airtel, and the request does not wait for Airtel.

        :param int call_id: the call's id
        :param str | None download: any value, to get a file that the browser saves
        :return: 200 or 206 with sound; 416 beyond its end; 403 without the right to listen; 404
            with one sentence for calls that do not exist and calls that the user may not see;
            410 if it was deleted; 503 with a sentence if it cannot be played now, with
            ``preparing``, ``waiting`` or ``failed`` in a header and, unless it failed, the
            seconds after which to ask again in ``Retry-After``
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
            return self._stored(call, bool(download))
        if source == "airtel":
            state, sentence, seconds = call._ask_for_recording()
            return self._later(state, sentence, seconds)
        status = 410 if source == "deleted" else 404
        return self._sentence(status, call._absence_sentence())

    def _sentence(self, status, text):
        """Return an answer with a sentence instead of sound."""
        return Response(text, status=status, mimetype="text/plain")

    def _later(self, state, text, seconds):
        """Return an answer with a sentence, and when to ask again if that makes sense."""
        response = self._sentence(503, text)
        response.headers[STATE_HEADER] = state
        if seconds:
            response.headers["Retry-After"] = str(seconds)
        return response

    def _stored(self, call, as_attachment):
        """Send Odoo's copy, or the requested part of it, and log the listen."""
        stream = request.env["ir.binary"]._get_stream_from(call.recording_id.sudo())
        response = stream.get_response(as_attachment=as_attachment, content_security_policy=None)
        if request.httprequest.method != "HEAD" and response.status_code in (200, 206):
            # With X-Sendfile, the web server in front of Odoo sends the file
            if "X-Sendfile" not in response.headers and not self._send_here(response):
                response.response.close()
                return self._later("waiting", call._no_room_sentence(), BUSY_SECONDS)
            asked = request.httprequest.headers.get("Range", "bytes=0-")
            if asked != PROBE:
                kind = "download" if as_attachment else "listen"
                request.env["ccp.call.listen"]._note(call, kind, asked.startswith("bytes=0-"))
                call._keep_for_listener()
        # Playing from the browser's cache would leave no trace in the log
        response.headers["Cache-Control"] = "private, no-store"
        return response

    def _send_here(self, response):
        """Have a worker of this server send the file; return whether a slot was free."""
        slot = streams.take_slot()
        if not slot:
            return False
        # If Odoo retries the request, it takes a slot again
        request.env.cr.postrollback.add(slot.release)
        length = response.content_length or math.inf
        response.response = streams.Stream(response.response, length, slot)
        if connection := request.httprequest.environ.get("socket"):
            connection.settimeout(streams.STALL_SECONDS)
        return True
