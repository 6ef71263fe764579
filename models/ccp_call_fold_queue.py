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
# How long the first call of a batch may wait for the commit, before which browsers see nothing.
# If Odoo ends a worker that takes too long, work that was not committed is lost
COMMIT_SECONDS = 0.15
# The same if a full batch waits: more frequent commits would delay all calls
BACKLOG_SECONDS = 0.6
# The most calls by which a batch grows from one step to the next, as long as steps are quick
GROWTH = 16


class CcpCall(models.Model):
    """The scheduled action that folds calls with new reports, and folding again on request."""

    _inherit = "ccp.call"

    _retry_idx = models.Index("(fold_retry_date) WHERE fold_retry_date IS NOT NULL")

    @api.model
    def _cron_fold(self):
        """Fold calls that have new reports, in batches; one bad call does not stop the others.

        Reports to a company's own address are looked at when no call waits, a few at a time.
        """
        reports = self.env["ccp.call.event"]
        reports._adopt_spooled()
        reports._replay_spool()
        reports._replay_decisions()
        reports._look_again()
        self._take_up_cut_off()
        shard, asked = ALL, -math.inf

        def take():
            # From the other end than the helpers: two actions then seldom want the same call
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
        """Fold calls in steps until none is left.

        :param str action: XML id of the scheduled action that runs this
        :param take: called without arguments; locks and returns the next calls
        :param count: called without arguments; returns how many calls are left
        :param otherwise: called if no call is left, with ``is_patient``, see ``contention.apart``;
            returns how much it did
        """
        size = 1

        def fold_some(is_patient=True):
            nonlocal size
            # If this step meets another transaction, the next step begins with a single call
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
        """Fold the first of these locked calls, as many as fit before the next commit.

        :param int size: how many to fold at once in the first step
        :param bool is_patient: see ``contention.apart``
        :return: how many were folded, and the size of the next batch's first step
        :rtype: tuple[int, int]
        """
        since = time.monotonic()
        limit = BACKLOG_SECONDS if len(self) >= BATCH else COMMIT_SECONDS
        folded = 0
        while folded < len(self):
            part = self[folded : folded + size]
            part._fold(is_patient=is_patient)
            folded += len(part)
            # At least a moment, because the clock may not have moved and this is a divisor
            took = max(time.monotonic() - since, 0.001)
            size = max(1, min(size * GROWTH, BATCH, int(limit * folded / took)))
            if took > limit:
                break
        return folded, size

    @api.model
    def _take_pending(self, shard=ALL, from_end=False):
        """Lock and return the next calls with reports that were not folded yet.

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
        """Return how many calls have reports that can be folded now.

        :param Shard shard: only calls of this one
        """
        self.env.flush_all()
        return self.env.execute_query(SQL("SELECT count(*) %s", self._pending_sql(shard)))[0][0]

    @api.model
    def _pending_sql(self, shard=ALL):
        """Return FROM and WHERE of the calls that have reports to fold now, or failed before.

        Written for the index of reports to fold: its time does not depend on how many are folded.

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
        """Fold those of these calls that no transaction holds, because somebody looks at them.

        A transaction that holds a call notifies browsers itself, and reports that came meanwhile
        have triggered the scheduled action.

        :return: the calls that were folded
        :rtype: odoo.models.BaseModel
        """
        free = self.sudo().try_lock_for_update(allow_referencing=True)
        free._fold()
        return free

    def _mark_to_fold(self):
        """Mark calls as not folded yet, by SQL: an automation rule may be why folding failed."""
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
        """Fold calls again from all their reports; those without reports stay as they are.

        A few are folded at once, so the user sees the result; further ones in the background.

        :return: how many are folded, and how many are left because their reports were deleted
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
