from odoo import api, models

AWAY_MESSAGE = "airtel_ccp.away"


class CcpPanel(models.AbstractModel):
    """The methods that the browsers of users call whom incoming calls ring."""

    _inherit = "ccp.panel"

    @api.model
    def _incoming_state(self, current, shown):
        """Return the browser's incoming calls, call-backs and whether the user is away.

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
            "away_until": self.env.user._ccp_away_milliseconds(),
            "callbacks": calls._callback_count(),
        }

    @api.model
    def _rung_call(self, call_id):
        """Return an incoming call that rang the user or that the user may change.

        :raise AccessError: for any other call
        :raise UserError: when it is deleted or erased
        """
        call = self._some_call(call_id).sudo(False)
        call._check_rung()
        return call

    @api.model
    def choose_record(self, call_id, res_model, res_id):
        """Set which record an incoming call is about, also while it rings; the change is logged.

        :param int call_id: an incoming call that rang the user
        :param str res_model: a model that can be called
        :param int res_id: id of a record that the user may read
        :rtype: bool
        :raise AccessError: for anybody else's call, and when the user may not see the record
        :raise UserError: when the call or the record is deleted, or their companies differ
        """
        call = self._rung_call(call_id)
        call._set_record(call._linkable(res_model, res_id))
        return True

    @api.model
    def new_lead(self, call_id):
        """Create a lead for an unknown caller, and link the call to it.

        :param int call_id: an incoming call that rang the user
        :return: ``res_model`` and ``res_id`` of the lead
        :rtype: dict
        :raise AccessError: for anybody else's call, and when the user may not create leads
        :raise UserError: when the call is deleted or has a record by now
        """
        return self._rung_call(call_id)._new_lead()

    @api.model
    def new_contact(self, call_id):
        """Create a contact for an unknown caller, and link the call to it.

        :param int call_id: an incoming call that rang the user
        :return: ``res_model`` and ``res_id`` of the contact
        :rtype: dict
        :raise AccessError: for anybody else's call, and when the user may not create contacts
        :raise UserError: when the call is deleted or has a record by now
        """
        return self._rung_call(call_id)._new_contact()

    @api.model
    def find_records(self, call_id, text):
        """Return records whose name contains a text and to which an incoming call may belong.

        :param int call_id: an incoming call that rang the user
        :param str text: what was typed
        :return: dicts with ``model``, ``id``, ``name`` and ``kind`` (the model's name)
        :rtype: list[dict]
        :raise AccessError: for anybody else's call
        :raise UserError: when the call is deleted
        """
        return self._rung_call(call_id)._found_records(text)

    @api.model
    def set_away(self, minutes):
        """Set for how long no incoming call rings the user, in all of the user's tabs.

        :param int minutes: from now on; 0 to be back at once
        :return: until when, in milliseconds since 1970, or False
        :rtype: int | bool
        :raise AccessError: for users without calling rights
        :raise ValidationError: for a time that is too long
        """
        answer = self.env.user.ccp_set_away(minutes)
        self.env.user._bus_send(AWAY_MESSAGE, answer)
        return answer["away_until"]
