from odoo import api, fields, models

from ..ccp.safe import number
from .ccp_call_words import MAX_NAME, shorten
from .route_words import reason_words
from .utils import format_seconds

# Nobody reads a sentence with more names to its end
MAX_NAMES = 3


class CcpCall(models.Model):
    """Sentences about an incoming call, in the environment's language and time zone."""

    _inherit = "ccp.call"

    # For lists, instead of the users: outgoing calls then need no statement
    missed_names = fields.Char("Who missed it", compute="_compute_missed_names")

    @api.depends("direction", "missed_user_ids")
    @api.depends_context("lang")
    def _compute_missed_names(self):
        for call in self:
            users = call.sudo().missed_user_ids if call.direction == "inbound" else None
            call.missed_names = self._names_of(users) if users else ""

    def _agent_names(self):
        """Return the name at the agent's end of an incoming call, for a sentence.

        It is who picked up, else whose phone rings, else who missed it, else whom it was to ring.

        :return: "" if unknown
        :rtype: str
        """
        self.ensure_one()
        call = self.sudo()
        users = call.user_id or call.ringing_user_ids or call.missed_user_ids
        if not users:
            return call._decided_names()
        return self._names_of(users)

    def _names_of(self, users):
        """Return names of users for a sentence, at most ``MAX_NAMES``.

        :param users: ``res.users``, as superuser
        :rtype: str
        """
        names = [shorten(user.name or "", MAX_NAME) for user in users]
        shown = ", ".join(names[:MAX_NAMES])
        if len(names) > MAX_NAMES:
            return self.env._(
                "%(names)s and %(count)s more", names=shown, count=len(names) - MAX_NAMES
            )
        return shown

    def _decided_names(self):
        """Return the names of the agents whom Airtel was to ring, in that order, for a sentence.

        :rtype: str
        """
        snapshot = self.sudo().dialled or {}
        rung = snapshot.get("agent_numbers") or ()
        return self._names_of(self._users_of(snapshot.get("users") or {}, rung).sudo())

    def _is_callers(self, line):
        """Return whether a line of the timeline is about the calling customer's phone.

        :param ccp.call.timeline.Line line: one line of what the reports say
        :rtype: bool
        """
        return self._is_reported_incoming() and line.leg == "customer"

    def _line_agent(self, line):
        """Return the name of the agent in a line of an incoming call, "" if the line names none.

        A call may ring several agents.

        :param ccp.call.timeline.Line line: one line of what the reports say
        :rtype: str
        """
        if line.leg != "agent" or not line.address or not self._is_reported_incoming():
            return ""
        users = (self.sudo().dialled or {}).get("users") or {}
        user = self._users_of(users, [line.address])
        return self._names_of(user.sudo()) or number.mask(line.address)

    def _incoming_headline(self):
        """Return a sentence about an incoming call's state or result; "" if any call's fits.

        :rtype: str
        """
        _ = self.env._
        names = {"customer": self._names()["customer"], "agents": self._agent_names()}
        if self.state == "ringing_agent":
            if self.ringing_user_ids:
                return _("%(customer)s is calling; ringing %(agents)s.", **names)
            if names["agents"]:
                return _("%(customer)s is calling and is being put through to %(agents)s.", **names)
            return _("%(customer)s is calling.", **names)
        if self.state == "in_call":
            if self.user_id:
                return _("%(agents)s is talking with %(customer)s.", **names)
            return _("%(customer)s is talking with somebody.", **names)
        if self.state != "ended":
            return ""
        # Functions: only the sentence that is used gets translated
        if names["agents"]:
            sentences = {
                "connected": lambda: self._answered_sentence(names),
                "agent_no_answer": lambda: _("Missed: %(agents)s did not pick up.", **names),
                "agent_busy": lambda: _("Missed: %(agents)s was busy.", **names),
                "agent_unreachable": lambda: _("Missed: %(agents)s could not be reached.", **names),
            }
        else:
            sentences = {
                "agent_no_answer": lambda: _("Missed: nobody picked up."),
                "agent_busy": lambda: _("Missed: the line was busy."),
                "agent_unreachable": lambda: _("Missed: nobody could be reached."),
            }
        sentences["abandoned"] = lambda: _(
            "%(customer)s hung up before anybody picked up.", **names
        )
        return sentences[self.result]() if self.result in sentences else ""

    def _answered_sentence(self, names):
        """Return who picked up, and how long they talked if that is known.

        :param dict names: see ``_incoming_headline``
        :rtype: str
        """
        if not self.user_id:
            return self._connected_sentence()
        if self.talk_unknown:
            return self.env._("%(agents)s picked up; Airtel did not report the talk time.", **names)
        return self.env._(
            "%(agents)s picked up, talked for %(time)s.",
            time=format_seconds(self.talk_seconds),
            **names,
        )

    def _route_sentence(self):
        """Return to whom an incoming call was put through, and why; "" without a decision.

        :rtype: str
        """
        self.ensure_one()
        if not self.decided_date or not self.route_reason:
            return ""
        _ = self.env._
        reason = reason_words(self.env, self.route_reason, shorten(self.route_about or ""))
        agents = self._decided_names()
        if not agents:
            return _("Put through to the desk: %s", reason)
        return _("Put through to %(agents)s: %(reason)s", agents=agents, reason=reason)
