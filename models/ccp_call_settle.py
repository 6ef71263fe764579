import contextlib
import functools
import logging
import time

from odoo import api, fields, models
from odoo.tools import SQL

from .ccp_call import CUSTOMER_KEY
from .ccp_call_notify import BATCH, COMMIT_SECONDS, NOTIFY_ACTION, PAUSES
from .contention import take_turns

_logger = logging.getLogger(__name__)

LOCK = "airtel_ccp.callback"


class CcpCall(models.Model):
    """What follows from ended calls for the call-backs and leads of their numbers.

    The scheduled action that notifies runs it for each call by itself: a call-back that cannot be
    settled is tried again and does not stop the others.
    """

    _inherit = "ccp.call"

    @api.model
    def _cron_notify(self):
        """Notify, run the rules for calls that ended, then settle call-backs."""
        result = super()._cron_notify()
        self._settle_callbacks()
        return result

    @api.model
    def _settle_callbacks(self):
        """Settle the call-backs of all numbers whose calls changed, in one process at a time.

        If another process settles now, it may have begun before the last call changed; so the
        action is triggered again.
        """

        def settle_some(is_patient=True):
            since = time.monotonic()
            done = 0
            while time.monotonic() - since < COMMIT_SECONDS:
                call = self._take_to_settle()
                if not call:
                    break
                call._settle_by_itself(is_patient)
                done += 1
            return done, self._count_to_settle()

        with self._settling() as is_only:
            if not is_only:
                self.env.ref(NOTIFY_ACTION)._trigger()
                return
            # Only a new transaction sees what others settled before
            self.env["ir.cron"]._commit_progress()
            around = functools.partial(settle_some, is_patient=False)
            take_turns(self, settle_some, NOTIFY_ACTION, around=around)

    @contextlib.contextmanager
    def _settling(self):
        """Hold the lock on settling call-backs, which one process of a database has at a time.

        It is in a connection of its own, to last over the commits between the steps.

        :return: yields whether this process has it
        """
        with self.env.registry.cursor() as cr:
            cr.execute(SQL("SELECT pg_try_advisory_xact_lock(hashtext(%s))", LOCK))
            yield cr.fetchone()[0]

    @api.model
    def _take_to_settle(self):
        """Lock and return the next call whose call-back must be settled, or an empty recordset.

        :rtype: odoo.models.BaseModel
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT id %s ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED",
                self._to_settle_sql(),
            )
        )
        return self.browse([row[0] for row in rows])

    @api.model
    def _count_to_settle(self):
        """Return how many calls must be settled now, at most ``BATCH``."""
        self.env.flush_all()
        query = SQL("SELECT count(*) FROM (SELECT %s LIMIT %s) due", self._to_settle_sql(), BATCH)
        return self.env.execute_query(query)[0][0]

    @api.model
    def _to_settle_sql(self):
        """Return FROM and WHERE of the calls whose call-backs must be settled now.

        :rtype: odoo.tools.SQL
        """
        return SQL(
            "FROM ccp_call WHERE to_settle IS TRUE AND (settle_date IS NULL OR settle_date <= %s)",
            fields.Datetime.now(),
        )

    def _settle_soon(self):
        """Have the scheduled action settle the call-backs of these calls again."""
        if self:
            self.sudo().to_settle = True
            self.env.ref(NOTIFY_ACTION)._trigger()

    def _settle_by_itself(self, is_patient=True):
        """Settle the call-backs of one call's numbers; if that fails, try again later.

        :param bool is_patient: see ``contention.apart``
        """
        call = self.sudo().with_context(allowed_company_ids=[])
        call._guarded(
            lambda each: each._settle_numbers(),
            lambda each, error: each._settle_later(error),
            is_patient,
        )

    def _settle_numbers(self):
        """Update the leads and call-backs of this call's numbers from their calls."""
        settled = []
        for customer_number in self._callback_keys():
            if not self.trial:
                self._apply_lead_policy(self.company_id, customer_number)
            callbacks = self.browse().callback_id
            settled += callbacks._settle_number(self.company_id, customer_number, self.trial)
        self._mark_settled(settled)

    def _mark_settled(self, ids):
        """Mark as settled this call, and others that have no number but this call's.

        :param list[int] ids: the calls that were read along
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE ccp_call
                   SET to_settle = FALSE, settle_date = NULL, settle_tries = 0
                 WHERE id = %(call)s
                    OR (id = ANY(%(ids)s)
                        AND to_settle IS TRUE
                        AND %(key)s = ANY(%(numbers)s)
                        AND customer_second_number IS NULL)
                """,
                call=self.id,
                ids=ids,
                key=SQL(CUSTOMER_KEY),
                numbers=self._callback_keys(),
            )
        )
        self.invalidate_model(["to_settle", "settle_date", "settle_tries"])

    def _settle_later(self, error):
        """Mark a call whose call-back could not be settled, for another try.

        By SQL, because an automation rule may be what failed.

        :param Exception error: why it failed
        """
        query = SQL("SELECT COALESCE(settle_tries, 0) + 1 FROM ccp_call WHERE id = %s", self.id)
        tries = self.env.execute_query(query)[0][0]
        gives_up = tries > len(PAUSES)
        _logger.error(
            "Call %s: its call-back cannot be settled, %s",
            self.id,
            "and that is given up" if gives_up else "and is tried again",
            exc_info=error,
        )
        self.env.cr.execute(
            SQL(
                """
                UPDATE ccp_call
                   SET to_settle = %s, settle_date = %s, settle_tries = %s
                 WHERE id = %s
                """,
                not gives_up,
                None if gives_up else fields.Datetime.now() + PAUSES[tries - 1],
                0 if gives_up else tries,
                self.id,
            )
        )
        self.invalidate_recordset(["to_settle", "settle_date", "settle_tries"])
