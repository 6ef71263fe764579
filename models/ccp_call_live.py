from odoo import api, models

# The bus channel, one for each company, that says to its leaders that live calls changed
CHANNEL = "airtel_ccp.live"


class CcpCall(models.Model):
    """Notifies the browsers of team leaders and managers when live calls change."""

    _inherit = "ccp.call"

    @api.model
    def _notify_leaders(self, companies):
        """Notify the leaders' browsers that live calls changed, once per transaction.

        The message holds no data: each browser then reads what its user may see.

        :param companies: the ``res.company`` records of calls that changed
        """
        notified = self.env.cr.precommit.data.setdefault(CHANNEL, set())
        for company in companies:
            if company.id not in notified:
                notified.add(company.id)
                self.env["bus.bus"]._sendone((company, CHANNEL), CHANNEL, {})
