import pytest

from devtools.commands import fuzz
from devtools.commands.fuzz import Outcome, describe, read_outcome
from devtools.machine.errors import ToolError
from devtools.machine.layout import LAYOUT

QUIET = "#2\tINITED cov: 3\nDone 1499 runs in 11 second(s)\nstat::number_of_executed_units: 1499\n"
FOUND = (
    "#8\tNEW    cov: 3\n === Uncaught Python exception: ===\nAssertionError: too long\nTraceback\n"
    "stat::number_of_executed_units: 1053\n"
)
SLOW = "#64\tpulse  cov: 3\nALARM: working on the last Unit for 3 seconds\n"
MODULE = """
class Target:
    words = (b"ab", b'"')

    def __init__(self, check):
        self.check = check

    def seeds(self):
        yield b"seed"

def wrong(data):
    assert b"ab" not in data, "a planted fault"

def endless(data):
    while data:
        pass

TARGETS = {"right": Target(bytes), "wrong": Target(wrong), "endless": Target(endless)}
"""


@pytest.fixture
def targets(layout, tmp_path):
    """A folder with targets of its own, fuzzed by the tools of this checkout."""
    if not (LAYOUT.dev / "atheris").exists():
        pytest.skip("needs atheris, which `make fuzz` installs")
    (layout.dev / "atheris").symlink_to(LAYOUT.dev / "atheris")
    (layout.root / "devtools").symlink_to(LAYOUT.root / "devtools")
    (tmp_path / "fuzz_targets.py").write_text(MODULE)
    return tmp_path


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        (0, QUIET, Outcome("url", 1499, 9)),
        (77, FOUND, Outcome("url", 1053, 9, "AssertionError: too long")),
        (70, SLOW, Outcome("url", 64, 9, "an input takes longer than 2 seconds")),
        (-11, "#64\tpulse\n", Outcome("url", 64, 9, "exit code -11")),
        (0, "", None),
        (1, "ModuleNotFoundError: No module named 'ccp'\n", None),
    ],
)
def test_what_the_fuzzer_printed(code, text, expected):
    assert read_outcome("url", 9, code, text) == expected


def test_a_line_for_a_person():
    assert describe(Outcome("url", 5, 60)).endswith("60 s  nothing found")
    assert "FOUND: it hangs (.dev/fuzz/url)" in describe(Outcome("url", 5, 60, "it hangs"))


@pytest.mark.parametrize("text", ["0", "-1", "many"])
def test_variables_that_are_no_number(monkeypatch, text):
    monkeypatch.setenv("SECONDS", text)
    with pytest.raises(ToolError, match="SECONDS is"):
        fuzz.main(LAYOUT, None)


def test_the_targets_of_this_checkout():
    names = fuzz.target_names(LAYOUT, LAYOUT.root / "ccp" / "tests")
    assert {"report", "history", "number", "url"} <= set(names)


def test_targets_that_cannot_be_imported(layout, tmp_path):
    (tmp_path / "fuzz_targets.py").write_text("raise RuntimeError('broken')\n")
    with pytest.raises(ToolError, match="broken"):
        fuzz.target_names(layout, tmp_path)


def test_a_planted_fault_is_found_and_its_input_kept(layout, targets):
    outcome = fuzz.fuzz(layout, targets, "wrong", 20, 1)
    assert outcome.finding == "AssertionError: a planted fault"
    assert outcome.executions
    (crash,) = (layout.dev / "fuzz" / "wrong").glob("crash-*")
    assert b"ab" in crash.read_bytes()


def test_nothing_is_found_where_nothing_is(layout, targets):
    outcome = fuzz.fuzz(layout, targets, "right", 1, 1)
    assert outcome.finding == "" and outcome.executions > 100


def test_an_input_that_takes_too_long_is_a_finding(layout, targets):
    assert "2 seconds" in fuzz.fuzz(layout, targets, "endless", 20, 1).finding


def test_a_target_that_cannot_run(layout, targets):
    with pytest.raises(ToolError, match="could not run"):
        fuzz.fuzz(layout, targets, "missing", 1, 1)
