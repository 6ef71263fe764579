from datetime import timedelta

from odoo import api, fields, models

from ..ccp.call import states
from ..ccp.safe import number

# Results of an incoming call in which nobody talked with the customer
NOT_TAKEN = frozenset({*states.MISSED_BY_AGENT, "abandoned", "failed"})


class CcpCall(models.Model):
    """Which calls owe a call-back, and to which call-back a call belongs."""

    _inherit = "ccp.call"

    callback_id = fields.Many2one(
        "ccp.callback",
        "Call-back",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The call-back that this call opened, counts for or was placed for.",
    )
    owes_callback = fields.Boolean(
        "Needs a call-back",
        compute="_compute_owes_callback",
        store=True,
        precompute=True,
        help="The customer called, and nobody took the call.",
    )
    to_settle = fields.Boolean(
        "Its call-back is to be looked at",
        compute="_compute_to_settle",
        store=True,
        precompute=True,
        copy=False,
        groups=fields.NO_ACCESS,
    )
    settle_date = fields.Datetime(readonly=True, copy=False, groups=fields.NO_ACCESS)
    settle_tries = fields.Integer(readonly=True, copy=False, groups=fields.NO_ACCESS)

    # Written as the ORM writes `to_settle = True`
    _to_settle_idx = models.Index("(id) WHERE to_settle IS TRUE")

    @api.depends(
        "result",
        "direction",
        "start_date",
        "end_date",
        "hung_up_by",
        "route_reason",
        "dialled",
        "manual",
        "imported",
        "erased",
    )
    def _compute_owes_callback(self):
        for call in self:
            call.owes_callback = (
                call.direction == "inbound"
                and call.result in NOT_TAKEN
                # Whoever logs a call knows of it; blacklisted numbers are not called back
                and not (call.manual or call.imported or call.erased)
                and call.route_reason != "blocked"
                and not call._is_hung_up_at_once()
            )

    def _is_hung_up_at_once(self):
        """Return whether the customer hung up so soon that nobody could have picked up.

        :rtype: bool
        """
        if call_end := self.end_date:
            by_customer = self.result == "abandoned" or self.hung_up_by == "customer"
            return by_customer and call_end - self.start_date <= self._abandon_period()
        return False

    def _abandon_period(self):
        """Return how long a customer may wait before hanging up without being owed an answer.

        It is the setting of the moment at which the call came in.

        :rtype: datetime.timedelta
        """
        return timedelta(seconds=self._dialled().abandon_seconds)

    @api.depends(
        "state",
        "result",
        "owes_callback",
        "start_date",
        "end_date",
        "customer_number",
        "partner_id",
        "res_model",
        "res_id",
    )
    def _compute_to_settle(self):
        for call in self:
            matters = call.direction == "inbound" or call.result == "connected" or call.callback_id
            call.to_settle = bool(
                call.state == "ended" and matters and not (call.imported or call.erased)
            )

    def _callback_of_click(self, record, plan):
        """Return the call-back that a click answers, if it is for the number that is dialled.

        :param record: the record that is called
        :param Plan plan: what is dialled
        :return: one ``ccp.callback`` or an empty recordset
        :rtype: odoo.models.BaseModel
        """
        callbacks = self.browse().callback_id
        asked = plan.callback_id or (record.id if record._name == callbacks._name else 0)
        found = self._ccp_records(callbacks._name, [asked])
        if not found or not found.has_access("read"):
            return callbacks
        answered = found.sudo().customer_number
        return found if answered in plan.customer_numbers else callbacks

    @api.model
    def _choice_of_callback(self, record, callback_id):
        """Return the key of a call-back's number among the numbers of its record.

        :param record: the record that is called
        :param int callback_id: what the click named; 0 for none
        :return: a key of ``_ccp_numbers``; None if the record does not have that number
        :rtype: str | None
        """
        found = self._ccp_records("ccp.callback", [callback_id])
        if not found or not found.has_access("read"):
            return None
        return found._key_of_number(record)

    def _leave_callbacks(self):
        """Copy into call-backs what they need of these missed calls before these are deleted."""
        missed = self.sudo().filtered(lambda call: call.owes_callback and call.callback_id)
        for callback, calls in missed.grouped("callback_id").items():
            known = filter(None, (callback.deleted_first, callback.deleted_last))
            moments = [*known, *calls.mapped("start_date")]
            callback.write(
                {
                    "deleted_attempts": callback.deleted_attempts + len(calls),
                    "deleted_first": min(moments),
                    "deleted_last": max(moments),
                }
            )

    def _callback_keys(self):
        """Return the customers' numbers of these calls, as call-backs store them.

        :return: the last ten digits, or all digits of a shorter number; without hidden numbers
        :rtype: list[str]
        """
        return list(filter(None, dict.fromkeys(map(number.last10, self._customer_numbers()))))

    @api.model
    def _callback_count(self):
        """Return the number on the panel's badge: call-backs that the current user should make.

        :rtype: int
        """
        return self.browse().callback_id._callback_badge()["open"]
