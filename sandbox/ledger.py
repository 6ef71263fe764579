"""What the sandbox remembers for tests and tools: every POST and every report it posted."""

import collections
import copy
import threading
import time

from .reports import time_text

MOST_ENTRIES = 5000


def now_text():
    """Return the present time as the specification writes times."""
    return time_text(time.time_ns() // 1_000_000)


class Entry:
    """One POST, accepted or refused; its fields are described in ``Ledger.entries``."""

    def __init__(self, lock, path):
        self._lock = lock
        self._fields = {
            "correlationId": None,
            "sessionId": None,
            "status": None,
            "errorCode": None,
            "reason": None,
            "remarks": [],
            "receivedAt": now_text(),
            "path": path,
            "body": None,
            "script": None,
            "dialect": None,
            "finished": True,
            "callbacks": [],
        }

    def set(self, **fields):
        """Change fields; the names are those of ``Ledger.entries``."""
        with self._lock:
            self._fields.update(fields)

    def add_callback(self, **fields):
        """Note one attempt to post a report; its time is now."""
        with self._lock:
            self._fields["callbacks"].append({**fields, "time": now_text()})

    def get(self, name):
        """Return one field."""
        with self._lock:
            return self._fields[name]

    def copy(self):
        """Return all fields, detached from the ledger."""
        with self._lock:
            return copy.deepcopy(self._fields)


class Ledger:
    """A thread-safe list of entries, the oldest of which are dropped beyond MOST_ENTRIES."""

    def __init__(self):
        self._lock = threading.RLock()
        self._entries = collections.deque(maxlen=MOST_ENTRIES)

    def open(self, path):
        """Begin the entry of a POST that has just been received at a path."""
        entry = Entry(self._lock, path)
        with self._lock:
            self._entries.append(entry)
        return entry

    def entries(self):
        """Return every entry as a dict, oldest first.

        Its keys: ``correlationId``, ``sessionId`` (None unless the call was accepted), ``status``
        (None while, or where, nothing is answered), ``errorCode`` (the specification's), ``reason``
        and ``remarks`` (plain words), ``receivedAt`` (UTC), ``path``, ``body`` (JSON, or text where
        it is none), ``script``, ``dialect`` (of the CDR), ``finished`` (False while reports are
        still to come) and ``callbacks``: one dict per attempt with ``url``, ``eventType`` (of the
        callBackURLs entry), ``kind`` (event, api_result, cdr), ``name`` (such as ``CALL Ringing``),
        ``status`` (None where there was no answer), ``error``, ``attempt`` (from 1), ``time``.
        """
        with self._lock:
            return [entry.copy() for entry in self._entries]

    def clear(self):
        """Forget every entry; calls that are under way go on unseen."""
        with self._lock:
            self._entries.clear()
