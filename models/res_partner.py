from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL


class ResPartner(models.Model):
    """A contact can be called; its calls include those to its people and to all their leads."""

    _name = "res.partner"
    _inherit = ["res.partner", "ccp.callable.mixin"]

    def _ccp_family(self):
        """Return these contacts, all below them, and the leads of all of them.

        Lost leads and archived people are included. It is read as superuser, because the rights to
        see calls decide which calls count.

        :return: contacts and leads
        :rtype: tuple
        """
        everybody = self.env["res.partner"].sudo().with_context(active_test=False)
        partners = everybody.search_fetch([("id", "child_of", self.ids)], ["parent_id"])
        leads = partners.env["crm.lead"].search_fetch(
            [("partner_id", "in", partners.ids)], ["partner_id"]
        )
        return partners, leads

    def _ccp_call_count_sql(self, alias):
        """Count the calls to a contact, to those below it, and to the leads of all of them.

        A call to a lead without a contact counts as soon as the lead has one.
        """
        leads = self.env["crm.lead"]

        def to_sql(calls, calls_alias, query):
            # As arrays: otherwise the planner reads all calls
            return SQL(
                """
                (%s = ANY(ARRAY(SELECT id FROM ccp_family))
                 OR %s = ANY(ARRAY(SELECT lead.id
                                     FROM ccp_family
                                     JOIN crm_lead lead ON %s = ccp_family.id)))
                """,
                SQL.identifier(calls_alias, "partner_id", to_flush=calls._fields["partner_id"]),
                SQL.identifier(calls_alias, "lead_id", to_flush=calls._fields["lead_id"]),
                SQL.identifier("lead", "partner_id", to_flush=leads._fields["partner_id"]),
            )

        calls = self.env["ccp.call"]._search(Domain.custom(to_sql=to_sql))
        return SQL(
            """
            (WITH RECURSIVE ccp_family (id) AS (
                SELECT %(id)s
                 UNION
                SELECT person.id
                  FROM ccp_family
                  JOIN res_partner person ON %(parent)s = ccp_family.id
            ) %(calls)s)
            """,
            id=SQL.identifier(alias, "id"),
            parent=SQL.identifier("person", "parent_id", to_flush=self._fields["parent_id"]),
            calls=calls.select(SQL("COUNT(*)")),
        )

    @staticmethod
    def _ccp_domain(partners, leads):
        """Return the domain of the calls to some contacts or leads."""
        return Domain("partner_id", "in", partners.ids) | Domain("lead_id", "in", leads.ids)

    def _ccp_calls_domain(self):
        return self._ccp_domain(*self._ccp_family())
