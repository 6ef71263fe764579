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
# How often a wake-up that failed is tried again; the pause doubles each time
TRIES = 6


class Waker:
    """Wakes the action that folds reports, a few times a second at most.

    A wake-up costs more than storing a report, so it happens outside the request: at once for the
    first report, and then once for all reports of a short while. One that fails is tried again for
    some seconds. A wake-up that is lost (the process ended) delays folding until the action's next
    regular run, and loses nothing.
    """

    def __init__(self, pause=PAUSE_SECONDS):
        """:param float pause: the least seconds between two wake-ups of a database"""
        self._pause = pause
        self._lock = threading.Lock()
        # By database: when the last report came that waits for a wake-up, see ``Moment``
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
        """Try a wake-up again that failed; reports that come meanwhile wake as ever.

        :param str database: the database's name
        :param int failed: how often that failed by now
        """
        with self._lock:
            if failed == 1 and database in self._trying:
                return
            self._trying.add(database)
        self._start(self._pause * 2**failed, database, failed)

    def _trigger(self, database, failed=0):
        """Ask for a run of the folding action, unless another process has just done so.

        Processes of one machine note when they did. If that was after our last report, nothing is
        left to do; asking PostgreSQL would cost more than storing a report does. Otherwise it says
        whether one of another machine has. Then ask again after the pause, because that run may
        have begun before our report was there. Ignore triggers older than the pause: their NOTIFY
        may be lost, or a finishing run may consume them. Keep the microseconds: a run deletes every
        trigger dated before the second in which it started.

        :param str database: the database's name
        :param int failed: how often this failed by now
        """
        began = Moment.now()
        with self._lock:
            latest = None if failed else self._waiting.pop(database, began)
            self._woken[database] = time.monotonic()
        last = Moment(root() / database / f"{socket.gethostname()}.woken")
        # Of a try again nobody knows when the last of its reports came
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
                # No row if the action was deleted: then there is nothing to wake
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
