"""Who listens keeps nobody else waiting: with workers, with and without nginx before them.

A listener here takes some bytes a second, as over a bad line, so that its answer lasts.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import patch

import psutil
import pytest
import requests

from odoo.tools import config

from ...devtools.bench.load import Job, request_bytes, send
from ...devtools.bench.measure import percentile
from ..common import LONG
from .server import LiveServer, LiveSetup, Sandbox, unreported_call, wait_for
from .test_nginx import REPORT, Edge, needs_nginx

MEGABYTES = 24
# Below what a worker's own connection buffers, for the whole of a test
BYTES_A_SECOND = 64 * 1024
LISTENERS = 8
RATE = 10
SECONDS = 6
ROUNDS = 5
# When the sample for nginx gives up waiting for the answer to a report
PROXY_SECONDS = 15
# What a request may take that waits for nobody, on a busy machine
SOON = 2.5


def sound(megabytes):
    """Return a WAV file of zeros: its head is enough to know it by."""
    return b"RIFF\xff\xff\xff\x7fWAVEfmt " + bytes(megabytes * 1024 * 1024)


class Recordings(ThreadingHTTPServer):
    """A host of recordings: a long one, and one that does not come before the test is over."""

    daemon_threads = True

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.paths.append(self.path)
            if self.path == "/hangs":
                self.server.over.wait(120)
                return
            content = self.server.content
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments):
            """Keep test output readable."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.content = sound(MEGABYTES)
        self.paths = []
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exception):
        self.over.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_arguments):
        """A client that hangs up is what these tests are for."""


class Listener:
    """Somebody who listens over a slow line."""

    def __init__(self, port, path, cookie):
        self.wire = socket.socket()
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        self.wire.settimeout(60)
        self.wire.connect(("127.0.0.1", port))
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Cookie: {cookie}"]
        self.wire.sendall("\r\n".join([*lines, "Range: bytes=0-", "", ""]).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.wire.recv(1)
        first, *headers = head.decode().strip().splitlines()
        self.status = int(first.split()[1])
        self.headers = dict(line.lower().split(": ", 1) for line in headers)
        self.taken = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self):
        with contextlib.suppress(OSError):
            while not self._done.wait(0.1):
                chunk = self.wire.recv(BYTES_A_SECOND // 10)
                if not chunk:
                    break
                self.taken += len(chunk)

    @property
    def listens(self):
        """Whether sound still comes."""
        return self._thread.is_alive()

    def close(self):
        """Hang up."""
        self._done.set()
        self._thread.join(30)
        self.wire.close()


class Stack:
    """Odoo with two workers, a rep who is logged in, and a call with a long recording."""

    def __init__(self, server, setup, recordings):
        self.server = server
        self.recordings = recordings
        self.session = server.login("rep")
        with server.env() as env:
            env.company.ccp_recording_hosts = recordings.url
            self.call_id = self._make_call(env, setup, "long")
            self.hanging_ids = [self._make_call(env, setup, "hangs") for _number in range(3)]
        self.path = f"/airtel_ccp/recording/{self.call_id}"
        self.listeners = []

    def _make_call(self, env, setup, name):
        call = env["ccp.call"].create(
            {
                "user_id": setup.rep_id,
                "company_id": env.company.id,
                "flow_id": env.company.ccp_flow_id.id,
                "state": "ended",
                "live": False,
                "result": "connected",
                "recorded": True,
                "recording_state": "pending",
                "recording_url": f"{self.recordings.url}/{name}",
            }
        )
        return call.id

    def get(self, call_id=None, **headers):
        """Ask for a recording as the rep; return the answer's head."""
        path = f"/airtel_ccp/recording/{call_id}" if call_id else self.path
        headers["Cookie"] = self.session.cookie
        with requests.get(
            self.server.url + path, headers=headers, timeout=60, stream=True
        ) as answer:
            return answer.status_code, answer.headers, answer.elapsed.total_seconds()

    def is_ready(self):
        """Ask as a player does that waits."""
        return self.get(Range="bytes=0-0")[0] == 206

    def listen(self, port=None):
        """Begin to listen over a slow line."""
        listener = Listener(port or self.server.port, self.path, self.session.cookie)
        self.listeners.append(listener)
        return listener

    def hang_up(self):
        """Let nobody listen any more."""
        while self.listeners:
            self.listeners.pop().close()


@contextlib.contextmanager
def running(**options):
    """Start Odoo as it is for slow lines: else a worker hangs up after two seconds of silence."""
    with (
        patch.dict(os.environ, ODOO_HTTP_SOCKET_TIMEOUT="30"),
        Sandbox(port=0, speed=50, callback_attempts=1) as sandbox,
        Recordings() as recordings,
        LiveServer(workers=2, **options) as server,
    ):
        filestore = Path(config["data_dir"]) / "filestore" / server.database
        try:
            setup = LiveSetup(server, sandbox)
            stack = Stack(server, setup, recordings)
            stack.sandbox, stack.setup = sandbox, setup
            yield stack
        finally:
            shutil.rmtree(filestore, ignore_errors=True)


@pytest.fixture(scope="module")
def direct():
    with running() as stack:
        yield stack


@pytest.fixture
def stack(direct):
    wait_for(direct.is_ready, "the recording")
    yield direct
    direct.hang_up()
    wait_for(direct.is_ready, "a free place")


def test_a_recording_that_is_not_here_is_fetched_and_starts_soon(direct):
    status, headers, seconds = direct.get(Range="bytes=0-0")
    if status != 206:
        assert (status, headers["X-Airtel-Ccp"], headers["Retry-After"]) == (503, "preparing", "1")
    assert seconds < SOON
    wait_for(direct.is_ready, "the recording")
    assert direct.recordings.paths.count("/long") == 1
    assert not direct.server.query("SELECT FROM ccp_call_listen")


def test_hosts_that_hang_keep_no_worker_and_no_other_listener(stack):
    for call_id in stack.hanging_ids:
        status, headers, seconds = stack.get(call_id)
        assert (status, headers["X-Airtel-Ccp"]) == (503, "preparing")
        assert seconds < SOON
    wait_for(lambda: stack.recordings.paths.count("/hangs") == 3, "downloads that hang")
    sql = "UPDATE ccp_call SET recording_state = 'pending', recording_url = %s WHERE id = %s"
    stack.server.query(sql, f"{stack.recordings.url}/again", stack.call_id)
    began = time.monotonic()
    assert stack.get()[1]["X-Airtel-Ccp"] == "preparing"
    wait_for(lambda: "/again" in stack.recordings.paths, "the other listener's download")
    assert time.monotonic() - began < SOON + 2
    wait_for(stack.is_ready, "the recording")


def test_one_of_two_workers_stays_free(stack):
    first = stack.listen()
    assert first.status == 206
    for _number in range(3):
        status, headers, seconds = stack.get(Range="bytes=0-")
        assert (status, headers["X-Airtel-Ccp"], headers["Retry-After"]) == (503, "waiting", "2")
        assert seconds < SOON
    assert first.listens
    first.close()
    wait_for(stack.is_ready, "the place of the listener who hung up")


def test_a_worker_that_dies_holds_no_place(stack):
    assert stack.listen().status == 206
    status, headers, _seconds = stack.get(Range="bytes=0-0")
    assert headers["X-Airtel-Ccp"] == "waiting"
    (pid,) = [pid for pid in stack.server.http_pids() if holds_a_slot(pid)]
    os.kill(pid, signal.SIGKILL)
    wait_for(stack.is_ready, "the place of the worker that died")


def holds_a_slot(pid):
    """Return whether a process has a file open that stands for a stream."""
    return any("/.streams/" in file.path for file in psutil.Process(pid).open_files())


# Many slow listeners


def send_reports(stack, port, count):
    """Send reports of a new call at a constant rate; return how long each took."""
    stack.sandbox.clear()
    with unreported_call(stack.server, stack.sandbox, stack.setup) as (_id, url, headers):
        path = "/airtel_ccp/" + url.partition("/airtel_ccp/")[2]
        reports = [
            request_bytes(path, json.dumps({**REPORT, "eventId": str(number)}).encode(), headers)
            for number in range(count)
        ]
        outcome = send(Job(port, reports, RATE, 16))
    assert set(outcome.statuses) == {200}, "every report is answered and kept"
    return outcome.latencies


def measure(stack, port, name, capsys):
    """Send reports in quiet and while many listen over slow lines, in turn.

    :return: the statuses that listeners got, how many still listened at the ends, and the p99 of
        the reports in quiet and beside the listeners
    """
    quiet, busy, answers, playing = [], [], [], []
    send_reports(stack, port, 2 * RATE)
    for _round in range(ROUNDS if LONG else 1):
        quiet += send_reports(stack, port, RATE * SECONDS)
        listeners = [stack.listen(port) for _number in range(LISTENERS)]
        answers.append(sorted(listener.status for listener in listeners))
        busy += send_reports(stack, port, RATE * SECONDS)
        playing.append(sum(each.listens for each in listeners if each.status == 206))
        stack.hang_up()
        if 503 in answers[-1]:
            wait_for(stack.is_ready, "a free place")
    served = answers[0].count(206)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{name}: {LISTENERS} slow listeners, {served} served; reports p50 "
            f"{1000 * percentile(quiet, 0.5):.1f} -> {1000 * percentile(busy, 0.5):.1f} ms, p99 "
            f"{1000 * percentile(quiet, 0.99):.1f} -> {1000 * percentile(busy, 0.99):.1f} ms\n"
        )
    return answers, playing, percentile(quiet, 0.99), percentile(busy, 0.99)


def test_many_slow_listeners(stack, capsys):
    """Straight from Odoo: one worker sends, the other takes every report."""
    answers, playing, _quiet, busy = measure(
        stack, stack.server.port, "2 workers, no nginx", capsys
    )
    assert set(map(tuple, answers)) == {(206, *[503] * (LISTENERS - 1))}
    assert set(playing) == {1}
    assert busy < PROXY_SECONDS


@needs_nginx
@pytest.mark.skipif(not LONG, reason="make test-all runs it")
def test_many_slow_listeners_behind_nginx(capsys):
    options = ("--proxy-mode", "--x-sendfile")
    with running(options=options) as stack, Edge(stack.server) as edge:
        # Straight from Odoo, a recording has no body now
        wait_for(lambda: stack.get(Range="bytes=0-0")[1].get("X-Accel-Redirect"), "the recording")
        headers = {"Cookie": stack.session.cookie, "Range": "bytes=8-15"}
        part = requests.get(edge.url + stack.path, headers=headers, timeout=20)
        assert (part.status_code, part.content) == (206, b"WAVEfmt ")
        assert part.headers["Content-Type"] == "audio/wav"
        assert part.headers["Cache-Control"] == "private, no-store"
        assert part.headers["X-Content-Type-Options"] == "nosniff"
        stranger = requests.get(
            edge.url + stack.path, allow_redirects=False, timeout=20, headers={"Range": "bytes=0-"}
        )
        assert stranger.status_code == 303
        direct = requests.get(f"{edge.url}/web/filestore/{stack.server.database}/", timeout=20)
        assert direct.status_code in (403, 404)
        answers, playing, quiet, busy = measure(stack, edge.port, "2 workers behind nginx", capsys)
        assert set(map(tuple, answers)) == {(206,) * LISTENERS}
        assert set(playing) == {LISTENERS}
        # Below some milliseconds, the machine's other work is what differs
        assert busy < max(2 * quiet, 0.02)
