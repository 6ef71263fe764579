import logging
from datetime import datetime, timedelta, timezone

from odoo import api, models
from odoo.tools import SQL

from ..ccp.safe.faults import name_of
from ..ccp.safe.route_table import Entry
from ..ccp.safe.spool import digest
from . import route_disk
from .ccp_call import CUSTOMER_KEY
from .spool import spool_of

_logger = logging.getLogger(__name__)

ROUTE_ACTION = "airtel_ccp.ir_cron_build_route_table"
# How far ahead a table knows working hours; it is rewritten every few minutes
KNOWN_HOURS = timedelta(days=7)
PAGE = 20_000
REASON = {name: code for code, name in enumerate(route_disk.REASONS)}
MODEL = {name: code for code, name in enumerate(route_disk.MODELS)}


class CcpCall(models.Model):
    """Writes the routing table on disk, by which calls are routed while the database is away."""

    _inherit = "ccp.call"

    @api.model
    def _cron_build_route_table(self):
        """Write the table on disk again, or delete it if no company takes incoming calls.

        If the disk refuses it, that is logged, and health shows how old the table is.
        """
        spool = spool_of(self.env)
        table = route_disk.table_of(spool.folder)
        companies = self._route_companies()
        try:
            if not companies:
                table.remove()
                return
            key = spool.key()
            about = {"companies": [self._route_about(each, key) for each in companies]}
            count = table.build(key, about, self._route_entries(companies))
            _logger.info("The table for incoming calls on disk holds %s numbers", count)
        except OSError as error:
            _logger.warning("The table for incoming calls is not on disk (%s)", name_of(error))

    @api.model
    def _route_companies(self):
        """Return the companies that take incoming calls, as superuser."""
        flows = self._fields["flow_id"].comodel_name
        flows = self.env[flows].sudo().search([("call_type", "=", "INBOUND")])
        return flows.company_id

    @api.model
    def _route_about(self, company, key):
        """Return the table's part about a company, except for its customers' numbers.

        :param company: a ``res.company``, as superuser
        :param bytes key: the folder's key
        :rtype: dict
        """
        start = datetime.now(timezone.utc)
        until = start + KNOWN_HOURS
        flows = company._ccp_incoming_flows()
        teams = flows.ring_team_id | flows.menu_ids.team_id
        old_tokens = company.ccp_old_route_tokens or {}
        tokens = {digest(company.ccp_route_token or ""): 0}
        for each, moment in old_tokens.items():
            moment = datetime.fromisoformat(moment).replace(tzinfo=timezone.utc)
            tokens[each] = int(moment.timestamp())
        secret = company.ccp_kept_route_secret if company.ccp_route_header else ""
        return {
            "id": company.id,
            "tokens": tokens,
            "header": (company.ccp_route_header or "") if secret else "",
            "secret": route_disk.secret_digest(key, secret) if secret else "",
            "phone": company._ccp_own_phone(),
            "numbers": [
                self._route_table_number(each, start, until)
                for each in flows._route_numbers(company, start)
            ],
            "teams": {str(each.id): self._route_members(each.id) for each in teams},
            "people": self._route_people(company, start, until),
        }

    @api.model
    def _route_table_number(self, number, start, until):
        """Return the table's part about an Airtel number, with its opening hours of some days.

        :param airtel_ccp.ccp.call.route.Number number: see ``_route_numbers``
        :rtype: dict
        """
        values = dict(vars(number))
        values.pop("is_open")
        calendar = self.flow_id.browse(number.flow_id).sudo().calendar_id
        times = calendar._ccp_open_times(start, until)[False] if calendar else None
        return {**values, "open": times}

    @api.model
    def _route_people(self, company, start, until):
        """Return the table's part about the users who may take a company's calls.

        :return: by user id
        :rtype: dict[str, dict]
        """
        users = self.env["res.users"].sudo()
        ids = [
            user_id
            for (user_id,) in self.env.execute_query(
                SQL(
                    """
                    SELECT agent.id
                      FROM res_users agent
                      JOIN res_company_users_rel works
                        ON works.user_id = agent.id AND works.cid = %s
                     WHERE agent.active
                       AND COALESCE(agent.ccp_phone, agent.ccp_second_phone,
                                    agent.ccp_further_phones) IS NOT NULL
                    """,
                    company.id,
                )
            )
        ]
        agents = users._ccp_agents(company, ids, start)
        times = {}
        for calendar, resources, pairs in users._ccp_working_groups(company, [*agents]):
            found = calendar._ccp_open_times(start, until, resources) if calendar else {}
            for key, user_id in pairs:
                own, known = found.get(key), times.get(user_id, [])
                # None means at any time, also if the user's other resources have working hours
                times[user_id] = None if None in (own, known) else [*known, *own]
        away = {each.id: each.ccp_away_until for each in users.browse([*agents])}
        return {
            str(user_id): {
                "name": agent.name,
                "numbers": list(agent.numbers),
                "away": int(away[user_id].replace(tzinfo=timezone.utc).timestamp())
                if away[user_id]
                else 0,
                "open": times.get(user_id),
                "blacklisted": agent.blacklisted,
            }
            for user_id, agent in agents.items()
        }

    @api.model
    def _route_entries(self, companies):
        """Yield the users whom numbers belong to, for each company in the order of the rules.

        :param companies: ``res.company`` records, as superuser
        :return: company, last ten digits and table entry
        :rtype: Iterator[tuple[int, str, airtel_ccp.ccp.safe.route_table.Entry]]
        """
        for (digits,) in self.env.execute_query(
            SQL(
                "SELECT right(number, 10) FROM phone_blacklist WHERE active AND number LIKE %s",
                "+91%",
            )
        ):
            yield route_disk.EVERY_COMPANY, digits, Entry(REASON["blocked"], 0)
        for company in companies:
            for reason, model, rows in (
                ("record_owner", "crm.lead", self._route_lead_pages(company)),
                ("salesperson", "res.partner", self._route_contact_pages(company)),
                ("last_agent", "", self._route_agent_pages(company)),
            ):
                for digits, user_id, res_id in rows:
                    if len(digits) == 10:
                        entry = Entry(REASON[reason], user_id, MODEL[model], res_id)
                        yield company.id, digits, entry

    @api.model
    def _route_lead_pages(self, company):
        """Yield number, owner and id of the open leads of a company, the newest first."""
        last = 2**31 - 1
        while True:
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT lead.id, lead.user_id, lead.phone, contact.phone
                      FROM crm_lead lead
                      LEFT JOIN crm_stage stage ON stage.id = lead.stage_id
                      LEFT JOIN res_partner contact
                             ON contact.id = lead.partner_id AND contact.active
                     WHERE lead.id < %s AND lead.active AND stage.is_won IS NOT TRUE
                       AND lead.user_id IS NOT NULL
                       AND (lead.company_id IS NULL OR lead.company_id = %s)
                     ORDER BY lead.id DESC
                     LIMIT %s
                    """,
                    last,
                    company.id,
                    PAGE,
                )
            )
            for lead_id, user_id, *phones in rows:
                for digits in dict.fromkeys(_ascii_digits(each)[-10:] for each in phones if each):
                    yield digits, user_id, lead_id
            if len(rows) < PAGE:
                return
            last = rows[-1][0]

    @api.model
    def _route_contact_pages(self, company):
        """Yield number, salesperson and id of the contacts of a company."""
        last = 0
        while True:
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT contact.id, COALESCE(contact.user_id, parent.user_id), contact.phone
                      FROM res_partner contact
                      LEFT JOIN res_partner parent ON parent.id = contact.commercial_partner_id
                     WHERE contact.id > %s AND contact.active AND contact.phone IS NOT NULL
                       AND COALESCE(contact.user_id, parent.user_id) IS NOT NULL
                       AND (contact.company_id IS NULL OR contact.company_id = %s)
                     ORDER BY contact.id
                     LIMIT %s
                    """,
                    last,
                    company.id,
                    PAGE,
                )
            )
            for partner_id, user_id, phone in rows:
                yield _ascii_digits(phone)[-10:], user_id, partner_id
            if len(rows) < PAGE:
                return
            last = rows[-1][0]

    @api.model
    def _route_agent_pages(self, company):
        """Yield number and last agent of each customer of a company."""
        last = ""
        while True:
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT DISTINCT ON (%(key)s) %(key)s, user_id
                      FROM ccp_call
                     WHERE company_id = %(company)s AND %(key)s > %(last)s
                       AND result = 'connected' AND user_id IS NOT NULL AND trial IS NOT TRUE
                     ORDER BY %(key)s, start_date DESC, id DESC
                     LIMIT %(page)s
                    """,
                    key=SQL(CUSTOMER_KEY),
                    company=company.id,
                    last=last,
                    page=PAGE,
                )
            )
            for digits, user_id in rows:
                yield digits, user_id, 0
            if len(rows) < PAGE:
                return
            last = rows[-1][0]


def _ascii_digits(text):
    """Return the ASCII digits of a text, as PostgreSQL finds them."""
    return "".join(char for char in text if char.isascii() and char.isdigit())
