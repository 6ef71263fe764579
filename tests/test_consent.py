from odoo.tests import tagged

from .common import CcpCase


@tagged("post_install", "-at_install")
class TestConsent(CcpCase):
    """Whether a call is recorded: the company's word, the flow's, the rep's."""

    def enabled(self):
        """Return what Airtel was asked about the recording of the last call."""
        body = self.sandbox.calls()[-1]["body"]
        return body["callFlowConfiguration"]["record"]["enabled"]

    def place_with(self, **options):
        """Click Call in a browser that sends options, and return the call."""
        calls = self.as_user(self.env["ccp.call"], self.rep)
        answer = calls.place("crm.lead", self.lead.id, "phone", None, None, options)
        self.env.invalidate_all()
        call = self.env["ccp.call"].browse(answer["call_id"])
        call.live = False
        self.env.flush_all()
        return call

    def question(self, **options):
        calls = self.as_user(self.env["ccp.call"], self.rep)
        return calls.place("crm.lead", self.lead.id, "phone", None, None, options)

    def test_mode_and_boolean_go_together(self):
        flow = self.flow
        self.assertEqual((flow.recording, flow.recording_mode), (True, "always"))
        flow.recording = False
        self.assertEqual(flow.recording_mode, "never")
        flow.recording_mode = "always"
        self.assertTrue(flow.recording)
        flow.recording_mode = "choice"
        self.assertTrue(flow.recording)
        flow.recording = False
        self.assertEqual(flow.recording_mode, "choice", "only what holds without an answer")
        flow.recording_mode = "never"
        self.assertFalse(flow.recording)
        cases = (
            ({"recording": False}, (False, "never")),
            ({"recording_mode": "never"}, (False, "never")),
            ({"recording_mode": "choice"}, (True, "choice")),
            ({"recording_mode": "choice", "recording": False}, (False, "choice")),
            ({"recording_mode": "always", "recording": True}, (True, "always")),
            ({}, (True, "always")),
        )
        for position, (values, expected) in enumerate(cases):
            with self.subTest(values=values):
                flow = self.env["ccp.call.flow"].create(
                    {
                        "name": "F",
                        "code": f"F{position}",
                        "caller_number": "8000000001",
                        **values,
                    }
                )
                flow.flush_recordset()
                flow.invalidate_recordset()
                self.assertEqual((flow.recording, flow.recording_mode), expected)

    def test_by_flow(self):
        for mode, recorded in (("always", True), ("never", False)):
            with self.subTest(mode=mode):
                self.flow.recording_mode = mode
                call = self.place_with(record=not recorded)
                self.assertEqual((call.recorded, self.enabled()), (recorded, recorded))

    def test_rep_is_asked(self):
        self.flow.write({"recording_mode": "choice", "announces_recording": True})
        self.assertEqual(self.question(), {"record": {"default": True, "announced": True}})
        self.flow.write({"recording": False, "announces_recording": False})
        self.assertEqual(self.question(), {"record": {"default": False, "announced": False}})
        self.assertEqual(
            self.question(record="yes"), {"record": {"default": False, "announced": False}}
        )
        self.assertFalse(self.sandbox.calls(), "nothing is dialled before the answer")

    def test_rep_is_asked_together_with_the_number(self):
        self.flow.recording_mode = "choice"
        self.lead.phone = "70000 00101 / 70000 00102"
        question = self.question()
        self.assertEqual(len(question["choices"]), 2)
        self.assertEqual(question["record"], {"default": True, "announced": False})
        self.assertNotIn("record", self.question(record=True))

    def test_answer_counts(self):
        self.flow.write({"recording_mode": "choice", "announces_recording": True})
        for answer in (True, False):
            with self.subTest(answer=answer):
                call = self.place_with(record=answer)
                self.assertEqual(self.enabled(), answer)
                self.assertEqual((call.recorded, call.recording_announced), (answer, answer))

    def test_nobody_was_asked(self):
        """A server action has nobody to ask: the flow's default holds."""
        self.flow.write({"recording_mode": "choice", "recording": False})
        self.assertFalse(self.place().recorded)
        self.assertIs(self.enabled(), False)

    def test_company_rules_recording_out(self):
        self.env.company.ccp_recording_policy = "never"
        for mode in ("always", "choice", "never"):
            with self.subTest(mode=mode):
                self.flow.recording_mode = mode
                call = self.place_with(record=True)
                self.assertEqual((call.recorded, self.enabled()), (False, False))

    def test_call_not_announced(self):
        self.assertFalse(self.place().recording_announced)

    def test_recording_that_nobody_asked_for(self):
        """A recording that customer or company did not want is not fetched, even if it exists."""
        url = "https://recordings.airtel.in/r?token=secret"
        call = self.make_call(live=False, recorded=False)
        with self.assertLogs("odoo.addons.airtel_ccp", level="WARNING") as logs:
            self.report(call, *self.connected(), self.cdr(Recording=url))
        self.assertEqual((call.result, call.recording_state), ("connected", "none"))
        self.assertFalse(call.recording_url)
        self.assertIn("recorded it unasked", logs.output[-1])
        self.assertNotIn("token=", "\n".join(logs.output))

    def test_call_keeps_what_it_was_asked(self):
        """The flow may change while a call is live: the call's own fact counts."""
        for recorded, state in ((True, "missing"), (False, "none")):
            with self.subTest(recorded=recorded):
                self.flow.recording = not recorded
                call = self.make_call(live=False, recorded=recorded)
                self.report(call, self.cdr())
                self.assertEqual(call.recording_state, state)
