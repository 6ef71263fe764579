from odoo import api, models
from odoo.exceptions import UserError


class CcpCall(models.Model):
    """Which record a call was about, and how people correct it."""

    _inherit = "ccp.call"

    def action_change_record(self):
        """Open the dialog that corrects the call's contact or lead.

        :rtype: dict
        :raise AccessError: for anybody but its agent and managers of calls who may see it
        :raise UserError: while the call is live, or when it was erased
        """
        self.ensure_one()
        self._check_link()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Change record"),
            "res_model": "ccp.call.link",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_call_id": self.id},
        }

    def link_record(self, res_model, res_id):
        """Correct which record this call was about, for a call that was placed from another one.

        The call's card moves to that record, and the call counts for the record's lead and sales
        team. The change is logged.

        :param str res_model: a model that can be called
        :param int res_id: id of a record that the user may read
        :rtype: bool
        :raise AccessError: for anybody but its agent and managers of calls who may see it; when the
            user may not see the record
        :raise UserError: when there is no such record, it belongs to another company than the
            call, the call is live or was erased
        """
        self.ensure_one()
        self._check_link()
        self._set_record(self._linkable(res_model, res_id))
        return True

    def _set_record(self, record):
        """Make a record the one that this call was about, and log the change.

        The card moves along, and the call counts for the record's lead. An outgoing call counts for
        the record's sales team too, an incoming one stays with the team of its number.

        :param record: see ``_linkable``
        """
        call = self.sudo()
        if (call.res_model, call.res_id) == (record._name, record.id):
            return
        former = call._record()
        left = (former, call.partner_id)
        # Name and company of the contact even if the user may not read it
        partner = record.sudo()._ccp_contact()
        if partner.company_id and partner.company_id != call.company_id:
            partner = partner.browse()
        counts_for = record._ccp_sales_values(call.company_id, call.user_id)
        if call.direction == "inbound":
            del counts_for["team_id"]
        call._measure_lead_again()
        # The card is deleted here and posted again on the new record
        cards = call.card_message_ids
        for user in call.user_id | self.env.user:
            user._bus_send("mail.message/delete", {"message_ids": cards.ids})
        cards.unlink()
        call.write(
            {
                "res_model": record._name,
                "res_id": record.id,
                "partner_id": partner.id,
                "customer_name": record.sudo()._ccp_customer_name(partner),
                "noted_lines": False,
                **counts_for,
            }
        )
        call._log_change("record", former.display_name, record.display_name)
        call._notify_entry()
        for thread in (*left, record, partner):
            if thread:
                call._announce_record(thread)

    def _check_link(self):
        """Check that the current user may correct which record this call was about.

        :raise AccessError: see ``_check_entry``
        :raise UserError: while the call is live, or when it was erased
        """
        self._check_entry()
        if self.sudo().live:
            raise UserError(
                self.env._("This call is not over yet: change its record when it has ended.")
            )

    @api.model
    def _linkable_models(self):
        """Return the names of the models whose records a call can be about.

        :rtype: list[str]
        """
        mixin = self.env.registry["ccp.callable.mixin"]
        return [
            name
            for name, model in self.env.registry.items()
            if issubclass(model, mixin) and not model._abstract
        ]

    def _linkable(self, res_model, res_id):
        """Return a record that this call can be about.

        :param str res_model: what a browser sent
        :param int res_id: what a browser sent
        :rtype: odoo.models.BaseModel
        :raise AccessError: when the user may not see it
        :raise UserError: when there is no such record, or it belongs to another company
        """
        record = self._ccp_records(res_model, [res_id])
        if record._name not in self._linkable_models():
            raise UserError(self.env._("A call can be linked to a contact or a lead only."))
        if not record:
            raise UserError(self.env._("The record does not exist any more."))
        record._ccp_check_readable()
        company = record.company_id if "company_id" in record._fields else False
        if company and company != self.sudo().company_id:
            raise UserError(self.env._("The record belongs to another company than the call."))
        return record

    def _measure_lead_again(self):
        """Have the other calls of this call's lead measured again, before this call leaves it."""
        if self.lead_id:
            others = self.search([("lead_id", "=", self.lead_id.id), ("id", "!=", self.id)])
            others.measured = False
