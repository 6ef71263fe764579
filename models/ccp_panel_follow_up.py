from datetime import datetime, timedelta, timezone

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date, format_time


class CcpPanel(models.AbstractModel):
    """What the panel asks for about the next call; the call itself does it."""

    _inherit = "ccp.panel"

    @api.model
    def follow_up(self, call_id, when, text=""):
        """Plan a Call activity for the rep on the record that was called.

        A call has one: a second click moves it.

        :param int call_id: one of the user's own calls
        :param str when: ``hour``, ``tomorrow`` or a moment in UTC such as
            ``2026-11-23 09:30:00``
        :param str text: what it is about
        :return: ``{"sentence": str, "outside": bool}``: when it is planned for, and whether that
            lies outside the calling hours or the rep's working days
        :rtype: dict
        :raise AccessError: for anybody else's call
        :raise UserError: when the record cannot have activities, or for a moment in the past
        """
        call = self._own_call(call_id)
        zone = self._zone()
        moment = self._moment(call, when).astimezone(zone)
        date, time = call._plan_follow_up(moment, zone, text)
        self._tell(call)
        outside = not call._is_time_to_call(moment)
        if outside:
            sentence = self.env._(
                "Planned for %(date)s at %(time)s, which is outside the calling hours or your "
                "working days.",
                date=date,
                time=time,
            )
        else:
            sentence = self.env._("Planned for %(date)s at %(time)s.", date=date, time=time)
        return {"sentence": sentence, "outside": outside}

    @api.model
    def follow_up_times(self, call_id):
        """Return the times that the panel proposes for a follow-up, each once.

        :param int call_id: one of the user's own calls
        :return: dicts with ``key`` (``hour`` or ``tomorrow``), ``when`` (see ``follow_up``) and
            ``label`` (the moment in words)
        :rtype: list[dict]
        :raise AccessError: for anybody else's call
        """
        call = self._own_call(call_id)
        zone = self._zone()
        today = datetime.now(zone).date()
        proposed = {}
        for key, moment in call._follow_up_moments(zone).items():
            proposed.setdefault(moment, key)
        return [
            {
                "key": key,
                "when": fields.Datetime.to_string(moment.astimezone(timezone.utc)),
                "label": self._moment_in_words(moment, today),
            }
            for moment, key in proposed.items()
        ]

    @api.model
    def take_back_follow_up(self, call_id):
        """Delete the follow-up that the rep planned after a call.

        :param int call_id: one of the user's own calls
        :rtype: bool
        :raise AccessError: for anybody else's call
        :raise UserError: when the follow-up is done, or somebody else's by now
        """
        call = self._own_call(call_id)
        call._take_back_follow_up()
        self._tell(call)
        return True

    @api.model
    def _moment_in_words(self, moment, today):
        """Say when a moment (in the rep's time zone) is, as short as can be.

        :rtype: str
        """
        time = format_time(self.env, moment.time(), time_format="short")
        if moment.date() == today:
            return self.env._("Today at %s", time)
        if moment.date() == today + timedelta(days=1):
            return self.env._("Tomorrow at %s", time)
        date = format_date(self.env, moment.date(), date_format="EEE d MMM")
        return self.env._("%(date)s at %(time)s", date=date, time=time)

    @api.model
    def _moment(self, call, when):
        """Return the moment (aware) that a follow-up of a call is planned for."""
        if when in ("hour", "tomorrow"):
            return call._follow_up_moments(self._zone())[when]
        try:
            moment = fields.Datetime.to_datetime(when).replace(tzinfo=timezone.utc)
        except (ValueError, TypeError, AttributeError):
            raise UserError(self.env._("Choose a date and a time for the follow-up.")) from None
        if moment < datetime.now(timezone.utc):
            raise UserError(self.env._("Choose a moment that is still to come."))
        return moment
