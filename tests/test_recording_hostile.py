import socket
import threading
import time
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, tagged

from ..ccp.safe import download
from ..models import ccp_call_fetch
from .common import CcpCase
from .test_recording import wav

MEGABYTE = 1024 * 1024
SECRET = "token=ab+c/d=="


class Hostile(ThreadingHTTPServer):
    """A host that does on each path what no recording should do."""

    daemon_threads = True

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.server.paths.append(self.path)
            name = self.path.split("?")[0].strip("/")
            getattr(self, name)()
            self.close_connection = True

        def begin(self, status=200, length=None, content_type="audio/wav", **headers):
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            if length is not None:
                self.send_header("Content-Length", str(length))
            for header, value in headers.items():
                self.send_header(header, value)
            self.end_headers()

        def whole(self, content, **values):
            self.begin(length=len(content), **values)
            self.wfile.write(content)

        def html(self):
            self.whole(b"<html><script>alert(1)</script></html>")

        def empty(self):
            self.whole(b"")

        def truncated(self):
            self.begin(length=len(wav()) * 2)
            self.wfile.write(wav())

        def announced_500_mb(self):
            self.begin(length=500 * MEGABYTE)
            self.wfile.write(wav())

        def endless(self):
            self.begin(Connection="close")
            self.pour(500)

        def pour(self, megabytes):
            try:
                self.wfile.write(wav())
                for _part in range(megabytes):
                    self.wfile.write(bytes(MEGABYTE))
                    self.server.poured += 1
            except OSError:
                return

        def byte_a_second(self):
            self.begin(length=100)
            try:
                for byte in wav()[:100]:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(1)
            except OSError:
                return

        def to_localhost(self):
            self.begin(302, 0, Location=f"http://127.0.0.1:{self.server.server_address[1]}/good")

        def cut(self):
            self.begin(length=len(wav()))
            self.wfile.write(wav()[:1000])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

        def good(self):
            self.whole(wav())

        def long(self):
            self.begin(length=len(wav()) + 100 * MEGABYTE)
            self.pour(100)

        def log_message(self, *_arguments):
            """Keep test output readable."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.paths = []
        self.poured = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that hangs up is what these tests are for."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


@tagged("post_install", "-at_install")
class TestRecordingHostile(CcpCase, HttpCase):
    """Files that are not recordings: nothing is kept, the reason is shown, time and memory end."""

    def setUp(self):
        super().setUp()
        self.server = Hostile()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.env.company.ccp_recording_hosts = self.server.url

    def recorded(self, name, base=None):
        """Return a call whose recording lies under a path of the hostile host."""
        call = self.make_call(live=False)
        url = f"{base or self.server.url}/{name}?{SECRET}"
        self.report(call, *self.connected(), self.cdr(Recording=url))
        return call

    def fetch(self):
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_fetch_recordings()
        self.env.flush_all()

    def assert_nothing_kept(self, call, sentence):
        files = self.env["ir.attachment"].search(
            [("res_model", "=", "ccp.call"), ("res_id", "=", call.id), ("res_field", "!=", False)]
        )
        self.assertFalse(files)
        self.assertFalse(call.recording_id)
        self.assertEqual(call.recording_state, "pending")
        self.assertIn(sentence, call.recording_error)
        self.assertGreater(call.recording_next_date, fields.Datetime.now())
        self.assertNotIn(SECRET, call.recording_error)

    def test_what_is_no_recording(self):
        for name, sentence in (
            ("html", "not a recording"),
            ("empty", "still preparing"),
            ("truncated", "did not deliver"),
            ("announced_500_mb", "too large"),
            ("to_localhost", "did not deliver"),
            ("cut", "did not deliver"),
        ):
            with self.subTest(name=name):
                call = self.recorded(name)
                with self.assertLogs("odoo.addons", level="DEBUG") as logs:
                    self.fetch()
                self.assert_nothing_kept(call, sentence)
                self.assertNotIn(SECRET, "\n".join(logs.output))
        self.assertNotIn("/good", "".join(self.server.paths), "a redirect is not followed")

    def test_endless(self):
        call = self.recorded("endless")
        with patch.object(download, "MAX_BYTES", 20 * MEGABYTE):
            tracemalloc.start()
            try:
                self.fetch()
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
        self.assert_nothing_kept(call, "too large")
        self.assertLess(peak, 16 * MEGABYTE)
        self.assertLess(self.server.poured, 100, "not read to the end")

    def test_byte_a_second(self):
        call = self.recorded("byte_a_second")
        with patch.object(ccp_call_fetch, "MAX_SECONDS", 3):
            start = time.monotonic()
            self.fetch()
            taken = time.monotonic() - start
        self.assert_nothing_kept(call, "took too long")
        self.assertLess(taken, 20)

    def test_other_hosts_and_plain_http(self):
        self.env.company.ccp_recording_hosts = "*.airtel.in"
        for base in (self.server.url, "http://rec.airtel.in", "https://airtel.in.example.com"):
            with self.subTest(base=base):
                call = self.recorded("good", base=base)
                self.fetch()
                self.assertIn("not allowed", call.recording_error)
        self.assertFalse(self.server.paths)

    def test_type_changes_between_tries(self):
        call = self.recorded("html")
        self.fetch()
        self.assert_nothing_kept(call, "not a recording")
        call.recording_url = f"{self.server.url}/good?{SECRET}"
        call.recording_next_date = fields.Datetime.now()
        self.fetch()
        self.assertEqual((call.recording_state, call.recording_id.raw), ("stored", wav()))

    def test_hostile_recordings_over_the_route(self):
        """Nothing of Airtel's answer reaches a browser before it is known to be sound."""
        self.authenticate("rep", "rep")
        for name, state, words in (
            ("html", "failed", "not a recording"),
            ("empty", "preparing", "still preparing"),
            ("to_localhost", "failed", "did not deliver"),
            ("good", None, None),
        ):
            call = self.recorded(name)
            with self.subTest(name=name):
                path = f"/airtel_ccp/recording/{call.id}"
                first = self.url_open(path)
                self.assertEqual(first.headers["X-Airtel-Ccp"], "preparing")
                self.fetch()
                answer = self.url_open(path)
                self.assertEqual(answer.status_code, 503 if state else 200)
                self.assertEqual(answer.headers.get("X-Airtel-Ccp"), state)
                self.assertIn(words or "", answer.text)
                self.assertNotIn(b"script", answer.content)
                self.assertNotIn("ab+c", answer.text)
                self.env.invalidate_all()
                self.assertEqual(bool(call.listen_ids), not state)
        self.assertNotIn("/good", self.server.paths[:-1], "a redirect is not followed")

    def test_long_recording_over_the_route_takes_little_memory(self):
        call = self.recorded("long")
        self.authenticate("rep", "rep")
        self.fetch()
        self.assertEqual(call.recording_state, "stored")
        tracemalloc.start()
        try:
            url = f"{self.base_url()}/airtel_ccp/recording/{call.id}"
            answer = self.opener.get(url, timeout=60, stream=True)
            size = sum(map(len, answer.iter_content(MEGABYTE)))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        self.assertEqual(size, len(wav()) + 100 * MEGABYTE)
        self.assertLess(peak, 16 * MEGABYTE)
