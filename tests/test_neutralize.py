from odoo.exceptions import UserError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import tagged

from .common import CcpCase


@tagged("post_install", "-at_install")
class TestNeutralize(CcpCase):
    def test_a_copy_dials_nobody(self):
        call = self.make_call(recording_url="https://x.airtel.in/a")
        company = self.env.company
        company._ccp_renew_token()
        company.ccp_trial = True
        token = company.ccp_webhook_token
        self.env.flush_all()
        for query in get_neutralization_queries(["airtel_ccp"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        self.assertFalse(company.ccp_trial or company.ccp_old_tokens)
        self.assertFalse(company.ccp_username or company.ccp_password or company.ccp_customer_id)
        self.assertNotEqual(company.ccp_webhook_token, token)
        self.assertFalse(call.token_digest or call.recording_url)
        with self.assertRaises(UserError):
            self.place()
        self.assertFalse(self.sandbox.calls())
