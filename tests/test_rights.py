from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import CcpCase

SECRETS = ("ccp_username", "ccp_password", "ccp_customer_id", "ccp_webhook_token")
HIDDEN = ("token_digest", "header_digest", "recording_url", "dialled")


@tagged("post_install", "-at_install")
class TestRights(CcpCase):
    """Who may see what, over every way that a client has."""

    def setUp(self):
        super().setUp()
        self.call = self.make_call(recording_url="https://x.airtel.in/hidden-value")
        self.report(self.call, self.event("Ringing", "A"))

    def test_secrets_of_the_company(self):
        company = self.env.company
        self.assertTrue(all(company.read(SECRETS)[0].values()), "an administrator reads them")
        for user in (self.rep, self.manager, self.plain_user, self.portal_user):
            seen = company.with_user(user)
            for name in SECRETS:
                with self.subTest(user=user.login, field=name):
                    with self.assertRaises(AccessError):
                        seen.read([name])
                    with self.assertRaises(AccessError):
                        seen.search([(name, "like", "p%")])
                    with self.assertRaises(UserError):
                        seen.export_data([name])
                    with self.assertRaises(AccessError):
                        seen._read_group([], [name])
                    self.assertNotIn(name, seen.fields_get())

    def test_password_can_be_replaced_but_not_read(self):
        company = self.env.company.with_user(self.env.ref("base.user_admin"))
        mask = company.ccp_password
        for shown in (
            company.read(["ccp_password"])[0]["ccp_password"],
            company.export_data(["ccp_password"])["datas"][0][0],
            self.env["res.config.settings"].with_user(company.env.user).create({}).ccp_password,
        ):
            self.assertEqual(shown, mask)
        self.assertNotIn("p@55w0rd", mask)
        self.assertNotIn("ccp_secret_password", company.fields_get())
        with self.assertRaises(AccessError):
            company.read(["ccp_secret_password"])
        company.ccp_password = mask
        self.assertEqual(self.env.company.ccp_secret_password, "p@55w0rd")
        company.ccp_password = "another"
        self.assertEqual(self.env.company.ccp_secret_password, "another")
        company.ccp_password = False
        self.assertFalse(self.env.company.ccp_secret_password)
        self.assertFalse(company.ccp_password)

    def test_a_copied_company_knows_no_secret(self):
        self.env.company._ccp_renew_token()
        copied = self.env.company.copy_data()[0]
        for name in (*SECRETS, "ccp_secret_password", "ccp_old_tokens"):
            self.assertNotIn(name, copied)

    def test_new_credentials_count_from_the_next_call(self):
        self.call.live = False
        self.env.company.ccp_password = "wrong"
        self.assertIn("password", self.refusal())
        self.env.company.ccp_password = "p@55w0rd"
        self.assertEqual(self.place().request_outcome, "accepted")

    def test_settings_are_for_administrators(self):
        for user in (self.rep, self.manager, self.plain_user):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.env["res.config.settings"].with_user(user).create({})

    def test_hidden_fields_of_a_call(self):
        for user in (self.rep, self.manager, self.env.ref("base.user_admin")):
            seen = self.call.with_user(user)
            for name in HIDDEN:
                with self.subTest(user=user.login, field=name):
                    with self.assertRaises(AccessError):
                        seen.read([name])
                    self.assertNotIn(name, seen.fields_get())

    def test_raw_reports_are_for_administrators(self):
        with self.assertRaises(AccessError):
            self.call.event_ids.with_user(self.manager).read(["payload"])

    def test_own_calls(self):
        calls = self.env["ccp.call"]
        self.assertIn(self.call, calls.with_user(self.rep).search([]))
        self.assertNotIn(self.call, calls.with_user(self.other_rep).search([]))
        self.assertIn(self.call, calls.with_user(self.manager).search([]))
        events = self.env["ccp.call.event"]
        self.assertTrue(events.with_user(self.rep).search([]))
        self.assertFalse(events.with_user(self.other_rep).search([]))
        for user in (self.plain_user, self.portal_user):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                calls.with_user(user).search([])

    def test_nobody_writes_calls(self):
        for user in (self.rep, self.manager):
            seen = self.call.with_user(user)
            with self.subTest(user=user.login):
                with self.assertRaises(AccessError):
                    seen.write({"result": "connected"})
                with self.assertRaises(AccessError):
                    seen.unlink()
                with self.assertRaises(AccessError):
                    seen.create({"user_id": user.id, "company_id": self.env.company.id})
                with self.assertRaises(AccessError):
                    seen.event_ids.write({"folded": False})

    def test_companies_stay_apart(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.manager.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        self.assertNotIn(self.call, self.env["ccp.call"].with_user(self.manager).search([]))
        self.assertNotIn(self.flow, self.env["ccp.call.flow"].with_user(self.manager).search([]))

    def test_methods_check_rights(self):
        for user in (self.other_rep, self.plain_user, self.portal_user):
            seen = self.call.with_user(user)
            for method in (
                "action_open_record",
                "action_call_again",
                "action_close",
                "action_refresh",
            ):
                with self.subTest(user=user.login, method=method), self.assertRaises(AccessError):
                    getattr(seen, method)()
            with self.subTest(user=user.login, method="action_ccp_calls"):
                if user != self.other_rep:
                    with self.assertRaises(AccessError):
                        self.lead.with_user(user).action_ccp_call("phone")

    def test_placing_checks_the_right_first(self):
        self.lead.phone = "7000000101 / 7000000103"
        for user in (self.plain_user, self.portal_user):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.env["ccp.call"].with_user(user).place("crm.lead", self.lead.id, "phone")

    def test_users_set_their_own_phone_only(self):
        self.rep.with_user(self.rep).write({"ccp_phone": "98765 43210"})
        with self.assertRaises(AccessError):
            self.rep.with_user(self.rep).write({"ccp_caller_number": "8000000009"})
        with self.assertRaises(AccessError):
            self.rep.with_user(self.other_rep).write({"ccp_phone": "98765 43211"})

    def test_session_tells_who_may_call(self):
        self.assertTrue(self.rep.has_group("airtel_ccp.group_ccp_user"))
        count = self.lead.with_user(self.rep).ccp_call_count
        self.assertEqual(count, 1)
        with self.assertRaises(AccessError):
            self.lead.with_user(self.plain_user).read(["ccp_call_count"])
