"""Decisions in the database, on a bare cursor, as ``report_store`` keeps reports."""

import json
from hashlib import sha256

from ..ccp.airtel import routing
from ..ccp.call import route
from ..ccp.safe.spool import digest
from .report_store import is_token_of

KIND = "decision"
# More are not looked at: a caller with so many floods
MOST_RECENT = route.FLOOD_COUNT + 1


def find_company(cr, token):
    """Return the company whose routing URL ends in a token, and what its requests have to bring.

    :param odoo.sql_db.BaseCursor cr: of the database that was asked
    :param str token: the last part of the routing URL
    :return: id, name of the secret header and its value, each None without one; None if the token
        is nobody's
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
        # All are compared, so that the time of the answer says nothing
        if is_token_of(wanted, own, old_tokens) and not found:
            found = company_id, header or None, secret or None
    return found


def caller_key(company_id, question):
    """Return by what the decisions about one caller are found; "" if nobody knows who calls.

    :param int company_id: the company's id
    :param airtel_ccp.ccp.airtel.routing.Question question: with each number where it belongs
    :rtype: str
    """
    customer = routing.customer_key(question.customer)
    return sha256(f"{company_id}:{customer}".encode()).hexdigest()[:32] if customer else ""


def recent(cr, company_id, question):
    """Return the last decisions about the caller of a question, the newest first.

    :param odoo.sql_db.BaseCursor cr: of the database that was asked
    :param int company_id: the company's id
    :param airtel_ccp.ccp.airtel.routing.Question question: with each number where it belongs
    :return: decisions, each with whether its call still goes on
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
            # Its reports were erased or deleted meanwhile
            continue
    return found


def same(decisions, question, now):
    """Return the decision that answers a question once more, or None.

    :param decisions: see ``recent``
    :param question: with each number where it belongs
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
    """Return whether somebody calls so often that it cannot be a person.

    :param decisions: see ``recent``
    :param int now: milliseconds since 1970
    :rtype: bool
    """
    since = now - route.FLOOD_SECONDS * 1000
    return sum(decision.at > since for decision, _open in decisions) >= route.FLOOD_COUNT


def store(cr, company_id, decision, last=None, received_at=None):
    """Keep a decision as reports are kept: one row, which the scheduled action makes a call of.

    :param odoo.sql_db.BaseCursor cr: of the database that was asked
    :param int company_id: the company's id
    :param airtel_ccp.ccp.call.route.Decision decision: what Airtel was answered
    :param str | None last: the id of the caller's decision before; of two requests that are
        answered at once, only one is kept then
    :param datetime.datetime | None received_at: when it was made, naive UTC; by default now
    :raise psycopg2.errors.UniqueViolation: when it is there already
    :raise psycopg2.Error: when the database does not take it
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
    """Return what ``store`` takes as ``last``: which decision about the caller was the last one.

    :param decisions: see ``recent``
    :param int now: milliseconds since 1970
    :rtype: str
    """
    return decisions[0][0].id if decisions else str(now // (route.SAME_SECONDS * 1000))
