"""A click: how much time the addon adds to Airtel's."""

from __future__ import annotations

import time

from ..lab.session import Session
from . import company
from .airtel import Airtel
from .figures import Figure
from .load import QUEUED, Generator, Job
from .measure import percentile
from .stack import Stack

DELAY_SECONDS = 0.5
# As many as four workers can take without one request waiting for another
RATE = 3
REPS = 20
SETTLE_SECONDS = 5
# Enough for each rep to meet each worker, which has its own caches
WARM_UP_ROUNDS = 3


def run(stack: Stack, quick: bool) -> list[Figure]:
    """Let reps click, each on a lead of its own, and subtract Airtel's time."""
    rounds = 4 if quick else 25
    ours = []
    posts = []
    cpu = 0
    with Generator() as generator, Airtel(DELAY_SECONDS) as airtel:
        leads = prepare(stack, airtel.url, REPS * (rounds + WARM_UP_ROUNDS))
        with stack.odoo(workers=4, cron=1) as odoo:
            sessions = log_in(odoo)
            for number in range(rounds + WARM_UP_ROUNDS):
                chosen = leads[number * REPS : (number + 1) * REPS]
                before = odoo.cpu_seconds()
                outcome = generator.send(
                    Job(odoo.port, clicks(sessions, chosen), RATE, connections=QUEUED)
                )
                seen, placed = _settle(airtel, stack)
                kept = {each["number"]: each["seconds"] for each in seen}
                outcome.require_accepted("clicks")
                if placed != REPS:
                    raise RuntimeError(f"{placed} of {REPS} clicks placed a call")
                if number >= WARM_UP_ROUNDS:
                    cpu += odoo.cpu_seconds() - before
                    posts.append(len(seen))
                    ours += [
                        _without(kept[chosen[position][1]], latency)
                        for latency, position in zip(
                            outcome.latencies, outcome.positions, strict=True
                        )
                    ]
    note = f"{len(ours)} clicks, {RATE} a second, Airtel answers after 500 ms"
    return [
        Figure("click: our time, p50", percentile(ours, 0.5) * 1000, "ms", 20, note=note),
        Figure("click: our time, p99", percentile(ours, 0.99) * 1000, "ms", 50, note=note),
        Figure("click: POSTs to Airtel for each", sum(posts) / len(ours), "", 1),
        Figure("click: worker CPU", cpu / len(ours) * 1000, "ms"),
    ]


def _settle(airtel: Airtel, stack: Stack) -> tuple[list[dict], int]:
    """Wait for the answers to all clicks, including those that did not wait, and end the calls.

    :return: what Airtel saw, and how many calls were placed
    """
    seen, placed = [], 0
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        seen += airtel.seen()
        placed += end_calls(stack)
        if (len(seen) >= REPS and placed >= REPS) or time.monotonic() > until:
            return seen, placed
        time.sleep(0.05)


def _without(kept, latency):
    # A rep who was told to wait for the bus, because two others wait for Airtel, did not wait
    return latency - kept if latency > kept else latency


def prepare(stack: Stack, url: str, count: int) -> list[tuple[int, str]]:
    """Point the company to the mock and create leads; return their ids and numbers."""
    with stack.env() as env:
        users = company.set_up(env, url, reps=REPS)
        leads = env["crm.lead"].browse(company.make_leads(env, count, users))
        found = []
        for position, lead in enumerate(leads):
            number = f"7{100000000 + lead.id:09d}"
            lead.phone = f"+91 {number}"
            lead.user_id = users[position % len(users)]
            found.append((lead.id, number))
        return found


def log_in(odoo) -> list[Session]:
    """Return a session of each rep."""
    return [company.log_in(odoo, number) for number in range(REPS)]


def clicks(sessions: list[Session], leads: list[tuple[int, str]]) -> list[bytes]:
    """Return one click of each rep, each on a lead of its own."""
    return [
        company.click_request(session, lead_id)
        for session, (lead_id, _number) in zip(sessions, leads, strict=True)
    ]


def end_calls(stack: Stack) -> int:
    """End every live call, so that the reps may call again; return how many were placed."""
    rows = stack.query(
        "UPDATE ccp_call SET live = false, state = 'ended', result = 'connected', dismissed = true"
        " WHERE live AND request_outcome = 'accepted' RETURNING id"
    )
    return len(rows)
