"""Two servers on one PostgreSQL, compared with one server with as many workers."""

from __future__ import annotations

import collections
import contextlib
import itertools
import json
import os
import re
import signal
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import psutil

from . import click, company
from .airtel import Airtel
from .figures import Figure
from .fold import insert_reports
from .load import Generator, Job, request_bytes
from .measure import median_ratio, percentile
from .panel import Browser
from .stack import Odoo, Stack, cpu_seconds, wait_until

AIRTEL_SECONDS = 0.3
CONNECTIONS = 8
REPORTS = 8
# More than two workers can answer in one slice
MOST_A_SECOND = 1500
FOLD_SECONDS = 120
ASKED_SECONDS = 20
TABLES = ("ccp_call", "ccp_call_event", "mail_message")
FOLDING = "SELECT res_id FROM ir_model_data WHERE name = 'ir_cron_fold_reports'"
REPLAYS = ("SerializationFailure", "could not serialize", "deadlock")
_RUN = re.compile(
    r"^(\S+ \S+) \d+ INFO \S+ odoo\.addons\.base\.models\.ir_cron: "
    r"Job '.*' \((\d+)\) (starting|(?:fully|partially) done|failed)",
    re.MULTILINE,
)


def run(stack: Stack, quick: bool) -> list[Figure]:
    """Store, fold, click and notify with two servers; then measure a call's size in the database.

    :raises RuntimeError: when a report is lost or stored twice, or a click does not place exactly
        one call
    """
    with stack.env() as env:
        calls = company.make_calls(env, 100)
        story = company.story(env)[-REPORTS:]
    # With this many cron workers, two of one server may fold
    with stack.odoo(workers=2, cron=3) as first, stack.odoo(workers=2, cron=3) as second:
        with Generator() as one, Generator() as other:
            with stack.odoo(workers=4, cron=2) as single:
                figures = _store(stack, (one, other), single, (first, second), calls, story, quick)
            with Airtel(AIRTEL_SECONDS) as airtel:
                figures += _click_at_once(stack, airtel, (one, other), (first, second), quick)
                figures += _report_elsewhere(
                    stack, airtel, (one, other), (first, second), story, quick
                )
        figures += _fold(stack, first, second, story, quick)
    return figures + _room(stack, story, quick) + _commits(stack, quick)


# Storing


def _store(stack, generators, single, pair, calls, story, quick) -> list[Figure]:
    """Send reports to one server and to two in turn, as fast as they accept them."""
    rounds, seconds = (3, 1) if quick else (12, 3)
    serial = itertools.count()
    speeds, cpu, wal, polled, postgres = {1: [], 2: []}, {1: [], 2: []}, [], [], []
    cron_pids = [pid for server in (single, *pair) for pid in server.cron_pids()]
    with _folding_off(stack):
        for number in range(-1, rounds):
            for servers in ((single, single), pair)[:: 1 if number % 2 else -1]:
                different = len(set(servers))
                jobs = [
                    Job(
                        server.port,
                        _reports(calls, story, serial, MOST_A_SECOND * seconds),
                        connections=CONNECTIONS // 2,
                        seconds=seconds,
                    )
                    for server in servers
                ]
                before = _cpu(servers), stack.stored(), _written(stack)
                idle = time.monotonic(), sum(map(cpu_seconds, cron_pids))
                backends = _backends(stack)
                under_way = [each.start(job) for each, job in zip(generators, jobs, strict=True)]
                outcomes = [each.result() for each in under_way]
                accepted = sum(outcome.accepted for outcome in outcomes)
                sent = sum(len(outcome.statuses) for outcome in outcomes)
                stored = stack.stored() - before[1]
                if not sent == accepted == stored:
                    raise RuntimeError(f"{sent} sent, {accepted} answered 200, {stored} stored")
                # The first round fills caches
                if number >= 0:
                    speeds[different].append(sum(outcome.per_second for outcome in outcomes))
                    cpu[different].append((_cpu(servers) - before[0]) / accepted)
                    wal.append((_written(stack) - before[2]) / accepted)
                    used = sum(map(cpu_seconds, cron_pids)) - idle[1]
                    after = _backends(stack)
                    postgres.append(
                        sum(after[pid] - backends.get(pid, 0) for pid in after) / accepted
                    )
                    polled.append(used / (time.monotonic() - idle[0]) / len(cron_pids))
        connections = len(_backends(stack))
    # Only storing is measured, not folding
    stack.query("UPDATE ccp_call_event SET folded = true WHERE folded IS NOT TRUE")
    note = f"{CONNECTIONS} requests at once, {rounds} pairs of {seconds} s in turn"
    return [
        Figure(
            "reports a second: two servers with two workers each, to one with four",
            median_ratio(list(zip(speeds[2], speeds[1], strict=True))),
            "times",
            note=note,
        ),
        *(
            Figure(f"a second, over {name}", statistics.median(speeds[each]), "reports/s")
            for each, name in ((1, "one server"), (2, "two servers"))
        ),
        *(
            Figure(f"worker CPU of a report, {name}", statistics.fmean(cpu[each]) * 1000, "ms")
            for each, name in ((1, "one server"), (2, "two servers"))
        ),
        Figure(
            "PostgreSQL's CPU of a report",
            statistics.fmean(postgres) * 1000,
            "ms",
            note="of the processes that serve Odoo; the one that writes the WAL is not among them",
        ),
        Figure("two servers: reports lost, or doubled", 0, "", 0),
        Figure(
            "a cron worker that is woken and finds nothing to do",
            100 * statistics.fmean(polled),
            "%",
            note="of one core, while reports wake it as often as they can",
        ),
        Figure("WAL of a report stored", statistics.median(wal) / 1024, "kB"),
        Figure(
            "PostgreSQL connections that stay open",
            connections,
            note="three servers with eight workers and eight cron workers in all",
        ),
    ]


def _reports(calls, story, serial, count):
    """Return different reports, of one call after another."""
    return [
        calls[number % len(calls)].request(company.unlike(story[number % len(story)], next(serial)))
        for number in range(count)
    ]


@contextlib.contextmanager
def _folding_off(stack):
    switch = f"UPDATE ir_cron SET active = %s WHERE id = ({FOLDING})"
    stack.query(switch, False)
    try:
        yield
    finally:
        stack.query(switch, True)


def _cpu(servers):
    return sum(server.cpu_seconds() for server in set(servers))


def _backends(stack):
    """Return the CPU seconds of each of PostgreSQL's processes for Odoo so far."""
    rows = stack.query(
        "SELECT pid FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND application_name LIKE 'odoo-%'"
    )
    found = {}
    for (pid,) in rows:
        # A connection may have ended
        with contextlib.suppress(psutil.NoSuchProcess):
            found[pid] = cpu_seconds(pid)
    return found


def _written(stack):
    """Return how many bytes of WAL the PostgreSQL server has written so far."""
    return int(stack.query("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")[0][0])


# Clicks


def _click_at_once(stack, airtel, generators, pair, quick) -> list[Figure]:
    """Have each rep click on two leads, at both servers at the same time, in one session."""
    reps = 3 if quick else click.REPS
    leads = click.prepare(stack, airtel.url, 2 * reps)
    for number in range(reps):
        session = company.log_in(pair[0], number)
        requests = [
            company.click_request(session, lead_id)
            for lead_id, _number in leads[2 * number : 2 * number + 2]
        ]
        under_way = [
            each.start(Job(server.port, [request]))
            for each, server, request in zip(generators, pair, requests, strict=True)
        ]
        statuses = [each.result().statuses for each in under_way]
        posts, placed = len(airtel.seen()), click.end_calls(stack)
        if statuses != [[200], [200]] or posts != 1 or placed != 1:
            raise RuntimeError(f"two clicks: answers {statuses}, {posts} POSTs, {placed} calls")
    airtel.asked()
    note = f"{reps} reps, whose session both servers know"
    return [
        Figure("two clicks of a rep at once, on two servers: calls placed", 1, "", 1, note=note)
    ]


def _report_elsewhere(stack, airtel, generators, pair, story, quick) -> list[Figure]:
    """Click on the first server; its reports come to the second, half before Airtel's answer."""
    rounds = 3 if quick else 30
    first, second = pair
    with stack.env() as env:
        users = company.set_up(env, airtel.url)
        leads = company.make_leads(env, rounds, users[:1])
    # Logged in at the other server: sessions must be shared
    session = company.log_in(second, 0)
    bodies = [json.dumps(each).encode() for each in story]
    delays = []
    with Browser(first, session) as browser:
        for lead_id in leads:
            request = company.click_request(session, lead_id)
            clicked = generators[0].start(Job(first.port, [request]))
            # While Airtel holds the click's request
            (asked,) = wait_until(airtel.asked, ASKED_SECONDS, "no click reached Airtel", 0.01)
            reports = [request_bytes(asked["path"], body, asked["headers"]) for body in bodies]
            half = len(reports) // 2
            early = generators[1].send(Job(second.port, reports[:half], connections=1))
            if clicked.done():
                raise RuntimeError("the reports came after Airtel's answer")
            answered = clicked.result().statuses
            late = generators[1].send(Job(second.port, reports[half:-1], connections=1))
            sent = time.perf_counter()
            last = generators[1].send(Job(second.port, reports[-1:]))
            ((call_id,),) = stack.query("SELECT max(id) FROM ccp_call")
            delays.append(browser.told(call_id, "ended") - sent)
            statuses = [*answered, *early.statuses, *late.statuses, *last.statuses]
            _check_call(stack, call_id, statuses)
            if len(airtel.seen()) != 1:
                raise RuntimeError("a click did not send one POST")
    note = f"{rounds} calls; clicked and watched on one server, reported to the other"
    return [
        Figure("report at the other server, to panel: p50", percentile(delays, 0.5) * 1000, "ms"),
        Figure("report at the other server, to panel: most", max(delays) * 1000, "ms", note=note),
    ]


def _check_call(stack, call_id, statuses):
    if set(statuses) != {200}:
        raise RuntimeError(f"answered {statuses}")
    found = stack.query(
        "SELECT state, result, live, (SELECT count(*) FROM ccp_call_event WHERE call_id = call.id)"
        " FROM ccp_call call WHERE id = %s",
        call_id,
    )
    if found != [("ended", "connected", False, REPORTS)]:
        raise RuntimeError(f"the call is {found}")


# Folding


def _fold(stack, first, second, story, quick) -> list[Figure]:
    """Fold with one server's cron workers, with two servers', and with two actions at once."""
    calls, rounds = (200, 1) if quick else (500, 5)
    speeds = collections.defaultdict(list)
    most = collections.Counter()
    replays = 0
    with stack.env() as env:
        names = ("ir_cron_fold_reports", "ir_cron_fold_reports_2")
        actions = [env.ref(f"airtel_ccp.{name}").id for name in names]
        usual = env["res.config.settings"].create({}).ccp_fold_actions
    try:
        for number in range(-1, rounds):
            ways = (("one", 1), ("two", 1), ("two", 2))
            for way in ways[:: 1 if number % 2 else -1]:
                workers, count = way
                made = _pend(stack, 20 if number < 0 else calls, story)
                logs = [_Tail(first), _Tail(second)]
                pause = _paused(stack, second) if workers == "one" else contextlib.nullcontext()
                with pause:
                    seconds = _fold_by_cron(stack, actions[0], count)
                _check_folded(stack, made)
                texts = [log.read() for log in logs]
                replays += count == 2 and sum(
                    text.count(word) for text in texts for word in REPLAYS
                )
                if number >= 0:
                    speeds[way].append(len(made) * REPORTS / seconds)
                    most[way] = max(most[way], _at_once(texts, actions))
    finally:
        _switch(stack, usual)
    alone = speeds["one", 1]
    note = f"{calls} calls with {REPORTS} reports each, {rounds} times in turn"
    return [
        Figure(
            "reports folded a second by one scheduled action",
            statistics.median(alone),
            "reports/s",
            note=note,
        ),
        Figure(
            "folded by one action, two servers with cron workers, to one",
            median_ratio(list(zip(speeds["two", 1], alone, strict=True))),
            "times",
        ),
        Figure("one action, two servers: folding at once, at most", most["two", 1]),
        Figure(
            "reports folded a second by two actions, to one",
            median_ratio(list(zip(speeds["two", 2], alone, strict=True))),
            "times",
            1.6,
            True,
            "the first one asks the other for help",
        ),
        Figure("two actions: folding at once, at most", most["two", 2]),
        Figure("two actions: serialization failures in the log", replays),
    ]


def _pend(stack, count, story):
    """Create calls with all their reports, not folded; return the calls' ids."""
    with stack.env() as env:
        calls = company.make_calls(env, count)
        insert_reports(env, calls, story)
        return [call.id for call in calls]


def _switch(stack, count):
    """Set how many actions fold, as an administrator does."""
    with stack.env() as env:
        env["res.config.settings"].create({}).ccp_fold_actions = count


def _fold_by_cron(stack, action, count):
    """Trigger the first action and return the seconds until the last call is folded."""
    _switch(stack, count)
    began = time.monotonic()
    stack.trigger([action])
    with stack.connect() as connection, connection.cursor() as cursor:

        def is_folded():
            cursor.execute("SELECT EXISTS (SELECT FROM ccp_call_event WHERE folded IS NOT TRUE)")
            return not cursor.fetchone()[0]

        wait_until(is_folded, FOLD_SECONDS, "the scheduled action does not fold", pause=0.02)
        seconds = time.monotonic() - began
    # Waits until the actions have ended
    stack.query("SELECT FROM ir_cron FOR UPDATE")
    return seconds


def _check_folded(stack, ids):
    """Check that each call is folded once, with one card on its lead and one on its contact."""
    ((ended, cards),) = stack.query(
        "SELECT (SELECT count(*) FROM ccp_call WHERE id = ANY(%s) AND state = 'ended'),"
        " (SELECT count(*) FROM ccp_call_card_message_rel WHERE call_id = ANY(%s))",
        ids,
        ids,
    )
    if ended != len(ids) or cards != 2 * len(ids):
        raise RuntimeError(f"of {len(ids)} calls {ended} ended, with {cards} cards")


@contextlib.contextmanager
def _paused(stack: Stack, odoo: Odoo):
    """Hold a server's cron workers for less than the two minutes after which Odoo ends them."""
    while True:
        pids = odoo.cron_pids()
        _signal(pids, signal.SIGSTOP)
        try:
            free = stack.query("SELECT id FROM ir_cron FOR UPDATE SKIP LOCKED")
            if len(free) == stack.query("SELECT count(*) FROM ir_cron")[0][0]:
                yield
                return
        finally:
            _signal(pids, signal.SIGCONT)
        # One of them was running an action, which nobody else can take then
        time.sleep(0.1)


def _signal(pids, number):
    for pid in pids:
        os.kill(pid, number)


class _Tail:
    """A server's log from now on."""

    def __init__(self, odoo: Odoo):
        self._path = odoo.log
        self._start = odoo.log.stat().st_size

    def read(self):
        with self._path.open("rb") as file:
            file.seek(self._start)
            return file.read().decode(errors="replace")


def _at_once(texts, actions):
    """Return the highest number of simultaneous runs of some scheduled actions."""
    moments = []
    for text in texts:
        for at, action, what in _RUN.findall(text):
            if int(action) in actions:
                step = 1 if what == "starting" else -1
                moments.append((at, step))
    # In the same millisecond, ends come before starts
    return max(itertools.accumulate(step for _at, step in sorted(moments)), default=0)


# What stays in the database


def _room(stack, story, quick) -> list[Figure]:
    """Measure a call's size on disk and in the WAL, with the room of dead rows being reused."""
    count, rounds = (100, 3) if quick else (1000, 5)
    grown = collections.defaultdict(list)
    wal = []
    # Without free room from earlier parts, which would be filled first
    stack.query(f"VACUUM FULL {', '.join(TABLES)}")
    for number in range(rounds):
        stack.query(f"VACUUM {', '.join(TABLES)}")
        sizes = {"calls": _sizes(stack)}
        _pend(stack, count, story)
        sizes["reports"] = _sizes(stack)
        written = _written(stack)
        with stack.env() as env:
            env["ccp.call"]._cron_fold()
        wal.append((_written(stack) - written) / count)
        after = _sizes(stack)
        # In the first round there is no room to reuse
        if number:
            for table in TABLES:
                # Leads have messages of their own, from before the fold
                before = sizes["reports" if table == "mail_message" else "calls"]
                grown[table].append((after[table] - before[table]) / count)
    step_count = count // 4
    with stack.env() as env:
        stepwise = company.make_calls(env, step_count)
    written = 0
    for report in story:
        with stack.env() as env:
            insert_reports(env, stepwise, [report])
        written -= _written(stack)
        with stack.env() as env:
            env["ccp.call"]._cron_fold()
        written += _written(stack)
    note = f"indexes and TOAST included, {REPORTS} reports a call, {count} calls, {rounds} rounds"
    return [
        *(
            Figure(
                f"room of a call: {table}", statistics.fmean(grown[table]) / 1024, "kB", note=note
            )
            for table in TABLES
        ),
        Figure("WAL of a call folded once", statistics.median(wal) / 1024, "kB"),
        Figure(
            "WAL of a call folded after each report",
            written / step_count / 1024,
            "kB",
            note=f"{REPORTS} times",
        ),
    ]


def _sizes(stack):
    return {
        table: stack.query("SELECT pg_total_relation_size(%s)", table)[0][0] for table in TABLES
    }


def _commits(stack, quick) -> list[Figure]:
    """Measure how many durable commits per second this disk can do without other work."""
    seconds = 1 if quick else 5
    return [
        Figure(f"durable commits a second, {name}", _commit_speed(stack, count, seconds), "")
        for count, name in ((1, "one connection"), (CONNECTIONS, f"{CONNECTIONS} connections"))
    ]


def _commit_speed(stack, connections, seconds):
    def commit(_number):
        done = 0
        with stack.connect() as connection, connection.cursor() as cursor:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                # WAL of about a report's size, without a row
                cursor.execute("SELECT pg_logical_emit_message(true, 'bench', repeat('x', 2000))")
                done += 1
        return done

    with ThreadPoolExecutor(connections) as pool:
        return sum(pool.map(commit, range(connections))) / seconds
