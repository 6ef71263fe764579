# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Marks of work under way: who sees what, while it goes on, after it, and after a kill."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ccp.safe.marks import Marks

WORK = """
import sys, time
sys.path.insert(0, {folder!r})
from marks import Marks
with Marks(sys.argv[1]).under_way([7, 8]):
    print("working", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def marks(tmp_path):
    return Marks(tmp_path / "spool" / "database")


def test_work_that_comes_to_its_end_leaves_nothing(marks):
    with marks.under_way([1, 2]):
        assert len(list(marks.folder.iterdir())) == 1
    assert not list(marks.folder.iterdir())
    assert marks.cut_off() == []


def test_work_that_fails_has_come_to_its_end(marks):
    with pytest.raises(ZeroDivisionError), marks.under_way([1]):
        raise ZeroDivisionError
    assert not list(marks.folder.iterdir())


def test_no_folder_is_no_mark(marks):
    assert marks.cut_off() == []


def test_a_folder_that_takes_no_file_says_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError), Marks(tmp_path / "file").under_way([1]):
        pass


def test_others_see_no_mark_of_work_that_goes_on(marks):
    seen = []
    with marks.under_way([1]):
        thread = threading.Thread(target=lambda: seen.extend(marks.cut_off()))
        thread.start()
        thread.join()
        assert marks.cut_off() == []
    assert seen == []


def test_a_kill_leaves_a_mark_until_it_is_forgotten(marks):
    code = WORK.format(folder=str(Path(__file__).parents[1] / "safe"))
    command = [sys.executable, "-c", code, str(marks.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "working\n"
        assert marks.cut_off() == []
        os.kill(process.pid, signal.SIGKILL)
    (mark,) = marks.cut_off()
    assert mark.ids == (7, 8)
    assert marks.cut_off() == [mark]
    marks.forget(mark)
    marks.forget(mark)
    assert marks.cut_off() == []


def test_what_is_no_number_in_a_mark_is_left_out(marks):
    marks.folder.mkdir(parents=True)
    (marks.folder / "1-a.mark").write_bytes(b"12 \xff x 13")
    assert [mark.ids for mark in marks.cut_off()] == [(12, 13)]
