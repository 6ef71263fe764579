from datetime import timedelta

from odoo import fields, models


class CcpCallOutcome(models.Model):
    """What a rep says came of a call, and what follows from it by itself."""

    _name = "ccp.call.outcome"
    _description = "Call Outcome"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    color = fields.Integer()
    company_id = fields.Many2one("res.company", help="Leave empty to offer it in every company.")
    activity_type_id = fields.Many2one(
        "mail.activity.type",
        "Schedule an activity",
        help="Plan this activity for the rep on the record that was called.",
    )
    activity_days = fields.Integer("After (days)", default=1)
    stage_id = fields.Many2one(
        "crm.stage", "Move the lead to", help="Only for calls on leads and opportunities."
    )
    lost_reason_id = fields.Many2one(
        "crm.lost.reason",
        "Mark the lead lost because",
        help="Only for calls on leads and opportunities.",
    )
    blacklist = fields.Boolean(
        "Never call this number again", help="Put the customer's number on the phone blacklist."
    )

    _activity_days_positive = models.Constraint(
        "CHECK(activity_days >= 0)", "An activity cannot be planned for the past."
    )

    def _apply(self, call):
        """Do what the administrator said follows from this outcome, in the rep's name.

        :param call: the ``ccp.call`` that got this outcome
        :raise AccessError: when the rep may not change the record
        """
        self.ensure_one()
        outcome = self.sudo()
        record = call.with_user(call.user_id)._record()
        if outcome.activity_type_id and hasattr(record, "activity_schedule") and record:
            record.activity_schedule(
                activity_type_id=outcome.activity_type_id.id,
                date_deadline=fields.Date.context_today(record)
                + timedelta(days=outcome.activity_days),
                user_id=call.user_id.id,
                summary=outcome.name,
                note=call.note or "",
            )
        if record._name == "crm.lead" and record:
            if outcome.stage_id:
                record.stage_id = outcome.stage_id
            if outcome.lost_reason_id:
                record.action_set_lost(lost_reason_id=outcome.lost_reason_id.id)
        if outcome.blacklist and call._customer_numbers():
            self.env["phone.blacklist"].sudo()._add(
                [f"+91{each}" for each in call._customer_numbers()],
                message=self.env._(
                    "%(rep)s noted: %(outcome)s", rep=call.user_id.name, outcome=outcome.name
                ),
            )
