"""``make neighbours``: Odoo's own tests, in a database without the addon and in one with it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ..machine import addon, postgres
from ..machine.database import Databases
from ..machine.errors import ToolError
from ..machine.layout import ADDON, Layout, Settings, chosen
from ..machine.odoo_source import OdooTree
from ..machine.process import run_in_order
from ..machine.programs import environ_with_programs
from ..machine.progress import columns
from ..machine.services import free_port
from ..machine.stamps import fingerprint
from . import setup
from .lint import copy_files, source_files
from .test import job_count

MODULES = (
    "crm",
    "sms",
    "phone_validation",
    "sales_team",
    "digest",
    "mail",
    "test_mail",
    "test_crm_full",
    "test_lint",
    "calendar",
    "base_automation",
    "sale",
    "hr_recruitment",
)
PLAIN = f"{ADDON}_neighbours_plain"
OWN = f"{ADDON}_neighbours"
RUN_SECONDS = 4 * 3600
# Tests that differ run again, because some of Odoo's own fail now and then
TRIES = 2

_LINE = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ \d+ (\w+) \S+ odoo\.(?:addons\.)?(\S+): (.*)$")
_STARTED = re.compile(r"Starting (\S+) \.\.\.")
_FAILED = re.compile(r"(?:FAIL|ERROR): (?:Subtest )?([\w.]+)")
_FAILED_CLASS = re.compile(r"ERROR: \w+ \(odoo\.addons\.([\w.]+)\.(\w+)\)")
_COUNTED = re.compile(
    r"Query count (?:more|less) than expected for user (\S+): (\d+) [<>] (\d+) in (\w+) at (\S+)"
)
_END = re.compile(r"\d+ failed, \d+ error\(s\) of \d+ tests when loading database")


@dataclass
class Result:
    """The part of Odoo's log that describes one run of tests.

    :param started: how often each test began, by name.
    :param failed: how often each test failed, by name.
    :param statements: by place of a budget: the count, if it is not exactly the budget.
    :param budgets: by place: the number that this budget allows.
    """

    started: Counter = field(default_factory=Counter)
    failed: Counter = field(default_factory=Counter)
    statements: dict[str, list[int]] = field(default_factory=dict)
    budgets: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """A test, or the place of a budget, with different results in the two databases."""

    what: str
    plain: str
    own: str
    test: str | None = None


def read(log: Iterable[str]) -> Result:
    """Read the log of a run.

    :param log: the log's lines.
    """
    result = Result()
    for line in log:
        found = _LINE.match(line)
        if found:
            module, text = found[2], found[3]
            if started := _STARTED.match(text):
                result.started[f"{module}:{started[1]}"] += 1
            elif found[1] == "ERROR" and (failed := _FAILED_CLASS.match(text)):
                result.failed[f"{failed[1]}:{failed[2]}"] += 1
            elif found[1] == "ERROR" and ".tests." in module and (failed := _FAILED.match(text)):
                result.failed[f"{module}:{failed[1]}"] += 1
        if counted := _COUNTED.search(line):
            login, count, budget, function, place = counted.groups()
            key = f"{place} {function} ({login})"
            result.statements.setdefault(key, []).append(int(count))
            result.budgets[key] = int(budget)
    return result


def differences(plain: Result, own: Result) -> list[Difference]:
    """Return the differences between two runs of the same tests.

    :param plain: the run without the addon.
    :param own: the run with it.
    """
    found = []
    for name in sorted(plain.started.keys() | own.started.keys()):
        if plain.started[name] != own.started[name]:
            texts = [f"{result.started[name]} times" for result in (plain, own)]
            found.append(Difference(f"{name} runs", *texts))
    for name in sorted(plain.failed.keys() | own.failed.keys()):
        if plain.failed[name] != own.failed[name]:
            texts = [
                f"fails {result.failed[name]} times" if result.failed[name] else "passes"
                for result in (plain, own)
            ]
            found.append(Difference(name, *texts, test=name))
    for place in sorted(plain.statements.keys() | own.statements.keys()):
        texts = [_statements(result, place, (plain, own)) for result in (plain, own)]
        if texts[0] != texts[1]:
            found.append(Difference(place, *texts))
    return found


def _statements(result: Result, place: str, results: Sequence[Result]) -> str:
    """Return the count at a budget's place; one that is exactly the budget is not logged."""
    budget = next(each.budgets[place] for each in results if place in each.budgets)
    counts = result.statements.get(place, [budget])
    return f"{', '.join(map(str, counts))} of {budget} statements"


def tags(tests: Iterable[str]) -> str:
    """Return the value of ``--test-tags`` that runs some tests again.

    :param tests: names as :func:`read` gives them, of tests and of classes.
    """
    words = set()
    for name in tests:
        path, _colon, test = name.partition(":")
        module = path.partition(".")[0]
        words.add(f"/{module}:{test}")
    return ",".join(sorted(words))


def confirmed(
    found: Sequence[Difference], again: Callable[[Sequence[str]], Sequence[Difference]]
) -> list[Difference]:
    """Return the differences that remain when their tests run again, alone.

    :param again: runs tests in both databases and returns the differences.
    """
    tests = [each.test for each in found if each.test]
    if not tests:
        return list(found)
    still = {each.test for each in again(tests) if each.test}
    return [each for each in found if not each.test or each.test in still]


def table(found: Sequence[Difference]) -> str:
    """Return the differences as a table for people."""
    rows = [(each.what, each.plain, each.own) for each in found]
    return columns([("what", "without the addon", "with it"), *rows])


@dataclass(frozen=True)
class Neighbours:
    """Both databases, and how Odoo's tests run in them.

    :param modules: the modules whose tests run.
    """

    layout: Layout
    tree: OdooTree
    databases: Databases
    modules: Sequence[str]

    def prepare(self) -> None:
        """Make both databases, or leave them if nothing changed.

        :raises ToolError: when an addon cannot be installed; names the log.
        """
        self._export()
        made_of = fingerprint(self.tree.fingerprint, MODULES)
        template = self.databases.ensure_template()
        self.databases.ensure_extended(PLAIN, template, MODULES, made_of)
        made_of = fingerprint(made_of, addon.addon_fingerprint(self.layout.root))
        self.databases.ensure_extended(OWN, PLAIN, (ADDON,), made_of)

    @property
    def _addons(self) -> Path:
        """An addons path with the addon as customers get it, without fetched and made files."""
        return self.layout.dev / "neighbours" / "addons"

    def _export(self) -> None:
        target = self._addons / ADDON
        shutil.rmtree(target, ignore_errors=True)
        copy_files(self.layout.root, target, source_files(self.layout.root))

    def compare(self, words: str, jobs: int, attempt: str = "") -> list[Difference]:
        """Run tests in both databases, and return the differences.

        :param words: for ``--test-tags``.
        :param jobs: how many processes run at once, 1 or 2.
        :param attempt: the end of the logs' names.
        """
        with ThreadPoolExecutor(min(jobs, 2)) as pool:
            runs = [pool.submit(partial(self._run, name, words, attempt)) for name in (PLAIN, OWN)]
            return differences(*(each.result() for each in runs))

    def _run(self, name: str, words: str, attempt: str) -> Result:
        """Run tests in a copy of a database, and remove what they leave there."""
        log = self.layout.logs / f"{name.removeprefix(f'{ADDON}_')}{attempt}.log"
        environ = self.databases.server.full_environ(environ_with_programs(self.layout))
        with self.databases.copy_for_a_run(name) as copy, log.open("wb") as output:
            command = self._command(copy, words, is_plain=name == PLAIN)
            try:
                run_in_order(command, environ, self.layout.logs, output, RUN_SECONDS)
            except subprocess.TimeoutExpired:
                raise ToolError(f"Odoo's tests take too long; see {log}.") from None
        text = log.read_text(errors="replace")
        if not _END.search(text):
            raise ToolError(f"Odoo ended before its tests did; see {log}.")
        return read(text.splitlines())

    def _command(self, database: str, words: str, *, is_plain: bool) -> list[str]:
        addons = self.tree.addons if is_plain else (*self.tree.addons, str(self._addons))
        server_wide = "base,rpc,web" if is_plain else f"base,rpc,web,{ADDON}"
        return [
            str(self.layout.python),
            "-m",
            "devtools.quality.late_tests",
            f"--database={database}",
            f"--addons-path={','.join(addons)}",
            f"--load={server_wide}",
            f"--test-tags={words}",
            f"--http-port={free_port()}",
            f"--gevent-port={free_port()}",
            f"--screenshots={self.layout.logs / 'neighbours'}",
            "--workers=0",
            "--max-cron-threads=0",
            "--stop-after-init",
        ]


def main(layout: Layout, settings: Settings) -> int:
    """Compare; ``ARGS`` may name some of the modules.

    :return: 0 when nothing differs.
    :raises ToolError: when a database cannot be made, or Odoo ends early.
    """
    modules = chosen(os.environ, MODULES)
    jobs = job_count(os.environ)
    tree = setup.prepare(layout, settings)
    with postgres.server(layout, settings, tests=True) as server:
        databases = Databases(layout, tree, server, demo=False)
        neighbours = Neighbours(layout, tree, databases, modules)
        neighbours.prepare()
        print(f"Odoo's own tests: {', '.join(modules)}. That takes long.", flush=True)
        found = neighbours.compare(",".join(f"/{name}" for name in modules), jobs)
        for attempt in range(1, TRIES):
            found = confirmed(
                found,
                lambda tests, attempt=attempt: neighbours.compare(
                    tags(tests), 1, f"-again-{attempt}"
                ),
            )
    if found:
        print(table(found))
        return 1
    print("With the addon they give the same result as without it.")
    return 0
