from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..ccp.safe import number
from ..models.ccp_call_bounds import check_note

MAX_MINUTES = 24 * 60


class CcpManualCall(models.TransientModel):
    """Logs a call that was made outside Odoo, marked as such, to complete the history."""

    _name = "ccp.manual.call"
    _description = "Log a call made outside Odoo"

    res_model = fields.Char("Record's model", required=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", required=True)
    direction = fields.Selection(
        [("outbound", "Outgoing"), ("inbound", "Incoming")], required=True, default="outbound"
    )
    phone = fields.Char(
        "Number",
        compute="_compute_phone",
        # With the user's own rights, because it shows a record's content
        compute_sudo=False,
        store=True,
        precompute=True,
        readonly=False,
        help="The customer's number: one of the record's, or another one.",
    )
    offered_phones = fields.Json("The record's numbers", compute="_compute_offered_phones")
    start_date = fields.Datetime(
        "When",
        compute="_compute_start_date",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    duration = fields.Float(
        "Talked for", help="Minutes and seconds; leave at 00:00 when nobody was reached."
    )
    outcome_id = fields.Many2one("ccp.call.outcome")
    note = fields.Text()

    @api.depends("res_model", "res_id")
    def _compute_offered_phones(self):
        for wizard in self:
            wizard.offered_phones = [
                {"phone": each["phone"], "label": f"{each['owner']}, {each['label']}"}
                for each in wizard._offered()
            ]

    @api.depends("res_model", "res_id")
    def _compute_phone(self):
        for wizard in self:
            offered = wizard._offered()
            wizard.phone = offered[0]["phone"] if offered else False

    @api.depends("duration")
    def _compute_start_date(self):
        now = fields.Datetime.now()
        for wizard in self:
            start = wizard.start_date or now
            # If a call that starts now would end in the future, it has just ended: count back
            if start <= now < wizard._end(start):
                start = now - timedelta(seconds=wizard._seconds())
            wizard.start_date = start

    @api.constrains("outcome_id")
    def _check_outcome(self):
        self._ccp_check_named("outcome_id")

    @api.constrains("start_date", "duration")
    def _check_moment(self):
        for wizard in self:
            if not 0 <= wizard.duration <= MAX_MINUTES:
                raise ValidationError(
                    self.env._("A call lasts between 0 minutes and a day: correct its duration.")
                )
            if wizard.start_date > fields.Datetime.now():
                raise ValidationError(
                    self.env._(
                        "A call cannot be logged for a time in the future: correct its time."
                    )
                )
            if wizard._end(wizard.start_date) > fields.Datetime.now():
                raise ValidationError(
                    self.env._(
                        "This call would end in the future: enter when it began, or correct how "
                        "long you talked."
                    )
                )

    @api.constrains("note")
    def _check_note_length(self):
        for wizard in self:
            check_note(self.env, wizard.note)

    def action_log(self):
        """Write the call into the history and the chatter.

        :return: an action that closes the dialog, with a warning if effects of the outcome
            failed
        :rtype: dict
        :raise AccessError: when the user may not call, or may not read the record
        :raise UserError: when the record is deleted, the number invalid, or the outcome not offered
        """
        self.ensure_one()
        self.env.user._ccp_check_may_call()
        record = self._record()
        if not record:
            raise UserError(self.env._("The record does not exist any more."))
        record.check_access("read")
        company = record._ccp_company()
        if self.outcome_id and self.outcome_id not in company._ccp_outcomes():
            raise UserError(self.env._("This outcome is not offered any more: choose another one."))
        call = self.env["ccp.call"].sudo().create(self._call_values(record, company))
        call._update_card(call._timeline())
        return self._write_outcome(call.with_env(self.env))

    def _write_outcome(self, call):
        """Set the call's outcome, as its form does, or ask first whether to blacklist.

        :param call: the new ``ccp.call``; it stays logged if effects of the outcome fail
        :return: an action that closes the dialog and shows what was done, or shows the question
        :rtype: dict
        """
        entry = self.env["ccp.call.entry"].create(
            {
                "call_id": call.id,
                "outcome_id": self.outcome_id.id,
                "note": call.note,
                "note_before": call.note,
            }
        )
        return entry.action_save()

    def _record(self):
        """Return the record that the call was about; empty if none was chosen or it is deleted.

        :rtype: odoo.models.BaseModel
        """
        self.ensure_one()
        return self._ccp_records(self.res_model, [self.res_id])

    def _offered(self):
        """Return the record's numbers, see ``base._ccp_number_choices``.

        :rtype: list[dict]
        """
        record = self._record()
        if not record or not record.has_access("read"):
            return []
        return record._ccp_number_choices(record._ccp_company())

    def _digits(self):
        """Return the ten digits of the customer's number; False if none is needed.

        :raise UserError: when it is invalid, the rep's own, or missing although the record has one
        """
        offered = self._offered()
        text = (self.phone or "").strip()
        if not text:
            if offered:
                raise UserError(
                    self.env._(
                        "Choose the number with which you talked, so that the call is found by it."
                    )
                )
            return False
        try:
            digits = number.read(text)
        except number.NumberError as error:
            raise UserError(
                self.env._(
                    "%s is not one Indian phone number: enter its ten digits, such as 98765 43210, "
                    "or leave it empty if the record has none.",
                    text,
                )
            ) from error
        user = self.env.user
        own = (user.ccp_phone, user.ccp_second_phone, *user._ccp_further_numbers())
        if digits in {number.last10(each or "") for each in own}:
            raise UserError(self.env._("This is your own phone: enter the number of the customer."))
        return digits

    def _seconds(self):
        """Return how long agent and customer talked, in whole seconds."""
        return round(self.duration * 60)

    def _end(self, start):
        """Return when a call of this duration would end.

        :param datetime.datetime start: when it begins
        """
        minutes = min(max(self.duration, 0), MAX_MINUTES)
        return start + timedelta(seconds=round(minutes * 60))

    def _call_values(self, record, company):
        """Return the values of the call that this dialog describes.

        :param record: the record that the call was about
        :param company: the ``res.company`` that it belongs to
        :rtype: dict
        """
        partner = record._ccp_contact()
        seconds = self._seconds()
        missed = "agent_no_answer" if self.direction == "inbound" else "customer_no_answer"
        end = self._end(self.start_date)
        return {
            "manual": True,
            "live": False,
            "state": "ended",
            "result": "connected" if seconds else missed,
            "request_outcome": "accepted",
            "closed_date": end,
            "direction": self.direction,
            "res_model": self.res_model,
            "res_id": self.res_id,
            "customer_name": record._ccp_customer_name(partner),
            "customer_number": self._digits(),
            "partner_id": partner.id,
            "user_id": self.env.uid,
            **record._ccp_sales_values(company),
            "company_id": company.id,
            "start_date": self.start_date,
            "answer_date": self.start_date if seconds else False,
            "end_date": end,
            "talk_seconds": seconds,
            "note": self.note,
        }
