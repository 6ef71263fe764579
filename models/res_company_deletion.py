from odoo import models
from odoo.tools.misc import split_every

from .ccp_call_retention import BATCH


class ResCompany(models.Model):
    """Deleting a company also deletes its calls, with their recordings, cards and flows."""

    _inherit = "res.company"

    def unlink(self):
        """Delete companies, and first their calls with all data outside their rows.

        PostgreSQL would delete only the calls' rows; nobody could delete the other data afterwards.
        """
        self.check_access("unlink")
        companies = self.with_context(active_test=False).sudo()
        calls = self.env["ccp.call"].sudo().search([("company_id", "in", companies.ids)])
        for ids in split_every(BATCH, calls.ids):
            calls.browse(ids)._delete_calls()
        # The company links to a call flow, and each call flow to its company
        companies.ccp_flow_id = False
        flows = calls.browse().flow_id.with_context(active_test=False)
        flows.search([("company_id", "in", companies.ids)]).unlink()
        return super().unlink()
