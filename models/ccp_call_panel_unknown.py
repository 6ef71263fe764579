from odoo import models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

SHORTEST_SEARCH = 2
LONGEST_SEARCH = 100
FOUND_LIMIT = 8


class CcpCall(models.Model):
    """How users whom an incoming call rings choose its record, or create one."""

    _inherit = "ccp.call"

    def _check_rung(self):
        """Check that this is an incoming call whose record the current user may choose.

        Until somebody takes the call, these are all users whom it rings; then the one who took it,
        and managers.

        :raise AccessError: for anybody else
        :raise UserError: when it is an outgoing call, or was erased
        """
        call = self.sudo()
        is_rung = (
            call.direction == "inbound"
            and not call.user_id
            and self.env.user in call._rung_users(call._decisions()[call])
        )
        if not is_rung and not self._may_be_written():
            raise AccessError(self.env._("This is not your call."))
        if call.direction != "inbound":
            raise UserError(
                self.env._("This is an outgoing call: use “Change record” when it is over.")
            )
        self._check_not_erased()

    def _check_unknown(self):
        """Check that this call has no record yet; other transactions wait meanwhile.

        :raise UserError: when it has a record
        """
        self.env.execute_query(SQL("SELECT id FROM ccp_call WHERE id = %s FOR UPDATE", self.id))
        self.invalidate_recordset(["res_model", "res_id"])
        if self.sudo()._record():
            raise UserError(
                self.env._("This call already has a record: choose another one if it is wrong.")
            )

    def _make_record(self, model, values):
        """Create a record for this call's unknown customer, and link the call to it.

        :param str model: the record's model
        :param dict values: the record's values, beside the customer's number
        :return: ``res_model`` and ``res_id``
        :rtype: dict
        :raise AccessError: when the user may not create such records
        :raise UserError: when the call has a record by now, or no number
        """
        self._check_unknown()
        call = self.sudo()
        records = self.env[model].with_company(call.company_id)
        if not records.has_access("create"):
            raise AccessError(
                self.env._(
                    "You may not create such a record: ask your administrator for the right."
                )
            )
        phone = self._readable_number()
        if not phone:
            raise UserError(
                self.env._("Airtel did not say who called: there is no number to keep.")
            )
        record = records.create({**values, "phone": phone})
        # Saving a contact links the contact's calls to it
        call.invalidate_recordset(["res_model", "res_id"])
        self._set_record(record)
        return {"res_model": record._name, "res_id": record.id}

    def _readable_number(self):
        """Return the customer's number as people write it, with the code +91.

        :rtype: str
        """
        digits = self.sudo().customer_number or ""
        return f"+91 {digits[:5]} {digits[5:]}" if len(digits) == 10 else digits

    def _new_lead(self):
        """Create a lead for this call's unknown customer; see ``_make_record``."""
        call = self.sudo()
        flow = call.flow_id
        use_leads = self.env.user.has_group("crm.group_use_lead")
        return self._make_record(
            "crm.lead",
            {
                "name": self.env._("Call from %s", self._readable_number()),
                "type": "lead" if use_leads else "opportunity",
                "user_id": self.env.uid,
                "company_id": call.company_id.id,
                "team_id": call.team_id.id,
                "source_id": flow.source_id.id,
                "medium_id": flow.medium_id.id,
                "campaign_id": flow.campaign_id.id,
            },
        )

    def _new_contact(self):
        """Create a contact for this call's unknown customer; see ``_make_record``."""
        return self._make_record("res.partner", {"name": self._readable_number()})

    def _found_records(self, text):
        """Return records that this call may be about and whose name contains a text.

        :param str text: what was typed
        :return: dicts with ``model``, ``id``, ``name`` and ``kind`` (the model's name)
        :rtype: list[dict]
        """
        text = text.strip()[:LONGEST_SEARCH] if isinstance(text, str) else ""
        if len(text) < SHORTEST_SEARCH:
            return []
        company = self.sudo().company_id
        found = []
        for model in self._linkable_models():
            records = self.env[model]
            if not records.has_access("read"):
                continue
            domain = Domain("display_name", "ilike", text)
            if "company_id" in records._fields:
                domain &= Domain("company_id", "in", (False, company.id))
            found += [
                {
                    "model": model,
                    "id": record.id,
                    "name": record.display_name,
                    "kind": records._description,
                }
                for record in records.search(domain, limit=FOUND_LIMIT)
            ]
        return found
