import io
import json
import threading
import time
import tracemalloc
import wave
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, tagged

from .common import CcpCase


def wav(seconds=1):
    """Return a small real WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(b"\0\1" * 8000 * seconds)
    return file.getvalue()


class Airtel(ThreadingHTTPServer):
    """A host that serves whatever a test puts into ``answer``."""

    daemon_threads = True

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.paths.append(self.path)
            status, content_type, content = self.server.answer
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            # In two parts, as a network would
            half = len(content) // 2
            content = memoryview(content)
            self.wfile.write(content[:half])
            self.wfile.flush()
            time.sleep(0.05)
            self.wfile.write(content[half:])

        def log_message(self, *_arguments):
            """Keep test output readable."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.answer = (200, "audio/wav", wav())
        self.paths = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


@tagged("post_install", "-at_install")
class TestRecording(CcpCase, HttpCase):
    """From the address in the CDR to sound in a browser, and to nobody else."""

    def setUp(self):
        super().setUp()
        self.airtel = Airtel()
        self.addCleanup(self.airtel.shutdown)
        self.env.company.ccp_recording_hosts = self.airtel.url
        self.url = f"{self.airtel.url}/r/a.wav?token=ab+c/d=="
        self.call = self.make_call()
        self.report(self.call, *self.connected(), self.cdr(Recording=self.url))
        self.path = f"/airtel_ccp/recording/{self.call.id}"

    def fetch(self):
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_fetch_recordings()
        self.env.flush_all()

    def test_fetch(self):
        self.fetch()
        self.assertRecordValues(
            self.call,
            [
                {
                    "recording_state": "stored",
                    "recording_url": False,
                    "recording_next_date": False,
                    "recording_error": False,
                }
            ],
        )
        self.assertEqual(self.call.recording_id.raw, wav())
        self.assertEqual(self.call.recording_id.mimetype, "audio/wav")
        self.assertEqual(self.airtel.paths, ["/r/a.wav?token=ab+c/d=="], "sent byte for byte")
        self.assertNotIn("token=", "".join(self.call.event_ids.mapped("payload")))

    def test_it_belongs_to_the_calls_company(self):
        company = self.env["res.company"].create({"name": "Other"})
        call = self.make_call(live=False, company_id=company.id)
        call._store_recording(wav(), "audio/wav")
        self.assertEqual(call.recording_id.company_id, company)

    def test_fetch_of_a_long_recording_takes_little_memory(self):
        self.airtel.answer = (200, "audio/wav", wav() + bytes(100 * 1024 * 1024))
        tracemalloc.start()
        try:
            self.fetch()
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertEqual(self.call.recording_id.file_size, len(self.airtel.answer[2]))
        self.assertLess(peak, 16 * 1024 * 1024)

    def test_fetched_once(self):
        self.fetch()
        self.fetch()
        self.report(self.call, self.cdr(Recording=self.url, Pulse_Count="2"))
        self.fetch()
        self.assertEqual(len(self.airtel.paths), 1)
        self.assertEqual(self.call.recording_state, "stored")

    def test_pauses_grow(self):
        self.airtel.answer = (404, "text/plain", b"not yet")
        pauses = []
        for _try in range(4):
            self.call.recording_next_date = fields.Datetime.now()
            self.fetch()
            pauses.append(self.call.recording_next_date - fields.Datetime.now())
        self.assertEqual(pauses, sorted(pauses))
        self.assertGreater(pauses[-1], timedelta(seconds=60))
        self.assertEqual(self.call.recording_state, "pending")
        self.assertIn("preparing", self.call.recording_error)

    def test_gives_up_in_the_end(self):
        self.airtel.answer = (404, "text/plain", b"never")
        for _try in range(20):
            if self.call.recording_next_date:
                self.call.recording_next_date = fields.Datetime.now()
            self.fetch()
        self.assertRecordValues(
            self.call, [{"recording_state": "missing", "recording_next_date": False}]
        )
        self.assertLess(len(self.airtel.paths), 15)

    def test_what_is_no_sound_is_not_kept(self):
        for answer in (
            (200, "audio/wav", b"<html>please log in</html>"),
            (200, "audio/wav", b""),
            (200, "text/html", b"<script>alert(1)</script>"),
            (500, "audio/wav", wav()),
        ):
            with self.subTest(answer=answer[:2]):
                self.airtel.answer = answer
                self.call.recording_next_date = fields.Datetime.now()
                self.fetch()
                self.assertFalse(self.call.recording_id)
                self.assertTrue(self.call.recording_error)

    def test_each_reader_reads_why_in_the_own_language(self):
        self.env["res.lang"]._activate_lang("hi_IN")
        self.env["ir.module.module"].search([("name", "=", "airtel_ccp")])._update_translations(
            ["hi_IN"]
        )
        self.airtel.answer = (200, "text/html", b"not a sound")
        self.fetch()
        hindi = self.call.with_context(lang="hi_IN")
        self.assertIn("not a recording", self.call.recording_problem)
        self.assertEqual(hindi.recording_problem, hindi._fetch_sentence("not_audio"))
        self.assertNotEqual(hindi.recording_problem, self.call.recording_problem)
        self.call.recording_reason = False
        self.assertEqual(hindi.recording_problem, self.call.recording_error, "of before")
        self.call.recording_error = False
        self.assertFalse(hindi.recording_problem)

    def test_hosts_that_are_not_allowed(self):
        self.env.company.ccp_recording_hosts = "*.airtel.in"
        self.fetch()
        self.assertFalse(self.airtel.paths)
        self.assertIn("not allowed", self.call.recording_error)

    def test_route(self):
        for stored in (False, True):
            if stored:
                self.fetch()
            for user, status in (
                (None, 303),
                ("rep", 200 if stored else 503),
                ("ccp_manager", 200 if stored else 503),
                ("other_rep", 404),
                ("plain", 404),
                ("portal_user", 404),
            ):
                with self.subTest(stored=stored, user=user):
                    self.authenticate(user, user)
                    answer = self.url_open(self.path, allow_redirects=False)
                    self.assertEqual(answer.status_code, status)
                    if status == 200:
                        self.assertEqual(answer.content, wav())
                        self.assertEqual(answer.headers["Content-Type"], "audio/wav")
                    else:
                        self.assertNotIn(b"RIFF", answer.content)

    def test_route_without_recording(self):
        self.authenticate("rep", "rep")
        other = self.make_call(live=False)
        for call_id in (other.id, 0, 999999999):
            with self.subTest(call=call_id):
                answer = self.url_open(f"/airtel_ccp/recording/{call_id}")
                self.assertEqual(answer.status_code, 404)

    def test_range(self):
        self.fetch()
        self.authenticate("rep", "rep")
        sound = wav()
        size = len(sound)
        whole = self.url_open(self.path)
        self.assertTrue(whole.headers["ETag"])
        table = {
            "bytes=4-7": (206, sound[4:8]),
            "bytes=0-0": (206, sound[:1]),
            "bytes=-4": (206, sound[-4:]),
            f"bytes={size - 2}-": (206, sound[-2:]),
            f"bytes=0-{size * 2}": (206, sound),
            f"bytes={size}-": (416, None),
            f"bytes={size * 2}-{size * 3}": (416, None),
            "bytes=7-4": (416, None),
        }
        for header, (status, content) in table.items():
            with self.subTest(range=header):
                answer = self.url_open(self.path, headers={"Range": header})
                self.assertEqual(answer.status_code, status)
                if content is not None:
                    self.assertEqual(answer.content, content)
        changed = {"Range": "bytes=4-7", "If-Range": '"another file"'}
        answer = self.url_open(self.path, headers=changed)
        self.assertEqual((answer.status_code, answer.content), (200, sound))
        same = {"Range": "bytes=4-7", "If-Range": whole.headers["ETag"]}
        self.assertEqual(self.url_open(self.path, headers=same).content, sound[4:8])
        head = self.opener.head(self.base_url() + self.path)
        self.assertEqual((head.status_code, head.content), (200, b""))
        self.assertEqual(head.headers["Content-Length"], str(size))
        for header in ("nonsense", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5"):
            with self.subTest(range=header):
                answer = self.url_open(self.path, headers={"Range": header})
                self.assertIn(answer.status_code, (200, 206, 416))
        unchanged = self.url_open(self.path, headers={"If-None-Match": whole.headers["ETag"]})
        self.assertEqual(unchanged.status_code, 304)

    def test_not_recorded(self):
        self.flow.recording = False
        call = self.make_call(live=False)
        self.report(call, self.cdr())
        self.assertEqual(call.recording_state, "none")

    def test_not_delivered(self):
        call = self.make_call(live=False)
        self.report(call, self.cdr())
        self.assertEqual(call.recording_state, "missing")

    def test_address_in_a_later_summary(self):
        call = self.make_call(live=False)
        self.report(call, self.cdr())
        self.assertEqual(call.recording_state, "missing")
        self.report(call, self.cdr(Recording=self.url))
        self.assertEqual(call.recording_state, "pending")

    def test_log_holds_no_address(self):
        with self.assertLogs("odoo.addons", level="DEBUG") as logs:
            self.airtel.answer = (404, "text/plain", b"")
            self.fetch()
            self.call.recording_next_date = fields.Datetime.now()
            self.airtel.answer = (200, "audio/wav", wav())
            self.fetch()
        self.assertEqual(self.call.recording_state, "stored")
        self.assertNotIn("ab+c", "\n".join(logs.output))
        self.assertNotIn("token=", json.dumps(self.call.with_user(self.rep).read(), default=str))
