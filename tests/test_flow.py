from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import CcpCase


@tagged("post_install", "-at_install")
class TestFlow(CcpCase):
    """Which flow runs a call, who may use it, and what its fields take."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.team = cls.env["crm.team"].create(
            {"name": "North", "member_ids": [Command.set(cls.rep.ids)]}
        )
        cls.lead.team_id = cls.team
        cls.of_team, cls.of_user = cls.env["ccp.call.flow"].create(
            [
                {"name": "Of the team", "code": "SANDBOX-FLOW", "caller_number": "1400000001"},
                {"name": "Of the user", "code": "SANDBOX-FLOW", "caller_number": "1601234567"},
            ]
        )

    def flow_for(self, user=None, team=None, company=None):
        company = company or self.env.company
        return company._ccp_flow_for(user or self.rep, self.team if team is None else team)

    # The line

    def test_user_then_team_then_company(self):
        self.assertEqual(self.flow_for(), self.flow)
        self.team.ccp_flow_id = self.of_team
        self.assertEqual(self.flow_for(), self.of_team)
        self.assertEqual(self.flow_for(team=self.env["crm.team"]), self.flow)
        self.rep.ccp_flow_id = self.of_user
        self.assertEqual(self.flow_for(), self.of_user)
        self.assertEqual(self.flow_for(user=self.other_rep), self.of_team)

    def test_the_call_runs_the_flow_of_its_team(self):
        self.team.ccp_flow_id = self.of_team
        other_team = self.env["crm.team"].create({"name": "South"})
        self.lead.team_id = other_team
        call = self.place()
        self.assertEqual(call.team_id, self.team, "it counts for the agent's own team")
        self.assertEqual((call.flow_id, call.caller_number), (self.of_team, "1400000001"))
        body = self.sandbox.calls()[-1]["body"]
        self.assertEqual(body["callFlowConfiguration"]["initiateCall_1"]["callerId"], "1400000001")

    def test_archived_flow_is_skipped(self):
        self.rep.ccp_flow_id = self.of_user
        self.of_user.active = False
        self.assertEqual(self.flow_for(), self.flow)
        self.flow.active = False
        self.assertRegex(self.refusal(), "choose a default call flow")

    def test_flow_in_use_is_not_deleted(self):
        self.team.ccp_flow_id = self.of_team
        self.rep.ccp_flow_id = self.of_user
        self.env.flush_all()
        for flow in (self.of_team, self.of_user):
            with self.subTest(flow=flow.name), self.assertRaises(UserError):
                flow.unlink()

    # Who may use it

    def test_flow_for_some_is_skipped_for_others(self):
        self.rep.ccp_flow_id = self.of_user
        self.of_user.user_ids = self.other_rep
        self.assertEqual(self.flow_for(), self.flow)
        self.of_user.user_ids += self.rep
        self.assertEqual(self.flow_for(), self.of_user)

    def test_members_and_leader_of_a_team(self):
        self.flow.team_ids = self.team
        self.assertTrue(self.flow._may_use(self.rep))
        self.assertFalse(self.flow._may_use(self.other_rep))
        self.team.user_id = self.other_rep
        self.assertTrue(self.flow._may_use(self.other_rep))
        self.assertFalse(self.flow._may_use(self.manager))
        self.flow.user_ids = self.manager
        self.assertTrue(self.flow._may_use(self.manager))
        self.assertTrue(self.flow._may_use(self.rep), "a user beside a team")

    def test_archived_people_do_not_open_a_flow(self):
        self.flow.write({"team_ids": self.team.ids, "user_ids": self.other_rep.ids})
        self.team.active = False
        self.other_rep.active = False
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertFalse(self.flow._may_use(self.rep))
        self.assertFalse(self.flow._may_use(self.manager))

    def test_nothing_left(self):
        self.flow.user_ids = self.other_rep
        sentence = self.refusal()
        self.assertRegex(sentence, "may not use call flow Sandbox: ask your administrator")
        self.assertFalse(self.sandbox.calls())
        with self.assertRaisesRegex(UserError, "may not use call flow Sandbox"):
            self.env["ccp.call"].with_user(self.rep).place("crm.lead", self.lead.id, "phone")

    def test_rep_cannot_choose_a_flow(self):
        for user in (self.rep, self.manager):
            with self.subTest(user=user.login):
                self.assertNotIn("ccp_flow_id", self.env["res.users"].with_user(user).fields_get())
                self.assertNotIn("ccp_flow_id", self.team.with_user(user).fields_get())

    # Its fields

    def test_code(self):
        flow = self.flow
        flow.code = "\ufeff  a+b/c==\u200b\n"
        self.assertEqual(flow.code, "a+b/c==")
        for code in ("a\nb", "a\r\nb", "a\tb", "a\u2028b", "a\x00b"):
            with self.subTest(code=code), self.assertRaisesRegex(ValidationError, "line break"):
                flow.code = code

    def test_caller_number_is_normalised(self):
        for text in ("+91 80000 00002", "918000000002", "08000000002", " 80000-00002 "):
            with self.subTest(text=text):
                self.flow.caller_number = text
                self.rep.ccp_caller_number = text
                self.assertEqual(self.flow.caller_number, "8000000002")
                self.assertEqual(self.rep.ccp_caller_number, "8000000002")
        for text in ("80000", "8000000001 8000000002", "+1 415 555 2671", "abc"):
            for record, name in ((self.flow, "caller_number"), (self.rep, "ccp_caller_number")):
                with (
                    self.subTest(text=text, field=name),
                    self.assertRaisesRegex(ValidationError, "not a caller number"),
                ):
                    record[name] = text

    def test_series_is_shown_while_typing(self):
        with Form(self.flow) as form:
            form.caller_number = "+91 140 123 4568"
            self.assertEqual(form.caller_series, "promotional")
            form.caller_number = "nonsense"
            self.assertFalse(form.caller_series)
            form.caller_number = "1600123456"
        self.assertEqual(self.flow.caller_series, "government")
        self.rep.ccp_caller_number = "8000000002"
        self.assertEqual(self.rep.ccp_caller_series, "ordinary")
        self.rep.ccp_caller_number = False
        self.assertFalse(self.rep.ccp_caller_series)
