import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..ccp.safe.faults import name_of
from .ccp_call import CUSTOMER_KEY
from .ccp_call_notify import NOTIFY_ACTION
from .contention import CONTENTION, is_gone

_logger = logging.getLogger(__name__)

# Callers can fake any number: the most leads that one Airtel number creates in a day
MOST_LEADS = 300
ONE_DAY = timedelta(days=1)
# How many earlier calls of a number a record takes over, the latest first
MOST_ADOPTED = 500
# How many of these get a card in the chatter, the latest first
MOST_CARDS = 20


class CcpCall(models.Model):
    """Unknown callers: leads for them, and the link to the contact once it is known."""

    _inherit = "ccp.call"

    @api.model
    def _unknown(self, numbers, company=None):
        """Return the latest incoming calls of numbers that have no record, the newest first.

        :param numbers: ten digits each, or all digits of a shorter number
        :param company: the ``res.company`` that was called; by default any
        :return: calls as superuser
        :rtype: odoo.models.BaseModel
        """
        self.env.flush_all()
        # By id, which uses the index by company and number
        companies = SQL("%s", company.id) if company else SQL("SELECT id FROM res_company")
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id
                  FROM ccp_call
                 WHERE company_id IN (%s)
                   AND %s = ANY(%s)
                   AND direction = 'inbound'
                   AND state <> 'refused'
                   AND partner_id IS NULL
                   AND res_model IS NULL
                   AND erased IS NOT TRUE
                   AND imported IS NOT TRUE
                 ORDER BY id DESC
                 LIMIT %s
                """,
                companies,
                SQL(CUSTOMER_KEY),
                list(numbers),
                MOST_ADOPTED,
            )
        )
        return self.sudo().browse([row[0] for row in rows])

    # Leads

    @api.model
    def _apply_lead_policy(self, company, customer_number):
        """Create a lead for an unknown caller if the Airtel number is set so; one for all calls.

        An error is logged and does not affect the call-back.

        :param company: the ``res.company`` that was called
        :param str customer_number: ten digits
        """
        calls = self._unknown([customer_number], company).filtered(
            lambda call: call.state == "ended" and call.to_settle and not call.trial
        )
        wanted = calls.filtered(lambda call: call._wants_lead())
        if not wanted:
            return
        try:
            with self.env.cr.savepoint():
                lead = self._lead_of_number(company, customer_number)
                if lead or self._may_make_lead(wanted[-1].flow_id):
                    calls._belong_to(lead or wanted[-1]._make_lead(customer_number))
        except CONTENTION:
            raise
        except Exception as error:  # noqa: BLE001 - rules of other addons about leads raise anything
            if is_gone(self.env.cr):
                raise
            _logger.error(
                "Call %s: no lead can be made for it (%s)",
                wanted[-1].id,
                name_of(error),
                exc_info=error,
            )

    def _wants_lead(self):
        """Return whether this call of an unknown caller should have a lead.

        :rtype: bool
        """
        if self.route_reason in ("blocked", "flood"):
            return False
        policy = self.flow_id.lead_policy
        if policy == "missed":
            return self.owes_callback
        return policy == "all" and (self.owes_callback or self.result == "connected")

    @api.model
    def _lead_of_number(self, company, customer_number):
        """Return the open lead that an earlier call of this number created.

        :rtype: odoo.models.BaseModel
        """
        call = self.sudo().search(
            Domain("company_id", "=", company.id)
            & Domain("customer_number", "=", customer_number)
            & Domain("direction", "=", "inbound")
            & Domain("lead_id.active", "=", True)
            & Domain("lead_id.stage_id.is_won", "=", False),
            order="id desc",
            limit=1,
        )
        return call.lead_id

    @api.model
    def _may_make_lead(self, flow):
        """Return whether an Airtel number may create another lead today.

        :param flow: the ``ccp.call.flow`` of the number
        :rtype: bool
        """
        since = fields.Datetime.now() - ONE_DAY
        made = self.sudo().search_count(
            Domain("flow_id", "=", flow.id)
            & Domain("direction", "=", "inbound")
            & Domain("start_date", ">=", since)
            & Domain("lead_id.create_date", ">=", since),
            limit=MOST_LEADS,
        )
        if made >= MOST_LEADS:
            _logger.warning("Call flow %s: it has made %s leads since yesterday", flow.id, made)
        return made < MOST_LEADS

    def _make_lead(self, customer_number):
        """Create a lead for this call's unknown caller.

        It gets source, medium, campaign and sales team of the Airtel number; whoever picked up owns
        it.

        :param str customer_number: ten digits
        :rtype: odoo.models.BaseModel
        """
        flow = self.flow_id
        company = self.company_id
        shown = f"{customer_number[:5]} {customer_number[5:]}".strip()
        is_indian = len(customer_number) == 10
        lang = company.partner_id.lang or self.env.lang
        leads = (
            self.env["crm.lead"]
            .sudo()
            .with_context(lang=lang, allowed_company_ids=company.ids, mail_create_nosubscribe=True)
        )
        return leads.create(
            {
                "name": leads.env._("Call from %s", shown),
                "phone": f"+91 {shown}" if is_indian else customer_number,
                "company_id": company.id,
                "user_id": self.user_id.id,
                "team_id": flow.ring_team_id.id,
                "source_id": flow.source_id.id,
                "medium_id": flow.medium_id.id,
                "campaign_id": flow.campaign_id.id,
            }
        )

    # Once they are known

    def _belong_to(self, record):
        """Link these calls of an unknown caller to a record.

        Their cards are posted on it with the next notifying; only the newest ones, or they would
        fill an old customer's chatter. The sales team stays that of the Airtel number.

        :param record: a contact or lead, as superuser
        """
        partner = record._ccp_contact()
        now = fields.Datetime.now()
        for company, calls in self.sudo().grouped("company_id").items():
            is_foreign = partner.company_id and partner.company_id != company
            values = {
                "res_model": record._name,
                "res_id": record.id,
                "partner_id": False if is_foreign else partner.id,
                "lead_id": record.id if record._name == "crm.lead" else False,
            }
            if partner:
                values["customer_name"] = record._ccp_customer_name(partner)
            calls.write(values)
            over = calls.filtered(lambda call: call.state == "ended").sorted("id")[-MOST_CARDS:]
            over.write({"notify_date": now})
        self.env.ref(NOTIFY_ACTION)._trigger()

    @api.model
    def _adopt(self, contact, numbers):
        """Link earlier calls of unknown numbers to the contact that now has these numbers.

        Their call-backs follow when they are settled next.

        :param contact: one ``res.partner``, as superuser
        :param numbers: ten digits each
        """
        calls = self._unknown(numbers, contact.company_id or None)
        if calls:
            calls._belong_to(contact)
