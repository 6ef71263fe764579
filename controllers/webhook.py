import json
import logging

import psycopg2
from werkzeug.exceptions import RequestEntityTooLarge, abort

from odoo import http
from odoo.http import Response, request

from ..ccp.safe.faults import name_of
from ..ccp.safe.spool import find_owner
from ..models.ccp_dialer import SECRET_HEADER
from ..models.spool import root
from . import access_log, raw_body, wakeup

_logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024
RETRY_AFTER_SECONDS = 30
ACCEPTED = {"status": "ok"}
# Lets a proxy distinguish our 404 (unknown token) from Odoo's (no database)
UNKNOWN = {"X-Airtel-Ccp": "unknown"}

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
        # One more, to see that a body is longer: one of unknown length is cut there silently
        max_content_length=MAX_BODY_BYTES + 1,
    )
    def report(self, token):
        """Store one report and answer 200; an unknown token is answered 404, storing nothing.

        If the addon is one of ``server_wide_modules``, Odoo calls this without a database too: when
        the database is away, or when there are several and nothing says which. Then the report
        waits on disk; a token that may not be ours is answered 503.

        :param str token: the secret in a notify URL, a call's or a company's
        :rtype: odoo.http.Response
        """
        header = request.httprequest.headers.get(SECRET_HEADER)
        raw = request.httprequest.get_data()
        if len(raw) > MAX_BODY_BYTES:
            raise RequestEntityTooLarge
        known = self._store(token, header, raw) if request.db else None
        if known:
            waker.wake(request.db)
            return request.make_json_response(ACCEPTED)
        if known is False:
            return Response(status=404, headers=UNKNOWN)
        return self._spool(token, header, raw)

    def _store(self, token, header, raw):
        """Store a report; once this returns True, it is durable.

        Any error of the database sends the report to disk: a lost connection raises errors of
        several classes, and a full disk or a lock must not lose a report either.

        :return: False for a token that the database does not know, None when it takes no report
        :rtype: bool | None
        """
        try:
            known = request.env["ccp.call.event"]._receive(token, header, raw)
            request.env.cr.commit()  # pylint: disable=invalid-commit
        except psycopg2.Error as error:
            _logger.warning("The database takes no report (%s)", name_of(error))
            return None
        return known

    def _spool(self, token, header, raw):
        """Keep a report on disk until the database is back.

        :raise werkzeug.exceptions.HTTPException: always, for Odoo would commit after an answer;
            200 once the report is durable, 503 when that cannot be
        """
        try:
            spool = find_owner(root(), token)
            if spool:
                spool.put(token, header, raw)
                # The database may be there: with several, Odoo does not know whose report it is
                waker.wake(spool.folder.name)
                abort(Response(json.dumps(ACCEPTED), mimetype="application/json"))
        except OSError as error:
            _logger.warning("A report cannot be kept on disk (%s)", name_of(error))
        abort(Response(status=503, headers={"Retry-After": RETRY_AFTER_SECONDS}))
