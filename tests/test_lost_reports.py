import random
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from ..ccp.airtel.reports import kind_and_fingerprint
from .common import LONG, CcpCase
from .histories import SCRIPTS, history

CALLS = 300 if LONG else 60
LOST = 0.05
DERIVED = ("state", "result", "talk_seconds", "hung_up_by", "end_date", "answer_date", "pulses")


@tagged("post_install", "-at_install")
class TestLostReports(CcpCase):
    """Reports get lost: those that arrived decide, and those that arrive later correct it."""

    def make_calls(self):
        call = self.place()
        body = self.sandbox.calls()[0]["body"]
        call.live = False
        rng = random.Random(6)
        for number in range(CALLS):
            script = SCRIPTS[number % len(SCRIPTS)]
            new = self.make_call(
                live=False,
                correlation_id=False,
                deadline=fields.Datetime.now() + timedelta(minutes=5),
            )
            yield new, history(body, script, rng), rng

    def test_one_report_in_twenty_is_lost(self):
        calls = self.env["ccp.call"]
        lost = {}
        count = 0
        for call, reports, rng in self.make_calls():
            lost[call] = [report for report in reports if rng.random() < LOST]
            arrived = [report for report in reports if report not in lost[call]]
            count += len(reports)
            self.report(call, *arrived, fold=False)
            calls |= call
        self.assertGreater(sum(map(len, lost.values())), count * LOST / 2)
        calls._fold()
        self.end_silent(calls)
        for call in calls:
            self.assertEqual(call.state, "ended", call.event_ids.mapped("summary"))
            self.assert_justified(call)
        ended = {call: call.read(DERIVED)[0] for call in calls}
        for call, reports in lost.items():
            self.report(call, *reports)
            self.assert_justified(call)
        corrected = [call for call in calls if call.read(DERIVED)[0] != ended[call]]
        self.assertTrue(corrected, "what was lost made no difference at all")

    def assert_justified(self, call):
        """Check that a call holds what follows from its reports, and nothing else."""
        self.assertFalse(call._changes(call._timeline()))
        self.assertFalse(call.deadline or call.live)
        self.assertEqual(len(call.card_message_ids), len(set(call.card_message_ids)))

    def test_late_reports_give_the_same_call(self):
        """Of two calls with the same reports, one gets all at once, the other one some later."""
        for call, reports, rng in self.make_calls():
            twin = self.make_call(live=False, correlation_id=False, start_date=call.start_date)
            kept = [report for report in reports if rng.random() >= LOST * 4]
            self.report(call, *kept)
            self.end_silent(call)
            self.report(call, *(report for report in reports if report not in kept))
            self.report(twin, *reports)
            self.end_silent(twin)
            self.assertEqual(call.read(DERIVED)[0] | {"id": 0}, twin.read(DERIVED)[0] | {"id": 0})
            prints = {kind_and_fingerprint(report)[1] for report in reports}
            self.assertEqual(set(call.event_ids.mapped("fingerprint")), prints)
