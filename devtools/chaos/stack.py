"""The stack under test: PostgreSQL, and Odoo with workers, started again whenever it ends."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg2
import requests

from ..machine.postgres import Cluster
from ..machine.services import free_port

START_SECONDS = 120
POINTS = Path(__file__).with_name("failpoints")
CALM = {"kill": {}, "clock": 0, "full": False, "poison": False}


class Odoo:
    """Odoo with two workers for requests and two for scheduled actions, under a supervisor."""

    def __init__(self, root, config, database, folder):
        """:param root: the repository
        :param config: Odoo's configuration file
        :param folder: where logs and the files of the points of failure lie
        """
        self.database = database
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        self.time_zone = "UTC"
        self.starts = 0
        self._root = root
        self._config = config
        self._gevent_port = free_port()
        self._log = folder / "odoo.log"
        self._launcher = folder / "launcher.py"
        self._launcher.write_text("from odoo.cli import main; main()\n")
        self._process = None
        self._wanted = threading.Event()
        self._lock = threading.Lock()
        self.control(**CALM)

    def control(self, **values):
        """Say where processes fail from now on; see the points of failure."""
        path = self.folder / "control.json"
        before = json.loads(path.read_text()) if path.exists() else {}
        part = path.with_suffix(".part")
        part.write_text(json.dumps({**before, **values}))
        part.replace(path)

    def __enter__(self):
        self._wanted.set()
        threading.Thread(target=self._supervise, daemon=True).start()
        self.wait_until_serving()
        return self

    def __exit__(self, *_exception):
        self._wanted.clear()
        with self._lock:
            self._signal_all(signal.SIGKILL)

    def _supervise(self):
        while self._wanted.is_set():
            with self._lock:
                if self._wanted.is_set() and (
                    not self._process or self._process.poll() is not None
                ):
                    # What is left of the group would keep the port
                    self._signal_all(signal.SIGKILL)
                    self._start()
            time.sleep(0.2)

    def _start(self):
        own = json.dumps(str(self._config))[1:-1]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    str(self._launcher),
                    f"--config={own}",
                    f"--database={self.database}",
                    f"--db-filter=^{self.database}$",
                    f"--http-port={self.url.rpartition(':')[2]}",
                    f"--gevent-port={self._gevent_port}",
                    "--http-interface=127.0.0.1",
                    "--workers=2",
                    "--max-cron-threads=2",
                    "--load=base,rpc,web,airtel_ccp,airtel_ccp_chaos",
                    "--log-level=info",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "TZ": self.time_zone, "CHAOS_FOLDER": str(self.folder)},
            )
        self.starts += 1

    def wait_until_serving(self):
        """Wait until a page is answered.

        :raises TimeoutError: when that takes too long
        """
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.url}/web/login", timeout=10).ok:
                    return
            time.sleep(0.2)
        raise TimeoutError(f"Odoo does not serve: see {self._log}")

    def restart(self, how, time_zone=None):
        """End everything at once or in order; the supervisor starts it again.

        :param int how: a signal
        :param str | None time_zone: that of the processes from then on
        """
        self.time_zone = time_zone or self.time_zone
        with self._lock:
            if how == signal.SIGKILL:
                self._signal_all(how)
            elif self._process:
                self._process.send_signal(how)

    def kill_worker(self, rng, kind):
        """Kill one worker.

        :param random.Random rng: chooses which
        :param str kind: ``WorkerHTTP`` or ``WorkerCron``
        :return: whether there was one
        """
        found = []
        for line in self.read_log().splitlines():
            name, mark, rest = line.partition(f"Worker {kind} (")
            if mark and rest.endswith(") alive"):
                found.append(int(rest.partition(")")[0]))
        children = set(self._children())
        alive = sorted(set(found) & children)
        if not alive:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice(alive), signal.SIGKILL)
        return True

    def _children(self):
        with contextlib.suppress(OSError, AttributeError):
            path = f"/proc/{self._process.pid}/task/{self._process.pid}/children"
            return [int(word) for word in Path(path).read_text().split()]
        return []

    def _signal_all(self, number):
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            if number == signal.SIGKILL:
                self._process.wait(30)

    def read_log(self):
        """Return all that the processes logged."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def hits(self):
        """Return the names of the points at which processes failed, one for each failure."""
        path = self.folder / "hits.log"
        return path.read_text().split("\n")[:-1] if path.exists() else []


class Postgres:
    """The database server, for as long as the leased cluster lives."""

    def __init__(self, cluster: Cluster, database: str):
        self._cluster = cluster
        self._database = database

    def away(self, seconds, crash=False):
        """Stop the server, and start it again.

        :param float seconds: how long it is away
        :param bool crash: whether it ends without a checkpoint, as if it had crashed
        """
        self._cluster.halt(crash=crash)
        time.sleep(seconds)
        self._cluster.resume()

    def drop_connections(self):
        """End every connection to the database."""
        self.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND pid != pg_backend_pid()",
            self._database,
        )

    def query(self, sql, *params):
        """Run one statement in the database, and return its rows."""
        with contextlib.closing(psycopg2.connect(dbname=self._database)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, params or None)
                return cursor.fetchall() if cursor.description else []


def choose(rng: random.Random, weights: dict[str, float]) -> str:
    """Return one of the keys, by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]
