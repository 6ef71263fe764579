"""Where reports enter: before Odoo's own request begins, see ``install``.

A route costs a session, a check of the registry, routing and an environment. A report needs none of
them: its token says whose it is, and it is one row. What Odoo does for a request and this does not
is listed in ``docs/developer.md``.
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
# Lets a proxy distinguish our 404 (unknown token) from Odoo's (no database)
UNKNOWN = {"X-Airtel-Ccp": "unknown"}
PATH = re.compile(r"/airtel_ccp/webhook/([\w=-]+)", re.ASCII)
# What a dump of all threads says that this one does
SHOWN_PATH = "/airtel_ccp/webhook/***"
HEADER = "HTTP_" + SECRET_HEADER.upper().replace("-", "_")
MODEL = "ccp.call.event"
# The tables are not those that this process knows: another one updates or uninstalls the addon
CHANGED = (
    psycopg2.errors.UndefinedColumn,
    psycopg2.errors.UndefinedFunction,
    psycopg2.errors.UndefinedTable,
)

waker = wakeup.Waker()
# What takes further requests before Odoo's own begins: each is like ``take``
others = []
_proxied = http.ProxyFix(lambda _environ, _start_response: [])


def install():
    """Have Odoo's WSGI application hand reports to ``take`` first, in each server of this process.

    Servers hold the application itself and look ``__call__`` up on its class, so this holds for
    those that run already.
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
    """Store the report that a request brings (specification 3), without Odoo's own request.

    What is unusual is left to the route: another method or path, a session, a database that this
    process has not loaded, or in which the addon's tables have changed.

    :param dict environ: the request, as WSGI describes it; its body can still be read if it is left
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
    """Return what this process has loaded of the database that a request is for, or None.

    :param dict environ: the request, as WSGI describes it
    :param str token: the last part of its address
    :rtype: odoo.modules.registry.Registry | None
    """
    trust_proxy(environ)
    registry = Registry.registries.get(database_of(environ, token))
    return registry if registry and registry.ready and MODEL in registry else None


def put_back(environ, raw):
    """Let the body of a request be read once more, by Odoo's own route.

    :param dict environ: the request, as WSGI describes it
    :param bytes raw: what was read of it
    """
    environ["wsgi.input"] = io.BytesIO(raw)
    environ["CONTENT_LENGTH"] = str(len(raw))
    environ.pop("HTTP_TRANSFER_ENCODING", None)


def keep(environ, token, raw):
    """Keep a report on disk that Odoo fails to take; see ``answer``.

    :param dict environ: the request, as WSGI describes it
    :param str token: the last part of its address
    :param bytes raw: its body
    :rtype: odoo.http.Response
    """
    return answer(None, None, token, environ.get(HEADER), raw, host_of(environ))


def unless_failed(odoo, environ, find, instead):
    """Let Odoo answer a request; if it fails and the token is one of ours, something else does.

    Before a route begins, Odoo asks the database who changed what, opens the session and more. If
    the database goes away in the middle of that, Odoo answers 500, or 404 as if the address did
    not exist.

    :param odoo: Odoo's own WSGI application
    :param dict environ: the request, as WSGI describes it
    :param find: returns the token of a request that may need help, see ``find_token``
    :param instead: called with the request, its token and its body; returns a WSGI application
    :return: a WSGI application, which gives the answer
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
    """Return the token that a report's address ends in, or None if a request brings no report.

    :param dict environ: the request, as WSGI describes it
    :rtype: str | None
    """
    found = environ["REQUEST_METHOD"] == "POST" and PATH.fullmatch(environ.get("PATH_INFO", ""))
    return found[1] if found else None


def trust_proxy(environ):
    """Have a request say from where and to which host it came, as Odoo does behind a proxy.

    Doing it twice changes nothing, so the request can still be left to the route.

    :param dict environ: the request, as WSGI describes it
    """
    if config["proxy_mode"] and environ.get("HTTP_X_FORWARDED_HOST"):
        _proxied(environ, None)


def database_of(environ, token):
    """Return the name of the database that a request is for, or None.

    As in Odoo's own requests, a header or the only database decides, and the filter by host. If
    there may be several, the token's signature does, unless it is that of a database that is not
    served: one that was renamed, or from which this one was copied.

    :param dict environ: the request, as WSGI describes it
    :param str token: the last part of the request's address
    :rtype: str | None
    """
    only = only_database()
    name = environ.get("HTTP_X_ODOO_DATABASE")
    host = host_of(environ)
    # With a filter, Odoo shows other databases too
    if not name and (config["dbfilter"] or not only):
        spool = find_spool(token, host)
        name = spool.folder.name if spool else only
    name = name or only
    return name if name and http.db_filter([name], host=host) else None


def only_database():
    """Return the name of the only database that the configuration names, or None.

    :rtype: str | None
    """
    return config["db_name"][0] if len(config["db_name"]) == 1 else None


def host_of(environ):
    """Return to which host a request came.

    :param dict environ: the request, as WSGI describes it
    :rtype: str
    """
    return environ.get("HTTP_HOST", "")


def find_spool(token, host):
    """Return where on disk waits what a token brings, or None if it is not one of ours.

    The folder of the database whose key signed it; or, if that is not served under this host, of
    the only one that is: it was renamed, or is a copy of the other.

    :param str token: the last part of a request's address
    :param str | None host: to which it came; None for that of Odoo's present request
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
    """Set what Odoo's log says of a request, as its application does for each.

    :param str database: the database's name
    :param str shown_path: what stands for the request's address, without its token
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

    :param dict environ: the request, as WSGI describes it
    :rtype: bytes
    :raise werkzeug.exceptions.HTTPException: if it is too large, or the sender went away
    """
    # One more, to see that a body is longer: one of unknown length is cut there silently
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

    :param psycopg2.Error error: why the database does not take it; a lost connection raises errors
        of several classes
    """
    _logger.warning("The database takes no report (%s)", name_of(error))


def answer(known, database, token, header, raw, host=None):
    """Return the answer to a report; one that the database did not take is kept on disk first.

    :param bool | None known: whether the database knows the token, and has the report by now; None
        if it takes no report
    :param str | None database: its name
    :param str token: the last part of the notify URL
    :param str | None header: the secret header that came along
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
            # The database may be there: with several, Odoo does not know whose report it is
            database = spool.folder.name
        if known or spool:
            waker.wake(database)
            return http.Response(ACCEPTED, content_type=JSON)
    except OSError as error:
        _logger.warning("A report cannot be kept on disk (%s)", name_of(error))
    return http.Response(status=503, headers={"Retry-After": RETRY_AFTER_SECONDS})


# Which requests need help if Odoo fails, and what helps; see ``unless_failed``
watches = [(find_token, keep)]
