"""Reports at a constant rate for an hour: losses, growth and slowdown."""

from __future__ import annotations

import contextlib
import json
import os

import psutil

from . import company
from .figures import Figure
from .history_calls import vacuum
from .load import QUEUED, Generator, Job
from .measure import percentile
from .stack import MEGABYTE, Stack, wait_until

RATE = 300
REPORTS = 8
SECONDS = 3600
SLICE_SECONDS = 10
VARIABLE = "SOAK_SECONDS"
SETTLE_SECONDS = 600
MADE = 1000


def run(stack: Stack, quick: bool) -> list[Figure]:
    """Send whole calls for as long as ``SOAK_SECONDS`` says; the short run leaves it out."""
    seconds = int(os.environ.get(VARIABLE) or (0 if quick else SECONDS))
    slices = seconds // SLICE_SECONDS
    if not slices:
        return []
    story, calls = _prepare(stack, slices)
    before = stack.stored()
    outcomes, memory = [], []
    with Generator() as generator, stack.odoo(workers=4, cron=1) as odoo:
        each = len(calls) // slices
        for number in range(slices):
            requests = _requests(calls[number * each : (number + 1) * each], story)
            outcomes.append(generator.send(Job(odoo.port, requests, RATE, QUEUED)))
            pids = odoo.http_pids() + odoo.cron_pids()
            used = sum(psutil.Process(pid).memory_info().rss for pid in pids)
            memory.append(used / len(pids) / MEGABYTE)
        # The number that is left is one of the figures
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: not stack.unfolded(), SETTLE_SECONDS, "not folded", pause=1)
        unfolded = stack.unfolded()
    answered = sum(outcome.accepted for outcome in outcomes)
    sent = sum(len(outcome.statuses) for outcome in outcomes)
    lost = abs(stack.stored() - before - answered) + sent - answered
    # Without the first slice, which fills caches: a quarter each of the beginning and the end
    part = max(1, (slices - 1) // 4)
    first = [each for outcome in outcomes[1 : 1 + part] for each in outcome.latencies]
    last = [each for outcome in outcomes[-part:] for each in outcome.latencies]
    drift = percentile(last, 0.99) / percentile(first, 0.99) - 1
    growth = sum(memory[-part:]) / part - sum(memory[1 : 1 + part]) / len(memory[1 : 1 + part])
    name = f"soak of {seconds / 60:.0f} minutes"
    return [
        Figure(f"{name}: reports lost, doubled or not folded", lost + unfolded, "", 0),
        Figure(f"{name}: reports sent", sent, "", note=f"{RATE} a second"),
        Figure(f"{name}: p99, last quarter more than first", drift * 100, "%", 10),
        Figure(f"{name}: a worker's memory, last quarter more than first", growth, "MB", 5),
        Figure(f"{name}: p99 in the last quarter", percentile(last, 0.99) * 1000, "ms"),
    ]


def _prepare(stack, slices):
    wanted = slices * -(-RATE * SLICE_SECONDS // REPORTS)
    with stack.env() as env:
        calls = company.make_calls(env, min(MADE, wanted))
        story = company.story(env)[-REPORTS:]
        calls += company.copy_calls(env, calls, wanted - len(calls))
        env.cr.commit()
        vacuum(env, "res_partner", "crm_lead", "ccp_call")
    return story, calls


def _requests(calls, story):
    """Return the reports of these calls, with a few calls in progress at once."""
    requests = []
    for start in range(0, len(calls), RATE):
        group = calls[start : start + RATE]
        for report in story:
            body = json.dumps(report).encode()
            requests += [call.request(body) for call in group]
    return requests
