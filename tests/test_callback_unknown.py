from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from .callbacks import UNKNOWN, CallbackCase
from .common import CONNECTS

LOGGER = "odoo.addons.airtel_ccp.models.ccp_call_unknown"


@tagged("post_install", "-at_install")
class TestUnknownCallers(CallbackCase):
    """Whom nobody knows becomes a lead, if the number says so, or the contact that one saves."""

    def setUp(self):
        super().setUp()
        self.source = self.env["utm.source"].create({"name": "Newspaper"})
        self.medium = self.env["utm.medium"].create({"name": "Print"})
        self.campaign = self.env["utm.campaign"].create({"name": "Autumn"})
        self.line.write(
            {
                "source_id": self.source.id,
                "medium_id": self.medium.id,
                "campaign_id": self.campaign.id,
            }
        )

    def leads(self, customer=UNKNOWN):
        return self.env["crm.lead"].search([("phone", "like", customer[5:])])

    def test_no_lead(self):
        self.come_in()
        self.assertFalse(self.leads())

    def test_a_lead_for_missed_calls(self):
        self.line.lead_policy = "missed"
        self.come_in("7000000178", talked=True)
        self.assertFalse(self.leads("7000000178"))
        call = self.come_in()
        lead = self.leads()
        self.assertRecordValues(
            lead,
            [
                {
                    "source_id": self.source.id,
                    "medium_id": self.medium.id,
                    "campaign_id": self.campaign.id,
                    "team_id": self.team.id,
                    "user_id": False,
                    "company_id": self.env.company.id,
                }
            ],
        )
        self.assertEqual((call.lead_id, call._record()), (lead, lead))
        self.assertEqual(self.owed()._record(), lead)

    def test_a_lead_for_all_calls(self):
        self.line.lead_policy = "all"
        call = self.come_in(talked=True)
        self.assertEqual(self.leads(), call.lead_id)
        self.assertEqual(call.lead_id.user_id, self.rep, "who picked up owns it")

    def test_one_lead_for_one_number(self):
        self.line.lead_policy = "all"
        self.post(self.cdr_of(UNKNOWN, 10), self.cdr_of(UNKNOWN, 8))
        self.settle()
        self.come_in(minutes_ago=5)
        self.assertEqual(len(self.leads()), 1)
        self.assertEqual(len(self.env["ccp.call"].search([("lead_id", "=", self.leads().id)])), 3)

    def test_a_blacklisted_caller_gets_none(self):
        self.line.lead_policy = "all"
        call = self.post(self.cdr_of(UNKNOWN, 10, talked=True))
        call.route_reason = "blocked"
        self.settle()
        self.assertFalse(self.leads())

    def test_a_known_caller_gets_none(self):
        self.line.lead_policy = "all"
        before = self.env["crm.lead"].search_count([])
        self.come_in(CONNECTS)
        self.assertEqual(self.env["crm.lead"].search_count([]), before)

    def test_a_lead_that_cannot_be_made_costs_no_call_back(self):
        self.line.lead_policy = "missed"
        with (
            mute_logger(LOGGER),
            patch.object(type(self.env["crm.lead"]), "create", side_effect=ValueError),
        ):
            self.come_in()
        self.assertEqual(len(self.owed()), 1)
        self.assertFalse(self.leads())

    def test_leads_have_a_limit(self):
        self.line.lead_policy = "missed"
        with (
            patch(f"{LOGGER}.MOST_LEADS", 2),
            mute_logger(LOGGER),
        ):
            for last in range(4):
                self.come_in(f"700000016{last}")
        leads = self.env["crm.lead"].search([("source_id", "=", self.source.id)])
        self.assertEqual(len(leads), 2)
        self.assertEqual(len(self.callbacks.search([("team_id", "=", self.team.id)])), 4)

    def test_a_saved_contact_adopts_earlier_calls(self):
        calls = self.come_in(minutes_ago=20) | self.come_in(minutes_ago=10)
        other = self.come_in("7000000178")
        contact = self.env["res.partner"].create({"name": "Nina", "phone": "070000 00177"})
        self.settle()
        self.assertEqual(calls.partner_id, contact)
        self.assertEqual(set(calls.mapped("customer_name")), {"Nina"})
        self.assertFalse(other.partner_id)
        self.assertRecordValues(
            self.owed(), [{"partner_id": contact.id, "customer_name": "Nina", "attempts": 2}]
        )

    def test_a_number_that_is_written_later(self):
        call = self.come_in()
        self.as_user(self.partner, self.rep).write({"phone": f"+91{UNKNOWN}"})
        self.assertEqual(call.partner_id, self.partner)

    def test_what_belongs_to_somebody_stays(self):
        call = self.come_in(CONNECTS)
        self.env["res.partner"].create({"name": "Nina", "phone": CONNECTS})
        self.assertEqual(call.partner_id, self.partner)

    def test_not_to_a_contact_of_another_company(self):
        call = self.come_in()
        second = self.env["res.company"].create({"name": "Second"})
        self.env["res.partner"].create({"name": "Nina", "phone": UNKNOWN, "company_id": second.id})
        self.assertFalse(call.partner_id)
