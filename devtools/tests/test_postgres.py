import locale
import os
import signal
import subprocess
import sys

import pytest

from devtools.machine import postgres
from devtools.machine.database import Databases
from devtools.machine.errors import ToolError
from devtools.machine.layout import LAYOUT, Layout, Settings

HOLDER = """
import sys, time
from pathlib import Path
from devtools.machine.layout import Layout
from devtools.machine.postgres import Cluster
with Cluster(Layout(Path(sys.argv[1])), durable=False).lease():
    print("held", flush=True)
    time.sleep(120)
"""


@pytest.fixture
def cluster(layout):
    found = postgres.Cluster(layout, durable=False)
    yield found
    found.halt()


@pytest.fixture
def holder(layout):
    """Another process that needs the server."""
    command = [sys.executable, "-c", HOLDER, str(layout.root)]
    environ = {**os.environ, "PYTHONPATH": str(LAYOUT.root)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lease_starts_and_stops_the_server(cluster, layout):
    assert not cluster.running
    with cluster.lease() as server:
        assert cluster.running
        databases = Databases(layout, None, server, demo=False)
        assert databases.query("postgres", "SELECT 40 + 2") == "42"
        assert not databases.exists("some")
    assert not cluster.running


def test_who_lets_go_last_stops_the_server(cluster, holder):
    with cluster.lease():
        assert cluster.running
    assert cluster.running
    holder.send_signal(signal.SIGINT)
    holder.wait(timeout=30)
    assert not cluster.running


def test_a_killed_process_keeps_no_lease(cluster, holder):
    holder.kill()
    holder.wait(timeout=30)
    assert cluster.running
    with cluster.lease():
        assert cluster.running
    assert not cluster.running


def test_a_server_that_was_killed_starts_again(cluster, until, alive):
    with cluster.lease():
        pid = int((cluster.folder / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        assert until(lambda: not alive(pid))
    with cluster.lease():
        assert cluster.running


def test_a_half_made_cluster_is_made_anew(cluster):
    cluster.folder.mkdir()
    (cluster.folder / "left-over").touch()
    with cluster.lease():
        assert cluster.running
    assert not (cluster.folder / "left-over").exists()


def test_a_long_path_gets_a_short_socket(layout):
    deep = Layout(layout.root.joinpath(*["folder"] * 20))
    deep.dev.mkdir(parents=True)
    deep.venv.symlink_to(LAYOUT.venv)
    found = postgres.Cluster(deep, durable=False)
    assert len(os.fsencode(found.socket_folder)) < 80
    with found.lease():
        assert found.running
        assert (found.socket_folder / f".s.PGSQL.{postgres.PORT}").exists()
    found.socket_folder.rmdir()


def test_a_server_of_ones_own_is_left_alone(layout):
    with postgres.server(layout, Settings(own_server=True)) as server:
        assert server.environ == {}
    assert not (layout.dev / "pg").exists()


def test_the_first_locale_that_the_system_has():
    before = locale.setlocale(locale.LC_CTYPE)
    assert postgres._locale(("no.such", "C")) == "C"
    assert locale.setlocale(locale.LC_CTYPE) == before
    with pytest.raises(ToolError, match="one of the locales no.such, neither.this: install one"):
        postgres._locale(("no.such", "neither.this"))


def test_programs_come_before_the_path(tmp_path):
    server = postgres.Server({"PGHOST": "/socket"}, tmp_path)
    environ = server.full_environ({"PATH": "/usr/bin", "HOME": "/home"})
    assert environ == {
        "PATH": f"{tmp_path}{os.pathsep}/usr/bin",
        "HOME": "/home",
        "PGHOST": "/socket",
    }
