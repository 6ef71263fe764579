"""``python -m devtools.chaos``: one run of the fault suite; see ``make chaos``."""

from __future__ import annotations

import argparse
import collections
import contextlib
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import odoo
from odoo.modules.registry import Registry
from odoo.tools import config as odoo_config

from sandbox.server import Sandbox

from ..lab.odoo import environment
from ..machine.layout import LAYOUT
from ..machine.postgres import Cluster
from .callers import Callers, open_line
from .crowds import Crowds
from .relay import REPEATS_AT_ONCE, WEIGHTS, Relay
from .reps import Clicks, set_up
from .stack import Odoo, Postgres
from .storm import AWAY, FOLDERS, KILLS, Storm
from .storm import WEIGHTS as FAULTS

COMPANIES = ("North", "South")
REPS = 5
SPEED = 40
POISON = "chaos-poison"
LATER_SECONDS = 3 * 24 * 3600
# When every notify URL has ended
MUCH_LATER_SECONDS = 40 * 24 * 3600
SETTLE_SECONDS = 240
# Of a flood, for each call of the run
REPORTS_OF_A_FLOOD = 10
ACTIONS = (*FOLDERS, "notify", "end_silent_calls", "fetch_recordings", "measure_calls")
BUSY = "while True: pass"
# Half as many customers call as leads are called, in about the same time
CALLER_PAUSE_SECONDS = 1.5


def main():
    """Run once, print the faults and what they did.

    :return: 0 when nothing was lost, doubled or mixed up, else 1
    """
    parser = argparse.ArgumentParser(prog="python -m devtools.chaos", description=__doc__)
    parser.add_argument("--cluster", required=True, help="name of the leased cluster")
    parser.add_argument("--database", required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--away", type=float, default=60, help="seconds without PostgreSQL")
    parser.add_argument("--pause", type=float, default=2.0, help="mean seconds between faults")
    options = parser.parse_args()
    logging.getLogger("sandbox").setLevel(logging.ERROR)
    folder = Path(tempfile.mkdtemp(prefix="airtel-ccp-chaos-"))
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_load(int(os.environ.get("LOAD") or 0)))
        is_whole = _run(options, folder, stack)
    print(f"{time.monotonic() - began:.0f} seconds", flush=True)
    if is_whole:
        shutil.rmtree(folder)
    else:
        print(f"Odoo's log: {folder}")
    return 0 if is_whole else 1


@contextlib.contextmanager
def _load(count):
    """Keep so many processes busy beside the stack."""
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _number in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def _run(options, folder, stack):
    odoo_config.parse_config(["--config", options.config, "--log-level=error"])
    from .audit import active_actions

    rng = random.Random(options.seed)
    sandboxes = {
        name: stack.enter_context(
            Sandbox(
                port=0,
                speed=SPEED,
                seed=rng.getrandbits(32),
                customer_id=f"CUSTOMER-{name}",
                callback_attempts=1,
            )
        )
        for name in COMPANIES
    }
    odoo_server = Odoo(options.config, options.database, folder)
    relay = stack.enter_context(Relay(odoo_server.url, rng.getrandbits(32), POISON))
    calls = -(-options.calls // (REPS * len(COMPANIES)))
    with environment(options.database) as env:
        reps = [
            rep
            for name, sandbox in sandboxes.items()
            for rep in set_up(env, name, sandbox, relay.url, REPS, calls, rng)
        ]
        incoming = -(-options.calls // (2 * len(COMPANIES)))
        lines = [
            open_line(env, name, sandbox, relay, position, incoming)
            for position, (name, sandbox) in enumerate(sandboxes.items(), 1)
        ]
        # As minutes after the set-up: while PostgreSQL is away, a server answers callers by it
        env["ccp.call"]._cron_build_route_table()
        active = active_actions(env)
    _forget(options.database)
    postgres = Postgres(Cluster(LAYOUT, options.cluster), options.database)
    # In a copied database PostgreSQL's sequences go back if it crashes before the next one
    postgres.query("CHECKPOINT")
    stack.enter_context(odoo_server)
    clicks = Clicks(odoo_server.url, options.database, reps, options.seed)
    crowds = Crowds(
        odoo_server.url,
        options.database,
        relay,
        postgres,
        REPORTS_OF_A_FLOOD * options.calls,
        rng.getrandbits(32),
    )
    storm = Storm(
        odoo_server,
        postgres,
        crowds,
        _spool(options.database).folder,
        rng.getrandbits(32),
        options.away,
        options.pause,
    )
    callers = Callers(lines, rng.getrandbits(32), CALLER_PAUSE_SECONDS)
    with storm, callers:
        clicks.start()
        clicks.wait(60 + options.away + 6 * options.calls)
    _settle(odoo_server, postgres, sandboxes, relay, options.database)
    odoo_server.control(clock=MUCH_LATER_SECONDS)
    crowds.late = crowds.post_late()
    odoo_server.__exit__()
    return _report(options, sandboxes, lines, relay, clicks, crowds, odoo_server, storm, active)


def _spool(database):
    from odoo.addons.airtel_ccp.ccp.safe.spool import Spool
    from odoo.addons.airtel_ccp.models.spool import root

    return Spool(root() / database)


def _settle(odoo_server, postgres, sandboxes, relay, database):
    """Wait until all is told; then let days pass, so that every deadline is over."""
    odoo_server.wait_until_serving()
    for sandbox in sandboxes.values():
        sandbox.wait_idle(SETTLE_SECONDS)
    relay.wait_until_delivered(SETTLE_SECONDS)
    _wait_until_folded(postgres, database)
    odoo_server.control(poison=False, clock=LATER_SECONDS)
    _wait_until_folded(postgres, database)
    relay.release()
    relay.wait_until_delivered(SETTLE_SECONDS)
    _wait_until_folded(postgres, database)


def _wait_until_folded(postgres, database):
    """Have the scheduled actions run until nothing is left for them.

    :raises TimeoutError: when that takes too long
    """
    until = time.monotonic() + SETTLE_SECONDS
    quiet = 0
    while quiet < 3:
        if time.monotonic() > until:
            raise TimeoutError(f"reports or recordings are left over: {_open_work(postgres)}")
        with contextlib.suppress(Exception):
            postgres.wake(ACTIONS)
        time.sleep(1)
        quiet = quiet + 1 if not any(_open_work(postgres)) else 0


def _open_work(postgres):
    """Return how many calls, reports and recordings still wait for a scheduled action."""
    return postgres.query(
        """
        SELECT (SELECT count(*) FROM ccp_call_event e JOIN ccp_call c ON c.id = e.call_id
                 WHERE e.folded IS NOT TRUE AND c.fold_retry_date IS NULL),
               (SELECT count(*) FROM ir_cron_trigger
                 WHERE call_at < now() AT TIME ZONE 'UTC' - interval '3 seconds')
        """
    )[0]


def _forget(database):
    """Close all connections of this process, before the database goes away under it."""
    Registry.delete(database)
    odoo.sql_db.close_all()


def _report(options, sandboxes, lines, relay, clicks, crowds, odoo_server, storm, active):
    from .audit import SHOWN, Audit

    with environment(options.database) as env:
        spool = _spool(options.database)
        audit = Audit(
            env,
            sandboxes,
            lines,
            relay,
            clicks,
            crowds,
            odoo_server,
            spool,
            options.calls,
            active,
        )
        audit.run()
    hits = odoo_server.hits()
    struck = {*storm.counts, *(hit.removeprefix("killed: ") for hit in hits)}
    print(f"\nseed {options.seed}")
    rows = [(name, hits.count(name)) for name in sorted(set(hits))]
    rows += sorted(storm.counts.items())
    rows += [(f"report {name}", relay.counts[name]) for name in WEIGHTS if name != "at once"]
    for name, sandbox in sandboxes.items():
        for script in sorted({str(entry["script"]) for entry in sandbox.calls()}):
            if script != "connects":
                found = sum(entry["script"] == script for entry in sandbox.calls())
                rows.append((f"{name}: call that {script}", found))
        came = collections.Counter(entry["script"] for entry in sandbox.incoming_calls())
        rows += [(f"{name}: call that came in, {script}", came[script]) for script in sorted(came)]
    width = max(len(name) for name, _count in rows)
    print("\n".join(f"  {name:<{width}}  {count:>5}" for name, count in rows))
    print(f"  (reports {REPEATS_AT_ONCE} times at once count once)")
    print("answers to reports:", dict(relay.statuses))
    print("answers to the question whom to ring:", dict(relay.asked))
    print("those answered 200, by their way:", dict(sorted(relay.came.items())))
    print("what reps saw:", dict(clicks.outcomes))
    for name, statuses in crowds.statuses.items():
        print(f"answers to {name}:", dict(statuses))
    waits = {name: round(seconds, 1) for name, seconds in crowds.waits.items()}
    answers = {name: round(seconds, 1) for name, seconds in crowds.answers.items()}
    print("seconds until others' reports were folded:", waits, "and answered:", answers)
    print("answers to reports after an address's end:", dict(crowds.late[0]))
    print("found:", audit.figures, f"Odoo started {odoo_server.starts} times")
    print("not struck:", [name for name in (AWAY, *FAULTS, *KILLS) if name not in struck])
    total = sum(map(len, audit.violations.values()))
    for rule, sentences in audit.violations.items():
        print(f"VIOLATED: {rule}: {len(sentences)}")
        print("\n".join(f"    {sentence}" for sentence in sentences[:SHOWN]))
    print(f"faults {sum(count for _name, count in rows)}, violations {total}, seed {options.seed}")
    return not total


if __name__ == "__main__":
    sys.exit(main())
