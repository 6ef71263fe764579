"""``python -m sandbox`` as a process of its own."""

import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from conftest import AIRTEL_NUMBER, WAIT, get_json, post, specification_sample

from sandbox import incoming_scripts, switches
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
    for script in (*SCRIPTS, *incoming_scripts.SCRIPTS):
        assert f"{script.number}  {script.name}" in result.stdout
    for switch in switches.SWITCHES:
        assert f"{switch.name} ({switch.choices}; default: " in result.stdout


def test_scripts_as_markdown():
    result = run("--scripts-markdown")
    assert result.returncode == 0
    outgoing, incoming, switched = result.stdout.strip().split("\n\n")
    for table, rows, columns in (
        (outgoing, SCRIPTS, 3),
        (incoming, incoming_scripts.SCRIPTS, 3),
        (switched, switches.SWITCHES, 5),
    ):
        lines = table.splitlines()
        assert len(lines) == len(rows) + 2
        assert {line.count("|") for line in lines} == {columns + 1}
    assert outgoing.splitlines()[2].startswith("| 7000000101 | `connects` |")


def test_the_readme_lists_scripts_and_switches_of_incoming_calls():
    text = (ROOT / "sandbox" / "README.md").read_text(encoding="utf-8")
    for module in (incoming_scripts, switches):
        assert module.markdown_table() in text, "run python -m sandbox --scripts-markdown"


def ring(served, *arguments):
    port = served.url.rpartition(":")[2]
    return run("--port", port, "--ring", "9123456789", *arguments)


def test_ring_follows_the_call(serve, receiver, router):
    served = serve(
        *("--speed", "100", "--route-url", router.url, "--notify-url", f"{receiver.url}/account"),
        *("--route-header", "Authorization", "--route-secret", "user:password"),
        *("--notify-header", "X-Secret", "--notify-secret", "other"),
    )
    words = ["--script", "second_answers", "--digit", "2", "--switch", "numbers=+91"]
    result = ring(served, "--to", AIRTEL_NUMBER, *words, "--switch", "events=false")
    assert (result.returncode, result.stderr) == (0, "")
    first, asked, reported, over = result.stdout.splitlines()
    assert first == ("9123456789 calls 8000000001: the first agent doesn't answer, the second does")
    assert re.fullmatch(
        r"  Airtel asked whom to ring \(POST, Basic\): 200 after 0\.\d+ s, good", asked
    )
    assert reported == "  Reported CDR: 200"
    assert over == "  Over: answered by 98xx…11"
    assert router.requests[0].headers["Authorization"] == "Basic dXNlcjpwYXNzd29yZA=="
    assert receiver.requests[0][2]["X-Secret"] == "other"
    _code, log = served.end()
    assert "Call from 91xx…89: rings 98xx…10, 98xx…11" in log


def test_ring_says_that_the_desk_rang(serve, router):
    router.answers = [(503, b"")]
    served = serve("--speed", "1000", "--route-url", router.url, "--desk", "7000000777")
    result = ring(served, "--to", AIRTEL_NUMBER)
    assert result.returncode == 0
    assert result.stdout.splitlines()[1:] == [
        "  Airtel asked whom to ring (POST, none): The answer has the status 503, not 200.",
        "  Airtel's own desk rang. The answer has the status 503, not 200.",
        "  Remark: There is no notify URL: nothing is reported.",
        "  Over: answered by 70xx…77",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--to 8000000001"),
        (["--to", "9"], "to must be an Airtel number"),
        (["--to", AIRTEL_NUMBER, "--digit", "22"], "digit must be"),
        (["--to", AIRTEL_NUMBER, "--script", "nothing"], "no script 'nothing'"),
        (["--to", AIRTEL_NUMBER, "--switch", "events"], "name=value"),
        (["--to", AIRTEL_NUMBER, "--switch", "events=maybe"], "can be: false, true"),
        (["--to", AIRTEL_NUMBER, "--switch", "nothing=1"], "no switch 'nothing'"),
    ],
)
def test_ring_is_refused_in_one_sentence(serve, router, arguments, words):
    result = ring(serve("--route-url", router.url), *arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_ring_without_a_sandbox(router):
    for port in ("9", router.url.rpartition(":")[2].partition("/")[0]):
        router.answers = [(200, b"[]")]
        result = run("--port", port, "--ring", "9123456789", "--to", AIRTEL_NUMBER)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith(f"No sandbox answers at 127.0.0.1, port {port}: ")


def test_words_about_a_call_need_ring():
    result = run("--to", AIRTEL_NUMBER)
    assert result.returncode == 2
    assert result.stderr.endswith("--to, --digit, --script and --switch need --ring.\n")


def test_ring_may_be_left_while_the_call_goes_on(serve, router):
    served = serve("--speed", "0.5", "--route-url", router.url)
    port = served.url.rpartition(":")[2]
    words = ["--port", port, "--ring", "9123456789", "--to", AIRTEL_NUMBER]
    process = subprocess.Popen(command(*words), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().startswith("9123456789 calls 8000000001")
    process.send_signal(signal.SIGINT)
    rest, _nothing = process.communicate(timeout=WAIT)
    assert (process.returncode, rest) == (0, "The call goes on.\n")
    assert not get_json(served.url + "/sandbox/incoming")[1][0]["finished"]
