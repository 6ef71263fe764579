"""One running Odoo, as it is deployed: for tests, benchmark and fault suite."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import psycopg2

from ..machine.errors import ToolError
from ..machine.process import end_group, start_group
from ..machine.services import HOST, free_port
from .session import NoAnswerError, Session

START_SECONDS = 240
STOP_SECONDS = 20
RUN_SECONDS = 600
# With workers, Odoo starts itself again from a file
_LAUNCHER = "from odoo.cli import main; main()\n"


class Odoo:
    """An Odoo server in a process group of its own; it runs while used as a context manager."""

    # The page whose answer says that it serves
    page = "/web/login"

    def __init__(
        self,
        config: Path | str,
        database: str,
        folder: Path,
        *,
        workers: int = 0,
        cron: int = 1,
        others: Sequence[str] = (),
        options: Sequence[str] = (),
    ):
        """Choose the ports; nothing is started.

        :param config: Odoo's configuration file.
        :param folder: where the log and the launcher are written.
        :param workers: processes for requests; 0 means one process with threads.
        :param cron: workers, or threads, for scheduled actions.
        :param others: names of databases that it serves too.
        :param options: further words of the command.
        """
        self.database = database
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.workers = workers
        self.cron = cron
        # Websockets: with threads the same port, else that of a process of its own
        self._own_gevent_port = free_port()
        self.gevent_port = self._own_gevent_port if workers else self.port
        self.log = folder / f"odoo-{self.port}.log"
        self.process: subprocess.Popen | None = None
        launcher = folder / "launcher.py"
        launcher.write_text(_LAUNCHER)
        self._base = [sys.executable, str(launcher), f"--config={config}"]
        self._words = [
            f"--database={','.join([database, *others])}",
            f"--db-filter=^({'|'.join([database, *others])})$",
            f"--http-port={self.port}",
            f"--gevent-port={self._own_gevent_port}",
            f"--http-interface={HOST}",
            f"--workers={workers}",
            f"--max-cron-threads={cron}",
            "--log-level=info",
            *options,
        ]

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_exception) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process, and wait until it serves.

        :raises ToolError: when it ends, or does not serve in time; with the end of its log.
        """
        self.spawn()
        self.wait_until_serving()

    def spawn(self, **environ: str) -> None:
        """Start the process.

        :param environ: variables that it gets beside those of this process.
        """
        with self.log.open("ab") as log:
            self.process = start_group([*self._base, *self._words], log, {**os.environ, **environ})

    def wait_until_serving(self) -> None:
        """Wait until a page is answered.

        :raises ToolError: when that takes too long, or the process ended.
        """
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            self._require_alive()
            with contextlib.suppress(NoAnswerError):
                if self._is_whole() and Session(self.url).get(self.page).status == 200:
                    return
            time.sleep(0.2)
        raise ToolError(f"Odoo does not serve:\n{self.read_log()[-4000:]}")

    def _require_alive(self) -> None:
        if self.process.poll() is not None:
            raise ToolError(f"Odoo ended while starting:\n{self.read_log()[-4000:]}")

    def _is_whole(self) -> bool:
        """Whether every process is there that a page does not ask for."""
        return True

    def stop(self) -> None:
        """End the process and all that it started, in order if it can."""
        if self.process:
            end_group(self.process, signal.SIGTERM, STOP_SECONDS)

    def kill(self) -> None:
        """End the process and all that it started at once, as a loss of power would."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(STOP_SECONDS)

    def run(self, *words: str) -> str:
        """Run Odoo once on the database, without serving, and return what it logged.

        :param words: further words of the command, such as ``--update=airtel_ccp``.
        :raises ToolError: when it fails.
        """
        command = [*self._base, f"--database={self.database}", "--no-http", "--stop-after-init"]
        result = subprocess.run(
            [*command, *words], capture_output=True, text=True, timeout=RUN_SECONDS
        )
        if result.returncode:
            raise ToolError(f"Odoo failed:\n{result.stderr[-4000:]}")
        return result.stderr

    def read_log(self) -> str:
        """Return all that the processes logged."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def http_pids(self) -> list[int]:
        """Return the processes that answer requests."""
        return self._pids("WorkerHTTP") if self.workers else [self.process.pid]

    def cron_pids(self) -> list[int]:
        """Return the workers that run scheduled actions."""
        return self._pids("WorkerCron")

    def _pids(self, kind: str) -> list[int]:
        found = re.findall(rf"Worker {kind} \((\d+)\) alive", self.read_log())
        return [pid for pid in map(int, found) if psutil.pid_exists(pid)]

    def query(self, sql: str, *params, database: str | None = None) -> list[tuple]:
        """Run one statement in a database, by default the server's own; see :func:`query`."""
        return query(database or self.database, sql, *params)


@contextlib.contextmanager
def connect(database: str) -> Iterator[psycopg2.extensions.connection]:
    """Open a connection to a database, each statement committed at once.

    Where the server is, PostgreSQL's own variables say (``PGHOST`` and its like).
    """
    with contextlib.closing(psycopg2.connect(dbname=database)) as connection:
        connection.autocommit = True
        yield connection


def query(database: str, sql: str, *params) -> list[tuple]:
    """Run one statement in a database, commit it, and return its rows."""
    with connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def environment(database: str):
    """Open a superuser's environment in this process; commits at its end."""
    # Odoo takes seconds to import, and a load generator does without
    import odoo
    from odoo.modules.registry import Registry

    with Registry(database).cursor() as cr:
        yield odoo.api.Environment(cr, odoo.SUPERUSER_ID, {})
