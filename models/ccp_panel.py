from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ..ccp.safe import number

FOUND_LIMIT = 8


class CcpPanel(models.AbstractModel):
    """The methods that the rep's browser calls: for the live panel and the command palette.

    Each method checks the user first; methods of the call do the work.
    """

    _name = "ccp.panel"
    _description = "Agent's call panel"

    @api.model
    def _some_call(self, call_id):
        """Return any call, as superuser, to a user with calling rights.

        :raise AccessError: for users without calling rights
        :raise UserError: when it is deleted
        """
        self.env.user._ccp_check_may_call()
        call = self.env["ccp.call"].sudo().browse(call_id).exists()
        if not call:
            raise UserError(self.env._("This call does not exist any more."))
        return call

    @api.model
    def _own_call(self, call_id):
        """Return one of the user's own calls, as superuser.

        :raise AccessError: for anybody else's call
        :raise UserError: when it is deleted
        """
        call = self._some_call(call_id)
        if call.user_id != self.env.user:
            raise AccessError(self.env._("This is not your call."))
        return call

    @api.model
    def state(self, call_id=None, incoming=None):
        """Return what the panel shows now; first folds reports that wait.

        :param int | None call_id: one of the user's own calls that ``open_call`` opened: it is
            shown as long as no outgoing call is live
        :param list[int] | None incoming: the ids of incoming calls that the browser shows
        :return: ``call`` (values or False), ``outcomes``, ``require_outcome``,
            ``reports_late`` (whether Airtel's reports are late), ``list`` (the next entry of
            the call list), and the result of ``_incoming_state``
        :rtype: dict
        :raise AccessError: for users without calling rights
        """
        self.env.user._ccp_check_may_call()
        call = self.env["ccp.call"]._current_call(call_id)
        if call.live and call._has_unfolded_reports():
            call._fold_free()
        company = (call.company_id or self.env.company).sudo()
        return {
            "call": call._panel_values() if call else False,
            "outcomes": [
                {
                    "id": outcome.id,
                    "name": outcome.name,
                    "color": outcome.color,
                    "blacklist": outcome.blacklist,
                }
                for outcome in company._ccp_outcomes()
            ],
            "require_outcome": company.ccp_require_outcome,
            "reports_late": company._ccp_are_reports_late(),
            "list": self.env["ccp.call.list.item"]._panel_values(),
            **self._incoming_state(call, incoming),
        }

    @api.model
    @api.readonly
    def find(self, text):
        """Return contacts and leads with a phone by a part of their name, for the command palette.

        :param str text: what was typed
        :return: dicts with ``res_model``, ``res_id``, ``name`` and ``phone`` (masked)
        :rtype: list[dict]
        :raise AccessError: for users without calling rights
        """
        self.env.user._ccp_check_may_call()
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
    def save_note(self, call_id, note, seen):
        """Save the note that the rep typed.

        :param int call_id: one of the user's own calls
        :param str note: the note in this tab
        :param str seen: the note that this tab last received from the server
        :return: ``{"saved": bool, "note": str}``; not saved if another tab saved a note
            meanwhile, which is returned
        :rtype: dict
        :raise AccessError: for anybody else's call
        :raise UserError: when the call was erased
        """
        return self._own_call(call_id)._keep_note(note, seen)

    @api.model
    def save_outcome(self, call_id, outcome_id, confirmed=False):
        """Save the outcome of a call, and do what follows from it.

        :param int call_id: one of the user's own calls
        :param int | bool outcome_id: an outcome that the call's company offers, or False
        :param bool confirmed: whether the agent agreed that the number is never called again
        :rtype: dict
        :return: ``{"outcome_id": int | bool, "warning": str, "notice": str}``; with ``"confirm"``,
            the question to ask first, nothing is saved yet
        :raise AccessError: for anybody else's call
        :raise UserError: when the outcome is not offered any more, or the call was erased
        """
        return self._own_call(call_id)._write_outcome(outcome_id, confirmed is True)

    @api.model
    def dismiss(self, call_id):
        """Remove an ended call from the panel.

        :param int call_id: one of the user's own calls
        :rtype: bool
        :raise AccessError: for anybody else's call
        """
        call = self._own_call(call_id)
        if not call.live:
            call.dismissed = True
            call._consume_activity_or_later()
            call._notify_entry()
        return True

    @api.model
    def open_call(self, call_id):
        """Let the panel show a dismissed call again, with its outcomes.

        :param int call_id: one of the user's own calls
        :rtype: bool
        :raise AccessError: for anybody else's call
        :raise UserError: when it is gone
        """
        self._own_call(call_id).dismissed = False
        return True

    @api.model
    def close(self, call_id):
        """End a live call whose end Airtel has not reported.

        :param int call_id: one of the user's own calls
        :rtype: bool
        :raise AccessError: for anybody else's call
        """
        self._own_call(call_id)._close()
        return True

    @api.model
    def follow_up(self, call_id, when, text=""):
        """Plan a Call activity for the rep on the record that was called.

        A call has at most one follow-up: a second click moves it.

        :param int call_id: one of the user's own calls
        :param str when: ``hour``, ``tomorrow`` or a moment in UTC such as
            ``2026-11-23 09:30:00``
        :param str text: the subject
        :return: ``{"sentence": str, "outside": bool}``: when it is planned, and whether that is
            outside the calling hours or the rep's working days
        :rtype: dict
        :raise AccessError: for anybody else's call
        :raise UserError: when the record cannot have activities, or for a moment in the past
        """
        return self._own_call(call_id)._follow_up(when, text)

    @api.model
    def follow_up_times(self, call_id):
        """Return the times that the panel proposes for a follow-up, each once.

        :param int call_id: one of the user's own calls
        :return: dicts with ``key`` (``hour`` or ``tomorrow``), ``when`` (see ``follow_up``) and
            ``label`` (the moment in words)
        :rtype: list[dict]
        :raise AccessError: for anybody else's call
        """
        return self._own_call(call_id)._proposed_follow_ups()

    @api.model
    def take_back_follow_up(self, call_id):
        """Delete the follow-up that the rep planned after a call.

        :param int call_id: one of the user's own calls
        :rtype: bool
        :raise AccessError: for anybody else's call
        :raise UserError: when the follow-up is done or belongs to someone else by now
        """
        call = self._own_call(call_id)
        call._take_back_follow_up()
        call._notify_entry()
        return True
