import fcntl
import os
import subprocess
import sys

import pytest

from devtools.commands import test
from devtools.machine.errors import ToolError
from devtools.machine.layout import LAYOUT

FAILING = "def test_wrong():\n    assert False\n"
PASSING = "def test_right():\n    pass\n"


@pytest.mark.parametrize(("text", "expected"), [("1", 1), ("4", 4), ("", min(2, os.cpu_count()))])
def test_jobs(text, expected):
    assert test.job_count({"JOBS": text}) == expected


@pytest.mark.parametrize("text", ["0", "two", "-1"])
def test_jobs_that_are_none(text):
    with pytest.raises(ToolError, match="JOBS is"):
        test.job_count({"JOBS": text})


def test_odoos_tests_are_named_by_the_link(layout):
    command = test.odoo_command(layout, "some_test", 2, ["-k", "web hook"])
    assert str(layout.addon / "tests") in command
    assert "--odoo-database=some_test" in command
    assert command[-2:] == ["-k", "web hook"]
    assert "--numprocesses" in command
    assert "--numprocesses" not in test.odoo_command(layout, "some_test", 1, [])


def test_plain_tests_use_the_jobs(layout):
    words = test.plain_command(layout, "ccp/tests", 2)
    assert words[words.index("--numprocesses") + 1] == "2"
    assert "--numprocesses" not in test.plain_command(layout, "ccp/tests")


@pytest.mark.parametrize(
    ("contents", "code", "seen"),
    [((PASSING, PASSING), 0, 2), ((FAILING, PASSING), 1, 1), ((PASSING, FAILING), 1, 2)],
)
def test_plain_tests_end_at_the_first_failing_folder(
    layout, monkeypatch, capfd, contents, code, seen
):
    monkeypatch.setattr(test, "PLAIN_FOLDERS", ("one", "two"))
    for folder, content in zip(test.PLAIN_FOLDERS, contents, strict=True):
        (layout.root / folder).mkdir()
        (layout.root / folder / "test_it.py").write_text(content)
        (layout.root / folder / "pytest.ini").write_text("[pytest]\n")
    (layout.root / "__init__.py").write_text("raise RuntimeError('imported')\n")
    assert test._plain_tests(layout, dict(os.environ)) == code
    lines = capfd.readouterr().out.splitlines()
    assert sum("test session starts" in line for line in lines) == seen
    assert (" failed" if code else " passed") in lines[-1]


def test_two_runs_on_one_database_are_refused(layout):
    with open(layout.dev / "some_test.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ToolError, match="set TEST_DATABASE"), test._alone(layout, "some_test"):
            pytest.fail("not alone")


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"ODOO_PORT": "none"}, "make run: ODOO_PORT is 'none': set it to a port number"),
        ({"ODOO_PORT": "8070", "SANDBOX_PORT": "8070"}, "make run: SANDBOX_PORT and ODOO_PORT"),
    ],
)
def test_what_a_person_can_mend_is_one_sentence(environ, text):
    result = subprocess.run(
        [sys.executable, "-m", "devtools", "run"],
        cwd=LAYOUT.root,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(text)
    assert result.stderr.count("\n") == 1
