"""What the sandbox stores for tests and tools: every call and every report it posted."""

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
    """One call, accepted or refused; ``Ledger.open`` describes its fields."""

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
        """Return a copy of all fields."""
        with self._lock:
            return copy.deepcopy(self._fields)


class Entries:
    """A thread-safe list of entries with a maximum length; the oldest ones are dropped."""

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
        """Delete every entry; calls in progress continue unseen."""
        with self._lock:
            self._entries.clear()


class Ledger(Entries):
    """The POSTs that were received."""

    def __init__(self):
        super().__init__(MOST_ENTRIES)

    def open(self, path):
        """Begin the entry of a POST that was just received.

        Its fields: ``correlationId``, ``sessionId`` (None unless the call was accepted), ``status``
        (None without an answer), ``errorCode`` (the specification's), ``reason`` and ``remarks``
        (plain words), ``receivedAt`` (UTC), ``path``, ``body`` (JSON, or text if it is not JSON),
        ``script``, ``dialect`` (of the CDR), ``finished`` (False while further reports will come)
        and ``callbacks``: one dict per attempt with ``url``, ``eventType`` (of the callBackURLs
        entry), ``kind`` (event, api_result, cdr), ``name`` (such as ``CALL Ringing``), ``status``
        (None without an answer), ``error``, ``attempt`` (from 1), ``time``.
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
        """Begin the entry of a call that just came in.

        :param fields: ``id``, ``sessionId`` (the same), ``from``, ``to``, ``digit``, ``script``,
            ``switches`` (all of them) and ``template`` (of the CDR)

        Its further fields: ``asked``: one dict for each request to the routing URL, with
        ``attempt`` (from 1), ``url``, ``method``, ``form``, ``authentication`` (without the
        secret), ``sent``, ``status`` (None without an answer), ``seconds``, ``answer`` (JSON, or
        text if it is not JSON), ``fault`` (why the answer is invalid, or None) and ``time``;
        ``rang``: the phones that ring, as dicts with ``name`` and ``number``, and after the call
        ``status`` and ``answered``; ``strategy``; ``desk`` (why Airtel's own desk rings, or None);
        ``answeredBy`` (a number or None); ``outcome`` (None until the call ended); ``remarks``
        (plain words); ``receivedAt``; ``finished``; ``callbacks`` as for a POST, each with its
        ``body``.
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
        """Return a call's entry as a dict, or None if it is not stored any more."""
        with self._lock:
            found = [entry for entry in self._entries if entry.get("id") == call_id]
            return found[0].copy() if found else None
