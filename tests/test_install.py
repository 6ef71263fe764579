from odoo.tests import TransactionCase, tagged

from ..hooks import post_init_hook


@tagged("post_install", "-at_install")
class TestInstall(TransactionCase):
    def test_companies_that_were_there_before(self):
        companies = self.env["res.company"].create([{"name": "One"}, {"name": "Two"}])
        companies.write({"ccp_webhook_token": "same", "ccp_calendar_id": False})
        post_init_hook(self.env)
        tokens = companies.mapped("ccp_webhook_token")
        self.assertEqual(len(set(tokens) - {"same"}), 2)
        hours = self.env.ref("airtel_ccp.resource_calendar_calling_hours")
        self.assertEqual(companies.ccp_calendar_id, hours)

    def test_new_companies(self):
        companies = self.env["res.company"].create([{"name": "One"}, {"name": "Two"}])
        self.assertEqual(len(set(companies.mapped("ccp_webhook_token"))), 2)
        self.assertTrue(all(companies.mapped("ccp_calendar_id")))
