from datetime import datetime, timedelta, timezone

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..ccp.safe import number
from .ccp_call_words import shorten
from .utils import milliseconds

REMEMBERED = timedelta(hours=12)
# How many earlier calls are read at once; more only if the user may see none of these
EARLIER = 4
# A user has at most one live outgoing call, and few incoming ones
LIVE_LIMIT = 5


def _leg_values(leg):
    """Return the values of one leg of a timeline for the panel."""
    return {
        "rang": leg.rang,
        "answered": bool(leg.answered_at),
        "live": leg.live,
        "end": leg.end or False,
    }


class CcpCall(models.Model):
    """What the live panel shows of a call."""

    _inherit = "ccp.call"

    @api.model
    def _current_call(self, call_id=None):
        """Return the call that the user's panel shows: a live, else an opened one, else the last.

        The order is: a live outgoing call (unless the rep opened an incoming one), the call that
        the rep opened, a live incoming one, the last one. The last one is shown only while it is
        recent and not dismissed; an older one never replaces it. Outgoing calls without a token,
        such as those of the demo data, were never placed.

        :param int | None call_id: the call that the rep opened
        :return: one call or none, as superuser
        """
        calls = self.sudo()
        own = Domain("user_id", "=", self.env.uid)
        found = calls.search(
            own
            & Domain("state", "!=", "refused")
            & (
                Domain("live", "=", True)
                | (
                    Domain("manual", "=", False)
                    & Domain("imported", "=", False)
                    & (
                        Domain("token_digest", "!=", False)
                        | (Domain("direction", "=", "inbound") & Domain("event_ids", "!=", False))
                    )
                    & Domain("start_date", ">=", fields.Datetime.now() - REMEMBERED)
                )
            ),
            order="live desc, id desc",
            limit=LIVE_LIMIT,
        )
        live = found.filtered("live")
        outgoing = live.filtered(lambda call: call.direction == "outbound")[:1]
        incoming = live - outgoing
        opened = calls.browse()
        if isinstance(call_id, int) and not outgoing:
            opened = calls.search(own & Domain("id", "=", call_id))
        call = incoming.filtered(lambda each: each.id == call_id)
        call = call or outgoing or opened or incoming[:1] or found[:1]
        return call.filtered(lambda each: each.live or not each.dismissed)

    def _panel_values(self):
        """Return what the panel shows of this call to the current user.

        :return: see ``_agent_values`` and ``_reader_values``
        :rtype: dict
        """
        call = self.sudo()
        if call.direction == "inbound":
            decisions = call._decisions()[call]
            values = call._incoming_values(self.env.user, decisions)
            return {**values, **call._reader_values(), **call._caller_values(decisions)}
        return {**call._agent_values(call._timeline()), **call._reader_values()}

    def _agent_values(self, story):
        """Return what a call's agent may see of it in any case, in the environment's language.

        Times are milliseconds since 1970: a clock in the browser needs no time zone. ``now`` is the
        server's clock, from which the browser's may differ.

        :param ccp.call.timeline.Timeline story: the call's timeline
        :rtype: dict
        """
        return {
            "id": self.id,
            "direction": self.direction,
            "state": self.state,
            "result": self.result,
            "live": self.live,
            "tone": self.tone,
            "trial": self.trial,
            "customer": self.customer_name,
            "phone": number.mask(self.customer_number or ""),
            "agent_phone": number.mask(self.agent_number or ""),
            "company": self.partner_id.commercial_company_name or "",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "partner_id": self.partner_id.id,
            "message": self._panel_sentence(story),
            "legs": {
                "agent": _leg_values(story.agent),
                "customer": _leg_values(story.customer),
            },
            "reported": story.has_reports,
            "start": milliseconds(self.start_date),
            "answer": milliseconds(self.answer_date),
            "talk_seconds": self.talk_seconds,
            "talk_unknown": self.talk_unknown,
            "now": int(datetime.now(timezone.utc).timestamp() * 1000),
            "dismissed": self.dismissed,
            "note": self.note or "",
            "outcome_id": self.outcome_id.id,
            "follow_up": self._follow_up_values(),
            "recorded": self.recorded,
            "announced": self.recording_announced,
            "recording": self.recording_state,
        }

    def _reader_values(self):
        """Return what the panel shows of this call depending on the current user's rights.

        Only that user's own request reads it; it is in no bus message.

        :return: ``can_open`` and ``record_name`` of the record that was called, and ``last``, the
            previous call
        :rtype: dict
        """
        record = self._record().with_env(self.sudo(False).env)._filtered_access("read")
        return {
            "can_open": bool(record),
            "record_name": record.display_name if record else "",
            "last": self._last_call_values(),
        }

    def _last_call_values(self):
        """Return the previous call to the same contact or record that the current user may see.

        :return: what the panel shows of it, or False
        :rtype: dict | bool
        """
        calls = self.sudo(False)
        earlier = calls.browse(self._earlier_ids())
        last = earlier._filtered_access("read")[:1]
        if not last and len(earlier) == EARLIER:
            domain = Domain("id", "<", earlier[-1].id) & Domain("state", "=", "ended")
            domain &= Domain("imported", "=", False)
            if self.partner_id:
                domain &= Domain("partner_id", "=", self.partner_id.id)
            else:
                domain &= Domain("res_model", "=", self.res_model)
                domain &= Domain("res_id", "=", self.res_id)
            last = calls.search(domain, limit=1)
        return last._as_last_call() if last else False

    def _as_last_call(self):
        """Return what the panel shows of this call as the one before another.

        :rtype: dict
        """
        return {
            "id": self.id,
            "date": milliseconds(self.start_date),
            "result": self._label("result"),
            "outcome": self.outcome_id.name or "",
            "note": shorten(self.note or ""),
        }

    def _earlier_ids(self):
        """Return the ids of the last calls to the same contact or record before this one.

        :return: up to ``EARLIER`` calls that ended, the latest first, without a check of who may
            see them
        :rtype: list[int]
        """
        self.flush_model()
        same = SQL("res_model = %s AND res_id = %s", self.res_model, self.res_id)
        if self.partner_id:
            same = SQL("partner_id = %s", self.partner_id.id)
        # Ordered by an expression: with the bare id the planner would read all calls from the
        # end until it found enough
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id
                  FROM ccp_call
                 WHERE %s
                   AND id < %s
                   AND state = 'ended'
                   AND imported IS NOT TRUE
                 ORDER BY id + 0 DESC
                 LIMIT %s
                """,
                same,
                self.id,
                EARLIER,
            )
        )
        return [row[0] for row in rows]

    def _keep_note(self, note, seen):
        """Save what the rep typed, unless another tab of the rep saved something meanwhile.

        :param str note: the note in this tab
        :param str seen: the note that this tab last received
        :return: ``{"saved": bool, "note": str}``: whether it was saved, and the stored note
        :rtype: dict
        :raise UserError: when the call was erased
        """
        self._check_not_erased()
        current = self.note or ""
        if current != (seen or "") and current != (note or ""):
            return {"saved": False, "note": current}
        self.note = note or False
        self._notify_entry()
        return {"saved": True, "note": self.note or ""}

    def _notify_entry(self):
        """Update the chatter card and the agent's other tabs with what people wrote.

        If this fails, the entry is kept and the update is tried again later.
        """

        def notify(call):
            stories = {call: call._timeline()}
            messages = call._update_cards(stories, call._records())
            call._notify_agents(stories, messages)

        self.sudo()._guarded(notify, lambda call, error: call._notify_later(error))
