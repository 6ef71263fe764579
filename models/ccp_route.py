import dataclasses
import uuid
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from odoo import api, models
from odoo.tools import SQL

from ..ccp.airtel import routing
from ..ccp.call import route, states
from . import route_store
from .ccp_call import CUSTOMER_KEY

# How long a customer who missed an agent's call is put through to that agent
MISSED_PERIOD = timedelta(minutes=30)
MISSED_RESULTS = (*states.MISSED_BY[states.CUSTOMER], "canceled")
MOST_RECORDS = 10
PHONE_KEY = r"right(regexp_replace(phone, '\D', '', 'g'), 10)"
TICKETS = "helpdesk.ticket"


class Routed(NamedTuple):
    """The result of a routing question."""

    decision: route.Decision | None
    """None if nobody at all can be rung."""
    is_new: bool
    """Whether to store the decision."""
    steps: tuple = ()
    """The users who were considered, see ``ccp.call.route.Step``."""
    last: str = ""
    """See ``route_store.store``."""
    stand_in: route.Number | None = None
    """The number to use while neither database nor disk can be read."""


class CcpCall(models.Model):
    """Whom an incoming call is put through to, and which records and users a caller belongs to."""

    _inherit = "ccp.call"

    @api.model
    def _route(self, company, question, is_kept=True):
        """Decide whom a call is put through to; for a while a repeated question has one answer.

        :param company: the ``res.company`` whose routing URL was asked
        :param airtel_ccp.ccp.airtel.routing.Question question: as received
        :param bool is_kept: whether it is a real call, whose decision is stored
        :rtype: Routed
        """
        moment = datetime.now(timezone.utc)
        now = int(moment.timestamp() * 1000)
        numbers = self.browse().flow_id._route_numbers(company, moment)
        by_number = {routing.key(each.caller_number): each for each in numbers}
        question = question.turned(by_number)
        recent = route_store.recent(self.env.cr, company.id, question) if is_kept else []
        same = route_store.same(recent, question, now)
        if same:
            return Routed(same, is_new=False)
        number, reason = self._route_number(company, numbers, by_number, question)
        known = self._route_known(company, question, moment)
        decision, steps = route.decide(
            question,
            number,
            dataclasses.replace(known, flooding=route_store.is_flood(recent, now)),
            decision_id=uuid.uuid4().hex,
            at=now,
            reason=reason,
        )
        return Routed(
            decision if decision.participants() else None,
            is_new=True,
            steps=steps,
            last=route_store.before(recent, now),
            stand_in=numbers[0] if numbers else number,
        )

    @api.model
    def _route_number(self, company, numbers, by_number, question):
        """Return the settings of the number that was dialled, and why another number's are used.

        :param numbers: the company's numbers, see ``_route_numbers``
        :param dict by_number: the same by their last ten digits
        :param question: with each number in its place
        :return: the number; and the reason why the desk rings for any caller, "" if there is none
        :rtype: tuple[airtel_ccp.ccp.call.route.Number, str]
        """
        if not numbers:
            number = route.Number(caller_number="", desk=company._ccp_own_phone())
            return number, "unknown_number" if question.is_readable else "unreadable"
        if not question.is_readable:
            return numbers[0], "unreadable"
        number = by_number.get(routing.key(question.airtel_number))
        if not number and len(numbers) == 1 and not question.airtel_number:
            # The company has only this number, so it was dialled
            number = numbers[0]
        return (number, "") if number else (numbers[0], "unknown_number")

    @api.model
    def _route_known(self, company, question, moment):
        """Return what is known of a caller, and of the users who may take the call.

        :param company: the ``res.company`` whose call it is
        :param question: with each number in its place
        :param datetime.datetime moment: aware
        :rtype: airtel_ccp.ccp.call.route.Known
        """
        users = self.env["res.users"].sudo()
        customer = routing.customer_key(question.customer)
        found = {}

        def people(user_ids):
            missing = [each for each in user_ids if each not in found]
            if missing:
                found.update(dict.fromkeys(missing))
                busy = self._route_busy(missing)
                found.update(users._ccp_agents(company, missing, moment, busy))
            return {each: found[each] for each in user_ids if found[each]}

        candidates = [
            *self._route_missed(company, customer),
            *self._route_candidates(company, customer),
        ]
        return route.Known(
            candidates=tuple(
                route.Candidate(
                    each["reason"],
                    each["user_id"],
                    route.About(each["model"], each["id"], each["name"]) if each["id"] else None,
                )
                for each in candidates
                if each["user_id"]
            ),
            members=self._route_members,
            people=people,
            blocked=bool(customer and users._ccp_listed([customer])),
        )

    @api.model
    def _route_busy(self, user_ids):
        """Return which users are in a call, or whose phones ring.

        :rtype: set[int]
        """
        ringing = self._fields["ringing_user_ids"]
        found = self.env.execute_query(
            SQL(
                """
                SELECT user_id FROM ccp_call WHERE user_id = ANY(%(ids)s) AND live IS TRUE
                 UNION
                SELECT rung.%(user)s
                  FROM %(relation)s rung
                  JOIN ccp_call call ON call.id = rung.%(call)s
                 WHERE rung.%(user)s = ANY(%(ids)s) AND call.live IS TRUE
                """,
                relation=SQL.identifier(ringing.relation),
                call=SQL.identifier(ringing.column1),
                user=SQL.identifier(ringing.column2),
                ids=user_ids,
            )
        )
        return {user_id for (user_id,) in found}

    @api.model
    def _route_members(self, team_id):
        """Return the users of a team, including its leader.

        :param int team_id: a ``crm.team``
        :rtype: list[int]
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT user_id FROM crm_team_member WHERE crm_team_id = %(team)s AND active
                 UNION
                SELECT user_id FROM crm_team WHERE id = %(team)s AND user_id IS NOT NULL
                """,
                team=team_id,
            )
        )
        return [user_id for (user_id,) in rows]

    @api.model
    def _route_missed(self, company, customer):
        """Return the agents whose call the customer missed a short while ago.

        :param str customer: the last ten digits
        :return: see ``_route_candidates``
        :rtype: list[dict]
        """
        if len(customer) < 10:
            return []
        rows = self.env.execute_query(
            SQL(
                """
                SELECT user_id, res_model, res_id, customer_name
                  FROM ccp_call
                 WHERE company_id = %s AND %s = %s AND direction = 'outbound'
                   AND start_date > now() AT TIME ZONE 'UTC' - %s
                   AND result IN %s AND user_id IS NOT NULL
                   AND trial IS NOT TRUE AND manual IS NOT TRUE AND imported IS NOT TRUE
                 ORDER BY start_date DESC, id DESC
                 LIMIT 1
                """,
                company.id,
                SQL(CUSTOMER_KEY),
                customer,
                MISSED_PERIOD,
                MISSED_RESULTS,
            )
        )
        return [self._route_candidate("missed_agent", *row) for row in rows]

    @api.model
    def _route_candidate(self, reason, user_id, res_model, res_id, name):
        """Return one entry of ``_route_candidates``.

        :rtype: dict
        """
        return {
            "model": res_model or "",
            "id": res_id or 0,
            "name": (name or "")[:100],
            "user_id": user_id or False,
            "reason": reason,
        }

    @api.model
    def _route_candidates(self, company, customer):
        """Return the records and users that a number belongs to, the likeliest first.

        The order is: open leads, open tickets, contacts, the record of the last conversation. Read
        as superuser: whoever shows the result checks the reader's rights.

        :param company: a ``res.company``
        :param str customer: the customer's number; its last ten digits are used
        :return: dicts with ``model``, ``id``, ``name``, ``user_id`` (or False) and ``reason``
        :rtype: list[dict]
        """
        customer = routing.key(customer or "")
        if len(customer) < 10:
            return []
        self.env.flush_all()
        contacts = self._route_contacts(company, customer)
        ids = [row[2] for row in contacts]
        return [
            *(
                self._route_candidate("record_owner", user_id, "crm.lead", lead_id, name)
                for lead_id, name, user_id in self._route_leads(company, customer, ids)
            ),
            *self._route_tickets(company, ids),
            *(
                self._route_candidate("salesperson", user_id, "res.partner", partner_id, name)
                for user_id, name, partner_id in contacts
            ),
            *self._route_last_agent(company, customer),
        ]

    @api.model
    def _route_contacts(self, company, customer):
        """Return salesperson, name and id of contacts with a number, the company's own first.

        :rtype: list[tuple]
        """
        return self.env.execute_query(
            SQL(
                """
                SELECT COALESCE(contact.user_id, parent.user_id),
                       COALESCE(contact.complete_name, contact.name), contact.id
                  FROM res_partner contact
                  LEFT JOIN res_partner parent ON parent.id = contact.commercial_partner_id
                 WHERE contact.id IN (SELECT id FROM res_partner WHERE %s = %s)
                   AND contact.active
                   AND (contact.company_id IS NULL OR contact.company_id = %s)
                 ORDER BY contact.company_id IS NULL, contact.id
                 LIMIT %s
                """,
                SQL(PHONE_KEY),
                customer,
                company.id,
                MOST_RECORDS,
            )
        )

    @api.model
    def _route_leads(self, company, customer, partner_ids):
        """Return id, name and owner of a customer's open leads, the newest first.

        :rtype: list[tuple]
        """
        return self.env.execute_query(
            SQL(
                """
                SELECT lead.id, lead.name, lead.user_id
                  FROM crm_lead lead
                  LEFT JOIN crm_stage stage ON stage.id = lead.stage_id
                 WHERE lead.id IN (SELECT id FROM crm_lead WHERE %s = %s
                                    UNION ALL
                                   SELECT id FROM crm_lead WHERE partner_id = ANY(%s))
                   AND lead.active AND stage.is_won IS NOT TRUE
                   AND (lead.company_id IS NULL OR lead.company_id = %s)
                 ORDER BY lead.user_id IS NULL, lead.id DESC
                 LIMIT %s
                """,
                SQL(PHONE_KEY),
                customer,
                partner_ids,
                company.id,
                MOST_RECORDS,
            )
        )

    @api.model
    def _route_tickets(self, company, partner_ids):
        """Return a customer's open tickets, if an addon has tickets.

        :return: see ``_route_candidates``
        :rtype: list[dict]
        """
        tickets = self.env.get(TICKETS)
        if tickets is None or not partner_ids:
            return []
        names = tickets._fields
        if not {"partner_id", "user_id", "stage_id"} <= names.keys():
            return []
        closed = "closed" if "closed" in names and names["closed"].store else "stage_id.fold"
        domain = [("partner_id", "in", partner_ids), (closed, "=", False)]
        if "company_id" in names:
            domain.append(("company_id", "in", (False, company.id)))
        return [
            self._route_candidate(
                "record_owner", each.user_id.id, TICKETS, each.id, each.display_name
            )
            for each in tickets.sudo().search(domain, limit=MOST_RECORDS, order="id desc")
        ]

    @api.model
    def _route_last_agent(self, company, customer):
        """Return who last talked with a number, and about which record.

        :return: see ``_route_candidates``
        :rtype: list[dict]
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT user_id, res_model, res_id, customer_name
                  FROM ccp_call
                 WHERE company_id = %s AND %s = %s
                   AND result = 'connected' AND user_id IS NOT NULL AND trial IS NOT TRUE
                 ORDER BY start_date DESC, id DESC
                 LIMIT 1
                """,
                company.id,
                SQL(CUSTOMER_KEY),
                customer,
            )
        )
        return [self._route_candidate("last_agent", *row) for row in rows]
