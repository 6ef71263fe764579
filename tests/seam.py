"""Lets any call of the ORM, the database, the bus, the chatter or the disk fail, for one call."""

import contextlib
import functools
import re
import sys
from pathlib import Path
from unittest.mock import patch

import psycopg2
from psycopg2.errors import LockNotAvailable, SerializationFailure

from odoo.exceptions import AccessError, UserError
from odoo.models import BaseModel
from odoo.sql_db import Cursor

from odoo.addons.base.models.ir_attachment import IrAttachment
from odoo.addons.base.models.ir_qweb import IrQweb
from odoo.addons.bus.models.bus import BusBus
from odoo.addons.mail.models.mail_thread import MailThread

from ..ccp.safe import download
from ..ccp.safe.spool import Spool, Spooled
from ..models import ccp_call_fetch

ADDON = str(Path(__file__).parent.parent)
TESTS = str(Path(__file__).parent)
# It stands between the ORM and each search
GUARDED = f"{ADDON}/models/guarded_fields.py"
# How the ORM reads the columns of rows: that fails with the connection only
PLAIN_READ = "_fetch_query"
# Steps that may fail, because of a rule, a locked table or a full disk
POINTS = (
    (BaseModel, "create"),
    (BaseModel, "write"),
    (BaseModel, "unlink"),
    (BaseModel, "_search"),
    (Cursor, "execute"),
    (MailThread, "message_post"),
    (MailThread, "_message_create"),
    (MailThread, "_notify_thread"),
    (BusBus, "_sendone"),
    (IrQweb, "_render"),
    (IrAttachment, "_file_read"),
    (IrAttachment, "_file_write"),
    (IrAttachment, "_file_delete"),
    (Spool, "read"),
    (Spool, "remove"),
    (download, "open_recording"),
    (ccp_call_fetch, "TemporaryFile"),
)
FILES = frozenset({"Spool", "IrAttachment", "download", "ccp_call_fetch"})
# With what: a rule that refuses, a mistake, a statement that fails while the connection lives, and
# what another transaction causes
ERRORS = {
    "UserError": lambda: UserError("seam"),
    "AccessError": lambda: AccessError("seam"),
    "ValueError": lambda: ValueError("seam"),
    "MemoryError": MemoryError,
    "DatabaseError": lambda: psycopg2.DatabaseError("seam"),
    "SerializationFailure": SerializationFailure,
    "LockNotAvailable": LockNotAvailable,
    "OSError": lambda: OSError("seam"),
}
# What notes that something failed: one statement that changes one row by its id
LAST_RESORTS = frozenset(
    {"_keep_answer", "_mark_error", "_mark_notifying", "_skip_fetch", "_with_call"}
)
# These fail only with the connection, or for all records that they lock
TRANSACTION = re.compile(r"\s*(SAVEPOINT|RELEASE|ROLLBACK)\b|FOR (NO KEY )?UPDATE SKIP LOCKED")
# What the disk does not raise, and what the database does not
NOT_OF_DISK = frozenset(ERRORS) - {"ValueError", "MemoryError", "OSError"}
NOT_OF_DATABASE = frozenset({"OSError"})
NOT_OF_STATEMENTS = frozenset({"UserError", "AccessError", "OSError"})


def may_raise(point, error):
    """Return whether an error is one that a point may raise.

    :param tuple point: see ``Seam``
    :param str error: a key of ``ERRORS``
    """
    owner = point[0].partition(".")[0]
    if owner == Cursor.__name__:
        return error not in NOT_OF_STATEMENTS
    return error not in (NOT_OF_DISK if owner in FILES else NOT_OF_DATABASE)


class Seam:
    """Notes the points that are passed while something is done for one call; lets one of them fail.

    A point is a place in the addon's code from which something that may fail is called. Work for
    several calls at once is work for each of them.
    """

    # The one that is active
    now = None

    def __init__(self, ids, texts=None, number=None, error=None, is_lasting=True):
        """:param dict ids: by name of a model: the ids of the records of the call
        :param dict | None texts: texts that identify a call, and whether it is this one
        :param int | None number: which point fails, in the order in which they are passed first
        :param str | None error: a key of ``ERRORS``
        :param bool is_lasting: whether it fails each time, or once
        """
        self.points = []
        self.failures = 0
        self._ids = ids
        self._texts = texts or {}
        self._number = number
        self._error = error
        self._is_lasting = is_lasting

    def reach(self, owner, method, subject, args):
        """Note that a point is passed, and fail if it is the one."""
        frame = sys._getframe(2)
        place, is_meant = None, self._is_meant(subject)
        for argument in args:
            if is_meant is None:
                is_meant = self._is_meant(argument)
        while frame and (place is None or is_meant is None):
            code = frame.f_code
            is_ours = code.co_filename.startswith(ADDON) and code.co_filename != GUARDED
            if code.co_name == PLAIN_READ and place is None:
                return
            if code.co_filename.startswith(TESTS):
                break
            if is_ours and place is None:
                place = (code.co_filename.removeprefix(ADDON)[1:], code.co_name, frame.f_lineno)
            if is_meant is None:
                is_meant = self._is_frame_meant(frame, is_ours)
            frame = frame.f_back
        if not place or not is_meant or place[1] in LAST_RESORTS:
            return
        if method == "execute" and TRANSACTION.search(str(args[0])):
            return
        if method == "_search" and args and self._is_by_ids(args[0]):
            return
        name = getattr(subject, "_name", "")
        point = (f"{owner.__name__.rpartition('.')[2]}.{method}", name, *place)
        if point not in self.points:
            self.points.append(point)
        if self.points.index(point) != self._number:
            return
        if not may_raise(point, self._error):
            return
        if self.failures and not self._is_lasting:
            return
        self.failures += 1
        error = ERRORS[self._error]()
        if isinstance(error, psycopg2.Error):
            self._abort(subject if isinstance(subject, Cursor) else subject.env.cr)
        raise error

    @staticmethod
    def _is_by_ids(domain):
        """Return whether the ORM searches what it is to read: rows by their ids."""
        return isinstance(domain, list) and [each[:2] for each in domain] == [("id", "in")]

    @staticmethod
    def _abort(cr):
        """Have the transaction fail as it does when a statement fails."""
        # A test's cursor makes its savepoint with its first statement
        if hasattr(cr, "_check_savepoint"):
            cr._check_savepoint()
        with contextlib.suppress(psycopg2.Error):
            cr._obj.execute("SELECT 1 / 0")

    def _is_frame_meant(self, frame, is_ours):
        values = frame.f_locals
        if not is_ours:
            return self._is_meant(values.get("self"))
        code = frame.f_code
        for name in code.co_varnames[: code.co_argcount]:
            value = values.get(name)
            if name == "call_id" and isinstance(value, int):
                return value in self._ids["ccp.call"]
            found = self._is_meant(value)
            if found is not None:
                return found
        return None

    def _is_meant(self, value):
        """Return whether a value is of the call; None if it is of no call."""
        if isinstance(value, BaseModel):
            if value._name in self._ids and value._ids:
                return not self._ids[value._name].isdisjoint(value._ids)
            return None
        if isinstance(value, Spooled):
            value = value.path.name
        return self._texts.get(value) if isinstance(value, str) else None

    @contextlib.contextmanager
    def active(self):
        """Note points, and fail, as long as this lasts."""
        Seam.now = self
        try:
            yield self
        finally:
            Seam.now = None


def point(owner, method, original=None):
    """Return a function that asks the active seam first.

    :param original: what it does then; by default what the owner has by that name
    """
    original = original or getattr(owner, method)

    @functools.wraps(original)
    def wrapped(*args, **kwargs):
        if Seam.now:
            Seam.now.reach(owner, method, args[0] if args else None, args[1:])
        return original(*args, **kwargs)

    return wrapped


@contextlib.contextmanager
def installed():
    """Have all points ask the active seam, as long as this lasts."""
    with contextlib.ExitStack() as stack:
        for owner, method in POINTS:
            stack.enter_context(patch.object(owner, method, point(owner, method)))
        yield
