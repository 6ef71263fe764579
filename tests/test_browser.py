from unittest.mock import patch

from odoo.tests import HttpCase, tagged

from ..controllers.wakeup import Waker
from ..sandbox.server import Sandbox
from .common import CcpSetup


@tagged("post_install", "-at_install")
class TestHoot(HttpCase):
    """The unit tests of the browser's side, in a real browser."""

    def test_hoot(self):
        self.browser_js(
            "/web/tests?headless&loglevel=2&preset=desktop&timeout=15000&filter=%40airtel_ccp",
            "",
            "",
            login="admin",
            timeout=600,
            success_signal="[HOOT] Test suite succeeded",
        )


@tagged("post_install", "-at_install")
class TestTour(CcpSetup, HttpCase):
    """A rep calls a lead in a real browser, with a sandbox that rings and reports."""

    # The sandbox's reports carry no cookie of this test
    http_request_allow_all = True

    def setUp(self):
        super().setUp()
        sandbox = Sandbox(port=0, speed=20)
        sandbox.start()
        self.addCleanup(sandbox.stop)
        self.set_up_company(self.env, sandbox.url)
        self.env.company.ccp_notify_base_url = self.base_url()
        self.set_up_people(self.env)

        def fold(waker, database):
            # Scheduled actions do not run in tests: do their work where they would be woken
            waker._waiting.discard(database)
            with self.registry.cursor() as cr:
                self.env(cr=cr)["ccp.folder"]._cron_fold()

        self.patch(Waker, "_trigger", fold)
        self.startPatcher(
            patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1)
        )

    def test_call_from_a_lead(self):
        self.start_tour(
            f"/odoo/crm.lead/{self.lead.id}", "airtel_ccp_call_lead", login="rep", timeout=120
        )
        call = self.env["ccp.call"].search([("res_id", "=", self.lead.id)])
        self.assertRecordValues(call, [{"state": "ended", "result": "connected"}])
