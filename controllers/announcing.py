import logging
import queue
import threading
import time

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import groupby

from ..ccp.safe.faults import name_of

_logger = logging.getLogger(__name__)

# More decisions wait only if the database hangs: their pop-ups then depend on reports
MOST_WAITING = 1000
# How many decisions one transaction announces
MOST_AT_ONCE = 50
# The pause between two transactions, in which decisions gather; the first one goes at once
PAUSE_SECONDS = 0.2


class Announcer:
    """Notifies browsers who will ring, after Airtel got its answer, in a thread of its own.

    A process that waited for a hanging database would answer nobody. Waiting decisions are
    announced together, because a transaction costs more than an announcement.
    """

    def __init__(self):
        self._waiting = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._thread = None

    def add(self, database, company_id, decision):
        """Queue a decision to be announced soon; returns at once.

        :param str database: the database's name
        :param int company_id: the company that is called
        :param airtel_ccp.ccp.call.route.Decision decision: the answer to Airtel
        """
        try:
            self._waiting.put_nowait((database, company_id, decision))
        except queue.Full:
            _logger.warning("An incoming call was not announced (too many wait)")
            return
        with self._lock:
            # Threads do not survive a fork, so the thread may be missing
            if not (self._thread and self._thread.is_alive()):
                self._thread = threading.Thread(
                    target=self._work, name="airtel_ccp.announce", daemon=True
                )
                self._thread.start()

    def _work(self):
        ended = 0
        while True:
            batch = [self._waiting.get()]
            time.sleep(max(0, ended + PAUSE_SECONDS - time.monotonic()))
            while len(batch) < MOST_AT_ONCE and not self._waiting.empty():
                batch.append(self._waiting.get())
            for (database, company_id), own in groupby(batch, key=lambda each: each[:2]):
                announce(database, company_id, [decision for _name, _id, decision in own])
            ended = time.monotonic()


def announce(database, company_id, decisions):
    """Notify browsers who will ring; an error is logged and does not stop the others.

    :param str database: the database's name
    :param int company_id: the company that is called
    :param decisions: ``airtel_ccp.ccp.call.route.Decision`` objects
    """
    try:
        with Registry(database).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["res.company"].browse(company_id)._ccp_announce(decisions)
    except Exception as error:  # noqa: BLE001 - the calls go on without a pop-up
        if len(decisions) > 1:
            for each in decisions:
                announce(database, company_id, [each])
        else:
            _logger.warning("An incoming call was not announced (%s)", name_of(error))
