"""Takes reports before Odoo's own request begins, see ``install``.

A route costs a session, a check of the registry, routing and an environment. A report needs none of
them: its token identifies its call, and it becomes one row. ``docs/developer.md`` lists what Odoo
does for a request and this module does not.
"""

import functools
import io
import json
import logging
import re
import threading

import psycopg2
import psycopg2.errors
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from odoo import http
from odoo.modules.registry import Registry
from odoo.tools import config, real_time

from ..ccp.safe.faults import name_of
from ..ccp.safe.spool import Spool, find_owner
from ..models import report_store
from ..models.ccp_dialer import SECRET_HEADER
from ..models.spool import root
from . import wakeup
from .kept_cursor import in_transaction

_logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024
RETRY_AFTER_SECONDS = 30
ACCEPTED = json.dumps({"status": "ok"})
JSON = "application/json; charset=utf-8"
# Lets a proxy tell this 404 (unknown token) from Odoo's (no database)
UNKNOWN = {"X-Airtel-Ccp": "unknown"}
PATH = re.compile(r"/airtel_ccp/webhook/([\w=-]+)", re.ASCII)
# The address that a dump of all threads shows for this one
SHOWN_PATH = "/airtel_ccp/webhook/***"
HEADER = "HTTP_" + SECRET_HEADER.upper().replace("-", "_")
MODEL = "ccp.call.event"
# The tables changed since this process started: another one updates or uninstalls the addon
CHANGED = (
    psycopg2.errors.UndefinedColumn,
    psycopg2.errors.UndefinedFunction,
    psycopg2.errors.UndefinedTable,
)

waker = wakeup.Waker()
# Further functions like ``take``, called before Odoo's own request begins
others = []
_proxied = http.ProxyFix(lambda _environ, _start_response: [])


def install():
    """Have Odoo's WSGI application call ``take`` first, in each server of this process.

    Servers hold the application object and look ``__call__`` up on its class, so this also works
    for servers that run already.
    """
    ordinary = http.Application.__call__
    if hasattr(ordinary, "airtel_ccp_take"):
        return

    @functools.wraps(ordinary)
    def call(application, environ, start_response):
        answer = take(environ)
        for other in others:
            answer = answer or other(environ)
        if answer is None:
            answer = functools.partial(ordinary, application)
            for find, instead in watches:
                answer = unless_failed(answer, environ, find, instead)
        return answer(environ, start_response)

    call.airtel_ccp_take = take
    http.Application.__call__ = call


def take(environ):
    """Store the report in a request (specification 3), without Odoo's own request.

    Unusual requests are left to the route: another method or path, a session, a database that this
    process has not loaded, or one in which the addon's tables have changed.

    :param dict environ: the WSGI environment; if the request is left, its body can be read again
    :return: the answer, a WSGI application; None if the request is left to the route
    """
    token = find_token(environ)
    if not token or environ.get("SCRIPT_NAME") or "session_id=" in environ.get("HTTP_COOKIE", ""):
        return None
    registry = registry_of(environ, token)
    if registry is None:
        return None
    begin_request(registry.db_name)
    try:
        raw = read_body(environ)
    except HTTPException as error:
        return error
    header = environ.get(HEADER)
    try:
        known = in_transaction(registry, lambda cr: report_store.receive(cr, token, header, raw))
    except CHANGED:
        put_back(environ, raw)
        return None
    except psycopg2.Error as error:
        log_away(error)
        known = None
    return answer(known, registry.db_name, token, header, raw, host_of(environ))


def registry_of(environ, token):
    """Return the registry of a request's database, None if this process has not loaded it.

    :param dict environ: the WSGI environment
    :param str token: the last part of the request's address
    :rtype: odoo.modules.registry.Registry | None
    """
    trust_proxy(environ)
    registry = Registry.registries.get(database_of(environ, token))
    return registry if registry and registry.ready and MODEL in registry else None


def put_back(environ, raw):
    """Make the body of a request readable again, for Odoo's own route.

    :param dict environ: the WSGI environment
    :param bytes raw: the part that was read
    """
    environ["wsgi.input"] = io.BytesIO(raw)
    environ["CONTENT_LENGTH"] = str(len(raw))
    environ.pop("HTTP_TRANSFER_ENCODING", None)


def keep(environ, token, raw):
    """Keep a report on disk that Odoo fails to take; see ``answer``.

    :param dict environ: the WSGI environment
    :param str token: the last part of the request's address
    :param bytes raw: the request's body
    :rtype: odoo.http.Response
    """
    return answer(None, None, token, environ.get(HEADER), raw, host_of(environ))


def unless_failed(odoo, environ, find, instead):
    """Let Odoo answer a request; if that fails and the token is one of ours, call ``instead``.

    Before a route begins, Odoo queries the database for changes, opens the session and more. If the
    database disappears meanwhile, Odoo answers 500, or 404 as if the address did not exist.

    :param odoo: Odoo's own WSGI application
    :param dict environ: the WSGI environment
    :param find: returns the token of a request that may need help, see ``find_token``
    :param instead: called with the request, its token and its body; returns a WSGI application
    :return: a WSGI application that gives the answer
    """
    token = find(environ)
    if not token:
        return odoo
    try:
        raw = read_body(environ)
    except HTTPException as error:
        return error
    put_back(environ, raw)
    said = []
    body = odoo(environ, lambda *answered: said.append(answered))
    status, headers = said[-1][:2]
    has_failed = status[:3] == "500" or (status[:3] == "404" and not UNKNOWN.items() <= {*headers})
    if has_failed and find_owner(root(), token):
        body.close()
        _logger.warning("Odoo fails at a request of Airtel's (%s)", status)
        return instead(environ, token, raw)

    def told(_environ, start_response):
        start_response(*said[-1])
        return body

    return told


def find_token(environ):
    """Return the token at the end of a report's address, None for other requests.

    :param dict environ: the WSGI environment
    :rtype: str | None
    """
    found = environ["REQUEST_METHOD"] == "POST" and PATH.fullmatch(environ.get("PATH_INFO", ""))
    return found[1] if found else None


def trust_proxy(environ):
    """Set the sender and host of a request from a proxy's headers, as Odoo does.

    Doing it twice changes nothing, so the request can still be left to the route.

    :param dict environ: the WSGI environment
    """
    if config["proxy_mode"] and environ.get("HTTP_X_FORWARDED_HOST"):
        _proxied(environ, None)


def database_of(environ, token):
    """Return the name of a request's database, or None.

    As in Odoo's own requests, a header or the only database decides, with the filter by host. If
    several are possible, the token's signature decides, unless its database is not served because
    it was renamed or is the source of a copy.

    :param dict environ: the WSGI environment
    :param str token: the last part of the request's address
    :rtype: str | None
    """
    only = only_database()
    name = environ.get("HTTP_X_ODOO_DATABASE")
    host = host_of(environ)
    # With a filter, Odoo serves further databases, too
    if not name and (config["dbfilter"] or not only):
        spool = find_spool(token, host)
        name = spool.folder.name if spool else only
    name = name or only
    return name if name and http.db_filter([name], host=host) else None


def only_database():
    """Return the name of the configuration's only database, or None.

    :rtype: str | None
    """
    return config["db_name"][0] if len(config["db_name"]) == 1 else None


def host_of(environ):
    """Return the host to which a request came.

    :param dict environ: the WSGI environment
    :rtype: str
    """
    return environ.get("HTTP_HOST", "")


def find_spool(token, host):
    """Return the spool for a token's reports, None if the token is not one of ours.

    It is the folder of the database whose key signed the token. If this host does not serve that
    database, it is the folder of the only one it serves: it was renamed, or is a copy.

    :param str token: the last part of a request's address
    :param str | None host: the request's host; None for that of Odoo's current request
    :rtype: airtel_ccp.ccp.safe.spool.Spool | None
    """
    only = only_database()
    owner = find_owner(root(), token, only)
    if not owner or not only or owner.folder.name == only:
        return owner
    is_served = functools.partial(http.db_filter, host=host)
    is_former = is_served([only]) and not is_served([owner.folder.name])
    return Spool(root() / only) if is_former else owner


def begin_request(database, shown_path=SHOWN_PATH):
    """Set the values that Odoo's log shows of a request, as Odoo's application does.

    :param str database: the database's name
    :param str shown_path: shown instead of the request's address, which contains a token
    """
    thread = threading.current_thread()
    thread.query_count = 0
    thread.query_time = 0
    thread.perf_t0 = real_time()
    thread.cursor_mode = "rw"
    thread.dbname = database
    thread.url = shown_path
    if hasattr(thread, "uid"):
        del thread.uid
    http.thread_local.rpc_model_method = ""


def read_body(environ):
    """Return the body of a request.

    :param dict environ: the WSGI environment
    :rtype: bytes
    :raise werkzeug.exceptions.HTTPException: if it is too large, or the sender disconnected
    """
    # One byte more than allowed: a longer body of unknown length is cut there without an error
    raw = get_input_stream(environ, max_content_length=MAX_BODY_BYTES + 1).read()
    check_size(raw)
    return raw


def check_size(raw):
    """Refuse a body that is too large.

    :param bytes raw: the body as received, or its first ``MAX_BODY_BYTES + 1`` bytes
    :raise werkzeug.exceptions.RequestEntityTooLarge: if it is
    """
    if len(raw) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge


def log_away(error):
    """Log that a report goes to disk: a full disk, a lock or a lost connection must not lose it.

    :param psycopg2.Error error: why the database refuses it; a lost connection raises errors of
        several classes
    """
    _logger.warning("The database takes no report (%s)", name_of(error))


def answer(known, database, token, header, raw, host=None):
    """Return the answer to a report; a report that the database refused is stored on disk first.

    :param bool | None known: whether the database knows the token and has stored the report; None
        if it refuses reports
    :param str | None database: its name
    :param str token: the last part of the notify URL
    :param str | None header: the request's secret header
    :param bytes raw: the body as received
    :param str | None host: see ``find_spool``
    :return: 200 once the report is durable, 404 for an unknown token, 503 if it cannot be kept
    :rtype: odoo.http.Response
    """
    response = _answer(known, database, token, header, raw, host)
    http.root.set_csp(response)
    return response


def _answer(known, database, token, header, raw, host):
    if known is False:
        return http.Response(status=404, headers=UNKNOWN)
    try:
        spool = None if known else find_spool(token, host)
        if spool:
            spool.put(token, header, raw)
            # With several databases, Odoo does not know which one the report is for
            database = spool.folder.name
        if known or spool:
            waker.wake(database)
            return http.Response(ACCEPTED, content_type=JSON)
    except OSError as error:
        _logger.warning("A report cannot be kept on disk (%s)", name_of(error))
    return http.Response(status=503, headers={"Retry-After": RETRY_AFTER_SECONDS})


# Which requests need help if Odoo fails, and what helps; see ``unless_failed``
watches = [(find_token, keep)]
