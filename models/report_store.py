"""Stores reports with two statements on a bare cursor, see ``receive``."""

import base64
import hmac

import psycopg2.errors

from odoo import fields

from ..ccp.airtel.reports import kind_and_fingerprint, to_text
from ..ccp.safe.spool import digest
from .ccp_call_bounds import keeps
from .utils import naive_utc


def receive(cr, token, header, raw):
    """Store one report: two statements, no ORM, no lock on the call.

    A repeat is not an error and creates no second row: a report may be sent any number of times.

    :param odoo.sql_db.BaseCursor cr: its transaction is rolled back for a repeat
    :param str token: the last part of the notify URL
    :param str | None header: the secret header of the request
    :param bytes raw: the body as received
    :return: whether token and header belong to a call or company; False stores nothing
    :rtype: bool
    :raise psycopg2.Error: when storing fails
    """
    try:
        return store(cr, digest(token), None if header is None else digest(header), raw)
    except psycopg2.errors.UniqueViolation:
        cr.rollback()
        return True


def store(cr, token_digest, header_digest, raw, received_at=None):
    """Insert one report, unless its call has reached the limit for its kind; see ``receive``.

    :param odoo.sql_db.BaseCursor cr: of the database that the report is for
    :param str token_digest: digest of the last part of the notify URL
    :param str | None header_digest: digest of the request's secret header
    :param bytes raw: the body as received
    :param datetime.datetime | None received_at: when it came, naive UTC; by default now
    :return: whether token and header belong to a call or company; False stores nothing
    :rtype: bool
    :raise psycopg2.errors.UniqueViolation: when it is stored already
    """
    call_id, bound = find_call(cr, token_digest, header_digest, received_at)
    company_id = None if call_id else find_company(cr, token_digest)
    if not call_id and not company_id:
        return False
    if bound == "full":
        # A report that is not kept need not be parsed
        return True
    kind, fingerprint = kind_and_fingerprint(raw)
    if bound and not keeps(bound, kind):
        return True
    text = to_text(raw)
    cr.execute(
        """
        INSERT INTO ccp_call_event
               (call_id, company_id, kind, payload, raw_payload, fingerprint, matched_by,
                received_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, COALESCE(%s, now() AT TIME ZONE 'UTC'))
        """,
        [
            call_id,
            company_id,
            kind,
            text,
            None if text.encode() == raw else base64.b64encode(raw),
            fingerprint,
            "token" if call_id else None,
            received_at,
        ],
        log_exceptions=False,
    )
    return True


def is_known(cr, report):
    """Return whether a report on disk is for a call or company of this database.

    :param odoo.sql_db.BaseCursor cr: of the database
    :param airtel_ccp.ccp.safe.spool.Spooled report: the file's content
    :rtype: bool
    """
    moment = naive_utc(report.received_at)
    call_id, _bound = find_call(cr, report.token_digest, report.header_digest, moment)
    return bool(call_id or find_company(cr, report.token_digest))


def find_call(cr, token_digest, header_digest, moment=None):
    """Return the call that a token and secret header belong to, unless the token has expired.

    :param odoo.sql_db.BaseCursor cr: of the database that the report is for
    :param str token_digest: digest of the last part of the notify URL
    :param str | None header_digest: digest of the request's secret header
    :param datetime.datetime | None moment: when a report came, naive UTC; by default now
    :return: the call's id and its ``report_bound``, each None without one
    :rtype: tuple
    """
    cr.execute(
        "SELECT * FROM ccp_call_of_token(%s, COALESCE(%s, now() AT TIME ZONE 'UTC'))",
        [token_digest, moment],
        log_exceptions=False,
    )
    found = cr.fetchone()
    if not found:
        return None, None
    call_id, wanted, require_header, bound = found
    if header_digest is None:
        return (None, None) if require_header else (call_id, bound)
    is_right = hmac.compare_digest(header_digest, wanted or "")
    return (call_id, bound) if is_right else (None, None)


def find_company(cr, token_digest):
    """Return the id of the company whose own notify URL ends in a token, or None.

    Such a URL is configured at Airtel, which sends no secret header to it.

    :param odoo.sql_db.BaseCursor cr: of the database that the report is for
    :param str token_digest: digest of the last part of the notify URL
    :rtype: int | None
    """
    cr.execute(
        "SELECT id, ccp_webhook_token, ccp_old_tokens FROM res_company"
        " WHERE ccp_webhook_token IS NOT NULL AND ccp_require_header IS NOT TRUE",
        log_exceptions=False,
    )
    found = None
    for company_id, own_token, old_tokens in cr.fetchall():
        # All are compared: the time of the answer then reveals nothing
        if is_token_of(token_digest, own_token, old_tokens) and not found:
            found = company_id
    return found


def is_token_of(token_digest, own_token, old_tokens):
    """Return whether a token is a company's present one, or an old one that is still valid.

    :param str token_digest: digest of the request's token
    :param str own_token: the company's
    :param dict | None old_tokens: see ``still_valid``
    :rtype: bool
    """
    accepted = [digest(own_token), *still_valid(old_tokens)]
    return bool(sum(hmac.compare_digest(token_digest, each) for each in accepted))


def still_valid(old_tokens):
    """Return a company's old tokens that are still valid.

    :param dict | None old_tokens: by digest: the end of its validity in UTC, in Odoo's format
    :rtype: dict[str, str]
    """
    now = fields.Datetime.to_string(fields.Datetime.now())
    return {each: until for each, until in (old_tokens or {}).items() if until > now}
