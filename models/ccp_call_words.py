import re
from datetime import timezone

from odoo import fields, models
from odoo.tools import format_date, format_time, get_lang

from ..ccp.call import states
from ..ccp.safe import number
from .utils import format_seconds

# Causes that add nothing to the fact that a line ended, or by whom, which the text says
NORMAL_CAUSE = re.compile(r"normal|^(system|user)_initiated$", re.IGNORECASE)
# Longer texts of Airtel's are cut: nobody reads more
MAX_TEXT = 200
# A longer name would make the sentence too long to read
MAX_NAME = 60


def shorten(text, length=MAX_TEXT):
    """Return a text cut to a length, with an ellipsis at the cut.

    :param str text: any text
    :param int length: the largest number of characters
    :rtype: str
    """
    return text if len(text) <= length else f"{text[: length - 1]}…"


class CcpCall(models.Model):
    """Sentences about a call, in the environment's language and time zone."""

    _inherit = "ccp.call"

    def _in_company_language(self):
        """Return this call in its company's language, for texts that everybody reads.

        :rtype: odoo.models.BaseModel
        """
        return self.with_context(lang=get_lang(self.env, self.company_id.partner_id.lang).code)

    def _names(self):
        """Return the names of agent and customer, as arguments of sentences."""
        return {
            "agent": shorten(self._agent_name(), MAX_NAME),
            "customer": shorten(self.customer_name or "", MAX_NAME),
        }

    def _is_missed(self):
        """Return whether this is an incoming call that nobody took."""
        missed = (*states.MISSED_BY_AGENT, "abandoned")
        return self.direction == "inbound" and self.result in missed

    def _title(self):
        """Return who called whom, as a title.

        :rtype: str
        """
        names = self._names()
        if self._is_missed():
            return self.env._("Missed call from %(customer)s", **names)
        if self.direction == "inbound":
            return self.env._("Call from %(customer)s", **names)
        return self.env._("%(agent)s called %(customer)s", **names)

    def _when(self):
        """Return when this call began, in its reader's time zone.

        :rtype: str
        """
        local = fields.Datetime.context_timestamp(self, self.start_date)
        time = format_time(self.env, local.time(), time_format="short")
        return f"{format_date(self.env, local.date())} {time}"

    def _label(self, name):
        """Return the label of a Selection field's value.

        :param str name: the field
        :rtype: str
        """
        return dict(self._fields[name]._description_selection(self.env)).get(self[name], "")

    def _headline(self, story=None):
        """Return one sentence about a call's state or result; never more than Airtel reported.

        A state or result that has no sentence is named by its label.

        :param ccp.call.timeline.Timeline | None story: the call's timeline; needed while it rings
        :rtype: str
        """
        _ = self.env._
        # Functions: only the sentence that is used gets translated
        names = self._names()
        if self.erased:
            return _("The data of this call were erased on request.")
        if self._is_reported_incoming() and (sentence := self._incoming_headline()):
            return sentence
        if self.state != "ended":
            sentences = {
                "queued": lambda: _("The call is being sent to Airtel."),
                "refused": lambda: self.refusal or _("Airtel did not place the call."),
                "unknown": lambda: _("Airtel did not confirm the call."),
                "ringing_agent": lambda: self._first_ring_sentence(story),
                "ringing_customer": lambda: _(
                    "%(agent)s picked up; Airtel is calling %(customer)s.", **names
                ),
                "in_call": lambda: _("Connected with %(customer)s.", **names),
            }
            return sentences.get(self.state, lambda: self._label("state"))()
        sentences = {
            "connected": self._connected_sentence,
            "agent_no_answer": lambda: _("%(agent)s did not pick up.", **names),
            "agent_busy": lambda: _("%(agent)s was busy.", **names),
            "agent_unreachable": lambda: _("%(agent)s could not be reached.", **names),
            "customer_no_answer": lambda: _("%(customer)s did not pick up.", **names),
            "customer_busy": lambda: _("%(customer)s was busy.", **names),
            "customer_unreachable": lambda: _("%(customer)s could not be reached.", **names),
            "customer_rejected": lambda: _("%(customer)s rejected the call.", **names),
            "canceled": lambda: _("%(agent)s hung up before %(customer)s picked up.", **names),
            "abandoned": lambda: _("%(customer)s hung up before an agent picked up.", **names),
            "failed": lambda: _("The call failed at Airtel."),
            "no_report": lambda: _("Airtel sent no report of how this call ended."),
        }
        return sentences.get(self.result, lambda: self._label("result"))()

    def _panel_sentence(self, story):
        """Return one sentence for the agent about this call; never more than Airtel reported.

        docs/sentences.md lists these sentences.

        :param ccp.call.timeline.Timeline story: the call's timeline
        :rtype: str
        """
        if self.state == "refused":
            return self._headline()
        if sentence := self._pool_sentence():
            return sentence
        _ = self.env._
        customer = self.customer_name
        phone = number.mask(self.agent_number or "")
        if self.state in ("queued", "unknown", "ringing_agent") and not story.agent.rang:
            if self.state == "unknown":
                return _("Airtel did not confirm the call. If your phone rings, pick up.")
            if not story.has_reports:
                if self.state == "queued":
                    return _("Airtel has not answered yet. If your phone %s rings, pick up.", phone)
                return _("Calling your phone %s. No report from Airtel yet.", phone)
        if self.state in ("ringing_agent", "unknown", "queued"):
            if story.agent.end and not story.agent.live:
                return _("You did not pick up; Airtel may try again.")
            return _("Calling your phone %s", phone)
        if self.state == "ringing_customer":
            # Functions: only the sentence that is used gets translated
            ends = {
                "busy": lambda: _("%s was busy", customer),
                "no_answer": lambda: _("%s did not pick up", customer),
                "unreachable": lambda: _("%s could not be reached", customer),
                "rejected": lambda: _("%s rejected the call", customer),
            }
            if story.customer.end in ends and not story.customer.live:
                return ends[story.customer.end]()
            if story.customer.rang:
                return _("You picked up, the phone of %s is ringing", customer)
            return _("You picked up, calling %s", customer)
        if self.state == "in_call":
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
            "abandoned": lambda: _("%s hung up before anybody picked up", customer),
            "failed": lambda: _("The call failed at Airtel"),
            "no_report": lambda: _("Airtel sent no report of how this call ended"),
        }
        return ends[self.result]() if self.result in ends else self._headline(story)

    def _connected_sentence(self):
        """Return that this call connected, and how long it took if that is known.

        :rtype: str
        """
        if self.talk_unknown:
            return self.env._("Connected; Airtel did not report the talk time.")
        return self.env._("Connected, talked for %(time)s.", time=format_seconds(self.talk_seconds))

    def _first_ring_sentence(self, story):
        """Return how a call stands before the agent picked up, as a sentence.

        :param ccp.call.timeline.Timeline | None story: the call's timeline
        :rtype: str
        """
        if story and story.agent.rang and story.agent.live:
            return self.env._("The phone of %(agent)s is ringing.", **self._names())
        if story and story.lines:
            return self.env._("Airtel is calling %(agent)s.", **self._names())
        return self.env._("No report from Airtel yet.")

    def _line_values(self, line):
        """Return one line of the timeline in words.

        :param ccp.call.timeline.Line line: one line of the timeline
        :return: ``offset`` (time since the click), ``text``, ``cause`` and ``leg``
        :rtype: dict
        """
        offset = ""
        if line.at:
            start = self.start_date.replace(tzinfo=timezone.utc)
            offset = format_seconds(max(0, round((line.at - start).total_seconds())))
        return {
            "offset": offset,
            "text": self._line_text(line),
            "cause": "" if NORMAL_CAUSE.search(line.cause) else shorten(line.cause),
            "leg": line.leg or "",
        }

    def _line_text(self, line):
        """Return what happened, and to whom, as a sentence.

        :rtype: str
        """
        _ = self.env._
        who = self._line_agent(line) or self._names().get(line.leg, _("Somebody"))
        detail = shorten(line.detail)
        # Functions: only the text that is used gets translated
        texts = {
            "dialled": lambda: (
                _("%s is calling", who) if self._is_callers(line) else _("Calling %s", who)
            ),
            "ringing": lambda: _("The phone of %s is ringing", who),
            "answered": lambda: _("%s picked up", who),
            "busy": lambda: _("%s was busy", who),
            "no_answer": lambda: _("%s did not pick up", who),
            "unreachable": lambda: _("%s could not be reached", who),
            "rejected": lambda: _("%s rejected the call", who),
            "failed": lambda: _("The network lost %s", who),
            "hung_up": lambda: (
                _("%s hung up", who)
                if line.leg and line.leg == self.hung_up_by
                else _("The line of %s ended", who)
            ),
            "recording_started": lambda: _("Recording started"),
            "recording_finished": lambda: _("Recording finished"),
            "keypad": lambda: _("%(who)s pressed %(keys)s", who=who, keys=detail),
            "cdr": lambda: _("Airtel's summary of the call arrived"),
            "api_error": lambda: _("Airtel reported a fault: %s", detail),
        }
        if line.what in texts:
            return texts[line.what]()
        return _("Airtel reported: %s", detail or line.what)
