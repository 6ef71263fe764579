"""The stack under test: PostgreSQL, and Odoo with workers, restarted whenever it ends."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import threading
import time

import psutil

from ..lab import odoo as lab
from ..machine.postgres import Cluster

CALM = {
    "kill": {},
    "clock": 0,
    "full": False,
    "poison": False,
    "notify": False,
    "database": 0,
}


class Odoo(lab.Odoo):
    """Odoo with two workers for requests and three for scheduled actions, under a supervisor.

    With three of them, two actions can fold at once.
    """

    def __init__(self, config, database, folder):
        """:param config: Odoo's configuration file
        :param folder: for logs and the files of the failpoints
        """
        options = ["--load=base,rpc,web,airtel_ccp,airtel_ccp_chaos"]
        super().__init__(config, database, folder, workers=2, cron=3, options=options)
        self.folder = folder
        self.time_zone = "UTC"
        self.starts = 0
        self._wanted = threading.Event()
        self._lock = threading.Lock()
        self.control(**CALM)

    def control(self, **values):
        """Set where processes fail from now on; see the failpoints."""
        path = self.folder / "control.json"
        before = json.loads(path.read_text()) if path.exists() else {}
        part = path.with_suffix(".part")
        part.write_text(json.dumps({**before, **values}))
        part.replace(path)

    def start(self):
        """Start the supervisor, and wait until Odoo answers."""
        self._wanted.set()
        threading.Thread(target=self._supervise, daemon=True).start()
        self.wait_until_serving()

    def stop(self):
        """Kill the supervisor and everything else."""
        self._wanted.clear()
        with self._lock:
            self.kill()

    def _supervise(self):
        while self._wanted.is_set():
            with self._lock:
                if self._wanted.is_set() and (not self.process or self.process.poll() is not None):
                    # Processes left in the group would keep the port
                    self.kill()
                    self.spawn(TZ=self.time_zone, CHAOS_FOLDER=str(self.folder))
                    self.starts += 1
            time.sleep(0.2)

    def _require_alive(self):
        """Do nothing: the supervisor restarts what ended."""

    def restart(self, how, time_zone=None):
        """End everything, by a given signal; the supervisor starts it again.

        :param int how: a signal
        :param str | None time_zone: the processes' time zone from then on
        """
        self.time_zone = time_zone or self.time_zone
        with self._lock:
            if how == signal.SIGKILL:
                self.kill()
            elif self.process:
                self.process.send_signal(how)

    def kill_worker(self, rng, pids):
        """Kill one worker.

        :param random.Random rng: chooses which
        :param list pids: those of the kind, such as :meth:`cron_pids`
        :return: whether there was one
        """
        alive = sorted(set(pids) & set(self._children()))
        if not alive:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice(alive), signal.SIGKILL)
        return True

    def _children(self):
        with contextlib.suppress(psutil.NoSuchProcess, AttributeError):
            return [child.pid for child in psutil.Process(self.process.pid).children()]
        return []

    def hits(self):
        """Return the names of the points at which processes failed, one for each failure."""
        path = self.folder / "hits.log"
        return path.read_text().split("\n")[:-1] if path.exists() else []


class Postgres:
    """The database server, as long as the leased cluster lives."""

    def __init__(self, cluster: Cluster, database: str):
        self._cluster = cluster
        self._database = database

    def away(self, seconds, crash=False):
        """Stop the server, and start it again.

        :param float seconds: how long it is away
        :param bool crash: whether to stop without a checkpoint, like in a crash
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

    def wake(self, actions):
        """Trigger scheduled actions.

        :param actions: their names, without ``ir_cron_``
        """
        self.query(
            "INSERT INTO ir_cron_trigger (cron_id, call_at)"
            " SELECT res_id, now() AT TIME ZONE 'UTC' FROM ir_model_data"
            " WHERE module = 'airtel_ccp' AND name = ANY(%s)",
            [f"ir_cron_{name}" for name in actions],
        )

    def query(self, sql, *params):
        """Run one statement in the database, and return its rows."""
        return lab.query(self._database, sql, *params)


def choose(rng: random.Random, weights: dict[str, float]) -> str:
    """Return one of the keys, by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]
