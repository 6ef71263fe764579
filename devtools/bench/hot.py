"""A hot call: all its reports at once, and one report many times at once."""

from __future__ import annotations

import itertools
import random

from . import company
from .figures import Figure
from .load import Generator, Job
from .measure import percentile
from .stack import Stack

AT_ONCE = 8
REPLAYS = ("SerializationFailure", "could not serialize", "deadlock", "Retry")


def run(stack: Stack, quick: bool) -> list[Figure]:
    """Send eight at once, again and again; eight of different calls show the usual time."""
    rounds = 60 if quick else 400
    with stack.env() as env:
        calls = company.make_calls(env, max(rounds, AT_ONCE))
        story = company.story(env)
    latencies = {"reports of one call": [], "repeats": [], "of eight calls": []}
    rng = random.Random(1)
    serial = itertools.count()
    refused = 0
    with Generator() as generator, stack.odoo(workers=AT_ONCE, cron=1) as odoo:
        for number in range(-10, rounds):
            call = calls[number % rounds]
            reports = rng.choices(story, k=3 * AT_ONCE)
            bodies = [company.unlike(report, next(serial)) for report in reports]
            made = {
                "reports of one call": [call.request(each) for each in bodies[:AT_ONCE]],
                "repeats": [call.request(bodies[AT_ONCE])] * AT_ONCE,
                "of eight calls": [
                    each.request(body)
                    for each, body in zip(
                        rng.sample(calls, AT_ONCE), bodies[-AT_ONCE:], strict=True
                    )
                ],
            }
            for name, requests in made.items():
                outcome = generator.send(Job(odoo.port, requests, connections=AT_ONCE))
                refused += AT_ONCE - outcome.accepted
                if number >= 0:
                    latencies[name] += outcome.latencies
        log = odoo.read_log()
    rows = stack.query(
        "SELECT count(*) - count(DISTINCT (call_id, fingerprint)) FROM ccp_call_event"
    )[0][0]
    note = f"{AT_ONCE} at once, {rounds} times, {AT_ONCE} workers, while they are folded"
    figures = [
        Figure(
            f"hot call, {name}: p99 to p50",
            percentile(each, 0.99) / percentile(each, 0.5),
            "times",
            None if name == "of eight calls" else 2,
            note=note,
        )
        for name, each in latencies.items()
    ]
    figures += [
        Figure(f"hot call, {name}: p50", percentile(each, 0.5) * 1000, "ms")
        for name, each in latencies.items()
    ]
    replays = sum(log.count(word) for word in REPLAYS)
    return [
        *figures,
        Figure("hot call: replays and serialization failures in the log", replays, "", 0),
        Figure("hot call: reports not answered 200, or stored twice", refused + rows, "", 0),
    ]
