import json
import os
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tools import config, mute_logger

from ..models import ccp_call_retention
from ..models.spool import spool_of
from .canaries import search_folder
from .common import CcpCase
from .leaves_canaries import CanaryCase
from .test_recording import wav

URL = "https://rec.airtel.in/r?token=ab+c/d=="


@tagged("post_install", "-at_install")
class TestRetention(CcpCase):
    """What is past its period goes, batch by batch; what was made of it stays as long as it may."""

    def setUp(self):
        super().setUp()
        # Reports of calls that are old come, too
        self.env.company.ccp_token_days = 365
        self.startPatcher(
            patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1)
        )

    def old_call(self, days=100, stored=True, **values):
        """Make a connected call with reports, a card and a recording, placed days ago."""
        call = self.make_call(live=False, **values)
        self.report(call, *self.connected(), self.cdr(Recording=URL))
        if stored:
            call._store_recording(wav(), "audio/wav")
        call.start_date = fields.Datetime.now() - timedelta(days=days)
        return call

    def keep(self, recordings=0, reports=0, calls=0):
        self.env.company.write(
            {
                "ccp_keep_recordings_days": recordings,
                "ccp_keep_reports_days": reports,
                "ccp_keep_calls_days": calls,
            }
        )
        self.env["ccp.call"]._cron_delete_old_data()
        self.env.flush_all()
        self.env.invalidate_all()

    def test_zero_keeps_forever(self):
        call = self.old_call(days=10000)
        self.keep()
        self.assertTrue(call.exists() and call.recording_id and call.event_ids)

    def test_recordings(self):
        old, waiting, young = (
            self.old_call(),
            self.old_call(stored=False),
            self.old_call(days=10),
        )
        files = old.recording_id
        self.assertIn("/airtel_ccp/recording", old.card_message_ids[0].body)
        self.keep(recordings=90)
        self.assertFalse(files.exists())
        for call in (old, waiting):
            self.assertRecordValues(
                call,
                [{"recording_state": "deleted", "recording_url": False, "result": "connected"}],
            )
            self.assertFalse(call.recording_next_date, "nothing fetches it again")
            self.assertNotIn("/airtel_ccp/recording", call.card_message_ids[0].body)
            self.assertNotIn("ab+c", "".join(call.event_ids.mapped("payload")))
        self.assertEqual((young.recording_state, young.recording_id.raw), ("stored", wav()))
        self.report(old, self.cdr(Recording=URL, Pulse_Count="2"))
        self.assertEqual(old.recording_state, "deleted", "a later summary does not bring it back")

    def test_reports(self):
        old, young = self.old_call(), self.old_call(days=10)
        told = old.read(["state", "result", "talk_seconds", "answer_date", "end_date", "pulses"])
        self.keep(reports=90)
        self.assertFalse(old.event_ids)
        self.assertTrue(young.event_ids)
        old._fold()
        self.report(old, self.cdr(Overall_Call_Status="Missed", Destination_Status="Missed"))
        self.assertEqual(told, old.read(list(told[0])[1:]))
        self.assertTrue(old.event_ids.folded, "it is not looked at again and again")
        self.assertEqual(old.recording_state, "stored")

    def test_the_story_stays_on_a_card_that_changes_later(self):
        old = self.old_call()
        self.keep(reports=90)
        self.keep(recordings=90)
        self.env["ccp.panel"].with_user(self.rep).save_note(old.id, "Likes tea", "")
        body = old.card_message_ids[0].body
        self.assertNotIn("/airtel_ccp/recording", body)
        self.assertIn("Likes tea", body)
        self.assertEqual(body.count("Priya Sharma picked up"), 1)

    def test_one_call_that_cannot_be_deleted(self):
        """The others go, and the next run tries it again."""
        bad, good = self.old_call(), self.old_call()
        owner = type(self.env["ccp.call"])
        delete = owner._delete_calls

        def fail(calls):
            if bad in calls:
                raise ValueError("rule")
            return delete(calls)

        with (
            patch.object(owner, "_delete_calls", fail),
            mute_logger("odoo.addons.airtel_ccp.models.ccp_call_retention"),
        ):
            self.keep(calls=90)
        self.assertEqual((bad | good).exists(), bad)
        self.keep(calls=90)
        self.assertFalse(bad.exists())

    def test_calls(self):
        old, young = self.old_call(), self.old_call(days=10)
        files, cards, events = old.recording_id, old.card_message_ids, old.event_ids
        self.keep(calls=90)
        for records in (old, files, cards, events):
            self.assertFalse(records.exists())
        self.assertTrue(young.exists() and young.card_message_ids)

    def test_kept_and_live_calls_stay(self):
        kept, live = self.old_call(), self.old_call()
        kept.with_user(self.manager).action_toggle_keep_forever()
        live.write({"live": True, "state": "in_call"})
        self.keep(recordings=1, reports=1, calls=1)
        for call in (kept, live):
            self.assertTrue(call.exists().recording_id and call.event_ids)
        kept.with_user(self.manager).action_toggle_keep_forever()
        self.keep(calls=1)
        self.assertFalse(kept.exists())

    def test_only_managers_keep(self):
        call = self.old_call()
        for user in (self.rep, self.other_rep, self.plain_user, self.portal_user):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                call.with_user(user).action_toggle_keep_forever()

    def test_other_companies_have_their_own_periods(self):
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self.old_call(company_id=other.id)
        self.keep(recordings=1, reports=1, calls=1)
        self.assertTrue(theirs.exists().recording_id and theirs.event_ids)

    def test_more_than_a_batch(self):
        calls = self.env["ccp.call"].union(*(self.old_call(stored=False) for _each in range(7)))
        with patch.object(ccp_call_retention, "BATCH", 3):
            self.keep(recordings=1, reports=1, calls=1)
        self.assertFalse(calls.exists())

    def test_time_is_up(self):
        calls = self.env["ccp.call"].union(*(self.old_call(stored=False) for _each in range(5)))
        with (
            patch.object(ccp_call_retention, "BATCH", 2),
            patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=0),
        ):
            self.keep(calls=1)
            self.assertEqual(len(calls.exists()), 3, "a batch, then the next run goes on")

    def test_reports_without_a_call(self):
        events = self.env["ccp.call.event"].create(
            [
                {
                    "company_id": self.env.company.id,
                    "kind": "unreadable",
                    "fingerprint": f"print-{days}",
                    "received_at": fields.Datetime.now() - timedelta(days=days),
                }
                for days in (10, 100, 101, 102)
            ]
        )
        with patch.object(ccp_call_retention, "BATCH", 2):
            self.keep(reports=90)
        self.assertEqual(events.exists(), events[0])

    def test_negative_periods(self):
        with self.assertRaises(ValidationError):
            self.env.company.ccp_keep_calls_days = -1

    def test_archived_companies(self):
        """Nobody calls there any more, and the periods go on."""
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self.old_call(company_id=other.id)
        other.ccp_keep_calls_days = 30
        other.active = False
        self.keep()
        self.assertFalse(theirs.exists())

    def test_deleted_companies(self):
        other = self.env["res.company"].create({"name": "Other"})
        flow = self.flow.copy({"company_id": other.id})
        other.ccp_flow_id = flow
        theirs = self.old_call(company_id=other.id, flow_id=flow.id)
        file, cards = theirs.recording_id, theirs.card_message_ids
        path = file._full_path(file.store_fname)
        self.assertTrue(file and cards and os.path.exists(path))
        other.unlink()
        self.env.cr.postcommit.run()
        self.assertFalse(theirs.exists() or file.exists() or cards.exists())
        self.assertFalse(os.path.exists(path))

    def test_recordings_without_a_call(self):
        """Earlier versions left such when a company was deleted."""
        call = self.old_call()
        file = call.recording_id
        self.env.cr.execute("DELETE FROM ccp_call WHERE id = %s", [call.id])
        self.env.invalidate_all()
        self.keep()
        self.assertFalse(file.exists())

    def test_a_file_goes_with_its_last_recording(self):
        first, second = self.old_call(), self.old_call(days=10)
        path = first.recording_id._full_path(first.recording_id.store_fname)
        self.assertEqual(first.recording_id.store_fname, second.recording_id.store_fname)
        self.keep(recordings=90)
        self.env.cr.postcommit.run()
        self.assertTrue(os.path.exists(path), "another call has the same sound")
        self.keep(recordings=5)
        self.env.cr.postcommit.run()
        self.assertFalse(os.path.exists(path))

    def test_an_address_that_is_never_fetched(self):
        """Airtel recorded a call unasked, or sent its summary again after the period."""
        unasked = self.make_call(live=False, recorded=False)
        self.report(unasked, *self.connected(), self.cdr(Recording=URL))
        self.assertNotIn("ab+c", "".join(unasked.event_ids.mapped("payload")))
        old = self.old_call()
        self.keep(recordings=90)
        self.report(old, self.cdr(Recording=URL, Pulse_Count="2"))
        self.assertNotIn("ab+c", "".join(old.event_ids.mapped("payload")))
        self.assertEqual(old.pulses, 2)


@tagged("post_install", "-at_install")
class TestRetentionScan(CanaryCase):
    """After a period no column of any table, and no file, holds what it covers."""

    def setUp(self):
        super().setUp()
        self.before = set(self.found())
        self.calls = self.leave_canaries()
        self.calls._fold()
        self.dialogs = [
            self.env[model].search([])
            for model in ("ccp.history.import", "ccp.manual.call", "ccp.call.entry")
        ]
        self.calls.start_date = fields.Datetime.now() - timedelta(days=100)
        long_ago = fields.Datetime.now() - timedelta(days=99)
        self.env["ccp.call.event"].search([]).received_at = long_ago
        self.age_spool(timedelta(days=99))

    def age_spool(self, age):
        """Have what waits on disk be as old as if it had come before."""
        spool = spool_of(self.env)
        for name in (*spool.names(), *(each.name for each in spool.aside())):
            line, _newline, raw = spool.content(name).partition(b"\n")
            about = json.loads(line)
            moment = fields.Datetime.to_datetime(about["at"][:19].replace("T", " ")) - age
            about["at"] = f"{moment.isoformat()}+00:00"
            (spool.folder / name).write_bytes(json.dumps(about).encode() + b"\n" + raw)

    def keep(self, **days):
        self.env.company.write({f"ccp_keep_{kind}_days": each for kind, each in days.items()})
        self.run_retention()
        self.env.cr.postcommit.run()

    def vacuum(self):
        """Have Odoo delete old dialogs, which it does within hours."""
        for dialogs in self.dialogs:
            dialogs.unlink()

    def test_reports(self):
        self.assertIn(("ccp_call_event", "payload"), self.found("number"))
        self.keep(reports=90)
        places = set(self.found())
        gone = {place for place in places if place[0] in ("ccp_call_event", "ccp_request_log")}
        self.assertEqual(gone, set())
        self.assertEqual(search_folder(spool_of(self.env).folder, self.patterns()), {})

    def test_recordings(self):
        file = self.calls.recording_id
        path = file._full_path(file.store_fname)
        self.assertTrue(os.path.exists(path))
        self.keep(recordings=90)
        self.assertFalse(os.path.exists(path))
        self.vacuum()
        self.assertEqual(self.found("address"), {})

    def test_calls(self):
        """What was said of the calls goes, and work that is still to be done stays planned."""
        plans = self.calls.planned_activity_ids.filtered("active")
        self.assertTrue(plans)
        self.keep(calls=90, reports=90, recordings=90)
        self.vacuum()
        self.assertFalse(self.calls.exists())
        self.assertEqual(self.found("note", "token", "address"), {})
        self.assertTrue(plans.exists().active)
        left = {table for table, _column in set(self.found()) - self.before}
        # The person, who stays, and entries of call lists that still wait
        own = {"res_partner", "crm_lead", "phone_blacklist", "ccp_call_list_item"}
        self.assertLessEqual(left, own)
        self.env["ccp.call.list.item"].search([]).action_skip()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ccp_call_list_item SET write_date = write_date - interval '99 days'"
        )
        self.env.invalidate_all()
        self.run_retention()
        self.assertFalse({place for place in self.found() if place[0] == "ccp_call_list_item"})
        folder = config.filestore(self.env.cr.dbname)
        self.assertEqual(search_folder(folder, self.patterns("name", "note", "number")), {})
