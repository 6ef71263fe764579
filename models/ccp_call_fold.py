import dataclasses
import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..ccp.call import states, timeline
from ..ccp.safe.faults import name_of
from .ccp_call_fold_mark import FIRST_PAUSE, FOLD_ACTION, FoldCutOff
from .contention import CONTENTION, apart, is_gone
from .utils import naive_utc

_logger = logging.getLogger(__name__)

RETRY_PAUSE = timedelta(minutes=15)
# How long to wait with a call that could not be derived because of a lock
CONTENTION_PAUSE = timedelta(seconds=15)


@dataclasses.dataclass
class Derived:
    """The result of deriving a call, which notifying uses.

    :param ccp.call.timeline.Timeline story: the call's reports, combined
    :param dict changes: the values that changed
    :param bool has_new_lines: whether new reports may have extended the story
    """

    story: timeline.Timeline
    changes: dict
    has_new_lines: bool


class CcpCall(models.Model):
    """Derives a call's state, result and times from its reports.

    The state is a function of the set of reports: a call may be folded again at any time, in any
    process, with the same result.
    """

    _inherit = "ccp.call"

    @api.model
    def _deadline(self, state):
        """Return until when a call in this state waits for a report.

        :param str state: a state of ``ccp.call``
        :return: naive UTC; False if a call in this state does not wait
        :rtype: datetime.datetime | bool
        """
        limit = states.STATES[state].waits
        return fields.Datetime.now() + limit if limit else False

    def _timeline(self, reports=None):
        """Return the timeline of this call, from all its reports or from some.

        :param reports: ``ccp.call.event`` records; by default those that count
        :rtype: ccp.call.timeline.Timeline
        """
        if reports is None:
            call = self.sudo()
            reports = call._counted_reports()[call].reports
        # Odoo's own decision whom to ring is not a report of Airtel's
        return self._story_of(reports.filtered(lambda each: each.kind != "decision")._parsed())

    def _timelines(self):
        """Return the timelines of these calls.

        :return: by call: a ``ccp.call.timeline.Timeline``
        :rtype: dict
        """
        counted = self.sudo()._counted_reports()
        return {call: call._timeline(counted[call].reports) for call in self}

    def _story_of(self, parsed):
        """Return the timeline that some reports make.

        :param list parsed: reports as ``ccp.airtel.reports`` reads them
        :rtype: ccp.call.timeline.Timeline
        """
        call = self.sudo()
        return timeline.fold(
            call._own_reports(parsed),
            call._dialled(),
            request=call.request_outcome,
            closed=bool(call.closed_date),
        )

    def _fold(self, closing=False, is_patient=True):
        """Update calls from their reports, then notify about the changes.

        All folding goes through this method. A call that cannot be derived is marked and tried
        again later. If notifying about a call fails, the call stays derived and ``_cron_notify``
        tries again. Neither stops the other calls. No other transaction may write these calls
        meanwhile.

        :param bool closing: whether to stop waiting for reports
        :param bool is_patient: see ``contention.apart``
        """
        # The current user may have chosen other companies than the agent's
        calls = self.sudo().with_context(allowed_company_ids=[])
        for some in calls._fold_in_parts(closing):
            with some._under_way():
                some._derive_and_notify(closing, is_patient)

    def _derive_and_notify(self, closing, is_patient):
        """Fold calls whose fold is marked on disk; see ``_fold``.

        :param bool closing: whether to stop waiting for reports
        :param bool is_patient: see ``contention.apart``
        """
        derived = {}
        self._guarded(
            lambda some: derived.update(some._derive(closing)),
            lambda call, error: call._mark_error(error, closing),
            is_patient,
        )
        # Nobody is notified of imported calls
        shown = self.filtered(lambda call: call in derived and not call.imported)
        shown._guarded(
            lambda some: some._notify(derived),
            lambda call, error: call._notify_later(error),
            is_patient,
        )

    def _guarded(self, work, failed, is_patient=True):
        """Run ``work`` on these calls; if one fails, the others go on. See ``apart``."""
        apart(self, work, failed, is_patient)

    def _derive(self, closing=False):
        """Derive calls from their reports, write what changed, and mark the reports.

        :param bool closing: whether to stop waiting for reports
        :return: by call: a ``Derived``; without those whose reports were deleted
        :rtype: dict
        """
        if closing:
            self.write({"closed_date": fields.Datetime.now()})
        derived = {}
        counted = self._counted_reports()
        # A call whose reports were deleted cannot be derived
        for call in self.filtered(lambda each: not each.reports_deleted):
            reports = counted[call].reports
            story = call._timeline(reports)
            has_new_lines = call._has_new_lines(story, reports)
            derived[call] = Derived(story, call._changes(story), has_new_lines)
        for call, each in derived.items():
            if each.changes:
                call.write(each.changes)
            call._forget_unwanted_recording(each.story)
        self._keep_bounds(counted)
        if any(each.changes.get("recording_url") for each in derived.values()):
            self.env.ref("airtel_ccp.ir_cron_fetch_recordings")._trigger()
        if self.filtered(lambda call: counted[call].is_new)._mark_folded():
            self.env.ref(FOLD_ACTION)._trigger()
        return derived

    def _mark_error(self, error, closing=False):
        """Mark that a call cannot be derived, and when to try again.

        By SQL, because an automation rule may be what failed. A call that should have been closed
        no longer holds its agent's line. Its bounds are updated, too.

        :param Exception error: why it cannot be derived
        :param bool closing: whether the call was to stop waiting for reports
        """
        _logger.error("Call %s: its reports cannot be folded", self.id, exc_info=error)
        now = fields.Datetime.now()
        is_contention = isinstance(error, CONTENTION)
        retry = now + (CONTENTION_PAUSE if is_contention else RETRY_PAUSE)
        first_retry = now + FIRST_PAUSE if isinstance(error, FoldCutOff) else retry
        self.env.cr.execute(
            SQL(
                """
                UPDATE ccp_call
                   SET fold_error = %(error)s, report_bound = %(bound)s,
                       fold_retry_date = CASE WHEN fold_error = %(error)s
                                              THEN %(retry)s ELSE %(first_retry)s END,
                       closed_date = CASE WHEN %(closing)s THEN %(now)s ELSE closed_date END,
                       live = live AND NOT %(closing)s
                 WHERE id = %(call)s
                """,
                error=type(error).__name__,
                retry=retry,
                first_retry=first_retry,
                bound=self._bound_sql(),
                closing=closing,
                now=now,
                call=self.id,
            )
        )
        self.invalidate_recordset()
        if is_contention:
            self.env.ref(FOLD_ACTION)._trigger(retry)

    def _bound_sql(self):
        """Return which bound this call has passed, as SQL; the stored one if counting fails.

        :rtype: odoo.tools.SQL
        """
        try:
            with self.env.cr.savepoint(flush=False):
                return SQL("%s", self._count_reports()[self].bound or None)
        except Exception as error:  # noqa: BLE001 - the call is marked all the same
            if is_gone(self.env.cr):
                raise
            _logger.warning("Call %s: its reports cannot be counted (%s)", self.id, name_of(error))
            return SQL("report_bound")

    def _has_new_lines(self, story, reports):
        """Return whether reports that were not folded yet may have extended a call's story.

        :param ccp.call.timeline.Timeline story: the call's timeline
        :param reports: those of its reports that count
        :rtype: bool
        """
        return any(
            event.kind in ("event", "cdr") or any(line.what == "api_error" for line in story.lines)
            for event in reports
            if not event.folded
        )

    def _changes(self, story):
        """Return the values of a call that its timeline changes.

        :param ccp.call.timeline.Timeline story: the call's timeline
        :rtype: dict
        """
        if self.manual:
            return {}
        values = {
            **self._derived_values(story),
            "correlation_id": self.correlation_id or story.correlation_id or False,
            "session_id": self.session_id or story.session_id or False,
            "live": self.live and story.state in states.LIVE_STATES,
            "fold_error": False,
            "fold_retry_date": False,
        }
        if story.state not in states.LIVE_STATES:
            values["deadline"] = False
        elif story.state != self.state:
            values["deadline"] = self._deadline(story.state)
        values.update(self._recording_changes(story))
        return {name: value for name, value in values.items() if self[name] != value}

    def _derived_values(self, story):
        """Return the values of a call that follow from its reports alone.

        :param ccp.call.timeline.Timeline story: the timeline of all reports or of some
        :rtype: dict
        """
        ended = story.state == "ended"
        return {
            "state": story.state,
            "result": story.result or False,
            "agent_answer_date": naive_utc(story.agent.answered_at),
            "answer_date": naive_utc(story.answered_at),
            "end_date": self._end_date(story) if ended else False,
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
        """Return the values that a call stores of one of its legs.

        :param str role: ``agent`` or ``customer``
        :param ccp.call.leg.Leg leg: the leg in the timeline
        :rtype: dict
        """
        return {
            f"{role}_cause": timeline.cause_of(leg) or False,
            f"{role}_operator": leg.operator or False,
            f"{role}_circle": leg.circle or False,
        }

    def _end_date(self, story):
        """Return when a call ended; if no report says so, the time of the last report.

        :param ccp.call.timeline.Timeline story: the call's timeline
        :rtype: datetime.datetime | bool
        """
        ended_at = story.ended_at or (story.lines[-1].at if story.lines else None)
        return naive_utc(ended_at) or self.closed_date
