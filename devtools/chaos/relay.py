"""Stands between the sandboxes and Odoo, and delivers reports as badly as a network can."""

from __future__ import annotations

import collections
import contextlib
import heapq
import json
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import requests

from .stack import choose

TIMEOUT_SECONDS = 30
PAUSE_SECONDS = 0.5
REPEATS_AT_ONCE = 50
SENDERS = 60
WEIGHTS = {
    "at once": 68,
    "late": 12,
    "twice": 6,
    "50 times at once": 1,
    "truncated too": 3,
    "half a body": 2,
    "an hour late": 5,
    "lost": 2,
    "poison": 0.1,
}
HEADERS = ("Content-Type", "X-Airtel-Ccp-Secret")
ASKED = "/airtel_ccp/route/"
# A report with a session is left to Odoo's own route
ROUTED_SHARE = 1 / 3
SESSION = {"Cookie": f"session_id={'x' * 84}"}
# The header in which failpoints report a report's way and result
CAME = "X-Chaos-Came"


def choose_way(rng):
    """Return headers that make a report go one way or the other.

    :param random.Random rng: chooses which
    :rtype: dict[str, str]
    """
    return SESSION if rng.random() < ROUTED_SHARE else {}


@dataclass(frozen=True)
class Report:
    """A sandbox's post: the path with its token, the relevant headers, and the body."""

    path: str
    headers: tuple
    body: bytes = field(repr=False)

    @property
    def token(self):
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class Relay:
    """Takes reports at ``url``, and delivers each to Odoo until it is answered 200 once."""

    def __init__(self, odoo_url, seed, poison):
        """:param str poison: the text in a poison report"""
        self.counts = collections.Counter()
        self.statuses = collections.Counter()
        # The results of those answered 200: how often each came, and for which reports
        self.came = collections.Counter()
        self.accepted = collections.defaultdict(set)
        # How often a routing question got each answer
        self.asked = collections.Counter()
        # The tokens of companies' own notify URLs, which belong to no call
        self.own_tokens = set()
        self.sent = set()
        self._known = {}
        # When each answer came, and after how many seconds
        self._answers = []
        self._odoo_url = odoo_url
        self._rng = random.Random(seed)
        self._poison = poison
        self._held = []
        self._queue = []
        self._number = 0
        self._open = 0
        self._lock = threading.Condition()
        self._pool = ThreadPoolExecutor(SENDERS)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        threading.Thread(target=self._deliver, daemon=True).start()
        return self

    def __exit__(self, *_exception):
        self._server.shutdown()
        self._server.server_close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _handler(relay):  # noqa: N805 - the handler's own self is another one
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self._pass_on(b"", ())

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = tuple(
                    (name, self.headers[name]) for name in HEADERS if self.headers[name]
                )
                if self.path.startswith(ASKED):
                    self._pass_on(body, headers)
                    return
                relay._plan(Report(self.path, headers, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _pass_on(self, body, headers):
                answer = relay._ask(self.command, Report(self.path, headers, body))
                if answer is None:
                    # What Airtel sees when no server is there
                    self.close_connection = True
                    return
                # Airtel may have stopped waiting
                with contextlib.suppress(ConnectionError):
                    self.send_response(answer.status_code)
                    for name, value in (
                        ("Content-Type", answer.headers.get("Content-Type", "text/plain")),
                        ("Content-Length", str(len(answer.content))),
                    ):
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer.content)

            def log_message(self, *_arguments):
                """Log nothing, because paths contain tokens."""

        return Handler

    def any_report(self, rng):
        """Return a report that a sandbox posted, or None if there is none yet.

        :param random.Random rng: chooses which
        """
        return next(iter(self.some_reports(rng, 1)), None)

    def some_reports(self, rng, most):
        """Return reports of at most this many calls."""
        with self._lock:
            tokens = sorted(self._known)
            chosen = rng.sample(tokens, min(most, len(tokens)))
            return [self._known[token] for token in chosen]

    def slowest_answer(self, since):
        """Return the longest time in seconds for which a report waited for its answer.

        :param float since: by the monotonic clock; earlier waiting does not count
        """
        with self._lock:
            waits = (min(took, at - since) for at, took in self._answers if at >= since)
            return max(waits, default=0.0)

    def _ask(self, method, question):
        """Send Odoo a routing question; return its answer, or None."""
        with self._lock:
            headers = {**dict(question.headers), **choose_way(self._rng)}
        try:
            answer = requests.request(
                method,
                self._odoo_url + question.path,
                data=question.body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
            )
        except requests.RequestException:
            answer = None
        with self._lock:
            self.asked["no answer" if answer is None else answer.status_code] += 1
        return answer

    def _plan(self, report):
        with self._lock:
            if report.token not in self.own_tokens:
                self._known[report.token] = report
            way = choose(self._rng, WEIGHTS)
            self.counts[way] += 1
            later = self._rng.uniform(0.2, 4)
            cut = self._rng.randrange(1, max(2, len(report.body)))
        if way == "lost":
            return
        if way == "poison":
            body = json.dumps({**json.loads(report.body), "note": self._poison}).encode()
            report = Report(report.path, report.headers, body)
        if way == "an hour late":
            with self._lock:
                self._held.append(report)
            return
        times = {"twice": 2, "50 times at once": REPEATS_AT_ONCE}.get(way, 1)
        for _each in range(times):
            self._put(report, later if way == "late" else 0)
        if way == "truncated too":
            self._put(Report(report.path, report.headers, report.body[:cut]), 0)
        if way == "half a body":
            self._pool.submit(self._send_half, report)

    def _put(self, report, seconds):
        with self._lock:
            self._number += 1
            self._open += 1
            heapq.heappush(self._queue, (time.monotonic() + seconds, self._number, report))
            self._lock.notify_all()

    def release(self):
        """Deliver reports that were held back."""
        with self._lock:
            held, self._held = self._held, []
        for report in held:
            self._put(report, 0)

    def wait_until_delivered(self, seconds):
        """Wait until every report was answered 200.

        :raises TimeoutError: when that takes longer
        """
        with self._lock:
            if not self._lock.wait_for(lambda: self._open == 0, seconds):
                raise TimeoutError(f"{self._open} reports are not delivered: {self.statuses}")

    def _deliver(self):
        while True:
            with self._lock:
                while not self._queue or self._queue[0][0] > time.monotonic():
                    self._lock.wait(0.05)
                report = heapq.heappop(self._queue)[2]
            self._pool.submit(self._send, report)

    def _send(self, report):
        began = time.monotonic()
        with self._lock:
            self.sent.add((report.token, report.body))
            headers = {**dict(report.headers), **choose_way(self._rng)}
        try:
            answer = requests.post(
                self._odoo_url + report.path,
                data=report.body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
            )
            status, came = answer.status_code, answer.headers.get(CAME, "unknown")
        except requests.RequestException:
            status, came = "no answer", None
        with self._lock:
            now = time.monotonic()
            self._answers.append((now, now - began))
            self.statuses[status] += 1
            if status == 200:
                self.came[came] += 1
                self.accepted[report.token, report.body].add(came)
            self._open -= status == 200
            self._lock.notify_all()
            if status != 200:
                self._number += 1
                again = time.monotonic() + PAUSE_SECONDS
                heapq.heappush(self._queue, (again, self._number, report))

    def _send_half(self, report):
        """Announce a whole body, send half of it, and disconnect."""
        parts = urlsplit(self._odoo_url)
        half = report.body[: len(report.body) // 2]
        with self._lock:
            self.sent.add((report.token, half))
            session = choose_way(self._rng)
        lines = (
            f"POST {report.path} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Content-Type: application/json",
            f"Content-Length: {len(report.body)}",
            *(f"{name}: {value}" for name, value in session.items()),
        )
        head = "".join(f"{line}\r\n" for line in (*lines, ""))
        try:
            with socket.create_connection((parts.hostname, parts.port), TIMEOUT_SECONDS) as sock:
                sock.sendall(head.encode() + half)
        except OSError:
            with self._lock:
                self.statuses["half a body: no connection"] += 1
