from odoo import api, fields, models

from ..ccp.safe import number
from .utils import milliseconds


class CcpDashboard(models.AbstractModel):
    """Who is calling whom right now, for team leaders and managers."""

    _inherit = "ccp.dashboard"

    @api.model
    def live(self):
        """Return the live calls that the user may see, and the server's clock.

        Read from the primary, never from a replica: the browser asks because it was notified of a
        change, which a replica may not have yet.

        :return: ``now`` and ``calls``: dicts with agent, customer, masked number, state,
            ``tone`` (its colour) and ``since`` (when talking began, else when the call did);
            moments in milliseconds
        :rtype: dict
        :raise AccessError: for users who are not team leaders or managers
        """
        self.env.user._ccp_check_leader()
        calls = self.env["ccp.call"].search([("live", "=", True)], order="start_date, id")
        states = dict(calls._fields["state"]._description_selection(self.env))
        return {
            "now": milliseconds(fields.Datetime.now()),
            "calls": [
                {
                    "id": call.id,
                    "agent_id": call.user_id.id,
                    "agent": call._agent_name(),
                    "customer": call.customer_name or "",
                    "phone": number.mask(call.customer_number or ""),
                    "state": call.state,
                    "label": states[call.state],
                    "tone": call.tone,
                    "since": milliseconds(call.answer_date or call.start_date),
                }
                for call in calls
            ],
        }
