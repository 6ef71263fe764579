import threading
from datetime import timedelta
from tempfile import TemporaryDirectory
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, tagged
from odoo.tools import config, mute_logger

from ..ccp.safe.slots import Slots
from ..models import ccp_call_fetch, streams
from .common import CcpCase
from .test_recording import Airtel, wav

CONFLICT = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END $$"
NOT_YET = (404, "text/plain", b"not yet")
STATE = "X-Airtel-Ccp"


class ListeningCase(CcpCase, HttpCase):
    """A call of the rep whose recording lies at Airtel, and is not due for an hour."""

    def setUp(self):
        super().setUp()
        self.airtel = Airtel()
        self.addCleanup(self.airtel.shutdown)
        self.env.company.ccp_recording_hosts = self.airtel.url
        self.call = self.recorded()
        self.path = f"/airtel_ccp/recording/{self.call.id}"
        self.action = self.env.ref("airtel_ccp.ir_cron_fetch_recordings")
        self.authenticate("rep", "rep")

    def recorded(self, path="r/a.wav"):
        """Return a call whose recording is not due yet."""
        call = self.make_call(live=False)
        url = f"{self.airtel.url}/{path}?token=ab+c/d=="
        self.report(call, *self.connected(), self.cdr(Recording=url))
        call.recording_next_date = fields.Datetime.now() + timedelta(hours=1)
        return call

    def fetch(self):
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_fetch_recordings()
        self.env.flush_all()

    def woken(self):
        """Return how often the action that fetches was woken."""
        self.env.invalidate_all()
        return self.env["ir.cron.trigger"].search_count(
            [("cron_id", "=", self.action.id), ("call_at", "<=", fields.Datetime.now())]
        )

    def listen(self, **headers):
        """Ask for the recording, and see the database as it is afterwards."""
        answer = self.url_open(self.path, headers=headers)
        self.env.invalidate_all()
        return answer

    def assert_later(self, answer, state, words):
        self.assertEqual((answer.status_code, answer.headers[STATE]), (503, state))
        self.assertEqual(answer.headers["Content-Type"], "text/plain; charset=utf-8")
        self.assertIn(words, answer.text)
        self.assertNotIn("token", answer.text)


@tagged("post_install", "-at_install")
class TestListeningWhilePrepared(ListeningCase):
    """A recording that is not here is fetched for its listener, who does not keep a worker."""

    def test_it_is_fetched_at_once_and_nothing_is_passed_on(self):
        before = self.woken()
        answer = self.listen()
        self.assert_later(answer, "preparing", "being fetched")
        self.assertEqual(answer.headers["Retry-After"], "1")
        self.assertFalse(self.airtel.paths, "the request itself asks Airtel nothing")
        self.assertTrue(self.call.recording_asked_date)
        self.assertEqual(self.woken(), before + 1)
        self.assert_later(self.listen(Range="bytes=0-0"), "preparing", "being fetched")
        self.assertEqual(self.woken(), before + 1, "asking again changes nothing")
        self.assertFalse(self.call.listen_ids, "nobody heard anything yet")
        self.fetch()
        self.assertEqual(len(self.airtel.paths), 1)
        self.assertFalse(self.call.recording_lease_date)
        self.assertFalse(self.call.recording_asked_date)
        self.assertEqual(self.listen(Range="bytes=0-0").status_code, 206)
        self.assertFalse(self.call.listen_ids, "asking whether it is there is no listen")
        self.assertEqual(self.listen(Range="bytes=0-").content, wav())
        self.listen(Range="bytes=100-")
        self.assertEqual(len(self.call.listen_ids), 1)

    def test_not_while_it_is_being_fetched(self):
        self.call.recording_lease_date = fields.Datetime.now() + timedelta(minutes=1)
        before = self.woken()
        self.assert_later(self.listen(), "preparing", "being fetched")
        self.assertFalse(self.call.recording_asked_date)
        self.assertEqual(self.woken(), before)
        self.fetch()
        self.assertFalse(self.airtel.paths, "one at a time")

    def test_who_may_not_listen_has_nothing_fetched(self):
        for user, status in (("other_rep", 404), ("plain", 404), ("portal_user", 404)):
            self.authenticate(user, user)
            self.assertEqual(self.listen().status_code, status)
        self.assertFalse(self.call.recording_asked_date)

    def test_impatience_neither_asks_airtel_often_nor_gives_up_earlier(self):
        self.airtel.answer = NOT_YET
        planned = self.call.recording_next_date
        self.listen()
        self.fetch()
        for _time in range(3):
            answer = self.listen(Range="bytes=0-0")
            self.assert_later(answer, "preparing", "still preparing")
            self.assertIn(int(answer.headers["Retry-After"]), range(1, 16))
            self.fetch()
        self.assertEqual(len(self.airtel.paths), 1)
        self.assertRecordValues(self.call, [{"recording_tries": 0, "recording_next_date": planned}])
        self.call.recording_tried_date -= ccp_call_fetch.LISTENERS_PAUSE
        self.airtel.answer = (200, "audio/wav", wav())
        self.assert_later(self.listen(), "preparing", "still preparing")
        self.fetch()
        self.assertEqual(self.listen().content, wav())

    def test_what_failed_is_said_and_can_be_tried_again(self):
        for answer, words in (
            ((200, "audio/wav", b"<html>log in</html>"), "not a recording"),
            ((400, "text/plain", b""), "did not deliver"),
        ):
            with self.subTest(words=words):
                self.airtel.answer = answer
                self.assertEqual(self.listen().headers[STATE], "preparing")
                self.fetch()
                answer = self.listen()
                self.assert_later(answer, "failed", words)
                self.assertNotIn("Retry-After", answer.headers)
                self.call.recording_tried_date -= ccp_call_fetch.LISTENERS_PAUSE
        self.env.company.ccp_recording_hosts = "*.airtel.in"
        self.listen()
        self.fetch()
        self.assert_later(self.listen(), "failed", "administrator can add the host")

    def test_one_without_an_address(self):
        self.call.recording_url = False
        self.assert_later(self.listen(), "failed", "did not deliver")
        self.assertFalse(self.call.recording_asked_date)

    def test_one_that_is_deleted_meanwhile_stays_deleted(self):
        self.listen()
        self.call._delete_recordings()
        self.fetch()
        self.assertFalse(self.airtel.paths)
        self.assertEqual(self.listen().status_code, 410)


@tagged("post_install", "-at_install")
class TestWithoutCopies(ListeningCase):
    """A company that keeps no copies: a recording is here for its listeners only."""

    def setUp(self):
        super().setUp()
        self.company = self.env.company
        self.company.ccp_keep_copies = False
        self.call = self.recorded("r/b.wav")
        self.path = f"/airtel_ccp/recording/{self.call.id}"
        self.url = self.call.recording_url

    def recorded(self, path="r/a.wav"):
        call = super().recorded(path)
        if not self.env.company.ccp_keep_copies:
            call.recording_next_date = False
        return call

    def delete_old(self):
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_delete_old_data()
        self.env.flush_all()

    def test_it_stays_at_airtel_until_somebody_listens(self):
        self.fetch()
        self.assertEqual(self.call.recording_state, "at_airtel")
        self.assertFalse(self.airtel.paths)
        self.assertIn("recording", self.cards(self.lead)[:1].body)

    def test_it_is_deleted_an_hour_after_the_last_listen_and_fetched_again(self):
        for round_number in (1, 2):
            self.assert_later(self.listen(), "preparing", "being fetched")
            self.fetch()
            self.assertRecordValues(
                self.call, [{"recording_state": "stored", "recording_url": self.url}]
            )
            self.assertEqual(self.listen().content, wav())
            self.assertEqual(len(self.airtel.paths), round_number)
            file = self.call.recording_id
            self.delete_old()
            self.assertTrue(file.exists(), "its time has not come")
            self.call.recording_expiry = fields.Datetime.now() + timedelta(minutes=1)
            self.listen(Range="bytes=100-")
            self.assertGreater(
                self.call.recording_expiry, fields.Datetime.now() + timedelta(minutes=50)
            )
            self.call.recording_expiry = fields.Datetime.now()
            self.delete_old()
            self.assertFalse(file.exists())
            self.assertRecordValues(
                self.call,
                [
                    {
                        "recording_state": "at_airtel",
                        "recording_id": False,
                        "recording_expiry": False,
                    }
                ],
            )

    def test_the_action_is_woken_for_it(self):
        self.listen()
        self.fetch()
        action = self.env.ref("airtel_ccp.ir_cron_delete_old_data")
        self.env["ir.cron.trigger"].search([]).unlink()
        self.delete_old()
        trigger = self.env["ir.cron.trigger"].search([("cron_id", "=", action.id)])
        self.assertEqual(trigger.mapped("call_at"), [self.call.recording_expiry])

    def test_airtel_has_it_no_more(self):
        self.airtel.answer = NOT_YET
        self.listen()
        self.fetch()
        self.assertEqual(self.call.recording_state, "at_airtel", "it may come yet")
        self.assert_later(self.listen(), "preparing", "still preparing")
        self.airtel.answer = (410, "text/plain", b"")
        self.call.recording_tried_date -= ccp_call_fetch.LISTENERS_PAUSE
        self.listen()
        self.fetch()
        self.assertEqual(self.call.recording_state, "missing")
        self.assertEqual(self.listen().status_code, 404)

    def test_retention_and_erasure_take_the_address_too(self):
        self.listen()
        self.fetch()
        self.company.ccp_keep_recordings_days = 1
        calls = self.call | self.recorded("r/c.wav")
        calls.start_date = fields.Datetime.now() - timedelta(days=2)
        self.delete_old()
        for call in calls:
            self.assertRecordValues(
                call,
                [
                    {
                        "recording_state": "deleted",
                        "recording_url": False,
                        "recording_expiry": False,
                    }
                ],
            )
        self.assertEqual(self.listen().status_code, 410)

    def test_keep_forever_keeps_a_copy(self):
        self.call.with_user(self.manager).action_toggle_keep_forever()
        self.fetch()
        self.assertRecordValues(
            self.call,
            [{"recording_state": "stored", "recording_url": False, "recording_expiry": False}],
        )

    def test_the_setting_changes(self):
        """What is at Airtel stays there until somebody listens; from then on it is kept."""
        self.company.ccp_keep_copies = True
        self.fetch()
        self.assertFalse(self.airtel.paths)
        self.listen()
        self.fetch()
        self.assertRecordValues(self.call, [{"recording_state": "stored", "recording_url": False}])


@tagged("post_install", "-at_install")
class TestFetchOrder(ListeningCase):
    """Who waits comes first, and a host that hangs keeps nobody waiting."""

    def hang(self, call):
        """Let a call's download hang until the test is over; return an event: it has begun."""
        begun, done = threading.Event(), threading.Event()
        self.addCleanup(done.set)
        original = ccp_call_fetch.download.open_recording

        def open_recording(url, *arguments, **options):
            if url == call.recording_url:
                begun.set()
                done.wait(60)
            return original(url, *arguments, **options)

        patcher = patch.object(ccp_call_fetch.download, "open_recording", open_recording)
        patcher.start()
        self.addCleanup(patcher.stop)
        return begun

    def test_the_listener_comes_first(self):
        due = [self.recorded(f"due{number}") for number in range(8)]
        for call in due:
            call.recording_next_date = fields.Datetime.now() - timedelta(hours=1)
        self.listen()
        calls = self.env["ccp.call"]._lease_recordings(ccp_call_fetch.FETCHES, takes_due=True)
        self.assertIn(self.call, calls)
        self.assertEqual(len(calls), ccp_call_fetch.FETCHES - ccp_call_fetch.FOR_LISTENERS)
        others = [self.recorded(f"asked{number}") for number in range(3)]
        for call in others:
            call._ask_for_recording()
        room = ccp_call_fetch.FOR_LISTENERS
        more = self.env["ccp.call"]._lease_recordings(room, takes_due=True)
        self.assertEqual(len(more), room)
        self.assertLessEqual(set(more), set(others), "the last places are for listeners")

    def test_one_that_hangs_delays_no_listener(self):
        slow = self.recorded("slow")
        slow.recording_next_date = fields.Datetime.now()
        begun = self.hang(slow)
        original = ccp_call_fetch._Run.next_finished
        rounds = []

        def next_finished(run):
            rounds.append(1)
            if len(rounds) == 1:
                self.assertTrue(begun.wait(20))
                self.call._ask_for_recording()
            elif self.call.recording_state == "stored":
                run._until = 0
            return original(run)

        with patch.object(ccp_call_fetch._Run, "next_finished", next_finished):
            self.fetch()
        self.assertEqual(self.call.recording_state, "stored")
        self.assertLess(len(rounds), 10)
        self.assertRecordValues(
            slow,
            [
                {
                    "recording_state": "pending",
                    "recording_reason": "timeout",
                    "recording_tries": 1,
                    "recording_lease_date": False,
                }
            ],
        )

    def test_one_that_a_run_cut_off_is_fetched_by_the_next(self):
        self.airtel.answer = (200, "audio/wav", wav() + bytes(10**6))
        self.call._ask_for_recording()
        with (
            patch.object(ccp_call_fetch, "LEAST_SECONDS", 0),
            patch.object(ccp_call_fetch, "RUN_SECONDS", ccp_call_fetch.NOTE_SECONDS + 0.001),
        ):
            self.fetch()
        self.assertTrue(self.call.recording_asked_date)
        self.assertFalse(self.call.recording_reason, "that is no fault of Airtel's")
        self.fetch()
        self.assertEqual(self.call.recording_state, "stored")

    def test_one_that_cannot_be_kept_stops_no_other(self):
        others = [self.recorded(f"other{number}") for number in range(2)]
        for call in (self.call, *others):
            call.recording_next_date = fields.Datetime.now()
        original = type(self.call)._store_recording

        def store(call, *arguments):
            if call == self.call:
                raise OSError("No space left on device")
            original(call, *arguments)

        with (
            patch.object(type(self.call), "_store_recording", store),
            patch.object(self.env.cr, "rollback"),
            self.assertLogs("odoo.addons.airtel_ccp", "ERROR"),
        ):
            self.fetch()
        self.assertEqual([call.recording_state for call in others], ["stored", "stored"])
        self.assertEqual(self.call.recording_state, "pending")
        self.assertEqual(self.call.recording_tries, 0, "that is no fault of Airtel's")
        self.assertIn("server's log", self.call.recording_error)

    def test_one_whose_row_cannot_be_written_stops_no_other(self):
        others = [self.recorded(f"other{number}") for number in range(2)]
        for call in (self.call, *others):
            call.recording_next_date = fields.Datetime.now()
        original = type(self.call).write

        def rule(calls, values):
            if self.call in calls and "recording_lease_date" in values:
                raise ValueError("a rule about changed calls")
            return original(calls, values)

        with (
            patch.object(type(self.call), "write", rule),
            self.assertLogs("odoo.addons.airtel_ccp", "ERROR"),
        ):
            self.fetch()
        self.assertEqual([call.recording_state for call in others], ["stored", "stored"])
        self.assertEqual(self.call.recording_state, "pending")
        self.assertGreater(self.call.recording_next_date, fields.Datetime.now())


@tagged("post_install", "-at_install")
class TestStreams(ListeningCase):
    """Stored recordings leave workers free, or are sent by the web server before Odoo."""

    def setUp(self):
        super().setUp()
        self.call._store_recording(wav(), "audio/wav")
        self.env.flush_all()
        self.use(workers=2)

    def use(self, **options):
        patcher = patch.dict(config.options, options)
        patcher.start()
        self.addCleanup(patcher.stop)

    def test_how_many(self):
        for workers, most in ((1, 1), (2, 1), (3, 2), (8, 7)):
            self.use(workers=workers)
            self.assertEqual(streams.most_at_once(), most)
        self.use(workers=0, db_maxconn=64)
        self.assertEqual(streams.most_at_once(), 16)

    def test_all_but_one_worker_may_send(self):
        self.assertEqual(self.listen().content, wav())
        slot = streams.take_slot()
        self.assertTrue(slot, "the one that was sent holds nothing any more")
        self.call.listen_ids.unlink()
        for headers in ({}, {"Range": "bytes=0-0"}, {"Range": "bytes=44-"}):
            answer = self.listen(**headers)
            self.assert_later(answer, "waiting", "Too many people are listening")
            self.assertEqual(answer.headers["Retry-After"], "2")
        self.assertFalse(self.call.listen_ids)
        self.assertEqual(self.opener.head(self.base_url() + self.path).status_code, 200)
        beyond = self.listen(Range="bytes=99999999-")
        self.assertEqual(beyond.status_code, 416)
        slot.release()
        for _time in range(3):
            self.assertEqual(self.listen(Range="bytes=44-").content, wav()[44:])

    def test_a_replay_takes_no_second_place(self):
        original = type(self.env["ccp.call.listen"])._note
        tries = []

        def note(listens, *arguments):
            tries.append(1)
            if len(tries) == 1:
                listens.env.cr.execute(CONFLICT)
            return original(listens, *arguments)

        with (
            patch.object(type(self.env["ccp.call.listen"]), "_note", note),
            mute_logger("odoo.sql_db"),
        ):
            self.assertEqual(self.listen().status_code, 200)
        self.assertEqual(len(tries), 2)
        self.assertTrue(streams.take_slot())

    def test_a_folder_that_cannot_be_written(self):
        with (
            patch.object(Slots, "take", side_effect=PermissionError),
            self.assertLogs("odoo.addons.airtel_ccp", "ERROR"),
        ):
            self.assertEqual(self.listen().headers[STATE], "waiting")

    def test_a_stream_has_an_end(self):
        slot = streams.take_slot()
        stream = streams.Stream(iter([b"a", b"b"]), 2, slot)
        self.assertEqual(next(stream), b"a")
        stream._until = 0
        self.assertEqual(list(stream), [])
        stream.close()
        self.assertTrue(streams.take_slot())

    def test_the_last_bytes_give_the_place_back(self):
        stream = streams.Stream(iter([b"a", b"b"]), 2, streams.take_slot())
        next(stream)
        self.assertFalse(streams.take_slot())
        next(stream)
        self.assertTrue(streams.take_slot())
        stream.close()

    def test_the_web_server_sends_them(self):
        with (
            TemporaryDirectory() as folder,
            patch.object(config, "filestore", lambda database: f"{folder}/filestore/{database}"),
        ):
            self.use(x_sendfile=True, data_dir=folder)
            self.call = self.recorded("r/c.wav")
            self.path = f"/airtel_ccp/recording/{self.call.id}"
            self.call._store_recording(wav(2), "audio/wav")
            self.env.flush_all()
            self._listen_behind_a_web_server()

    def _listen_behind_a_web_server(self):
        slot = streams.take_slot()
        self.addCleanup(slot.release)
        answer = self.listen(Range="bytes=0-")
        self.assertIn(answer.status_code, (200, 206))
        self.assertEqual(answer.content, b"")
        path = answer.headers["X-Accel-Redirect"]
        name = self.call.recording_id.sudo().store_fname
        self.assertEqual(path, f"/web/filestore/{self.env.cr.dbname}/{name}")
        self.assertIn("no-store", answer.headers["Cache-Control"])
        self.assertEqual(self.call.listen_ids.mapped("kind"), ["listen"])
        self.listen(Range="bytes=0-0")
        self.listen(Range="bytes=100-")
        self.assertEqual(len(self.call.listen_ids), 1)
        download = self.url_open(f"{self.path}?download=1")
        self.assertIn("attachment", download.headers["Content-Disposition"])
