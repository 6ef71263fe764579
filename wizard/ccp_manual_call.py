from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class CcpManualCall(models.TransientModel):
    """Logs a call that was made outside, so that the history is whole; marked as such."""

    _name = "ccp.manual.call"
    _description = "Log a call made outside"

    res_model = fields.Char("Record's model", required=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", required=True)
    direction = fields.Selection(
        [("outbound", "Outgoing"), ("inbound", "Incoming")], required=True, default="outbound"
    )
    start_date = fields.Datetime("When", required=True, default=fields.Datetime.now)
    duration = fields.Float(
        "Talked for", help="Minutes and seconds; leave at 00:00 when nobody was reached."
    )
    outcome_id = fields.Many2one("ccp.call.outcome")
    note = fields.Text()

    @api.constrains("start_date", "duration")
    def _check_moment(self):
        for wizard in self:
            if wizard.start_date > fields.Datetime.now():
                raise ValidationError(
                    self.env._("A call that was made cannot lie in the future: correct its time.")
                )
            if wizard.duration < 0 or wizard.duration > 24 * 60:
                raise ValidationError(
                    self.env._("A call lasts between 0 minutes and a day: correct its duration.")
                )

    def action_log(self):
        """Write the call into the history and the chatter.

        :return: an action that closes the dialog
        :rtype: dict
        :raise AccessError: when the user may not call, or may not read the record
        :raise UserError: when the record is gone
        """
        self.ensure_one()
        self.env["ccp.panel"]._check_user()
        record = self._ccp_records(self.res_model, [self.res_id])
        if not record:
            raise UserError(self.env._("The record does not exist any more."))
        record.check_access("read")
        call = self.env["ccp.call"].sudo().create(self._call_values(record))
        if call.outcome_id:
            call.outcome_id.with_user(self.env.user)._apply(call)
        self.env["ccp.card"]._update(call, self.env["ccp.folder"]._timeline(call))
        return {"type": "ir.actions.act_window_close"}

    def _call_values(self, record):
        """Return the values of the call that this dialog describes."""
        dialer = self.env["ccp.dialer"]
        partner = dialer._partner(record)
        company = dialer._company(record)
        seconds = round(self.duration * 60)
        return {
            "manual": True,
            "live": False,
            "state": "ended",
            "result": "connected" if seconds else "customer_no_answer",
            "request_outcome": "accepted",
            "closed_date": fields.Datetime.add(self.start_date, seconds=seconds),
            "direction": self.direction,
            "res_model": self.res_model,
            "res_id": self.res_id,
            "customer_name": (
                record.display_name if record == partner else dialer._customer_name(record, partner)
            ),
            "partner_id": partner.id,
            "user_id": self.env.uid,
            **dialer._sales_values(record, company),
            "company_id": company.id,
            "start_date": self.start_date,
            "answer_date": self.start_date if seconds else False,
            "end_date": fields.Datetime.add(self.start_date, seconds=seconds),
            "talk_seconds": seconds,
            "outcome_id": self.outcome_id.id,
            "note": self.note,
        }
