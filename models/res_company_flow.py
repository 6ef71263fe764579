from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..ccp.airtel import const
from . import refusals


class ResCompany(models.Model):
    """The call flow that runs a company's calls."""

    _inherit = "res.company"

    def _ccp_set_flow(self, code, caller_number):
        """Make a call flow the company's default; create or change it if needed.

        :param str code: Airtel's call flow id
        :param str caller_number: shown on both phones
        :raise ValidationError: when one of them is invalid
        """
        self.ensure_one()
        flows = self.env["ccp.call.flow"]
        values = {"code": code, "caller_number": caller_number}
        wanted = flows._ccp_clean(values)
        same = flows.search(
            Domain("company_id", "=", self.id)
            & Domain("code", "=", wanted["code"])
            & Domain("caller_number", "=", wanted["caller_number"]),
            limit=1,
        )
        flow = same or self.ccp_flow_id or self._ccp_default_flow().sudo(False)
        if not flow:
            flow = flows.create({"name": self.env._("Calls"), "company_id": self.id, **values})
        elif not same:
            flow.write(values)
        if self.ccp_flow_id != flow:
            self.ccp_flow_id = flow

    def _ccp_default_flow(self):
        """Return the call flow that runs calls by default: the chosen one, else the only one.

        :return: one ``ccp.call.flow`` as superuser; empty also when the chosen one is archived
        :rtype: odoo.models.BaseModel
        """
        self.ensure_one()
        chosen = self.sudo().ccp_flow_id
        if chosen:
            return chosen.filtered("active")
        usable = (
            Domain("company_id", "=", self.id)
            & Domain("call_type", "=", "OUTBOUND")
            & Domain("trial", "=", False)
        )
        found = chosen.search(usable, limit=2)
        return found if len(found) == 1 else chosen

    def _ccp_trial_flow(self):
        """Return the flow that the company's trial calls run at the sandbox; may be empty.

        :return: a ``ccp.call.flow``, as superuser
        :rtype: odoo.models.BaseModel
        """
        flows = self.env["ccp.call.flow"].sudo().with_context(active_test=False)
        return flows.search([("company_id", "=", self.id), ("trial", "=", True)], limit=1)

    def _ccp_make_trial_flow(self):
        """Create the flow of the company's trial calls, unless it exists.

        It is archived: nobody can choose it for real calls.
        """
        flow = self._ccp_trial_flow()
        if flow:
            return
        flow.create(
            {
                "name": self.env._("Trial"),
                "code": const.SANDBOX_FLOW_ID,
                "caller_number": const.SANDBOX_CALLER_NUMBER,
                "company_id": self.id,
                "trial": True,
                "active": False,
            }
        )

    def _ccp_flows_in_line(self, user, team):
        """Return the flows that may run a call, the preferred one first.

        The user's, then the sales team's, then the company's default, without other companies'
        flows. During a trial it is the sandbox's.

        :param user: the agent
        :param team: the ``crm.team`` that the call counts for, if any
        :return: a recordset of ``ccp.call.flow``, as superuser
        """
        company = self.sudo()
        if company.ccp_trial:
            return self._ccp_trial_flow()
        chosen = (
            user.sudo().with_company(company).ccp_flow_id
            | team.sudo().with_company(company).ccp_flow_id
            | company._ccp_default_flow()
        )
        return chosen.filtered(lambda flow: flow.active and flow.company_id == company)

    def _ccp_flow_for(self, user, team):
        """Return the flow that runs a call: the first possible one that the user may use.

        :param user: the agent
        :param team: the ``crm.team`` that the call counts for, if any
        :return: one ``ccp.call.flow``, as superuser
        :raise UserError: when there is none
        """
        chosen = self._ccp_flows_in_line(user, team)
        if not chosen:
            sentences = (
                self.env._(
                    "Calling is not set up yet: ask your administrator to choose a default call "
                    "flow in Settings > Airtel CCP."
                ),
                self.env._(
                    "Calling is not set up yet: choose a default call flow in Settings > Airtel "
                    "CCP."
                ),
            )
            raise UserError(refusals.to_reader(self.env, *sentences))
        flow = chosen.filtered(lambda each: each._may_use(user))[:1]
        if not flow:
            raise UserError(
                self.env._(
                    "You may not use call flow %(flows)s: ask your administrator to allow it to "
                    "you, or to choose another one for you, under Airtel CCP > Configuration > "
                    "Call flows.",
                    flows=", ".join(chosen.mapped("name")),
                )
            )
        return flow
