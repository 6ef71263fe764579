from odoo import api, models
from odoo.tools import SQL

from .presence import CALLS


class CcpCall(models.Model):
    """Calls stay with their contacts and leads when those are merged."""

    _inherit = "ccp.call"

    @api.model
    def _follow_merge(self, sources, survivor):
        """Move the calls and call list entries of merged records to the one that stays.

        Values that a call copied on its day, such as the customer's name, stay.

        :param sources: the records that disappear, all of one model
        :param survivor: the record that stays
        """
        if not CALLS.may_be(self.env):
            return
        calls, with_lead, items = self._of_merged(sources)
        calls.res_id = survivor.id
        with_lead.lead_id = survivor.id
        items._follow_merge(survivor)

    @api.model
    def _of_merged(self, sources):
        """Return what refers to records that disappear in a merge, with one statement.

        :param sources: these records, all of one model
        :return: as superuser: calls by their record, calls by their lead, call list entries
        :rtype: tuple
        """
        items = self.env["ccp.call.list.item"].sudo()
        self.flush_model(["res_model", "res_id", "lead_id"])
        items.flush_model(["res_model", "res_id"])
        is_lead = sources._name == "crm.lead"
        found = {"call": [], "lead": [], "item": []}
        for kind, record_id in self.env.execute_query(
            SQL(
                """
                SELECT 'call', id FROM ccp_call
                 WHERE res_model = %(model)s AND res_id = ANY(%(ids)s)
                 UNION ALL
                SELECT 'lead', id FROM ccp_call WHERE lead_id = ANY(%(leads)s)
                 UNION ALL
                SELECT 'item', id FROM ccp_call_list_item
                 WHERE res_model = %(model)s AND res_id = ANY(%(ids)s)
                 ORDER BY 1, 2
                """,
                model=sources._name,
                ids=sources.ids,
                leads=sources.ids if is_lead else [],
            )
        ):
            found[kind].append(record_id)
        calls = self.sudo()
        return (
            calls.browse(found["call"]),
            calls.browse(found["lead"]),
            items.browse(found["item"]),
        )
