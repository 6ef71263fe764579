import json
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..ccp.safe import download
from ..models import ccp_call_notify, contention, report_store
from .common import CcpCase

LOGGERS = (
    "odoo.addons.airtel_ccp.models.ccp_call_fold",
    "odoo.addons.airtel_ccp.models.ccp_call_notify",
    "odoo.addons.airtel_ccp.models.ccp_call_activity",
    "odoo.addons.airtel_ccp.models.ccp_call_answer",
)
MATCH_LOGGER = "odoo.addons.airtel_ccp.models.ccp_call_event_match"
URL = "https://recordings.airtel.in/a.wav"


@tagged("post_install", "-at_install")
class TestDerivingAndNotifying(CcpCase):
    """What notifies of one call may fail: that call and all others are still derived."""

    def setUp(self):
        super().setUp()
        self.bad = self.make_call(user_id=self.other_rep.id)
        self.good = self.make_call(user_id=self.rep.id)
        self.calls = self.bad | self.good
        self.startPatcher(
            patch.object(type(self.env["ir.cron"]), "_commit_progress", lambda *_args, **_kwargs: 1)
        )
        self.enterContext(mute_logger(*LOGGERS))

    @contextmanager
    def failing(self, method="_notify_agents"):
        """Let a method fail whenever the bad call is among those that it works on."""
        owner = type(self.env["ccp.call"])
        original = getattr(owner, method)

        def fail(calls, *arguments, **options):
            if self.bad in calls:
                raise ValueError("notifying")
            return original(calls, *arguments, **options)

        with patch.object(owner, method, fail):
            yield

    def notify(self):
        self.env["ccp.call"]._cron_notify()

    def ways(self):
        """Return every way in which a call is folded: its name, and what does it."""
        env = self.env
        panel = env["ccp.panel"]
        return {
            "reports": lambda: env["ccp.call"]._cron_fold(),
            "form": lambda: [call.with_user(call.user_id).action_refresh() for call in self.calls],
            "panel": lambda: [panel.with_user(call.user_id).state() for call in self.calls],
            "repair of calls": lambda: self.calls.with_user(
                self.administrator()
            ).action_fold_again(),
            "repair of reports": lambda: self.calls.event_ids.with_user(
                self.administrator()
            ).action_fold_again(),
            "replay": lambda: [
                call.event_ids[0].with_user(self.administrator()).action_replay()
                for call in self.calls
            ],
            "answer": lambda: [
                env["ccp.call"]._settle(
                    call.id,
                    {"request_outcome": "accepted"},
                    {"status": 200, "seconds": 0.1},
                )
                for call in self.calls
            ],
            "after the answer": lambda: [
                env["ccp.call"]._notify_accepted(call.id) for call in self.calls
            ],
        }

    def administrator(self):
        return self.env.ref("base.user_admin")

    def test_every_way_that_folds(self):
        """Each derives both calls and notifies of the good one."""
        for name in self.ways():
            with self.subTest(way=name), self.env.cr.savepoint() as savepoint:
                for call in self.calls:
                    self.report(call, *self.connected(), fold=False)
                with self.failing():
                    self.ways()[name]()
                self.env.invalidate_all()
                self.assertEqual(self.calls.mapped("state"), ["in_call", "in_call"])
                self.assertFalse(any(self.calls.mapped("fold_error")))
                self.assertTrue(all(self.calls.event_ids.mapped("folded")))
                self.assertTrue(self.bad.notify_date)
                self.assertFalse(self.good.notify_date)
                self.assertTrue(self.good.card_message_ids)
                savepoint.rollback()

    def test_no_user_is_impersonated(self):
        """Notifying reads no rights; what depends on them is asked for by the agent's browser."""
        for call in self.calls:
            self.report(call, *self.connected(), fold=False)
        self.env.cr.precommit.run()
        self.env["bus.bus"].search([]).unlink()
        owner = type(self.env["ccp.call"])
        refused = AssertionError("somebody's rights are read")
        with (
            patch.object(owner, "with_user", side_effect=refused),
            patch.object(owner, "_filtered_access", side_effect=refused),
            patch.object(type(self.lead), "_filtered_access", side_effect=refused),
        ):
            self.calls._fold()
        self.assertFalse(any(self.calls.mapped("notify_date")))
        self.env.cr.precommit.run()
        messages = self.env["bus.bus"].search([("message", "like", '"airtel_ccp.call"')])
        sent = [json.loads(message.message)["payload"]["panel"] for message in messages]
        self.assertEqual({panel["id"] for panel in sent}, set(self.calls.ids))
        for panel in sent:
            self.assertFalse({"can_open", "record_name", "last"} & set(panel))
        shown = self.env["ccp.panel"].with_user(self.good.user_id).state()["call"]
        self.assertTrue(shown["can_open"])

    def test_every_way_that_closes(self):
        past = fields.Datetime.now() - timedelta(seconds=1)
        ways = {
            "form": lambda: [call.with_user(call.user_id).action_close() for call in self.calls],
            "panel": lambda: [
                self.env["ccp.panel"].with_user(call.user_id).close(call.id) for call in self.calls
            ],
            "deadline": lambda: self.env["ccp.call"]._cron_end_silent_calls(),
        }
        for name, close in ways.items():
            with self.subTest(way=name), self.env.cr.savepoint() as savepoint:
                self.calls.deadline = past
                with self.failing():
                    close()
                self.env.invalidate_all()
                self.assertEqual(self.calls.mapped("result"), ["no_report", "no_report"])
                self.assertFalse(any(self.calls.mapped("live")))
                self.assertTrue(self.bad.notify_date)
                self.assertFalse(self.good.notify_date)
                savepoint.rollback()

    def test_a_recording_that_is_fetched(self):
        for call in self.calls:
            call.write(
                {
                    "recorded": True,
                    "recording_state": "pending",
                    "recording_url": URL,
                    "recording_next_date": fields.Datetime.now() - timedelta(seconds=1),
                }
            )
        error = download.RecordingError("not_ready")
        with self.failing(), patch.object(download, "open_recording", side_effect=error):
            self.env["ccp.call"]._cron_fetch_recordings()
        self.assertEqual(self.calls.mapped("recording_tries"), [1, 1])

    def test_retention(self):
        self.env.company.ccp_keep_reports_days = 1
        for call in self.calls:
            self.report(call, *self.connected(), self.cdr(), fold=False)
            call.write({"live": False, "start_date": fields.Datetime.now() - timedelta(days=3)})
        with self.failing():
            self.env["ccp.call"]._cron_delete_old_data()
        self.assertEqual(self.calls.mapped("result"), ["connected", "connected"])
        self.assertTrue(all(self.calls.mapped("reports_deleted")))

    def test_reports_that_cannot_be_folded_are_kept(self):
        self.env.company.ccp_keep_reports_days = 1
        for call in self.calls:
            self.report(call, *self.connected(), self.cdr(), fold=False)
            call.write({"live": False, "start_date": fields.Datetime.now() - timedelta(days=3)})
        with self.failing("_derive"):
            self.env["ccp.call"]._cron_delete_old_data()
        self.assertTrue(self.good.reports_deleted)
        self.assertTrue(self.bad.event_ids)
        self.assertFalse(self.bad.reports_deleted)

    def test_a_call_that_cannot_be_derived_frees_its_agent_when_it_is_closed(self):
        self.calls.deadline = fields.Datetime.now() - timedelta(seconds=1)
        with self.failing("_derive"):
            self.env["ccp.call"]._cron_end_silent_calls()
        self.assertEqual(self.good.result, "no_report")
        self.assertRecordValues(self.bad, [{"fold_error": "ValueError", "live": False}])
        self.bad.fold_retry_date = fields.Datetime.now() - timedelta(seconds=1)
        self.env["ccp.call"]._cron_end_silent_calls()
        self.assertRecordValues(self.bad, [{"fold_error": False, "result": "no_report"}])

    def test_the_chosen_companies_of_the_user_who_looks_do_not_matter(self):
        other = self.env["res.company"].create({"name": "Another company"})
        manager = self.manager
        manager.company_ids |= other
        self.report(self.good, *self.connected(), fold=False)
        companies = (self.env.company | other).ids
        self.good.with_user(manager).with_context(allowed_company_ids=companies).action_refresh()
        self.assertRecordValues(
            self.good, [{"state": "in_call", "fold_error": False, "notify_date": False}]
        )

    def test_it_is_tried_again(self):
        self.report(self.bad, *self.connected(), fold=False)
        with self.failing():
            self.bad._fold()
        self.assertFalse(self.bad.card_message_ids)
        self.notify()
        self.assertFalse(self.bad.card_message_ids, "not before its time")
        self.bad.notify_date = fields.Datetime.now() - timedelta(seconds=1)
        self.notify()
        self.assertTrue(self.bad.card_message_ids)
        self.assertRecordValues(self.bad, [{"notify_date": False, "notify_tries": 0}])

    def test_the_card_of_a_click_is_posted_though_its_first_try_fails(self):
        with self.failing("_fold"):
            self.env["ccp.call"]._notify_accepted(self.bad.id)
        self.env.invalidate_all()
        self.assertFalse(self.bad.card_message_ids)
        self.assertTrue(self.bad.notify_date)
        self.bad.notify_date = fields.Datetime.now() - timedelta(seconds=1)
        self.notify()
        self.assertTrue(self.bad.card_message_ids)

    def test_a_call_whose_reports_cannot_be_counted_is_put_off(self):
        for call in self.calls:
            self.report(call, *self.connected(), fold=False)
        with self.failing("_count_reports"):
            self.env["ccp.call"]._cron_fold()
        self.assertEqual(self.calls.mapped("fold_error"), ["ValueError", False])
        self.assertEqual(self.good.state, "in_call")
        self.assertTrue(self.bad.fold_retry_date)

    def test_it_is_given_up_at_last(self):
        self.report(self.bad, *self.connected(), self.cdr(), fold=False)
        with self.failing():
            self.bad._fold()
            for tries in range(1, len(ccp_call_notify.PAUSES) + 1):
                self.assertEqual(self.bad.notify_tries, tries)
                self.bad.notify_date = fields.Datetime.now() - timedelta(seconds=1)
                self.notify()
        self.assertRecordValues(self.bad, [{"notify_date": False, "ended": True}])

    def test_a_rule_about_ended_calls_that_fails(self):
        for call in self.calls:
            self.report(call, *self.connected(), self.cdr())
        self.assertFalse(any(self.calls.mapped("ended")))
        owner = type(self.env["ccp.call"])
        write, written = owner.write, []

        def rule(calls, values):
            if values.get("ended"):
                written.append(len(calls))
                if self.bad in calls:
                    raise ValueError("rule")
            return write(calls, values)

        with patch.object(owner, "write", rule):
            self.notify()
        self.assertEqual(written, [1, 1], "each call by itself")
        self.assertEqual(self.calls.mapped("ended"), [False, True])
        self.assertEqual(self.calls.mapped("result"), ["connected", "connected"])
        self.bad.notify_date = fields.Datetime.now() - timedelta(seconds=1)
        self.notify()
        self.assertTrue(self.bad.ended)

    def test_a_call_that_keeps_meeting_other_transactions(self):
        """The calls behind it do not wait until what others do is over."""
        self.startPatcher(patch.object(contention, "WAIT_SECONDS", contention.PAUSE_SECONDS))

        def commit(crons, *_arguments, **_options):
            crons.env.cr.commit()
            return 1

        owner = type(self.env["ccp.call"])
        for name in ("_derive", "_notify"):
            with self.subTest(work=name), self.env.cr.savepoint() as savepoint:
                for call in self.calls:
                    self.report(call, *self.connected(), fold=False)
                original = getattr(owner, name)

                def work(calls, *arguments, original=original):
                    if self.bad in calls:
                        raise SerializationFailure
                    return original(calls, *arguments)

                with (
                    patch.object(owner, name, work),
                    patch.object(type(self.env["ir.cron"]), "_commit_progress", commit),
                    self.registry.cursor() as cr,
                ):
                    self.env(cr=cr)["ccp.call"]._cron_fold()
                self.env.invalidate_all()
                self.assertEqual(self.good.state, "in_call")
                self.assertTrue(self.good.card_message_ids)
                marked = self.bad.fold_retry_date if name == "_derive" else self.bad.notify_date
                self.assertLessEqual(marked, fields.Datetime.now() + timedelta(minutes=1))
                savepoint.rollback()

    def test_a_note_is_kept_though_its_card_fails(self):
        self.report(self.bad, *self.connected())
        with self.failing("_update_cards"):
            answer = (
                self.env["ccp.panel"]
                .with_user(self.other_rep)
                .save_note(self.bad.id, "Likes tea", "")
            )
        self.assertEqual(answer, {"saved": True, "note": "Likes tea"})
        self.assertTrue(self.bad.notify_date)
        self.bad.notify_date = fields.Datetime.now() - timedelta(seconds=1)
        self.notify()
        self.assertIn("Likes tea", self.bad.card_message_ids[:1].body)

    def test_a_planned_call_that_cannot_be_marked_done(self):
        """Neither does the call stay in the panel, nor do others' planned calls wait."""
        for call in self.calls:
            self.report(call, *self.connected(), self.cdr())
        self.calls.end_date = fields.Datetime.now() - timedelta(hours=1)
        with self.failing("_consume_activity"):
            self.env["ccp.panel"].with_user(self.other_rep).dismiss(self.bad.id)
            self.env["ccp.call"]._cron_consume_activities()
        self.assertTrue(self.bad.dismissed)
        self.assertEqual(self.calls.mapped("activity_done"), [False, True])
        self.env["ccp.call"]._cron_consume_activities()
        self.assertTrue(self.bad.activity_done)

    def test_an_answer_is_kept_though_a_rule_about_it_fails(self):
        owner = type(self.env["ccp.call"])
        write = owner.write

        def rule(calls, values):
            if "request_outcome" in values:
                raise ValueError("rule")
            return write(calls, values)

        self.bad.write({"request_outcome": "queued", "correlation_id": False})
        self.env.flush_all()
        with patch.object(owner, "write", rule):
            self.env["ccp.call"]._settle(
                self.bad.id,
                {"request_outcome": "accepted", "correlation_id": "Xchange-kept"},
                {"status": 200, "seconds": 0.1},
            )
        self.env.invalidate_all()
        self.assertRecordValues(
            self.bad, [{"request_outcome": "accepted", "correlation_id": "Xchange-kept"}]
        )

    def test_reports_of_others_find_their_calls(self):
        """Though the search for one report's call fails."""
        self.calls.write({"correlation_id": False})
        self.bad.correlation_id, self.good.correlation_id = "Xchange-bad", "Xchange-good"
        token = self.env.company.ccp_webhook_token
        for name in ("bad", "good"):
            raw = json.dumps(self.cdr(Client_Correlation_Id=f"Xchange-{name}")).encode()
            with self.registry.cursor() as cr:
                report_store.receive(cr, token, None, raw)
        self.env.invalidate_all()
        owner = type(self.env["ccp.call.event"])
        call_of = owner._call_of

        def fail(event, report, *arguments):
            if report.correlation_id == "Xchange-bad":
                raise ValueError("search")
            return call_of(event, report, *arguments)

        with patch.object(owner, "_call_of", fail), mute_logger(MATCH_LOGGER):
            self.env["ccp.call"]._cron_fold()
        self.assertEqual(self.calls.mapped("result"), [False, "connected"])
        waiting = self.env["ccp.call.event"].search([("call_id", "=", False)])
        waiting.match_date = fields.Datetime.now() - timedelta(hours=1)
        self.env["ccp.call"]._cron_fold()
        self.assertEqual(self.calls.mapped("result"), ["connected", "connected"])

    def test_a_rule_about_any_change_that_fails(self):
        for call in self.calls:
            self.report(call, *self.connected(), fold=False)
        owner = type(self.env["ccp.call"])
        write = owner.write

        def rule(calls, values):
            if self.bad in calls:
                raise ValueError("rule")
            return write(calls, values)

        with patch.object(owner, "write", rule):
            self.env["ccp.call"]._cron_fold()
        self.assertEqual(self.good.state, "in_call")
        self.assertEqual(self.bad.fold_error, "ValueError")
