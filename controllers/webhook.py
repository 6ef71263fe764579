import psycopg2
from werkzeug.exceptions import abort

from odoo import http
from odoo.http import request

from ..models import report_store
from ..models.ccp_dialer import SECRET_HEADER
from . import access_log, intake, raw_body

access_log.mask_tokens()
intake.install()


class AirtelCcpWebhook(http.Controller):
    """Takes the reports that ``intake`` leaves to Odoo (specification 3: 200 for each)."""

    @http.route(
        "/airtel_ccp/webhook/<string:token>",
        type=raw_body.RawBodyDispatcher.routing_type,
        auth="none",
        methods=["POST"],
        csrf=False,
        save_session=False,
        readonly=False,
        # One byte more than allowed: a longer body of unknown length is cut there without an error
        max_content_length=intake.MAX_BODY_BYTES + 1,
    )
    def report(self, token):
        """Store one report and answer 200; answer 404 for an unknown token and store nothing.

        If the addon is one of ``server_wide_modules``, Odoo calls this without a database, too:
        when the database is away, or when several are served and the request names none. Then the
        report waits on disk; a token that may not be ours is answered 503.

        :param str token: the secret in a notify URL, a call's or a company's
        :rtype: odoo.http.Response
        """
        header = request.httprequest.headers.get(SECRET_HEADER)
        raw = request.httprequest.get_data()
        intake.check_size(raw)
        known = None
        if request.db:
            try:
                known = report_store.receive(request.env.cr, token, header, raw)
                # The report is stored before Airtel gets its answer
                request.env.cr.commit()  # pylint: disable=invalid-commit
            except psycopg2.Error as error:
                known = None
                intake.log_away(error)
        answer = intake.answer(known, request.db, token, header, raw)
        if known is None:
            # A returned answer would make Odoo commit
            abort(answer)
        return answer
