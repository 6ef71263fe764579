import json
from contextlib import contextmanager
from datetime import timedelta
from itertools import permutations
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CONNECTS, CcpCase

RECORDING = "https://recordings.airtel.in/a.wav?token=ab+c/d=="


@tagged("post_install", "-at_install")
class TestFold(CcpCase):
    """Reports become state, result, times, the chatter card and a bus message."""

    def setUp(self):
        super().setUp()
        self.call = self.make_call()

    def test_states_follow_the_reports(self):
        call, expected = (
            self.call,
            {
                "CalledNumber A": "ringing_agent",
                "Ringing A": "ringing_agent",
                "Answer A": "ringing_customer",
                "CalledNumber B": "ringing_customer",
                "Ringing B": "ringing_customer",
                "Answer B": "in_call",
            },
        )
        for report in self.connected():
            self.report(call, report)
            name = f"{report['event']} {report['participantName']}"
            self.assertEqual(call.state, expected[name], name)
        self.assertTrue(call.answer_date)
        self.report(call, self.cdr(Recording=RECORDING))
        self.assertRecordValues(
            call,
            [
                {
                    "state": "ended",
                    "result": "connected",
                    "talk_seconds": 42,
                    "live": False,
                    "deadline": False,
                    "recording_state": "pending",
                    "session_id": "5f0c4b1e-0000-4000-8000-000000000001",
                }
            ],
        )
        self.assertEqual(call.recording_url, RECORDING)

    def test_order_does_not_matter(self):
        reports = [self.event("Answer", "A", 1), self.event("Answer", "B", 2), self.cdr()]
        for order in permutations(reports):
            call = self.make_call(live=False)
            self.report(call, *order)
            self.assertEqual((call.state, call.result), ("ended", "connected"))

    def test_folding_again_changes_nothing(self):
        self.report(self.call, *self.connected())
        self.env.flush_all()
        kept = ["state", "result", "answer_date", "deadline", "live"]
        before = self.call.read(kept), self.cards(self.lead).body
        self.call._fold()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual((self.call.read(kept), self.cards(self.lead).body), before)

    def test_card_on_lead_and_contact(self):
        self.report(self.call, *self.connected())
        self.report(self.call, self.cdr(Recording=RECORDING))
        for record in (self.lead, self.partner):
            card = self.cards(record)
            self.assertEqual(len(card), 1, record)
            self.assertEqual(card.author_id, self.rep.partner_id)
            self.assertIn("Connected, talked for 00:42", card.body)
            self.assertIn("Priya Sharma picked up", card.body)
            self.assertIn(f"/airtel_ccp/recording/{self.call.id}", card.body)
            self.assertNotIn("airtel.in", card.body, "Airtel's address lets anyone listen")
            self.assertNotIn("7000000101", card.body)
            self.assertFalse(card.notification_ids)
        self.assertFalse(self.env["mail.mail"].search([("mail_message_id", "in", card.ids)]))

    def test_card_is_the_contacts_only_once(self):
        call = self.make_call(res_model="res.partner", res_id=self.partner.id, live=False)
        self.report(call, *self.connected())
        self.assertEqual(len(self.cards(self.partner)), 1)

    def test_outside_text_is_escaped(self):
        evil = "<img src=x onerror=alert(1)>"
        self.partner.name = evil
        call = self.make_call(live=False, customer_name=evil)
        self.report(
            call,
            self.event("Disconnected", "A", 3, causeCode="16", causeCodeDescription=evil),
            {"requestMessageType": "x", "responseType": "ERROR", "errorMessage": evil},
        )
        self.assertNotIn("<img", self.cards(self.lead)[:1].body)
        self.assertNotIn("<img", call.timeline_html)

    def test_notes_for_companies_that_prefer_them(self):
        self.env.company.ccp_chatter_mode = "notes"
        before = len(self.lead.message_ids)
        reports = self.connected()
        self.report(self.call, *reports)
        self.assertEqual(len(self.lead.message_ids) - before, 6)
        self.report(self.call, reports[1])
        self.assertEqual(len(self.lead.message_ids) - before, 6, "a repeat is no new note")
        self.assertFalse(self.cards(self.lead))

    def test_record_is_gone(self):
        self.report(self.call, self.connected()[0])
        self.lead.unlink()
        self.report(self.call, *self.connected(), self.cdr())
        self.assertEqual(self.call.result, "connected")
        self.assertIn("Connected", self.cards(self.partner).body)

    def test_bus_tells_the_agent(self):
        self.env["bus.bus"].search([]).unlink()
        self.report(self.call, *self.connected())
        self.env.cr.precommit.run()
        messages = self.env["bus.bus"].search([]).mapped("message")
        to_agent, to_leaders = sorted(messages, key=len, reverse=True)
        self.assertIn("in_call", to_agent)
        self.assertNotIn("7000000101", to_agent)
        self.assertEqual(json.loads(to_leaders), {"type": "airtel_ccp.live", "payload": {}})

    def test_cron_folds_what_is_new_and_survives_poison(self):
        good, bad = self.call, self.make_call(user_id=self.other_rep.id)
        self.report(bad, self.event("Answer", "A", 1), fold=False)
        self.report(good, self.event("Answer", "A", 1), fold=False)
        calls_class = type(self.env["ccp.call"])
        original = calls_class._derive

        def poisoned(calls, *arguments):
            if bad in calls:
                raise ValueError("poison")
            return original(calls, *arguments)

        with (
            patch.object(calls_class, "_derive", poisoned),
            patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1),
            mute_logger("odoo.addons.airtel_ccp.models.ccp_call_fold"),
        ):
            self.env["ccp.call"]._cron_fold()
        self.assertEqual(good.state, "ringing_customer")
        self.assertRecordValues(bad, [{"state": "ringing_agent", "fold_error": "ValueError"}])
        self.assertGreater(bad.fold_retry_date, fields.Datetime.now())
        bad.fold_retry_date = fields.Datetime.now() - timedelta(seconds=1)
        self.env.flush_all()
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_fold()
        self.assertRecordValues(
            bad, [{"state": "ringing_customer", "fold_error": False, "fold_retry_date": False}]
        )

    def test_one_bad_call_among_many_is_found(self):
        calls = self.call.union(*(self.make_call(live=False) for _number in range(9)))
        bad = calls[6]
        for call in calls:
            self.report(call, *self.connected(), fold=False)
        calls_class = type(self.env["ccp.call"])
        original = calls_class._timeline

        def poisoned(call, reports=None):
            if call == bad:
                raise ValueError("poison")
            return original(call, reports)

        with (
            patch.object(calls_class, "_timeline", poisoned),
            patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1),
            self.assertLogs("odoo.addons.airtel_ccp.models.ccp_call_fold") as logs,
        ):
            self.env["ccp.call"]._cron_fold()
        self.assertEqual(len(logs.records), 1, "the bad call is told once")
        self.assertEqual(set((calls - bad).mapped("state")), {"in_call"})
        self.assertFalse((calls - bad).filtered("fold_error"))
        self.assertTrue(all((calls - bad).event_ids.mapped("folded")))
        self.assertEqual(len(self.cards(self.lead)), 9)
        self.assertRecordValues(bad, [{"state": "ringing_agent", "fold_error": "ValueError"}])
        self.assertFalse(any(bad.event_ids.mapped("folded")))

    def cut_off(self, *groups):
        """Leave what a worker leaves that was killed while it folded some calls."""
        folder = self.env["ccp.call"]._fold_marks().folder
        folder.mkdir(parents=True, exist_ok=True)
        for number, calls in enumerate(groups):
            mark = folder / f"{number}-test.mark"
            mark.write_text(" ".join(map(str, calls.ids)))
            self.addCleanup(mark.unlink, missing_ok=True)

    def fold_all(self):
        with (
            patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1),
            mute_logger("odoo.addons.airtel_ccp.models.ccp_call_fold"),
        ):
            self.env["ccp.call"]._cron_fold()
        self.env.flush_all()

    def test_a_fold_that_killed_its_worker_is_put_off(self):
        """Everybody else folds; it is tried again after a minute, and later if it kills again."""
        bad, other = self.call, self.make_call(live=False)
        for call in bad + other:
            self.report(call, *self.connected(), fold=False)
        for minutes in (1, 15):
            self.cut_off(bad)
            self.fold_all()
            self.assertEqual(other.state, "in_call")
            self.assertRecordValues(
                bad, [{"state": "ringing_agent", "fold_error": "FoldCutOff", "live": True}]
            )
            wait = bad.fold_retry_date - fields.Datetime.now()
            self.assertAlmostEqual(wait.total_seconds(), minutes * 60, delta=30)
            self.assertFalse(self.env["ccp.call"]._cut_off_folds())
            bad.fold_retry_date = fields.Datetime.now() - timedelta(seconds=1)
            self.env.flush_all()
        bad.fold_retry_date = fields.Datetime.now() + timedelta(minutes=15)
        self.as_user(bad, self.rep).action_refresh()
        self.env["ccp.panel"].with_user(self.rep).state()
        self.assertEqual(bad.state, "ringing_agent", "nobody who looks at it tries it again")
        bad.fold_retry_date = fields.Datetime.now() - timedelta(seconds=1)
        self.fold_all()
        self.assertRecordValues(bad, [{"state": "in_call", "fold_error": False}])

    def test_a_call_that_is_put_off_can_be_closed(self):
        self.report(self.call, *self.connected(), fold=False)
        self.cut_off(self.call)
        with mute_logger("odoo.addons.airtel_ccp.models.ccp_call_fold"):
            self.call.with_user(self.rep).action_close()
        self.assertRecordValues(self.call, [{"live": False, "fold_error": "FoldCutOff"}])

    def test_the_one_that_kills_is_found_among_those_folded_together(self):
        calls = self.call.union(*(self.make_call(live=False) for _number in range(3)))
        for call in calls:
            self.report(call, *self.connected(), fold=False)
        under_way = []
        original = type(self.call)._derive

        def note(some, *arguments):
            marked = [mark.ids for mark in some._cut_off_folds()]
            under_way.append((some.ids, marked))
            return original(some, *arguments)

        self.cut_off(calls)
        with patch.object(type(self.call), "_derive", note):
            self.fold_all()
        self.assertEqual([ids for ids, _marked in under_way], [[each] for each in calls.ids])
        self.assertEqual(set(calls.mapped("state")), {"in_call"})
        self.assertFalse(self.env["ccp.call"]._cut_off_folds())
        self.assertFalse(list(self.env["ccp.call"]._fold_marks().folder.glob("*.mark")))

    def test_a_folder_that_takes_no_mark_stops_no_fold(self):
        marks = type(self.env["ccp.call"]._fold_marks())
        with (
            patch.object(marks, "_begin", side_effect=PermissionError),
            patch.object(marks, "cut_off", side_effect=PermissionError),
        ):
            self.report(self.call, *self.connected(), fold=False)
            self.fold_all()
        self.assertEqual(self.call.state, "in_call")

    def test_calls_that_are_folded_together_wake_the_fetch_once(self):
        calls = self.call | self.make_call(live=False) | self.make_call(live=False)
        for call in calls:
            self.report(call, self.cdr(Recording=RECORDING), fold=False)
        cron = self.env.ref("airtel_ccp.ir_cron_fetch_recordings")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        calls._fold()
        self.assertEqual(calls.mapped("recording_state"), ["pending"] * 3)
        woken = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]) - triggers
        self.assertEqual(len(woken), 1)

    def test_what_did_not_change_is_not_told(self):
        self.report(self.call, *self.connected())
        self.env.cr.precommit.run()
        self.env["bus.bus"].search([]).unlink()
        self.call._fold()
        self.env.cr.precommit.run()
        self.assertFalse(self.env["bus.bus"].search([]))

    def end_silent_calls(self):
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_end_silent_calls()

    @contextmanager
    def committing(self, tell_seconds):
        """Note how many calls the action had folded, and had left, whenever it commits."""
        kept = []

        def commit(_action, processed=0, *, remaining):
            kept.append((processed, remaining))
            return 1

        with (
            patch("odoo.addons.airtel_ccp.models.ccp_call_fold_queue.COMMIT_SECONDS", tell_seconds),
            patch.object(type(self.env["ir.cron"]), "_commit_progress", commit),
        ):
            yield kept

    def test_what_is_folded_is_kept_and_told_without_waiting_for_the_rest(self):
        """Browsers are notified with the commit, so a long batch is committed in parts."""
        calls = self.call.union(*(self.make_call(live=False) for _number in range(5)))
        for call in calls:
            self.report(call, *self.connected(), fold=False)
        with self.committing(tell_seconds=0) as kept:
            self.env["ccp.call"]._cron_fold()
        self.assertEqual(kept, [(1, left) for left in (5, 4, 3, 2, 1, 0)])
        calls.event_ids.folded = False
        with self.committing(tell_seconds=60) as kept:
            self.env["ccp.call"]._cron_fold()
        self.assertEqual(kept, [(6, 0)])

    def test_while_more_wait_than_fit_a_batch_more_are_kept_at_once(self):
        """On a slow machine, a commit for each few of them would keep all waiting longer."""
        calls = self.call.union(*(self.make_call(live=False) for _number in range(6)))
        for call in calls:
            self.report(call, *self.connected(), fold=False)
        module = "odoo.addons.airtel_ccp.models.ccp_call_fold_queue"
        with (
            patch(f"{module}.BATCH", 3),
            patch(f"{module}.BACKLOG_SECONDS", 60),
            self.committing(tell_seconds=0) as kept,
        ):
            self.env["ccp.call"]._cron_fold()
        self.assertEqual(kept, [(3, 4), (3, 1), (1, 0)])

    def test_deadline_ends_silent_calls(self):
        past = fields.Datetime.now() - timedelta(seconds=1)
        self.call.deadline = past
        other = self.make_call(
            user_id=self.other_rep.id, deadline=fields.Datetime.now() + timedelta(minutes=1)
        )
        self.end_silent_calls()
        self.assertRecordValues(
            self.call, [{"state": "ended", "result": "no_report", "live": False}]
        )
        self.assertEqual(other.state, "ringing_agent")

    def test_deadline_keeps_what_is_known(self):
        self.report(self.call, self.event("CalledNumber", "A", 1), self.event("Busy", "A", 2))
        self.call.deadline = fields.Datetime.now() - timedelta(seconds=1)
        self.end_silent_calls()
        self.assertEqual(self.call.result, "agent_busy")

    def test_late_cdr_corrects_a_call_that_was_given_up(self):
        self.call.deadline = fields.Datetime.now() - timedelta(seconds=1)
        self.end_silent_calls()
        self.report(self.call, self.cdr())
        self.assertRecordValues(self.call, [{"state": "ended", "result": "connected"}])

    def test_late_reports_do_not_take_the_line_again(self):
        self.call.with_user(self.rep).action_close()
        self.env.flush_all()
        self.assertFalse(self.call.live)
        second = self.make_call()
        self.report(self.call, *self.connected())
        self.assertRecordValues(self.call + second, [{"live": False}, {"live": True}])

    def test_state_moves_the_deadline(self):
        self.report(self.call, *self.connected())
        self.assertGreater(self.call.deadline, fields.Datetime.now() + timedelta(hours=3))

    def test_only_the_agent_closes(self):
        self.call.with_user(self.manager).action_close()
        self.assertTrue(self.call.live)

    def test_form_folds_on_the_spot(self):
        self.report(self.call, *self.connected(), fold=False)
        self.assertEqual(self.call.state, "ringing_agent")
        self.as_user(self.call, self.rep).action_refresh()
        self.assertEqual(self.call.state, "in_call")

    def test_summary_tells_operators_circles_causes_and_pulses(self):
        call = self.make_call(live=False)
        self.report(
            call,
            self.cdr(
                Caller_Operator_Name="Airtel",
                Caller_Circle_Name="Kerala",
                Destination_Operator_Name="Jio",
                Destination_Circle_Name="Mumbai",
                Destination_Status_Detail=f"16 | 699 | Cleared by {CONNECTS} | Disconnected",
                Pulse_Count="3",
            ),
        )
        self.assertRecordValues(
            call,
            [
                {
                    "agent_operator": "Airtel",
                    "agent_circle": "Kerala",
                    "customer_operator": "Jio",
                    "customer_circle": "Mumbai",
                    "pulses": 3,
                }
            ],
        )
        self.assertIn("Cleared by", call.customer_cause)
        self.assertNotIn(CONNECTS, call.customer_cause)
