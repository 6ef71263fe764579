import itertools
import json
import random

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged

from ..sandbox.scripts import BY_NAME
from .common import AGENT, CONNECTS, CcpCase
from .histories import SCRIPTS, history

URL = "https://rec.airtel.in/a.mp3?token=hidden-value"


@tagged("post_install", "-at_install")
class TestReportShapes(CcpCase, HttpCase):
    """Reports in every template, posted to the webhook as Airtel does, and folded."""

    def setUp(self):
        super().setUp()
        self.admin = self.env.ref("base.user_admin")

    def make(self, **values):
        return self.make_call(live=False, recorded=True, **values)

    def told(self, script):
        """Post the sandbox's reports of a story; return the call."""
        if not self.sandbox.calls():
            self.place().live = False
        call = self.make()
        body = self.sandbox.calls()[0]["body"]
        self.report(call, *history(body, script, random.Random(1), speed=1))
        return call

    def test_every_script_of_the_sandbox_is_understood(self):
        for script in SCRIPTS:
            with self.subTest(script=script.name):
                call = self.told(script)
                self.assertEqual(call.state, "ended" if script.cdr != "never" else call.state)
                self.assertEqual(call.event_ids.filtered("not_understood"), call.event_ids.browse())

    def test_templates(self):
        for name in ("cdr_as_event", "cdr_wrapped", "cdr_list", "recording_nested", "status_only"):
            with self.subTest(script=name):
                call = self.told(BY_NAME[name])
                self.assertRecordValues(
                    call,
                    [{"state": "ended", "result": "connected", "recording_state": "pending"}],
                )
                self.assertEqual(call.recording_url, URL.replace("a.mp3", "a.wav"))
                self.assertIn("cdr", call.event_ids.mapped("kind"))
                self.assertGreater(call.talk_seconds, 15)

    def test_two_records_that_contradict_each_other(self):
        """Whichever comes first (L3): the talk is that of the conversation."""
        answered = self.cdr(Conversation_Duration="00:00:30")
        missed = self.cdr(Overall_Call_Status="Missed", Conversation_Duration="00:00:00")
        missed |= {"Caller_Status": "", "Destination_Status": "No Answer"}
        busy = {**missed, "Overall_Call_Status": "Busy", "Destination_Status": "Busy"}
        calls = self.env["ccp.call"]
        for order in itertools.permutations([answered, missed, busy]):
            call = self.make()
            for report in order:
                # Each is folded before the next one comes
                self.report(call, report)
            calls |= call
        expected = {"result": "connected", "talk_seconds": 30, "talk_unknown": False}
        self.assertRecordValues(calls, [expected] * 6)
        self.assertEqual(len(set(calls.mapped("customer_cause"))), 1)
        self.assertEqual(self.told(BY_NAME["two_cdrs"]).result, "connected")

    def test_an_unknown_talk_time_is_shown_as_unknown(self):
        unknown = self.make()
        report = self.cdr()
        del report["Conversation_Duration"]
        self.report(unknown, report)
        self.assertRecordValues(unknown, [{"talk_unknown": True, "talk_time": "Unknown"}])
        card = unknown.card_message_ids[:1].body
        self.assertIn("did not report the talk time", card)
        for text in (card, unknown.timeline_html, unknown.event_ids.summary):
            self.assertNotIn("talked for", str(text))
        zero = self.make()
        self.report(zero, self.cdr(Conversation_Duration="00:00"))
        self.assertRecordValues(zero, [{"talk_unknown": False, "talk_time": "00:00"}])
        self.assertIn("talked for 00:00", zero.card_message_ids[:1].body)
        self.assertTrue(unknown._panel_values()["talk_unknown"])

    def test_an_unknown_talk_time_lowers_no_average(self):
        report = self.cdr()
        del report["Conversation_Duration"]
        calls = self.make() | self.make()
        self.report(calls[0], self.cdr(Conversation_Duration="00:01:00"))
        self.report(calls[1], report)
        for domain in ([("id", "in", calls.ids)], [("trial", "=", False)]):
            found = self.env["ccp.call"]._read_group(domain, [], ["average_talk_seconds:avg"])
            self.assertEqual(found, [(60,)])

    def test_a_talk_time_follows_from_answer_and_end(self):
        call = self.told(BY_NAME["no_duration"])
        self.assertFalse(call.talk_unknown, "the events say when it began and ended")
        self.assertGreater(call.talk_seconds, 15)

    def test_several_reports_in_one_post(self):
        call = self.make()
        reports = [*self.connected(), self.cdr(Recording=URL)]
        self.report(call, reports)
        self.assertEqual(len(call.event_ids), 1)
        self.assertEqual(json.loads(call.event_ids.payload), reports)
        self.assertRecordValues(
            call, [{"result": "connected", "talk_seconds": 42, "recording_url": URL}]
        )
        apart = self.make()
        self.report(apart, *reports)
        names = ["state", "result", "talk_seconds", "answer_date", "agent_answer_date"]
        self.assertEqual(call.read(names)[0] | {"id": 0}, apart.read(names)[0] | {"id": 0})

    def test_several_calls_in_one_post_to_the_companys_address(self):
        calls = self.make(correlation_id="Xchange-1") | self.make(correlation_id="Xchange-2")
        token = self.env.company.ccp_webhook_token
        reports = [
            self.cdr(Client_Correlation_Id=f"Xchange-{number}", Session_ID=f"s-{number}")
            for number in (1, 2, 3)
        ]
        self.env.flush_all()
        raw = json.dumps({"data": reports}).encode()
        answer = self.url_open(f"/airtel_ccp/webhook/{token}", data=raw)
        self.assertEqual(answer.status_code, 200)
        self.env.invalidate_all()
        events = self.env["ccp.call.event"]
        arrived = events.search([("company_id", "=", self.env.company.id), ("call_id", "=", False)])
        self.assertEqual(arrived[-1].payload.encode(), raw)
        matched = events._match()
        self.assertEqual(matched.call_id, calls)
        self.assertEqual([json.loads(each.payload) for each in matched], reports[:2])
        waiting = events.search([("company_id", "=", self.env.company.id), ("call_id", "=", False)])
        self.assertEqual([json.loads(each.payload) for each in waiting], reports[2:])

    # What was not understood

    def test_the_log_names_what_was_not_understood(self):
        call = self.make()
        self.report(call, {"callStatus": "Eaten", "colour": "red", "participants": [{"mood": 1}]})
        self.assertEqual(
            call.event_ids.not_understood,
            "3 values not understood: callStatus, colour, participants.mood",
        )
        self.report(call, {**self.event("Ringing", "A"), "colour": "red"})
        self.assertEqual(call.event_ids[-1].not_understood, "1 value not understood: colour")
        self.report(call, {f"x{number}": 1 for number in range(99)})
        self.assertIn("x9 and others", call.event_ids[-1].not_understood)

    def test_replay_says_what_was_not_understood(self):
        def replay(*reports):
            call = self.make()
            self.report(call, *reports)
            return call.event_ids[-1].with_user(self.admin).action_replay()["params"]["message"]

        known = [*self.connected(), self.event("Answer", "B", 13)]
        self.assertIn("says nothing new about the call", replay(*known))
        message = replay({"callStatus": "Eaten", "colour": "red"})
        self.assertEqual(message, "Nothing changed. 2 values not understood: callStatus, colour.")
        message = replay({"hello": "world"})
        self.assertIn("cannot be read: nothing changed. 1 value not understood: hello.", message)
        self.assertNotIn("says nothing new", message)

    def test_replay_of_a_report_that_an_earlier_version_misread(self):
        call = self.make()
        self.report(call, {"eventType": "CDR", "callStatus": "Connected", "recordingUrl": URL})
        call.event_ids.kind = "event"
        call.write({"state": "in_call", "result": False})
        message = call.event_ids.with_user(self.admin).action_replay()["params"]["message"]
        self.assertIn("up to date", message)
        self.assertRecordValues(call, [{"state": "ended", "result": "connected"}])
        self.assertEqual(call.event_ids.kind, "cdr")

    # The recording's address

    def test_nobody_reads_the_recordings_address(self):
        call = self.make()
        self.report(
            call,
            {
                "eventType": "CDR",
                "callStatus": "Connected",
                "recording": {"url": URL},
                "n": "findme",
            },
            b'<a href="https://rec.airtel.in/a.mp3?token=hidden-value">',
            json.dumps({"data": json.dumps({"Recording": URL, "Session_ID": "s"})}).encode(),
            json.dumps({"Recording": URL}).replace("/", "\\/").encode(),
        )
        self.assertEqual(call.recording_url, URL)
        events = call.event_ids.with_user(self.admin)
        self.assertEqual(len(events), 4)
        for event in events:
            self.assertIn("hidden-value", event.sudo().payload)
            self.assertIn("https://rec.airtel.in/…", event.pretty_payload)
        for name in events._fields:
            if name in ("payload", "fingerprint"):
                continue
            if events._fields[name].groups == fields.NO_ACCESS:
                with self.assertRaises(AccessError):
                    events.read([name])
                continue
            self.assertNotIn("hidden-value", str(events.mapped(name)), name)
        for ask in (
            lambda: events.read(["payload"]),
            lambda: events.mapped("payload"),
            lambda: events.export_data(["payload"]),
            lambda: events.search([("payload", "ilike", "hidden-value")]),
            lambda: events._read_group([], ["payload"], ["__count"]),
            lambda: events.search([], order="payload"),
            lambda: call.with_user(self.admin).export_data(["event_ids/payload"]),
            lambda: call.with_user(self.admin).search([("event_ids.payload", "like", "can")]),
        ):
            with self.assertRaises(AccessError):
                ask()

    def test_what_came_can_be_searched_but_for_addresses(self):
        call = self.make()
        self.report(call, {"callStatus": "Missed", "Recording": URL, "colour": "findme"})
        escaped = json.dumps({"Recording": URL, "colour": "findme too"}).replace("/", "\\/")
        self.report(call, escaped.encode())
        events = self.env["ccp.call.event"].with_user(self.admin)

        def found(text, operator="ilike"):
            own = [("call_id", "=", call.id), ("pretty_payload", operator, text)]
            return len(events.search(own))

        self.assertEqual(found("FINDME"), 2)
        self.assertEqual(found("findme too"), 1)
        self.assertEqual(found("findme too", "not ilike"), 1)
        self.assertEqual(found("100%"), 0)
        for part in ("hidden-value", "token", "https", "rec.airtel.in", "a.mp3", "%c%"):
            self.assertEqual(found(part), 0, part)

    def test_an_address_is_forgotten_however_it_is_spelled(self):
        call = self.make()
        url = f"{URL}&x=1"
        spelled = json.dumps({"recording": {"url": url}}).replace("&", "\\u0026").encode()
        self.report(call, {**self.event("RecordingFinished", "", event_type="RECORD"), "u": url})
        self.report(call, spelled, [self.cdr(Recording=url)])
        self.assertEqual(call.recording_url, url)
        call.event_ids._forget_url(url)
        self.assertNotIn("hidden-value", "".join(call.event_ids.mapped("payload")))

    def test_summaries_of_several_reports(self):
        call = self.make()
        self.report(call, [self.event("Ringing", "A"), self.cdr()])
        summary = call.event_ids.with_user(self.admin).summary
        self.assertIn("ringing", summary)
        self.assertIn("00:42", summary)
        for secret in (AGENT, CONNECTS):
            self.assertNotIn(secret, summary)
