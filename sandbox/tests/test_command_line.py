"""``python -m sandbox`` as a process of its own."""

import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from conftest import WAIT, get_json, post, specification_sample

from sandbox.scripts import SCRIPTS

ROOT = pathlib.Path(__file__).resolve().parents[2]


def command(*arguments):
    return [sys.executable, "-m", "sandbox", *arguments]


def run(*arguments):
    return subprocess.run(
        command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=WAIT, check=False
    )


class Served:
    """A running sandbox process; ``url`` is what its first line says."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            command("--port", "0", *arguments),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            env={"PYTHONIOENCODING": "utf-8"},
        )
        line = self.process.stdout.readline()
        match = re.fullmatch(
            r"Airtel CCP sandbox listening on (http://127\.0\.0\.1:[0-9]+)\n", line
        )
        assert match, line
        self.url = match.group(1)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        rest, _nothing = self.process.communicate(timeout=WAIT)
        return self.process.returncode, rest


@pytest.fixture
def serve():
    started = []

    def start(*arguments):
        served = Served(*arguments)
        started.append(served)
        return served

    yield start
    for served in started:
        if served.process.poll() is None:
            served.process.kill()
            served.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_starts_and_stops(serve, number):
    served = serve()
    assert get_json(served.url + "/sandbox/health") == (200, {"status": "ok"})
    post(served, specification_sample())
    began = time.monotonic()
    code, _rest = served.end(number)
    assert code == 0
    assert time.monotonic() - began < 10


def test_one_line_for_each_post_and_report(serve, receiver):
    served = serve("--speed", "1000")
    assert post(served, specification_sample(receiver.url))[0] == 200
    deadline = time.monotonic() + WAIT
    while (
        time.monotonic() < deadline
        and not get_json(served.url + "/sandbox/calls")[1][0]["finished"]
    ):
        time.sleep(0.02)
    _code, rest = served.end()
    lines = rest.splitlines()
    assert len(lines) == 1 + 12
    assert re.search(r"POST from demo: 70xx…01 -> connects, Xchange[0-9a-f-]{36}$", lines[0])
    assert lines[-1].endswith("-> CDR 200")
    assert sum("-> CALL Ringing (customer) 200" in line for line in lines) == 1


def test_account_options(serve):
    served = serve(
        "--quiet",
        *("--speed", "100000"),
        *("--user", "u", "--password", "p", "--customer-id", "C"),
        *("--flow", "F1", "--flow", "F2", "--caller-number", "8111111111"),
    )
    body = specification_sample()
    assert post(served, body)[0] == 401
    credentials = "Basic dTpw"
    assert post(served, body, authorization=credentials)[2]["errorCode"] == "INCORRECT_CUSTOMER_ID"
    body["customerId"] = "C"
    assert post(served, body, authorization=credentials)[2]["errorCode"] == "INCORRECT_CALL_FLOW_ID"
    body["callFlowId"] = "F2"
    assert post(served, body, authorization=credentials)[2]["errorCode"] == "INVALID_CALLER_ID"
    for component in ("initiateCall_1", "addParticipant_1"):
        part = body["callFlowConfiguration"][component]
        part["callerId"] = part["participants"][0]["callerId"] = "8111111111"
    body["callFlowConfiguration"]["initiateCall_1"]["callBackURLs"] = []
    assert post(served, body, authorization=credentials)[0] == 200
    assert served.end() == (0, "")


def test_taken_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("--port", str(port))
    assert (result.returncode, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert str(port) in result.stderr
    assert "--port" in result.stderr


@pytest.mark.parametrize("arguments", [["--speed", "0"], ["--port", "99999"], ["--path", "x"]])
def test_options_that_cannot_work(arguments):
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1


def test_help_lists_the_numbers():
    result = run("--help")
    assert result.returncode == 0
    for script in SCRIPTS:
        assert f"{script.number}  {script.name}" in result.stdout


def test_scripts_as_markdown():
    result = run("--scripts-markdown")
    lines = result.stdout.splitlines()
    assert result.returncode == 0
    assert len(lines) == len(SCRIPTS) + 2
    assert {line.count("|") for line in lines} == {4}
    assert lines[2].startswith("| 7000000101 | `connects` |")
