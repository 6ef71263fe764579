from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import CcpCase


@tagged("post_install", "-at_install")
class TestCompanies(CcpCase):
    """Two companies in one database: which one calls, and what belongs to one alone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.home = cls.env.company
        cls.other, cls.third = cls.env["res.company"].create([{"name": "Other"}, {"name": "Third"}])
        cls.other_flow = cls.set_up_company(
            cls.env(context=dict(cls.env.context, allowed_company_ids=cls.other.ids)),
            cls.sandbox.url,
        )
        cls.other_flow.write({"name": "Of the other", "caller_number": "8000000002"})
        cls.rep.company_ids = cls.home | cls.other
        cls.lead.team_id = False

    def calls_in(self, *companies):
        """Return the calls as a rep sees them who has these companies active."""
        calls = self.as_user(self.env["ccp.call"], self.rep)
        return calls.with_context(allowed_company_ids=[company.id for company in companies])

    def place_in(self, companies, record=None, **options):
        """Click Call with these companies active; return the call, or what is asked."""
        record = record or self.partner
        answer = self.calls_in(*companies).place(
            record._name, record.id, "phone", None, None, options
        )
        self.env.invalidate_all()
        if "call_id" not in answer:
            return answer
        call = self.env["ccp.call"].browse(answer["call_id"])
        call.live = False
        self.env.flush_all()
        return call

    # Which company calls

    def test_company_of_the_record(self):
        self.lead.company_id = self.other
        both = (self.home, self.other)
        call = self.place_in(both, self.lead)
        self.assertEqual((call.company_id, call.flow_id), (self.other, self.other_flow))
        self.assertEqual(call.caller_number, "8000000002")
        call = self.place_in(both, self.lead, company_id=self.home.id)
        self.assertEqual(call.company_id, self.other, "the record's comes first")

    def test_rep_is_asked(self):
        asked = self.place_in((self.other, self.home))
        names = [(each["id"], each["name"]) for each in asked["companies"]]
        self.assertEqual(
            names,
            [(self.other.id, "Other"), (self.home.id, self.home.name)],
            "the current company first",
        )
        self.assertFalse(self.sandbox.calls(), "nothing is dialled before the answer")
        for company, flow in ((self.home, self.flow), (self.other, self.other_flow)):
            with self.subTest(company=company.name):
                call = self.place_in((self.other, self.home), company_id=company.id)
                self.assertEqual((call.company_id, call.flow_id), (company, flow))

    def test_no_question_where_one_company_can_call(self):
        self.assertEqual(self.place_in((self.home,)).company_id, self.home)
        self.other.ccp_password = False
        self.assertEqual(self.place_in((self.home, self.other)).company_id, self.home)
        self.assertEqual(
            self.place_in((self.other, self.home)).company_id,
            self.home,
            "the current company is not set up",
        )

    def test_nobody_is_asked_about_a_record_that_is_gone(self):
        gone = self.partner.copy()
        gone.unlink()
        with self.assertRaisesRegex(UserError, "does not exist any more"):
            self.place_in((self.home, self.other), gone)

    def test_answer_is_checked(self):
        for company_id in (self.third.id, 2**31 + 5, -1):
            with (
                self.subTest(company_id=company_id),
                self.assertRaisesRegex(UserError, "do not work for the company"),
            ):
                self.place_in((self.home,), company_id=company_id)
        for nonsense in ("1", [self.home.id], None, {"id": 1}):
            with self.subTest(company_id=nonsense):
                asked = self.place_in((self.home, self.other), company_id=nonsense)
                self.assertIn("companies", asked)

    def test_recording_is_asked_for_the_chosen_company(self):
        self.other_flow.recording_mode = "choice"
        both = (self.home, self.other)
        self.assertIn("record", self.place_in(both, company_id=self.other.id))
        self.assertTrue(self.place_in(both, company_id=self.home.id).recorded)

    def test_server_action_calls_with_the_current_company(self):
        record = self.as_user(self.partner, self.rep).with_context(
            allowed_company_ids=[self.other.id, self.home.id]
        )
        call = self.env["ccp.call"].browse(record.action_ccp_call("phone")["call_id"])
        self.assertEqual(call.company_id, self.other)

    def test_unreadable_record_tells_nothing(self):
        self.lead.write({"user_id": False, "company_id": self.third.id})
        with self.assertRaises(AccessError):
            self.place_in((self.home, self.other), self.lead)

    # What belongs to one company

    def test_user_and_team_in_each_company(self):
        team = self.env["crm.team"].create({"name": "Everywhere", "company_id": False})
        team.member_ids = self.rep
        rep = self.rep.with_company(self.other)
        rep.ccp_caller_number = "+91 80000 00001"
        rep.ccp_flow_id = self.other_flow
        team.with_company(self.home).ccp_flow_id = self.flow.copy({"caller_number": "1400000001"})
        both = (self.home, self.other)
        self.assertEqual(
            [
                self.place_in(both, company_id=company.id).caller_number
                for company in (self.home, self.other)
            ],
            ["1400000001", "8000000001"],
        )

    def test_flow_of_another_company_is_refused(self):
        team = self.env["crm.team"].create({"name": "Everywhere", "company_id": False})
        with self.assertRaisesRegex(UserError, "belongs to Other: choose one of"):
            self.home.ccp_flow_id = self.other_flow
        for record in (self.rep, team):
            with (
                self.subTest(record=record._name),
                self.assertRaisesRegex(UserError, "another company|inconsistencies"),
            ):
                record.with_company(self.home).ccp_flow_id = self.other_flow
        with self.assertRaises(UserError):
            self.flow.user_ids = self.manager.copy(
                {
                    "login": "stranger",
                    "company_id": self.other.id,
                    "company_ids": [Command.set(self.other.ids)],
                }
            )

    def test_team_of_another_company_does_not_count(self):
        theirs = self.env["crm.team"].create({"name": "Theirs", "company_id": self.other.id})
        theirs.member_ids = self.rep
        both = (self.home, self.other)
        self.assertFalse(self.place_in(both, company_id=self.home.id).team_id)
        self.assertEqual(self.place_in(both, company_id=self.other.id).team_id, theirs)

    def test_rules(self):
        """Calls, reports, listens, flows and outcomes of a company, for its people alone."""
        ours = self.make_call(live=False)
        theirs = self.make_call(
            live=False, company_id=self.other.id, flow_id=self.other_flow.id, correlation_id="x"
        )
        for call in (ours, theirs):
            self.report(call, *self.connected(), self.cdr())
        outcomes = self.env["ccp.call.outcome"].create(
            [{"name": company.name, "company_id": company.id} for company in self.home | self.other]
        )
        self.env["ccp.call.listen"].create(
            [
                {"call_id": call.id, "user_id": self.rep.id, "kind": "listen"}
                for call in ours | theirs
            ]
        )
        self.manager.company_ids = self.home | self.other
        mine = {
            "ccp.call": [("id", "in", (ours | theirs).ids)],
            "ccp.call.event": [("call_id", "in", (ours | theirs).ids)],
            "ccp.call.listen": [("call_id", "in", (ours | theirs).ids)],
            "ccp.call.flow": [("id", "in", (self.flow | self.other_flow).ids)],
            "ccp.call.outcome": [("id", "in", outcomes.ids)],
        }
        for model, domain in mine.items():
            with self.subTest(model=model):
                found = {
                    company: self.as_user(self.env[model], self.manager)
                    .with_context(allowed_company_ids=company.ids)
                    .search(domain)
                    for company in (self.home, self.other, self.home | self.other)
                }
                self.assertTrue(found[self.home])
                self.assertTrue(found[self.other])
                self.assertFalse(found[self.home] & found[self.other])
                self.assertEqual(
                    set(found[self.home | self.other].ids),
                    set(found[self.home].ids) | set(found[self.other].ids),
                )
        self.manager.write({"company_ids": [Command.set(self.home.ids)]})
        with self.assertRaises(AccessError):
            self.as_user(theirs, self.manager).read(["state"])
        with self.assertRaises(AccessError):
            self.as_user(self.other_flow, self.manager).read(["name"])

    def test_settings_of_each_company(self):
        settings = self.env["res.config.settings"].with_company(self.other)
        settings.create({"ccp_recording_policy": "never", "ccp_customer_id": "OTHER"}).execute()
        self.assertEqual(self.other.ccp_recording_policy, "never")
        self.assertEqual(self.other.ccp_customer_id, "OTHER")
        self.assertEqual(self.home.ccp_recording_policy, "flow")
        self.assertEqual(self.home.ccp_customer_id, "SANDBOX-CUSTOMER")

    def test_outcomes_in_the_panel(self):
        self.env["ccp.call.outcome"].create({"name": "Theirs", "company_id": self.other.id})
        self.make_call(live=False, state="ended", result="connected")
        names = [
            each["name"] for each in self.calls_in(self.other).env["ccp.panel"].state()["outcomes"]
        ]
        self.assertNotIn("Theirs", names, "the call is of the first company")
