"""Points at which the fault suite makes a process of Odoo fail; see ``devtools/chaos/``.

It is loaded as one of ``server_wide_modules`` and never installed. The fault suite writes what
fails, and how often, into a file while the server runs; each failure is noted in another file.
"""

import contextlib
import errno
import functools
import json
import os
import random
import signal
import threading
from datetime import timedelta
from pathlib import Path

import psycopg2

from odoo import fields
from odoo.service import server
from odoo.sql_db import Cursor

from odoo.addons.airtel_ccp.ccp.airtel.client import Client
from odoo.addons.airtel_ccp.ccp.safe.decisions import Decisions
from odoo.addons.airtel_ccp.controllers import announcing, intake
from odoo.addons.airtel_ccp.controllers import route as route_controller
from odoo.addons.airtel_ccp.models import report_store, route_store
from odoo.addons.airtel_ccp.models.ccp_call_answer import CcpCall as CcpCallAnswer
from odoo.addons.airtel_ccp.models.ccp_call_dial import CcpCall as CcpCallDial
from odoo.addons.airtel_ccp.models.ccp_call_event_spool import CcpCallEvent as SpooledReports
from odoo.addons.airtel_ccp.models.ccp_call_fetch import CcpCall as CcpCallFetch
from odoo.addons.airtel_ccp.models.ccp_call_fold import CcpCall as CcpCallFold
from odoo.addons.airtel_ccp.models.ccp_call_incoming import CcpCall as CcpCallIncoming
from odoo.addons.airtel_ccp.models.ccp_call_notify import CcpCall as CcpCallNotify
from odoo.addons.base.models.ir_attachment import IrAttachment

POISON = "chaos-poison"
# The ways of a report, and the answer's header with the way and the result
INTAKE, ROUTE = "intake", "route"
CAME = "X-Chaos-Came"
INSERT = "INSERT INTO ccp_call_event"
# The probability at a point where no process has died yet, so that each point is hit
AT_FIRST = 0.1
_folder = Path(os.environ["CHAOS_FOLDER"])
_hits = _folder / "hits.log"


class _Request(threading.local):
    """The request of a thread: which way its report came, and whether it is a new row."""

    way = None
    is_new = False


_request = _Request()


def _control():
    return json.loads((_folder / "control.json").read_text())


def _note(name):
    with open(_hits, "a", encoding="utf-8") as file:
        file.write(f"{name}\n")


def _die_here(name):
    share = _control()["kill"].get(name)
    if not share:
        return
    hit = f"killed: {name}"
    if not _hits.exists() or hit not in _hits.read_text(encoding="utf-8").split("\n"):
        share = AT_FIRST
    # Not random's own generator, whose state all workers inherit
    if random.SystemRandom().random() < share:
        _note(hit)
        os.kill(os.getpid(), signal.SIGKILL)


def _wrap(owner, method, before=None, after=None):
    original = getattr(owner, method)

    @functools.wraps(original)
    def wrapped(*args, **kwargs):
        if before:
            _die_here(before)
        result = original(*args, **kwargs)
        if after:
            _die_here(after)
        return result

    setattr(owner, method, wrapped)


def _fill_disk():
    original = IrAttachment._file_write

    def file_write(self, *args, **kwargs):
        if _control()["full"]:
            _note("recording that found no room")
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(self, *args, **kwargs)

    IrAttachment._file_write = file_write


def _move_clock():
    original = fields.Datetime.now

    def now(*args):
        return original(*args) + timedelta(seconds=_control()["clock"])

    fields.Datetime.now = staticmethod(now)
    find_call = report_store.find_call

    # Otherwise PostgreSQL's clock decides whether a token has expired
    def find_call_then(cr, token_digest, header_digest, moment=None):
        return find_call(cr, token_digest, header_digest, moment or fields.Datetime.now())

    report_store.find_call = find_call_then


def _choke_on_poison():
    original = CcpCallFold._timeline

    def timeline(call, reports=None):
        if _control()["poison"] and any(POISON in (each.payload or "") for each in call.event_ids):
            _note("fold that met a poison report")
            raise ValueError(POISON)
        return original(call, reports)

    CcpCallFold._timeline = timeline


class ChaosNotifyError(ValueError):
    """An injected error in notifying; its class name shows in logs where it comes from."""


class ChaosDatabaseError(psycopg2.DatabaseError):
    """An injected error of a statement."""


def _fail_to_notify():
    original = CcpCallNotify._notify_agents

    def notify_agents(calls, *args, **kwargs):
        if _control()["notify"]:
            _note("notifying that failed")
            raise ChaosNotifyError
        return original(calls, *args, **kwargs)

    CcpCallNotify._notify_agents = notify_agents


def _fail_in_the_database():
    """Raise psycopg2's error without a class of its own; the connection stays alive."""
    original = Cursor.execute

    def execute(cr, query, *args, **kwargs):
        if "ccp_call" in str(query):
            share = _control()["database"]
            if share and random.SystemRandom().random() < share:
                _note("database error of the base class")
                with contextlib.suppress(psycopg2.Error):
                    cr._obj.execute("SELECT 1 / 0")
                raise ChaosDatabaseError
        return original(cr, query, *args, **kwargs)

    Cursor.execute = execute


def _mark_ways():
    """Note which way a report comes: the route's, if the intake leaves it."""
    take, receive = intake.take, report_store.receive

    @functools.wraps(take)
    def marked_take(environ):
        _request.way, _request.is_new = INTAKE, False
        try:
            return take(environ)
        finally:
            _request.way = None

    @functools.wraps(receive)
    def marked_receive(*args):
        if _request.way:
            return receive(*args)
        _request.way, _request.is_new = ROUTE, False
        try:
            return receive(*args)
        finally:
            _request.way = None

    intake.take = marked_take
    report_store.receive = marked_receive


def _die_around_the_insert():
    """Die before or after the INSERT of a report; those from disk have points of their own."""
    original = Cursor.execute

    def execute(cr, query, *args, **kwargs):
        if not _request.way or INSERT not in str(query):
            return original(cr, query, *args, **kwargs)
        _die_here(f"{_request.way}, before its INSERT")
        result = original(cr, query, *args, **kwargs)
        _request.is_new = True
        _die_here(f"{_request.way}, after its INSERT")
        return result

    Cursor.execute = execute


def _die_before_the_answer():
    """Die after the report is durable; otherwise report to the fault suite which way it came."""
    original = intake.answer

    def answer(known, *args):
        # The route answers after the model has taken the report
        way = _request.way or ROUTE
        is_new = bool(known and _request.is_new)
        if is_new:
            _die_here(f"{way}, after its COMMIT")
        elif known is None:
            _die_here(f"{way}, before its file")
        response = original(known, *args)
        if known is None and response.status_code == 200:
            _die_here(f"{way}, after its file")
        done = "kept on disk" if known is None else "stored" if is_new else "no new row"
        response.headers[CAME] = f"{way}, {done}"
        return response

    intake.answer = answer


def _press_time():
    # Workers check for scheduled actions each second instead of each minute
    server.SLEEP_INTERVAL = 1


_wrap(CcpCallDial, "_reserve", before="click, before its row", after="click, after its row")
_wrap(Client, "execute", after="click, after the POST")
_wrap(CcpCallAnswer, "_accept", after="click, after the answer")
_wrap(CcpCallAnswer, "_settle", after="click, after the answer")
_wrap(CcpCallAnswer, "_notify_accepted", before="click, before its card")
_wrap(CcpCallFold, "_fold", before="fold, before its writes", after="fold, before its COMMIT")
_wrap(
    CcpCallFetch,
    "_store_recording",
    before="download, before it is kept",
    after="download, before COMMIT",
)
_wrap(SpooledReports, "_replay_one", before="replay", after="replay, before COMMIT")
_wrap(
    route_store,
    "store",
    before="question, before its decision",
    after="question, before its COMMIT",
)
_wrap(route_controller, "respond", before="question, before its answer")
_wrap(Decisions, "keep", before="question, before its file", after="question, after its file")
_wrap(
    CcpCallIncoming,
    "_make_incoming",
    before="incoming call, before its row",
    after="incoming call, after its row",
)
_wrap(announcing, "announce", before="incoming call, before it is announced")
_fill_disk()
_move_clock()
_choke_on_poison()
_fail_to_notify()
_fail_in_the_database()
_mark_ways()
_die_around_the_insert()
_die_before_the_answer()
_press_time()
