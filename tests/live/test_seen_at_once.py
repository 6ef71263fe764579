import contextlib
import json
import threading
import time
import uuid
from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.tests import BaseCase, tagged

from ...ccp.airtel.reports import kind_and_fingerprint
from ...ccp.safe import download
from ...ccp.safe.spool import digest
from ...models import contention, report_store
from ...models.ccp_call_fold import CcpCall as CcpCallFold
from ..common import HEADER, CcpSetup, accepted_call
from .server import LiveServer

MISSED = {
    "Session_ID": "5f0c4b1e-0000-4000-8000-000000000001",
    "Overall_Call_Status": "Missed",
    "Caller_Status": "No Answer",
}
# A click holds its call's row for about so long
HELD_SECONDS = 0.3


@tagged("post_install", "-at_install")
class TestSeenAtOnce(BaseCase):
    """Work that others hold, or that trips over what they do, is still done soon.

    In transactions of their own, as the click's request and the scheduled actions have.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.enterClassContext(LiveServer())
        cls.server.stop()
        with cls.server.env() as env:
            cls.flow = CcpSetup.set_up_company(env, "http://127.0.0.1:9")

    def setUp(self):
        super().setUp()
        # What is due in the tested database is no concern of these tests
        self.server.query("DELETE FROM ccp_call")
        self.server.query("DELETE FROM ir_cron_trigger")

    def make_call(self, reported=True, **values):
        """Make a call that Airtel accepted, with or without a report; returns its id."""
        token = uuid.uuid4().hex
        with self.server.env() as env:
            partner = env["res.partner"].create({"name": "Priya Sharma"})
            agent = env.ref("base.user_admin")
            own = {"token_digest": digest(token), "correlation_id": False, "live": False}
            call = accepted_call(env, partner, partner, agent, self.flow, **{**own, **values})
        if reported:
            with self.server.env() as env:
                body = json.dumps(MISSED).encode()
                self.assertTrue(report_store.receive(env.cr, token, HEADER, body))
        return call.id

    @contextlib.contextmanager
    def held(self, call_id, seconds):
        """Hold a call's row for a while, as a click or a fold does, from another connection."""
        taken, release = threading.Event(), threading.Event()

        def hold():
            with (
                contextlib.closing(psycopg2.connect(dbname=self.server.database)) as connection,
                connection,
                connection.cursor() as cursor,
            ):
                cursor.execute("SELECT FROM ccp_call WHERE id = %s FOR NO KEY UPDATE", [call_id])
                taken.set()
                release.wait(seconds)

        holder = threading.Thread(target=hold)
        holder.start()
        self.assertTrue(taken.wait(30))
        try:
            yield
        finally:
            release.set()
            holder.join(30)

    def run_action(self, model, method):
        with self.server.env() as env:
            getattr(env[model], method)()

    def value(self, call_id, name):
        ((value,),) = self.server.query(f"SELECT {name} FROM ccp_call WHERE id = %s", call_id)
        return value

    def woken(self, action):
        """Return how often a scheduled action was asked for."""
        ((count,),) = self.server.query(
            """
            SELECT count(*) FROM ir_cron_trigger
              JOIN ir_model_data ON res_id = cron_id AND module = 'airtel_ccp' AND name = %s
            """,
            action,
        )
        return count

    def test_a_call_that_is_held_for_a_moment_is_folded_by_the_same_run(self):
        call_id = self.make_call()
        other_id = self.make_call()
        with self.held(call_id, HELD_SECONDS):
            self.run_action("ccp.call", "_cron_fold")
        self.assertEqual(self.value(call_id, "state"), "ended")
        self.assertEqual(self.value(other_id, "state"), "ended")

    def test_a_call_that_is_held_for_long_keeps_nobody_and_is_folded_soon_after(self):
        call_id = self.make_call()
        other_id = self.make_call()
        with self.held(call_id, 60):
            began = time.monotonic()
            self.run_action("ccp.call", "_cron_fold")
            self.assertLess(time.monotonic() - began, 30)
            self.assertEqual(self.value(other_id, "state"), "ended")
        self.assertEqual(self.value(call_id, "state"), "ringing_agent")
        self.assertEqual(self.woken("ir_cron_fold_reports"), 1)
        self.run_action("ccp.call", "_cron_fold")
        self.assertEqual(self.value(call_id, "state"), "ended")

    def test_nothing_to_do_wakes_nobody(self):
        self.run_action("ccp.call", "_cron_fold")
        self.make_call()
        self.run_action("ccp.call", "_cron_fold")
        self.assertEqual(self.woken("ir_cron_fold_reports"), 0)

    def test_a_fold_that_meets_another_transaction_goes_on(self):
        """Its snapshot is older than a change that another transaction committed meanwhile."""
        call_id, other_id = self.make_call(), self.make_call()
        fold = CcpCallFold._fold
        met = []

        def fold_after_a_change(calls, **options):
            if call_id in calls.ids and len(met) < 2:
                met.append(len(calls))
                self.server.query(
                    "UPDATE ccp_call_event SET match_date = now() WHERE call_id = %s", call_id
                )
            return fold(calls, **options)

        with patch.object(CcpCallFold, "_fold", fold_after_a_change):
            self.run_action("ccp.call", "_cron_fold")
        self.assertEqual(len(met), 2)
        for each in (call_id, other_id):
            self.assertEqual(self.value(each, "state"), "ended")
            self.assertFalse(self.value(each, "fold_error"), "that is not the reports' fault")

    def test_a_fold_that_meets_others_each_time_is_asked_for_again(self):
        call_id = self.make_call()
        fold = CcpCallFold._fold

        def fold_after_a_change(calls, **options):
            self.server.query("UPDATE ccp_call_event SET match_date = clock_timestamp()")
            return fold(calls, **options)

        with (
            patch.object(CcpCallFold, "_fold", fold_after_a_change),
            patch.object(contention, "WAIT_SECONDS", 0.2),
        ):
            self.run_action("ccp.call", "_cron_fold")
        self.assertEqual(self.woken("ir_cron_fold_reports"), 1)
        self.assertEqual(self.value(call_id, "fold_error"), "SerializationFailure")
        # It keeps no other call waiting, and its time comes soon
        past = "now() AT TIME ZONE 'UTC' - interval '1 second'"
        self.server.query(f"UPDATE ccp_call SET fold_retry_date = {past}")
        self.run_action("ccp.call", "_cron_fold")
        self.assertEqual(self.value(call_id, "state"), "ended")
        self.assertFalse(self.value(call_id, "fold_error"))

    def test_a_search_for_calls_that_meets_another_transaction_goes_on(self):
        call_id = self.make_call(reported=False, session_id=MISSED["Session_ID"])
        body = json.dumps(MISSED).encode()
        with self.server.env() as env:
            event = env["ccp.call.event"].create(
                {
                    "company_id": env.company.id,
                    "kind": "cdr",
                    "payload": body.decode(),
                    "fingerprint": kind_and_fingerprint(body)[1],
                    "received_at": fields.Datetime.now(),
                }
            )
        match_each = type(event)._match_each
        met = []

        def match_after_a_change(events, *options):
            if not met:
                met.append(len(events))
                self.server.query(
                    "UPDATE ccp_call_event SET match_date = match_date WHERE id = %s", event.id
                )
            return match_each(events, *options)

        with patch.object(type(event), "_match_each", match_after_a_change):
            self.run_action("ccp.call", "_cron_fold")
        self.assertEqual(met, [1])
        self.assertEqual(self.value(call_id, "state"), "ended")

    def test_other_scheduled_actions_wait_for_what_is_held(self):
        past = fields.Datetime.now() - timedelta(days=3)
        with self.server.env() as env:
            env.company.ccp_keep_reports_days = 1
        for model, method, values, name, expected in (
            (
                "ccp.call",
                "_cron_end_silent_calls",
                {"deadline": past, "reported": False},
                "state",
                "ended",
            ),
            ("ccp.call", "_cron_measure", {"state": "ended"}, "measured", True),
            (
                "ccp.call",
                "_cron_consume_activities",
                {"state": "ended", "result": "connected", "end_date": past},
                "activity_done",
                True,
            ),
            (
                "ccp.call",
                "_cron_delete_old_data",
                {"state": "ended", "start_date": past},
                "reports_deleted",
                True,
            ),
            (
                "ccp.call",
                "_cron_fetch_recordings",
                {
                    "recording_state": "pending",
                    "recording_next_date": past,
                    "recording_url": "https://recordings.airtel.in/a.wav",
                },
                "recording_tries",
                1,
            ),
        ):
            with self.subTest(method=method):
                call_id = self.make_call(**values)
                with (
                    patch.object(
                        download,
                        "open_recording",
                        side_effect=download.RecordingError("not_ready"),
                    ),
                    self.held(call_id, HELD_SECONDS),
                ):
                    self.run_action(model, method)
                self.assertEqual(self.value(call_id, name), expected)

    def test_a_recording_is_kept_although_a_report_came_during_the_download(self):
        call_id = self.make_call(
            recording_state="pending",
            recording_next_date=fields.Datetime.now(),
            recording_url="https://recordings.airtel.in/a.wav",
        )

        def open_while_a_report_comes(*_arguments, **_options):
            self.server.query("UPDATE ccp_call SET note = 'x' WHERE id = %s", call_id)
            raise download.RecordingError("not_ready")

        with patch.object(download, "open_recording", open_while_a_report_comes):
            self.run_action("ccp.call", "_cron_fetch_recordings")
        self.assertEqual(self.value(call_id, "recording_tries"), 1)
        self.assertEqual(self.value(call_id, "note"), "x")

    def test_a_panel_that_opens_waits_for_nobody(self):
        call_id = self.make_call(live=True)
        with self.held(call_id, 60), self.server.env() as env:
            env.cr.execute("SET LOCAL lock_timeout = '5s'")
            admin = env.ref("base.user_admin")
            state = env["ccp.panel"].with_user(admin).state()
            self.assertEqual(state["call"]["id"], call_id)
            call = env["ccp.call"].browse(call_id).with_user(admin)
            call.action_refresh()
            self.assertEqual(call.state, "ringing_agent")
        with self.server.env() as env:
            env["ccp.panel"].with_user(admin.id).state()
        self.assertEqual(self.value(call_id, "state"), "ended")

    def test_calls_that_are_folded_again_and_held_are_folded_later(self):
        call_id = self.make_call()
        with self.held(call_id, 60), self.server.env() as env:
            env["ccp.call"].browse(call_id)._fold_again()
        self.assertEqual(self.woken("ir_cron_fold_reports"), 1)

    def test_a_click_that_meets_another_transaction_is_told_all_the_same(self):
        """Whatever it was, and not only a report, whose fold would tell it."""
        call_id = self.make_call(reported=False)
        fold = CcpCallFold._fold
        met = []

        def fold_after_a_change(calls, **options):
            if not met:
                met.append(calls)
                # A change of which nothing else notifies browsers
                self.server.query("UPDATE res_partner SET name = 'Priya' WHERE id = %s", partner_id)
                calls.partner_id.name = "Priya S"
                calls.env.flush_all()
            return fold(calls, **options)

        partner_id = self.value(call_id, "partner_id")
        with self.server.env() as env, patch.object(CcpCallFold, "_fold", fold_after_a_change):
            env["ccp.call"]._notify_accepted(call_id)
        self.assertEqual(len(met), 1)
        cards = self.server.query(
            "SELECT id FROM mail_message WHERE model = 'res.partner' AND res_id = %s"
            " AND body LIKE '%%o_airtel_ccp_card%%'",
            partner_id,
        )
        self.assertEqual(len(cards), 1)
