"""Reports on their way, the ledger, and the sandbox as a part of other programs."""

import ast
import concurrent.futures
import importlib
import json
import logging
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
from conftest import (
    AGENT,
    CONNECTS,
    SPEED,
    WAIT,
    Receiver,
    authorization,
    changed,
    get_json,
    post,
    request,
    specification_sample,
)

from sandbox.server import CannotListenError, PortTakenError, Sandbox

PACKAGE = pathlib.Path(__file__).resolve().parents[1]
CALLBACKS = ("callFlowConfiguration", "initiateCall_1", "callBackURLs")


def entries(receiver, *event_types, **fields):
    return [
        {
            "eventType": event_type,
            "notifyURL": f"{receiver.url}/{event_type}",
            "method": "POST",
            **fields,
        }
        for event_type in event_types
    ]


def test_each_entry_gets_what_it_asks_for(make_sandbox, receiver):
    sandbox = make_sandbox()
    types = ["ALL", "CALL", "MEDIA", "DTMF", "RECORD", "CDR", "API", "SUBMITTED", "ERROR"]
    body = specification_sample(customer="7000000105")
    post(sandbox, changed(body, CALLBACKS, entries(receiver, *types)))
    sandbox.wait_idle(WAIT)
    got = {name: receiver.reports(f"/{name}") for name in types}
    everything = got["ALL"]
    for name in ("CALL", "MEDIA", "RECORD"):
        assert got[name] == [event for event in everything if event.get("eventType") == name]
        assert got[name]
    assert got["API"] == [event for event in everything if "requestMessageType" in event]
    assert len(got["API"]) == 1
    assert len(got["CDR"]) == 1
    assert not [event for event in everything if "participants" in event]
    assert got["DTMF"] == got["SUBMITTED"] == got["ERROR"] == []


def test_method_and_headers_of_the_entry(make_sandbox, receiver):
    sandbox = make_sandbox()
    headers = {"X-Secret": "a b=c", "Host": "elsewhere", "content-length": "3"}
    wanted = entries(receiver, "CDR", method="PUT", headers=headers)
    wanted[0]["notifyURL"] += "/path?one=1&two=%20+"
    post(sandbox, changed(specification_sample(), CALLBACKS, wanted))
    sandbox.wait_idle(WAIT)
    ((method, path, got, cdr),) = receiver.requests
    assert (method, path) == ("PUT", "/CDR/path?one=1&two=%20+")
    assert got["X-Secret"] == "a b=c"
    assert got["Content-Type"] == "application/json"
    assert got["Host"] == receiver.url.removeprefix("http://")
    assert cdr["participants"]


def test_report_is_posted_again_until_it_is_answered_200(make_sandbox, receiver):
    sandbox = make_sandbox()
    receiver.statuses = [500, 204, 200]
    post(sandbox, changed(specification_sample(), CALLBACKS, entries(receiver, "CDR")))
    sandbox.wait_idle(WAIT)
    reports = receiver.reports()
    assert len(reports) == 3
    assert reports[0] == reports[1] == reports[2]
    tries = sandbox.calls()[-1]["callbacks"]
    assert [(a["attempt"], a["status"], a["error"]) for a in tries] == [
        (1, 500, None),
        (2, 204, None),
        (3, 200, None),
    ]
    assert {(a["kind"], a["eventType"]) for a in tries} == {("cdr", "CDR")}


def test_other_reports_do_not_wait_for_one_that_fails(make_sandbox, receiver):
    sandbox = make_sandbox(callback_pause=40.0)
    receiver.statuses = [503]
    post(sandbox, changed(specification_sample(), CALLBACKS, entries(receiver, "ALL")))
    sandbox.wait_idle(WAIT)
    tries = [(a["name"], a["attempt"]) for a in sandbox.calls()[-1]["callbacks"]]
    assert tries[0] == ("api_result", 1)
    assert tries[-1] == ("api_result", 2)


def test_giving_up(make_sandbox, receiver):
    sandbox = make_sandbox(callback_attempts=2)
    receiver.statuses = [500] * 10
    post(sandbox, changed(specification_sample(), CALLBACKS, entries(receiver, "CDR")))
    sandbox.wait_idle(WAIT)
    assert len(receiver.reports()) == 2
    assert sandbox.calls()[-1]["finished"]


@pytest.mark.parametrize("host", ["127.0.0.1:9", "no-such-host.invalid", "a" * 64 + ".invalid"])
def test_nobody_listens(make_sandbox, host):
    sandbox = make_sandbox(callback_attempts=1)
    post(sandbox, specification_sample(f"http://{host}"))
    sandbox.wait_idle(WAIT)
    tries = sandbox.calls()[-1]["callbacks"]
    assert {a["status"] for a in tries} == {None}
    assert all(a["error"] for a in tries)


def test_slow_receiver(make_sandbox, receiver):
    sandbox = make_sandbox(callback_attempts=1, callback_timeout=0.2)
    receiver.gate.clear()
    post(sandbox, changed(specification_sample(), CALLBACKS, entries(receiver, "CDR")))
    sandbox.wait_idle(WAIT)
    receiver.gate.set()
    assert "TimeoutError" in sandbox.calls()[-1]["callbacks"][0]["error"]


def test_redirects_are_not_followed(make_sandbox, receiver):
    sandbox = make_sandbox(callback_attempts=1)
    receiver.statuses = [302]
    post(sandbox, changed(specification_sample(), CALLBACKS, entries(receiver, "CDR")))
    sandbox.wait_idle(WAIT)
    assert [a["status"] for a in sandbox.calls()[-1]["callbacks"]] == [302]


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
@pytest.mark.parametrize("trusted", [True, False])
def test_https_receiver(make_sandbox, receiver, tmp_path, trusted):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
        timeout=WAIT,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    receiver.url = receiver.url.replace("http:", "https:")
    sandbox = make_sandbox(
        callback_attempts=1, **({"callback_ca": str(certificate)} if trusted else {})
    )
    post(sandbox, changed(specification_sample(), CALLBACKS, entries(receiver, "CDR")))
    sandbox.wait_idle(WAIT)
    (attempt,) = sandbox.calls()[-1]["callbacks"]
    if trusted:
        assert attempt["status"] == 200
        assert len(receiver.reports()) == 1
    else:
        assert "CERTIFICATE_VERIFY_FAILED" in attempt["error"]


def test_unreadable_certificates(tmp_path):
    for path in (tmp_path / "missing.pem", PACKAGE / "__init__.py"):
        with pytest.raises(ValueError, match="can't be read"):
            Sandbox(callback_ca=str(path)).start()


def test_ledger_over_http(make_sandbox, receiver):
    sandbox = make_sandbox()
    post(sandbox, specification_sample(receiver.url))
    post(sandbox, b"nonsense")
    post(sandbox, specification_sample(), authorization=authorization(user="somebody"))
    sandbox.wait_idle(WAIT)
    status, calls = get_json(sandbox.url + "/sandbox/calls")
    assert (status, calls) == (200, sandbox.calls())
    accepted, refused, unauthorized = calls
    assert accepted["status"] == 200
    assert accepted["script"] == "connects"
    assert accepted["finished"]
    assert accepted["body"]["callFlowId"] == "SANDBOX-FLOW"
    assert len(accepted["callbacks"]) == 12
    assert {a["url"] for a in accepted["callbacks"]} == {
        f"{receiver.url}/cdr",
        f"{receiver.url}/events",
    }
    assert (refused["status"], refused["body"], refused["script"]) == (400, "nonsense", None)
    assert unauthorized["status"] == 401
    assert "p@55w0rd" not in json.dumps(calls)
    assert authorization()[6:] not in json.dumps(calls)
    assert get_json(sandbox.url + "/sandbox/calls", "DELETE") == (200, {"status": "ok"})
    assert get_json(sandbox.url + "/sandbox/calls") == (200, [])


def test_ledger_is_a_copy(sandbox):
    post(sandbox, b"nonsense")
    sandbox.calls()[0]["callbacks"].append("mine")
    assert sandbox.calls()[0]["callbacks"] == []
    sandbox.clear()
    assert sandbox.calls() == []


def test_clearing_while_a_call_goes_on(make_sandbox, receiver):
    sandbox = make_sandbox(speed=100)
    post(sandbox, specification_sample(receiver.url))
    sandbox.clear()
    sandbox.wait_idle(WAIT)
    assert len(receiver.reports("/cdr")) == 1
    assert sandbox.calls() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/sandbox/health", 200),
        ("HEAD", "/sandbox/nothing", 404),
        ("GET", "/sandbox", 404),
        ("POST", "/sandbox/health", 405),
        ("PUT", "/sandbox/calls", 405),
        ("GET", "/sandbox/script", 405),
        ("GET", "/", 404),
        ("DELETE", "/elsewhere", 404),
    ],
)
def test_other_paths(shared_sandbox, method, path, status):
    assert request(shared_sandbox.url + path, method)[0] == status


def test_too_large_for_the_tools_too(shared_sandbox):
    assert request(shared_sandbox.url + "/sandbox/script", "POST", b"1" * 1_100_000)[0] == 413


def test_one_connection_many_requests(shared_sandbox):
    body = json.dumps(specification_sample()).encode()
    head = (
        "POST /v2/execute/workflow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: {authorization()}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    wrong = b"POST /wrong HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd"
    last = b"GET /sandbox/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    parts = shared_sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((parts[0], int(parts[1])), timeout=WAIT) as connection:
        connection.sendall(head + body + wrong + head + body + last)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    statuses = re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", answer)
    assert statuses == [b"200", b"404", b"200", b"200"]


def test_fifty_calls_at_once(make_sandbox, receiver):
    sandbox = make_sandbox(speed=50)
    bodies = [
        specification_sample(receiver.url, str(9100000000 + n), str(9200000000 + n))
        for n in range(50)
    ]
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda body: post(sandbox, body), bodies))
    assert [answer[0] for answer in answers] == [200] * 50
    sandbox.wait_idle(30)
    ids = {answer[2]["correlationId"] for answer in answers}
    assert len(ids) == 50
    cdrs = receiver.reports("/cdr")
    assert {c.get("Client_Correlation_Id") or c["clientCorrelationId"] for c in cdrs} == ids
    assert len(receiver.reports("/events")) == 50 * 11
    assert [len(entry["callbacks"]) for entry in sandbox.calls()] == [12] * 50
    assert (
        sorted(entry["dialect"] for entry in sandbox.calls()) == ["camel"] * 25 + ["display"] * 25
    )


def test_seed_makes_it_repeatable(make_sandbox):
    def ids(seed):
        sandbox = make_sandbox(seed=seed)
        return [post(sandbox, specification_sample())[2]["correlationId"] for _call in range(3)]

    assert ids(7) == ids(7)
    assert ids(7) != ids(8)
    assert not set(ids(None)) & set(ids(None))


def test_agent_pool_takes_turns(make_sandbox, receiver):
    sandbox = make_sandbox()
    body = specification_sample(receiver.url)
    second = body["callFlowConfiguration"]["addParticipant_1"]
    second.update(mergingStrategy="ROUND_ROBIN", agentPoolId="POOL", callerId="8000000001")
    del second["participants"]
    for _call in range(3):
        post(sandbox, body)
        sandbox.wait_idle(WAIT)
    rung = [
        event["participantAddress"]
        for event in receiver.reports("/events")
        if event.get("event") == "Ringing" and event["participantAddress"] != AGENT
    ]
    assert rung == ["7000000901", "7000000902", "7000000901"]


def test_wait_idle_has_an_end(make_sandbox, receiver):
    sandbox = make_sandbox(speed=1)
    sandbox.wait_idle(0)
    post(sandbox, specification_sample(receiver.url))
    with pytest.raises(TimeoutError, match="under way"):
        sandbox.wait_idle(0.05)


def test_stops_at_once_in_the_middle_of_everything(receiver):
    before = set(threading.enumerate())
    with Sandbox(speed=1000, callback_timeout=60) as sandbox:
        receiver.gate.clear()
        post(sandbox, specification_sample(receiver.url))
        host, port = sandbox.url.removeprefix("http://").split(":")
        idle = socket.create_connection((host, int(port)), timeout=WAIT)
        idle.sendall(b"GET /sandbox/health HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b'"ok"}'):
            answer += idle.recv(4096)
        while not _posting(sandbox):
            time.sleep(0.01)
        began = time.monotonic()
    assert time.monotonic() - began < 10
    receiver.gate.set()
    assert idle.recv(1) == b""
    idle.close()
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and (left := _sandbox_threads() - before):
        time.sleep(0.02)
    assert not left
    with pytest.raises(RuntimeError):
        sandbox.url  # noqa: B018
    sandbox.stop()


def _posting(sandbox):
    call, _token = sandbox.find_call(sandbox.calls()[0]["sessionId"])
    return call._connection is not None and call._connection.sock is not None


def _sandbox_threads():
    return {thread for thread in threading.enumerate() if thread.name.startswith("sandbox")}


def test_taken_port(sandbox):
    port = int(sandbox.url.rpartition(":")[2])
    with pytest.raises(PortTakenError, match=f"Port {port} "):
        Sandbox(port=port).start()


def test_address_of_another_machine():
    with pytest.raises(CannotListenError, match="--host"):
        Sandbox(host="203.0.113.7").start()


@pytest.mark.parametrize(
    "settings",
    [
        {"speed": 0},
        {"speed": -1},
        {"speed": float("nan")},
        {"speed": float("inf")},
        {"dialect": "other"},
        {"port": 70000},
        {"path": "v2"},
        {"agent_pool": []},
        {"callback_attempts": 0},
    ],
)
def test_bad_settings(settings):
    with pytest.raises(ValueError, match=r"\.$"):
        Sandbox(**settings)


def test_account_settings(make_sandbox):
    sandbox = make_sandbox(
        user="u",
        password="pass:with:colons é",
        customer_id="C",
        flows=["F"],
        caller_numbers=["1234567890"],
        path="/other/path",
    )
    body = json.dumps(specification_sample())
    for old, new in (
        ("SANDBOX-FLOW", "F"),
        ("SANDBOX-CUSTOMER", "C"),
        ("8000000001", "1234567890"),
    ):
        body = body.replace(old, new)
    sent = authorization("u", "pass:with:colons é")
    assert post(sandbox, body.encode(), path="/x/other/path", authorization=sent)[0] == 200
    assert post(sandbox, body.encode(), path="/other/path")[0] == 401
    assert sandbox.api_url == sandbox.url + "/other/path"


def test_speed_may_be_below_one(make_sandbox, receiver):
    sandbox = make_sandbox(speed=0.5)
    began = time.monotonic()
    post(sandbox, changed(specification_sample(), CALLBACKS, entries(receiver, "API")))
    while not receiver.reports():
        time.sleep(0.01)
    assert time.monotonic() - began >= 0.4


def test_log_has_no_secrets(make_sandbox, receiver, caplog):
    sandbox = make_sandbox()
    with caplog.at_level(logging.DEBUG, logger="sandbox"):
        post(sandbox, specification_sample(f"{receiver.url}/token-abc"))
        post(sandbox, specification_sample(f"{receiver.url}/token-abc", "7000000301"))
        post(sandbox, specification_sample(), authorization=authorization(user="intruder"))
        sandbox.wait_idle(WAIT)
        cdr = receiver.reports("/token-abc/cdr")[0]
        request(cdr.get("Recording") or cdr["recordingURL"])
    assert "POST from demo: 70xx…01 -> connects, Xchange" in caplog.text
    assert "-> CDR 200" in caplog.text
    assert "400 INCORRECT_CALL_FLOW_ID" in caplog.text
    assert "POST from somebody unknown -> 401" in caplog.text
    for secret in (AGENT, CONNECTS, "token-abc", "token=", "p@55w0rd", "intruder"):
        assert secret not in caplog.text


def test_two_sandboxes_side_by_side(make_sandbox, receiver):
    one, two = make_sandbox(), make_sandbox()
    other = Receiver()
    try:
        post(one, specification_sample(receiver.url))
        post(two, specification_sample(other.url))
        one.wait_idle(WAIT)
        two.wait_idle(WAIT)
        assert len(receiver.reports("/cdr")) == len(other.reports("/cdr")) == 1
        assert len(one.calls()) == len(two.calls()) == 1
    finally:
        other.stop()


def test_imports_nothing_but_the_standard_library_and_itself():
    files = sorted(PACKAGE.glob("*.py"))
    assert len(files) > 10
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level <= 1, file
                modules = [] if node.level else [node.module]
            else:
                continue
            for module in modules:
                assert module.split(".")[0] in sys.stdlib_module_names, (file, module)


def test_works_under_another_package_name(tmp_path, monkeypatch):
    (tmp_path / "some_addons" / "addon").mkdir(parents=True)
    (tmp_path / "some_addons" / "addon" / "__init__.py").write_text("")
    (tmp_path / "some_addons" / "addon" / "sandbox").symlink_to(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("some_addons.addon.sandbox.server")
    assert module.Sandbox is not Sandbox
    with module.Sandbox(speed=SPEED) as sandbox:
        assert post(sandbox, specification_sample())[0] == 200
        sandbox.wait_idle(WAIT)
