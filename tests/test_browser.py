import contextlib
import json
import threading
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo.tests import HttpCase, tagged
from odoo.tests.common import ChromeBrowser, release_test_lock

from ..sandbox.server import Sandbox
from .common import CcpSetup


def suite_id(name):
    """Return the id that the browser's test runner gives to a suite: a hash of its name."""
    value = 0
    for character in name:
        value = ((value << 5) - value + ord(character)) & 0xFFFFFFFF
    return f"{value:08x}"


# They talk for 15 seconds at the sandbox's speed here: what a tour does in a call needs time
LONG_CALL = "+91 7000000123"


@tagged("post_install", "-at_install")
class TestHoot(HttpCase):
    """The unit tests of the browser's side, in a real browser."""

    def test_hoot(self):
        failures = []

        def ends_all(message):
            # One test that fails must not hide the others
            failures.append(message)
            return "[HOOT]" not in message

        try:
            self.browser_js(
                f"/web/tests?headless&loglevel=2&preset=desktop&timeout=15000&id={suite_id('@airtel_ccp')}",
                "",
                "",
                login="admin",
                timeout=600,
                success_signal="[HOOT] Test suite succeeded",
                error_checker=ends_all,
            )
        except AssertionError as error:
            raise AssertionError("\n\n".join([*failures, str(error)])) from error


class TourCase(CcpSetup, HttpCase):
    """A real browser, with a sandbox that rings and reports."""

    def allow_requests(self, all_requests=True, browser=None):
        """Let the sandbox's reports in, which carry no cookie of this test."""
        return super().allow_requests(all_requests=True, browser=browser)

    def setUp(self):
        super().setUp()
        self.sandbox = Sandbox(port=0, speed=20)
        self.sandbox.start()
        self.addCleanup(self.sandbox.stop)
        self.startPatcher(
            patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1)
        )

    @contextmanager
    def folding(self):
        """Fold reports as they come: scheduled actions do not run in tests.

        Not before the browser has its page: the test's own transaction, in which it logs in, takes
        no lock, so a fold's rollback would take the test's records along.
        """
        is_open, is_over = threading.Event(), threading.Event()
        wait_ready = ChromeBrowser._wait_ready

        def open_then_wait(browser, *arguments):
            is_open.set()
            return wait_ready(browser, *arguments)

        def fold():
            is_open.wait()
            while not is_over.wait(0.4):
                # All threads of a test share one connection; what met another is folded next time
                with (
                    contextlib.suppress(psycopg2.Error),
                    self.registry.cursor() as cr,
                ):
                    self.env(cr=cr)["ccp.call"]._cron_fold()

        thread = threading.Thread(target=fold)
        thread.start()
        try:
            with patch.object(ChromeBrowser, "_wait_ready", open_then_wait):
                yield
        finally:
            is_over.set()
            is_open.set()
            # The thread may wait for the lock that this test holds
            with release_test_lock():
                thread.join()


@tagged("post_install", "-at_install")
class TestTour(TourCase):
    """A rep calls a lead."""

    def setUp(self):
        super().setUp()
        self.set_up_company(self.env, self.sandbox.url)
        self.env.company.ccp_notify_base_url = self.base_url()
        self.set_up_people(self.env)

    def test_call_from_a_lead(self):
        with self.folding():
            self.start_tour(
                f"/odoo/crm.lead/{self.lead.id}", "airtel_ccp_call_lead", login="rep", timeout=120
            )
        call = self.env["ccp.call"].search([("res_id", "=", self.lead.id)])
        self.assertRecordValues(call, [{"state": "ended", "result": "connected"}])

    def test_note_and_outcome(self):
        self.lead.phone = LONG_CALL
        with self.folding():
            self.start_tour(
                f"/odoo/crm.lead/{self.lead.id}",
                "airtel_ccp_panel_note_outcome",
                login="rep",
                timeout=120,
            )
        self.env.invalidate_all()
        call = self.env["ccp.call"].search([("res_id", "=", self.lead.id)])
        self.assertRecordValues(
            call, [{"result": "connected", "note": "Wants a sample of the linen"}]
        )
        self.assertEqual(call.outcome_id, self.env.ref("airtel_ccp.ccp_call_outcome_interested"))
        self.assertEqual(self.lead.activity_ids.activity_type_id.category, "phonecall")
        self.assertEqual(self.lead.activity_ids.user_id, self.rep)

    def test_activity(self):
        planned = self.lead.activity_schedule("mail.mail_activity_data_call", user_id=self.rep.id)
        # The transaction of a test stands still, so the call could seem to come before the plan
        planned.create_date -= timedelta(minutes=1)
        self.env.flush_all()
        with self.folding():
            self.start_tour(
                f"/odoo/crm.lead/{self.lead.id}", "airtel_ccp_activity", login="rep", timeout=120
            )
        self.env.invalidate_all()
        self.assertFalse(planned.exists() and planned.active)
        self.assertTrue(
            self.lead.message_ids.filtered(lambda message: "Interested" in (message.body or ""))
        )

    def test_list_row(self):
        with self.folding():
            self.start_tour(
                "/odoo/action-crm.crm_lead_opportunities?view_type=list",
                "airtel_ccp_list_row",
                login="rep",
                timeout=120,
            )
        self.env.invalidate_all()
        call = self.env["ccp.call"].search([("user_id", "=", self.rep.id)])
        self.assertRecordValues(call, [{"state": "ended", "res_model": "crm.lead"}])

    def test_call_list(self):
        leads = self.env["crm.lead"].create(
            [
                {
                    "name": name,
                    "type": "opportunity",
                    "phone": f"+91 {phone}",
                    "user_id": self.rep.id,
                }
                for name, phone in [
                    ("First", "7000000104"),
                    ("Second", "7000000103"),
                    ("Third", "7000000101"),
                ]
            ]
        )
        self.env["ccp.call.list.item"].with_user(self.rep).add_records("crm.lead", leads.ids)
        with self.folding():
            self.start_tour("/odoo", "airtel_ccp_call_list", login="rep", timeout=180)
        self.env.invalidate_all()
        items = self.env["ccp.call.list.item"].search([("user_id", "=", self.rep.id)])
        states = {item.res_id: (item.state, item.attempts) for item in items}
        self.assertEqual(
            [states[lead.id] for lead in leads], [("waiting", 1), ("skipped", 0), ("done", 1)]
        )


@tagged("post_install", "-at_install")
class TestSetupTour(TourCase):
    """An administrator who has never seen the product, in a database without any set-up."""

    def test_from_install_to_the_first_call(self):
        self.env.company.ccp_calendar_id = False
        # A file that is not committed may be collected by whoever cleans up meanwhile
        self.env["ir.config_parameter"].set_param("ir_attachment.location", "db")
        self.env["ir.attachment"].create(
            {
                "name": "Airtel CCP.postman_environment.json",
                "url": "/airtel_ccp_tour/environment.json",
                "raw": json.dumps(
                    {
                        "name": "Airtel CCP",
                        "values": [
                            {"key": name, "value": value, "enabled": True}
                            for name, value in {
                                "baseUrl": self.sandbox.url,
                                "username": "demo",
                                "password": "p@55w0rd",
                                "customerId": "SANDBOX-CUSTOMER",
                                "callFlowId": "SANDBOX-FLOW",
                                "callerId": "+918000000001",
                            }.items()
                        ],
                    }
                ),
                "public": True,
            }
        )
        with self.folding():
            self.start_tour("/odoo/calls", "airtel_ccp_setup", login="admin", timeout=180)
        self.env.invalidate_all()
        call = self.env["ccp.call"].search([("user_id", "=", self.env.ref("base.user_admin").id)])
        self.assertRecordValues(call, [{"state": "ended", "result": "connected", "trial": False}])
        self.assertFalse(self.env["ccp.postman.import"].search([]).mapped("file")[0])
