from odoo import models

from .callback_ledger import DROPPED, OPEN


class CcpCallOutcome(models.Model):
    """An outcome that blacklists a number also drops the call-backs to it."""

    _inherit = "ccp.call.outcome"

    def _blacklist(self, call):
        """Put a call's numbers on the blacklist, and drop the call-backs to them.

        :return: see the method that this extends
        :rtype: tuple[list[str], list[str]]
        """
        answer = super()._blacklist(call)
        callbacks = self._callbacks_to(call).filtered(lambda each: each.state == OPEN)
        if callbacks:
            callbacks._drop(self.name, call)
        return answer

    def _take_back(self, call):
        """Take a call's numbers off the blacklist, and open the dropped call-backs again.

        :param call: the ``ccp.call`` that had this outcome
        :return: sentences about what was done
        :rtype: list[str]
        """
        sentences = super()._take_back(call)
        dropped = self._callbacks_to(call).filtered(
            lambda each: each.state == DROPPED and each.dropped_for_id == call
        )
        if self.blacklist and dropped:
            dropped._undo_drop()
        return sentences

    def _callbacks_to(self, call):
        """Return the call-backs to the numbers of a call, as superuser.

        :param call: one ``ccp.call``
        :rtype: odoo.models.BaseModel
        """
        return (
            call.browse()
            .callback_id.sudo()
            .search(
                [
                    ("company_id", "=", call.company_id.id),
                    ("customer_number", "in", call._callback_keys()),
                    ("erased", "=", False),
                ]
            )
        )
