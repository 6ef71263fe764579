import base64
import csv
import io
import json
from datetime import timedelta, timezone
from unittest.mock import patch

import openpyxl
from psycopg2.errors import SerializationFailure

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from ..models import report_store
from ..wizard import ccp_history_import
from .common import AGENT, CONNECTS, OTHER_AGENT, CcpCase

AIRTEL = "8000000001"
STRANGER = "9811111111"
URL = "https://rec.airtel.in/a.mp3?token=hidden-value"
INDIA = timezone(timedelta(hours=5, minutes=30))


@tagged("post_install", "-at_install")
class TestHistoryImport(CcpCase):
    """Calls of the past: seen first, saved once, in the history and its reports only."""

    def setUp(self):
        super().setUp()
        self.rep.ccp_phone = AGENT
        self.other_rep.ccp_phone = OTHER_AGENT
        self.calls = self.env["ccp.call"]
        self.start = fields.Datetime.now().replace(microsecond=0) - timedelta(days=3)

    def row(self, minutes=0, **values):
        """Return a record as Airtel's portal exports it, that many minutes after the first one."""
        moment = (self.start + timedelta(minutes=minutes)).replace(tzinfo=timezone.utc)
        local = moment.astimezone(INDIA)
        return {
            "Call_Type": "OUTBOUND",
            "Caller_ID": AIRTEL,
            "Caller_Number": f"0{AGENT}",
            "Destination_Number": f"91{CONNECTS}",
            "Overall_Call_Status": "Answered",
            "Conversation_Duration": "00:00:39",
            "Overall_Call_Duration": "00:01:08",
            "Pulse_Count": "1",
            "Date": local.strftime("%d/%m/%Y"),
            "Time": local.strftime("%H:%M:%S"),
            "Recording": URL,
            **values,
        }

    def incoming(self, minutes=0, **values):
        return self.row(
            minutes,
            Call_Type="INBOUND",
            Caller_Number=f"0{CONNECTS}",
            Destination_Number=f"0{AGENT}",
            **values,
        )

    def as_csv(self, *rows):
        lines = io.StringIO()
        writer = csv.DictWriter(lines, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
        return lines.getvalue()

    def preview(self, source, user=None):
        """Open the dialog, choose a file or paste a text, and press Preview; return the dialog."""
        dialogs = self.as_user(self.env["ccp.history.import"], user or self.manager)
        values = {"text": source}
        if isinstance(source, bytes):
            values = {"file": base64.b64encode(source), "file_name": "calls.xlsx"}
        dialog = dialogs.create(values)
        dialog.action_preview()
        return dialog

    def load(self, *rows, user=None):
        """Import records; return the new calls in their order, as superuser."""
        before = self.calls.search([])
        dialog = self.preview(self.as_csv(*rows), user)
        dialog.action_import()
        self.assertEqual(dialog.state, "done")
        self.env.invalidate_all()
        return (self.calls.search([]) - before).sorted("start_date")

    def test_the_preview_saves_nothing(self):
        before = self.calls.search_count([])
        rows = [
            self.row(),
            self.incoming(5),
            self.row(9, Caller_Number=STRANGER, Destination_Number="9822222222"),
            self.row(10, Destination_Number="12"),
            self.row(11, Overall_Call_Status="Eaten", Conversation_Duration="", Mood="bad"),
            self.row(0),
        ]
        dialog = self.preview(self.as_csv(*rows))
        self.assertRecordValues(
            dialog,
            [
                {
                    "outgoing_count": 3,
                    "incoming_count": 1,
                    "known_count": 1,
                    "problem_count": 1,
                    "contact_count": 3,
                    "lead_count": 3,
                    "agentless_count": 1,
                    "unused": "Mood",
                    "expired_count": 0,
                    "first_date": self.start,
                }
            ],
        )
        self.assertEqual(dialog.line_ids.mapped("sequence"), [5])
        self.assertIn("number is missing", dialog.line_ids.note)
        self.assertEqual(self.calls.search_count([]), before)

    def test_what_becomes_of_a_record(self):
        self.env.company.ccp_pulse_price = 2
        (call,) = self.load(self.row(Session_ID="s-1", Client_Correlation_Id="Xchange-1"))
        self.assertRecordValues(
            call,
            [
                {
                    "imported": True,
                    "direction": "outbound",
                    "state": "ended",
                    "result": "connected",
                    "live": False,
                    "talk_seconds": 39,
                    "start_date": self.start,
                    "end_date": self.start + timedelta(seconds=68),
                    "user_id": self.rep.id,
                    "agent_number": AGENT,
                    "customer_number": CONNECTS,
                    "caller_number": AIRTEL,
                    "partner_id": self.partner.id,
                    "lead_id": self.lead.id,
                    "res_model": "crm.lead",
                    "res_id": self.lead.id,
                    "customer_name": "Priya Sharma",
                    "session_id": "s-1",
                    "correlation_id": "Xchange-1",
                    "recording_state": "none",
                    "recording_url": False,
                    "pulses": 1,
                    "cost": 0,
                }
            ],
        )
        event = call.event_ids
        self.assertRecordValues(event, [{"kind": "cdr", "folded": True, "not_understood": False}])
        self.assertNotIn("hidden-value", event.payload)
        self.assertEqual(json.loads(event.payload)["Caller_Number"], f"0{AGENT}")

    def test_nobody_is_told(self):
        messages = self.env["mail.message"].search_count([])
        activities = self.env["mail.activity"].search_count([])
        self.env["bus.bus"].search([]).unlink()
        calls = self.load(self.row(), self.incoming(5), self.row(9, Overall_Call_Status="Missed"))
        calls._fold_again()
        self.env["ccp.call"]._measure_all()
        self.env.cr.precommit.run()
        self.assertEqual(self.env["mail.message"].search_count([]), messages)
        self.assertEqual(self.env["mail.activity"].search_count([]), activities)
        self.assertFalse(calls.card_message_ids)
        self.assertFalse(self.env["bus.bus"].search([]).filtered(lambda bus: "ccp" in bus.message))

    def test_a_record_folds_to_the_same_again(self):
        calls = self.load(
            self.row(),
            self.row(3, Overall_Call_Status="Missed", Conversation_Duration="00:00"),
            self.row(6, Conversation_Duration="", Overall_Call_Duration=""),
            self.incoming(9),
            self.incoming(12, Overall_Call_Status="Missed", Conversation_Duration="00:00"),
            self.row(15, Caller_Number="", Hangup_Cause="Destination"),
        )
        names = [
            name
            for name, field in self.calls._fields.items()
            if field.store and name not in ("write_date", "write_uid")
        ]
        before = calls.read(names)
        folded, _left = calls._fold_again()
        self.assertEqual(folded, 6)
        self.env.invalidate_all()
        self.maxDiff = None
        self.assertEqual(calls.read(names), before)

    def test_incoming_calls_are_kept_as_incoming(self):
        answered, missed, nobody = self.load(
            self.incoming(),
            self.incoming(5, Overall_Call_Status="Missed", Conversation_Duration="0"),
            self.incoming(9, Overall_Call_Status="Not Connected", Conversation_Duration="")
            | {"Destination_Number": ""},
        )
        self.assertEqual(set((answered | missed | nobody).mapped("direction")), {"inbound"})
        self.assertEqual(answered.result, "connected")
        self.assertEqual((missed | nobody).mapped("result"), ["agent_no_answer"] * 2)
        self.assertEqual(set((answered | missed | nobody).mapped("customer_number")), {CONNECTS})
        self.assertEqual((answered | missed).user_id, self.rep)
        self.assertFalse(nobody.user_id)

    def test_who_called_follows_from_whose_phone_it_is(self):
        row = self.row()
        del row["Call_Type"]
        turned = {**row, "Caller_Number": CONNECTS, "Destination_Number": AGENT, "Time": "10:00"}
        calls = self.load(row, turned)
        self.assertEqual(set(calls.mapped("direction")), {"outbound", "inbound"})
        self.assertEqual(set(calls.mapped("customer_number")), {CONNECTS})

    def test_the_same_file_twice_adds_nothing(self):
        rows = [self.row(), self.row(1), self.incoming(2), self.row(3, Session_ID="s-3")]
        self.assertEqual(len(self.load(*rows)), 4)
        dialog = self.preview(self.as_csv(*rows))
        self.assertRecordValues(dialog, [{"known_count": 4, "outgoing_count": 0}])
        with self.assertRaisesRegex(UserError, "no new call"):
            dialog.action_import()
        more = self.load(*rows, self.row(4))
        self.assertEqual(len(more), 1)

    def test_a_session_is_known_whatever_else_is_said(self):
        self.load(self.row(Session_ID="s-1"))
        camel = {"vmSessionId": "s-1", "overallCallStatus": "Missed", "callerNumber": AGENT}
        camel |= {"destinationNumber": STRANGER, "startTime": 1753000000000}
        self.assertEqual(self.preview(json.dumps([camel])).known_count, 1)

    def test_calls_that_odoo_placed_are_known(self):
        by_id = self.make_call(live=False, session_id="s-1", correlation_id=False)
        by_id.start_date = self.start - timedelta(days=1)
        by_time = self.make_call(live=False, correlation_id=False)
        by_time.start_date = self.start - timedelta(seconds=8)
        other_session = self.make_call(live=False, correlation_id=False, session_id="s-9")
        other_session.start_date = self.start + timedelta(minutes=60, seconds=-8)
        self.make_call(live=False, state="refused", correlation_id=False).start_date = (
            self.start + timedelta(minutes=120)
        )
        dialog = self.preview(
            self.as_csv(
                self.row(-99, Session_ID="s-1"),
                self.row(),
                self.row(1),
                self.row(60, Session_ID="s-8"),
                self.row(120),
            )
        )
        self.assertRecordValues(dialog, [{"known_count": 2, "outgoing_count": 3}])

    def test_calls_of_another_company_are_not_known(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.make_call(live=False, session_id="s-1", company_id=other.id)
        self.assertEqual(self.preview(self.as_csv(self.row(Session_ID="s-1"))).outgoing_count, 1)

    # Whom a number finds

    def test_contacts_and_leads_of_the_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        partners = self.env["res.partner"].create(
            [
                {"name": "Shared", "phone": f"0{STRANGER}"},
                {"name": "Foreign", "phone": STRANGER, "company_id": other.id},
                {"name": "Own", "phone": "+91 98111 11111", "company_id": self.env.company.id},
            ]
        )
        (call,) = self.load(self.row(Destination_Number=STRANGER))
        self.assertRecordValues(
            call,
            [
                {
                    "partner_id": partners[2].id,
                    "lead_id": False,
                    "res_model": "res.partner",
                    "customer_name": "Own",
                }
            ],
        )

    def test_nobody_is_found(self):
        (call,) = self.load(self.row(Destination_Number="9822222222", Caller_Number="9833333333"))
        self.assertRecordValues(
            call,
            [
                {
                    "partner_id": False,
                    "res_model": False,
                    "user_id": False,
                    "customer_name": "9822222222",
                    "agent_number": "9833333333",
                }
            ],
        )
        self.assertIn("The agent", call.with_user(self.manager).timeline_html)
        self.assertTrue(call.with_user(self.manager).display_name)

    def test_contacts_that_the_user_may_not_read_are_not_found(self):
        self.env["ir.rule"].create(
            {
                "name": "no Priya",
                "model_id": self.env.ref("base.model_res_partner").id,
                "domain_force": f"[('id', '!=', {self.partner.id})]",
            }
        )
        self.lead.partner_id = False
        self.lead.phone = False
        (call,) = self.load(self.row())
        self.assertFalse(call.partner_id)

    def test_an_agent_who_has_left(self):
        self.other_rep.active = False
        (call,) = self.load(self.row(Caller_Number=OTHER_AGENT))
        self.assertEqual(call.user_id, self.other_rep)

    # The figures that count them, and those that don't

    def test_they_are_no_attempts(self):
        self.env["ccp.call.daily"]._count_all()
        domain = [("trial", "=", False)]
        names = ["attempts:sum", "reached:sum", "connect_rate:avg", "customer_connect_rate:avg"]
        real = self.make_call(live=False, state="ended", result="connected")
        self.env["ccp.call"]._measure_all()
        measured = ["attempts_until_reached", "first_dial", "first_connect", "speed_to_dial"]
        before = self.calls._read_group(domain, [], names), real.read(measured)
        calls = self.load(self.row(), self.row(5, Overall_Call_Status="Missed"), self.incoming(9))
        self.env["ccp.call"]._measure_all()
        self.env.invalidate_all()
        self.assertEqual((self.calls._read_group(domain, [], names), real.read(measured)), before)
        everything = [("id", "in", calls.ids)]
        self.assertEqual(self.calls._read_group(everything, [], names), [(0, 0, False, False)])
        nothing = {"attempts": 0, "reached": 0, "agent_failures": 0, "first_dial": False}
        self.assertRecordValues(
            calls, [{**nothing, "first_connect": False, "attempts_until_reached": 0}] * 3
        )

    def test_they_are_in_the_history_and_its_reports(self):
        domain = [("trial", "=", False)]
        count = self.calls.with_user(self.manager)._read_group(domain, [], ["__count"])[0][0]
        partner_calls = self.partner.with_user(self.manager).ccp_call_count
        calls = self.load(self.row(), self.incoming(5), self.row(9, Caller_Number="9833333333"))
        found = self.calls.with_user(self.manager)._read_group(domain, [], ["__count"])
        self.assertEqual(found, [(count + 3,)])
        self.env.invalidate_all()
        self.assertEqual(self.partner.with_user(self.manager).ccp_call_count, partner_calls + 3)
        self.assertEqual(self.calls.search([("phone_search", "=", CONNECTS)]) & calls, calls)

    def test_sums_by_agent_and_by_hour_are_those_of_the_calls(self):
        """Also of calls whose agent nobody knows."""
        self.load(self.row(), self.row(5, Caller_Number="9833333333"), self.incoming(9))
        aggregates = ["__count", "talk_seconds:sum", "average_talk_seconds:avg"]
        report = self.env["ccp.call.daily"].with_context(tz="Asia/Kolkata")
        for groupby in ([], ["user_id"], ["start_hour"], ["start_date:day"], ["company_id"]):
            summed = report._read_group([], groupby, aggregates)
            # No sums have the id, so this reads the calls
            counted = report._read_group([("id", ">", 0)], groupby, aggregates)
            self.assertEqual(sorted(map(str, summed)), sorted(map(str, counted)), groupby)

    def test_the_dashboard_leaves_them_out(self):
        moment = fields.Datetime.now()

        def figures():
            # They name the moment at which they were read
            with freeze_time(moment):
                return self.env["ccp.dashboard"].with_user(self.manager).figures()

        before = figures()
        self.load(self.row(), self.incoming(5), self.row(9, Caller_Number="9833333333"))
        self.env.invalidate_all()
        self.assertEqual(figures(), before)

    def test_caps_leave_them_out(self):
        self.start = fields.Datetime.now().replace(microsecond=0) - timedelta(seconds=1)
        self.load(self.row())
        self.env.company.write(
            {"ccp_daily_limit": 1, "ccp_company_daily_limit": 1, "ccp_number_daily_limit": 1}
        )
        self.assertTrue(self.place())

    def test_they_need_no_outcome(self):
        self.env.company.ccp_require_outcome = True
        self.load(self.row())
        self.assertTrue(self.place())

    def test_the_panel_leaves_them_out(self):
        self.start = fields.Datetime.now().replace(microsecond=0) - timedelta(minutes=9)
        real = self.make_call(live=False, state="ended", result="connected")
        self.load(self.row())
        panel = self.env["ccp.panel"].with_user(self.rep)
        self.assertEqual(panel.env["ccp.call"]._current_call(), real)
        real.dismissed = True
        self.assertFalse(panel.env["ccp.call"]._current_call())
        later = self.make_call()
        self.assertEqual(later.with_env(panel.env)._panel_values()["last"]["id"], real.id)

    def test_they_prove_nothing_about_the_account(self):
        self.calls.search([]).unlink()
        self.env["ccp.call.event"].search([]).unlink()
        self.start = fields.Datetime.now().replace(microsecond=0) - timedelta(minutes=30)
        self.load(self.row())
        health = self.env["ccp.health"]
        self.assertEqual(health._check_reports(self.env.company)[1], "none_yet")
        self.assertFalse(self.env.company._ccp_last_answer())
        company = self.env.company
        self.assertFalse(company._ccp_calls(company._ccp_asked_for()))

    def test_no_activity_is_ticked_off(self):
        self.lead.activity_schedule(
            "mail.mail_activity_data_call", user_id=self.rep.id, summary="Call Priya"
        )
        self.start = fields.Datetime.now().replace(microsecond=0) - timedelta(minutes=9)
        self.load(self.row())
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_consume_activities()
        self.assertTrue(self.lead.activity_ids)

    def test_late_reports_find_no_imported_call(self):
        (call,) = self.load(self.row(Session_ID="s-1"))
        token = self.env.company.ccp_webhook_token
        self.env.flush_all()
        with self.registry.cursor() as cr:
            raw = json.dumps(self.cdr(Session_ID="s-1")).encode()
            report_store.receive(cr, token, None, raw)
        self.env.invalidate_all()
        self.env["ccp.call.event"]._match()
        self.assertEqual(len(call.event_ids), 1)

    def test_what_retention_would_delete_is_said(self):
        self.env.company.write({"ccp_keep_calls_days": 365, "ccp_keep_reports_days": 2})
        old = self.row(-60 * 24 * 400)
        dialog = self.preview(self.as_csv(old, self.row()))
        self.assertRecordValues(dialog, [{"expired_count": 1, "expired_report_count": 2}])
        dialog.action_import()
        calls = self.calls.search([("imported", "=", True)])
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_delete_old_data()
        self.assertEqual(calls.exists().mapped("start_date"), [self.start])
        self.assertTrue(calls.exists().reports_deleted)

    def test_erasure_finds_them(self):
        (call,) = self.load(self.row())
        self.env["ccp.erasure"].with_user(self.manager).create(
            {"partner_id": self.partner.id}
        ).action_erase()
        self.assertRecordValues(call, [{"erased": True, "customer_number": False}])
        self.assertFalse(call.event_ids)

    # Files

    def test_workbooks(self):
        book = openpyxl.Workbook()
        row = self.row()
        book.active.append([name.replace("_", " ") for name in row])
        book.active.append(list(row.values()))
        raw = io.BytesIO()
        book.save(raw)
        dialog = self.preview(raw.getvalue())
        self.assertEqual(dialog.outgoing_count, 1)
        dialog.action_import()
        self.assertRecordValues(dialog, [{"state": "done", "saved_count": 1, "file": False}])

    def test_what_cannot_be_read_is_said(self):
        for source, words in (
            ("", "Choose a file"),
            ("a,b\n1,2", "names its columns"),
            (b"PK\x03\x04", "save it as CSV"),
        ):
            with self.subTest(source=source), self.assertRaisesRegex(UserError, words):
                self.preview(source)
        dialog = self.env["ccp.history.import"].with_user(self.manager).create({"file": "a"})
        with self.assertRaisesRegex(UserError, "cannot be read"):
            dialog.action_preview()
        with self.assertRaisesRegex(UserError, "preview first"):
            dialog.action_import()
        with patch.object(ccp_history_import, "MAX_CHARACTERS", 3):
            dialog.file = base64.b64encode(b"x" * 9)
            with self.assertRaisesRegex(UserError, "fewer days"):
                dialog.action_preview()

    def test_many_are_saved_in_the_background(self):
        rows = [self.row(number) for number in range(7)]
        dialog = self.preview(self.as_csv(*rows))
        cron = type(self.env["ir.cron"])
        with (
            patch.object(ccp_history_import, "AT_ONCE", 3),
            patch.object(ccp_history_import, "BATCH", 2),
        ):
            dialog.action_import()
            self.assertRecordValues(dialog, [{"state": "saving", "saved_count": 0}])
            with patch.object(cron, "_commit_progress", side_effect=[1, 0]):
                self.env["ccp.history.import"]._cron_import()
            self.assertRecordValues(dialog, [{"state": "saving", "saved_count": 4}])
            with patch.object(cron, "_commit_progress", return_value=1):
                self.env["ccp.history.import"]._cron_import()
        self.assertRecordValues(dialog, [{"state": "done", "saved_count": 7, "text": False}])
        self.assertEqual(self.calls.search_count([("imported", "=", True)]), 7)

    def test_a_file_that_fails_stops_no_other(self):
        dialogs = [self.preview(self.as_csv(self.row(number))) for number in (1, 2)]
        for dialog in dialogs:
            dialog.state = "saving"
        dialogs[0].text = "nonsense"
        self.env.flush_all()
        cron = type(self.env["ir.cron"])
        with (
            patch.object(cron, "_commit_progress", return_value=1),
            patch.object(self.env.cr, "rollback"),
            mute_logger("odoo.addons.airtel_ccp.wizard.ccp_history_import"),
        ):
            self.env["ccp.history.import"]._cron_import()
        self.assertEqual([dialog.state for dialog in dialogs], ["failed", "done"])

    def test_a_file_that_meets_another_transaction_goes_on_soon(self):
        dialog = self.preview(self.as_csv(self.row()))
        dialog.state = "saving"
        self.env.flush_all()
        action = self.env.ref("airtel_ccp.ir_cron_import_history")
        triggers = self.env["ir.cron.trigger"].search_count([("cron_id", "=", action.id)])
        calls = type(self.env["ccp.call"])
        with (
            patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1),
            patch.object(self.env.cr, "rollback"),
            patch.object(calls, "_create_past", side_effect=SerializationFailure),
        ):
            self.env["ccp.history.import"]._cron_import()
        self.assertEqual(dialog.state, "saving")
        now = self.env["ir.cron.trigger"].search_count([("cron_id", "=", action.id)])
        self.assertEqual(now, triggers + 1)

    # Who may

    def test_only_managers_and_administrators(self):
        for user in (self.rep, self.plain_user, self.portal_user):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.preview(self.as_csv(self.row()), user)
        admin = new_test_user(self.env, "setter", "base.group_user,base.group_system")
        self.assertEqual(self.preview(self.as_csv(self.row()), admin).outgoing_count, 1)

    def test_a_dialog_is_its_owners(self):
        dialog = self.preview(self.as_csv(self.row(Destination_Number="1")))
        other = new_test_user(
            self.env, "other_manager", "base.group_user,airtel_ccp.group_ccp_manager"
        )
        for ask in (
            lambda: dialog.with_user(other).read(["text"]),
            lambda: dialog.with_user(other).action_import(),
            lambda: dialog.with_user(other).action_refresh(),
            lambda: dialog.line_ids.with_user(other).read(["note"]),
            lambda: dialog.with_user(other).write({"text": "x"}),
        ):
            with self.assertRaises(AccessError):
                ask()

    def test_another_company_is_refused(self):
        company = self.env["res.company"].create({"name": "Other"})
        with self.assertRaises(AccessError):
            self.env["ccp.history.import"].with_user(self.manager).create(
                {"company_id": company.id, "text": self.as_csv(self.row())}
            )
        self.manager.company_ids = [Command.link(company.id)]
        dialogs = self.env["ccp.history.import"].with_user(self.manager)
        dialog = dialogs.with_company(company).create({"text": self.as_csv(self.row())})
        dialog.action_preview()
        dialog.action_import()
        call = self.calls.search([("imported", "=", True)])
        self.assertRecordValues(call, [{"company_id": company.id, "user_id": False}])
