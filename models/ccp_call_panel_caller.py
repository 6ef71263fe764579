from collections import defaultdict

from odoo import api, models
from odoo.fields import Domain

MAX_CANDIDATES = 8


class CcpCall(models.Model):
    """What is known of a caller, limited to what the current user may see."""

    _inherit = "ccp.call"

    def _caller_values(self, decisions):
        """Return the part of an incoming call's values that depends on the current user's rights.

        :param list decisions: see ``_decisions``
        :return: ``customer`` and ``company`` (names, or ""), ``known`` (whether any record has the
            customer's number, visible or not), ``can_open`` and ``record_name``, ``res_model`` and
            ``res_id`` of the call's record, ``candidates``, ``reason_text``, ``last``
        :rtype: dict
        """
        call = self.sudo()
        decision = decisions[0] if decisions else None
        return self._known_of_caller(
            record=call._record(),
            contact=call.partner_id,
            candidates=call.route_candidates or [],
            last=call._last_of_caller(),
            reason=call.route_reason or "",
            decision=decision,
            first=call._rung_users(decisions)[:1],
        )

    @api.model
    def _known_of_caller(self, record, contact, candidates, last, reason, decision, first):
        """Return what the current user may know of a caller; see ``_caller_values``.

        :param record: the call's record, as superuser; empty if unknown
        :param contact: the ``res.partner`` behind it, as superuser
        :param list candidates: see ``_route_candidates``
        :param last: the previous call, which the user may read, or empty
        :param str reason: a reason of ``route_reason``
        :param ccp.call.route.Decision | None decision: see ``_decisions``
        :param first: the ``res.users`` whom it rings first, or empty
        :rtype: dict
        """
        user = self.env.user
        offered = self._readable_candidates(candidates)
        seen = record.with_env(self.sudo(False).env)._filtered_access("read") if record else record
        contact = contact.with_env(self.sudo(False).env)._filtered_access("read")
        name = ""
        if seen:
            name = seen._ccp_customer_name(seen._ccp_contact())
        elif contact:
            name = contact.display_name
        about = self._about_of(decision, reason)
        return {
            "customer": name,
            "company": contact.commercial_company_name or "",
            "known": bool(record or contact or candidates),
            "can_open": bool(seen),
            "record_name": seen.display_name if seen else "",
            "candidates": [
                each
                for each in offered
                if not record or (each["model"], each["id"]) != (record._name, record.id)
            ],
            "reason_text": self._reason_sentence(
                user,
                reason,
                "" if not first or first == user else first.sudo().name,
                about.display_name if about else "",
                decision.digit if decision else "",
            ),
            "last": last._as_last_call() if last else False,
        }

    @api.model
    def _about_of(self, decision, reason):
        """Return the record because of which a call was put through, if the user may see it.

        :param ccp.call.route.Decision | None decision: see ``_decisions``
        :param str reason: a reason of ``route_reason``
        :return: one record or an empty recordset
        :rtype: odoo.models.BaseModel
        """
        about = decision and decision.about
        if reason != "record_owner" or not about:
            return self.browse()
        named = self._ccp_records(about.res_model, [about.res_id])
        return named.sudo(False)._filtered_access("read")

    @api.model
    def _readable_candidates(self, candidates):
        """Return those records that a call may be about and the current user may see.

        :param list candidates: see ``_route_candidates``
        :return: dicts with ``model``, ``id``, ``name`` and ``reason`` (in words), each record once
        :rtype: list[dict]
        """
        linkable = self._linkable_models()
        pairs = ((each["model"], each["id"]) for each in candidates if each["model"] in linkable)
        named = list(dict.fromkeys(pairs))[:MAX_CANDIDATES]
        ids = defaultdict(list)
        for model, record_id in named:
            ids[model].append(record_id)
        readable = {}
        for model, some in ids.items():
            for record in self._ccp_records(model, some).sudo(False)._filtered_access("read"):
                readable[record._name, record.id] = record
        return [
            {
                "model": key[0],
                "id": key[1],
                "name": readable[key].display_name,
                "reason": self._candidate_sentence(readable[key]),
            }
            for key in named
            if key in readable
        ]

    @api.model
    def _candidate_sentence(self, record):
        """Return why a call may be about a record, as a sentence.

        :param record: a record that the current user may see
        :rtype: str
        """
        if record._name == "res.partner":
            return self.env._("Contact with this number")
        owner = record.user_id if "user_id" in record._fields else None
        if not owner:
            return self.env._("Open, with this number")
        if owner == self.env.user:
            return self.env._("Open, with this number, yours")
        return self.env._("Open, with this number, owned by %s", owner.sudo().name)

    def _last_of_caller(self):
        """Return the previous call with the same customer that the user may read.

        :rtype: odoo.models.BaseModel
        """
        calls = self.sudo(False)
        if self.partner_id:
            found = calls.browse(self._earlier_ids())._filtered_access("read")[:1]
            if found:
                return found
        return calls._last_with_number(self.customer_number, Domain("id", "<", self.id))

    @api.model
    def _last_with_number(self, customer, domain=Domain.TRUE):
        """Return the last ended call with a customer's number that the user may read.

        :param str customer: ten digits; anything else finds nothing
        :param odoo.fields.Domain domain: which calls count
        :rtype: odoo.models.BaseModel
        """
        if not customer or len(customer) != 10:
            return self.browse()
        domain &= Domain("customer_number", "=", customer) & Domain("state", "=", "ended")
        domain &= Domain("imported", "=", False)
        return self.search(domain, order="id desc", limit=1)

    @api.model
    def _caller_of_decision(self, decision, company):
        """Return what the current user may know of a caller before there is a call.

        :param ccp.call.route.Decision decision: see ``_decisions``
        :param company: the ``res.company`` whose number was dialled
        :return: see ``_caller_values``
        :rtype: dict
        """
        calls = self.sudo()
        customer = decision.customer
        candidates = [each for each in calls._route_candidates(company, customer) if each["id"]]
        about = decision.about
        record = calls.browse()
        if about:
            record = calls._ccp_records(about.res_model, [about.res_id])
        elif candidates:
            first = candidates[0]
            record = calls._ccp_records(first["model"], [first["id"]])
        ring = [each.user_id for each in decision.ring]
        return {
            "res_model": record._name if record else False,
            "res_id": record.id if record else False,
            **self.sudo(False)._known_of_caller(
                record=record,
                contact=record._ccp_contact() if record else self.env.user.partner_id.browse(),
                candidates=candidates,
                last=self.sudo(False)._last_with_number(customer),
                reason=decision.reason,
                decision=decision,
                first=self.env.user.browse(ring[:1]).exists(),
            ),
        }
