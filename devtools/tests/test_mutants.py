import sys

import pytest

from devtools.commands.mutants import (
    MODULES,
    TESTS,
    Outcome,
    configuration,
    outcome,
    percent,
    table,
)
from devtools.machine.errors import ToolError
from devtools.machine.layout import LAYOUT


def test_a_mutant_is_killed_by_a_failing_test_or_by_taking_too_long():
    codes = {"a": 1, "b": 0, "c": 152, "d": 33, "e": -24, "f": 5, "g": 4}
    counted = outcome("number", codes)
    assert counted == Outcome("number", 7, ("b", "d", "f", "g"))
    assert counted.killed == 3


def test_a_mutant_that_was_not_tried_is_an_error():
    with pytest.raises(ToolError, match="number"):
        outcome("number", {"a": 1, "b": None})


@pytest.mark.parametrize(("killed", "total", "share"), [(0, 0, 100), (9, 10, 90), (0, 3, 0)])
def test_percent(killed, total, share):
    assert percent(killed, total) == share


def test_table():
    outcomes = [Outcome("call/leg", 8, ("a", "b")), Outcome("airtel/vocabulary", 0, ())]
    assert table(outcomes).splitlines() == [
        "file                      mutants  killed  survived   share",
        "ccp/call/leg.py                 8       6         2   75.0 %",
        "ccp/airtel/vocabulary.py        0       0         0  100.0 %",
        "all                             8       6         2   75.0 %",
    ]


def test_the_configuration_is_toml():
    if sys.version_info < (3, 11):
        pytest.skip("needs tomllib")
    import tomllib

    read = tomllib.loads(configuration(["safe/number"]))["tool"]["mutmut"]
    assert read["only_mutate"] == ["ccp/safe/number.py"]
    assert read["use_git_change_detection"] is False


def test_the_files_are_there():
    for path in [f"{name}.py" for name in MODULES] + [f"tests/{name}.py" for name in TESTS]:
        assert (LAYOUT.root / "ccp" / path).is_file()
