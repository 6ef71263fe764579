from odoo import models
from odoo.tools import format_list

from .ccp_call_words import MAX_NAME, shorten


class CcpCall(models.Model):
    """The panel's sentences about an incoming call: whom it rings, and why."""

    _inherit = "ccp.call"

    def _ringing_sentence(self, reader, ringing, count, at_once=False):
        """Return for a reader how an incoming call stands; never more than Airtel reported.

        docs/sentences.md lists these sentences.

        :param reader: the ``res.users`` who reads it
        :param list ringing: see ``_ringing_values``
        :param int count: how many agents the call can ring
        :param bool at_once: whether all of them are rung at the same time
        :rtype: str
        """
        _ = self.env._
        own = next((each["state"] for each in ringing if each["user_id"] == reader.id), "")
        if self.state == "in_call":
            return _("You are talking") if own == "talks" else self._taken_sentence(ringing)
        if self.state == "ended":
            return self._incoming_end(own, ringing)
        rung = [each for each in ringing if each["state"] == "rings"]
        if own == "rings" and len(rung) == 1:
            sentence = _("Your phone is ringing")
        elif rung:
            sentence = _("Ringing %s", self._who(reader, rung))
        elif own == "missed":
            return _("You did not pick up; Airtel may try again.")
        else:
            return self._coming_sentence(reader, ringing, at_once)
        place = self._place_of(ringing, rung, count)
        if place:
            sentence = _(
                "%(sentence)s (%(place)s of %(count)s)",
                sentence=sentence,
                place=place,
                count=count,
            )
        if own == "missed":
            sentence = _("%s; you did not pick up", sentence)
        return sentence

    def _coming_sentence(self, reader, ringing, at_once):
        """Return whom an incoming call is about to ring, as a sentence.

        :param reader: the ``res.users`` who reads it
        :param list ringing: see ``_ringing_values``
        :param bool at_once: whether all of them are rung at the same time
        :rtype: str
        """
        waiting = [each for each in ringing if each["state"] == "waits"]
        if not waiting:
            return self.env._("Ringing the desk")
        coming = waiting if at_once else waiting[:1]
        if [each["user_id"] for each in coming] == [reader.id]:
            return self.env._("Your phone is about to ring")
        return self.env._("About to ring %s", self._who(reader, coming))

    def _incoming_end(self, own, ringing):
        """Return for a reader how an incoming call ended.

        :param str own: the call's state at the reader's phone, see ``_ringing_values``
        :param list ringing: its states at all phones that rang
        :rtype: str
        """
        _ = self.env._
        if self.result == "connected":
            return _("The call is over") if own == "talks" else self._taken_sentence(ringing)
        if self.result == "abandoned":
            return _("The customer hung up before anybody picked up")
        if self.result == "no_report":
            return _("Airtel sent no report of how this call ended")
        if self.result == "failed":
            return _("The call failed at Airtel")
        return _("You missed this call") if own == "missed" else _("Nobody picked up")

    def _taken_sentence(self, ringing):
        """Return who picked up an incoming call, for everybody else.

        :param list ringing: see ``_ringing_values``
        :rtype: str
        """
        name = next((each["name"] for each in ringing if each["state"] == "talks"), "")
        return (
            self.env._("%s took the call", name)
            if name
            else self.env._("Somebody else took the call")
        )

    def _who(self, reader, some):
        """Return the names of some users whom an incoming call rings.

        :param reader: the ``res.users`` who reads it
        :param list some: see ``_ringing_values``
        :rtype: str
        """
        names = [
            self.env._("you") if each["user_id"] == reader.id else shorten(each["name"], MAX_NAME)
            for each in some
        ]
        return format_list(self.env, names)

    def _place_of(self, ringing, rung, count):
        """Return which of several agents rings, counted from 1; 0 if the number is of no use.

        :param list ringing: see ``_ringing_values``
        :param list rung: those of them whose phone rings now
        :param int count: how many agents the call can ring
        :rtype: int
        """
        return ringing.index(rung[0]) + 1 if count > 1 and len(rung) == 1 else 0

    def _reason_sentence(self, reader, reason, name, about, digit=""):
        """Return why an incoming call was put through to somebody, as a sentence.

        :param reader: the ``res.users`` who reads it
        :param str reason: a reason of ``route_reason``
        :param str name: the first agent whom it rings, "" if that is the reader
        :param str about: the record that the reason is about, "" if the reader may not see it
        :param str digit: what the customer pressed in the menu
        :return: "" for a reason without a sentence
        :rtype: str
        """
        _ = self.env._
        is_own = not name
        # Functions: only the sentence that is used gets translated
        sentences = {
            "missed_agent": lambda: (
                _("The customer missed a call of yours")
                if is_own
                else _("The customer missed a call of %s", name)
            ),
            "record_owner": lambda: self._owner_sentence(name, about),
            "salesperson": lambda: (
                _("You are the customer's salesperson")
                if is_own
                else _("%s is the customer's salesperson", name)
            ),
            "last_agent": lambda: (
                _("You spoke with the customer last")
                if is_own
                else _("%s spoke with the customer last", name)
            ),
            "team": lambda: _("For the team of this number"),
            "menu_team": lambda: (
                _("The customer pressed %s in the menu", digit)
                if digit
                else _("The customer chose this team in the menu")
            ),
            "desk": lambda: _("Nobody else could be rung: the desk is rung"),
            "closed": lambda: _("Outside the opening hours of this number"),
            "blocked": lambda: _("The customer is on the blacklist"),
            "flood": lambda: _("The customer calls very often"),
            "unknown_number": lambda: _("The Airtel number is not set up here"),
            "unreadable": lambda: _("Airtel did not say who is calling"),
            "database_away": lambda: _("Put through while the database was unreachable"),
        }
        return sentences[reason]() if reason in sentences else ""

    def _owner_sentence(self, name, about):
        """Return a sentence that names the owner of the record that an incoming call is about.

        :param str name: the owner, "" if that is the reader
        :param str about: the record, "" if the reader may not see it
        :rtype: str
        """
        _ = self.env._
        if about:
            return (
                _("%(agent)s owns %(record)s", agent=name, record=about)
                if name
                else _("You own %s", about)
            )
        if name:
            return _("%s owns a record of the customer", name)
        return _("You own a record of the customer")
