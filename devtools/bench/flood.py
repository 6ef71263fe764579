"""Floods: the cost for others of thousands of reports for one call, or for none."""

from __future__ import annotations

import json
import statistics
import time

import psutil

from . import company
from .figures import Figure
from .load import Generator, Job, request_bytes
from .stack import MEGABYTE, Stack

WORKERS = 2
CONNECTIONS = 8
LONG_BYTES = 60_000
# How many requests are made at once: all of them together are as large as the flood
CHUNK = 250
POLL_SECONDS = 0.005
TURNS = 5
MAX_SECONDS = 120
# Time for the addon to look at each foreign report once, a few at a time
LOOK_SECONDS = 1200


def run(stack: Stack, quick: bool) -> list[Figure]:
    """Report on calls one by one: alone, during and after a flood of another call, among others."""
    count, rounds = (2000, 15) if quick else (10_000, 40)
    with stack.env() as env:
        flooded, *others = company.make_calls(env, 1 + 7 * rounds)
        story = company.story(env)
        own_token = env.company.ccp_webhook_token
    usual, during, after, looked_at, foreign, alone = [], [], [], [], [], []
    waiting = iter(others)
    with Generator() as generator, stack.odoo(workers=WORKERS, cron=1) as odoo:
        pids = [*odoo.http_pids(), *odoo.cron_pids()]

        def fold(times, number=rounds):
            for _round in range(number):
                times.append(_latency(stack, generator, odoo, next(waiting), story))

        def memory():
            return max(psutil.Process(pid).memory_full_info().uss for pid in pids) / MEGABYTE

        fold([], rounds)
        fold(usual)
        before = memory()
        flood = _long_reports(story[-1], count)
        peak, accepted, began = before, 0, time.monotonic()
        for start in range(0, count, CHUNK):
            requests = [flooded.request(body) for body in flood(start, CHUNK)]
            sending = generator.start(Job(odoo.port, requests, connections=CONNECTIONS))
            while not sending.done():
                peak = max(peak, memory())
                time.sleep(0.1)
            accepted += sending.result().accepted
            if len(during) < rounds:
                fold(during, 1)
        seconds = time.monotonic() - began
        _wait_until_folded(stack)
        fold(after)
        peak = max(peak, memory())
        for start in range(0, count, CHUNK):
            requests = [
                request_bytes(f"/airtel_ccp/webhook/{own_token}", body)
                for body in _foreign_reports(story[-1], start, CHUNK)
            ]
            generator.send(Job(odoo.port, requests, connections=CONNECTIONS))
        began = time.monotonic()
        fold(looked_at, rounds // 2)
        _wait_until_folded(stack, LOOK_SECONDS)
        looking = time.monotonic() - began
        left = stack.query(
            "SELECT count(*) FROM ccp_call_event WHERE call_id IS NULL AND folded IS NOT TRUE"
        )[0][0]
        # In turn, so other work on the machine affects both
        for _turn in range(TURNS):
            for is_waiting, times in ((True, foreign), (False, alone)):
                stack.query(
                    "UPDATE ccp_call_event SET folded = %s WHERE call_id IS NULL", not is_waiting
                )
                fold(times, rounds // TURNS)
        same = [*odoo.http_pids(), *odoo.cron_pids()] == pids
    kept = stack.query("SELECT count(*) FROM ccp_call_event WHERE call_id = %s", flooded.id)[0][0]
    median = statistics.median(usual)
    note = f"{count} reports of {LONG_BYTES // 1000} KB in {seconds:.0f} s, median of {rounds}"
    return [
        Figure("report to fold, usual", median * 1000, "ms", note=f"median of {rounds}"),
        Figure("flood of one call: fold of another, after it", _ratio(after, median), "times", 2),
        Figure(
            "flood of one call: fold of another, while it goes on",
            _ratio(during, median),
            "times",
            note=note,
        ),
        Figure("flood of one call: answered 200", accepted / count * 100, "%", 100, True),
        Figure("flood of one call: reports that are kept", kept, "", note=f"of {count}"),
        Figure(
            "flood of one call: the largest worker grows by",
            peak - before,
            "MB",
            64,
            note=f"from {before:.0f} MB",
        ),
        Figure("flood: workers that were replaced", 0 if same else 1, "", 0),
        Figure(
            "foreign reports come: fold of a call while they are looked at",
            _ratio(looked_at, median),
            "times",
            note=f"{count} for {looking:.0f} s or less",
        ),
        Figure(
            "foreign reports wait: fold of a call",
            _ratio(foreign, statistics.median(alone)),
            "times",
            1.2,
            note=f"{left} wait; in turn with none",
        ),
    ]


def _ratio(times, median):
    return statistics.median(times) / median


def _latency(stack, generator, odoo, call, story):
    """Return the seconds from sending a report until it is folded."""
    body = json.dumps(story[0]).encode()
    began = time.monotonic()
    if generator.send(Job(odoo.port, [call.request(body)], connections=1)).accepted != 1:
        raise RuntimeError("a report was not answered 200")
    while time.monotonic() - began < MAX_SECONDS:
        rows = stack.query("SELECT folded FROM ccp_call_event WHERE call_id = %s", call.id)
        if rows and all(folded for (folded,) in rows):
            # The next one must not come within the pause after this one's wake-up
            elapsed = time.monotonic() - began
            time.sleep(0.3)
            return elapsed
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"a report is not folded after {MAX_SECONDS} seconds")


def _wait_until_folded(stack, seconds=MAX_SECONDS):
    until = time.monotonic() + seconds
    while stack.query(
        "SELECT EXISTS (SELECT FROM ccp_call_event WHERE folded IS NOT TRUE"
        " AND (call_id IS NOT NULL OR match_date IS NULL))"
    )[0][0]:
        if time.monotonic() > until:
            raise RuntimeError(f"reports are not folded after {seconds} seconds")
        time.sleep(0.1)


def _long_reports(record, count):
    """Return a function that makes some of many long records, none a repeat of another."""
    events = [{"event": "Ringing", "eventType": "CALL", "participantName": "A", "n": 0}]
    events *= (LONG_BYTES - len(json.dumps(record))) // (len(json.dumps(events[0])) + 2)

    def make(start, size):
        return [
            json.dumps({**record, "flood": number, "events": events}).encode()
            for number in range(start, min(start + size, count))
        ]

    return make


def _foreign_reports(record, start, size):
    """Return records of calls that somebody else placed over the same account."""
    return [
        json.dumps(
            {
                **record,
                "clientCorrelationId": f"foreign-{number}",
                "vmSessionId": f"foreign-session-{number}",
                "participants": [
                    {**each, "participantAddress": f"{side + 6}{number:09d}"}
                    for side, each in enumerate(record["participants"])
                ],
            }
        ).encode()
        for number in range(start, start + size)
    ]
