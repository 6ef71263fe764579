"""Routing: how fast it answers, also while PostgreSQL is stopped or does not answer."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from . import company
from .figures import Figure
from .history_calls import vacuum
from .load import QUEUED, Generator, Job, request_bytes
from .measure import percentile
from .stack import Stack, wait_until

RATE = 50
REPORT_RATE = 100
REPORTS = 8
AIRTEL_NUMBER = "8000000009"
DESK = "7000000990"
FIRST_NUMBER = 7_200_000_000
# Enough for each worker to answer once and to notice whether the database answers
WARM_UP = 200
SETTLE_SECONDS = 300


@dataclass
class Line:
    """An Airtel number, and the customers whose calls are put through to their salespeople.

    :param path: the routing URL's path.
    :param owners: by number of ten digits: the id of the salesperson's user.
    :param left: numbers that have not called yet: a repeated question gets its stored answer.
    """

    path: str
    company_id: int
    owners: dict[str, int]
    left: Iterator[str] = field(default_factory=lambda: iter(()))

    def __post_init__(self):
        numbers = list(self.owners)
        random.Random(1).shuffle(numbers)
        self.left = iter(numbers)

    def questions(self, count: int) -> list[bytes]:
        """Return requests in Airtel's form, each for a customer who has not called before."""
        bodies = (
            json.dumps({"callingParticipant": number, "callerId": AIRTEL_NUMBER}).encode()
            for number in itertools.islice(self.left, count)
        )
        return [request_bytes(self.path, body) for body in bodies]


def run(stack: Stack, quick: bool) -> list[Figure]:
    """Ask while reports come, then while the database refuses, then while it does not answer."""
    customers, seconds = (10_000, 8) if quick else (100_000, 60)
    with stack.env() as env:
        company.set_up(env)
        line = _open(env, customers)
        env.cr.commit()
        vacuum(env, "res_partner")
        calls = company.make_calls(env, REPORT_RATE * (seconds + 10) // REPORTS)
        story = company.story(env)[-REPORTS:]
    table = _table_figures(stack, line)
    reports = [call.request(json.dumps(each).encode()) for each in story for call in calls]
    with Generator() as generator, Generator() as other, stack.odoo(workers=4, cron=1) as odoo:

        def ask(count, rate=RATE):
            outcome = generator.send(Job(odoo.port, line.questions(count), rate, QUEUED))
            outcome.require_accepted("questions whom to ring")
            return outcome.latencies

        ask(WARM_UP)
        load = other.start(Job(odoo.port, reports, REPORT_RATE, QUEUED))
        time.sleep(2)
        busy = ask(RATE * seconds)
        load.result().require_accepted("reports beside them")
        wait_until(lambda: not stack.to_fold(), SETTLE_SECONDS, "not folded", pause=1)
        before = stack.query("SELECT COALESCE(max(id), 0) FROM ccp_call_event")[0][0]
        with _stopped(stack):
            ask(WARM_UP)
            stopped = ask(RATE * seconds)
        with _unreachable(stack):
            first = ask(WARM_UP)
            deaf = ask(RATE * seconds)
    asked = 2 * (WARM_UP + RATE * seconds)
    wrong = _wrong_decisions(stack, line, before, asked)
    note = f"{RATE} a second for {seconds} s, {customers:,} numbers known"
    beside = f"{note}, beside {REPORT_RATE} reports a second"
    return [
        Figure("whom to ring: p50", percentile(busy, 0.5) * 1000, "ms", 15, note=beside),
        Figure("whom to ring: p99", percentile(busy, 0.99) * 1000, "ms", 100, note=beside),
        Figure(
            "whom to ring, PostgreSQL stopped: p99",
            percentile(stopped, 0.99) * 1000,
            "ms",
            50,
            note=note,
        ),
        Figure(
            "whom to ring, PostgreSQL unreachable: p99",
            percentile(deaf, 0.99) * 1000,
            "ms",
            50,
            note=f"{note}, once each process knows it",
        ),
        Figure(
            "whom to ring, PostgreSQL unreachable: the longest first answer",
            max(first) * 1000,
            "ms",
            note="by then each process has learnt that nothing answers",
        ),
        Figure("whom to ring, without the database: lost, or not the owner", wrong, "", 0),
        *table,
    ]


def _open(env, customers: int) -> Line:
    """Set the company up for incoming calls from this many known customers."""
    own = env.company
    own.resource_calendar_id = False
    users = env["res.users"].search([("login", "=like", "bench-rep-%")], order="id")
    team = env["crm.team"].create({"name": "Front", "member_ids": [(6, 0, users.ids)]})
    env["ccp.call.flow"].create(
        {
            "name": "Hotline",
            "code": "BENCH-INBOUND",
            "call_type": "INBOUND",
            "caller_number": AIRTEL_NUMBER,
            "desk_number": DESK,
            "ring_team_id": team.id,
        }
    )
    env.cr.execute(
        """
        INSERT INTO res_partner
               (name, complete_name, active, type, phone, user_id, create_date, write_date)
        SELECT 'Caller ' || i, 'Caller ' || i, TRUE, 'contact',
               '+91 ' || (%(first)s + i), (%(users)s::int[])[1 + i %% %(count)s], now(), now()
          FROM generate_series(0, %(customers)s - 1) i
        """,
        {
            "first": FIRST_NUMBER,
            "users": users.ids,
            "count": len(users),
            "customers": customers,
        },
    )
    own.ccp_route_header = False
    # This database is a copy: its key did not sign the copied address
    own._ccp_renew_route_token()
    return Line(
        f"/airtel_ccp/route/{own.ccp_route_token}",
        own.id,
        {str(FIRST_NUMBER + i): users.ids[i % len(users)] for i in range(customers)},
    )


def _table_figures(stack: Stack, line: Line) -> list[Figure]:
    """Write the table on disk, and look each number up in it."""
    from odoo.addons.airtel_ccp.models import route_disk
    from odoo.addons.airtel_ccp.models.spool import spool_of

    with stack.env() as env:
        began = time.perf_counter()
        env["ccp.call"]._cron_build_route_table()
        seconds = time.perf_counter() - began
        spool = spool_of(env)
    table, key = route_disk.table_of(spool.folder), spool.key()
    wrong = 0
    for number, user_id in line.owners.items():
        found = table.find(key, line.company_id, number)
        wrong += [each.user_id for each in found[:1]] != [user_id]
    size = table.path.stat().st_size / len(line.owners)
    return [
        Figure("whom to ring: a number on disk", size, "bytes", 200),
        Figure("whom to ring: numbers on disk without their owner", wrong, "", 0),
        Figure("whom to ring: the table is made in", seconds, "s", note="in the background"),
    ]


@contextlib.contextmanager
def _stopped(stack: Stack) -> Iterator[None]:
    """Have PostgreSQL refuse all connections to the database."""
    allow = f'ALTER DATABASE "{stack.database}" ALLOW_CONNECTIONS'
    stack.query(f"{allow} false", database="postgres")
    try:
        stack.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            stack.database,
            database="postgres",
        )
        yield
    finally:
        stack.query(f"{allow} true", database="postgres")


@contextlib.contextmanager
def _unreachable(stack: Stack) -> Iterator[None]:
    """Have PostgreSQL accept connections and not answer, like a machine that is gone."""
    rows = stack.query("SELECT pid FROM pg_stat_activity", database="postgres")
    (folder,) = stack.query("SHOW data_directory", database="postgres")[0]
    server = int((Path(folder) / "postmaster.pid").read_text().split()[0])
    held = []
    try:
        for pid in [server, *(pid for (pid,) in rows)]:
            # A process that has ended holds up nobody
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                held.append(pid)
        yield
    finally:
        for pid in held:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _wrong_decisions(stack: Stack, line: Line, before: int, asked: int) -> int:
    """Return how many answers were not stored, or name another user than the customer's owner.

    :param before: the id of the last report before.
    """
    from odoo.addons.airtel_ccp.ccp.safe.decisions import Decisions
    from odoo.addons.airtel_ccp.models.spool import spool_of

    with stack.env() as env:
        disk = Decisions(spool_of(env).folder)

    def is_replayed():
        with stack.env() as env:
            env["ccp.call"]._cron_fold()
        return not disk.waiting()

    wait_until(is_replayed, SETTLE_SECONDS, "decisions stay on disk", pause=0.5)
    rows = stack.query(
        "SELECT payload FROM ccp_call_event WHERE kind = 'decision' AND id > %s", before
    )
    right = 0
    for (payload,) in rows:
        decision = json.loads(payload)
        rung = [each["user_id"] for each in decision["ring"][:1]]
        right += rung == [line.owners[decision["customer"]]]
    return abs(asked - len(rows)) + len(rows) - right
