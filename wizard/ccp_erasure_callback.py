from odoo import models
from odoo.fields import Domain

from ..models.callback_ledger import DROPPED, OPEN


class CcpErasure(models.TransientModel):
    """The person's data in call-backs are erased with the calls; anonymous rows stay."""

    _inherit = "ccp.erasure"

    def _erase_traces(self, calls):
        """Delete traces of the person outside the calls, also those in call-backs.

        :param calls: the person's ``ccp.call`` records
        """
        result = super()._erase_traces(calls)
        callbacks = self._callbacks(calls)
        watchers = callbacks.filtered(lambda each: each.state == OPEN)._watchers()
        for callback in callbacks:
            is_open = callback.state == OPEN
            callback.write(
                {
                    "erased": True,
                    "state": DROPPED if is_open else callback.state,
                    "customer_number": False,
                    "customer_name": self.env._("Erased"),
                    "partner_id": False,
                    "res_model": False,
                    "res_id": False,
                    "drop_reason": self.env._("Erased on request") if is_open else False,
                }
            )
        callbacks._notify_badges(watchers)
        calls.callback_id = False
        return result

    def _callbacks(self, calls):
        """Return the call-backs to the person, in the user's companies, as superuser.

        :param calls: the person's ``ccp.call`` records
        :rtype: odoo.models.BaseModel
        """
        people, leads = self.partner_id._ccp_family()
        callbacks = calls.callback_id.sudo()
        of_person = (
            Domain("partner_id", "in", people.ids)
            | (Domain("res_model", "=", "res.partner") & Domain("res_id", "in", people.ids))
            | (Domain("res_model", "=", "crm.lead") & Domain("res_id", "in", leads.ids))
            | Domain("customer_number", "in", sorted(self._numbers(calls, people, leads)))
        )
        own_companies = Domain("company_id", "in", self.env.user.company_ids.ids)
        return callbacks | callbacks.search(own_companies & of_person)
