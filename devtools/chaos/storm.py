"""The faults while calls are made: the seed decides which, when and how often."""

from __future__ import annotations

import collections
import random
import signal
import threading
import time
from pathlib import Path

from .crowds import Crowds
from .stack import Odoo, Postgres, choose

WAYS = ("intake", "route")
# The probability that a request worker dies, for each point of a report on either way
REPORT_KILLS = {
    "before its INSERT": 0.006,
    "after its INSERT": 0.01,
    "after its COMMIT": 0.01,
    "before its file": 0.01,
    "after its file": 0.01,
}
# The probability for all points, each time a process passes
KILLS = {
    **{f"{way}, {point}": share for way in WAYS for point, share in REPORT_KILLS.items()},
    "click, before its row": 0.004,
    "click, after its row": 0.01,
    "click, after the POST": 0.015,
    "click, after the answer": 0.01,
    "click, before its card": 0.01,
    "fold, before its writes": 0.01,
    "fold, before its COMMIT": 0.02,
    "download, before it is kept": 0.03,
    "download, before COMMIT": 0.03,
    "replay": 0.003,
    "replay, before COMMIT": 0.003,
    "question, before its decision": 0.02,
    "question, before its COMMIT": 0.02,
    "question, before its answer": 0.02,
    "question, before its file": 0.02,
    "question, after its file": 0.02,
    "incoming call, before its row": 0.02,
    "incoming call, after its row": 0.02,
    "incoming call, before it is announced": 0.02,
}
WEIGHTS = {
    "request worker killed": 20,
    "action worker killed": 14,
    "PostgreSQL restarted": 5,
    "PostgreSQL crashed": 5,
    "connections dropped": 12,
    "filestore full for a while": 6,
    "clock ahead for a while": 4,
    "Odoo restarted in another time zone": 3,
    "Odoo killed as a whole": 3,
    "notifying fails for a while": 5,
    "database errors of the base class": 5,
    "spool folder that cannot be read": 4,
    "flood of one call": 2,
    "foreign flood": 2,
    "slow listeners": 3,
    "two actions fold at once": 6,
}
AWAY = "PostgreSQL away for long"
# These take longest, and run without other faults
CROWDS = ("flood of one call", "foreign flood", "slow listeners")
FOLDERS = ("fold_reports", "fold_reports_2")
FOLDING_SECONDS = 3
# The probability that a statement about calls fails, while its connection stays alive
DATABASE_ERRORS = 0.02
TIME_ZONES = ("Asia/Kolkata", "America/St_Johns", "Pacific/Kiritimati", "UTC")
CLOCK_SECONDS = 6 * 3600
# Faults that last: how they begin and end, and after how many seconds
WHILES = {
    "filestore full for a while": ({"full": True}, {"full": False}, 2),
    "clock ahead for a while": ({"clock": CLOCK_SECONDS}, {"clock": 0}, 2),
    "notifying fails for a while": ({"notify": True}, {"notify": False}, 3),
    "database errors of the base class": ({"database": DATABASE_ERRORS}, {"database": 0}, 3),
}


class Storm:
    """Faults, one after another with short pauses, until it is stopped."""

    def __init__(
        self,
        odoo: Odoo,
        postgres: Postgres,
        crowds: Crowds,
        spool_folder: Path,
        seed,
        away_seconds,
        pause_seconds,
    ):
        """:param spool_folder: the folder of waiting reports
        :param float away_seconds: for how long PostgreSQL is away, once
        :param float pause_seconds: the mean pause between two faults
        """
        self.counts = collections.Counter()
        self._odoo = odoo
        self._postgres = postgres
        self._crowds = crowds
        self._spool_folder = spool_folder
        self._rng = random.Random(seed)
        self._away_seconds = away_seconds
        self._pause_seconds = pause_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._rage, daemon=True)
        self._error = None

    def __enter__(self):
        self._odoo.control(kill=KILLS, poison=True)
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self._stopping.set()
        self._thread.join()
        self._odoo.control(kill={}, clock=0, full=False, notify=False, database=0)
        if self._error:
            raise self._error

    def _rage(self):
        # Each fault once if there is time, the longest last; then by weight
        faults = [name for name in WEIGHTS if name not in CROWDS]
        crowds = [*CROWDS]
        self._rng.shuffle(faults)
        self._rng.shuffle(crowds)
        faults.insert(len(faults) // 2, AWAY)
        first = [*crowds, *faults]
        try:
            while not self._stopping.wait(self._rng.expovariate(1 / self._pause_seconds)):
                self._strike(first.pop() if first else choose(self._rng, WEIGHTS))
        except Exception as error:  # noqa: BLE001 - raised again where the storm is waited for
            self._error = error

    def _strike(self, name):
        odoo, postgres, rng = self._odoo, self._postgres, self._rng
        workers = {
            "request worker killed": odoo.http_pids,
            "action worker killed": odoo.cron_pids,
        }
        if name in workers:
            if not odoo.kill_worker(rng, workers[name]()):
                return
        elif name == "PostgreSQL restarted":
            postgres.away(0)
        elif name == "PostgreSQL crashed":
            postgres.away(0, crash=True)
        elif name == AWAY:
            postgres.away(self._away_seconds, crash=rng.random() < 0.5)
        elif name == "connections dropped":
            postgres.drop_connections()
        elif name in WHILES:
            fault, calm, seconds = WHILES[name]
            odoo.control(**fault)
            time.sleep(seconds)
            odoo.control(**calm)
        elif name == "spool folder that cannot be read":
            self._block_spool()
        elif name == "two actions fold at once":
            for _second in range(FOLDING_SECONDS):
                postgres.wake(FOLDERS)
                time.sleep(1)
        elif name in CROWDS:
            if not self._crowd(name):
                return
        elif name == "Odoo restarted in another time zone":
            odoo.restart(signal.SIGTERM, rng.choice(TIME_ZONES))
        elif name == "Odoo killed as a whole":
            odoo.restart(signal.SIGKILL)
        self.counts[name] += 1

    def _block_spool(self):
        """Replace the folder by a file, because root can read any folder."""
        folder = self._spool_folder
        aside = folder.with_name(f"{folder.name}.aside")
        folder.mkdir(parents=True, exist_ok=True)
        folder.rename(aside)
        folder.touch()
        try:
            time.sleep(3)
        finally:
            folder.unlink()
            aside.rename(folder)

    def _crowd(self, name):
        """Send a crowd. Nothing else fails then, because others' waiting time is measured."""
        self._odoo.wait_until_serving()
        self._odoo.control(kill={})
        try:
            crowds = self._crowds
            return {
                "flood of one call": crowds.flood_one_call,
                "foreign flood": crowds.flood_account,
                "slow listeners": crowds.listen_slowly,
            }[name]()
        finally:
            self._odoo.control(kill=KILLS)
