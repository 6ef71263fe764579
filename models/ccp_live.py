from datetime import timezone

from odoo import api, fields, models

from ..ccp import number

CHANNEL = "airtel_ccp.live"


class CcpLive(models.AbstractModel):
    """Who is calling whom right now, for team leaders and managers."""

    _name = "ccp.live"
    _description = "Airtel calls that are live"

    @api.model
    def state(self):
        """Return the live calls that the user may see, and the server's clock.

        Not from a read replica: who asks was just told of a change, which that may not have yet.

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
            "now": self._milliseconds(fields.Datetime.now()),
            "calls": [
                {
                    "id": call.id,
                    "agent_id": call.user_id.id,
                    "agent": call.sudo().user_id.name,
                    "customer": call.customer_name or "",
                    "phone": number.mask(call.customer_number or ""),
                    "state": call.state,
                    "label": states[call.state],
                    "tone": call.tone,
                    "since": self._milliseconds(call.answer_date or call.start_date),
                }
                for call in calls
            ],
        }

    @api.model
    def _milliseconds(self, moment):
        return int(moment.replace(tzinfo=timezone.utc).timestamp() * 1000)

    @api.model
    def _tell(self, companies):
        """Tell the leaders' browsers that live calls changed, once in a transaction.

        The message carries nothing of a call: each browser asks for what its user may see.

        :param companies: the ``res.company`` records of calls that changed
        """
        told = self.env.cr.precommit.data.setdefault(CHANNEL, set())
        for company in companies:
            if company.id not in told:
                told.add(company.id)
                self.env["bus.bus"]._sendone((company, CHANNEL), CHANNEL, {})
