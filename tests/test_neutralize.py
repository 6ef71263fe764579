import base64
import json

from odoo.exceptions import UserError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import tagged

from ..ccp.safe.spool import digest
from .canaries import ADDRESS, patterns, search_database
from .leaves_canaries import CanaryCase

USER, CUSTOMER, SECRET = "user-of-a-canary", "customer-of-a-canary", "header-of-a-canary"


@tagged("post_install", "-at_install")
class TestNeutralize(CanaryCase):
    def neutralize(self):
        self.env.flush_all()
        for query in get_neutralization_queries(["airtel_ccp"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()

    def test_nothing_is_left(self):
        """No column of any table holds a credential, a token or the address of a recording."""
        company = self.env.company
        tokens = [company.ccp_webhook_token]
        company._ccp_renew_token()
        tokens.append(company.ccp_webhook_token)
        self.leave_canaries()
        company.write(
            {"ccp_username": USER, "ccp_customer_id": CUSTOMER, "ccp_password": "p@55w0rd-canary"}
        )
        self.flow.callback_secrets = f"X-Canary: {SECRET}"
        company.ccp_notify_base_url = "https://canary.example.com"
        # A recording that is not fetched yet: its address is in the report, and escaped in another
        waiting = self.make_call(live=False, recorded=True)
        escaped = r'{"Overall_Call_Status": "Answered", "Recording": "%s"}'
        for text in (ADDRESS, ADDRESS.replace("/", r"\/"), ADDRESS.replace("/", r"\u002f")):
            self.report(waiting, (escaped % text).encode())
        self.assertEqual(waiting.recording_url, ADDRESS)
        file = {"values": [{"key": "password", "value": "p@55w0rd-canary"}]}
        self.env["ccp.postman.import"].create(
            {"file": base64.b64encode(json.dumps(file).encode()), "file_name": "airtel.json"}
        )
        tokens += self.tokens
        wanted = {
            "address": patterns(kinds=["address"])["address"],
            "token": "|".join([*tokens, *map(digest, tokens)]),
            "credential": f"{USER}|{CUSTOMER}|{SECRET}|p@55w0rd-canary|canary.example.com",
        }
        self.env.flush_all()
        before = search_database(self.env.cr, wanted)
        self.assertLessEqual(
            {
                ("res_company", "ccp_secret_password"),
                ("ccp_postman_import", "file"),
                ("ccp_call_flow", "callback_secrets"),
                ("ccp_call", "recording_url"),
                ("ccp_call", "token_digest"),
                ("ccp_call_event", "payload"),
                ("ccp_history_import", "text"),
            },
            set(before),
        )
        self.neutralize()
        self.assertEqual(search_database(self.env.cr, wanted), {})
        waiting._fold()
        self.assertFalse(waiting.recording_url, "folding again finds no address")

    def test_a_copy_dials_nobody(self):
        call = self.make_call(recording_url="https://x.airtel.in/a")
        company = self.env.company
        company._ccp_renew_token()
        company.ccp_trial = True
        token = company.ccp_webhook_token
        self.neutralize()
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
        dialog = self.env["ccp.postman.import"].create({"file": base64.b64encode(b"hidden-value")})
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
