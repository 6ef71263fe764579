from odoo.tests import HttpCase, tagged

from .common import CcpCase
from .test_recording import wav

SECONDS = 30


@tagged("post_install", "-at_install")
class TestPlayer(CcpCase, HttpCase):
    """Listening in a real browser, and for whom it is offered."""

    def setUp(self):
        super().setUp()
        self.call = self.make_call()
        reports = self.cdr(Conversation_Duration="00:00:28", Recording="https://x.airtel.in/r")
        self.report(self.call, *self.connected(), reports)
        self.call._store_recording(wav(SECONDS), "audio/wav")
        self.call._fold()
        self.env.flush_all()

    def test_the_cards_link_survives_sanitizing(self):
        card = self.cards(self.lead)
        self.assertIn('class="o_airtel_ccp_listen"', card.body)
        self.assertIn(f'href="/airtel_ccp/recording/{self.call.id}"', card.body)

    def test_rights_in_the_browser(self):
        for user, expected in (
            (self.rep, {"can_call": True, "can_listen": True, "can_download": True}),
            (self.plain_user, None),
        ):
            with self.subTest(user=user.login):
                self.authenticate(user.login, user.login)
                info = self.make_jsonrpc_request("/web/session/get_session_info")
                self.assertEqual(info.get("airtel_ccp"), expected)
        self.plain_user.group_ids += self.env.ref("airtel_ccp.group_ccp_listen")
        info = self.make_jsonrpc_request("/web/session/get_session_info")
        self.assertEqual(
            info["airtel_ccp"], {"can_call": False, "can_listen": True, "can_download": False}
        )

    def test_listen(self):
        self.start_tour("/odoo/calls", "airtel_ccp_player", login="rep", timeout=120)
