import json
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..models import ccp_call_bounds, report_store
from ..models.ccp_call_bounds import COUNTED_REPORTS, MAX_NOTE
from ..models.ccp_call_card import MAX_LINES
from .common import CONNECTS, CcpCase

LONG = "x" * 50_000
KEPT = ["state", "result", "talk_seconds", "answer_date", "report_bound"]


@tagged("post_install", "-at_install")
class TestBounds(CcpCase):
    """What one call takes from outside at most, and what that costs it and others."""

    def setUp(self):
        super().setUp()
        self.call = self.make_call()

    def junk(self, count, start=0, **values):
        """Return events that say nothing of the call, as a sender that loops posts them."""
        return [
            {"eventType": "CALL", "event": f"Loop {number}", **values}
            for number in range(start, start + count)
        ]

    def other_call(self):
        return self.make_call(live=False, start_date=self.call.start_date)

    def refuse(self, limit, amount):
        return patch.object(ccp_call_bounds, limit, amount)

    def test_a_flood_of_one_kind_hides_no_other(self):
        """What counts follows from what the reports are, not from their order."""
        reports = [*self.junk(400), *self.connected(), self.cdr()]
        other = self.other_call()
        self.report(self.call, *reports)
        self.report(other, *reversed(reports))
        self.assertRecordValues(
            self.call,
            [{"state": "ended", "result": "connected", "talk_seconds": 42, "live": False}],
        )
        self.assertEqual(self.call.report_bound, "counted")
        counted = self.call._counted_reports()[self.call].reports
        self.assertEqual(len(counted), COUNTED_REPORTS["event"] + 1)
        names = [
            {event.fingerprint for event in call._counted_reports()[call].reports}
            for call in self.call + other
        ]
        self.assertEqual(*names)
        self.assertEqual(*((call.read(KEPT)[0] | {"id": 0}) for call in self.call + other))
        self.assertTrue(all(self.call.event_ids.mapped("folded")))

    def test_long_junk_displaces_no_report_of_its_kind(self):
        long_cdrs = [
            self.cdr(Overall_Call_Status="Missed", junk=f"{number}{LONG}") for number in range(8)
        ]
        self.report(self.call, *self.junk(8, junk=LONG), *long_cdrs)
        self.report(self.call, *self.connected(), self.cdr())
        self.assertEqual((self.call.result, self.call.talk_seconds), ("connected", 42))

    def test_a_flooded_call_is_never_read_whole(self):
        self.report(self.call, *self.connected(), *self.junk(30, junk=LONG), fold=False)
        events = type(self.env["ccp.call.event"])
        parsed_each = events._parsed_each
        read = []

        def note(some):
            read.append(sum(len(event.payload) for event in some))
            return parsed_each(some)

        with patch.object(events, "_parsed_each", note):
            self.call._fold()
        self.assertEqual(self.call.state, "in_call")
        self.assertLess(sum(read), 2 * ccp_call_bounds.COUNTED_BYTES)
        cached = events._fields["payload"]._get_cache(self.env).values()
        self.assertLess(sum(map(len, cached)), 2 * ccp_call_bounds.COUNTED_BYTES)

    def test_marking_takes_one_statement_however_many_they_are(self):
        self.report(self.call, *self.connected())
        self.report(self.call, self.event("DTMF", "B", 40, dtmf="1"), fold=False)
        counts = []
        for start in (0, 200, 400):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.call._fold()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
            self.report(self.call, *self.junk(200, start), fold=False)
        self.assertLessEqual(counts[2], counts[1])
        self.call._fold()
        self.assertTrue(all(self.call.event_ids.mapped("folded")))

    def receive(self, call, report, header=None):
        """Have one report come, and return whether it was stored."""
        before = len(call.event_ids)
        self.report(call, report, fold=False)
        return len(call.event_ids) > before

    def test_past_a_second_bound_only_records_are_kept_and_then_nothing(self):
        with self.refuse("KEPT_REPORTS", 20), self.refuse("KEPT_CDRS", 3):
            self.report(self.call, *self.junk(20))
            self.assertEqual(self.call.report_bound, "cdr")
            self.assertFalse(self.receive(self.call, self.event("Answer", "A", 1)))
            self.assertTrue(self.receive(self.call, self.cdr()))
            self.call._fold()
            self.assertEqual(self.call.result, "connected")
            self.report(self.call, *(self.cdr(number=number) for number in range(2)))
            self.assertEqual(self.call.report_bound, "full")
            self.assertFalse(self.receive(self.call, self.cdr(number=9)))

    def test_bytes_count_too(self):
        with self.refuse("KEPT_BYTES", 200_000):
            self.report(self.call, *self.junk(5, junk=LONG))
            self.assertEqual(self.call.report_bound, "cdr")
            self.report(self.call, *(self.cdr(junk=f"{number}{LONG}") for number in range(5)))
            self.assertEqual(self.call.report_bound, "full")

    def test_bounds_hold_for_calls_that_are_not_derived(self):
        """A call whose reports were deleted, and one that cannot be folded, take no more either."""
        deleted = self.make_call(live=False)
        self.report(deleted, self.cdr())
        self.delete_reports(deleted)
        with (
            self.refuse("KEPT_REPORTS", 20),
            patch.object(type(self.call), "_changes", side_effect=ZeroDivisionError),
            self.assertLogs("odoo.addons.airtel_ccp.models.ccp_call_fold"),
        ):
            self.report(self.call, *self.junk(20))
            self.report(deleted, *self.junk(20))
        self.assertEqual((self.call + deleted).mapped("report_bound"), ["cdr", "cdr"])

    def test_a_bound_costs_the_request_no_statement(self):
        self.report(self.call, self.connected()[0])
        for number, (bound, expected) in enumerate(
            ((False, 2), ("counted", 2), ("full", 1), ("cdr", 1))
        ):
            self.call.report_bound = bound
            self.env.flush_all()
            raw = json.dumps(self.junk(1, start=number)[0]).encode()
            with self.subTest(bound=bound), self.assertQueryCount(expected):
                token = f"token-{self.call.id}"
                self.assertTrue(report_store.receive(self.env.cr, token, None, raw))

    def test_card_and_bus_do_not_grow(self):
        sizes = []
        for count in (60, 160):
            call = self.other_call()
            self.env["bus.bus"].search([]).unlink()
            self.report(call, *self.connected(), *self.junk(count))
            self.report(call, *self.junk(20, start=count))
            self.env.cr.precommit.run()
            messages = self.env["bus.bus"].search([]).mapped("message")
            card = call.card_message_ids[:1]
            self.assertIn("see the call", card.body)
            sizes.append((len(card.body), sum(map(len, messages))))
        (small, few), (large, many) = sizes
        self.assertLess(large, small + 200)
        self.assertLess(many, few + 200)

    def test_notes_do_not_fill_a_chatter(self):
        self.env.company.ccp_chatter_mode = "notes"
        before = len(self.lead.message_ids)
        for start in (0, 60, 120):
            self.report(self.call, *self.junk(60, start=start))
        notes = self.lead.message_ids[: len(self.lead.message_ids) - before]
        self.assertEqual(len(notes), MAX_LINES + 1)
        self.assertIn("Airtel reported more", notes[0].body)

    def test_the_page_of_a_call_has_a_bounded_timeline(self):
        events = [self.event("Ringing", "A", number) for number in range(200)]
        self.report(self.call, *(self.cdr(events=events, number=number) for number in range(3)))
        with patch("odoo.addons.airtel_ccp.models.ccp_call_timeline.MAX_LINES", 1):
            self.assertIn("more", self.call._render_timeline())

    def test_a_note_is_bounded_at_every_door(self):
        longest, long = "n" * MAX_NOTE, "n" * (MAX_NOTE + 1)
        panel = self.env["ccp.panel"].with_user(self.rep)
        entries = self.env["ccp.call.entry"].with_user(self.rep)
        manual = self.env["ccp.manual.call"].with_user(self.rep)
        about = {"res_model": "crm.lead", "res_id": self.lead.id, "phone": CONNECTS}
        self.assertTrue(panel.save_note(self.call.id, longest, "")["saved"])
        doors = {
            "panel": lambda: panel.save_note(self.call.id, long, longest),
            "follow-up": lambda: panel.follow_up(self.call.id, "tomorrow", long),
            "entry": lambda: entries.create({"call_id": self.call.id, "note": long}),
            "changed entry": lambda: entries.create({"call_id": self.call.id}).write(
                {"note": long}
            ),
            "dialog": lambda: manual.create({**about, "note": long}),
            "row": lambda: self.make_call(live=False, note=long),
        }
        for door, knock in doors.items():
            with self.subTest(door=door):
                with self.assertRaises(ValidationError) as refused:
                    knock()
                self.assertIn("shorten it", refused.exception.args[0])
        self.assertEqual(self.call.note, longest)

    def test_a_long_note_of_before_stays(self):
        self.env.cr.execute(
            "UPDATE ccp_call SET note = repeat('n', 5000) WHERE id = %s", [self.call.id]
        )
        self.env.invalidate_all()
        entry = self.env["ccp.call.entry"].with_user(self.rep)
        entry = entry.with_context(default_call_id=self.call.id).create({})
        entry.outcome_id = self.env.ref("airtel_ccp.ccp_call_outcome_interested")
        entry.action_save()
        self.assertEqual(len(self.call.note), 5000)
        self.assertLessEqual(len(self.cards(self.lead).body), MAX_NOTE + 2000)

    def test_health_says_which_call_passed_a_bound(self):
        health = self.env["ccp.health"]

        def line():
            self.env.flush_all()
            lines = health._check(self.env.company, ["bounds"])
            return lines.filtered(lambda each: each.key == "bounds")

        self.assertEqual(line().state, "ok")
        self.report(self.call, *self.junk(200))
        self.assertEqual(line().state, "warning")
        self.assertIn(f"number {self.call.id}", line().sentence)
        with self.refuse("KEPT_REPORTS", 20):
            self.call._fold()
        self.assertEqual((line().state, line().turn), ("bad", "administrator"))
        self.assertIn("7 days", line().sentence)
        self.env.flush_all()
        with self.assertQueryCount(3):
            health._check_bounds(self.env.company)
