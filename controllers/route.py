"""Answers Airtel's question whom to put an incoming call through to, while the caller waits.

The answer comes before Odoo's own request begins, as in ``intake``. If the database is stopped or
does not answer, it comes from the table on disk.
"""

import base64
import binascii
import functools
import json
import logging
import re
import threading
from contextlib import suppress
from typing import NamedTuple

import psycopg2
from werkzeug.exceptions import HTTPException, abort

from odoo import SUPERUSER_ID, api, http
from odoo.http import request
from odoo.modules.registry import Registry
from odoo.sql_db import connection_info_for

from ..ccp.airtel import routing
from ..ccp.call import route
from ..ccp.safe.away import AwayError, Presence
from ..ccp.safe.faults import name_of
from ..models import route_disk, route_store
from ..models.spool import root
from . import intake, raw_body
from .announcing import Announcer

_logger = logging.getLogger(__name__)

PATH = re.compile(r"/airtel_ccp/route/([\w=-]+)", re.ASCII)
SHOWN_PATH = "/airtel_ccp/route/***"
METHODS = ("POST", "GET")
# The set-up's test sends it: nothing is stored, and no screen pops up
TRY_HEADER = "X-Airtel-Ccp-Try"
AUTHORIZATION = "authorization"
# How long to wait for the database while the caller hears nothing
PATIENCE_SECONDS = 0.4
PROBE_SECONDS = 2

announcer = Announcer()
_presences = {}


class Asked(NamedTuple):
    """One request of Airtel's."""

    token: str
    question: routing.Question
    value_of: object
    """Called with a header's name; returns the header's value, or None."""
    is_try: bool


class Outcome(NamedTuple):
    """The answer to a request, and what follows from it."""

    status: int
    decision: route.Decision | None = None
    company_id: int = 0
    is_new: bool = False
    """Whether the decision was stored now."""


def take(environ):
    """Answer a question of Airtel's without Odoo's own request.

    Unusual requests are left to the route, see ``intake.take``.

    :param dict environ: the WSGI environment; if the request is left, its body can be read again
    :return: the answer, a WSGI application; None if the request is left to the route
    """
    token = find_token(environ)
    if not token or environ.get("SCRIPT_NAME") or "session_id=" in environ.get("HTTP_COOKIE", ""):
        return None
    registry = intake.registry_of(environ, token)
    database = registry.db_name if registry else unloaded_database(environ, token)
    if not database:
        return None
    intake.begin_request(database, SHOWN_PATH)
    try:
        raw = intake.read_body(environ) if environ["REQUEST_METHOD"] == "POST" else b""
    except HTTPException as error:
        return error
    asked = asked_in(environ, token, raw)
    presence = presence_of(database)
    try:
        if not registry:
            # The process may have just started: Odoo itself would wait for minutes
            presence.ask(lambda _turn: _probe(database), is_away)
            intake.put_back(environ, raw)
            return None
        outcome = presence.ask(functools.partial(in_cursor, registry, asked), is_away)
    except intake.CHANGED:
        intake.put_back(environ, raw)
        return None
    except AwayError as error:
        outcome = on_disk(asked, error)
    except Exception as error:  # noqa: BLE001 - the caller waits, whatever went wrong here
        _logger.exception("Nobody is found for an incoming call in the database")
        outcome = on_disk(asked, error)
    return respond(database, outcome)


def from_disk(environ, token, raw):
    """Answer a question at which Odoo failed.

    :param dict environ: the WSGI environment
    :param str token: the last part of the request's address
    :param bytes raw: the request's body
    :rtype: odoo.http.Response
    """
    return respond(None, on_disk(asked_in(environ, token, raw), "Odoo failed"))


def find_token(environ):
    """Return the token at the end of a routing URL, None for other requests.

    :param dict environ: the WSGI environment
    :rtype: str | None
    """
    is_asked = environ["REQUEST_METHOD"] in METHODS
    found = is_asked and PATH.fullmatch(environ.get("PATH_INFO", ""))
    return found[1] if found else None


def asked_in(environ, token, raw):
    """Return the question in a request.

    :param dict environ: the WSGI environment
    :param str token: the last part of the request's address
    :param bytes raw: the request's body
    :rtype: Asked
    """

    def value_of(name):
        return environ.get("HTTP_" + name.upper().replace("-", "_"))

    query, content_type = environ.get("QUERY_STRING", ""), environ.get("CONTENT_TYPE")
    return read(token, query, raw, content_type, value_of)


def unloaded_database(environ, token):
    """Return the database of one of our tokens if this process has not loaded it yet; else None.

    :param dict environ: the WSGI environment
    :param str token: the last part of the request's address
    :rtype: str | None
    """
    name = intake.database_of(environ, token)
    is_unloaded = name and name not in Registry.registries
    spool = intake.find_spool(token, intake.host_of(environ)) if is_unloaded else None
    return name if spool and spool.folder.name == name else None


def read(token, query, raw, content_type, value_of):
    """Return the question in the parts of a request.

    :param str token: the last part of the address
    :param str query: the query of the address
    :param bytes raw: the body
    :param str | None content_type: the Content-Type header
    :param value_of: called with a header's name; returns the header's value, or None
    :rtype: Asked
    """

    def secret_of(name):
        value = value_of(name)
        return _of_basic(value) if value and name.lower() == AUTHORIZATION else value

    question = routing.read(query, raw, content_type or "")
    return Asked(token, question, secret_of, bool(value_of(TRY_HEADER)))


def _of_basic(value):
    """Return an HTTP Basic header as ``user:password``; any other value unchanged."""
    kind, _blank, encoded = value.partition(" ")
    if kind.lower() != "basic":
        return value
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def presence_of(database):
    """Return what this process knows about whether a database answers.

    :param str database: its name
    :rtype: airtel_ccp.ccp.safe.away.Presence
    """
    if database not in _presences:
        probe = functools.partial(_probe, database)
        _presences[database] = Presence(probe, PATIENCE_SECONDS)
    return _presences[database]


def _probe(database):
    """Return if a database answers, on a new connection, because open ones may hang.

    :raise psycopg2.Error: if it does not
    """
    _name, info = connection_info_for(database)
    limits = {
        "connect_timeout": PROBE_SECONDS,
        "tcp_user_timeout": 1000 * PROBE_SECONDS,
        "options": f"-c statement_timeout={1000 * PROBE_SECONDS}",
    }
    connection = psycopg2.connect(**{**info, **limits})
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()


def is_away(error):
    """Return whether an error means that the database is away or overloaded.

    psycopg2 raises errors of several classes, see ``contention.is_gone``.

    :rtype: bool
    """
    return isinstance(error, psycopg2.Error) and not isinstance(error, intake.CHANGED)


def in_cursor(registry, asked, turn):
    """Answer a question in a transaction of its own.

    :param odoo.modules.registry.Registry registry: of the database
    :param Asked asked: the question
    :param airtel_ccp.ccp.safe.away.Turn turn: whether somebody still waits for the answer
    :rtype: Outcome
    """
    threading.current_thread().dbname = registry.db_name
    with registry.cursor() as cr:
        return in_database(cr, asked, turn.take)


def in_database(cr, asked, is_waited_for=lambda: True):
    """Answer a question from the database, then store the decision and commit.

    :param odoo.sql_db.BaseCursor cr: its transaction is committed, or rolled back
    :param Asked asked: the question
    :param is_waited_for: returns whether the caller still waits; if not, nothing is stored
    :rtype: Outcome
    """
    found = route_store.find_company(cr, asked.token)
    if not found:
        return Outcome(404)
    company_id, header, secret = found
    if header and not route_disk.is_right(secret, asked.value_of(header)):
        route_disk.note_refusal(root() / cr.dbname, company_id)
        return Outcome(403)
    routed = _route(cr, company_id, asked)
    decision = routed.decision
    if not decision:
        return Outcome(404)
    if not routed.is_new or asked.is_try:
        return Outcome(200, decision, company_id)
    route_disk.remember(asked.token, company_id, header, secret, routed.stand_in)
    if not is_waited_for():
        cr.rollback()
        return Outcome(503)
    try:
        route_store.store(cr, company_id, decision, routed.last)
        # The decision is stored before Airtel gets its answer
        cr.commit()  # pylint: disable=invalid-commit
    except psycopg2.errors.UniqueViolation:
        # Of two simultaneous requests about one call, the other one's answer was stored
        cr.rollback()
        return Outcome(200, _route(cr, company_id, asked).decision or decision, company_id)
    except intake.CHANGED:
        raise
    except psycopg2.Error as error:
        _logger.warning("The database takes no decision (%s)", name_of(error))
        with suppress(psycopg2.Error):
            cr.rollback()
        route_disk.keep(root() / cr.dbname, company_id, decision)
        return Outcome(200, decision, company_id)
    return Outcome(200, decision, company_id, is_new=True)


def _route(cr, company_id, asked):
    """Decide in a new environment, see ``res.company._ccp_route``."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    env.invalidate_all(flush=False)
    company = env["res.company"].browse(company_id)
    return company._ccp_route(asked.question, is_kept=not asked.is_try)


def on_disk(asked, error):
    """Answer a question without the database.

    :param Asked asked: the question
    :param Exception error: why the database is not used
    :rtype: Outcome
    """
    _logger.info("An incoming call is put through without the database (%s)", error)
    spool = intake.find_spool(asked.token, asked.value_of("Host"))
    try:
        found = route_disk.answer(spool, asked.token, asked.value_of, asked.question)
    except Exception:  # noqa: BLE001 - whatever is on disk must not end the caller's call
        _logger.exception("The table for incoming calls on disk cannot be used")
        found = route_disk.answer(None, asked.token, asked.value_of, asked.question)
    return Outcome(found.status, found.decision)


def respond(database, outcome):
    """Return the answer to a question; what follows from the decision is done after sending.

    :param str | None database: its name
    :param Outcome outcome: the answer, and what follows from it
    :rtype: odoo.http.Response
    """
    if outcome.status == 200:
        text = json.dumps(outcome.decision.answer())
        response = http.Response(text, content_type=intake.JSON)
    elif outcome.status == 404:
        response = http.Response(status=404, headers=intake.UNKNOWN)
    elif outcome.status == 403:
        response = http.Response(status=403)
    else:
        headers = {"Retry-After": intake.RETRY_AFTER_SECONDS}
        response = http.Response(status=503, headers=headers)
    if outcome.is_new:
        intake.waker.wake(database)
        response.call_on_close(
            functools.partial(announcer.add, database, outcome.company_id, outcome.decision)
        )
    http.root.set_csp(response)
    return response


class AirtelCcpRoute(http.Controller):
    """Answers the questions that ``take`` leaves to Odoo."""

    @http.route(
        "/airtel_ccp/route/<string:token>",
        type=raw_body.RawBodyDispatcher.routing_type,
        auth="none",
        methods=["GET", "POST"],
        csrf=False,
        save_session=False,
        readonly=False,
        # One byte more than allowed: a longer body of unknown length is cut there without an error
        max_content_length=intake.MAX_BODY_BYTES + 1,
    )
    def route(self, token):
        """Answer whom an incoming call is put through to.

        An unknown token gets 404, a wrong or missing secret 403. If the addon is one of
        ``server_wide_modules``, Odoo calls this without a database, too.

        :param str token: the secret in a company's routing URL
        :rtype: odoo.http.Response
        """
        came = request.httprequest
        raw = came.get_data()
        intake.check_size(raw)
        query = came.query_string.decode(errors="replace")
        asked = read(token, query, raw, came.content_type, came.headers.get)
        if not request.db:
            # There is no transaction to commit
            return respond(None, on_disk(asked, "no database"))
        try:
            return respond(request.db, in_database(request.env.cr, asked))
        except intake.CHANGED:
            raise
        except psycopg2.Error as error:
            # A returned answer would make Odoo commit
            abort(respond(request.db, on_disk(asked, name_of(error))))


intake.others.append(take)
intake.watches.append((find_token, from_disk))
