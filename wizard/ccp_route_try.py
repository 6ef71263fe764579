from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..ccp.airtel import routing
from ..models import route_words
from ..models.own_records import OwnRecords
from ..models.utils import form_of

MAX_SHOWN = 20


class CcpRouteTry(OwnRecords, models.TransientModel):
    """The page on which an administrator sees whom a caller would be put through to now, and why.

    Nothing rings and nothing is stored.
    """

    _name = "ccp.route.try"
    _description = "Try a Number"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company
    )
    flow_id = fields.Many2one(
        "ccp.call.flow",
        "Airtel number",
        domain="[('company_id', '=', company_id), ('call_type', '=', 'INBOUND')]",
        default=lambda self: self._default_flow(),
    )
    number = fields.Char(
        "Caller's number", help="Leave empty for a caller who withholds the number."
    )
    digit = fields.Selection([(each, each) for each in "1234567890"], "Digit pressed in the menu")
    answer = fields.Text("Who is rung", readonly=True)
    passed_over = fields.Text("Not rung", readonly=True)

    @api.model
    def _default_flow(self):
        return self.env.company._ccp_incoming_flows()[:1].sudo(False)

    @api.constrains("flow_id")
    def _check_flow(self):
        self._ccp_check_named("flow_id")

    @api.depends("company_id")
    def _compute_display_name(self):
        for page in self:
            page.display_name = self.env._("Try a number")

    @api.model
    def action_open(self):
        """Open the page for the current company.

        :return: an action
        :rtype: dict
        :raise AccessError: when the user is not an administrator
        """
        self.check_access("create")
        return form_of(self.create({}), self.env._("Try a number"), target="current")

    def action_try(self):
        """Show whom this caller would be put through to now.

        :raise AccessError: when the user is not an administrator
        :raise UserError: when no Airtel number takes incoming calls
        """
        self.ensure_one()
        self.check_access("write")
        own = Domain("id", "=", self.flow_id.id) & Domain("company_id", "=", self.company_id.id)
        flow = self.flow_id.sudo().filtered_domain(own & Domain("call_type", "=", "INBOUND"))
        if not flow:
            raise UserError(
                self.env._(
                    "Choose the Airtel number that is called: a call flow of the type Inbound, "
                    "under Airtel CCP > Configuration > Call flows."
                )
            )
        question = routing.Question(
            routing.digits(self.number or ""), flow.caller_number, self.digit or ""
        )
        routed = self.company_id._ccp_route(question, is_kept=False)
        lines = [
            self.env._(
                "%(name)s (%(why)s): %(obstacle)s",
                name=step.name or self.env._("Somebody"),
                why=route_words.reason_words(
                    self.env, step.reason, step.about.name if step.about else ""
                ),
                obstacle=route_words.obstacle_words(self.env, step.obstacle),
            )
            for step in routed.steps
            if step.obstacle
        ]
        self.answer = route_words.outcome_words(self.env, routed.decision)
        self.passed_over = "\n".join(lines[:MAX_SHOWN]) or False
