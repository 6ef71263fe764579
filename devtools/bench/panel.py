"""The time from a report's arrival until the bus notifies the rep's browser."""

from __future__ import annotations

import itertools
import json
import queue
import random
import threading
import time

import websocket

from . import company
from .figures import Figure
from .load import QUEUED, Generator, Job
from .measure import percentile
from .stack import Stack

RATE = 500
# Reports of each call in the background: those of an ordinary call
REPORTS = 8
# The share of the rate that must be answered for a measurement to count
ENOUGH = 0.95
PAUSE_SECONDS = 0.7
WAIT_SECONDS = 30
MESSAGE = "airtel_ccp.call"


def run(stack: Stack, quick: bool) -> list[Figure]:
    """Report on calls of one rep, who listens, first alone and then among many reports."""
    probes = 15 if quick else 100
    seconds = int(probes * (PAUSE_SECONDS + 1.5)) + 5
    with stack.env() as env:
        calls = company.make_calls(env, 2 * probes + 4)
        busy = company.make_calls(env, RATE * seconds // REPORTS)
        story = company.story(env)
        first = env["res.users"].search([("login", "=", company.login(0))])
        env["ccp.call"].browse([call.id for call in calls]).user_id = first
    with Generator() as generator, Generator() as other, stack.odoo(workers=4, cron=1) as odoo:
        session = company.log_in(odoo, 0)
        with Browser(odoo, session) as browser:
            probe = _Probe(generator, odoo.port, browser, story)
            probe.measure(calls[:4])
            idle = probe.measure(calls[4 : probes + 4])
            noise = _noise(busy, story, RATE * seconds)
            load = other.start(Job(odoo.port, noise, RATE, QUEUED, seconds))
            time.sleep(3)
            loaded = probe.measure(calls[probes + 4 :])
            outcome = load.result()
    loaded_p95 = percentile(loaded, 0.95) * 1000
    note = f"{probes} reports, over HTTP, fold, bus and websocket"
    return [
        Figure("report to panel, idle: p95", percentile(idle, 0.95) * 1000, "ms", 100, note=note),
        Figure("report to panel, idle: p50", percentile(idle, 0.5) * 1000, "ms"),
        Figure(
            f"report to panel, {RATE} reports a second: p95",
            # A machine that is too slow for the rate measures something else
            loaded_p95 if outcome.per_second > ENOUGH * RATE else None,
            "ms",
            1000,
            note=note,
        ),
        Figure("report to panel, as many as were answered: p95", loaded_p95, "ms"),
        Figure(
            "report to panel, as many as were answered: p50", percentile(loaded, 0.5) * 1000, "ms"
        ),
        Figure("reports a second that were answered meanwhile", outcome.per_second, "reports/s"),
    ]


def _noise(calls, story, count):
    """Return reports of many calls, eight for each call, in each call's order."""
    reports = itertools.cycle(story[-REPORTS:])
    bodies = (company.unlike(report, number) for number, report in enumerate(reports))
    requests = (call.request(body) for body in bodies for call in calls)
    return list(itertools.islice(requests, count))


class _Probe:
    def __init__(self, generator, port, browser, story):
        self._generator = generator
        self._port = port
        self._browser = browser
        self._report = json.dumps(story[0]).encode()

    def measure(self, calls):
        """Return for each report the seconds until the browser was notified."""
        rng = random.Random(1)
        found = []
        for call in calls:
            time.sleep(PAUSE_SECONDS + rng.random() / 2)
            sent = time.perf_counter()
            job = Job(self._port, [call.request(self._report)])
            self._generator.send(job).require_accepted("a report")
            found.append(self._browser.told(call.id) - sent)
        return found


class Browser:
    """A browser's connection to the bus; notes when it is notified about which call."""

    def __init__(self, odoo, session):
        port = odoo.gevent_port
        self._socket = websocket.create_connection(
            f"ws://127.0.0.1:{port}/websocket?version=19.0-2",
            timeout=WAIT_SECONDS,
            cookie=session.cookie,
            origin=odoo.url,
        )
        self._told = queue.Queue()

    def __enter__(self):
        subscription = {"event_name": "subscribe", "data": {"channels": [], "last": 0}}
        self._socket.send(json.dumps(subscription))
        threading.Thread(target=self._listen, daemon=True).start()
        time.sleep(1)
        return self

    def __exit__(self, *_exception):
        self._socket.close()

    def _listen(self):
        try:
            while text := self._socket.recv():
                now = time.perf_counter()
                for each in json.loads(text):
                    if each["message"]["type"] == MESSAGE:
                        payload = each["message"]["payload"]["panel"]
                        self._told.put((payload["id"], payload["state"], now))
        except (OSError, websocket.WebSocketException):
            pass

    def told(self, call_id, state=None):
        """Wait until the browser is notified about a call, and return when.

        :param state: the state in the notification; by default any.
        :raises TimeoutError: when no notification comes
        """
        try:
            while True:
                found, as_state, at = self._told.get(timeout=WAIT_SECONDS)
                if found == call_id and state in (None, as_state):
                    return at
        except queue.Empty:
            raise TimeoutError("the panel was not told about a report") from None
