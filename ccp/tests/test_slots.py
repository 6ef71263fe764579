import gc
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ccp.safe import slots
from ccp.safe.slots import Slots

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys, time
from ccp.safe.slots import Slots
slot = Slots(sys.argv[1], int(sys.argv[2])).take()
print("held" if slot else "full", flush=True)
time.sleep(60)
"""


@pytest.fixture(params=["files", "one process"])
def kind(request, monkeypatch):
    if request.param == "files":
        pytest.importorskip("fcntl")
    else:
        monkeypatch.setattr(slots, "fcntl", None)


@pytest.mark.usefixtures("kind")
def test_so_many_and_no_more(tmp_path):
    places = Slots(tmp_path / "made" / "here", 2)
    first, second = places.take(), places.take()
    assert first
    assert second
    assert places.take() is None
    first.release()
    first.release()
    third = places.take()
    assert third
    assert places.take() is None, "what was released twice counts once"
    second.release()
    third.release()


@pytest.mark.usefixtures("kind")
def test_what_nobody_refers_to_is_free_again(tmp_path):
    places = Slots(tmp_path, 1)
    assert places.take()
    gc.collect()
    slot = places.take()
    assert slot
    slot.release()


@pytest.mark.usefixtures("kind")
def test_many_threads(tmp_path):
    places = Slots(tmp_path, 3)
    start = threading.Barrier(20)
    taken = []

    def take():
        start.wait()
        taken.append(places.take())

    threads = [threading.Thread(target=take) for _number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = [slot for slot in taken if slot]
    assert len(held) == 3
    for slot in held:
        slot.release()


def hold(folder, count):
    """Take a slot in a process of its own; return the process, and whether it got one."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), str(count)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip()


def test_processes_share_them_and_one_that_is_killed_holds_nothing(tmp_path):
    pytest.importorskip("fcntl")
    first, answer = hold(tmp_path, 1)
    try:
        assert answer == "held"
        assert Slots(tmp_path, 1).take() is None
        os.kill(first.pid, signal.SIGKILL)
        first.wait(20)
        assert Slots(tmp_path, 1).take()
    finally:
        first.kill()
        first.wait(20)
        first.stdout.close()


def test_a_program_that_is_started_meanwhile_holds_nothing(tmp_path):
    pytest.importorskip("fcntl")
    slot = Slots(tmp_path, 1).take()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        slot.release()
        assert Slots(tmp_path, 1).take()
    finally:
        child.communicate(b"\n", timeout=20)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Slots(tmp_path / "file" / "below", 1).take()
