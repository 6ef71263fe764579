"""Crowds: too many reports of one call, too many of other accounts, too many listeners."""

from __future__ import annotations

import collections
import contextlib
import json
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import requests

from ..lab.company import PASSWORD
from ..lab.session import NoAnswerError, RpcError, Session
from .relay import HEADERS, TIMEOUT_SECONDS, Relay, choose_way
from .stack import Postgres

SENDERS = 4
LISTENERS = 8
LISTENING_SECONDS = 6
# Smaller than the reports of a sender that loops
FLOOD_BYTES = 8 * 1024
# How long a bystander's report may wait, with two other processes on both cores; Odoo replaces a
# worker within two seconds
BYSTANDER_SECONDS = 30
# How long a report may wait for its answer while people listen: a proxy's usual limit
ANSWER_SECONDS = 15
LOOK_SECONDS = 0.5


class Crowds:
    """Sends crowds, and notes how long ordinary requests take meanwhile."""

    def __init__(self, odoo_url, database, relay: Relay, postgres: Postgres, count, seed):
        """:param int count: how many reports a flood has
        :param seed: of the random numbers
        """
        # Digests of flooded calls' tokens
        self.flooded = set()
        # By event: the seconds of the slowest bystander's report
        self.waits = collections.defaultdict(float)
        self.answers = collections.defaultdict(float)
        self.statuses = collections.defaultdict(collections.Counter)
        # See ``post_late``
        self.late = (collections.Counter(), 0)
        self._url = odoo_url
        self._database = database
        self._relay = relay
        self._postgres = postgres
        self._count = count
        self._rng = random.Random(seed)

    def flood_one_call(self):
        """Post thousands of reports to one call's address; return whether there was a call."""
        report = self._relay.any_report(self._rng)
        if not report:
            return False
        from odoo.addons.airtel_ccp.ccp.safe.spool import digest

        self.flooded.add(digest(report.token))
        headers = dict(report.headers)
        bodies = (self._event(number, FLOOD_BYTES) for number in range(self._count))
        self._flood("flood of one call", report.path, headers, bodies)
        return True

    def flood_account(self):
        """Post reports of calls that nobody here placed to an account's own address."""
        found = self._postgres.query(
            "SELECT ccp_webhook_token FROM res_company"
            " WHERE ccp_webhook_token IS NOT NULL AND ccp_customer_id LIKE 'CUSTOMER-%%'"
        )
        path = f"/airtel_ccp/webhook/{self._rng.choice(sorted(found))[0]}"
        headers = {HEADERS[0]: "application/json"}
        bodies = (self._foreign_record(number) for number in range(self._count))
        self._flood("foreign flood", path, headers, bodies)
        return True

    def _event(self, number, size):
        event = {
            "eventType": "CALL",
            "event": f"Flood{number}-{self._rng.getrandbits(32):x}",
            "participantName": "A",
            "metaData": {"text": "x" * size},
        }
        return json.dumps(event).encode()

    def _foreign_record(self, number):
        ids = self._rng.getrandbits(64)
        record = {
            "Session_ID": f"foreign-{ids:x}-{number}",
            "Client_Correlation_Id": f"Foreign-{ids:x}-{number}",
            "Overall_Call_Status": "Answered",
            "Caller_Number": f"98{self._rng.randrange(10**8):08}",
            "Destination_Number": f"97{self._rng.randrange(10**8):08}",
            "Conversation_Duration": "00:00:42",
        }
        return json.dumps(record).encode()

    def _flood(self, name, path, headers, bodies):
        def send(body):
            try:
                status = requests.post(
                    self._url + path,
                    data=body,
                    headers={**headers, **choose_way(self._rng)},
                    timeout=TIMEOUT_SECONDS,
                ).status_code
            except requests.RequestException:
                status = "no answer"
            self.statuses[name][status] += 1

        with self._watching(name), ThreadPoolExecutor(SENDERS) as pool:
            collections.deque(pool.map(send, bodies), maxlen=0)

    @contextlib.contextmanager
    def _watching(self, name):
        """Note how long other calls' reports wait, until those that came meanwhile are folded."""
        stopping = threading.Event()
        first_seen = {}

        def look():
            return self._postgres.query(
                """
                SELECT event.id
                  FROM ccp_call_event event
                  JOIN ccp_call call ON call.id = event.call_id
                 WHERE event.folded IS NOT TRUE AND call.fold_retry_date IS NULL
                   AND call.token_digest != ALL(%s)
                """,
                list(self.flooded),
            )

        def watch():
            while True:
                now = time.monotonic()
                is_over = stopping.is_set()
                with contextlib.suppress(Exception):
                    waiting = {row[0] for row in look()}
                    if is_over:
                        # Later reports would keep this from ending
                        waiting &= set(first_seen)
                    for event_id in waiting:
                        since = first_seen.setdefault(event_id, now)
                        self.waits[name] = max(self.waits[name], now - since)
                    for event_id in set(first_seen) - waiting:
                        del first_seen[event_id]
                if is_over and not first_seen:
                    return
                if self.waits[name] > BYSTANDER_SECONDS:
                    return
                time.sleep(LOOK_SECONDS)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stopping.set()
            watcher.join()

    def listen_slowly(self):
        """Have several reps listen to stored recordings, reading a little at a time."""
        found = self._postgres.query(
            """
            SELECT login.login, call.id
              FROM ccp_call call
              JOIN res_users login ON login.id = call.user_id
             WHERE call.recording_state = 'stored'
             ORDER BY call.id DESC LIMIT %s
            """,
            LISTENERS,
        )
        if not found:
            return False
        mark = time.monotonic()
        threads = [
            threading.Thread(target=self._listen, args=found[number % len(found)], daemon=True)
            for number in range(LISTENERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        name = "slow listeners"
        self.answers[name] = max(self.answers[name], self._relay.slowest_answer(mark))
        return True

    def _listen(self, login, call_id):
        counts = self.statuses["slow listeners"]
        parts = urlsplit(self._url)
        try:
            session = Session(self._url).login(self._database, login, PASSWORD)
            with socket.socket() as sock:
                # A small buffer, so that Odoo must wait for the listener
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                sock.settimeout(TIMEOUT_SECONDS)
                sock.connect((parts.hostname, parts.port))
                sock.sendall(
                    f"GET /airtel_ccp/recording/{call_id} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
                    f"Cookie: {session.cookie}\r\nConnection: close\r\n\r\n".encode()
                )
                until = time.monotonic() + LISTENING_SECONDS
                head = sock.recv(64)
                counts[int(head.split()[1]) if head else "closed"] += 1
                while time.monotonic() < until and sock.recv(512):
                    time.sleep(0.2)
        except (OSError, RpcError, NoAnswerError) as error:
            counts[type(error).__name__] += 1

    def post_late(self, most=20):
        """Post to the addresses of calls that ended long ago.

        :return: the statuses, and how many reports were stored
        :rtype: tuple[collections.Counter, int]
        """
        before = self._count_reports()
        statuses = collections.Counter()
        for report in self._relay.some_reports(self._rng, most):
            statuses[
                requests.post(
                    self._url + report.path,
                    data=self._event(0, 10),
                    headers={**dict(report.headers), **choose_way(self._rng)},
                    timeout=TIMEOUT_SECONDS,
                ).status_code
            ] += 1
        return statuses, self._count_reports() - before

    def _count_reports(self):
        return self._postgres.query("SELECT count(*) FROM ccp_call_event")[0][0]
