"""The stack that is measured: the databases, and Odoo as it is deployed."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from ..lab import odoo as lab
from ..machine.services import HOST

MEGABYTE = 1024 * 1024
T = TypeVar("T")
# Odoo's option that leaves the addon out of server_wide_modules
NOT_SERVER_WIDE = ("--load=base,rpc,web",)
_DUE = """
    SELECT count(*)
      FROM ir_cron action
     WHERE action.active
       AND (action.nextcall <= now() AT TIME ZONE 'UTC'
            OR EXISTS (SELECT FROM ir_cron_trigger asked
                        WHERE asked.cron_id = action.id
                          AND asked.call_at <= now() AT TIME ZONE 'UTC'))
"""


@dataclass(frozen=True)
class Stack:
    """Where everything is.

    :param config: Odoo's configuration file; its ``db_name`` is ``database``.
    :param database: with the addon, Odoo's SMS addon and what else is compared.
    :param plain: the same without the addon.
    :param server_log: the log of the PostgreSQL server.
    :param folder: for logs and other files, removed after the run.
    """

    config: Path
    database: str
    plain: str
    server_log: Path
    folder: Path

    def odoo(
        self,
        *,
        workers: int = 4,
        cron: int = 0,
        database: str | None = None,
        options: tuple[str, ...] = (),
    ) -> Odoo:
        """Describe a running Odoo; it runs while it is used as a context manager.

        :param workers: for requests; 0 means one process with threads.
        :param cron: how many workers run scheduled actions.
        :param database: by default the one with the addon.
        :param options: further words of the command.
        """
        return Odoo(
            self.config,
            database or self.database,
            self.folder,
            workers=workers,
            cron=cron,
            options=options,
        )

    def connect(self, database: str | None = None):
        """Open a connection to a database, each statement committed at once."""
        return lab.connect(database or self.database)

    def query(self, sql: str, *params, database: str | None = None) -> list[tuple]:
        """Run one statement, commit it, and return its rows."""
        return lab.query(database or self.database, sql, *params)

    def stored(self) -> int:
        """Return how many reports are stored."""
        return self.query("SELECT count(*) FROM ccp_call_event")[0][0]

    def unfolded(self) -> int:
        """Return how many reports are not folded."""
        return self.query("SELECT count(*) FROM ccp_call_event WHERE folded IS NOT TRUE")[0][0]

    def to_fold(self) -> int:
        """Return how many reports could be folded now.

        Left out are those that wait because a company has had too many incoming calls in a minute.
        """
        waiting = "folded IS NOT TRUE AND (call_id IS NOT NULL OR match_date IS NULL)"
        return self.query(f"SELECT count(*) FROM ccp_call_event WHERE {waiting}")[0][0]

    def trigger(self, actions: Sequence[int]) -> None:
        """Have scheduled actions run at once."""
        self.query(
            "INSERT INTO ir_cron_trigger (cron_id, call_at)"
            " SELECT unnest(%s), clock_timestamp() AT TIME ZONE 'UTC'",
            list(actions),
        )
        wake_workers(self.database)

    def env(self, database: str | None = None):
        """Open a superuser's environment in this process; commits at its end."""
        return lab.environment(database or self.database)


class Odoo(lab.Odoo):
    """One running Odoo whose workers are all there, and whose scheduled actions have run."""

    def start(self) -> None:
        """Start it, wait until every process serves, and until no scheduled action is due.

        A worker for them sleeps a minute before it looks for the first time, and a trigger that
        waits from before keeps the addon from waking it.
        """
        super().start()
        if not self.cron:
            return

        def none_is_due():
            wake_workers(self.database)
            return not self.query(_DUE)[0][0]

        wait_until(none_is_due, lab.START_SECONDS, "scheduled actions do not run", pause=0.5)

    def _is_whole(self) -> bool:
        if not self.workers:
            return True
        with contextlib.suppress(OSError):
            with socket.create_connection((HOST, self.gevent_port), 5):
                return len(self.http_pids()) == self.workers
        return False

    def cpu_seconds(self) -> float:
        """Return how long the processes that answer requests have computed so far."""
        return sum(cpu_seconds(pid) for pid in self.http_pids())


def wake_workers(database: str) -> None:
    """Have the workers of scheduled actions look what is due."""
    lab.query("postgres", "SELECT pg_notify('cron_trigger', %s)", database)


def cpu_seconds(pid: int) -> float:
    """Return how long a process has computed so far, threads that ended included, to 10 ms."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def wait_until(condition: Callable[[], T], seconds: float, failure: str, pause: float = 0.05) -> T:
    """Wait until a condition holds, and return what it returned.

    :param pause: seconds between two looks.
    :raises TimeoutError: when that takes too long.
    """
    until = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > until:
            raise TimeoutError(failure)
        time.sleep(pause)
    return found
