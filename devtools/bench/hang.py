"""Airtel hangs while the reps click: the effect on everybody else."""

from __future__ import annotations

import time

from . import company
from .airtel import Airtel
from .click import REPS, clicks, end_calls, log_in, prepare
from .figures import Figure
from .load import QUEUED, Generator, Job
from .measure import percentile
from .stack import Stack, wait_until

HANG_SECONDS = 15
QUICK_HANG_SECONDS = 5
RATE = 20
SETTLE_SECONDS = 1
ANSWER_SECONDS = 60
_WAITING = "SELECT 1 FROM ccp_call WHERE live AND request_outcome = 'queued' LIMIT 1"


def run(stack: Stack, quick: bool) -> list[Figure]:
    """Load a page again and again, first in quiet, then while all reps wait for Airtel."""
    figures = []
    for name, workers in (("threads", 0), ("4 workers", 4)):
        seconds = QUICK_HANG_SECONDS if quick else HANG_SECONDS
        figures += _measure(stack, name, workers, 1 if quick else 3, seconds)
    return figures


def _measure(stack, name, workers, rounds, seconds):
    quiet, hanging, answered = [], [], []
    with (
        Generator() as generator,
        Generator() as clicker,
        Airtel(seconds) as airtel,
    ):
        leads = prepare(stack, airtel.url, REPS * rounds)
        with stack.odoo(workers=workers, cron=1) as odoo:
            sessions = log_in(odoo)
            read = company.call_request(
                sessions[0], "res.users", "read", [sessions[0].uid], ["name"]
            )
            generator.send(Job(odoo.port, [read] * 100))
            for number in range(rounds):
                pages = [read] * (RATE * (seconds - 2 * SETTLE_SECONDS))
                quiet += generator.send(Job(odoo.port, pages, RATE, QUEUED)).latencies
                chosen = leads[number * REPS : (number + 1) * REPS]
                placed = clicker.start(Job(odoo.port, clicks(sessions, chosen), connections=REPS))
                time.sleep(SETTLE_SECONDS)
                hanging += generator.send(Job(odoo.port, pages, RATE, QUEUED)).latencies
                answered += placed.result().latencies
                # Also the answers to clicks that no longer wait
                wait_until(
                    lambda: not stack.query(_WAITING),
                    ANSWER_SECONDS,
                    "an answer of Airtel was lost",
                )
                if end_calls(stack) != REPS:
                    raise RuntimeError("not every click placed a call")
    ratio = percentile(hanging, 0.99) / percentile(quiet, 0.99)
    note = f"{REPS} reps click at once, Airtel hangs {seconds} s; a page is read {RATE} a second"
    return [
        Figure(f"Airtel hangs, {name}: another page's p99, to quiet", ratio, "times", 2, note=note),
        Figure(f"Airtel hangs, {name}: page p50", percentile(hanging, 0.5) * 1000, "ms"),
        Figure(f"Airtel hangs, {name}: page p99", percentile(hanging, 0.99) * 1000, "ms"),
        Figure(f"quiet, {name}: page p99", percentile(quiet, 0.99) * 1000, "ms"),
        Figure(
            f"Airtel hangs, {name}: the slowest of {REPS} clicks at once is answered after",
            max(answered),
            "s",
        ),
    ]
