import json
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..ccp.airtel.reports import kind_and_fingerprint
from ..ccp.call import timeline
from ..models import ccp_call_bounds, ccp_call_event_match, report_store
from .common import AGENT, CONNECTS, HEADER, CcpCase

FOLDED = ("state", "result", "talk_seconds", "answer_date", "end_date", "live", "session_id")


@tagged("post_install", "-at_install")
class TestMatching(CcpCase):
    """Reports to the company's own address find their call, or wait until they do."""

    def setUp(self):
        super().setUp()
        self.events = self.env["ccp.call.event"]

    def waiting(self, report, company=None):
        """Have a report come to a company's own address; return it."""
        raw = json.dumps(report).encode()
        token = (company or self.env.company).ccp_webhook_token
        self.env.flush_all()
        with self.registry.cursor() as cr:
            self.assertTrue(report_store.receive(cr, token, None, raw))
        self.env.invalidate_all()
        return self.events.search([], limit=1, order="id desc")

    def cdr_of(self, agent=AGENT, customer=CONNECTS, **values):
        """Return a record that names a call by its numbers alone."""
        ids = {"Session_ID": "", "Client_Correlation_Id": ""}
        numbers = {"Caller_Number": f"+91{agent}", "Destination_Number": f"0{customer}"}
        return self.cdr(**{**ids, **numbers, **values})

    def test_correlation_id_then_session_id(self):
        call = self.make_call(correlation_id="Xchange-a", session_id="session-a")
        for report, how in (
            ({**self.event("Ringing", "A"), "clientCorrelationId": "Xchange-a"}, "correlation"),
            ({**self.event("Answer", "A"), "vmSessionId": "session-a"}, "session"),
        ):
            event = self.waiting(report)
            self.assertEqual(self.events._match(), event)
            self.assertRecordValues(event, [{"call_id": call.id, "matched_by": how}])

    def test_pair_of_numbers(self):
        call = self.make_call(correlation_id=False)
        event = self.waiting(self.cdr_of())
        self.events._match()
        self.assertRecordValues(event, [{"call_id": call.id, "matched_by": "numbers"}])

    def test_second_numbers(self):
        call = self.make_call(correlation_id=False, customer_second_number="7000000102")
        event = self.waiting(self.cdr_of(customer="7000000102"))
        self.events._match()
        self.assertEqual(event.call_id, call)

    def test_two_calls_between_the_same_numbers_wait(self):
        first = self.make_call(correlation_id=False, live=False)
        self.make_call(correlation_id=False)
        event = self.waiting(self.cdr_of())
        self.assertFalse(self.events._match())
        self.assertFalse(event.folded, "it waits")
        self.report(first, self.cdr())
        self.events._match()
        self.assertNotEqual(event.call_id, first, "that one has its record")
        self.assertTrue(event.call_id)

    def test_time_of_the_call_decides(self):
        now = fields.Datetime.now()
        calls = [
            self.make_call(
                correlation_id=False, live=False, start_date=now - timedelta(minutes=minutes)
            )
            for minutes in (60, 30)
        ]
        start = (now - timedelta(minutes=59)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        event = self.waiting(self.cdr_of(startTime=start))
        self.events._match()
        self.assertEqual(event.call_id, calls[0])

    def test_pairs_that_fit_no_call(self):
        self.make_call(
            correlation_id=False, live=False, start_date=fields.Datetime.now() - timedelta(hours=5)
        )
        self.make_call(correlation_id=False, live=False, request_outcome="refused")
        self.log_by_hand()
        deleted = self.make_call(correlation_id=False, live=False)
        self.report(deleted, self.event("Ringing", "A", 1))
        self.delete_reports(deleted)
        self.make_call(correlation_id=False, live=False, trial=True)
        self.make_call(correlation_id=False, customer_number="7000000155")
        self.make_call(correlation_id="Xchange-other", live=False)
        event = self.waiting(self.cdr_of(Client_Correlation_Id="Xchange-unknown"))
        one_number = self.waiting(self.cdr_of(customer="123"))
        self.assertFalse(self.events._match())
        self.assertFalse(event.folded)
        self.assertTrue(one_number.folded, "it names no call at all")

    def test_another_companys_call(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.make_call(correlation_id=False, company_id=other.id)
        self.waiting(self.cdr_of())
        self.assertFalse(self.events._match())

    def test_a_record_brings_the_events_of_its_session_along(self):
        call = self.make_call(correlation_id=False)
        event = self.waiting({**self.event("Answer", "A"), "vmSessionId": "session-b"})
        self.events._match()
        self.assertFalse(event.call_id, "one number names no call")
        self.waiting(self.cdr_of(Session_ID="session-b"))
        self.events._match()
        self.assertRecordValues(event, [{"call_id": call.id, "matched_by": "session"}])

    def test_reports_that_fit_nothing_do_not_hold_up_others(self):
        call = self.make_call(correlation_id="Xchange-late")
        with patch.object(ccp_call_event_match, "MATCH_BATCH", 2):
            for position in range(4):
                self.waiting({**self.event("Ringing", "A", position), "vmSessionId": "unknown"})
            event = self.waiting(
                {**self.event("Answer", "A"), "clientCorrelationId": "Xchange-late"}
            )
            for _run in range(3):
                self.events._match()
        self.assertEqual(event.call_id, call)

    def test_what_waits_is_looked_at_when_its_call_is_known(self):
        """Each way in which a call gets a name that a report may have used before."""
        named = [
            ({"correlation_id": "Xchange-new"}, {"clientCorrelationId": "Xchange-new"}),
            ({"session_id": "session-new"}, {"vmSessionId": "session-new"}),
            ({"customer_number": "7000000133"}, None),
        ]
        waiting = [
            self.waiting(
                {**self.event("Ringing", "A", position), **names}
                if names
                else self.cdr_of(customer="7000000133")
            )
            for position, (_values, names) in enumerate(named)
        ]
        self.events._match()
        for (values, _names), event in zip(named, waiting, strict=True):
            self.assertFalse(self.events._unmatched(limit=1), "nobody looks at it for nothing")
            self.assertFalse(event.folded)
            call = self.make_call(**{"correlation_id": False, "live": False, **values})
            call._fold()
            self.assertEqual(self.events._unmatched(limit=9), event)
            self.events._match()
            self.assertEqual(event.call_id, call)
            call._fold()

    def fold_all(self):
        """Run the scheduled action, and return how many statements it took."""
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_fold()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def test_what_waits_costs_others_nothing(self):
        call = self.make_call()
        counts = []
        self.report(call, *self.connected())
        for position in (1, 2, 3):
            pressed = self.event("DTMF", "B", 20 + position, dtmf=str(position))
            self.report(call, pressed, fold=False)
            counts.append(self.fold_all())
            if position == 2:
                for number in range(60):
                    report = self.event("Ringing", "A", number)
                    self.waiting({**report, "vmSessionId": f"foreign-{number}"})
                self.fold_all()
        # One of Odoo's caches may have to be filled again meanwhile
        self.assertLess(counts[2], counts[1] + 3)
        self.assertEqual(self.events.search_count([("match_date", "!=", False)]), 60)

    def test_many_that_name_a_call_are_looked_at_in_turn(self):
        for number in range(5):
            self.waiting({**self.event("Ringing", "A", number), "vmSessionId": "session-late"})
        self.events._match()
        # Another company's call, which none of them is about
        other = self.env["res.company"].create({"name": "Other"})
        call = self.make_call(session_id="session-late", company_id=other.id, live=False)
        looked_at = self.events
        with patch.object(ccp_call_bounds, "RELEASED_REPORTS", 2):
            for number in range(3):
                call._fold()
                released = self.events._unmatched(limit=9)
                self.assertEqual(len(released), 2)
                with freeze_time(fields.Datetime.now() + timedelta(minutes=1 + number)):
                    self.events._match()
                looked_at |= released
        self.assertEqual(len(looked_at), 5)

    def test_one_that_cannot_be_looked_at_stops_no_other(self):
        call = self.make_call(correlation_id="Xchange-good")
        bad = self.waiting({**self.event("Ringing", "A"), "clientCorrelationId": "Xchange-bad"})
        good = self.waiting({**self.event("Answer", "A"), "clientCorrelationId": "Xchange-good"})
        call_of = type(self.events)._call_of

        def poisoned(event, *arguments):
            if event == bad:
                raise ZeroDivisionError
            return call_of(event, *arguments)

        with (
            patch.object(type(self.events), "_call_of", poisoned),
            self.assertLogs("odoo.addons.airtel_ccp.models.ccp_call_event_match"),
        ):
            self.fold_all()
        self.assertEqual(good.call_id, call)
        self.assertEqual(call.state, "ringing_customer")
        self.assertTrue(bad.match_date, "it is not tried again at once")

    def test_a_call_that_takes_no_more_takes_no_foreign_report_either(self):
        call = self.make_call(correlation_id="Xchange-full")
        call.report_bound = "full"
        event = self.waiting({**self.event("Answer", "A"), "clientCorrelationId": "Xchange-full"})
        self.events._match()
        self.assertFalse(event.exists())
        self.assertFalse(call.event_ids)

    def test_given_up_after_a_day(self):
        event = self.waiting({**self.event("Ringing", "A"), "vmSessionId": "unknown"})
        self.events._match()
        self.assertFalse(event.folded)
        event.received_at -= timedelta(days=2)
        self.events._match()
        self.assertTrue(event.folded)


@tagged("post_install", "-at_install")
class TestReportLog(CcpCase):
    """What came, what it changed, and how to repair a call from it."""

    def setUp(self):
        super().setUp()
        self.call = self.make_call()
        self.admin = self.env.ref("base.user_admin")

    def test_what_it_says_and_changed(self):
        self.report(
            self.call, *self.connected(), self.cdr(Recording="https://x.airtel.in/hidden-value")
        )
        events = self.call.event_ids
        self.assertIn("State: Customer's phone rings; Agent picked up: ", events[2].changed)
        self.assertIn("Customer picked up: ", events[5].changed)
        self.assertIn("Result: Connected", events[6].changed)
        self.assertIn("00:42", events[6].summary)
        self.assertFalse(events[0].changed, "it rings already")
        shown = " ".join(map(str, events.mapped("summary") + events.mapped("changed")))
        for secret in (AGENT, CONNECTS, "hidden-value"):
            self.assertNotIn(secret, shown)
            self.assertIn(secret, "".join(events.mapped("payload")))
        self.assertIn("70xx…01", shown)

    def test_unreadable(self):
        self.report(self.call, b"", b"nonsense", b"[1]", b'{"a": 1}')
        self.assertEqual(len(set(self.call.event_ids.mapped("summary"))), 4)
        self.assertEqual(self.call.event_ids[1].pretty_payload, "nonsense")

    def test_payload_is_laid_out(self):
        self.report(self.call, b'{"eventType":"CALL","event":"Ringing"}')
        self.assertEqual(
            self.call.event_ids.pretty_payload, '{\n  "eventType": "CALL",\n  "event": "Ringing"\n}'
        )

    def test_numbers_of_a_report_without_a_call(self):
        """Such reports are every administrator's; their numbers are for managers of calls."""
        raw = json.dumps({"Caller_Number": AGENT, "Destination_Number": int(CONNECTS)})
        token = self.env.company.ccp_webhook_token
        self.env.flush_all()
        with self.registry.cursor() as cr:
            report_store.receive(cr, token, None, raw.encode())
        self.env.invalidate_all()
        event = self.env["ccp.call.event"].search([("call_id", "=", False)], limit=1)
        self.report(self.call, *self.connected())
        mere = new_test_user(self.env, "mere_admin", "base.group_user,base.group_system")
        seen = event.with_user(mere)
        for number in (AGENT, CONNECTS):
            self.assertNotIn(number, str(seen.read()))
            self.assertIn(number, event.with_user(self.admin).pretty_payload)
            found = [("pretty_payload", "ilike", number)]
            self.assertNotIn(event, seen.search(found))
            self.assertIn(event, event.with_user(self.admin).search(found))
        self.assertIn("Destination_Number", seen.pretty_payload)
        self.assertFalse(seen.search([("call_id", "!=", False)]), "reports of calls that they see")
        self.assertFalse(seen.search([("pretty_payload", "not ilike", "7")]))

    def test_fold_again_after_a_fault(self):
        """The same comes out as if folding had never failed."""
        # At the same moment, which their cards say
        good = self.make_call(live=False, start_date=self.call.start_date)
        reports = [*self.connected(), self.cdr(Recording="https://x.airtel.in/a")]
        self.report(good, *reports)
        self.report(self.call, *reports, fold=False)
        with (
            patch.object(timeline, "fold", side_effect=ZeroDivisionError),
            mute_logger("odoo.addons.airtel_ccp.models.ccp_call_fold"),
        ):
            self.call._fold()
            self.assertEqual(self.call.fold_error, "ZeroDivisionError")
            self.assertEqual(self.call.state, "ringing_agent")
            told = self.call.event_ids[:1].with_user(self.admin).action_fold_again()
            self.assertEqual(told["params"]["type"], "warning")
        told = self.call.event_ids.with_user(self.admin).action_fold_again()
        self.assertEqual(told["params"]["type"], "success")
        self.assertFalse(self.call.fold_error or self.call.fold_retry_date)
        self.assertEqual(self.call.read(FOLDED)[0] | {"id": 0}, good.read(FOLDED)[0] | {"id": 0})
        cards = [call.card_message_ids.mapped("body") for call in (self.call, good)]
        self.assertEqual(
            cards[0], [str(body).replace(f"/{good.id}", f"/{self.call.id}") for body in cards[1]]
        )
        before = self.call.read(FOLDED)
        self.call.with_user(self.admin).action_fold_again()
        self.assertEqual(self.call.read(FOLDED), before)
        self.assertEqual(len(self.call.card_message_ids), len(good.card_message_ids))

    def test_fold_again_a_period(self):
        self.report(self.call, *self.connected(), fold=False)
        deleted = self.make_call(live=False)
        self.report(deleted, self.event("CalledNumber", "A", 1), self.event("Busy", "A", 2))
        self.report(deleted, self.cdr(Overall_Call_Status="Missed", Caller_Status="Busy"))
        result = deleted.result
        self.delete_reports(deleted)
        old = self.make_call(live=False)
        self.report(old, *self.connected(), fold=False)
        old.start_date = "2026-01-01"
        wizard = self.env["ccp.fold.again"].with_user(self.admin).create({})
        wizard.start_date = self.call.start_date
        self.assertEqual(wizard.call_count, 2)
        message = wizard.action_fold_again()["params"]["message"]
        self.assertIn("reports: 1.", message)
        self.assertEqual(self.call.state, "in_call")
        self.assertEqual(old.state, "ringing_agent")
        self.assertEqual((deleted.result, bool(deleted.event_ids)), (result, False))
        wizard.write({"start_date": "2020-01-01", "end_date": "2020-01-02"})
        with self.assertRaises(UserError):
            wizard.action_fold_again()

    def test_many_are_folded_in_the_background(self):
        calls = self.call + self.make_call(live=False)
        for call in calls:
            self.report(call, *self.connected())
        with patch("odoo.addons.airtel_ccp.models.ccp_call_fold_queue.BATCH", 1):
            calls.with_user(self.admin).action_fold_again()
        self.assertFalse(any(calls.event_ids.mapped("folded")))
        trigger = self.env["ir.cron.trigger"].search(
            [("cron_id", "=", self.env.ref("airtel_ccp.ir_cron_fold_reports").id)]
        )
        self.assertTrue(trigger)

    def test_replay(self):
        self.report(self.call, *self.connected())
        message = self.call.event_ids[0].with_user(self.admin).action_replay()["params"]["message"]
        self.assertIn("nothing changed", message)
        self.call.state = "ringing_agent"
        message = self.call.event_ids[0].with_user(self.admin).action_replay()["params"]["message"]
        self.assertIn("up to date", message)
        self.assertEqual(self.call.state, "in_call")

    def test_replay_of_a_report_without_a_call(self):
        raw = json.dumps({**self.event("Answer", "A"), "vmSessionId": "session-c"}).encode()
        kind, fingerprint = kind_and_fingerprint(raw)
        event = self.env["ccp.call.event"].create(
            {
                "company_id": self.env.company.id,
                "kind": kind,
                "payload": raw.decode(),
                "fingerprint": fingerprint,
                "received_at": fields.Datetime.now(),
                "folded": True,
            }
        )
        replay = event.with_user(self.admin).action_replay
        self.assertIn("matches no call", replay()["params"]["message"])
        self.call.session_id = "session-c"
        self.assertIn("up to date", replay()["params"]["message"])
        self.assertEqual(self.call.state, "ringing_customer")

    def test_only_administrators_repair(self):
        self.report(self.call, *self.connected())
        for user in (self.rep, self.manager, self.plain_user, self.portal_user):
            with self.subTest(user=user.login):
                for records, method in (
                    (self.call, "action_fold_again"),
                    (self.call.event_ids, "action_fold_again"),
                    (self.call.event_ids[0], "action_replay"),
                ):
                    with self.assertRaises(AccessError):
                        getattr(records.with_user(user), method)()
                with self.assertRaises(AccessError):
                    self.env["ccp.fold.again"].with_user(user).create({})
                with self.assertRaises(AccessError):
                    self.call.event_ids.with_user(user).read(["pretty_payload"])


@tagged("post_install", "-at_install")
class TestRequestLog(CcpCase):
    """Each POST, masked, with what came of it."""

    def test_accepted(self):
        call = self.place()
        log = call.request_ids
        self.assertRecordValues(
            log, [{"outcome": "accepted", "status": 200, "code": False, "user_id": self.rep.id}]
        )
        self.assertEqual(log.correlation_id, call.correlation_id)
        self.assertGreaterEqual(log.duration, 0)
        sent = json.loads(log.body)
        self.assertEqual(sent["callFlowId"], "SANDBOX-FLOW")
        for secret in (AGENT, CONNECTS, "8000000001", "SANDBOX-CUSTOMER", HEADER):
            self.assertNotIn(secret, log.body)
        received = self.sandbox.calls()[0]
        url = json.dumps(received).partition("/airtel_ccp/webhook/")[2]
        self.assertNotIn(url.split('"')[0] or "nothing", log.body)
        self.assertIn("/airtel_ccp/webhook/***", log.body)
        self.assertIn('"X-Airtel-Ccp-Secret": "***"', log.body)

    def test_refused(self):
        self.lead.phone = "7000000301"
        self.refusal()
        log = self.env["ccp.request.log"].search([], limit=1)
        self.assertEqual(log.outcome, "refused")
        self.assertEqual(log.code, log.call_id.refusal_code)
        self.assertTrue(log.status and log.detail)

    def test_without_an_answer(self):
        self.env.company.ccp_base_url = "http://127.0.0.1:9"
        self.refusal()
        log = self.env["ccp.request.log"].search([], limit=1)
        self.assertRecordValues(log, [{"status": 0, "code": "NO_CONNECTION"}])

    def test_is_for_administrators(self):
        log = self.place().request_ids
        for user in (self.rep, self.manager, self.plain_user, self.portal_user):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                log.with_user(user).read(["body"])
        self.assertTrue(log.with_user(self.env.ref("base.user_admin")).body)
        other = self.env["res.company"].create({"name": "Other"})
        log.company_id = other
        self.assertNotIn(log, log.with_user(self.env.ref("base.user_admin")).search([]))
