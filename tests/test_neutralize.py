import json
from base64 import b64encode

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

    def test_a_copy_gets_no_recordings_address_back(self):
        """Stored reports hold the addresses, and folding again reads them."""
        calls = [
            self.make_call(user_id=user.id, recorded=True) for user in (self.rep, self.manager)
        ]
        address = "https://x.airtel.in/r?token=hidden-value"
        plain = json.dumps(self.cdr(Recording=address)).encode()
        escaped = plain.replace(b"/", rb"\/")
        odd = plain.replace(b"https:", rb"\u0068ttps\u003a").replace(b"/", rb"\u002F")
        self.report(calls[0], plain, escaped)
        self.report(calls[1], odd)
        self.assertEqual([call.recording_url for call in calls], [address] * 2)
        dialog = self.env["ccp.postman.import"].create({"file": b64encode(b"hidden-value")})
        self.env.flush_all()
        for query in get_neutralization_queries(["airtel_ccp"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        self.env.cr.execute("SELECT string_agg(payload, ' ') FROM ccp_call_event")
        stored = self.env.cr.fetchone()[0]
        self.assertNotIn("hidden-value", stored)
        self.assertIn("Conversation_Duration", stored, "reports are there to try with")
        self.assertFalse(dialog.exists().file)
        for call in calls:
            call._fold_again()
            self.assertFalse(call.recording_url)
