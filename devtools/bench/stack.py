"""The stack that is measured: the databases, and Odoo as it is deployed."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from ..lab import odoo as lab
from ..machine.services import HOST

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
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
        until = time.monotonic() + lab.START_SECONDS
        while self.query(_DUE)[0][0]:
            if time.monotonic() > until:
                raise TimeoutError("scheduled actions do not run")
            self.query("SELECT pg_notify('cron_trigger', %s)", self.database, database="postgres")
            time.sleep(0.5)

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


def cpu_seconds(pid: int) -> float:
    """Return how long a process has computed so far, threads that ended included, to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def private_bytes(pid: int) -> int:
    """Return the memory that a process shares with nobody."""
    return _rollup(pid, ("Private_Clean", "Private_Dirty"))


def proportional_bytes(pid: int) -> int:
    """Return a process's memory, what it shares counted in equal parts."""
    return _rollup(pid, ("Pss",))


def resident_bytes(pid: int) -> int:
    """Return the memory that a process uses, shared or not."""
    return _rollup(pid, ("Rss",))


def _rollup(pid: int, names: tuple[str, ...]) -> int:
    total = 0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _colon, rest = line.partition(":")
        if name in names:
            total += int(rest.split()[0]) * 1024
    return total
