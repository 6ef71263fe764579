import os
import signal
import socket
import subprocess
import sys
import textwrap
import time

import pytest

from devtools.machine import services
from devtools.machine.errors import ToolError
from devtools.machine.layout import LAYOUT

SERVER = [sys.executable, "-m", "http.server", "--bind", services.HOST]
# What `make run` does, in small: two programs, one with a child of its own.
SUPERVISOR = """
import os, sys
from pathlib import Path
from devtools.machine.services import Stopped, running, stop_signals
here = Path(sys.argv[1])
sleep = "import time; time.sleep(90)"
child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleep!r}])"
try:
    with stop_signals(), running(os.environ, here, here) as services:
        started = [
            services.start("One", [sys.executable, "-c", sleep]),
            services.start("Two", [sys.executable, "-c", child]),
        ]
        print(*(service.process.pid for service in started), flush=True)
        services.wait()
except Stopped:
    print("stopped", flush=True)
"""


@pytest.fixture
def listener():
    """A port that another program listens on."""
    with socket.socket() as taken:
        taken.bind((services.HOST, 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.fixture
def group(tmp_path):
    """A place for programs that end with the test."""
    with services.running(os.environ, tmp_path, tmp_path) as found:
        yield found


def test_a_taken_port_is_one_sentence_with_a_way_out(listener):
    with pytest.raises(ToolError) as caught:
        services.require_free_ports({"ODOO_PORT": listener}, "make run")
    text = str(caught.value)
    assert text.startswith(f"Port {listener} is taken by another program:")
    suggestion = int(text.rpartition("ODOO_PORT=")[2].strip("`."))
    assert services.port_is_free(suggestion)
    assert "\n" not in text


def test_two_services_on_one_port():
    with pytest.raises(ToolError, match="SANDBOX_PORT and ODOO_PORT are both"):
        port = services.free_port()
        services.require_free_ports({"ODOO_PORT": port, "SANDBOX_PORT": port}, "make run")


def test_a_port_that_was_just_left_is_free():
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((services.HOST, 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection((services.HOST, port)) as client:
            accepted, _ = server.accept()
            accepted.close()
            client.recv(1)
    assert services.port_is_free(port)


def test_waits_until_a_program_serves(group):
    port = services.free_port()
    service = group.start("Server", [*SERVER, str(port)])
    service.wait_until_serving(f"http://{services.HOST}:{port}/missing", seconds=20)
    assert not services.port_is_free(port)


def test_a_program_that_does_not_serve(group):
    service = group.start("Sleeper", [sys.executable, "-c", "import time; time.sleep(90)"])
    with pytest.raises(ToolError, match="Sleeper does not answer after 1 seconds"):
        service.wait_until_serving(f"http://{services.HOST}:{services.free_port()}", seconds=1)


def test_a_program_that_ends_by_itself_shows_its_last_words(group):
    service = group.start("Odoo", [sys.executable, "-c", "raise SystemExit('no database')"])
    with pytest.raises(ToolError, match=r"Odoo ended by itself(?s:.)*no database"):
        service.wait_until_serving(f"http://{services.HOST}:{services.free_port()}")


def test_a_program_that_will_not_end_is_killed(group, monkeypatch, alive, until):
    monkeypatch.setattr(services, "STOP_SECONDS", 0.3)
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"
    code += "; time.sleep(90)"
    service = group.start("Stubborn", [sys.executable, "-c", code])
    assert until(lambda: service.log.read_text())
    group.stop()
    assert not alive(service.process.pid)


def start_supervisor(folder, through_make=False):
    script = folder / "supervisor.py"
    script.write_text(textwrap.dedent(SUPERVISOR))
    command = [sys.executable, str(script), str(folder)]
    if through_make:
        line = " ".join(f'"{word}"' for word in command)
        (folder / "Makefile").write_text(f"run:\n\t@exec {line}\n")
        command = ["make", "--silent", f"--directory={folder}", "run"]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(LAYOUT.root)},
        # A group of its own, as a terminal gives to what is typed.
        start_new_session=True,
    )


def children_of(pid):
    path = f"/proc/{pid}/task/{pid}/children"
    with open(path) as children:
        return [int(child) for child in children.read().split()]


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)
def test_a_signal_ends_what_was_started_and_nothing_else(tmp_path, number, alive, until):
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(90)"])
    supervisor = start_supervisor(tmp_path)
    try:
        started = [int(pid) for pid in supervisor.stdout.readline().split()]
        assert len(started) == 2
        assert until(lambda: children_of(started[1]))
        grandchildren = children_of(started[1])
        # To the whole group, as a terminal does it for Ctrl-C.
        os.killpg(supervisor.pid, number)
        assert supervisor.wait(timeout=20) == 0
        assert supervisor.stdout.read() == "stopped\n"
        assert until(lambda: not any(alive(pid) for pid in (*started, *grandchildren)))
        assert alive(bystander.pid)
    finally:
        bystander.kill()
        bystander.wait()
        supervisor.stdout.close()


def test_a_second_ctrl_c_does_not_cut_the_end_short(tmp_path, alive, until):
    supervisor = start_supervisor(tmp_path)
    started = [int(pid) for pid in supervisor.stdout.readline().split()]
    for _ in range(3):
        os.killpg(supervisor.pid, signal.SIGINT)
        time.sleep(0.01)
    assert supervisor.wait(timeout=20) == 0
    assert until(lambda: not any(alive(pid) for pid in started))
    supervisor.stdout.close()


def test_make_passes_the_end_on(tmp_path, alive, until):
    make = start_supervisor(tmp_path, through_make=True)
    started = [int(pid) for pid in make.stdout.readline().split()]
    make.send_signal(signal.SIGTERM)
    make.wait(timeout=20)
    assert until(lambda: not any(alive(pid) for pid in started))
    make.stdout.close()
