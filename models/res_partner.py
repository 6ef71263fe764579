from odoo import models
from odoo.fields import Domain


class ResPartner(models.Model):
    """A contact can be called; its calls include those of its people and of all their leads."""

    _name = "res.partner"
    _inherit = ["res.partner", "ccp.callable.mixin"]

    def _ccp_family(self):
        """Return these contacts, all below them, and the leads of all of them.

        Which calls count is decided by who may see the calls, so it is read as superuser; lost
        leads and archived people belong to it.

        :return: contacts and leads
        :rtype: tuple
        """
        everybody = self.env["res.partner"].sudo().with_context(active_test=False)
        partners = everybody.search_fetch([("id", "child_of", self.ids)], ["parent_id"])
        leads = partners.env["crm.lead"].search_fetch(
            [("partner_id", "in", partners.ids)], ["partner_id"]
        )
        return partners, leads

    def _ccp_call_counts(self):
        """Count the calls to a contact, to those below it, and to the leads of all of them.

        A call to a lead without a contact counts as soon as the lead has one.
        """
        partners, leads = self._ccp_family()
        groups = self.env["ccp.call"]._read_group(
            self._ccp_domain(partners, leads), ["partner_id", "lead_id"], ["__count"]
        )
        counts = dict.fromkeys(self.ids, 0)
        for partner, lead, count in groups:
            owners = (partner.sudo() & partners) | (lead & leads).sudo().partner_id
            lineage = set()
            while owners:
                lineage.update(owners.ids)
                owners = (owners.parent_id & partners) - owners.browse(lineage)
            for partner_id in lineage & counts.keys():
                counts[partner_id] += count
        return counts

    @staticmethod
    def _ccp_domain(partners, leads):
        """Return the domain of the calls to some contacts or leads."""
        return Domain("partner_id", "in", partners.ids) | Domain("lead_id", "in", leads.ids)

    def _ccp_calls_domain(self):
        return self._ccp_domain(*self._ccp_family())
