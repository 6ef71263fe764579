"""Stores and reads decisions on a bare cursor, as ``report_store`` does with reports."""

import json
from hashlib import sha256

from ..ccp.airtel import routing
from ..ccp.call import route
from ..ccp.safe.spool import digest
from .report_store import is_token_of

KIND = "decision"
# Further ones are not read: a caller with so many is a flood
MOST_RECENT = route.FLOOD_COUNT + 1


def find_company(cr, token):
    """Return the company whose routing URL ends in a token, and the header its requests must have.

    :param odoo.sql_db.BaseCursor cr: of the database that was asked
    :param str token: the last part of the routing URL
    :return: id, name of the secret header and its value, each None if unset; None if no company
        has the token
    :rtype: tuple | None
    """
    cr.execute(
        "SELECT id, ccp_route_token, ccp_old_route_tokens, ccp_route_header, ccp_kept_route_secret"
        " FROM res_company WHERE ccp_route_token IS NOT NULL ORDER BY id",
        log_exceptions=False,
    )
    wanted = digest(token)
    found = None
    for company_id, own, old_tokens, header, secret in cr.fetchall():
        # All are compared: the time of the answer then reveals nothing
        if is_token_of(wanted, own, old_tokens) and not found:
            found = company_id, header or None, secret or None
    return found


def caller_key(company_id, question):
    """Return the key of all decisions about one caller; "" if the caller is unknown.

    :param int company_id: the company's id
    :param airtel_ccp.ccp.airtel.routing.Question question: with each number in its place
    :rtype: str
    """
    customer = routing.customer_key(question.customer)
    return sha256(f"{company_id}:{customer}".encode()).hexdigest()[:32] if customer else ""


def recent(cr, company_id, question):
    """Return the last decisions about the caller of a question, the newest first.

    :param odoo.sql_db.BaseCursor cr: of the database that was asked
    :param int company_id: the company's id
    :param airtel_ccp.ccp.airtel.routing.Question question: with each number in its place
    :return: decisions, each with whether its call is still live
    :rtype: list[tuple[airtel_ccp.ccp.call.route.Decision, bool]]
    """
    key = caller_key(company_id, question)
    if not key:
        return []
    cr.execute(
        """
        SELECT event.payload, call.state IS NULL OR call.state <> 'ended'
          FROM ccp_call_event event
          LEFT JOIN ccp_call call ON call.id = event.call_id
         WHERE event.decision_key = %s
           AND event.received_at > now() AT TIME ZONE 'UTC' - %s * interval '1 second'
         ORDER BY event.received_at DESC, event.id DESC
         LIMIT %s
        """,
        [key, route.FLOOD_SECONDS, MOST_RECENT],
    )
    found = []
    for payload, is_open in cr.fetchall():
        try:
            found.append((route.Decision.of_dict(json.loads(payload)), is_open))
        except ValueError:
            # Its reports were erased or deleted since
            continue
    return found


def same(decisions, question, now):
    """Return the earlier decision that also answers a repeated question, or None.

    :param decisions: see ``recent``
    :param question: with each number in its place
    :param int now: milliseconds since 1970
    :rtype: airtel_ccp.ccp.call.route.Decision | None
    """
    key = route.question_key(question)
    for decision, is_open in decisions:
        if route.decided_key(decision) == key:
            is_young = now - decision.at <= route.SAME_SECONDS * 1000
            return decision if is_open and is_young else None
    return None


def is_flood(decisions, now):
    """Return whether somebody calls more often than a person can.

    :param decisions: see ``recent``
    :param int now: milliseconds since 1970
    :rtype: bool
    """
    since = now - route.FLOOD_SECONDS * 1000
    return sum(decision.at > since for decision, _open in decisions) >= route.FLOOD_COUNT


def store(cr, company_id, decision, last=None, received_at=None):
    """Store a decision like a report: in one row, from which the scheduled action makes a call.

    :param odoo.sql_db.BaseCursor cr: of the database that was asked
    :param int company_id: the company's id
    :param airtel_ccp.ccp.call.route.Decision decision: the answer to Airtel
    :param str | None last: the id of the caller's previous decision; because of it only one of
        two simultaneous decisions is stored
    :param datetime.datetime | None received_at: when it was made, naive UTC; by default now
    :raise psycopg2.errors.UniqueViolation: when it is stored already
    :raise psycopg2.Error: when storing fails
    """
    question = routing.Question(decision.customer, decision.airtel_number, decision.digit)
    key = caller_key(company_id, question)
    before = f"{route.decided_key(decision)}|{last}" if key and last is not None else decision.id
    fingerprint = sha256(f"{KIND}|{before}".encode()).hexdigest()
    cr.execute(
        """
        INSERT INTO ccp_call_event
               (company_id, kind, payload, fingerprint, decision_key, received_at)
        VALUES (%s, %s, %s, %s, %s, COALESCE(%s, now() AT TIME ZONE 'UTC'))
        """,
        [
            company_id,
            KIND,
            json.dumps(decision.as_dict()),
            fingerprint,
            key or None,
            received_at,
        ],
        log_exceptions=False,
    )


def before(decisions, now):
    """Return the id of the caller's last decision, for ``last`` of ``store``.

    :param decisions: see ``recent``
    :param int now: milliseconds since 1970
    :rtype: str
    """
    return decisions[0][0].id if decisions else str(now // (route.SAME_SECONDS * 1000))
