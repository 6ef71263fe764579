"""Fixtures: a receiver for reports, a sandbox, and requests to it; all real HTTP."""

import base64
import copy
import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from sandbox.server import Sandbox

SPEED = 1000
AGENT = "9876543210"
OTHER_AGENT = "9876543211"
CUSTOMER = "9123456789"
AIRTEL_NUMBER = "8000000001"
CONNECTS = "7000000101"
WAIT = 15


class Receiver:
    """A small HTTP server that keeps every report posted to it."""

    def __init__(self):
        self.requests = []
        self.statuses = []
        self.lock = threading.Lock()
        self.gate = threading.Event()
        self.gate.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                receiver.gate.wait(WAIT)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.lock:
                    receiver.requests.append(
                        (self.command, self.path, dict(self.headers), json.loads(body))
                    )
                    status = receiver.statuses.pop(0) if receiver.statuses else 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = answer
            do_PUT = answer

            def log_message(self, *_arguments):
                """Keep the test output clean."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True
        ).start()

    def reports(self, path=None):
        """Return the JSON objects received, in order, at one path or at all."""
        with self.lock:
            return [body for _method, at, _headers, body in self.requests if path in (None, at)]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.stop()


class Router:
    """A small HTTP server that is asked whom an incoming call should ring."""

    def __init__(self):
        self.requests = []
        self.answers = []
        self.agents = [AGENT, OTHER_AGENT]
        self.more = {}
        self.gate = threading.Event()
        self.gate.set()
        self.lock = threading.Lock()
        router = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path, _mark, query = self.path.partition("?")
                with router.lock:
                    router.requests.append(Asked(self.command, path, query, self.headers, body))
                    status, content = router.answers.pop(0) if router.answers else (200, None)
                router.gate.wait(WAIT)
                if content is None:
                    content = json.dumps(router.answer()).encode()
                self.send_response(status)
                self.end_headers()
                # Slowly, if it comes in pieces
                for piece in [content] if isinstance(content, bytes) else content:
                    self.wfile.write(piece)

            do_POST = answer
            do_GET = answer

            def log_message(self, *_arguments):
                """Keep the test output clean."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_arguments):
                """Sandboxes that go away are part of the tests."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/route"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True
        ).start()

    def answer(self):
        """Return the answer in the form that Airtel is known to take."""
        participants = [
            {
                "participantName": f"Agent{position}",
                "participantAddress": number,
                "callerId": AIRTEL_NUMBER,
                "maxRetries": 0,
                "audioId": 0,
                "maxTime": 0,
                "enableEarlyMedia": "false",
            }
            for position, number in enumerate(self.agents, 1)
        ]
        component = {"participants": participants, "mergingStrategy": "SEQUENTIAL", "maxTime": 0}
        return {"client_add_participant": {**component, **self.more}}

    def stop(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()


class Asked(NamedTuple):
    """A request that a Router got."""

    method: str
    path: str
    query: str
    headers: http.client.HTTPMessage
    body: bytes


@pytest.fixture
def router():
    server = Router()
    yield server
    server.stop()


@pytest.fixture
def line(make_sandbox, receiver, router):
    """Return a function that makes a sandbox whose Airtel numbers ask and report."""

    def make(**settings):
        urls = {"route_url": router.url, "notify_url": f"{receiver.url}/account"}
        return make_sandbox(**{**urls, **settings})

    return make


def ring(sandbox, script="first_answers", to="8000000001", digit=None, **switches):
    """Let a customer call, wait until the call is over, and return it."""
    call_id = sandbox.ring(CUSTOMER, to, digit, script, switches)
    sandbox.wait_idle(WAIT)
    return sandbox.incoming_call(call_id)


@pytest.fixture
def make_sandbox():
    started = []

    def make(**settings):
        sandbox = Sandbox(**{"speed": SPEED, "seed": 1, **settings})
        sandbox.start()
        started.append(sandbox)
        return sandbox

    yield make
    for sandbox in started:
        sandbox.stop()


@pytest.fixture
def sandbox(make_sandbox):
    return make_sandbox()


@pytest.fixture(scope="module")
def shared_sandbox():
    """One sandbox for many requests that don't look at the ledger as a whole."""
    with Sandbox(speed=100000, seed=1) as server:
        yield server


def specification_sample(notify_url="http://127.0.0.1:9", customer=CONNECTS, agent=AGENT):
    """Return the sample body of section 1.4 with its placeholders filled in."""
    return {
        "callFlowId": "SANDBOX-FLOW",
        "customerId": "SANDBOX-CUSTOMER",
        "callType": "OUTBOUND",
        "callFlowConfiguration": {
            "initiateCall_1": {
                "callerId": "8000000001",
                "mergingStrategy": "SEQUENTIAL",
                "participants": [
                    {
                        "participantAddress": agent,
                        "callerId": "8000000001",
                        "participantName": "A",
                        "maxRetries": 1,
                        "maxTime": 0,
                    }
                ],
                "maxTime": 0,
                "callBackURLs": [
                    {
                        "eventType": "CDR",
                        "notifyURL": f"{notify_url}/cdr",
                        "method": "POST",
                        "headers": {},
                    },
                    {
                        "eventType": "ALL",
                        "notifyURL": f"{notify_url}/events",
                        "method": "POST",
                        "headers": {},
                    },
                ],
            },
            "addParticipant_1": {
                "mergingStrategy": "SEQUENTIAL",
                "maxTime": 0,
                "participants": [
                    {
                        "participantAddress": customer,
                        "callerId": "8000000001",
                        "participantName": "B",
                        "maxRetries": 1,
                        "maxTime": 0,
                        "enableEarlyMedia": True,
                    }
                ],
            },
            "record": {"enabled": True},
        },
    }


def changed(body, path, value):
    """Return a copy of a body with the value at a path (keys and indexes) replaced or removed.

    The value ``...`` removes.
    """
    body = copy.deepcopy(body)
    *way, last = path
    target = body
    for step in way:
        target = target[step]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return body


def authorization(user="demo", password="p@55w0rd"):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def request(url, method="GET", body=None, headers=None, timeout=WAIT):
    """Send one request; return status, headers and the body's bytes."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def post(sandbox, body, *, path="/v2/execute/workflow", timeout=WAIT, **headers):
    """POST a call; headers are given with underscores, None leaves one out.

    :return: status, headers and the body, as JSON where it is
    """
    sent = {"Authorization": authorization(), "Content-Type": "application/json"}
    for name, value in headers.items():
        name = name.replace("_", "-").title()
        sent.pop(name, None)
        if value is not None:
            sent[name] = value
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, answered, content = request(sandbox.url + path, "POST", raw, sent, timeout)
    try:
        return status, answered, json.loads(content)
    except ValueError:
        return status, answered, content


def get_json(url, method="GET", body=None):
    raw = None if body is None else json.dumps(body).encode()
    status, _headers, content = request(url, method, raw)
    return status, json.loads(content)


@pytest.fixture
def run_call(make_sandbox, receiver):
    """Return a function that runs one call to its end.

    It returns the ledger's entry, the real time reports and the CDRs.
    """

    def run(customer, edit=None, **settings):
        sandbox = make_sandbox(**settings)
        body = specification_sample(receiver.url, customer)
        if edit:
            edit(body)
        post(sandbox, body)
        sandbox.wait_idle(WAIT)
        return sandbox.calls()[-1], receiver.reports("/events"), receiver.reports("/cdr")

    return run
