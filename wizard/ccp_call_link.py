from odoo import api, fields, models
from odoo.exceptions import UserError


class CcpCallLink(models.TransientModel):
    """The dialog that corrects which contact or lead a call was about."""

    _name = "ccp.call.link"
    _description = "Change a call's record"

    call_id = fields.Many2one("ccp.call", required=True, readonly=True, ondelete="cascade")
    record = fields.Reference(
        selection="_select_models",
        string="The call was about",
        help="The call's card moves to this record's chatter.",
    )

    @api.constrains("call_id")
    def _check_call(self):
        # Odoo runs constraints with superuser rights
        for link in self.sudo(False):
            # Checked because the name of a call contains its customer's name
            link.call_id._check_link()

    @api.constrains("record")
    def _check_record(self):
        self._ccp_check_named("record")

    @api.model
    def _select_models(self):
        """Return the models whose records a call can be about, with their names."""
        names = self.env["ccp.call"]._linkable_models()
        known = self.env["ir.model"].sudo().search([("model", "in", names)])
        return [
            (model.model, model.name) for model in known if self.env[model.model].has_access("read")
        ]

    def action_link(self):
        """Write the chosen record on the call.

        :return: an action that closes the dialog
        :rtype: dict
        :raise AccessError: see ``ccp.call.link_record``
        :raise UserError: when no record was chosen, or the call cannot be about it
        """
        self.ensure_one()
        if not self.record:
            raise UserError(self.env._("Choose a contact or a lead first."))
        self.call_id.link_record(self.record._name, self.record.id)
        return {"type": "ir.actions.act_window_close"}
