"""Points at which the fault suite lets a process of Odoo fail; see ``devtools/chaos/``.

Loaded as one of ``server_wide_modules`` and installed nowhere. What fails, and how often, stands in
a file that the fault suite writes while the server runs; each failure is noted in another one.
"""

import contextlib
import errno
import functools
import json
import os
import random
import signal
from datetime import timedelta
from pathlib import Path

import psycopg2

from odoo import fields
from odoo.service import server
from odoo.sql_db import Cursor

from odoo.addons.airtel_ccp.ccp.airtel.client import Client
from odoo.addons.airtel_ccp.controllers import intake
from odoo.addons.airtel_ccp.models import report_store
from odoo.addons.airtel_ccp.models.ccp_call_answer import CcpCall as CcpCallAnswer
from odoo.addons.airtel_ccp.models.ccp_call_dial import CcpCall as CcpCallDial
from odoo.addons.airtel_ccp.models.ccp_call_fetch import CcpCall as CcpCallFetch
from odoo.addons.airtel_ccp.models.ccp_call_fold import CcpCall as CcpCallFold
from odoo.addons.airtel_ccp.models.ccp_call_notify import CcpCall as CcpCallNotify
from odoo.addons.airtel_ccp.models.ccp_call_event_spool import CcpCallEvent as SpooledReports
from odoo.addons.base.models.ir_attachment import IrAttachment

POISON = "chaos-poison"
# The share of reports that Odoo's own route takes
ROUTED = 0.3
_folder = Path(os.environ["CHAOS_FOLDER"])


def _control():
    return json.loads((_folder / "control.json").read_text())


def _note(name):
    with open(_folder / "hits.log", "a", encoding="utf-8") as file:
        file.write(f"{name}\n")


def _die_here(name):
    # Not random's own generator, which all workers inherit in the same state
    if random.SystemRandom().random() < _control()["kill"].get(name, 0):
        _note(f"killed: {name}")
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

    # Otherwise PostgreSQL's clock says whether a token has ended
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


def _fail_to_notify():
    original = CcpCallNotify._notify_agents

    def notify_agents(calls, *args, **kwargs):
        if _control()["notify"]:
            _note("notifying that failed")
            raise ValueError("chaos-notify")
        return original(calls, *args, **kwargs)

    CcpCallNotify._notify_agents = notify_agents


def _fail_in_the_database():
    """Raise what psycopg2 raises for errors without a class of their own; the connection lives."""
    original = Cursor.execute

    def execute(cr, query, *args, **kwargs):
        if "ccp_call" in str(query):
            share = _control()["database"]
            if share and random.SystemRandom().random() < share:
                _note("database error of the base class")
                with contextlib.suppress(psycopg2.Error):
                    cr._obj.execute("SELECT 1 / 0")
                raise psycopg2.DatabaseError("chaos-database")
        return original(cr, query, *args, **kwargs)

    Cursor.execute = execute


def _take_both_ways():
    """Leave a share of the reports to Odoo's own route."""
    original = intake.take

    def take(environ):
        if random.SystemRandom().random() < ROUTED:
            return None
        return original(environ)

    intake.take = take


def _press_time():
    # Workers look for scheduled actions each second instead of each minute
    server.SLEEP_INTERVAL = 1


_wrap(CcpCallDial, "_reserve", before="click, before its row", after="click, after its row")
_wrap(Client, "execute", after="click, after the POST")
_wrap(CcpCallAnswer, "_accept", after="click, after the answer")
_wrap(CcpCallAnswer, "_settle", after="click, after the answer")
_wrap(CcpCallAnswer, "_notify_accepted", before="click, before its card")
_wrap(report_store, "store", before="report, before its INSERT", after="report, after its INSERT")
_wrap(intake.waker, "wake", before="report, after its COMMIT")
_wrap(CcpCallFold, "_fold", before="fold, before its writes", after="fold, before its COMMIT")
_wrap(
    CcpCallFetch,
    "_store_recording",
    before="download, before it is kept",
    after="download, before COMMIT",
)
_wrap(SpooledReports, "_replay_one", before="replay", after="replay, before COMMIT")
_fill_disk()
_move_clock()
_choke_on_poison()
_fail_to_notify()
_fail_in_the_database()
_take_both_ways()
_press_time()
