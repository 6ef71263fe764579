from datetime import timedelta

from odoo import api, fields, models

from ..ccp import timeline
from .utils import naive_utc

# How long a live call waits for its next report before it is ended without one
DEADLINES = {
    "queued": timedelta(minutes=5),
    "unknown": timedelta(minutes=5),
    "ringing_agent": timedelta(minutes=5),
    "ringing_customer": timedelta(minutes=10),
    "in_call": timedelta(hours=4),
}
BUS_MESSAGE = "airtel_ccp.call"


class CcpCall(models.Model):
    """How a call's reports become its state, result, times, chatter card and bus message.

    The state is a function of the set of reports. So a call may be folded again at any time, in any
    process, with the same result.
    """

    _inherit = "ccp.call"

    @api.model
    def _deadline(self, state):
        """Return until when a call in this state waits for a report.

        :param str state: a state of ``ccp.call``
        :return: naive UTC; False if such a call waits for nothing
        :rtype: datetime.datetime | bool
        """
        limit = DEADLINES.get(state)
        return fields.Datetime.now() + limit if limit else False

    def _timeline(self, reports=None):
        """Return what all reports of this call say together, or some of them.

        :param reports: ``ccp.call.event`` records; by default all of the call
        :rtype: ccp.timeline.Timeline
        """
        call = self.sudo()
        return timeline.fold(
            (call.event_ids if reports is None else reports)._parsed(),
            call._dialled(),
            request=call.request_outcome,
            closed=bool(call.closed_date),
        )

    def _dialled(self):
        """Return what was dialled, by which reports name the two parties.

        :rtype: ccp.timeline.Dialled
        """
        flow = self.flow_id
        return timeline.Dialled(
            agent_numbers=self._agent_numbers(),
            customer_numbers=self._customer_numbers(),
            agent_name=flow.agent_name,
            customer_name=flow.customer_name,
            agent_component=flow.agent_component,
            customer_component=flow.customer_component,
            incoming=self.direction == "inbound",
            agent_pool=bool(self.agent_pool),
        )

    def _fold(self):
        """Bring calls up to date with their reports; write and notify only what changed.

        Nobody else may write these calls at the same moment.
        """
        calls = self.sudo()
        # Without their reports there is nothing to derive these calls from
        derived = calls.filtered(lambda call: not call.reports_deleted)
        stories = {call: call._timeline() for call in derived}
        changes = {call: call._changes(story) for call, story in stories.items()}
        changed = derived.filtered(lambda call: changes[call])
        for call in changed:
            call.write(changes[call])
        for call in changed.filtered(lambda call: "result" in changes[call]):
            call._finish_list_item()
        if any(values.get("recording_url") for values in changes.values()):
            self.env.ref("airtel_ccp.ir_cron_fetch_recordings")._trigger()
        records = derived._records()
        # Nobody is notified of a call of the past
        shown = derived.filtered(lambda call: not call.imported)
        stories = {call: stories[call] for call in shown}
        messages = self.env["ccp.card"]._update_each(stories, records, changes)
        news = shown.filtered(lambda call: changes[call] or messages[call])
        news._notify_agents(stories, messages, records)
        calls.event_ids.filtered(lambda event: not event.folded).folded = True
        listed = changed.filtered(lambda call: "state" in changes[call] or "live" in changes[call])
        self.env["ccp.live"]._tell(listed.company_id)

    def _finish_list_item(self):
        """Mark the call list entry of a call done if the call reached the customer."""
        if self.list_item_id and self.result == "connected":
            self.list_item_id.state = "done"

    def _changes(self, story):
        """Return the values of a call that its timeline changes.

        :param ccp.timeline.Timeline story: what its reports say
        :rtype: dict
        """
        if self.manual:
            return {}
        values = {
            **self._derived_values(story),
            "correlation_id": self.correlation_id or story.correlation_id or False,
            "session_id": self.session_id or story.session_id or False,
            "live": self.live and story.state in DEADLINES,
            "fold_error": False,
            "fold_retry_date": False,
        }
        if story.state not in DEADLINES:
            values["deadline"] = False
        elif story.state != self.state:
            values["deadline"] = self._deadline(story.state)
        values.update(self.env["ccp.recording"]._changes(self, story))
        return {name: value for name, value in values.items() if self[name] != value}

    def _derived_values(self, story):
        """Return the values of a call that follow from its reports alone.

        :param ccp.timeline.Timeline story: what its reports say, or some of them
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

    def _end_date(self, story):
        """Return when a call ended; if no report says so, the moment of the last one.

        :param ccp.timeline.Timeline story: what its reports say
        :rtype: datetime.datetime | bool
        """
        ended_at = story.ended_at or (story.lines[-1].at if story.lines else None)
        return naive_utc(ended_at) or self.closed_date

    def _notify_agents(self, stories, messages, records):
        """Send the browser of each call's agent what changed.

        :param dict stories: by call: what its reports say, a ``ccp.timeline.Timeline``
        :param dict messages: by call: the ``mail.message`` records of the chatter that are new or
            look different now
        :param dict records: by call: the record that was called, see ``_records``
        """
        shown = self.env["ccp.panel"]._values_each(self, stories, records)
        for call in self:
            values = call._bus_values(shown[call])
            # No content: a browser that shows them asks for what its user may see
            values["card_ids"] = messages[call].ids
            call.user_id._bus_send(BUS_MESSAGE, values)
