import hmac
from datetime import timedelta, timezone
from hashlib import sha256

import psycopg2.errors

from odoo import api, fields, models
from odoo.tools import SQL

from ..ccp import callback

MATCH_BATCH = 500
MATCH_PERIOD = timedelta(days=1)


def digest(secret):
    """Return the SHA-256 of a secret, so that the secret itself needs no storing.

    :param str secret: a token or header value
    :return: 64 hexadecimal digits
    :rtype: str
    """
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class CcpCallEvent(models.Model):
    """A report: anything that Airtel posted about a call, kept as it came."""

    _name = "ccp.call.event"
    _description = "Airtel Report"
    _order = "received_at, id"
    _rec_name = "kind"

    call_id = fields.Many2one("ccp.call", readonly=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(
        "res.company",
        readonly=True,
        ondelete="cascade",
        help="Whose notify URL the report came to, when it did not come to that of a call.",
    )
    kind = fields.Selection(
        [
            ("event", "Event"),
            ("api_result", "API result"),
            ("cdr", "Call data record"),
            ("unreadable", "Unreadable"),
        ],
        readonly=True,
        required=True,
    )
    payload = fields.Text("As received", readonly=True, groups="base.group_system")
    fingerprint = fields.Char(readonly=True, required=True, groups="base.group_system")
    received_at = fields.Datetime("Received", readonly=True, required=True)
    folded = fields.Boolean("Taken into account", readonly=True)

    _call_fingerprint_uniq = models.UniqueIndex("(call_id, fingerprint)")
    _company_fingerprint_uniq = models.UniqueIndex(
        "(company_id, fingerprint) WHERE call_id IS NULL"
    )
    _pending_idx = models.Index("(call_id) WHERE folded IS NOT TRUE")

    def _parsed(self):
        """Return these reports as the protocol core reads them.

        :rtype: list
        """
        return [
            callback.parse(event.payload or "", event.received_at.replace(tzinfo=timezone.utc))
            for event in self.sudo()
        ]

    @api.model
    def _receive(self, token, header, raw):
        """Store one report: two statements, no ORM, no lock on the call.

        A repeat is no error and makes no second row, so it may be sent any number of times.

        :param str token: the last part of the notify URL
        :param str | None header: the secret header that came along
        :param bytes raw: the body as received
        :return: whether token and header belong to a call or company; False stores nothing
        :rtype: bool
        """
        call_id = self._find_call(token, header)
        company_id = None if call_id else self._find_company(token)
        if not call_id and not company_id:
            return False
        kind, fingerprint = callback.kind_and_fingerprint(raw)
        try:
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO ccp_call_event
                           (call_id, company_id, kind, payload, fingerprint, received_at)
                    VALUES (%s, %s, %s, %s, %s, now() AT TIME ZONE 'UTC')
                    """,
                    call_id,
                    company_id,
                    kind,
                    callback.to_text(raw),
                    fingerprint,
                ),
                log_exceptions=False,
            )
        except psycopg2.errors.UniqueViolation:
            self.env.cr.rollback()
        return True

    @api.model
    def _find_call(self, token, header):
        """Return the id of the call that a token and secret header belong to, or None."""
        self.env.cr.execute(
            SQL(
                """
                SELECT call.id, call.header_digest, company.ccp_require_header
                  FROM ccp_call call
                  JOIN res_company company ON company.id = call.company_id
                 WHERE call.token_digest = %s
                """,
                digest(token),
            )
        )
        found = self.env.cr.fetchone()
        if not found:
            return None
        call_id, header_digest, require_header = found
        if header is None:
            return None if require_header else call_id
        return call_id if hmac.compare_digest(digest(header), header_digest or "") else None

    @api.model
    def _find_company(self, token):
        """Return the id of the company whose own notify URL ends in a token, or None.

        Such a URL is set at Airtel, where no secret header can be asked for.
        """
        self.env.cr.execute(
            "SELECT id, ccp_webhook_token, ccp_old_tokens FROM res_company"
            " WHERE ccp_webhook_token IS NOT NULL AND ccp_require_header IS NOT TRUE"
        )
        now = fields.Datetime.to_string(fields.Datetime.now())
        for company_id, own_token, old_tokens in self.env.cr.fetchall():
            accepted = [each for each, until in (old_tokens or {}).items() if until > now]
            for each in (digest(own_token), *accepted):
                if hmac.compare_digest(digest(token), each):
                    return company_id
        return None

    @api.model
    def _match(self):
        """Give reports that came to a company's own notify URL to the calls they are about.

        A report names its call by Airtel's correlation id or session id. One that names none that
        we know waits: the answer or a report with that id may still come.

        :return: the reports that found their call
        :rtype: odoo.models.BaseModel
        """
        waiting = self.search([("call_id", "=", False), ("folded", "=", False)], limit=MATCH_BATCH)
        matched = self.browse()
        for event in waiting:
            report = event._parsed()[0]
            call = event._call_of(report)
            if not call:
                # Nothing that comes later can match a report that names no call
                names_call = report.kind != "unreadable" and (
                    report.correlation_id or report.session_id
                )
                is_old = event.received_at < fields.Datetime.now() - MATCH_PERIOD
                event.folded = is_old or not names_call
                continue
            if event.fingerprint in call.event_ids.mapped("fingerprint"):
                event.unlink()
                continue
            event.call_id = call
            matched |= event
        return matched

    def _call_of(self, report):
        """Return the call that a report names, among those of the company it came for."""
        calls = self.env["ccp.call"]
        for field_name in ("correlation_id", "session_id"):
            value = getattr(report, field_name, "")
            if value:
                calls = calls.search(
                    [("company_id", "=", self.company_id.id), (field_name, "=", value)], limit=2
                )
            if len(calls) == 1:
                return calls
        return calls.browse()

    def _forget_url(self, url):
        """Take a recording's address out of the stored reports: whoever has it can listen.

        :param str url: the address as it was received
        """
        for event in self.filtered(lambda event: event.kind == "cdr"):
            for spelling in {url, url.replace("/", "\\/")}:
                if spelling in (event.payload or ""):
                    event.payload = event.payload.replace(spelling, "")
