from collections import defaultdict
from datetime import datetime, timedelta, timezone

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL, get_lang

from ..ccp import number
from .contention import take_turns
from .utils import time_zone

REMEMBERED = timedelta(hours=12)
FOUND_LIMIT = 8
# How long a rep may take to choose an outcome before the planned activity is ticked off without
PATIENCE = timedelta(minutes=15)
BATCH = 200
# So many earlier calls are read for all calls at once; more where a user may see none of them
EARLIER = 4


class CcpPanel(models.AbstractModel):
    """What the rep's live panel shows and does; every public method is for the own calls only."""

    _name = "ccp.panel"
    _description = "The rep's live call panel"

    @api.model
    def _check_user(self):
        if not self.env.user.has_group("airtel_ccp.group_ccp_user"):
            raise AccessError(
                self.env._(
                    "You may not place calls: ask your administrator for the right “Airtel calls”."
                )
            )

    @api.model
    def _for_agent(self, agent):
        """Return this model as an agent sees it: rights, language and time zone."""
        return self.with_user(agent).with_context(
            lang=get_lang(self.env, agent.lang).code, tz=agent.tz
        )

    @api.model
    def _own_call(self, call_id):
        """Return one of the user's own calls, as superuser.

        :raise AccessError: for anybody else's call
        :raise UserError: when it is gone
        """
        self._check_user()
        call = self.env["ccp.call"].sudo().browse(call_id).exists()
        if not call:
            raise UserError(self.env._("This call does not exist any more."))
        if call.user_id != self.env.user:
            raise AccessError(self.env._("This is not your call."))
        return call

    @api.model
    def state(self, call_id=None):
        """Return what the panel shows now; folds reports that wait.

        :param int | None call_id: one of the user's own calls that ``open_call`` brought back:
            shown as long as no call is live
        :return: ``call`` (values or False), ``outcomes``, ``require_outcome``,
            ``reports_late`` (whether Airtel's reports lag behind), ``list`` (the head of the call
            list)
        :rtype: dict
        :raise AccessError: for users without calling rights
        """
        self._check_user()
        call = self._current_call(call_id)
        if call.live and call.event_ids.filtered(lambda event: not event.folded):
            self.env["ccp.folder"]._fold_free(call)
        company = (call.company_id or self.env.company).sudo()
        return {
            "call": self._call_values(call) if call else False,
            "outcomes": self._outcomes(company),
            "require_outcome": company.ccp_require_outcome,
            "reports_late": self.env["ccp.health"]._are_reports_late(company),
            "list": self.env["ccp.call.list.item"]._panel_values(),
        }

    @api.model
    @api.readonly
    def find(self, text):
        """Return contacts and leads with a phone whose name fits, for the command palette.

        :param str text: what was typed
        :return: dicts with ``res_model``, ``res_id``, ``name`` and ``phone`` (masked)
        :rtype: list[dict]
        :raise AccessError: for users without calling rights
        """
        self._check_user()
        found = []
        for model in ("res.partner", "crm.lead"):
            records = self.env[model]
            if not records.has_access("read"):
                continue
            domain = Domain("phone", "!=", False) & Domain("display_name", "ilike", text)
            found += [
                {
                    "res_model": model,
                    "res_id": record.id,
                    "name": record.display_name,
                    "phone": number.mask(record.phone),
                }
                for record in records.search(domain, limit=FOUND_LIMIT)
            ]
        return found

    @api.model
    def _current_call(self, call_id=None):
        """Return the call that the panel shows: a live, else an opened one, else the last.

        The last one only while it is recent and not put away: then nothing is shown, and never
        an older one. Calls without a token were never placed, such as those of the demo data.

        :param int | None call_id: the call that the rep opened
        """
        calls = self.env["ccp.call"].sudo()
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

    @api.model
    def _outcomes(self, company):
        """Return the outcomes that a company offers: ``id``, ``name``, ``color``, ``blacklist``."""
        return [
            {
                "id": outcome.id,
                "name": outcome.name,
                "color": outcome.color,
                "blacklist": outcome.blacklist,
            }
            for outcome in self.env["ccp.call.outcome"]._offered(company)
        ]

    @api.model
    def _call_values(self, call):
        """Return what the panel shows of a call, reading what that needs.

        :rtype: dict
        """
        call = call.sudo()
        story = self.env["ccp.folder"]._timeline(call)
        record = self._readable({call: call._record()})[call]
        return self._values(call, story, record, self._earlier_calls(call)[call])

    @api.model
    def _values_each(self, calls, stories, records):
        """Return what the panel of each call's agent shows of it.

        :param calls: ``ccp.call`` records, as superuser
        :param dict stories: by call: what its reports say, a ``ccp.timeline.Timeline``
        :param dict records: by call: the record that was called, see ``ccp.call._records``
        :return: by call: see ``_values``
        :rtype: dict
        """
        values = {}
        earlier = self._earlier_calls(calls) if calls else {}
        for agent, own in calls.grouped("user_id").items():
            panel = self._for_agent(agent)
            readable = panel._readable({call: records[call] for call in own})
            for call in own:
                values[call] = panel._values(call, stories[call], readable[call], earlier[call])
        return values

    @api.model
    def _readable(self, records):
        """Return those of some records that the user may read.

        :param dict records: by call: the record that was called, see ``ccp.call._records``
        :return: by call: that record as the user sees it, empty where it is gone or not readable
        :rtype: dict
        """
        by_model = defaultdict(list)
        for record in records.values():
            by_model[record._name].append(record)
        readable = set()
        for name, each in by_model.items():
            # What the rules read is read for all calls at once, not only for these
            known = self.env[name].union(*each).with_prefetch(each[0]._prefetch_ids)
            readable.update(known._filtered_access("read"))
        return {
            call: (record if record in readable else record.browse()).with_env(self.env)
            for call, record in records.items()
        }

    @api.model
    def _values(self, call, story, record, earlier):
        """Return what the panel shows of a call.

        Times are milliseconds since 1970, so that a clock in the browser needs no time zone;
        ``now`` is the server's own clock, against which the browser's may be off.

        :param call: one ``ccp.call``, as superuser
        :param ccp.timeline.Timeline story: what its reports say
        :param record: the record that was called, see ``_readable``
        :param earlier: see ``_earlier_calls``
        :rtype: dict
        """
        return {
            "id": call.id,
            "state": call.state,
            "result": call.result,
            "live": call.live,
            "tone": call.tone,
            "trial": call.trial,
            "customer": call.customer_name,
            "phone": number.mask(call.customer_number or ""),
            "agent_phone": number.mask(call.agent_number or ""),
            "company": call.partner_id.commercial_company_name or "",
            "res_model": call.res_model if record else False,
            "res_id": call.res_id if record else False,
            "record_name": record.display_name if record else "",
            "partner_id": call.partner_id.id,
            "message": self._message(call, story),
            "legs": {
                "agent": self._leg(story.agent),
                "customer": self._leg(story.customer),
            },
            "reported": bool(call.event_ids),
            "start": self._milliseconds(call.start_date),
            "answer": self._milliseconds(call.answer_date),
            "talk_seconds": call.talk_seconds,
            "talk_unknown": call.talk_unknown,
            "now": int(datetime.now(timezone.utc).timestamp() * 1000),
            "dismissed": call.dismissed,
            "note": call.note or "",
            "outcome_id": call.outcome_id.id,
            "follow_up": call.with_env(self.env).sudo()._follow_up_values(),
            "recorded": call.recorded,
            "announced": call.recording_announced,
            "recording": call.recording_state,
            "last": self._last_call(call, earlier),
        }

    @api.model
    def _leg(self, leg):
        return {
            "rang": leg.rang,
            "answered": bool(leg.answered_at),
            "live": leg.live,
            "end": leg.end or False,
        }

    @api.model
    def _milliseconds(self, moment):
        """Return a stored (naive UTC) datetime as milliseconds since 1970, or False."""
        if not moment:
            return False
        return int(moment.replace(tzinfo=timezone.utc).timestamp() * 1000)

    @api.model
    def _message(self, call, story):
        """Say in words how a call stands; never more than Airtel reported.

        :rtype: str
        """
        if sentence := call._pool_sentence():
            return sentence
        _ = self.env._
        customer = call.customer_name
        phone = number.mask(call.agent_number or "")
        if call.state in ("queued", "unknown", "ringing_agent") and not story.agent.rang:
            if call.state == "unknown":
                return _("Airtel did not confirm the call. If your phone rings, pick up.")
            if not call.event_ids:
                if call.state == "queued":
                    return _("Airtel has not answered yet. If your phone %s rings, pick up.", phone)
                return _("Calling your phone %s. No report from Airtel yet.", phone)
        if call.state in ("ringing_agent", "unknown", "queued"):
            if story.agent.end and not story.agent.live:
                return _("You did not pick up; Airtel may try again.")
            return _("Calling your phone %s", phone)
        if call.state == "ringing_customer":
            # Functions, so that only the sentence that is needed gets translated
            ends = {
                "busy": lambda: _("%s was busy", customer),
                "no_answer": lambda: _("%s did not pick up", customer),
                "unreachable": lambda: _("%s could not be reached", customer),
                "rejected": lambda: _("%s rejected the call", customer),
            }
            if story.customer.end in ends and not story.customer.live:
                return ends[story.customer.end]()
            if story.customer.rang:
                return _("You picked up, the phone of %s rings", customer)
            return _("You picked up, calling %s", customer)
        if call.state == "in_call":
            return _("Connected with %s", customer)
        ends = {
            "connected": lambda: _("The call with %s is over", customer),
            "agent_no_answer": lambda: _("You did not pick up"),
            "agent_busy": lambda: _("Your phone was busy"),
            "agent_unreachable": lambda: _("Your phone could not be reached"),
            "customer_no_answer": lambda: _("%s did not pick up", customer),
            "customer_busy": lambda: _("%s was busy", customer),
            "customer_unreachable": lambda: _("%s could not be reached", customer),
            "customer_rejected": lambda: _("%s rejected the call", customer),
            "canceled": lambda: _("You hung up before %s picked up", customer),
            "failed": lambda: _("The call failed at Airtel"),
            "no_report": lambda: _("Airtel sent no report of how this call ended"),
        }
        if call.state == "refused":
            return _("The call was not placed")
        return ends[call.result]() if call.result in ends else call._headline(story)

    @api.model
    def _earlier_calls(self, calls):
        """Return the last calls to the same contact or record before each of some calls.

        :param calls: ``ccp.call`` records, as superuser
        :return: by call: up to ``EARLIER`` calls that ended, the latest first, whoever may see them
        :rtype: dict
        """
        self.env["ccp.call"].flush_model()
        # Not simply by id, for which the planner reads all calls from the end until it has enough
        rows = self.env.execute_query(
            SQL(
                """
                SELECT call.id, ARRAY(
                           SELECT earlier.id
                             FROM ccp_call earlier
                            WHERE earlier.partner_id = call.partner_id
                              AND earlier.id < call.id
                              AND earlier.state = 'ended'
                              AND earlier.imported IS NOT TRUE
                            ORDER BY earlier.id + 0 DESC
                            LIMIT %(limit)s)
                  FROM ccp_call call
                 WHERE call.id = ANY(%(ids)s)
                   AND call.partner_id IS NOT NULL
                 UNION ALL
                SELECT call.id, ARRAY(
                           SELECT earlier.id
                             FROM ccp_call earlier
                            WHERE earlier.res_model = call.res_model
                              AND earlier.res_id = call.res_id
                              AND earlier.id < call.id
                              AND earlier.state = 'ended'
                              AND earlier.imported IS NOT TRUE
                            ORDER BY earlier.id + 0 DESC
                            LIMIT %(limit)s)
                  FROM ccp_call call
                 WHERE call.id = ANY(%(ids)s)
                   AND call.partner_id IS NULL
                """,
                ids=calls.ids,
                limit=EARLIER,
            )
        )
        found = dict(rows)
        everything = [call_id for ids in found.values() for call_id in ids]
        return {
            call: calls.browse(found.get(call.id, ())).with_prefetch(everything) for call in calls
        }

    @api.model
    def _last_call(self, call, earlier):
        """Return the previous call to the same contact or record that the user may see.

        :param call: one ``ccp.call``
        :param earlier: see ``_earlier_calls``
        """
        last = earlier.with_env(self.env)._filtered_access("read")[:1]
        if not last and len(earlier) == EARLIER:
            domain = Domain("id", "<", earlier[-1].id) & Domain("state", "=", "ended")
            domain &= Domain("imported", "=", False)
            if call.partner_id:
                domain &= Domain("partner_id", "=", call.partner_id.id)
            else:
                domain &= Domain("res_model", "=", call.res_model)
                domain &= Domain("res_id", "=", call.res_id)
            last = self.env["ccp.call"].search(domain, limit=1)
        if not last:
            return False
        selection = dict(last._fields["result"]._description_selection(self.env))
        return {
            "id": last.id,
            "date": self._milliseconds(last.start_date),
            "result": selection.get(last.result, ""),
            "outcome": last.outcome_id.name or "",
            "note": last.note or "",
        }

    @api.model
    def save_note(self, call_id, note, seen):
        """Keep what the rep typed.

        :param int call_id: one of the user's own calls
        :param str note: the note as it stands in this tab
        :param str seen: the note that this tab last got from the server
        :return: ``{"saved": bool, "note": str}``; not saved when another tab wrote meanwhile, with
            that tab's text
        :rtype: dict
        :raise AccessError: for anybody else's call
        :raise UserError: when the call was erased
        """
        call = self._own_call(call_id)
        call._check_not_erased()
        current = call.note or ""
        if current != (seen or "") and current != (note or ""):
            return {"saved": False, "note": current}
        call.note = note or False
        self._tell(call)
        return {"saved": True, "note": call.note or ""}

    @api.model
    def save_outcome(self, call_id, outcome_id, confirmed=False):
        """Note what came of a call, and do what follows from that by itself.

        :param int call_id: one of the user's own calls
        :param int | bool outcome_id: an outcome that the call's company offers, or False
        :param bool confirmed: whether the agent agreed that a number is never called again
        :rtype: dict
        :return: ``{"outcome_id": int | bool, "warning": str, "notice": str}``; with ``"confirm"``,
            the question to ask first, nothing is saved yet
        :raise AccessError: for anybody else's call
        :raise UserError: when the outcome is not offered any more, or the call was erased
        """
        return self._own_call(call_id)._write_outcome(outcome_id, confirmed is True)

    @api.model
    def _tell(self, call):
        """Bring the chatter card and the agent's other tabs up to date with what the rep did."""
        folder = self.env["ccp.folder"]
        stories = {call: folder._timeline(call)}
        records = call._records()
        messages = self.env["ccp.card"]._update_each(stories, records)
        folder._tell_each(call, stories, messages, records)

    @api.model
    def dismiss(self, call_id):
        """Put a call that is over away from the panel.

        :param int call_id: one of the user's own calls
        :rtype: bool
        :raise AccessError: for anybody else's call
        """
        call = self._own_call(call_id)
        if not call.live:
            call.dismissed = True
            self._consume_activity(call)
            self._tell(call)
        return True

    @api.model
    def open_call(self, call_id):
        """Take back that a call was put away, so that the panel can show it with its outcomes.

        :param int call_id: one of the user's own calls
        :rtype: bool
        :raise AccessError: for anybody else's call
        :raise UserError: when it is gone
        """
        self._own_call(call_id).dismissed = False
        return True

    @api.model
    def close(self, call_id):
        """Say that a call is over although Airtel never reported it.

        :param int call_id: one of the user's own calls
        :rtype: bool
        :raise AccessError: for anybody else's call
        """
        self._own_call(call_id)._close()
        return True

    @api.model
    def _zone(self):
        return time_zone(self.env.user.tz)

    @api.model
    def _cron_consume_activities(self):
        """Mark planned Call activities done by calls that nobody gave an outcome or put away."""
        due = [
            ("result", "=", "connected"),
            ("activity_done", "=", False),
            ("end_date", "<=", fields.Datetime.now() - PATIENCE),
        ]

        def consume_one():
            calls = self.env["ccp.call"].search(due, limit=BATCH)
            call = calls.try_lock_for_update(allow_referencing=True, limit=1)
            if call:
                self._consume_activity(call)
            return len(call), self.env["ccp.call"].search_count(due)

        take_turns(self, consume_one, "airtel_ccp.ir_cron_consume_activities")

    @api.model
    def _consume_activity(self, call):
        """Mark the planned call that a call answers done, see ``ccp.call._consume_activity``."""
        call._consume_activity()
