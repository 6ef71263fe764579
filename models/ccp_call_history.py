import dataclasses
from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Command, Domain
from odoo.tools import SQL

from ..ccp.airtel import reports
from ..ccp.call import timeline
from ..ccp.call.history import PastCall
from ..ccp.safe import number
from .ccp_call import CUSTOMER_KEY
from .ccp_call_event_match import CLOCK_TOLERANCE
from .utils import naive_utc

# A record names the second in which Airtel began a call; Odoo stores when Airtel was asked
SAME_SECOND = timedelta(seconds=1)


@dataclasses.dataclass
class PastRow:
    """One record of a past call, and what it refers to in Odoo.

    :ivar past: the record
    :ivar direction: ``outbound`` or ``inbound``
    :ivar agent_number: last ten digits, "" if unknown
    :ivar customer_number: last ten digits
    :ivar airtel_number: last ten digits or fewer, "" if unknown
    :ivar user: the agent, a ``res.users`` that may be empty
    :ivar partner: the contact with the customer's number, which may be empty
    :ivar lead: the lead with the customer's number, which may be empty
    """

    past: PastCall
    direction: str
    agent_number: str
    customer_number: str
    airtel_number: str
    user: models.BaseModel
    partner: models.BaseModel
    lead: models.BaseModel

    @property
    def record(self):
        """The record that the call was about: the lead, else the contact; may be empty."""
        return self.lead or self.partner

    @property
    def start_date(self):
        """When the call began, naive UTC."""
        return naive_utc(self.past.started_at)


class CcpCall(models.Model):
    """Past calls, imported from Airtel's records; they appear in the history and reports only."""

    _inherit = "ccp.call"

    @api.model
    def _past_rows(self, company, found):
        """Return who called whom in records of the past, limited to what the user may know.

        :param company: the ``res.company`` whose calls they are
        :param list[PastCall] found: records without a problem
        :return: rows, and the records without a complete customer's number
        :rtype: tuple[list[PastRow], list[PastCall]]
        """
        agents = self._agents_by_number(company)
        rows, nameless = [], []
        for past in found:
            direction = past.cdr.direction or "outbound"
            numbers = self._numbers_in(past.cdr)
            is_turned = numbers["customer"] in agents and numbers["agent"] not in agents
            if is_turned and not past.cdr.direction:
                # The record names no caller, but the number that was called is an agent's
                direction = "inbound"
                numbers = {"agent": numbers["customer"], "customer": numbers["agent"]}
            if not numbers["customer"]:
                nameless.append(past)
                continue
            rows.append(
                PastRow(
                    past=past,
                    direction=direction,
                    agent_number=numbers["agent"],
                    customer_number=numbers["customer"],
                    airtel_number=past.cdr.airtel_number,
                    user=agents.get(numbers["agent"], self.env["res.users"]),
                    partner=self.env["res.partner"],
                    lead=self.env["crm.lead"],
                )
            )
        self._find_records(company, rows)
        return rows, nameless

    @api.model
    def _numbers_in(self, cdr):
        """Return the first complete number of each party of a CDR, "" if there is none.

        :rtype: dict[str, str]
        """
        numbers = {"agent": "", "customer": ""}
        for leg in cdr.legs:
            who = cdr.who(leg)
            if who in numbers and len(leg.address) == 10 and not numbers[who]:
                numbers[who] = leg.address
        return numbers

    @api.model
    def _agents_by_number(self, company):
        """Return a company's agents by their phones, also those who left.

        :return: by last ten digits: a ``res.users``
        :rtype: dict
        """
        users = self.env["res.users"].sudo().with_context(active_test=False)
        users = users.search(
            Domain("share", "=", False)
            & Domain("company_ids", "in", company.ids)
            & Domain.OR(
                Domain(name, "!=", False)
                for name in ("ccp_phone", "ccp_second_phone", "ccp_further_phones")
            ),
            order="active desc, id",
        )
        found = {}
        for name in ("ccp_phone", "ccp_second_phone"):
            for user in users.filtered(name):
                found.setdefault(number.last10(user[name]), user)
        for user in users:
            for phone in user._ccp_further_numbers():
                found.setdefault(phone, user)
        return found

    @api.model
    def _find_records(self, company, rows):
        """Set the contacts and leads of rows, limited to those that the user may read.

        The company's own records come before shared ones; then the oldest contact and the newest
        lead.

        :param list[PastRow] rows: changed in place
        """
        numbers = {row.customer_number for row in rows}
        partners = self._records_by_number("res.partner", company, numbers, "id")
        leads = self._records_by_number("crm.lead", company, numbers, "id desc")
        for row in rows:
            row.lead = leads.get(row.customer_number, row.lead)
            row.partner = partners.get(row.customer_number) or row.lead.sudo().partner_id

    @api.model
    def _records_by_number(self, model, company, numbers, order):
        """Return the records of a model that have one of some numbers as their phone.

        :param str model: a model with ``phone``, ``phone_sanitized`` and ``company_id``
        :param set[str] numbers: last ten digits
        :param str order: which record of several of the same company to take
        :return: by last ten digits: a record
        :rtype: dict
        """
        records = self.env[model].with_user(self.env.user)
        if not numbers or not records.has_access("read"):
            return {}
        digits = list(numbers)

        def to_sql(model, alias, query):
            phone = SQL.identifier(alias, "phone")
            return SQL(
                "(right(regexp_replace(%s, '\\D', '', 'g'), 10) = ANY(%s)"
                " OR right(%s, 10) = ANY(%s))",
                phone,
                digits,
                SQL.identifier(alias, "phone_sanitized"),
                digits,
            )

        known = records.search(
            Domain("company_id", "in", (False, company.id))
            & Domain("phone", "!=", False)
            & Domain.custom(to_sql=to_sql),
            order=order,
        )
        found = {}
        for record in known.sorted(lambda record: not record.company_id):
            for phone in (record.phone, record.phone_sanitized):
                found.setdefault(number.last10(phone or ""), record)
        return found

    @api.model
    def _unknown_rows(self, company, rows):
        """Return the rows that are not in the history yet, each once.

        A call is recognised by its session or correlation id, else by its customer, Airtel number
        and start. A call that Odoo placed began a little before the start that Airtel records. A
        call that was erased is not imported again.

        :param list[PastRow] rows: in the order of their file
        :rtype: list[PastRow]
        """
        by_id, by_number = self._known_calls(company, rows)
        unknown = []
        for row in self._without_erased(company, rows):
            ids = {
                ("session_id", row.past.cdr.session_id),
                ("correlation_id", row.past.cdr.correlation_id),
            }
            ids = {each for each in ids if each[1]}
            if ids & by_id or self._claim(row, by_number[row.customer_number]):
                continue
            by_id |= ids
            by_number[row.customer_number].append(self._as_known(row))
            unknown.append(row)
        return unknown

    @api.model
    def _without_erased(self, company, rows):
        """Return the rows that are not about erased calls.

        :param company: the ``res.company`` whose calls they are
        :param list rows: see ``_past_rows``
        :rtype: list
        """
        erased = self._erased_of(company)
        if not any(erased):
            return rows
        return [
            row
            for row in rows
            if not self._is_erased(
                erased,
                (row.past.cdr.session_id, row.past.cdr.correlation_id),
                row.agent_number,
                row.start_date - CLOCK_TOLERANCE,
                row.start_date + CLOCK_TOLERANCE,
            )
        ]

    @api.model
    def _known_calls(self, company, rows):
        """Return the calls in the history that may be the same as some rows.

        :return: the ids of these calls, and by customer's number dicts of calls
        :rtype: tuple[set, dict[str, list[dict]]]
        """
        by_id, by_number = set(), defaultdict(list)
        if not rows:
            return by_id, by_number
        self.flush_model()
        names = ("session_id", "correlation_id")
        values = {name: [getattr(row.past.cdr, name) for row in rows] for name in names}
        moments = [row.start_date for row in rows]
        found = self.env.execute_query_dict(
            SQL(
                """
                SELECT session_id, correlation_id, caller_number, direction, start_date, imported,
                       %(key)s AS customer
                  FROM ccp_call
                 WHERE company_id = %(company)s
                   AND trial IS NOT TRUE
                   AND manual IS NOT TRUE
                   AND state != 'refused'
                   AND (session_id = ANY(%(sessions)s)
                        OR correlation_id = ANY(%(correlations)s)
                        OR (%(key)s = ANY(%(numbers)s)
                            AND start_date BETWEEN %(first)s AND %(last)s))
                """,
                key=SQL(CUSTOMER_KEY),
                company=company.id,
                sessions=[each for each in values["session_id"] if each],
                correlations=[each for each in values["correlation_id"] if each],
                numbers=list({row.customer_number for row in rows}),
                first=min(moments) - CLOCK_TOLERANCE,
                last=max(moments) + CLOCK_TOLERANCE,
            )
        )
        for call in found:
            by_id |= {(name, call[name]) for name in names if call[name]}
            by_number[call["customer"]].append(call)
        return by_id, by_number

    @api.model
    def _as_known(self, row):
        """Return a row in the form of ``_known_calls``."""
        return {
            "session_id": row.past.cdr.session_id,
            "correlation_id": row.past.cdr.correlation_id,
            "caller_number": row.airtel_number,
            "direction": row.direction,
            "start_date": row.start_date,
            "imported": True,
            "ended": True,
        }

    @api.model
    def _claim(self, row, calls):
        """Return whether a row is one of some calls; then no other row is matched to that call.

        :param list[dict] calls: the calls of the customer, see ``_known_calls``
        :rtype: bool
        """

        def distance(call):
            return abs(call["start_date"] - row.start_date)

        for call in sorted(calls, key=distance):
            tolerance = SAME_SECOND if call["imported"] else CLOCK_TOLERANCE
            if distance(call) > tolerance:
                continue
            told = (
                (call["session_id"], row.past.cdr.session_id),
                (call["correlation_id"], row.past.cdr.correlation_id),
                (call["caller_number"], row.airtel_number),
                (call["direction"], row.direction),
            )
            if all(not (ours and theirs) or ours == theirs for ours, theirs in told):
                # Two records of the same second are repeats; two of the same minute are two calls
                if not call["imported"]:
                    calls.remove(call)
                return True
        return False

    @api.model
    def _create_past(self, company, rows):
        """Create ended calls from rows: without cards, bus messages, activities or outcomes.

        :param company: the ``res.company`` whose calls they are
        :param list[PastRow] rows: records that are not in the history yet
        :return: the new calls
        :rtype: odoo.models.BaseModel
        """
        # So that Odoo reads the records of all rows together
        for name in ("user", "partner", "lead"):
            records = [getattr(row, name) for row in rows]
            everything = records[0].browse().union(*records) if records else ()
            for row in rows if everything else ():
                setattr(row, name, getattr(row, name).with_prefetch(everything._ids))
        calls = self.sudo().create([self._past_values(company, row) for row in rows])
        # An address in a past record is stored, but its recording is never fetched
        for call, row in zip(calls, rows, strict=True):
            if row.past.cdr.recording_url:
                call.event_ids._forget_url(row.past.cdr.recording_url)
        return calls

    @api.model
    def _past_values(self, company, row):
        """Return the values of a row's call, with the row's record as its report.

        :rtype: dict
        """
        cdr = row.past.cdr
        dialled = timeline.Dialled(
            agent_numbers=tuple(filter(None, [row.agent_number])),
            customer_numbers=(row.customer_number,),
            agent_name="",
            customer_name="",
            agent_component="",
            customer_component="",
            incoming=row.direction == "inbound",
        )
        story = timeline.fold([cdr], dialled)
        payload = row.past.payload
        kind, fingerprint = reports.kind_and_fingerprint(payload.encode())
        lead, partner = row.lead.sudo(), row.partner.sudo()
        team = lead.team_id or row.user.sale_team_id
        return {
            **self.browse()._derived_values(story),
            "dialled": dialled.snapshot(),
            "imported": True,
            "live": False,
            "dismissed": True,
            "activity_done": True,
            "recorded": False,
            "request_outcome": "accepted",
            "direction": row.direction,
            "res_model": row.record._name if row.record else False,
            "res_id": row.record.id,
            "customer_name": (
                lead.contact_name or lead.partner_name or partner.name or row.customer_number
            ),
            "partner_id": partner.id,
            "lead_id": lead.id,
            "user_id": row.user.id,
            "team_id": team.filtered(lambda each: each.company_id <= company).id,
            "company_id": company.id,
            "agent_number": row.agent_number or False,
            "customer_number": row.customer_number,
            "caller_number": row.airtel_number or False,
            "session_id": cdr.session_id or False,
            "correlation_id": cdr.correlation_id or False,
            "start_date": row.start_date,
            "event_ids": [
                Command.create(
                    {
                        "kind": kind,
                        "payload": payload,
                        "fingerprint": fingerprint,
                        "received_at": naive_utc(row.past.received_at),
                        "folded": True,
                    }
                )
            ],
        }

    @api.model
    def _past_expired(self, days, rows):
        """Return how many rows are older than a period for which a company keeps data.

        :param int days: the period; 0 means forever
        :param list[PastRow] rows: records of the past
        :rtype: int
        """
        before = fields.Datetime.now() - timedelta(days=days)
        return sum(row.start_date < before for row in rows) if days > 0 else 0
