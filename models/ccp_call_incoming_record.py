from odoo import api, fields, models

from ..ccp.safe import number

# If more records share a number, the data are at fault; nobody chooses among that many
MOST_CANDIDATES = 20


class CcpCall(models.Model):
    """Which record an incoming call is about: the likeliest of those with its number.

    The others are stored with their reasons, and a click chooses one of them.
    """

    _inherit = "ccp.call"

    route_reason = fields.Selection(
        [
            ("missed_agent", "Called the customer just before"),
            ("record_owner", "Owner of the record"),
            ("salesperson", "Salesperson of the contact"),
            ("last_agent", "Spoke with the customer last"),
            ("team", "Team of the number"),
            ("menu_team", "Team of the digit that was pressed"),
            ("desk", "Desk of the number"),
            ("closed", "Outside the opening hours"),
            ("blocked", "Blacklisted caller"),
            ("flood", "Too many calls of this caller"),
            ("unknown_number", "Unknown Airtel number"),
            ("unreadable", "Unreadable question"),
            ("database_away", "Database unreachable"),
        ],
        "Routing reason",
        readonly=True,
        copy=False,
        help="Why this incoming call was put through to these agents.",
    )
    route_about = fields.Char(
        "Record that decided who rings",
        readonly=True,
        copy=False,
        help="Its name at the moment of the call.",
    )
    # Contains names that a reader of the call may not see, hence ``_candidates``
    route_candidates = fields.Json(readonly=True, copy=False, groups=fields.NO_ACCESS)
    route_sentence = fields.Char("Put through to", compute="_compute_route_sentence")
    other_records = fields.Char(
        "May also be about",
        compute="_compute_other_records",
        help="Other records with this customer's number that you may see.",
    )

    def _find_record(self, seen, is_new):
        """Link this incoming call to the likeliest record with its customer's number.

        A record that a person chose, or that was found before, stays.

        :param ccp_call_event_incoming.Sighting seen: what a report or decision says
        :param bool is_new: whether no record was looked for yet
        """
        if not is_new and not seen.decision:
            return
        candidates = self._ranked_candidates(seen)
        if candidates != self.route_candidates:
            self.route_candidates = candidates
        if self.res_id or self._is_record_chosen():
            return
        records = map(self._candidate_record, candidates)
        record = next(filter(None, records), self.browse())
        if record or is_new:
            self.write(self._about_values(record))

    def _is_record_chosen(self):
        """Return whether a person chose the record of this call.

        :rtype: bool
        """
        return "record" in self.change_ids.mapped("kind")

    def _ranked_candidates(self, seen):
        """Return the records that this call may be about, the likeliest first.

        :param ccp_call_event_incoming.Sighting seen: what a report or decision says
        :return: dicts with ``model``, ``id``, ``name`` and ``reason``, a code of ``route_reason``
        :rtype: list[dict]
        """
        found = []
        about = seen.decision and seen.decision.about
        if about:
            found.append(
                {
                    "model": about.res_model,
                    "id": about.res_id,
                    "name": about.name,
                    "reason": seen.decision.reason,
                }
            )
        if seen.customer:
            found += self._route_candidates(seen.company, seen.customer)
        known = {}
        for each in found:
            if not each.get("id"):
                continue
            kept = {name: each.get(name) for name in ("model", "id", "name", "reason")}
            known.setdefault((kept["model"], kept["id"]), kept)
        return list(known.values())[:MOST_CANDIDATES]

    def _candidate_record(self, candidate):
        """Return the record of a candidate; empty if it is deleted or now of another company.

        :param dict candidate: see ``_ranked_candidates``
        :rtype: odoo.models.BaseModel
        """
        record = self._ccp_records(candidate.get("model"), [candidate.get("id")])
        if not record or record._name not in self._linkable_models():
            return self.browse()
        company = record.sudo().company_id if "company_id" in record._fields else None
        return self.browse() if company and company != self.company_id else record

    def _about_values(self, record):
        """Return the values that an incoming call takes from its record.

        :param record: as superuser; may be empty
        :rtype: dict
        """
        if not record:
            unknown = number.mask(self.customer_number or "")
            return {"customer_name": unknown or self._in_company_language()._withheld_name()}
        partner = record._ccp_contact()
        if partner.company_id and partner.company_id != self.company_id:
            partner = partner.browse()
        return {
            "res_model": record._name,
            "res_id": record.id,
            "partner_id": partner.id,
            "customer_name": record._ccp_customer_name(partner),
            "lead_id": record.id if record._name == "crm.lead" else False,
        }

    def _withheld_name(self):
        return self.env._("Number withheld")

    def _candidates(self):
        """Return the records that this call may be about, without those hidden from the user.

        :return: dicts with ``res_model``, ``res_id``, ``name``, ``reason`` (a code of
            ``route_reason``) and ``is_chosen``, the likeliest first
        :rtype: list[dict]
        """
        self.ensure_one()
        call = self.sudo()
        found = []
        for candidate in call.route_candidates or ():
            record = call._candidate_record(candidate)
            readable = record.with_env(self.sudo(False).env)._filtered_access("read")
            if not record or not readable:
                continue
            found.append(
                {
                    "res_model": record._name,
                    "res_id": record.id,
                    "name": readable.display_name,
                    "reason": candidate.get("reason") or False,
                    "is_chosen": (call.res_model, call.res_id) == (record._name, record.id),
                }
            )
        return found

    @api.depends("route_reason", "route_about", "decided_date", "dialled")
    @api.depends_context("lang")
    def _compute_route_sentence(self):
        for call in self.sudo():
            call.route_sentence = call._route_sentence()

    @api.depends("route_candidates", "res_model", "res_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_other_records(self):
        for call in self:
            others = [each["name"] for each in call._candidates() if not each["is_chosen"]]
            call.other_records = ", ".join(others)
