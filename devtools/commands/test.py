"""``make test``: the plain tests, then Odoo's."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..machine import bundles, foreign_addons, postgres
from ..machine.database import Databases
from ..machine.errors import ToolError
from ..machine.layout import ADDON, Layout, Settings
from ..machine.odoo_source import OdooTree
from ..machine.services import end_group
from . import chaos, setup

# These need no Odoo. Each folder has a pytest.ini, so that pytest does not import the repository's
# root, which is an addon and imports Odoo.
PLAIN_FOLDERS = ("ccp/tests", "sandbox/tests", "devtools/tests")
DATABASE = f"{ADDON}_test"
# How long pytest may take to remove its databases when it is ended early.
STOP_SECONDS = 30
CONFIGURATION = Path(__file__).with_name("pytest-odoo.ini")


def database_name(environ: Mapping[str, str]) -> str:
    """Return the name of the test database."""
    return environ.get("TEST_DATABASE") or DATABASE


def job_count(environ: Mapping[str, str]) -> int:
    """Return how many processes run Odoo's tests at once: ``JOBS``, by default at most two."""
    text = environ.get("JOBS") or str(min(2, os.cpu_count() or 1))
    if not text.isdecimal() or text == "0":
        raise ToolError(f"JOBS is {text!r}: set it to a whole number, 1 or more.")
    return int(text)


def plain_command(layout: Layout, folder: str, jobs: int = 1) -> list[str]:
    """Return the command that runs one folder of plain tests, in so many processes at once."""
    cache = f"cache_dir={layout.dev / 'cache' / folder.replace('/', '-')}"
    # Without pytest-odoo, which wants a database for every test.
    words = ["-p", "no:odoo", "-o", cache]
    if jobs > 1:
        words += ["--numprocesses", str(jobs)]
    return [str(layout.python), "-m", "pytest", *words, str(layout.root / folder)]


def odoo_command(layout: Layout, database: str, jobs: int, arguments: Sequence[str]) -> list[str]:
    """Return the command that runs Odoo's tests.

    The addon is named by the absolute path of its link, and pytest runs elsewhere, because
    otherwise the test modules would not belong to the addon for Odoo.
    """
    command = [
        str(layout.python),
        "-m",
        "pytest",
        "-c",
        str(CONFIGURATION),
        f"--rootdir={layout.addon}",
    ]
    command += ["-o", f"cache_dir={layout.dev / 'cache' / 'odoo'}"]
    command += [f"--odoo-config={layout.config}", f"--odoo-database={database}", "--odoo-http"]
    if jobs > 1:
        command += ["--numprocesses", str(jobs), "--dist", "loadscope"]
    return [*command, str(layout.addon / "tests"), *arguments]


@contextmanager
def _alone(layout: Layout, database: str) -> Iterator[None]:
    lock = os.open(layout.dev / f"{database}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ToolError(
            f"Tests already run on the database {database}: wait for them, or set TEST_DATABASE to "
            "another name."
        ) from None
    finally:
        os.close(lock)


def _run(command: Sequence[str], environ: Mapping[str, str], cwd: Path) -> int:
    """Run pytest, its output going straight to the person; end it in order when we are ended."""
    # A group of its own, so that Ctrl-C reaches it once, from here: a second one would cut short
    # its clean-up.
    process = subprocess.Popen(
        command, env=dict(environ), cwd=cwd, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return process.wait()
    finally:
        end_group(process, signal.SIGINT, STOP_SECONDS)


def _plain_tests(layout: Layout, environ: Mapping[str, str]) -> int:
    for folder in PLAIN_FOLDERS:
        print(f"\n{folder}", flush=True)
        code = _run(plain_command(layout, folder, job_count(environ)), environ, layout.root)
        if code:
            return code
    return 0


def _odoo_tests(layout: Layout, settings: Settings, tree, environ, arguments: Sequence[str]) -> int:
    database = database_name(environ)
    jobs = job_count(environ)
    with _alone(layout, database), postgres.server(layout, settings, tests=True) as server:
        Databases(layout, tree, server, demo=False).ensure(database, fresh=True)
        if not arguments:
            # A run of chosen tests seldom opens so many browsers that this is worth its time
            bundles.prepare(layout, database, server)
        print(f"\ntests, on the database {database}", flush=True)
        command = odoo_command(layout, database, jobs, arguments)
        return _run(command, server.full_environ(environ), layout.logs)


def _chaos(layout: Layout, tree: OdooTree, environ: Mapping[str, str]) -> int:
    print("\nchaos, in its short form", flush=True)
    return chaos.run(layout, tree, environ, chaos.SHORT)


def main(layout: Layout, settings: Settings) -> int:
    """Run the tests; the first folder with a failure is the last one that runs.

    With ``ARGS``, Odoo's tests run alone and get them.

    :return: pytest's exit code.
    """
    arguments = shlex.split(os.environ.get("ARGS", ""))
    tree = setup.prepare(layout, settings)
    path = os.pathsep.join((str(layout.bin), os.environ.get("PATH", os.defpath)))
    examples = str(layout.dev / "cache" / "hypothesis")
    environ = {**os.environ, "PATH": path, "HYPOTHESIS_STORAGE_DIRECTORY": examples}
    environ[foreign_addons.VARIABLE] = str(foreign_addons.prepare(layout))
    if arguments:
        return _odoo_tests(layout, settings, tree, environ, arguments)
    return (
        _plain_tests(layout, environ)
        or _odoo_tests(layout, settings, tree, environ, arguments)
        or _chaos(layout, tree, environ)
    )
