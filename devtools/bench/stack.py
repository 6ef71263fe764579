"""The stack that is measured: the databases, and Odoo as it is deployed."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from ..machine.services import free_port

START_SECONDS = 180
STOP_SECONDS = 20
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
_LAUNCHER = "from odoo.cli import main; main()\n"


@dataclass(frozen=True)
class Stack:
    """Where everything is.

    :param config: Odoo's configuration file; its ``db_name`` is ``database``.
    :param database: with the addon, Odoo's SMS addon and what else is compared.
    :param plain: the same without the addon.
    :param server_log: the log of the PostgreSQL server.
    :param folder: for logs and other files, removed after the run.
    """

    root: Path
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
        return Odoo(self, workers, cron, database or self.database, options)

    @contextlib.contextmanager
    def connect(self, database: str | None = None) -> Iterator[psycopg2.extensions.connection]:
        """Open a connection of our own to a database, each statement committed at once."""
        with contextlib.closing(psycopg2.connect(dbname=database or self.database)) as connection:
            connection.autocommit = True
            yield connection

    def query(self, sql: str, *params, database: str | None = None) -> list[tuple]:
        """Run one statement, commit it, and return its rows."""
        with self.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def env(self, database: str | None = None):
        """Open a superuser's environment in this process; commits at its end."""
        # Odoo takes seconds to import, and the load generator does without
        import odoo
        from odoo.modules.registry import Registry

        with Registry(database or self.database).cursor() as cr:
            yield odoo.api.Environment(cr, odoo.SUPERUSER_ID, {})


class Odoo:
    """One running Odoo, as it is deployed: ``db_name`` set, access log on, answers to one port."""

    def __init__(self, stack: Stack, workers: int, cron: int, database: str, options):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # Websockets: with threads the same port, else that of a process of its own
        self.gevent_port = free_port() if workers else self.port
        self.log = stack.folder / f"odoo-{self.port}.log"
        self.workers = workers
        self._stack = stack
        self._cron = cron
        self.database = database
        launcher = stack.folder / "launcher.py"
        launcher.write_text(_LAUNCHER)
        self._command = [
            sys.executable,
            str(launcher),
            f"--config={stack.config}",
            f"--database={database}",
            f"--db-filter=^{database}$",
            f"--http-port={self.port}",
            f"--gevent-port={self.gevent_port if workers else free_port()}",
            "--http-interface=127.0.0.1",
            f"--workers={workers}",
            f"--max-cron-threads={cron}",
            "--log-level=info",
            *options,
        ]
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> Odoo:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_serving()
            if self._cron:
                self._wait_until_actions_ran()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_exception) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        # What is left of the group would disturb whatever is measured next
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _wait_until_serving(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError(f"Odoo ended while starting:\n{self.read_log()[-4000:]}")
            if self._is_whole() and answers(f"{self.url}/web/login"):
                return
            time.sleep(0.2)
        raise TimeoutError(f"Odoo does not serve:\n{self.read_log()[-4000:]}")

    def _wait_until_actions_ran(self) -> None:
        """Have the scheduled actions that are due run.

        A worker for them sleeps a minute before it looks for the first time, and a trigger that
        waits from before keeps the addon from waking it.
        """
        until = time.monotonic() + START_SECONDS
        while self._stack.query(_DUE, database=self.database)[0][0]:
            if time.monotonic() > until:
                raise TimeoutError("scheduled actions do not run")
            self._stack.query(
                "SELECT pg_notify('cron_trigger', %s)", self.database, database="postgres"
            )
            time.sleep(0.5)

    def _is_whole(self) -> bool:
        """Tell whether every worker is there, and the process for websockets too."""
        if not self.workers:
            return True
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self.gevent_port), 5):
                return len(self.http_pids()) == self.workers
        return False

    def read_log(self) -> str:
        """Return all that the processes logged."""
        return self.log.read_text(errors="replace")

    def http_pids(self) -> list[int]:
        """Return the processes that answer requests."""
        if not self.workers:
            return [self._process.pid]
        return self._workers("WorkerHTTP")

    def cron_pids(self) -> list[int]:
        """Return the processes that run scheduled actions."""
        return self._workers("WorkerCron")

    def _workers(self, kind: str) -> list[int]:
        found = re.findall(rf"Worker {kind} \((\d+)\) alive", self.read_log())
        return [int(pid) for pid in found if Path(f"/proc/{pid}").exists()]

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


def answers(url: str) -> bool:
    """Tell whether a page is there."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status == 200
    except OSError:
        return False
