import contextlib
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from .utils import milliseconds

AWAY_MESSAGE = "airtel_ccp.away"
# Who is away for longer has leave
LONGEST_AWAY = timedelta(days=14)


class CcpPanel(models.AbstractModel):
    """Answers the browser of those whom incoming calls ring."""

    _inherit = "ccp.panel"

    @api.model
    def _incoming_state(self, current, shown):
        """Return what the browser shows of incoming calls and of what belongs to them.

        :param current: the ``ccp.call`` that the panel shows, as superuser
        :param list | None shown: the ids of incoming calls that the browser shows
        :return: ``incoming`` (values of calls), ``takes_calls`` (whether customers can call),
            ``away_until`` (milliseconds since 1970, or False), ``callbacks`` (how many wait)
        :rtype: dict
        """
        calls = current.browse().sudo(False)
        if not calls._takes_calls():
            return {"incoming": [], "takes_calls": False, "away_until": False, "callbacks": 0}
        return {
            "incoming": calls._incoming_of_user(shown or []),
            "takes_calls": True,
            "away_until": self._away_until(),
            "callbacks": calls._callback_count(),
        }

    @api.model
    def _away_until(self):
        """Return until when the user is away, in milliseconds since 1970; False if not away.

        :rtype: int | bool
        """
        until = self.env.user.sudo().ccp_away_until
        return milliseconds(until) if until and until > fields.Datetime.now() else False

    @api.model
    def _rung_call(self, call_id):
        """Return an incoming call that rang the user, or that the user may change.

        :raise AccessError: for any other call
        :raise UserError: when it is gone or was erased
        """
        call = self._some_call(call_id).sudo(False)
        call._check_rung()
        return call

    @api.model
    def choose_record(self, call_id, res_model, res_id):
        """Say which record an incoming call is about, also while it rings; the change is logged.

        :param int call_id: an incoming call that rang the user
        :param str res_model: a model that can be called
        :param int res_id: id of a record that the user may read
        :rtype: bool
        :raise AccessError: for anybody else's call, and when the user may not see the record
        :raise UserError: when the call or the record is gone, or of different companies
        """
        call = self._rung_call(call_id)
        call._set_record(call._linkable(res_model, res_id))
        return True

    @api.model
    def new_lead(self, call_id):
        """Make a lead for an unknown customer who calls, and link the call to it.

        :param int call_id: an incoming call that rang the user
        :return: ``res_model`` and ``res_id`` of the lead
        :rtype: dict
        :raise AccessError: for anybody else's call, and when the user may not make leads
        :raise UserError: when the call is gone or has a record by now
        """
        return self._rung_call(call_id)._make_lead()

    @api.model
    def new_contact(self, call_id):
        """Make a contact for an unknown customer who calls, and link the call to it.

        :param int call_id: an incoming call that rang the user
        :return: ``res_model`` and ``res_id`` of the contact
        :rtype: dict
        :raise AccessError: for anybody else's call, and when the user may not make contacts
        :raise UserError: when the call is gone or has a record by now
        """
        return self._rung_call(call_id)._make_contact()

    @api.model
    def find_records(self, call_id, text):
        """Return records whose name fits and to which an incoming call may belong.

        :param int call_id: an incoming call that rang the user
        :param str text: what was typed
        :return: dicts with ``model``, ``id``, ``name`` and ``kind`` (the model's name)
        :rtype: list[dict]
        :raise AccessError: for anybody else's call
        :raise UserError: when the call is gone
        """
        return self._rung_call(call_id)._find_records(text)

    @api.model
    def set_away(self, when):
        """Say until when no incoming call shall ring the user.

        :param int | str | bool when: so many minutes from now, or a moment in UTC such as
            ``2026-11-23 09:30:00``; False: from now on calls ring the user
        :return: until when, in milliseconds since 1970, or False
        :rtype: int | bool
        :raise AccessError: for users without calling rights
        :raise UserError: for a moment in the past or too far away
        """
        self.env.user._ccp_check_may_call()
        user = self.env.user.sudo()
        user.ccp_away_until = self._away_moment(when)
        until = self._away_until()
        user._bus_send(AWAY_MESSAGE, {"away_until": until})
        return until

    @api.model
    def _away_moment(self, when):
        """Read until when somebody is away; see ``set_away``.

        :rtype: datetime.datetime | bool
        :raise UserError: for a moment in the past or too far away
        """
        if not when:
            return False
        now = fields.Datetime.now()
        until = None
        if type(when) is int and when <= LONGEST_AWAY.total_seconds() // 60:
            until = now + timedelta(minutes=when)
        elif isinstance(when, str):
            with contextlib.suppress(ValueError):
                until = fields.Datetime.to_datetime(when)
        if not until or not now < until <= now + LONGEST_AWAY:
            raise UserError(
                self.env._(
                    "You can be away for up to %s days: choose a moment that is still to come.",
                    LONGEST_AWAY.days,
                )
            )
        return until
