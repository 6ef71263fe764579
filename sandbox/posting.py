"""Posts reports over real HTTP when they are due (section 1.9), a thread for each call."""

import functools
import heapq
import http.client
import itertools
import json
import logging
import socket
import ssl
import threading
import time
from urllib.parse import urlsplit

from . import story as stories

_logger = logging.getLogger("sandbox")

# How many call seconds after the CDR a late recording becomes available.
RECORDING_DELAY = 60.0
# Headers that the sender sets itself: another value would make the request unreadable.
OWN_HEADERS = {"content-length", "transfer-encoding", "connection", "host"}
# Of a receiver's answer only the status is used.
_MOST_READ = 64 * 1024


def asks_for(event_type, moment):
    """Return whether a callBackURLs entry subscribes to a report (section 1.9).

    ALL means all real time events and API results but not the CDR: the specification's sample has
    entries for both ALL and CDR, each with its own address.
    """
    if moment.kind == stories.CDR:
        return event_type == "CDR"
    if event_type == "ALL":
        return True
    if moment.kind == stories.API_RESULT:
        return event_type == "API"
    return event_type == moment.event_type


def open_connection(url, timeout, ssl_context):
    """Return an HTTP connection to an address's host, not opened yet.

    :param url: http or https
    :param timeout: seconds for each step of the exchange
    :param ssl_context: for https receivers
    """
    parts = urlsplit(url)
    if parts.scheme == "https":
        return http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=timeout, context=ssl_context
        )
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)


def post_report(connection, callback, payload):
    """Post one report with its entry's method and headers (section 1.9).

    :param connection: from ``open_connection``
    :param callback: validation.Callback
    :param payload: JSON object, or a list of them
    :return: the status that the receiver answered; redirects are not followed
    :raises OSError: when there is no answer
    :raises ValueError: when the host is not a possible host name
    :raises http.client.HTTPException: when the answer is not HTTP
    """
    parts = urlsplit(callback.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    given = {name.lower() for name in callback.headers}
    headers = {"Connection": "close"}
    if "content-type" not in given:
        headers["Content-Type"] = "application/json"
    headers.update(
        (name, value) for name, value in callback.headers.items() if name.lower() not in OWN_HEADERS
    )
    connection.request(callback.method, target, json.dumps(payload).encode(), headers)
    response = connection.getresponse()
    response.read(_MOST_READ)
    return response.status


def make_ssl_context(ca_file):
    """Return the context for https receivers, which also trusts the certificates in a file."""
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


def shut(sock):
    """Shut a connection down: nobody waits for its other side any more.

    :param sock: a socket, or None if nothing is connected
    """
    if sock:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            _logger.debug("A connection was closed already")


class CallThread:
    """A call that runs in a thread of its own and does each planned step when it is due.

    The steps of one call run one after another in their planned order, even at a very high speed; a
    report that isn't answered 200 is tried again while other steps go on. A subclass says what
    happens (``_begin``), what a report contains (``_payload``) and what the log calls the call and
    the report (``_label``, ``_title``); ``story`` is its Story, once there is one.

    :param session_id: names the thread
    :param entry: ledger.Entry
    :param settings: Settings
    :param stopping: threading.Event that ends the call at once
    :param ssl_context: for https receivers
    :param on_finished: called without arguments, once, when nothing is left to do
    """

    story = None

    def __init__(self, *, session_id, entry, settings, stopping, ssl_context, on_finished):
        self.entry = entry
        self.settings = settings
        self.stopping = stopping
        self.ssl_context = ssl_context
        self.on_finished = on_finished
        self.begun = threading.Event()
        self.cdr_posted_at = None
        self._began = None
        self._queue = []
        self._numbers = itertools.count()
        self._connection = None
        self._thread = threading.Thread(
            target=self._run, name=f"sandbox call {session_id}", daemon=True
        )

    def start(self):
        """Begin to ring."""
        self._thread.start()

    def end(self, timeout):
        """Cut off requests in progress and wait, at most for some seconds, until nothing runs.

        The event ``stopping`` must be set before.
        """
        shut(self._connection and self._connection.sock)
        if self._thread.ident is not None:
            self._thread.join(timeout)

    @property
    def recording_is_there(self):
        """Whether the recording is available now."""
        if self.cdr_posted_at is None or self.story.script.recording == "never":
            return False
        if self.story.script.recording == "late":
            delay = RECORDING_DELAY / self.settings.speed
            return time.monotonic() >= self.cdr_posted_at + delay
        return True

    @property
    def elapsed(self):
        """Call seconds since the call began."""
        return (time.monotonic() - self._began) * self.settings.speed

    def _begin(self):
        """Plan what happens."""
        raise NotImplementedError

    def _payload(self, moment):
        """Return the JSON of a moment's report."""
        raise NotImplementedError

    def _label(self):
        """Return the call's name in the log."""
        raise NotImplementedError

    def _title(self, moment, name):
        """Return a report's name in the log."""
        raise NotImplementedError

    def _plan(self, at, act):
        """Plan to call a function when it is due.

        :param at: call seconds since the call began
        :param act: function without arguments
        """
        heapq.heappush(self._queue, (at / self.settings.speed, next(self._numbers), act))

    def _plan_reports(self, planned, callbacks):
        """Plan to post reports to all entries that subscribe to them.

        :param planned: list of (call seconds, Moment)
        :param callbacks: list of validation.Callback
        """
        for at, moment in planned:
            for callback in callbacks:
                if asks_for(callback.event_type, moment):
                    self._plan(at, functools.partial(self._report, moment, callback, 1))

    def _run(self):
        try:
            self._began = time.monotonic()
            self._begin()
            self._do_all()
        finally:
            self.begun.set()
            self.entry.set(finished=True)
            self.on_finished()

    def _do_all(self):
        while self._queue:
            due, _number, act = heapq.heappop(self._queue)
            self._sleep_until(self._began + due)
            if self.stopping.is_set():
                return
            act()

    def _sleep_until(self, when):
        delay = when - time.monotonic()
        while delay > 0 and not self.stopping.wait(min(delay, threading.TIMEOUT_MAX)):
            delay = when - time.monotonic()

    def _report(self, moment, callback, attempt):
        if moment.kind == stories.CDR and self.cdr_posted_at is None:
            self.cdr_posted_at = time.monotonic()
        delivered = self._post(moment, callback, attempt)
        if moment.event == "Ringing":
            self.begun.set()
        if not delivered and attempt < self.settings.callback_attempts:
            again = functools.partial(self._report, moment, callback, attempt + 1)
            self._plan(self.elapsed + self.settings.callback_pause, again)

    def _post(self, moment, callback, attempt):
        name = f"{moment.event_type} {moment.event}".strip() or moment.kind
        status, error = None, None
        payload = self._payload(moment)
        self._connection = open_connection(
            callback.url, self.settings.callback_timeout, self.ssl_context
        )
        try:
            status = post_report(self._connection, callback, payload)
        except (OSError, ValueError, http.client.HTTPException) as failure:
            error = f"{type(failure).__name__}: {failure}"
        finally:
            self._connection.close()
        self._note(
            payload,
            url=callback.url,
            eventType=callback.event_type,
            kind=moment.kind,
            name=name,
            status=status,
            error=error,
            attempt=attempt,
        )
        if not self.stopping.is_set():
            self._log(self._title(moment, name), status or error, attempt, status == 200)
        return status == 200

    def _note(self, _payload, **callback):
        """Note in the ledger that a report was posted."""
        self.entry.add("callbacks", **callback)

    def _log(self, title, outcome, attempt, delivered):
        if delivered:
            _logger.info("%s -> %s %s", self._label(), title, outcome)
        else:
            attempts = self.settings.callback_attempts
            _logger.warning(
                "%s -> %s %s (attempt %s of %s)", self._label(), title, outcome, attempt, attempts
            )
