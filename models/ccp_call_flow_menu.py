from odoo import api, fields, models

from .noted_settings import NotedRecords


class CcpCallFlowMenu(NotedRecords, models.Model):
    """A digit of the menu that Airtel reads to callers, and the team that it leads to."""

    _name = "ccp.call.flow.menu"
    _description = "Digit of an Airtel Menu"
    _order = "digit"
    _rec_name = "digit"
    _check_company_auto = True

    flow_id = fields.Many2one(
        "ccp.call.flow", "Airtel number", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="flow_id.company_id", store=True)
    digit = fields.Selection([(each, each) for each in "1234567890"], required=True)
    team_id = fields.Many2one("crm.team", required=True, check_company=True, ondelete="cascade")

    _flow_digit_uniq = models.UniqueIndex(
        "(flow_id, digit)", "This digit already has a team: change that line."
    )

    @api.constrains("team_id")
    def _check_team(self):
        """Check the team before Odoo does, whose message would name another company's team."""
        self._ccp_check_named("team_id")

    @api.constrains("flow_id")
    def _check_flow(self):
        """Check that the user may still change these lines: the flow may have changed its company.

        :raise AccessError: when the user may not
        """
        self.sudo(False).check_access("write")
