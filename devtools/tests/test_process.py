import io
import os
import subprocess
import sys

import pytest

from devtools.machine.errors import ToolError
from devtools.machine.process import last_lines, run_in_order, run_logged
from devtools.machine.progress import Progress


@pytest.fixture
def progress():
    return Progress("Working", io.StringIO(), interval=0)


def python(code):
    return [sys.executable, "-c", code]


def test_output_goes_to_the_log(tmp_path, progress):
    log = tmp_path / "logs" / "log"
    run_logged(python("print('hello')"), progress, log, "It failed.")
    assert log.read_text() == "hello\n"


def test_failure_names_the_log_and_its_last_lines(tmp_path, progress):
    log = tmp_path / "log"
    code = "for n in range(50): print('line', n)\nraise SystemExit(3)"
    with pytest.raises(ToolError) as caught:
        run_logged(python(code), progress, log, "It failed.")
    text = str(caught.value)
    assert text.startswith(f"It failed. Full output: {log}\n")
    assert text.endswith("    line 49")
    assert "line 20" not in text


def test_a_missing_program(tmp_path, progress):
    with pytest.raises(ToolError, match="It failed. The program no-such-program is missing."):
        run_logged(["no-such-program"], progress, tmp_path / "log", "It failed.")


def test_a_program_that_takes_too_long_is_ended(tmp_path, progress, alive):
    log = tmp_path / "log"
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(ToolError, match="longer than 2 seconds"):
        run_logged(python(code), progress, log, "It failed.", timeout=2)
    assert not alive(int(log.read_text()))


def test_a_sign_of_life(tmp_path):
    stream = io.StringIO()
    log = tmp_path / "log"
    progress = Progress("Working", stream, interval=0)

    def measure(report):
        report.note(log.read_text().strip())

    code = "import time; print('half', flush=True); time.sleep(0.5)"
    run_logged(python(code), progress, log, "Failed.", measure)
    assert "Working: half, 0 s" in stream.getvalue()


def test_the_command_reads_the_text(tmp_path, progress):
    log = tmp_path / "log"
    code = "import sys; print(sys.stdin.read().upper())"
    run_logged(python(code), progress, log, "It failed.", text="hello")
    run_logged(python("pass"), progress, tmp_path / "other", "It failed.", text="not read")
    assert log.read_text() == "HELLO\n"


def test_a_program_in_order_returns_its_code_and_ends_in_time(tmp_path, alive):
    log = tmp_path / "log"
    assert run_in_order(python("raise SystemExit(3)"), os.environ, tmp_path) == 3
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with log.open("wb") as output, pytest.raises(subprocess.TimeoutExpired):
        run_in_order(python(code), os.environ, tmp_path, output, 2)
    assert not alive(int(log.read_text().split()[0]))


def test_last_lines_of_a_long_file(tmp_path):
    path = tmp_path / "log"
    path.write_text("".join(f"{number}\n\n" for number in range(100_000)))
    assert last_lines(path, 2) == ["99998", "99999"]
    assert os.path.getsize(path) > 500_000
