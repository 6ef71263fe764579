import logging
import socket
import threading
import time

import psycopg2

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry

from ..ccp.safe.faults import name_of
from ..ccp.safe.moment import Moment
from ..models.spool import root

_logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.25
# How often a failed wake-up is tried again; the pause doubles each time
TRIES = 6


class Waker:
    """Triggers the action that folds reports, at most a few times per second.

    A wake-up costs more than storing a report, so it happens outside the request: at once for the
    first report, then once for all reports of a short while. A failed one is tried again for some
    seconds. If a wake-up is lost because the process ends, folding only waits for the action's next
    regular run.
    """

    def __init__(self, pause=PAUSE_SECONDS):
        """:param float pause: the least number of seconds between two wake-ups of a database"""
        self._pause = pause
        self._lock = threading.Lock()
        # By database: the arrival of the last report that waits for a wake-up, see ``Moment``
        self._waiting = {}
        self._woken = {}
        self._trying = set()

    def wake(self, database):
        """Have the reports of a database folded soon; returns at once.

        :param str database: the database's name
        """
        with self._lock:
            is_asked_for = database in self._waiting
            self._waiting[database] = Moment.now()
            if is_asked_for:
                return
            earliest = self._woken.get(database, 0) + self._pause
            delay = max(0, earliest - time.monotonic())
        self._start(delay, database)

    def _start(self, delay, *arguments):
        timer = threading.Timer(delay, self._trigger, arguments)
        timer.daemon = True
        timer.start()

    def _wake_again(self, database, failed):
        """Try a failed wake-up again; reports that come meanwhile wake as usual.

        :param str database: the database's name
        :param int failed: how often it has failed
        """
        with self._lock:
            if failed == 1 and database in self._trying:
                return
            self._trying.add(database)
        self._start(self._pause * 2**failed, database, failed)

    def _trigger(self, database, failed=0):
        """Trigger the folding action, unless another process has just done so.

        Processes of one machine note when they did. If that was after our last report, nothing is
        left to do: asking PostgreSQL would cost more than storing a report. Otherwise PostgreSQL
        knows whether another machine did; then try again after the pause, because that run may have
        begun before our report was stored. Ignore triggers older than the pause: their NOTIFY may
        be lost, or a finishing run may consume them. Keep the microseconds: a run deletes every
        trigger dated before the second in which it started.

        :param str database: the database's name
        :param int failed: how often it has failed
        """
        began = Moment.now()
        with self._lock:
            latest = None if failed else self._waiting.pop(database, began)
            self._woken[database] = time.monotonic()
        last = Moment(root() / database / f"{socket.gethostname()}.woken")
        # For a retry the arrival of the last report is unknown
        if latest and last.is_since(latest):
            return
        try:
            with Registry(database).cursor() as cr:
                cr.execute(
                    """
                    WITH folding AS (
                        SELECT res_id AS cron_id, clock_timestamp() AT TIME ZONE 'UTC' AS moment
                          FROM ir_model_data
                         WHERE module = 'airtel_ccp' AND name = 'ir_cron_fold_reports'
                    ), asked AS (
                        INSERT INTO ir_cron_trigger (cron_id, call_at)
                        SELECT cron_id, moment
                          FROM folding
                         WHERE NOT EXISTS (
                                   SELECT FROM ir_cron_trigger other
                                    WHERE other.cron_id = folding.cron_id
                                      AND other.call_at BETWEEN moment - %s * interval '1 second'
                                                            AND moment)
                        RETURNING id
                    )
                    SELECT EXISTS (SELECT FROM asked) FROM folding
                    """,
                    [self._pause],
                )
                # No row if the action was deleted: nothing to trigger
                found = cr.fetchone()
                if found and found[0]:
                    actions = api.Environment(cr, SUPERUSER_ID, {})["ir.cron"]
                    cr.postcommit.add(actions._notifydb)
            if found and found[0]:
                last.set(began)
            elif found:
                self.wake(database)
        except psycopg2.Error as error:
            if failed < TRIES:
                self._wake_again(database, failed + 1)
                return
            _logger.info(
                "Folding of new reports in %s waits for its regular run (%s)",
                database,
                name_of(error),
            )
        if failed:
            with self._lock:
                self._trying.discard(database)
