from collections import defaultdict
from datetime import datetime, timedelta, timezone

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, get_lang

from ..ccp.safe import number
from .utils import milliseconds

REMEMBERED = timedelta(hours=12)
# So many earlier calls are read for all calls at once; more only if a user may see none of them
EARLIER = 4


def _leg_values(leg):
    """Return what the panel shows of one leg of a timeline."""
    return {
        "rang": leg.rang,
        "answered": bool(leg.answered_at),
        "live": leg.live,
        "end": leg.end or False,
    }


class CcpCall(models.Model):
    """What the rep's live panel shows of a call."""

    _inherit = "ccp.call"

    @api.model
    def _current_call(self, call_id=None):
        """Return the call that the user's panel shows: a live, else an opened one, else the last.

        The last one only while it is recent and not dismissed; an older one is never shown in its
        place. Calls without a token were never placed, such as those of the demo data.

        :param int | None call_id: the call that the rep opened
        :return: one call or none, as superuser
        """
        calls = self.sudo()
        own = Domain("user_id", "=", self.env.uid)
        call = calls.search(
            own
            & Domain("state", "!=", "refused")
            & (
                Domain("live", "=", True)
                | (
                    Domain("manual", "=", False)
                    & Domain("imported", "=", False)
                    & Domain("token_digest", "!=", False)
                    & Domain("start_date", ">=", fields.Datetime.now() - REMEMBERED)
                )
            ),
            order="live desc, id desc",
            limit=1,
        )
        if isinstance(call_id, int) and not call.live:
            call = calls.search(own & Domain("id", "=", call_id)) or call
        return call.filtered(lambda each: each.live or not each.dismissed)

    def _panel_values(self):
        """Return what the current user's panel shows of this call, reading what that needs.

        :return: see ``_panel_values_of``
        :rtype: dict
        """
        call = self.sudo()
        story = call._timeline()
        record = call._readable_records({call: call._record()})[call]
        return call._panel_values_of(story, record, call._earlier_calls()[call])

    def _panel_values_each(self, stories, records):
        """Return what the panel of each call's agent shows of it.

        :param dict stories: by call: its ``ccp.call.timeline.Timeline``
        :param dict records: by call: the record that was called, see ``_records``
        :return: by call: see ``_panel_values_of``
        :rtype: dict
        """
        values = {}
        earlier = self._earlier_calls() if self else {}
        for agent, own in self.grouped("user_id").items():
            # In the agent's language and time zone; as superuser, because the agent may read all
            # that the panel shows of a call
            lang = get_lang(self.env, agent.lang).code
            seen = (
                own.with_user(agent)
                .with_context(lang=lang, tz=agent.tz, allowed_company_ids=[])
                .sudo()
            )
            readable = seen._readable_records({call: records[call] for call in seen})
            for call in seen:
                values[call] = call._panel_values_of(stories[call], readable[call], earlier[call])
        return values

    def _readable_records(self, records):
        """Return those of some records that the current user may read.

        :param dict records: by call: the record that was called, see ``_records``
        :return: by call: the record as the user sees it; empty if it was deleted or the user may
            not read it
        :rtype: dict
        """
        env = self.sudo(False).env
        by_model = defaultdict(list)
        for record in records.values():
            by_model[record._name].append(record)
        readable = set()
        for name, each in by_model.items():
            # The record rules read fields: prefetched for all calls at once, not only for these
            known = env[name].union(*each).with_prefetch(each[0]._prefetch_ids)
            readable.update(known._filtered_access("read"))
        return {
            call: (record if record in readable else record.browse()).with_env(env)
            for call, record in records.items()
        }

    def _panel_values_of(self, story, record, earlier):
        """Return what the panel shows of this call, in the environment's language.

        Times are milliseconds since 1970, so that a clock in the browser needs no time zone;
        ``now`` is the server's own clock, from which the browser's may differ.

        :param ccp.call.timeline.Timeline story: the call's timeline
        :param record: the record that was called, see ``_readable_records``
        :param earlier: see ``_earlier_calls``
        :rtype: dict
        """
        return {
            "id": self.id,
            "state": self.state,
            "result": self.result,
            "live": self.live,
            "tone": self.tone,
            "trial": self.trial,
            "customer": self.customer_name,
            "phone": number.mask(self.customer_number or ""),
            "agent_phone": number.mask(self.agent_number or ""),
            "company": self.partner_id.commercial_company_name or "",
            "res_model": self.res_model if record else False,
            "res_id": self.res_id if record else False,
            "record_name": record.display_name if record else "",
            "partner_id": self.partner_id.id,
            "message": self._panel_sentence(story),
            "legs": {
                "agent": _leg_values(story.agent),
                "customer": _leg_values(story.customer),
            },
            "reported": bool(self.event_ids),
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
            "last": self._last_call_values(earlier),
        }

    def _earlier_calls(self):
        """Return the last calls to the same contact or record before each of these calls.

        :return: by call: up to ``EARLIER`` calls that ended, the latest first, with no regard to
            who may see them
        :rtype: dict
        """
        self.flush_model()

        def same(which, match):
            # Ordered by an expression: for a bare id the planner reads all calls from the end
            # until it has enough
            return SQL(
                """
                SELECT call.id, ARRAY(
                           SELECT earlier.id
                             FROM ccp_call earlier
                            WHERE %(match)s
                              AND earlier.id < call.id
                              AND earlier.state = 'ended'
                              AND earlier.imported IS NOT TRUE
                            ORDER BY earlier.id + 0 DESC
                            LIMIT %(limit)s)
                  FROM ccp_call call
                 WHERE call.id = ANY(%(ids)s)
                   AND %(which)s
                """,
                match=match,
                which=which,
                ids=self.ids,
                limit=EARLIER,
            )

        contact = same(
            SQL("call.partner_id IS NOT NULL"), SQL("earlier.partner_id = call.partner_id")
        )
        record = same(
            SQL("call.partner_id IS NULL"),
            SQL("earlier.res_model = call.res_model AND earlier.res_id = call.res_id"),
        )
        found = dict(self.env.execute_query(SQL("%s UNION ALL %s", contact, record)))
        everything = [call_id for ids in found.values() for call_id in ids]
        return {
            call: self.browse(found.get(call.id, ())).with_prefetch(everything) for call in self
        }

    def _last_call_values(self, earlier):
        """Return the previous call to the same contact or record that the current user may see.

        :param earlier: see ``_earlier_calls``
        :return: what the panel shows of it, or False
        :rtype: dict | bool
        """
        calls = self.sudo(False)
        last = earlier.with_env(calls.env)._filtered_access("read")[:1]
        if not last and len(earlier) == EARLIER:
            domain = Domain("id", "<", earlier[-1].id) & Domain("state", "=", "ended")
            domain &= Domain("imported", "=", False)
            if self.partner_id:
                domain &= Domain("partner_id", "=", self.partner_id.id)
            else:
                domain &= Domain("res_model", "=", self.res_model)
                domain &= Domain("res_id", "=", self.res_id)
            last = calls.search(domain, limit=1)
        if not last:
            return False
        selection = dict(last._fields["result"]._description_selection(last.env))
        return {
            "id": last.id,
            "date": milliseconds(last.start_date),
            "result": selection.get(last.result, ""),
            "outcome": last.outcome_id.name or "",
            "note": last.note or "",
        }

    def _keep_note(self, note, seen):
        """Keep what the rep typed, unless another tab of the rep wrote meanwhile.

        :param str note: the note in this tab
        :param str seen: the note that this tab last got from the server
        :return: ``{"saved": bool, "note": str}``: whether it was saved, and the note now
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
        """Bring the chatter card and the agent's other tabs up to date with what people wrote.

        What they wrote is kept also if this fails; then it is tried again later.
        """

        def notify(call):
            stories = {call: call._timeline()}
            records = call._records()
            messages = call._update_cards(stories, records)
            call._notify_agents(stories, messages, records)

        self.sudo()._guarded(notify, lambda call, error: call._notify_later(error))
