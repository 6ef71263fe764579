from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import config, mute_logger

from ..ccp.safe import probe
from ..models.ccp_health import CRONS, KEYS, CcpHealth
from ..sandbox.server import Sandbox
from .common import CcpCase

CLOSED = "http://127.0.0.1:9"


@tagged("post_install", "-at_install")
class TestHealth(CcpCase):
    """Each line in its good and its bad state, and who is warned."""

    def setUp(self):
        super().setUp()
        self.admin = self.env.ref("base.user_admin")
        self.company = self.env.company
        self.env["ir.cron"].search([]).write({"nextcall": fields.Datetime.now()})

    def look(self, key):
        """Check one thing, and return its line."""
        self.env.flush_all()
        lines = self.env["ccp.health"]._check(self.company, [key])
        return lines.filtered(lambda line: line.key == key)

    def assert_line(self, key, state, words="", turn=False):
        line = self.look(key)
        self.assertEqual((line.state, line.turn), (state, turn), line.sentence)
        self.assertIn(words, line.sentence)

    def test_base_url(self):
        self.assert_line("base_url", "ok", "127.0.0.1 answers")
        self.company.ccp_base_url = CLOSED
        self.assert_line("base_url", "bad", "refuses the connection", "server")
        self.company.ccp_base_url = "https://nobody.invalid"
        self.assert_line("base_url", "bad", "was not found", "administrator")
        self.company.ccp_base_url = False
        self.assert_line("base_url", "bad", "No base URL", "administrator")
        self.assertFalse(self.sandbox.calls(), "a probe places no call")

    def test_sandbox(self):
        self.company.write({"ccp_trial": True, "ccp_trial_url": self.sandbox.url})
        self.assert_line("base_url", "ok")
        self.company.ccp_trial_url = CLOSED
        self.assert_line(
            "base_url", "bad", "the command that the set-up page shows", "administrator"
        )

    def test_credentials(self):
        self.assert_line("credentials", "unknown", "test call")
        self.place().live = False
        self.assert_line("credentials", "ok", "accepted them")
        self.company.ccp_password = "wrong"
        self.env.cr.execute("UPDATE res_company SET ccp_account_date = now() + interval '1 hour'")
        self.env.invalidate_all()
        self.assert_line("credentials", "unknown", "test call")
        self.company.ccp_account_date = False
        self.refusal()
        self.assert_line("credentials", "bad", "HTTP_401", "administrator")
        self.env.company.ccp_base_url = CLOSED
        self.company.ccp_account_date = False
        self.refusal()
        self.assert_line("credentials", "bad", "HTTP_401", "administrator")

    def certificate(self, reason, days=0):
        found = probe.Certificate(reason, days)
        return patch.object(CcpHealth, "_certificate", lambda _self, _url: found)

    def test_notify_url(self):
        self.assert_line("notify_url", "bad", "from outside", "administrator")
        self.company.ccp_notify_base_url = False
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param("web.base.url", "http://odoo.example.com")
        self.assert_line("notify_url", "bad", "https://", "administrator")
        self.company.ccp_notify_base_url = "https://odoo.example.com"
        for reason, days, state, words, turn in (
            ("", 60, "ok", "60 days", False),
            ("", 5, "warning", "expires in 5 days", "administrator"),
            ("expired", 0, "bad", "has expired", "administrator"),
            ("name", 0, "bad", "not for odoo.example.com", "administrator"),
            ("untrusted", 0, "bad", "not signed by a known authority", "administrator"),
            ("tls", 0, "bad", "does not answer over https", "administrator"),
            ("unreachable", 0, "unknown", "could not be checked", False),
        ):
            with self.subTest(reason, days=days), self.certificate(reason, days):
                self.assert_line("notify_url", state, words, turn)
        self.company.ccp_trial = True
        self.assert_line("notify_url", "ok", "Trial")

    def test_reports(self):
        self.company.ccp_notify_base_url = "https://odoo.example.com"
        self.assert_line("reports", "unknown", "No report yet")
        old = fields.Datetime.now() - timedelta(minutes=10)
        late = self.place()
        late.start_date = old
        self.assert_line("reports", "bad", "without a report: 1", "airtel")
        with freeze_time(fields.Datetime.now() + timedelta(hours=3)):
            self.assert_line("reports", "bad", "without a report: 1", "airtel")
        self.report(late, self.event("Ringing", "A"))
        # The transaction of a test stands still
        late.event_ids.received_at = fields.Datetime.now()
        self.assert_line("reports", "ok", "The last report came")
        self.make_call(live=False, start_date=old)
        self.assert_line("reports", "ok")
        self.make_call(live=False, start_date=fields.Datetime.now())
        self.assert_line("reports", "ok")

    def test_a_call_that_was_just_placed_is_not_late(self):
        self.make_call()
        self.assert_line("reports", "unknown")

    def test_silent_calls(self):
        self.company.ccp_notify_base_url = "https://odoo.example.com"
        self.assert_line("silent_calls", "ok")
        for _each in range(9):
            self.make_call(live=False, state="ended", result="connected")
        self.make_call(live=False, state="ended", result="no_report")
        self.assert_line("silent_calls", "warning", "1 of the last day's 10", "airtel")
        for _each in range(2):
            self.make_call(live=False, state="ended", result="no_report")
        self.assert_line("silent_calls", "bad", "3 of the last day's 12", "airtel")

    def test_recordings(self):
        now = fields.Datetime.now()
        call = self.make_call(live=False, recording_state="pending", end_date=now)
        self.assert_line("recordings", "ok")
        call.end_date = now - timedelta(hours=2)
        self.assert_line("recordings", "warning", "1 recordings", "airtel")
        call.end_date = now - timedelta(days=2)
        self.assert_line("recordings", "bad", "1 recordings", "airtel")
        call.recording_state = "stored"
        self.assert_line("recordings", "ok")
        with patch.dict(config.options, workers=4, x_sendfile=False):
            self.assert_line("recordings", "warning", "only 3 can be played", "server")
            with patch.dict(config.options, x_sendfile=True):
                self.assert_line("recordings", "ok")

    def test_crons(self):
        self.assert_line("crons", "ok")
        for name in CRONS:
            self.assertTrue(self.env.ref(f"airtel_ccp.{name}"))
        cron = self.env.ref("airtel_ccp.ir_cron_fold_reports")
        cron.failure_count = 2
        self.assert_line("crons", "warning", "failed", "server")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ir_cron SET nextcall = now() - interval '1 hour',"
            " write_date = now() - interval '1 day' WHERE id = %s",
            [cron.id],
        )
        self.env.invalidate_all()
        self.assert_line("crons", "bad", "does not run", "server")
        cron.active = False
        self.assert_line("crons", "bad", "switched off", "administrator")

    def test_phones(self):
        for position, user in enumerate(self.company._ccp_callers()):
            user.ccp_phone = str(7000000909 + position)
        self.assert_line("phones", "ok", "Everybody")
        self.rep.ccp_phone = False
        self.assert_line("phones", "warning", "Without a phone: 1", "administrator")

    def test_limits(self):
        """An existing company has none and keeps that; the line proposes sensible ones."""
        self.assert_line("limits", "warning", "we suggest 300 calls a day", "administrator")
        self.company.ccp_daily_limit = 100
        self.company.ccp_number_daily_limit = 4
        self.assert_line(
            "limits",
            "warning",
            "Without a limit: Pause between calls (seconds).",
            "administrator",
        )
        self.company.ccp_pause_seconds = 2
        self.assert_line("limits", "ok", "to one number: 4. Seconds between calls: 2.")
        self.company.write({"ccp_trial": True, "ccp_pause_seconds": 0})
        self.assert_line("limits", "ok", "Trial")

    def warnings(self):
        return self.env["mail.message"].search(
            [("subject", "like", "Airtel CCP: the calls of"), ("partner_ids", "!=", False)]
        )

    def test_administrators_are_warned_once(self):
        with Sandbox(port=0) as sandbox:
            self.company.ccp_base_url = sandbox.url
            self.look("base_url")
        self.assertFalse(self.warnings())
        for _each in range(2):
            self.look("base_url")
            self.assertEqual(self.warnings().partner_ids, self.admin.partner_id)
            self.assertIn("refuses the connection", self.warnings().body)
        with patch.object(CcpHealth, "_check_base_url", lambda *_: ("unknown", "failed", {})):
            self.look("base_url")
        self.look("base_url")
        self.assertEqual(len(self.warnings()), 1, "it was not good in between")
        self.company.ccp_base_url = self.sandbox.url
        self.look("base_url")
        self.company.ccp_base_url = CLOSED
        self.look("base_url")
        self.assertEqual(len(self.warnings()), 2, "it turned bad once more")

    def test_what_turned_bad_together_is_one_message(self):
        self.company.ccp_base_url = CLOSED
        self.env["ccp.health"]._check(self.company)
        self.assertEqual(len(self.warnings()), 1)
        self.assertEqual(self.env["ccp.health"].search_count([]), len(KEYS))

    def test_a_check_that_fails_hides_no_other(self):
        with (
            patch.object(
                type(self.env["ccp.health"]), "_check_phones", side_effect=ZeroDivisionError
            ),
            mute_logger("odoo.addons.airtel_ccp.models.ccp_health"),
        ):
            lines = self.env["ccp.health"]._check(self.company, ["phones", "recordings"])
        self.assertEqual(lines.mapped("state"), ["ok", "unknown"])
        self.assertIn("could not be checked", lines[1].sentence)

    def test_scheduled_action(self):
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.health"]._cron_check()
            self.assertEqual(self.env["ccp.health"].search_count([]), len(KEYS))
            self.env["ccp.health"].search([("key", "=", "crons")]).unlink()
            cron = self.env.ref("airtel_ccp.ir_cron_check_health")
            cron.lastcall = fields.Datetime.now() - timedelta(hours=2)
            self.env["ccp.health"]._cron_check()
            self.assertNotIn("crons", self.env["ccp.health"].search([]).mapped("key"))
            self.env["ccp.health"].search([]).unlink()
            self.company.ccp_username = False
            self.env["ccp.health"]._cron_check()
            self.assertFalse(self.env["ccp.health"].search([]), "a company that does not call")
            self.company.ccp_trial = True
            self.env["ccp.health"]._cron_check()
            self.company.ccp_trial = False
            self.env["ccp.health"]._cron_check()
        line = self.env["ccp.health"].search([("key", "=", "base_url")])
        self.assertEqual(line.state, "ok", "one that called once is looked at further")

    def test_reps_are_told_of_late_reports(self):
        panel = self.env["ccp.panel"].with_user(self.rep)
        self.assertFalse(panel.state()["reports_late"])
        self.make_call(start_date=fields.Datetime.now() - timedelta(minutes=10))
        told = []
        with patch.object(
            type(self.env["res.users"]),
            "_bus_send",
            lambda user, kind, values: told.append((user.login, kind, values)),
        ):
            self.look("reports")
            self.look("reports")
        late = {"company_id": self.company.id, "reports_late": True}
        self.assertEqual(told.count(("rep", "airtel_ccp.health", late)), 1)
        self.assertNotIn("plain", [login for login, _kind, _values in told])
        self.assertTrue(panel.state()["reports_late"])

    def test_sentences_follow_the_reader(self):
        line = self.look("credentials")
        self.place()
        line = self.look("credentials")
        self.assertNotEqual(
            line.with_context(tz="Asia/Kolkata").sentence, line.with_context(tz="UTC").sentence
        )

    def test_for_administrators(self):
        line = self.look("base_url")
        for user in (self.rep, self.manager, self.plain_user, self.portal_user):
            with self.subTest(user=user.login):
                with self.assertRaises(AccessError):
                    line.with_user(user).read(["state"])
                with self.assertRaises(AccessError):
                    line.with_user(user).action_check()
        self.assertTrue(line.with_user(self.admin).sentence)
        with self.assertRaises(AccessError):
            line.with_user(self.admin).write({"state": "ok"})
        settings = self.env["res.config.settings"].with_user(self.admin).create({})
        self.assertEqual(settings.ccp_health_ids, line)
        settings.action_ccp_check_health()
        self.assertEqual(len(self.env["ccp.health"].search([])), len(KEYS))
