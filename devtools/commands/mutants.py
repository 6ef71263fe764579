"""``make mutants``: makes many small changes to the code of ``ccp``, and lists which go unnoticed.

A change that no test notices is a gap in the tests, or changes nothing that anyone can see. mutmut
makes the changes, inside functions only: the tables and patterns of a module stay as they are.
Each is tried with the tests that run the changed function, by one fork of a process that has them
loaded.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..machine import environment
from ..machine.errors import ToolError
from ..machine.layout import Layout, Settings, chosen
from ..machine.process import last_lines, run_logged
from ..machine.progress import Progress
from . import setup
from .test import job_count

# It lives apart from the virtual environment: its click is too new for a linter there.
MUTMUT = "mutmut==3.8.1"
WANTED_PERCENT = 90

PACKAGE = "ccp"
MODULES = (
    "call/timeline",
    "call/sorting",
    "call/leg",
    "call/result",
    "call/dialled",
    "call/answering",
    "call/incoming",
    "airtel/vocabulary",
    "airtel/reports",
    "airtel/decision",
    "airtel/fields",
    "safe/text",
    "safe/number",
    "airtel/request",
)
TESTS = (
    "test_timeline",
    "test_leg",
    "test_dialled",
    "test_answering",
    "test_incoming",
    "test_incoming_times",
    "test_vocabulary",
    "test_reports",
    "test_reports_incoming",
    "test_number",
    "test_request",
)
# With mutmut's switches in every call, nothing is as quick as it should be.
_NOT_OF_SPEED = "not quick and not bearable and not costs_nothing"

# The exit codes of tests that killed a mutant: pytest's for a failure and for an error of its own,
# and those of a process that ran out of time.
_KILLED = frozenset({1, 3, 24, -24, 152, 255, -9})
_PROGRESS = re.compile(r"^\S+ (\d+/\d+) ")

# Says, in mutmut's own process, what each of the mutants that are left changed.
_SHOW = """
import sys
from mutmut.mutation.diff_apply import get_diff_for_mutant
for name in sys.argv[1:]:
    module = name.partition(".x")[0].replace(".", "/")
    print("#", name, get_diff_for_mutant(name, path=module + ".py"), sep="\\n")
"""


@dataclass(frozen=True)
class Outcome:
    """The result of one module's mutants.

    :param survivors: mutmut's names of the mutants that no test noticed.
    """

    module: str
    total: int
    survivors: tuple[str, ...]

    @property
    def killed(self) -> int:
        """How many a test noticed."""
        return self.total - len(self.survivors)


def outcome(module: str, exit_codes: Mapping[str, int | None]) -> Outcome:
    """Count a module's mutants.

    :param exit_codes: how the tests of each mutant ended.
    :raises ToolError: when a mutant was not tried.
    """
    if None in exit_codes.values():
        raise ToolError(f"mutmut left mutants of {module} untried.")
    survivors = tuple(name for name, code in exit_codes.items() if code not in _KILLED)
    return Outcome(module, len(exit_codes), survivors)


def percent(killed: int, total: int) -> float:
    """Return the share that was killed, in percent; nothing to kill is all of it."""
    return 100 * killed / total if total else 100.0


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the results of all mutants, a line for each module and one for their sum."""
    rows = [(f"{PACKAGE}/{each.module}.py", each.total, each.killed) for each in outcomes]
    rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    width = max(len(row[0]) for row in rows)
    lines = [f"{'file':{width}}  mutants  killed  survived   share"]
    for name, total, killed in rows:
        share = percent(killed, total)
        lines.append(f"{name:{width}}  {total:7}  {killed:6}  {total - killed:8}  {share:5.1f} %")
    return "\n".join(lines)


def configuration(modules: Sequence[str]) -> str:
    """Return mutmut's configuration, as TOML."""
    arguments = ["-p", "no:odoo", "-p", "no:xdist", "-p", "no:cacheprovider"]
    # Chance would let a mutant live in one run and die in the next, and costs most of the time.
    arguments += ["-m", "not hypothesis", "-k", _NOT_OF_SPEED]
    settings = {
        "source_paths": [PACKAGE],
        "only_mutate": [f"{PACKAGE}/{module}.py" for module in modules],
        "also_copy": [PACKAGE],
        "pytest_add_cli_args": arguments,
        "pytest_add_cli_args_test_selection": [f"{PACKAGE}/tests/{name}.py" for name in TESTS],
        "use_git_change_detection": False,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    return "\n".join(["[tool.mutmut]", *lines, ""])


def main(layout: Layout, settings: Settings) -> int:
    """Try all mutants, or with ``ARGS`` those of the modules that it names, such as ``number``.

    :return: 1 when too few are killed.
    """
    modules = chosen(os.environ, MODULES)
    jobs = job_count(os.environ)
    setup.prepare(layout, settings, with_browser=False)
    words = ("--constraint", environment.REQUIREMENTS[-1], MUTMUT)
    library = environment.install_apart(layout, "mutmut", *words)
    folder = layout.dev / "mutants"
    _copy(layout, folder, modules)
    environ = {**os.environ, "PYTHONPATH": str(library), "PYTHONDONTWRITEBYTECODE": "1"}
    _mutate(layout, folder, environ, jobs)

    outcomes = [_read(folder, module) for module in modules]
    survivors = [name for each in outcomes for name in each.survivors]
    diffs = layout.logs / "mutants.diff"
    _show(layout, folder, environ, diffs, survivors)
    print(table(outcomes))
    print(f"What the survivors changed: {diffs}")
    share = percent(sum(each.killed for each in outcomes), sum(each.total for each in outcomes))
    if share < WANTED_PERCENT:
        print(f"Too few are killed: {WANTED_PERCENT} % are wanted.")
        return 1
    return 0


def _copy(layout: Layout, folder: Path, modules: Sequence[str]) -> None:
    """Copy the package alone: the repository's root is an addon, which imports Odoo."""
    shutil.rmtree(folder, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(layout.root / PACKAGE, folder / PACKAGE, ignore=ignored)
    (folder / "pyproject.toml").write_text(configuration(modules))


def _mutate(layout: Layout, folder: Path, environ: Mapping[str, str], jobs: int) -> None:
    log = layout.logs / "mutants.log"

    def measure(progress: Progress) -> None:
        found = [match[1] for line in last_lines(log, 3) if (match := _PROGRESS.match(line))]
        progress.note(f"{found[-1]} tried" if found else "the tests as they are")

    command = [layout.python, "-m", "mutmut", "run", "--max-children", str(jobs)]
    run_logged(command, Progress("Mutants"), log, "mutmut failed.", measure, environ, folder)


def _read(folder: Path, module: str) -> Outcome:
    path = folder / "mutants" / PACKAGE / f"{module}.py.meta"
    return outcome(module, json.loads(path.read_text())["exit_code_by_key"])


def _show(
    layout: Layout, folder: Path, environ: Mapping[str, str], log: Path, names: Sequence[str]
) -> None:
    progress = Progress("Mutants: what the survivors changed")
    command = [layout.python, "-c", _SHOW, *names]
    run_logged(command, progress, log, "mutmut cannot show mutants.", environ=environ, cwd=folder)
