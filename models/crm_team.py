from odoo import api, fields, models
from odoo.fields import Domain


class CrmTeam(models.Model):
    """A sales team, and the calls that count for it."""

    _inherit = "crm.team"

    ccp_flow_id = fields.Many2one(
        "ccp.call.flow",
        "Call flow",
        company_dependent=True,
        check_company=True,
        ondelete="restrict",
        help="The call flow for this team's calls in the current company. Leave empty to use the "
        "company's default.",
        groups="base.group_system",
    )
    ccp_call_count = fields.Integer(
        "Calls", compute="_compute_ccp_call_count", groups="airtel_ccp.group_ccp_user"
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_ccp_call_count(self):
        counts = self.env["ccp.call"]._counts("team_id", self._origin)
        for team in self:
            team.ccp_call_count = counts.get(team._origin.id, 0)

    def action_ccp_calls(self):
        """Open the list of this team's calls.

        :rtype: dict
        :raise AccessError: when the user may not read the team, or no calls at all
        """
        self.ensure_one()
        self.check_access("read")
        return self._ccp_open_calls(Domain("team_id", "=", self.id))
