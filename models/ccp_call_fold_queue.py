import time

from odoo import api, fields, models
from odoo.tools import SQL

from .ccp_call_fold_mark import FOLD_ACTION
from .ccp_call_notify import NOTIFY_ACTION
from .contention import take_turns

BATCH = 100
# Browsers see what is committed: for so long may the first call of a batch wait for the others.
# What is not committed when Odoo ends a worker that takes too long is lost work
COMMIT_SECONDS = 0.15
# By how much more calls are folded at once than the last time, as long as that is quick
GROWTH = 16


class CcpCall(models.Model):
    """The scheduled action that folds calls with new reports, and folding again on request."""

    _inherit = "ccp.call"

    @api.model
    def _cron_fold(self):
        """Fold calls that have new reports, in batches; one bad call does not stop the others.

        Reports to a company's own address are looked at when no call waits, a few at once.
        """
        reports = self.env["ccp.call.event"]
        reports._replay_spool()
        self._take_up_cut_off()
        size = 1

        def fold_some():
            nonlocal size
            # If this step meets another transaction, the next one begins with a single call
            last, size = size, 1
            calls = self._take_pending()
            if calls:
                done, size = calls._fold_batch(last)
            else:
                done = reports._match_some(COMMIT_SECONDS)
            return done, self._count_pending() + reports._count_unmatched()

        take_turns(self, fold_some, FOLD_ACTION)
        if self._count_to_notify():
            self.env.ref(NOTIFY_ACTION)._trigger()

    def _fold_batch(self, size):
        """Fold the first of these locked calls, as many as can be done before the next commit.

        :param int size: how many to fold at once at first
        :return: how many were folded, and how many to fold at once at first the next time
        :rtype: tuple[int, int]
        """
        since = time.monotonic()
        folded = 0
        while folded < len(self):
            part = self[folded : folded + size]
            part._fold()
            folded += len(part)
            # The clock may not have moved, and its difference is a divisor
            took = max(time.monotonic() - since, 0.001)
            size = max(1, min(size * GROWTH, BATCH, int(COMMIT_SECONDS * folded / took)))
            if took > COMMIT_SECONDS:
                break
        return folded, size

    @api.model
    def _take_pending(self):
        """Lock and return the next calls with reports that were not taken into account.

        :rtype: odoo.models.BaseModel
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT call.id %s ORDER BY call.id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED",
                self._pending_sql(),
                BATCH,
            )
        )
        return self.browse([row[0] for row in rows])

    @api.model
    def _count_pending(self):
        """Return how many calls still have reports to fold now."""
        self.env.flush_all()
        return self.env.execute_query(SQL("SELECT count(*) %s", self._pending_sql()))[0][0]

    @api.model
    def _pending_sql(self):
        """Return FROM and WHERE of the calls that have reports to fold now.

        Written so that the index of reports to fold answers it, however many are folded.

        :rtype: odoo.tools.SQL
        """
        return SQL(
            """
              FROM ccp_call call
             WHERE call.id IN (
                       SELECT event.call_id
                         FROM ccp_call_event event
                        WHERE event.folded IS NOT TRUE
                          AND event.call_id IS NOT NULL)
               AND (call.fold_retry_date IS NULL OR call.fold_retry_date <= %s)
            """,
            fields.Datetime.now(),
        )

    def _fold_free(self):
        """Fold those of these calls that nobody else holds, for somebody who looks at them now.

        The transaction that holds a call notifies browsers, and reports that came meanwhile have
        woken the scheduled action.

        :return: the calls that were folded
        :rtype: odoo.models.BaseModel
        """
        free = self.sudo().try_lock_for_update(allow_referencing=True)
        free._fold()
        return free

    def _fold_again(self):
        """Fold calls anew, as if their reports had just come; those without reports stay.

        A few at once, so that the user sees the result; more in the background.

        :return: how many are folded, and how many stay because their reports were deleted
        :rtype: tuple[int, int]
        """
        calls = self.sudo().exists().filtered(lambda call: not call.manual)
        counted = calls._count_reports()
        known = calls.filtered(lambda call: counted[call].reports and not call.reports_deleted)
        reports = self._no_reports().union(*(counted[call].reports for call in known))
        reports.folded = False
        known.filtered("fold_retry_date").fold_retry_date = False
        locked = known.browse()
        if len(known) <= BATCH:
            locked = known.try_lock_for_update(allow_referencing=True)
            locked._fold()
        if locked != known:
            self.env.ref(FOLD_ACTION)._trigger()
        return len(known), len(calls - known)
