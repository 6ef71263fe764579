"""What the sandbox remembers for tests and tools: every call and every report it posted."""

import collections
import copy
import threading
import time

from .reports import time_text

MOST_ENTRIES = 5000
# With all that was posted, which the others leave out
MOST_INCOMING = 1000


def now_text():
    """Return the present time as the specification writes times."""
    return time_text(time.time_ns() // 1_000_000)


class Entry:
    """One call, accepted or refused; its fields are described where it is opened."""

    def __init__(self, lock, fields):
        self._lock = lock
        self._fields = {**fields, "receivedAt": now_text(), "callbacks": []}

    def set(self, **fields):
        """Change fields."""
        with self._lock:
            self._fields.update(fields)

    def add(self, name, /, **item):
        """Add something to a field that is a list; its time is now."""
        with self._lock:
            self._fields[name].append({**item, "time": now_text()})

    def get(self, name):
        """Return one field."""
        with self._lock:
            return self._fields[name]

    def copy(self):
        """Return all fields, detached from the ledger."""
        with self._lock:
            return copy.deepcopy(self._fields)


class Entries:
    """A thread-safe list of entries, the oldest of which are dropped beyond so many."""

    def __init__(self, most):
        self._lock = threading.RLock()
        self._entries = collections.deque(maxlen=most)

    def _open(self, fields):
        entry = Entry(self._lock, fields)
        with self._lock:
            self._entries.append(entry)
        return entry

    def entries(self):
        """Return every entry as a dict, oldest first."""
        with self._lock:
            return [entry.copy() for entry in self._entries]

    def clear(self):
        """Forget every entry; calls that are under way go on unseen."""
        with self._lock:
            self._entries.clear()


class Ledger(Entries):
    """The POSTs that were received."""

    def __init__(self):
        super().__init__(MOST_ENTRIES)

    def open(self, path):
        """Begin the entry of a POST that has just been received at a path.

        Its fields: ``correlationId``, ``sessionId`` (None unless the call was accepted), ``status``
        (None while, or where, nothing is answered), ``errorCode`` (the specification's), ``reason``
        and ``remarks`` (plain words), ``receivedAt`` (UTC), ``path``, ``body`` (JSON, or text where
        it is none), ``script``, ``dialect`` (of the CDR), ``finished`` (False while reports are
        still to come) and ``callbacks``: one dict per attempt with ``url``, ``eventType`` (of the
        callBackURLs entry), ``kind`` (event, api_result, cdr), ``name`` (such as ``CALL Ringing``),
        ``status`` (None where there was no answer), ``error``, ``attempt`` (from 1), ``time``.
        """
        return self._open(
            {
                "correlationId": None,
                "sessionId": None,
                "status": None,
                "errorCode": None,
                "reason": None,
                "remarks": [],
                "path": path,
                "body": None,
                "script": None,
                "dialect": None,
                "finished": True,
            }
        )


class IncomingLedger(Entries):
    """The calls that customers made to the account's Airtel numbers."""

    def __init__(self):
        super().__init__(MOST_INCOMING)

    def open(self, **fields):
        """Begin the entry of a call that has just come in.

        :param fields: ``id``, ``sessionId`` (the same), ``from``, ``to``, ``digit``, ``script``,
            ``switches`` (all of them) and ``template`` (of the CDR)

        Its further fields: ``asked``: one dict for each time the routing URL was asked, with
        ``attempt`` (from 1), ``url``, ``method``, ``form``, ``authentication`` (no secret),
        ``sent``, ``status`` (None without an answer), ``seconds``, ``answer`` (JSON, or text where
        it is none), ``fault`` (why the answer is no good, or None) and ``time``; ``rang``: whom it
        rings, as dicts with ``name`` and ``number``, and from the call's end ``status`` and
        ``answered``; ``strategy``; ``desk`` (why Airtel's own desk rings, or None); ``answeredBy``
        (a number or None); ``outcome`` (None until the call ended); ``remarks`` (plain words);
        ``receivedAt``; ``finished``; ``callbacks`` as of a POST, each with its ``body``.
        """
        return self._open(
            {
                **fields,
                "asked": [],
                "rang": [],
                "strategy": None,
                "desk": None,
                "answeredBy": None,
                "outcome": None,
                "remarks": [],
                "finished": False,
            }
        )

    def find(self, call_id):
        """Return a call's entry as a dict, or None where it isn't remembered."""
        with self._lock:
            found = [entry for entry in self._entries if entry.get("id") == call_id]
            return found[0].copy() if found else None
