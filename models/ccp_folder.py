import logging
import time
from datetime import timedelta, timezone

from odoo import api, fields, models
from odoo.tools import SQL

from ..ccp import states, timeline
from .contention import CONTENTION, is_gone, take_turns

_logger = logging.getLogger(__name__)

BATCH = 100
# Reps see what is committed: so long may the first call of a batch wait for the others. And what is
# not committed when Odoo ends a worker that takes too long is done in vain
TELL_SECONDS = 0.15
# By how much more calls are folded at once than the last time, as long as that is quick
GROWTH = 16
RETRY_PAUSE = timedelta(minutes=15)
BUS_MESSAGE = "airtel_ccp.call"
FOLD_ACTION = "airtel_ccp.ir_cron_fold_reports"


def naive_utc(moment):
    """Return an aware datetime as Odoo stores it: UTC, whole seconds, no time zone.

    :param datetime.datetime | None moment: an aware datetime
    :rtype: datetime.datetime | bool
    """
    if not moment:
        return False
    return moment.astimezone(timezone.utc).replace(tzinfo=None, microsecond=0)


class CcpFolder(models.AbstractModel):
    """Turns the reports of a call into its state, result, times, chatter card and bus message.

    The state is a function of the set of reports, so folding may happen again at any time, in
    any process, and always tells the same.
    """

    _name = "ccp.folder"
    _description = "Folds Airtel's reports into calls"

    @api.model
    def _deadline(self, state):
        """Return until when a call in this state waits for a report, or False.

        :param str state: a state of ``ccp.call``
        :rtype: datetime.datetime | bool
        """
        limit = states.STATES[state].waits
        return fields.Datetime.now() + limit if limit else False

    @api.model
    def _timeline(self, call, reports=None):
        """Return what all reports of a call say together, or some of them.

        :param call: one ``ccp.call``
        :param reports: ``ccp.call.event`` records; by default all of the call
        :rtype: ccp.timeline.Timeline
        """
        call = call.sudo()
        return timeline.fold(
            (call.event_ids if reports is None else reports)._parsed(),
            call._dialled(),
            request=call.request_outcome,
            closed=bool(call.closed_date),
        )

    @api.model
    def _fold(self, calls):
        """Bring calls up to date with their reports; write and tell only what changed.

        :param calls: ``ccp.call`` records that nobody else writes in this moment
        """
        calls = calls.sudo()
        # Without their reports there is nothing to derive these calls from
        told = calls.filtered(lambda call: not call.reports_deleted)
        stories = {call: self._timeline(call) for call in told}
        changes = {call: self._changes(call, story) for call, story in stories.items()}
        changed = told.filtered(lambda call: changes[call])
        for call in changed:
            call.write(changes[call])
        for call in changed.filtered(lambda call: "result" in changes[call]):
            self._finish(call)
        if any(values.get("recording_url") for values in changes.values()):
            self.env.ref("airtel_ccp.ir_cron_fetch_recordings")._trigger()
        records = told._records()
        # A call of the past is told to nobody
        told = told.filtered(lambda call: not call.imported)
        stories = {call: stories[call] for call in told}
        messages = self.env["ccp.card"]._update_each(stories, records, changes)
        news = told.filtered(lambda call: changes[call] or messages[call])
        self._tell_each(news, stories, messages, records)
        calls.event_ids.filtered(lambda event: not event.folded).folded = True
        shown = changed.filtered(lambda call: "state" in changes[call] or "live" in changes[call])
        self.env["ccp.live"]._tell(shown.company_id)

    @api.model
    def _finish(self, call):
        """Do what follows from a call's result by itself: tick off its call list entry."""
        if call.list_item_id and call.result == "connected":
            call.list_item_id.state = "done"

    @api.model
    def _changes(self, call, story):
        """Return the values of a call that its timeline changes.

        :rtype: dict
        """
        if call.manual:
            return {}
        values = {
            **self._told(call, story),
            "correlation_id": call.correlation_id or story.correlation_id or False,
            "session_id": call.session_id or story.session_id or False,
            "live": call.live and story.state in states.LIVE_STATES,
            "fold_error": False,
            "fold_retry_date": False,
        }
        if story.state not in states.LIVE_STATES:
            values["deadline"] = False
        elif story.state != call.state:
            values["deadline"] = self._deadline(story.state)
        values.update(self.env["ccp.recording"]._changes(call, story))
        return {name: value for name, value in values.items() if call[name] != value}

    @api.model
    def _told(self, call, story):
        """Return the values of a call that follow from its reports alone.

        :param call: one ``ccp.call``
        :param ccp.timeline.Timeline story: what its reports say, or some of them
        :rtype: dict
        """
        ended = story.state == "ended"
        return {
            "state": story.state,
            "result": story.result or False,
            "agent_answer_date": naive_utc(story.agent.answered_at),
            "answer_date": naive_utc(story.answered_at),
            "end_date": self._end_date(call, story) if ended else False,
            "talk_seconds": story.talk_seconds or 0,
            "talk_unknown": story.result == "connected" and story.talk_seconds is None,
            "agent_ring_seconds": story.agent.ring_seconds or 0,
            "customer_ring_seconds": story.customer.ring_seconds or 0,
            "hung_up_by": story.hung_up_by or False,
            "pulses": story.pulses or 0,
            **self._leg_values("agent", story.agent),
            **self._leg_values("customer", story.customer),
        }

    @api.model
    def _leg_values(self, role, leg):
        """Return what a call keeps of one of its legs.

        :param str role: ``agent`` or ``customer``
        :param ccp.leg.Leg leg: what the reports say of it
        :rtype: dict
        """
        return {
            f"{role}_cause": timeline.cause_of(leg) or False,
            f"{role}_operator": leg.operator or False,
            f"{role}_circle": leg.circle or False,
        }

    @api.model
    def _end_date(self, call, story):
        """Return when a call ended; where no report tells, when the last one came.

        :rtype: datetime.datetime | bool
        """
        told = story.ended_at or (story.lines[-1].at if story.lines else None)
        return naive_utc(told) or call.closed_date

    @api.model
    def _tell_each(self, calls, stories, messages, records):
        """Send the browser of each call's agent what changed.

        :param calls: ``ccp.call`` records, as superuser
        :param dict stories: by call: what its reports say, a ``ccp.timeline.Timeline``
        :param dict messages: by call: the ``mail.message`` records of the chatter that are new or
            look different now
        :param dict records: by call: the record that was called, see ``ccp.call._records``
        """
        shown = self.env["ccp.panel"]._values_each(calls, stories, records)
        for call in calls:
            values = call._bus_values(shown[call])
            # No content: a browser that shows them asks for what its user may see
            values["card_ids"] = messages[call].ids
            call.user_id._bus_send(BUS_MESSAGE, values)

    @api.model
    def _cron_fold(self):
        """Fold calls that have new reports, in batches; one bad call does not stop the others."""
        self.env["ccp.spool"]._replay()
        if self.env["ccp.call.event"]._unmatched(limit=1):
            take_turns(self, self._match, FOLD_ACTION)
        size = 1

        def fold_some():
            nonlocal size
            # Should it trip, the next one begins with a single call
            last, size = size, 1
            calls = self._take_pending()
            folded, size = self._fold_batch(calls, last) if calls else (0, 1)
            return folded, self._count_pending()

        take_turns(self, fold_some, FOLD_ACTION)

    @api.model
    def _match(self):
        """Look for the calls of reports that name one by other means than the notify URL.

        :return: how many were done and how many are left, see ``take_turns``: one look is all
        :rtype: tuple[int, int]
        """
        self.env["ccp.call.event"]._match()
        return 0, 0

    @api.model
    def _fold_batch(self, calls, size):
        """Fold the first of some calls, as many as reps can wait for the commit of.

        :param calls: ``ccp.call`` records that are locked
        :param int size: how many to fold at once at first
        :return: how many were folded, and how many to fold at once at first the next time
        :rtype: tuple[int, int]
        """
        since = time.monotonic()
        folded = 0
        while folded < len(calls):
            part = calls[folded : folded + size]
            self._fold_together(part)
            folded += len(part)
            # A clock that stands still is no pace
            took = max(time.monotonic() - since, 0.001)
            size = max(1, min(size * GROWTH, BATCH, int(TELL_SECONDS * folded / took)))
            if took > TELL_SECONDS:
                break
        return folded, size

    @api.model
    def _take_pending(self):
        """Lock and return the next calls with reports that were not taken into account.

        :rtype: odoo.models.BaseModel
        """
        rows = self.env.execute_query(
            SQL(
                "SELECT call.id %s ORDER BY call.id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED",
                self._pending_sql(),
                BATCH,
            )
        )
        return self.env["ccp.call"].browse([row[0] for row in rows])

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

    @api.model
    def _fold_together(self, calls):
        """Fold calls at once; where that fails, in halves, so that only the bad ones are marked."""
        if len(calls) == 1:
            self._fold_or_mark(calls)
            return
        try:
            with self.env.cr.savepoint():
                self._fold(calls)
        except CONTENTION:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the bad call's own turn logs it
            if is_gone(self.env.cr):
                raise
            half = len(calls) // 2
            self._fold_together(calls[:half])
            self._fold_together(calls[half:])

    @api.model
    def _fold_or_mark(self, call):
        """Fold one call; when its reports cannot be folded, note that and go on."""
        try:
            with self.env.cr.savepoint():
                self._fold(call)
        except CONTENTION:
            # Not the call's fault: a new transaction may find the way free
            raise
        except Exception as error:  # noqa: BLE001 - one call's reports must not stop the others
            if is_gone(self.env.cr):
                raise
            _logger.exception("Call %s: its reports cannot be folded", call.id)
            call.invalidate_recordset()
            call.write(
                {
                    "fold_error": type(error).__name__,
                    "fold_retry_date": fields.Datetime.now() + RETRY_PAUSE,
                }
            )

    @api.model
    def _fold_free(self, calls):
        """Fold calls for somebody who looks at them now, but those that others hold.

        Who holds one tells browsers of it, and reports that came meanwhile have woken the scheduled
        action.

        :param calls: ``ccp.call`` records
        :return: those that were folded
        """
        free = calls.sudo().try_lock_for_update(allow_referencing=True)
        self._fold(free)
        return free

    @api.model
    def _fold_again(self, calls):
        """Fold calls anew, as if their reports had just come; those without reports stay.

        A few at once, so that who asked sees the result; more in the background.

        :param calls: ``ccp.call`` records
        :return: how many are folded, and how many stay because their reports were deleted
        :rtype: tuple[int, int]
        """
        calls = calls.sudo().exists().filtered(lambda call: not call.manual)
        told = calls.filtered(lambda call: call.event_ids and not call.reports_deleted)
        told.event_ids.folded = False
        told.filtered("fold_retry_date").fold_retry_date = False
        locked = told.browse()
        if len(told) <= BATCH:
            locked = told.try_lock_for_update(allow_referencing=True)
            if locked:
                self._fold_together(locked)
        if locked != told:
            self.env.ref(FOLD_ACTION)._trigger()
        return len(told), len(calls - told)
