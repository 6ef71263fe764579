"""A call under way: posts its reports when they are due (sections 1.9 and 3)."""

import heapq
import http.client
import json
import logging
import socket
import ssl
import threading
import time
from urllib.parse import urlsplit

from . import story as stories
from .cdr import render_cdr, render_other_try
from .reports import render

_logger = logging.getLogger("sandbox")

# Seconds after the CDR, in call time, for which a late recording is not there yet.
RECORDING_DELAY = 60.0
# What the sender sets itself: an entry's own value would make the request unreadable.
_OWN_HEADERS = {"content-length", "transfer-encoding", "connection", "host"}
# Of a receiver's answer nothing but the status matters.
_MOST_READ = 64 * 1024


def asks_for(event_type, moment):
    """Return whether a callBackURLs entry wants a report (section 1.9).

    ALL means all real time events (and API results) but not the CDR: the specification's sample
    asks for both ALL and CDR, at addresses of their own, so ALL can't contain the CDR.
    """
    if moment.kind == stories.CDR:
        return event_type == "CDR"
    if event_type == "ALL":
        return True
    if moment.kind == stories.API_RESULT:
        return event_type == "API"
    return event_type == moment.event_type


def open_connection(callback, timeout, ssl_context):
    """Return an HTTP connection, not yet made, to a callback's receiver.

    :param callback: validation.Callback
    :param timeout: seconds for each step of the exchange
    :param ssl_context: for https receivers
    """
    parts = urlsplit(callback.url)
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
    :raises ValueError: when the host is no possible host name
    :raises http.client.HTTPException: when the answer is no HTTP
    """
    parts = urlsplit(callback.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    given = {name.lower() for name in callback.headers}
    headers = {"Connection": "close"}
    if "content-type" not in given:
        headers["Content-Type"] = "application/json"
    headers.update(
        (name, value)
        for name, value in callback.headers.items()
        if name.lower() not in _OWN_HEADERS
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


class LiveCall:
    """Runs one story in a thread of its own.

    Reports of one call are posted one after another in their planned order, so a very high speed
    doesn't change it; a report that isn't answered 200 waits its turn again while others go on.

    :param entry: ledger.Entry
    :param story: Story
    :param identity: Identity
    :param clock: Clock
    :param plan: list of (call seconds, Moment)
    :param dialect: of the CDR
    :param recording_url: or None
    :param settings: Settings
    :param stopping: threading.Event that ends the call at once
    :param ssl_context: for https receivers
    :param on_finished: called without arguments, once, when nothing is left to post
    """

    def __init__(
        self,
        *,
        entry,
        story,
        identity,
        clock,
        plan,
        dialect,
        recording_url,
        settings,
        stopping,
        ssl_context,
        on_finished,
    ):
        self.entry = entry
        self.story = story
        self.identity = identity
        self.clock = clock
        self.plan = plan
        self.dialect = dialect
        self.recording_url = recording_url
        self.settings = settings
        self.stopping = stopping
        self.ssl_context = ssl_context
        self.on_finished = on_finished
        self.begun = threading.Event()
        self.cdr_posted_at = None
        self._connection = None
        self._thread = threading.Thread(
            target=self._run, name=f"sandbox call {identity.session_id}", daemon=True
        )

    def start(self):
        """Begin to ring."""
        self._thread.start()

    def end(self, timeout):
        """Cut off a report on its way and wait, for some seconds at most, until nothing runs.

        The event ``stopping`` has to be set before.
        """
        sock = self._connection and self._connection.sock
        if sock:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                _logger.debug("A receiver's connection was closed already")
        if self._thread.ident is not None:
            self._thread.join(timeout)

    @property
    def recording_is_there(self):
        """Whether the recording can be fetched by now."""
        if self.cdr_posted_at is None or self.story.script.recording == "never":
            return False
        if self.story.script.recording == "late":
            delay = RECORDING_DELAY / self.settings.speed
            return time.monotonic() >= self.cdr_posted_at + delay
        return True

    def _run(self):
        try:
            self._post_all()
        finally:
            self.begun.set()
            self.entry.set(finished=True)
            self.on_finished()

    def _post_all(self):
        speed = self.settings.speed
        began = time.monotonic()
        queue = [
            (at / speed, number, moment, callback, 1)
            for number, (at, moment, callback) in enumerate(
                (at, moment, callback)
                for at, moment in self.plan
                for callback in self.story.order.callbacks
                if asks_for(callback.event_type, moment)
            )
        ]
        heapq.heapify(queue)
        number = len(queue)
        while queue:
            due, _number, moment, callback, attempt = heapq.heappop(queue)
            self._sleep_until(began + due)
            if self.stopping.is_set():
                return
            if moment.kind == stories.CDR and self.cdr_posted_at is None:
                self.cdr_posted_at = time.monotonic()
            delivered = self._post(moment, callback, attempt)
            if moment.event == "Ringing":
                self.begun.set()
            if not delivered and attempt < self.settings.callback_attempts:
                number += 1
                again = time.monotonic() - began + self.settings.callback_pause / speed
                heapq.heappush(queue, (again, number, moment, callback, attempt + 1))

    def _sleep_until(self, when):
        delay = when - time.monotonic()
        while delay > 0 and not self.stopping.wait(min(delay, threading.TIMEOUT_MAX)):
            delay = when - time.monotonic()

    def _post(self, moment, callback, attempt):
        name = f"{moment.event_type} {moment.event}".strip() or moment.kind
        status, error = None, None
        self._connection = open_connection(
            callback, self.settings.callback_timeout, self.ssl_context
        )
        try:
            status = post_report(self._connection, callback, self._payload(moment))
        except (OSError, ValueError, http.client.HTTPException) as failure:
            error = f"{type(failure).__name__}: {failure}"
        finally:
            self._connection.close()
        self.entry.add_callback(
            url=callback.url,
            eventType=callback.event_type,
            kind=moment.kind,
            name=name,
            status=status,
            error=error,
            attempt=attempt,
        )
        if not self.stopping.is_set():
            self._log(moment, name, status or error, attempt, status == 200)
        return status == 200

    def _log(self, moment, name, outcome, attempt, delivered):
        if moment.kind == stories.CDR:
            name = "CDR"
        elif moment.kind == stories.API_RESULT:
            name = "API result"
        elif moment.leg:
            name += " (agent)" if moment.leg.role == stories.FROM else " (customer)"
        correlation_id = self.identity.correlation_id[:15]
        if delivered:
            _logger.info("%s… -> %s %s", correlation_id, name, outcome)
        else:
            attempts = self.settings.callback_attempts
            _logger.warning(
                "%s… -> %s %s (attempt %s of %s)", correlation_id, name, outcome, attempt, attempts
            )

    def _payload(self, moment):
        if moment.kind == stories.CDR:
            cdr = render_cdr(
                self.story, self.identity, self.clock, self.dialect, self.recording_url
            )
            return render_other_try(cdr) if moment.event == stories.OTHER_TRY else cdr
        return render(moment, self.story, self.identity, self.clock)
