import functools
import math
import time

from odoo import api, fields, models
from odoo.tools import SQL

from .ccp_call_fold_mark import FOLD_ACTION
from .ccp_call_fold_shards import ALL, HELP_CALLS, HELP_SECONDS
from .ccp_call_notify import NOTIFY_ACTION
from .contention import take_turns

BATCH = 100
# Browsers see what is committed: for so long may the first call of a batch wait for the others.
# What is not committed when Odoo ends a worker that takes too long is lost work
COMMIT_SECONDS = 0.15
# If so many wait that a batch is full, a commit for each few of them would keep all waiting longer
BACKLOG_SECONDS = 0.6
# By how much more calls are folded at once than the last time, as long as that is quick
GROWTH = 16


class CcpCall(models.Model):
    """The scheduled action that folds calls with new reports, and folding again on request."""

    _inherit = "ccp.call"

    _retry_idx = models.Index("(fold_retry_date) WHERE fold_retry_date IS NOT NULL")

    @api.model
    def _cron_fold(self):
        """Fold calls that have new reports, in batches; one bad call does not stop the others.

        Reports to a company's own address are looked at when no call waits, a few at once.
        """
        reports = self.env["ccp.call.event"]
        reports._adopt_spooled()
        reports._replay_spool()
        reports._replay_decisions()
        reports._look_again()
        self._take_up_cut_off()
        shard, asked = ALL, -math.inf

        def take():
            # The far end of what others have, so that both seldom want the same call
            calls = self._take_pending(shard)
            return calls if calls or shard == ALL else self._take_pending(from_end=True)

        def count():
            nonlocal shard, asked
            left = self._count_pending()
            if left > HELP_CALLS and time.monotonic() - asked > HELP_SECONDS:
                asked = time.monotonic()
                shard = self._ask_for_help()
            return left + reports._count_unmatched()

        def match(is_patient):
            return reports._match_some(COMMIT_SECONDS, is_patient)

        self._fold_in_turns(FOLD_ACTION, take, count, match)

    @api.model
    def _fold_in_turns(self, action, take, count, otherwise=None):
        """Fold calls step by step, until none is left.

        :param str action: XML id of the scheduled action that does it
        :param take: called without arguments; locks and returns the next calls
        :param count: called without arguments; returns how much is left
        :param otherwise: called if no call is left, with whether to be patient, see
            ``contention.apart``; returns how much it did
        """
        size = 1

        def fold_some(is_patient=True):
            nonlocal size
            # If this step meets another transaction, the next one begins with a single call
            last, size = size, 1
            done = 0
            if calls := take():
                done, size = calls._fold_batch(last, is_patient)
            elif otherwise:
                done = otherwise(is_patient)
            return done, count()

        around = functools.partial(fold_some, is_patient=False)
        take_turns(self, fold_some, action, around=around)
        if self._count_to_notify():
            self.env.ref(NOTIFY_ACTION)._trigger()

    def _fold_batch(self, size, is_patient=True):
        """Fold the first of these locked calls, as many as can be done before the next commit.

        :param int size: how many to fold at once at first
        :param bool is_patient: see ``contention.apart``
        :return: how many were folded, and how many to fold at once at first the next time
        :rtype: tuple[int, int]
        """
        since = time.monotonic()
        limit = BACKLOG_SECONDS if len(self) >= BATCH else COMMIT_SECONDS
        folded = 0
        while folded < len(self):
            part = self[folded : folded + size]
            part._fold(is_patient=is_patient)
            folded += len(part)
            # The clock may not have moved, and its difference is a divisor
            took = max(time.monotonic() - since, 0.001)
            size = max(1, min(size * GROWTH, BATCH, int(limit * folded / took)))
            if took > limit:
                break
        return folded, size

    @api.model
    def _take_pending(self, shard=ALL, from_end=False):
        """Lock and return the next calls with reports that were not taken into account.

        :param Shard shard: only calls of this one
        :param bool from_end: whether to take the newest calls instead of the oldest
        :rtype: odoo.models.BaseModel
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT call.id %s ORDER BY call.id %s LIMIT %s FOR NO KEY UPDATE SKIP LOCKED",
                self._pending_sql(shard),
                SQL("DESC") if from_end else SQL("ASC"),
                BATCH,
            )
        )
        return self.browse([row[0] for row in rows])

    @api.model
    def _count_pending(self, shard=ALL):
        """Return how many calls still have reports to fold now.

        :param Shard shard: only calls of this one
        """
        self.env.flush_all()
        return self.env.execute_query(SQL("SELECT count(*) %s", self._pending_sql(shard)))[0][0]

    @api.model
    def _pending_sql(self, shard=ALL):
        """Return FROM and WHERE of the calls that have reports to fold now, or failed before.

        Written so that the index of reports to fold answers it, however many are folded.

        :param Shard shard: only calls of this one
        :rtype: odoo.tools.SQL
        """
        return SQL(
            """
              FROM ccp_call call
             WHERE call.id IN (
                       SELECT event.call_id
                         FROM ccp_call_event event
                        WHERE event.folded IS NOT TRUE
                          AND event.call_id IS NOT NULL
                          %(reported)s
                        UNION ALL
                       SELECT failed.id
                         FROM ccp_call failed
                        WHERE failed.fold_retry_date <= %(now)s
                          AND failed.manual IS NOT TRUE
                          AND failed.reports_deleted IS NOT TRUE
                          %(failed)s)
               AND (call.fold_retry_date IS NULL OR call.fold_retry_date <= %(now)s)
            """,
            now=fields.Datetime.now(),
            reported=shard.condition(SQL("event.call_id")),
            failed=shard.condition(SQL("failed.id")),
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

    def _mark_to_fold(self):
        """Mark calls as not folded yet; past the ORM, because rules may be why folding failed."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL("UPDATE ccp_call_event SET folded = FALSE WHERE call_id = ANY(%s)", self.ids)
        )
        self.env.cr.execute(
            SQL(
                """
                UPDATE ccp_call SET fold_retry_date = NULL
                 WHERE id = ANY(%s) AND fold_retry_date IS NOT NULL
                """,
                self.ids,
            )
        )
        self.invalidate_recordset(["fold_retry_date"])
        self.event_ids.invalidate_recordset(["folded"])

    def _fold_again(self):
        """Fold calls anew, as if their reports had just come; those without reports stay.

        A few at once, so that the user sees the result; more in the background.

        :return: how many are folded, and how many stay because their reports were deleted
        :rtype: tuple[int, int]
        """
        calls = self.sudo().exists().filtered(lambda call: not call.manual)
        counted = calls._count_reports()
        known = calls.filtered(lambda call: counted[call].reports and not call.reports_deleted)
        known._mark_to_fold()
        locked = known.browse()
        if len(known) <= BATCH:
            locked = known.try_lock_for_update(allow_referencing=True)
            locked._fold(is_patient=False)
        if locked != known:
            self.env.ref(FOLD_ACTION)._trigger()
        return len(known), len(calls - known)
