"""``make lint``: style, likely mistakes and the house rules."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ..machine.layout import ADDON, Layout, Settings
from ..machine.process import run_logged
from ..machine.progress import Progress
from ..machine.stamps import Stamp, fingerprint
from ..quality import checks
from . import setup

PACKAGE_FILE = Path(__file__).parents[1] / "node" / "package.json"
PRETTIER_SUFFIXES = {".js", ".json", ".mjs", ".scss", ".xml", ".yaml", ".yml"}
ESLINT_SUFFIXES = {".js", ".mjs"}
# The folders that Odoo's linters check: their rules about models do not fit plain Python.
ADDON_FOLDERS = frozenset(
    "controllers data demo i18n models security static tests views wizard".split()
)
# Without git, all folders count that are neither hidden nor made by Python or npm.
SHOWN_FOLDERS = {".ci"}
MADE_FOLDERS = {"__pycache__", "node_modules"}
# Checks whose findings are wanted here, each with the reason; the rest of both linters is on.
PYLINT_DISABLED = (
    # A call has a file for each subject. What the check fears, a method that two files define, is
    # a house rule of its own.
    "consider-merging-classes-inherited",
    # Complains about `_ = self.env._`, Odoo's own way to say it once in a long method. That nobody
    # imports the `_` of Odoo is a house rule of its own.
    "prefer-env-translation",
)
OCA_DISABLED = (
    "prefer-readme-rst",  # docs/developer.md says why there is one README.md
    "xml-tag-position",  # templates name what an element is and does before how it looks
)
# `make i18n` writes lines of 100 characters, and keeps a translation that equals its term: an empty
# one would count as missing.
PO_DISABLED = ("po-pretty-format",)
PYLINT_OPTIONS = (
    "--manifest-required-authors=airtel_ccp contributors",
    "--manifest-required-keys=author,category,development_status,images,license,summary,version",
)


def source_files(root: Path) -> list[PurePosixPath]:
    """Return the repository's files, also uncommitted ones, relative to its root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    if (root / ".git").exists() and shutil.which("git"):
        text = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
        names = {name for name in text.split("\0") if name}
        return sorted(PurePosixPath(name) for name in names if (root / name).is_file())
    found = []
    for place, folders, files in os.walk(root):
        folders[:] = [name for name in folders if _counts(name)]
        found += [PurePosixPath(Path(place, name).relative_to(root).as_posix()) for name in files]
    return sorted(found)


def copy_files(root: Path, target: Path, files: Iterable[PurePosixPath]) -> None:
    """Copy some of the repository's files into another folder."""
    for path in files:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / path, target / path)


def _counts(folder: str) -> bool:
    return folder in SHOWN_FOLDERS or not (folder.startswith(".") or folder in MADE_FOLDERS)


@contextmanager
def _copy_of_addon(layout: Layout, files: Sequence[PurePosixPath]) -> Iterator[Path]:
    """Provide a folder that contains only the addon, under its own name.

    Odoo's linters take an addon's name from its folder, and follow a link to the repository's.
    """
    folder = layout.dev / "lint"
    shutil.rmtree(folder, ignore_errors=True)
    own = [path for path in files if len(path.parts) == 1 or path.parts[0] in ADDON_FOLDERS]
    copy_files(layout.root, folder / ADDON, own)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class _Report:
    """Runs one linter after another, and remembers which complained."""

    def __init__(self, layout: Layout):
        self._layout = layout
        self.failed: list[str] = []

    def run(self, name: str, command: Sequence[str | Path], cwd: Path | None = None) -> None:
        """Run a linter, and show its output if it complains."""
        words = [str(word) for word in command]
        result = subprocess.run(
            words,
            cwd=cwd or self._layout.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.add(name, [] if result.returncode == 0 else result.stdout.splitlines())
        if result.returncode and not result.stdout.strip():
            print(f"    ended with code {result.returncode} and said nothing")

    def add(self, name: str, complaints: Sequence[str]) -> None:
        """Print findings of a linter."""
        print(f"{name}: {'failed' if complaints else 'ok'}", flush=True)
        if complaints:
            self.failed.append(name)
        copies = (f"{self._layout.dev / 'lint' / ADDON}/".lstrip("/"), f"{ADDON}/")
        for line in complaints:
            if line.strip():
                for copy in copies:
                    line = line.removeprefix("/").removeprefix(copy)
                print(f"    {line}")


def node_program(layout: Layout, name: str) -> Path:
    """Return the path of a program among the JavaScript linters."""
    return layout.node / "node_modules" / ".bin" / name


def prepare_node(layout: Layout) -> bool:
    """Install the JavaScript linters.

    :return: whether they are installed; without npm they are not, and a sentence says so.
    :raises ToolError: when npm fails.
    """
    if shutil.which("npm") is None:
        print("npm is not installed: JavaScript and XML style are not checked here.", flush=True)
        return False
    wanted = fingerprint(PACKAGE_FILE.read_text())
    stamp = Stamp(layout.stamps, "node")
    if stamp.holds(wanted) and node_program(layout, "eslint").exists():
        return True
    layout.node.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PACKAGE_FILE, layout.node / "package.json")
    command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    failure = "npm could not install the JavaScript linters."
    progress = Progress("JavaScript linters: installing")
    run_logged(command, progress, layout.logs / "npm.log", failure, cwd=layout.node)
    stamp.set(wanted)
    return True


def prettier_command(layout: Layout, mode: str, files: Sequence[PurePosixPath]) -> list[str | Path]:
    """Return the command that checks or corrects the style of JavaScript, XML and the like.

    :param mode: ``--check`` or ``--write``.
    """
    plugin = layout.node / "node_modules/@prettier/plugin-xml/src/plugin.js"
    names = [str(path) for path in files if path.suffix in PRETTIER_SUFFIXES]
    return [
        node_program(layout, "prettier"),
        f"--plugin={plugin}",
        "--log-level=warn",
        mode,
        *names,
    ]


def main(layout: Layout, settings: Settings) -> int:
    """Run every linter, even after one has complained.

    :return: 0 when none complained.
    """
    setup.prepare(layout, settings, with_browser=False)
    with_node = prepare_node(layout)
    files = source_files(layout.root)
    programs = layout.venv / "bin"
    report = _Report(layout)
    report.run("ruff check", [programs / "ruff", "check", "--no-fix", "--output-format=concise"])
    report.run("ruff format", [programs / "ruff", "format", "--check", "--output-format=concise"])
    report.add("house rules", [str(finding) for finding in checks.check_files(layout.root, files)])
    with _copy_of_addon(layout, files) as folder:
        command = [layout.python, "-m", "pylint", "--load-plugins=pylint_odoo", "--score=n", "-j2"]
        command += ["--disable=all", "--enable=odoolint", f"--disable={','.join(PYLINT_DISABLED)}"]
        report.run("pylint-odoo", [*command, *PYLINT_OPTIONS, ADDON], folder)
        command = [programs / "oca-checks-odoo-module", f"--disable={','.join(OCA_DISABLED)}"]
        report.run("oca-checks-odoo-module", [*command, ADDON], folder)
        catalogues = [path for path in files if path.parts[0] == "i18n"]
        command = [programs / "oca-checks-po", f"--disable={','.join(PO_DISABLED)}"]
        report.run("oca-checks-po", [*command, *(ADDON / path for path in catalogues)], folder)
    if with_node:
        scripts = [str(path) for path in files if path.suffix in ESLINT_SUFFIXES]
        report.run("eslint", [node_program(layout, "eslint"), "--max-warnings=0", *scripts])
        report.run("prettier", prettier_command(layout, "--check", files))
    if report.failed:
        print(f"\nmake lint: {', '.join(report.failed)} failed; `make format` mends style.")
        return 1
    return 0
