import json
from collections import defaultdict
from datetime import datetime, timedelta, timezone

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import hmac

from ..ccp.airtel.routing import PARALLEL
from ..ccp.call.route import Decision
from ..ccp.safe import number
from .base import MAX_ID
from .utils import milliseconds

# How many incoming calls a browser shows at once, and among how many they are looked for
MAX_SHOWN = 5
MAX_LIVE = 100
# How long a decision is shown that no call has followed
DECISION_LIFE = timedelta(minutes=2)


def _read_decision(payload):
    """Return the routing decision that a report holds, or None for anything else.

    :param str | bool payload: as it was stored
    :rtype: ccp.call.route.Decision | None
    """
    try:
        return Decision.of_dict(json.loads(payload or ""))
    except (ValueError, RecursionError):
        return None


class CcpCall(models.Model):
    """Whom an incoming call rings, and what these users see of it whatever their rights."""

    _inherit = "ccp.call"

    _live_incoming_idx = models.Index("(company_id) WHERE live IS TRUE AND direction = 'inbound'")

    # Whom it rings

    def _decisions(self):
        """Return the routing decisions behind these calls, the last one first.

        :return: by call: ``ccp.call.route.Decision`` objects
        :rtype: dict
        """
        found = defaultdict(list)
        events = self.browse().event_ids.sudo()
        domain = Domain("call_id", "in", self.ids) & Domain("kind", "=", "decision")
        for event in events.search_fetch(domain, ["call_id", "payload"], order="id desc"):
            if decision := _read_decision(event.payload):
                found[event.call_id.id].append(decision)
        # A decision that was made without the database is stored later than it was made
        for decisions in found.values():
            decisions.sort(key=lambda decision: decision.at, reverse=True)
        return {call: found[call.id] for call in self}

    @api.model
    def _users_of_decisions(self, decisions):
        """Return the users whom routing decisions ring, in their order, without deleted ones.

        :param decisions: see ``_decisions``
        :rtype: odoo.models.BaseModel
        """
        ids = dict.fromkeys(
            each.user_id
            for decision in decisions
            for each in decision.ring
            if each.user_id <= MAX_ID
        )
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL("SELECT id FROM res_users WHERE id = ANY(%s) AND active", list(ids))
        )
        active = {user_id for (user_id,) in rows}
        users = self.env.user.sudo().browse([each for each in ids if each in active])
        # Otherwise Odoo reads all columns of both models for a name and a language
        users.fetch(["partner_id"])
        users.partner_id.fetch(["name", "lang", "tz"])
        return users

    @api.model
    def _among(self, users, decision):
        """Return those of some users whom a routing decision rings, in its order.

        :param users: ``res.users`` records
        :param ccp.call.route.Decision decision: see ``_decisions``
        :rtype: odoo.models.BaseModel
        """
        known = set(users.ids)
        ids = dict.fromkeys(each.user_id for each in decision.ring if each.user_id in known)
        return users.browse(ids).with_prefetch(users._prefetch_ids)

    def _rung_users(self, decisions):
        """Return the users whom this call rings, rang or may ring, in that order.

        Users who left, or who left the call's company, are left out.

        :param list decisions: see ``_decisions``
        :rtype: odoo.models.BaseModel
        """
        call = self.sudo()
        users = self.env.user.browse().sudo()
        users |= self._users_of_decisions(decisions[:1])
        users |= call.missed_user_ids | call.ringing_user_ids | call.user_id
        return users.filtered(
            lambda user: (
                user.active and (not call.company_id or call.company_id in user.company_ids)
            )
        )

    def _ringing_values(self, users):
        """Return the state of an incoming call at each of these users.

        :param users: see ``_rung_users``
        :return: dicts with ``user_id``, ``name`` and ``state``: ``waits``, ``rings``, ``talks``
            (also once the call is over) or ``missed``
        :rtype: list[dict]
        """
        call = self.sudo()
        is_taken = call.state == "in_call" or call.result == "connected"
        values = []
        for user in users.sudo():
            state = ""
            if is_taken and user == call.user_id:
                state = "talks"
            elif call.live and not is_taken and user in call.ringing_user_ids:
                state = "rings"
            elif user in call.missed_user_ids:
                state = "missed"
            elif call.live and not is_taken:
                state = "waits"
            if state:
                values.append({"user_id": user.id, "name": user.name, "state": state})
        return values

    # What they see

    def _incoming_values(self, reader, decisions, story=None):
        """Return what an incoming call shows to a user whom it rings, whatever that user's rights.

        Names of customer and records are in ``_caller_values``, which checks rights.

        :param reader: the ``res.users`` whose browser shows it
        :param list decisions: see ``_decisions``
        :param ccp.call.timeline.Timeline | None story: the call's timeline, for a user whose own
            call it is; read if it is not given
        :rtype: dict
        """
        self.ensure_one()
        call = self.sudo()
        is_own = call.user_id == reader
        users = call._rung_users(decisions)
        ringing = call._ringing_values(users)
        at_once = any(decision.strategy == PARALLEL for decision in decisions[:1])
        values = {}
        if is_own:
            values = call._agent_values(story or call._timeline())
            # These depend on the reader's rights
            for name in ("customer", "company"):
                del values[name]
        return {
            **values,
            "id": call.id,
            "decision": decisions[0].id if decisions else "",
            "pair": call._pair(call.customer_number, call.caller_number),
            "direction": call.direction,
            "mine": is_own,
            "state": call.state,
            "result": call.result,
            "live": call.live,
            "tone": call.tone,
            "trial": call.trial,
            "dismissed": is_own and call.dismissed,
            "phone": number.mask(call.customer_number or ""),
            "res_model": call.res_model,
            "res_id": call.res_id,
            "partner_id": call.partner_id.id,
            "message": call._ringing_sentence(reader, ringing, len(users), at_once),
            "reason": call.route_reason or "",
            "ringing": ringing,
            "at_once": at_once,
            "start": milliseconds(call.start_date),
            "answer": milliseconds(call.answer_date),
            "now": int(datetime.now(timezone.utc).timestamp() * 1000),
        }

    @api.model
    def _pair(self, customer, airtel_number):
        """Return one digest of both numbers of an incoming call, which reveals neither.

        It shows a browser that a decision and a call that came without that decision belong
        together.

        :param str customer: any spelling
        :param str airtel_number: any spelling
        :rtype: str
        """
        both = (number.last10(customer or ""), number.last10(airtel_number or ""))
        return hmac(self.env(su=True), "airtel_ccp.incoming", both)[:16]

    # Which calls a user's browser shows

    @api.model
    def _incoming_of_user(self, shown):
        """Return the incoming calls that the current user's browser shows.

        These are live calls that ring, rang or may ring the user; those that the browser shows
        already; and decisions that no call has followed yet.

        :param list shown: the ids of calls that the browser shows, as it sent them
        :return: see ``_incoming_values`` and ``_caller_values``
        :rtype: list[dict]
        """
        user = self.env.user
        live = (
            Domain("live", "=", True)
            & Domain("direction", "=", "inbound")
            & Domain("company_id", "in", user._get_company_ids())
        )
        calls = self.sudo().search(live, order="id desc", limit=MAX_LIVE)
        # Others who saw a call ring learn once that a colleague took it
        calls = calls.filtered(lambda call: call.state != "in_call" or call.user_id == user)
        calls |= self._named_calls(shown).filtered(lambda call: call.direction == "inbound")
        decisions = calls._decisions()
        own = [call for call in calls if user in call._rung_users(decisions[call])]
        values = []
        for call in own[:MAX_SHOWN]:
            if call.live and call._has_unfolded_reports():
                call._fold_free()
            values.append(
                {
                    **call._incoming_values(user, decisions[call]),
                    **call._caller_values(decisions[call]),
                }
            )
        return [*values, *self._announced_values(user)][:MAX_SHOWN]

    @api.model
    def _named_calls(self, shown):
        """Return the calls that a browser names, as superuser, without deleted ones.

        :param shown: what a browser sent
        :rtype: odoo.models.BaseModel
        """
        some = shown[:MAX_SHOWN] if isinstance(shown, list) else []
        return self.sudo()._ccp_records(self._name, some)

    @api.model
    def _announced_values(self, user):
        """Return the decisions that ring a user and that no call has followed yet.

        :param user: the current user
        :return: see ``_incoming_values`` and ``_caller_values``; ``id`` is False
        :rtype: list[dict]
        """
        domain = (
            Domain("kind", "=", "decision")
            & Domain("call_id", "=", False)
            & Domain("folded", "=", False)
            & Domain("received_at", ">=", fields.Datetime.now() - DECISION_LIFE)
            & Domain("company_id", "in", user._get_company_ids())
        )
        values = []
        events = self.browse().event_ids.sudo()
        for event in events.search(domain, order="id desc", limit=MAX_LIVE):
            decision = _read_decision(event.payload)
            if decision and any(each.user_id == user.id for each in decision.ring):
                values.append(
                    {
                        **self._decided_values(
                            decision, user, self._users_of_decisions([decision])
                        ),
                        **self._caller_of_decision(decision, event.company_id),
                    }
                )
            if len(values) == MAX_SHOWN:
                break
        return values

    @api.model
    def _decided_values(self, decision, reader, users):
        """Return what a decision shows to a user whom it rings, before there is a call.

        :param ccp.call.route.Decision decision: see ``_decisions``
        :param reader: the ``res.users`` whose browser shows it
        :param users: all users whom it rings, see ``_users_of_decisions``
        :rtype: dict
        """
        ringing = [
            {"user_id": user.id, "name": user.name, "state": "waits"} for user in users.sudo()
        ]
        at_once = decision.strategy == PARALLEL
        return {
            "id": False,
            "decision": decision.id,
            "pair": self._pair(decision.customer, decision.airtel_number),
            "direction": "inbound",
            "mine": False,
            "state": "ringing_agent",
            "result": False,
            "live": True,
            "tone": "info",
            "trial": False,
            "dismissed": False,
            "phone": number.mask(decision.customer),
            "res_model": False,
            "res_id": False,
            "partner_id": False,
            "message": self._coming_sentence(reader, ringing, at_once),
            "reason": decision.reason,
            "ringing": ringing,
            "at_once": at_once,
            "start": decision.at,
            "answer": False,
            "now": int(datetime.now(timezone.utc).timestamp() * 1000),
        }

    @api.model
    def _takes_calls(self):
        """Return whether one of the current user's companies has a number that customers can call.

        :rtype: bool
        """
        flows = self.browse().flow_id.sudo()
        domain = Domain("call_type", "=", "INBOUND")
        domain &= Domain("company_id", "in", self.env.user._get_company_ids())
        return bool(flows.search_count(domain, limit=1))
