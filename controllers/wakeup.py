import logging
import threading

import psycopg2

from odoo import SUPERUSER_ID, api, fields
from odoo.modules.registry import Registry

_logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.25


class Waker:
    """Wakes the action that folds reports, a few times a second at most.

    A wake-up costs more than storing a report, so it happens outside the request and once for
    all reports of a short while. A wake-up that is lost (the process ended) delays folding
    until the action's next regular run, and loses nothing.
    """

    def __init__(self, pause=PAUSE_SECONDS):
        """:param float pause: seconds between the first report and the wake-up"""
        self._pause = pause
        self._lock = threading.Lock()
        self._waiting = set()

    def wake(self, database):
        """Have the reports of a database folded soon; returns at once.

        :param str database: the database's name
        """
        with self._lock:
            if database in self._waiting:
                return
            self._waiting.add(database)
        timer = threading.Timer(self._pause, self._trigger, [database])
        timer.daemon = True
        timer.start()

    def _trigger(self, database):
        """Ask for a run of the folding action, unless one is asked for already."""
        with self._lock:
            self._waiting.discard(database)
        try:
            with Registry(database).cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                action = env.ref("airtel_ccp.ir_cron_fold_reports")
                asked = env["ir.cron.trigger"].search_count(
                    [("cron_id", "=", action.id), ("call_at", "<=", fields.Datetime.now())],
                    limit=1,
                )
                if not asked:
                    action._trigger()
        except psycopg2.Error as error:
            _logger.info(
                "Folding of new reports in %s waits for its regular run (%s)",
                database,
                type(error).__name__,
            )
