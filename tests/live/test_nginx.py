"""The sample for nginx in front of an Odoo that has the addon for its database only.

Then Odoo answers 404 to a report if it starts while the database is away, and nothing while it
restarts.
"""

import collections
import datetime
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
import requests

from odoo.tools import config

from ...devtools.machine.services import free_port
from ...sandbox.server import Sandbox
from ..common import LONG
from .server import LiveServer, LiveSetup, end_all, set_phone, wait_for

needs_nginx = pytest.mark.skipif(
    shutil.which("nginx") is None, reason="There is no nginx here: install it to run this."
)
# nginx and its sample seldom change
pytestmark = [pytest.mark.skipif(not LONG, reason="make test-all runs it"), needs_nginx]
SAMPLE = Path(__file__).parents[2] / "docs" / "nginx" / "airtel_ccp.conf"
REPORT = {"eventType": "CALL", "event": "Ringing", "participantAddress": "7000000901"}
LIMIT = 64 * 1024
# How long a sender may be kept waiting when Odoo hangs
MOST_SECONDS = datetime.timedelta(seconds=25)
# A server block that logs all it can, and whose other rules do their worst to reports
CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log info;
events {}
http {
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    access_log access.log;
    server {
        listen 127.0.0.1:%(port)s;
        recursive_error_pages on;
        error_page 404 405 413 500 502 503 504 /page.html;
        client_max_body_size 1k;
        include airtel_ccp.conf;
        location ~ webhook {
            return 410;
        }
        location = /page.html {
            return 200 page;
        }
        location / {
            proxy_pass http://127.0.0.1:%(odoo)s;
        }
    }
}
"""


class Edge:
    """A real nginx that includes the sample as it is shipped, except for Odoo's ports."""

    def __init__(self, server):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        sample = SAMPLE.read_text(encoding="utf-8")
        filestore = Path(config["data_dir"]) / "filestore"
        for shipped, here in (
            ("127.0.0.1:8069", f"127.0.0.1:{server.port}"),
            ("127.0.0.1:8072", f"127.0.0.1:{server.port}"),
            ("alias /var/lib/odoo/filestore/;", f"alias {filestore}/;"),
        ):
            assert shipped in sample
            sample = sample.replace(shipped, here)
        (self.folder / "airtel_ccp.conf").write_text(sample, encoding="utf-8")
        configuration = CONFIGURATION % {"port": self.port, "odoo": server.port}
        (self.folder / "nginx.conf").write_text(configuration, encoding="utf-8")
        self.process = None

    def __enter__(self):
        where = ["-p", f"{self.folder}/", "-c", "nginx.conf", "-e", "error.log"]
        self.process = subprocess.Popen(["nginx", *where], stdin=subprocess.DEVNULL)
        wait_for(self._listens, "nginx")
        return self

    def _listens(self):
        assert self.process.poll() is None, self.read_log("error.log")
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, *_exception):
        self.process.terminate()
        self.process.wait(15)
        self._folder.cleanup()

    def read_log(self, name):
        """Return all that nginx wrote into one of its logs."""
        return (self.folder / name).read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def stack():
    options = ("--load=base,rpc,web", "--proxy-mode")
    with (
        Sandbox(port=0, speed=50, callback_attempts=1) as sandbox,
        LiveServer(options=options) as server,
        Edge(server) as edge,
    ):
        setup = LiveSetup(server, sandbox)
        with server.env() as env:
            env.company.ccp_notify_base_url = edge.url
        yield server, sandbox, setup, edge


@pytest.fixture
def server(stack):
    return stack[0]


@pytest.fixture
def edge(stack):
    return stack[3]


@pytest.fixture
def call(stack):
    """A call of which no report came yet: its id, and the path and header for its reports.

    Whatever a test does with them, the path's secret is in no log of nginx afterwards.
    """
    server, sandbox, setup, edge = stack
    sandbox.clear()
    set_phone(server, setup, "7000000122")
    answer = server.login("rep").call("crm.lead", "action_ccp_call", [setup.lead_id])
    components = sandbox.calls()[0]["body"]["callFlowConfiguration"].values()
    (callback, *_others) = next(
        each["callBackURLs"] for each in components if "callBackURLs" in each
    )
    url = callback["notifyURL"]
    assert url.startswith(f"{edge.url}/airtel_ccp/webhook/")
    yield answer["call_id"], url, callback["headers"]
    end_all(server)
    for name in ("access.log", "error.log"):
        log = edge.read_log(name)
        assert url.rpartition("/")[2] not in log
        assert "webhook" not in log


def body(number):
    return json.dumps({**REPORT, "eventId": str(number)})


def post(url, headers, number):
    return requests.post(url, data=body(number), headers=headers, timeout=60)


def wrong(url):
    return f"{url.rpartition('/')[0]}/{'x' * 48}"


def stored(server, call_id):
    rows = server.query(
        "SELECT payload FROM ccp_call_event WHERE call_id = %s ORDER BY id", call_id
    )
    return [json.loads(payload)["eventId"] for (payload,) in rows]


def assert_asked_to_come_again(answer):
    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "30")
    assert answer.elapsed < MOST_SECONDS


def test_a_report_goes_through(server, call):
    call_id, url, headers = call
    answer = post(url, headers, 1)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert stored(server, call_id) == ["1"]


def test_a_report_in_pieces_goes_through(server, call):
    """Without a Content-Length, which Odoo would not read."""
    call_id, url, headers = call
    pieces = (piece.encode() for piece in (body(1)[:20], body(1)[20:]))
    assert requests.post(url, data=pieces, headers=headers, timeout=20).status_code == 200
    assert stored(server, call_id) == ["1"]


def test_an_unknown_address_stays_unknown(server, call):
    _call_id, url, headers = call
    answer = post(wrong(url), headers, 1)
    assert (answer.status_code, answer.headers["X-Airtel-Ccp"]) == (404, "unknown")
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("in_pieces", [False, True], ids=["whole", "in_pieces"])
def test_too_long_a_report_is_turned_away(server, call, in_pieces):
    call_id, url, headers = call
    for size, status in ((LIMIT, 200), (LIMIT + 1024, 413)):
        text = body(size).ljust(size).encode()
        data = iter([text[:1000], text[1000:]]) if in_pieces else text
        answer = requests.post(url, data=data, headers=headers, timeout=20)
        assert answer.status_code == status
    assert stored(server, call_id) == [str(LIMIT)]


def test_other_answers_go_through(call):
    answer = requests.get(call[1], timeout=20)
    assert answer.status_code == 405


def test_while_the_database_is_away(server, call):
    """Odoo has not seen it since its start, or it would keep reports on disk."""
    call_id, url, headers = call
    with server.database_away():
        server.stop()
        server.start()
        straight = url.replace(url.partition("/airtel_ccp")[0], server.url)
        assert post(straight, headers, 1).status_code == 404, "then the sample has no purpose"
        for _time in range(3):
            assert_asked_to_come_again(post(url, headers, 1))
        assert_asked_to_come_again(post(wrong(url), headers, 1))
    wait_for(lambda: post(url, headers, 1).status_code == 200, "the database")
    assert post(url, headers, 1).status_code == 200
    assert stored(server, call_id) == ["1"]


def test_while_odoo_is_down(server, edge, call):
    call_id, url, headers = call
    server.stop()
    try:
        assert_asked_to_come_again(post(url, headers, 1))
        # What nginx logs if nothing prevents it
        assert requests.get(f"{edge.url}/elsewhere/secret", timeout=20).status_code == 502
        for name in ("access.log", "error.log"):
            # nginx may answer before it writes
            wait_for(
                lambda name=name: "/elsewhere/secret" in edge.read_log(name), f"a line in {name}"
            )
    finally:
        server.start()
    assert post(url, headers, 1).status_code == 200
    assert stored(server, call_id) == ["1"]


def test_while_odoo_hangs(server, call):
    """What it stores in the end, after sender or nginx gave up, is there once."""
    call_id, url, headers = call
    os.killpg(server.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(requests.Timeout):
            requests.post(url, data=body(1), headers=headers, timeout=1)
        assert_asked_to_come_again(post(url, headers, 1))
    finally:
        os.killpg(server.process.pid, signal.SIGCONT)
    wait_for(lambda: stored(server, call_id), "the report")
    assert post(url, headers, 1).status_code == 200
    assert stored(server, call_id) == ["1"]


def test_a_restart_under_fire(server, call):
    """A sender that repeats what was not answered 200 loses nothing, and hears of no 404."""
    call_id, url, headers = call
    statuses = collections.Counter()
    taken = []
    done = threading.Event()

    def send():
        while not done.wait(0.05):
            status = post(url, headers, len(taken)).status_code
            statuses[status] += 1
            if status == 200:
                taken.append(len(taken))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        wait_for(lambda: taken, "the first report")
        server.stop()
        server.start()
        before = len(taken)
        wait_for(lambda: len(taken) > before, "a report after the restart")
    finally:
        done.set()
        sender.join(60)
    assert set(statuses) == {200, 503}
    assert sorted(map(int, stored(server, call_id))) == taken


def test_live_updates_go_through(server, edge):
    with socket.create_connection(("127.0.0.1", edge.port), timeout=20) as client:
        client.sendall(
            (
                f"GET /websocket HTTP/1.1\r\nHost: 127.0.0.1:{edge.port}\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                f"Origin: {edge.url}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            ).encode()
        )
        assert client.recv(4096).startswith(b"HTTP/1.1 101 ")
