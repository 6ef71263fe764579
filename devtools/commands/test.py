"""``make test``: the plain tests, then Odoo's."""

from __future__ import annotations

import fcntl
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..machine import bundles, environment, postgres
from ..machine.database import Databases
from ..machine.errors import ToolError
from ..machine.layout import ADDON, Layout, Settings, whole_number
from ..machine.locks import locked
from ..machine.process import run_in_order
from ..machine.programs import environ_with_programs
from . import chaos, setup

# These need no Odoo. Each folder has a pytest.ini, so pytest does not import the repository's root,
# which is an addon and imports Odoo.
PLAIN_FOLDERS = ("ccp/tests", "sandbox/tests", "devtools/tests")
DATABASE = f"{ADDON}_test"
# The variable with the folder of other people's addons
FOREIGN_ADDONS = "FOREIGN_ADDONS_PATH"
CONFIGURATION = Path(__file__).with_name("pytest-odoo.ini")


def database_name(environ: Mapping[str, str]) -> str:
    """Return the name of the test database."""
    return environ.get("TEST_DATABASE") or DATABASE


def job_count(environ: Mapping[str, str]) -> int:
    """Return how many processes run Odoo's tests at once: ``JOBS``, by default at most two."""
    return whole_number(environ, "JOBS", min(2, os.cpu_count() or 1))


def plain_command(layout: Layout, folder: str, jobs: int = 1) -> list[str]:
    """Return the command that runs one folder of plain tests, in this many processes at once."""
    cache = f"cache_dir={layout.dev / 'cache' / folder.replace('/', '-')}"
    # Without pytest-odoo, which needs a database for every test.
    words = ["-p", "no:odoo", "-o", cache]
    if jobs > 1:
        words += ["--numprocesses", str(jobs)]
    return [str(layout.python), "-m", "pytest", *words, str(layout.root / folder)]


def odoo_command(layout: Layout, database: str, jobs: int, arguments: Sequence[str]) -> list[str]:
    """Return the command that runs Odoo's tests.

    The addon is named by the absolute path of its link, and pytest runs elsewhere: otherwise the
    test modules would not belong to the addon for Odoo.
    """
    words = odoo_options(layout.addon, layout.config, database)
    words += ["-o", f"cache_dir={layout.dev / 'cache' / 'odoo'}"]
    if jobs > 1:
        words += ["--numprocesses", str(jobs), "--dist", "loadscope"]
    tests = str(layout.addon / "tests")
    return [str(layout.python), "-m", "pytest", *words, tests, *arguments]


def odoo_options(addon: Path, config: Path, database: str) -> list[str]:
    """Return pytest's options for tests that run in Odoo.

    :param addon: the path of a folder, or of a link to one, with the addon's name.
    :param config: Odoo's configuration file.
    """
    options = ["-c", str(CONFIGURATION), f"--rootdir={addon}", "--odoo-http"]
    return [*options, f"--odoo-config={config}", f"--odoo-database={database}"]


@contextmanager
def _alone(layout: Layout, database: str) -> Iterator[None]:
    try:
        with locked(layout.dev / f"{database}.lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield
    except BlockingIOError:
        raise ToolError(
            f"Tests already run on the database {database}: wait for them, or set TEST_DATABASE to "
            "another name."
        ) from None


def _plain_tests(layout: Layout, environ: Mapping[str, str]) -> int:
    for folder in PLAIN_FOLDERS:
        print(f"\n{folder}", flush=True)
        command = plain_command(layout, folder, job_count(environ))
        if code := run_in_order(command, environ, layout.root):
            return code
    return 0


def _odoo_tests(layout: Layout, settings: Settings, tree, environ, arguments: Sequence[str]) -> int:
    database = database_name(environ)
    jobs = job_count(environ)
    with _alone(layout, database), postgres.server(layout, settings, tests=True) as server:
        Databases(layout, tree, server, demo=False).ensure(database, fresh=True)
        if not arguments:
            # A run of chosen tests seldom opens enough browsers to make this worth its time
            bundles.prepare(layout, database, server)
        print(f"\ntests, on the database {database}", flush=True)
        command = odoo_command(layout, database, jobs, arguments)
        return run_in_order(command, server.full_environ(environ), layout.logs)


def main(layout: Layout, settings: Settings) -> int:
    """Run the tests; the first folder with a failure is the last one that runs.

    With ``ARGS``, Odoo's tests run alone and get them.

    :return: pytest's exit code.
    """
    arguments = shlex.split(os.environ.get("ARGS", ""))
    tree = setup.prepare(layout, settings)
    environ = {
        **environ_with_programs(layout),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(layout.dev / "cache" / "hypothesis"),
        FOREIGN_ADDONS: str(environment.foreign_addons(layout)),
    }
    if arguments:
        return _odoo_tests(layout, settings, tree, environ, arguments)
    code = _plain_tests(layout, environ) or _odoo_tests(layout, settings, tree, environ, ())
    if code:
        return code
    print("\nchaos, in its short form", flush=True)
    return chaos.run(layout, tree, environ, chaos.SHORT)
