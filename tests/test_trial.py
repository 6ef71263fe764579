from datetime import timedelta

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..ccp.safe.hosts import Target
from .common import CcpCase


@tagged("post_install", "-at_install")
class TestTrial(CcpCase):
    """Trying the addon without an account at Airtel, and going back without a trace."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.company.ccp_pulse_price = 2
        cls.real = {"ccp_base_url": "https://airtel.invalid", "ccp_username": "real"}
        cls.company.write({**cls.real, "ccp_trial": True, "ccp_trial_url": cls.sandbox.url})

    def figures(self):
        """Return what the manager's figures say."""
        figures = self.env["ccp.dashboard"].with_user(self.manager).figures()
        tiles = {tile["key"]: tile["today"]["value"] for tile in figures["tiles"]}
        digest = self.env.ref("airtel_ccp.digest_ccp_weekly")
        now = fields.Datetime.now()
        week = {"start_datetime": now - timedelta(days=7), "end_datetime": now}
        tiles["digest"] = (
            digest.with_user(self.manager)
            .with_context(**week)
            ._ccp_figures("attempts:sum", "talk_seconds:sum")
        )
        return tiles

    def finish(self, call):
        """Have Airtel report a call that connected and cost something."""
        self.report(call, *self.connected(), self.cdr(Pulse_Count="3"))
        call._measure()

    def test_a_company_without_an_account_can_call(self):
        self.company.write({"ccp_flow_id": False, "ccp_username": False, "ccp_password": False})
        self.rep.ccp_caller_number = "8000000009"
        call = self.place()
        self.assertTrue(call.trial)
        self.assertEqual(call.state, "ringing_agent")
        self.assertEqual(call.caller_number, "8000000001")
        self.assertTrue(call.flow_id.trial)
        self.assertFalse(call.flow_id.active)

    def test_a_trial_counts_nowhere(self):
        before = self.figures()
        call = self.place()
        self.finish(call)
        self.assertEqual((call.state, call.result), ("ended", "connected"))
        self.assertRecordValues(
            call,
            [
                {
                    "attempts": 0,
                    "reached": 0,
                    "cost": 0,
                    "first_dial": False,
                    "first_connect": False,
                    "attempts_until_reached": 0,
                }
            ],
        )
        self.assertEqual(self.figures(), before)
        self.assertGreater(call.talk_seconds, 0)
        self.assertEqual(call.pulses, 3)

    def test_the_same_call_counts_without_the_trial(self):
        before = self.figures()
        self.company.write({"ccp_trial": False, "ccp_base_url": self.sandbox.url})
        self.company.ccp_username = "demo"
        call = self.place()
        self.finish(call)
        self.assertFalse(call.trial)
        self.assertEqual(call.cost, 6)
        self.assertNotEqual(self.figures(), before)

    def test_the_account_stays_as_it_is(self):
        self.place()
        self.company.ccp_trial = False
        self.assertRecordValues(self.company, [{**self.real, "ccp_flow_id": self.flow.id}])

    def test_reports_of_analysis_leave_trials_out(self):
        trial, real = self.make_call(trial=True), self.make_call(live=False)
        for name in ("", "_hour", "_agent"):
            action = self.env.ref(f"airtel_ccp.action_ccp_call_report{name}")
            found = self.env[action.res_model].search([]).ids
            self.assertIn(real.id, found)
            self.assertNotIn(trial.id, found)

    def test_a_company_that_begins_with_a_trial(self):
        company = self.env["res.company"].create({"name": "New", "ccp_trial": True})
        self.assertTrue(company._ccp_trial_flow())

    def test_trial_flow_stays_away_from_real_calls(self):
        flow = self.company._ccp_trial_flow()
        with self.assertRaises(ValidationError):
            flow.active = True

    def test_trial_flow_is_made_once(self):
        flow = self.company._ccp_trial_flow()
        self.company.ccp_trial = False
        self.company.ccp_trial = True
        self.assertEqual(self.company._ccp_trial_flow(), flow)
        self.assertEqual(len(flow), 1)

    def test_recordings_of_a_trial_come_from_the_sandbox_only(self):
        call = self.make_call(trial=True)
        hosts = call._recording_hosts()
        self.company.ccp_recording_hosts = "*.airtel.in"
        other = self.make_call(live=False)._recording_hosts()
        sound = f"{self.sandbox.url}/recording/1"
        sandbox, airtel = map(Target.read, (sound, "https://recordings.airtel.in/1"))
        self.assertTrue(hosts.allows(sandbox))
        self.assertFalse(hosts.allows(airtel))
        self.assertFalse(other.allows(sandbox))
        self.assertTrue(other.allows(airtel))


@tagged("post_install", "-at_install")
class TestBaseUrl(CcpCase):
    """Addresses that an administrator may enter, and those that give the password away."""

    def test_blanks_are_dropped(self):
        self.env.company.ccp_base_url = " https://openapi.airtel.in/x\n"
        self.assertEqual(self.env.company.ccp_base_url, "https://openapi.airtel.in/x")

    def test_good(self):
        for url in (
            "https://iqtelephony.airtel.in/gateway/airtel-xchange",
            "https://openapi.airtel.in:8443/gateway",
            "http://127.0.0.1:8270",
            "http://localhost:8270/x",
            "http://[::1]:8270",
        ):
            with self.subTest(url):
                self.env.company.ccp_base_url = url
                self.env.company.ccp_trial_url = url

    def test_bad(self):
        for url in (
            "ftp://iqtelephony.airtel.in",
            "https://",
            "https://demo:secret@iqtelephony.airtel.in",
            "https://iqtelephony.airtel.in?x=1",
            "http://iqtelephony.airtel.in",
            "http://192.168.1.5:8270",
            "http://127.0.0.1.airtel.in",
            "https://[half",
            "https://airtel.in:port",
            "https://airtel.in:0",
            "https://demo:secret@airtel.in:port",
        ):
            for field in ("ccp_base_url", "ccp_trial_url"):
                with self.subTest(url, field=field), self.assertRaises(ValidationError) as caught:
                    self.env.company[field] = url
                self.assertNotIn("secret", str(caught.exception))
