import requests

from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from ..ccp.airtel import client, const
from ..models import refusals
from ..sandbox import scripts
from .common import AGENT, CONNECTS, CcpCase

LOGGER = "odoo.addons.airtel_ccp.models.ccp_call_answer"


@tagged("post_install", "-at_install")
class TestDialer(CcpCase):
    """The way of a click, against a sandbox that checks each request strictly."""

    @classmethod
    def _request_handler(cls, session, request, /, **kw):
        cls.sent.append(request.url)
        if cls.network_fault:
            raise cls.network_fault
        return super()._request_handler(session, request, **kw)

    def setUp(self):
        super().setUp()
        type(self).sent = []
        type(self).network_fault = None

    def assert_refused(self, sentence, record=None, user=None, field_name="phone"):
        """Check that a click ends in one sentence, sends nothing, and leaves no row behind."""
        before = self.env["ccp.call"].search_count([])
        self.assertRegex(self.refusal(record, user, field_name), sentence)
        self.assertEqual(self.sent, [], "a request went out")
        self.env.invalidate_all()
        self.assertEqual(self.env["ccp.call"].search_count([]), before, "a row was left behind")

    def test_call_is_placed(self):
        call = self.place()
        ledger = self.sandbox.calls()
        self.assertEqual(len(ledger), 1)
        self.assertEqual(ledger[0]["status"], 200)
        self.assertRecordValues(
            call,
            [
                {
                    "state": "ringing_agent",
                    "result": False,
                    "request_outcome": "accepted",
                    "correlation_id": ledger[0]["correlationId"],
                    "res_model": "crm.lead",
                    "res_id": self.lead.id,
                    "partner_id": self.partner.id,
                    "user_id": self.rep.id,
                    "company_id": self.env.company.id,
                    "flow_id": self.flow.id,
                    "direction": "outbound",
                    "agent_number": AGENT,
                    "customer_number": CONNECTS,
                    "caller_number": "8000000001",
                    "live": True,
                }
            ],
        )
        self.assertTrue(call.deadline)

    def test_call_from_contact(self):
        call = self.place(self.partner)
        self.assertEqual((call.res_model, call.res_id), ("res.partner", self.partner.id))
        self.assertEqual(call.partner_id, self.partner)

    def test_own_caller_number_wins(self):
        self.rep.ccp_caller_number = "8000000002"
        self.assertEqual(self.place().caller_number, "8000000002")

    def test_first_number_is_the_default(self):
        self.assertEqual(self.place(field_name=None).customer_number, CONNECTS)

    def test_without_calling_right(self):
        with self.assertRaises(AccessError):
            self.place(user=self.plain_user)
        self.assertEqual(self.sent, [])

    def test_without_access_to_the_record(self):
        self.env["ir.rule"].create(
            {
                "name": "nobody sees this lead",
                "model_id": self.env.ref("crm.model_crm_lead").id,
                "domain_force": f"[('id', '!=', {self.lead.id})]",
            }
        )
        with self.assertRaises(AccessError):
            self.place()
        self.assertEqual(self.sent, [])

    def test_field_that_is_no_phone(self):
        self.lead.name = "9123456780"
        for name in ("name", "id", "nonsense", "partner_id", "__class__"):
            with self.subTest(field=name):
                self.assert_refused("Only a phone field", field_name=name)

    def test_numbers_that_cannot_be_dialled(self):
        cases = {
            "": "has no phone number",
            "   ": "has no phone number",
            "+1 415 555 2671": "not an Indian number",
            "9876543210 ext. 12": "extension",
            "9876543210;9123456789": "more than one number",
            "9876543210 / 9123456789": "more than one number",
            "98765": "not a complete Indian phone number",
            "1800 123 4567": "service number",
            "140 123 4567": "service number",
            "112": "service number",
            "nobody": "not a complete Indian phone number|has no phone number",
            "9" * 100_000: "not a complete Indian phone number",
            AGENT: "your own phone",
            f"+91-{AGENT}": "your own phone",
        }
        for phone, sentence in cases.items():
            with self.subTest(phone=phone[:40]):
                self.env.cr.execute(
                    "UPDATE crm_lead SET phone = %s WHERE id = %s", (phone, self.lead.id)
                )
                self.env.invalidate_all()
                self.assert_refused(sentence)

    def test_agent_without_phone(self):
        self.rep.ccp_phone = False
        self.assert_refused("Odoo does not have its number")

    def test_settings_half_filled(self):
        for name in ("ccp_base_url", "ccp_username", "ccp_password", "ccp_customer_id"):
            with self.subTest(setting=name):
                company = self.env.company
                value = company[name]
                company[name] = False
                label = company._fields[name].string
                self.assert_refused(f"not set up yet.*{label}")
                company[name] = value

    def test_without_flow(self):
        self.flow.copy({"name": "Another", "code": "ANOTHER-FLOW"})
        self.env.company.ccp_flow_id = False
        self.assert_refused("choose a default call flow")

    def test_blacklisted(self):
        self.env["phone.blacklist"].create({"number": f"+91{CONNECTS}"})
        self.assert_refused("blacklist")

    def test_calling_hours(self):
        calendar = self.env.ref("airtel_ccp.resource_calendar_calling_hours")
        self.env.company.ccp_calendar_id = calendar
        # 09:00 in Kolkata is 03:30 UTC
        with freeze_time("2026-11-22 03:29:00"):
            self.assert_refused("outside the calling hours")
        with freeze_time("2026-11-22 15:31:00"):
            self.assert_refused("outside the calling hours")
        with freeze_time("2026-11-22 03:31:00"):
            self.assertEqual(self.place().state, "ringing_agent")

    def test_daily_limit(self):
        self.env.company.ccp_daily_limit = 1
        self.make_call(state="ended", result="connected", live=False)
        self.assert_refused("daily limit")
        self.assertEqual(self.place(user=self.other_rep).state, "ringing_agent")

    def test_call_while_a_call_is_live(self):
        self.place()
        self.sent.clear()
        self.assert_refused("still in a call with Priya Sharma")
        self.assertEqual(self.place(user=self.other_rep).state, "ringing_agent")

    def test_number_is_read_from_the_record(self):
        """A number smuggled in by the browser is not even an argument."""
        with self.assertRaises(TypeError):
            self.lead.with_user(self.rep).action_ccp_call("phone", "9123456780")
        with self.assertRaises(TypeError):
            self.lead.with_user(self.rep).action_ccp_call(number="9123456780")

    @mute_logger(LOGGER)
    def test_every_error_code(self):
        """Each code of the specification becomes a sentence that ends with the code."""
        seen = set()
        for script in scripts.SCRIPTS:
            if not script.name.startswith("error_"):
                continue
            with self.subTest(script=script.name):
                self.lead.phone = script.number
                sentence = self.refusal()
                code = self.sandbox.calls()[-1]["errorCode"]
                seen.add(code)
                self.assertTrue(sentence.endswith(f"({code})"), sentence)
                self.assertNotIn("unexpected answer", sentence)
                call = self.env["ccp.call"].search([], limit=1)
                self.assertRecordValues(
                    call,
                    [{"state": "refused", "refusal_code": code, "live": False, "deadline": False}],
                )
                self.assertFalse(call.card_message_ids, "a refused call is no call")
        self.assertEqual(seen, set(const.ERROR_CODES))

    @mute_logger(LOGGER)
    def test_http_statuses(self):
        """Statuses without a body that we know are answered in words too."""
        cases = {
            "7000000115": ("HTTP_503", "busy"),
            "7000000131": ("HTTP_403", "rejects this server"),
            "7000000132": ("HTTP_429", "busy"),
        }
        for number, (code, sentence) in cases.items():
            with self.subTest(code=code):
                self.lead.phone = number
                self.assertRegex(self.refusal(), f"{sentence}.*{code}")

    @mute_logger(LOGGER)
    def test_every_status_of_the_specification_has_words(self):
        for status in (400, 401, 403, 404, 405, 409, 412, 413, 429, 500, 501, 503, 302, 418, 599):
            with self.subTest(status=status):
                self.assertIn("Airtel", self.words(status))

    def words(self, status):
        """Return the sentence about a status without one of Airtel's codes."""
        error = client.CcpError(client.REFUSED, f"HTTP_{status}", status=status)
        return refusals.sentence_of_error(self.env, error, self.flow.name, "8000000001")

    @mute_logger(LOGGER)
    def test_wrong_credentials(self):
        self.env.company.ccp_password = "wrong"
        self.assertRegex(self.refusal(), "user name or password")

    @mute_logger(LOGGER)
    def test_wrong_path(self):
        self.env.company.ccp_api_path = "/nowhere"
        self.assertRegex(self.refusal(), "does not accept calls at this address")

    @mute_logger(LOGGER)
    def test_nothing_listens(self):
        self.env.company.ccp_base_url = "http://127.0.0.1:9"
        self.assertRegex(self.refusal(), "could not be reached")
        self.assertFalse(self.env["ccp.call"].search([], limit=1).live)

    @mute_logger(LOGGER)
    def test_time_out_is_unknown(self):
        """Nobody knows whether phones ring: say so, keep the line taken, send nothing again."""
        type(self).network_fault = requests.ReadTimeout()
        call = self.place()
        self.assertRecordValues(
            call, [{"state": "unknown", "request_outcome": "unknown", "live": True}]
        )
        self.assertEqual(len(self.sent), 1)
        type(self).network_fault = None
        self.sent.clear()
        self.assert_refused("still in a call")

    @mute_logger(LOGGER)
    def test_broken_answer_is_unknown(self):
        self.lead.phone = "7000000117"
        self.assertEqual(self.place().state, "unknown")

    @mute_logger(LOGGER)
    def test_reports_after_an_unknown_answer(self):
        type(self).network_fault = requests.ReadTimeout()
        call = self.place()
        self.report(call, *self.connected())
        self.assertEqual(call.state, "in_call")

    @mute_logger(LOGGER)
    def test_redirect_is_not_followed(self):
        self.assertIn("base URL", self.words(302))

    def test_log_holds_no_secret(self):
        self.env.company.ccp_password = "hidden-value-password"
        with (
            self.assertLogs("odoo.addons", level="DEBUG") as logs,
            self.assertLogs("urllib3", level="DEBUG") as client_logs,
        ):
            self.refusal()
        text = "\n".join(logs.output + client_logs.output)
        for secret in ("hidden-value-password", CONNECTS, AGENT, "airtel_ccp/webhook/"):
            self.assertNotIn(secret, text)

    def test_record_that_is_gone(self):
        lead_id = self.lead.id
        self.lead.unlink()
        with self.assertRaisesRegex(UserError, "does not exist any more"):
            self.env["ccp.call"].with_user(self.rep).place("crm.lead", lead_id, "phone")

    def test_place_checks_its_arguments(self):
        calls = self.env["ccp.call"].with_user(self.rep)
        for model, res_id in (("no.model", 1), ("crm.lead", False), ("crm.lead", "1"), (None, 1)):
            with self.subTest(model=model, res_id=res_id), self.assertRaises(UserError):
                calls.place(model, res_id, "phone")

    def test_call_counts_for_a_team(self):
        own, others = self.env["crm.team"].create([{"name": "North"}, {"name": "South"}])
        own.member_ids = self.rep
        for of_lead, expected in ((own, own), (others, own), (others.browse(), own)):
            with self.subTest(team_of_lead=of_lead.name):
                self.lead.team_id = of_lead
                call = self.place()
                self.assertEqual((call.lead_id, call.team_id), (self.lead, expected))
                call.live = False
        own.member_ids = False
        self.lead.team_id = others
        self.assertEqual(self.place().team_id, others, "an agent without a team of the own")
        self.assertEqual(call.team_id, own, "as it was on that day")

    def test_contact_has_no_lead(self):
        self.assertFalse(self.place(self.partner).lead_id)
