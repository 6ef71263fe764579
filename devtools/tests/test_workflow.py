"""What runs before a push and after it: the same checks, in the same versions."""

import re

from devtools.machine.layout import LAYOUT

CHECKS = ["make lint", "make test"]


def read(name):
    return (LAYOUT.root / name).read_text()


def test_pre_commit_has_the_ruff_of_make_lint():
    pinned = re.search(r"^ruff==(.+)$", read("devtools/requirements-dev.txt"), re.MULTILINE)[1]
    hooks = re.split(r"^  - repo: ", read(".pre-commit-config.yaml"), flags=re.MULTILINE)
    (ruff,) = (text for text in hooks if "/ruff-pre-commit\n" in text)
    assert re.search(r"^    rev: v(.+)$", ruff, re.MULTILINE)[1] == pinned


def test_a_push_runs_what_a_developer_runs():
    steps = re.findall(r"^ +- run: (.+)$", read(".github/workflows/test.yml"), re.MULTILINE)
    assert [step for step in steps if step.startswith("make ")] == CHECKS
    assert read(".ci/run").splitlines()[-2:] == CHECKS


def test_the_package_is_built_with_the_pinned_tool():
    wanted = re.search(r"^requires = \[\"([\w-]+)\"\]$", read("pyproject.toml"), re.MULTILINE)[1]
    assert f"\n{wanted}==" in read("devtools/requirements-dev.txt")
