"""The virtual environment: pinned packages, and Odoo on its path."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from . import apt
from .errors import ToolError
from .layout import Layout
from .odoo_source import OdooTree
from .process import run_logged
from .progress import Progress
from .stamps import Stamp, fingerprint, write_atomically

TITLE = "Python packages"
_FOLDER = Path(__file__).parents[1]
REQUIREMENTS = (_FOLDER / "requirements.txt", _FOLDER / "requirements-dev.txt")
FOREIGN_ADDONS = _FOLDER / "requirements-addons.txt"
_PIP_FETCHES = re.compile(r"^Collecting ", re.MULTILINE)
_PIP_INSTALLS = re.compile(r"^Installing collected packages: (.*)$", re.MULTILINE)
PIP_PACKAGE = "python3-pip-whl"
# Odoo's list names these too. They have no wheels, and need a compiler and headers: in place of the
# first we install psycopg2-binary, and only an addon that we do not use imports the second.
WITHOUT_WHEELS = frozenset({"psycopg2", "python-ldap"})
# Of the Pythons that Odoo 19 supports, the newest; the packages have no wheels for later ones.
NEWEST_PYTHON = (3, 13)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def prepare(layout: Layout, tree: OdooTree) -> None:
    """Make the virtual environment, or leave it when nothing changed.

    :raises ToolError: when a package cannot be installed.
    """
    _install(layout, tree)
    link_tools(layout)
    _put_on_path(layout, "odoo", tree.parent)
    _put_on_path(layout, "devtools", str(layout.library))


def _install(layout: Layout, tree: OdooTree) -> None:
    files = list(REQUIREMENTS)
    if more := missing_from(REQUIREMENTS[0].read_text(), tree.requirements):
        files.append(layout.dev / "requirements-odoo.txt")
        write_atomically(files[-1], more)
    wanted = fingerprint(sys.version_info[:2], layout.venv, *(path.read_text() for path in files))
    stamp = Stamp(layout.stamps, "venv")
    if stamp.holds(wanted) and layout.python.exists():
        return
    stamp.clear()
    if layout.venv.exists() and not _runs(layout.python):  # half made, or of another Python
        shutil.rmtree(layout.venv)
    if not layout.venv.exists():
        _create(layout)
    failure = "pip could not install the Python packages."
    if sys.version_info[:2] > NEWEST_PYTHON:
        newest = ".".join(map(str, NEWEST_PYTHON))
        failure += f" Odoo 19 supports Python 3.10 to {newest}: set PYTHON to one of them."
    _pip_install(layout, TITLE, "pip", failure, *(f"--requirement={path}" for path in files))
    stamp.set(wanted)


def missing_from(ours: str, listed: Path | None) -> str:
    """Return the lines of a checkout's own list that name a package which ours does not name.

    Of a package that both name we install our version: it has a wheel for every Python that Odoo
    supports, and all tests and measurements ran with it.

    :param ours: the text of our list.
    :param listed: the checkout's list, if there is one.
    """
    known = set(map(_package, ours.splitlines())) | WITHOUT_WHEELS
    lines = listed.read_text().splitlines() if listed else ()
    more = [line for line in lines if (name := _package(line)) and name not in known]
    return "".join(f"{line}\n" for line in more)


def _package(line: str) -> str:
    """Return which package a line of a list names, in pip's one spelling, or an empty text."""
    match = _NAME.match(line.strip())
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""


def _pip_install(layout: Layout, title: str, name: str, failure: str, *words: str | Path) -> None:
    """Install packages.

    :param name: of the log.
    :param failure: the sentence for the person when it fails.
    :param words: for pip.
    """
    log = layout.logs / f"{name}.log"

    def measure(report: Progress) -> None:
        report.note(pip_state(log.read_text(errors="replace"), _installed_count(layout)))

    command = [layout.python, "-m", "pip", "install", "--no-input", "--progress-bar=off", *words]
    run_logged(command, Progress(f"{title}: installing"), log, failure, measure)


def install_apart(layout: Layout, name: str, *words: str | Path, hint: str = "") -> Path:
    """Install packages in a folder of their own, or leave it when nothing changed.

    :param name: how to call them to a person; also names the folder below ``.dev``.
    :param words: for pip; of files among them the content counts too.
    :param hint: one more sentence for the person when it fails.
    :return: the folder.
    :raises ToolError: when it fails.
    """
    folder = layout.dev / name
    texts = [word.read_text() for word in words if isinstance(word, Path)]
    wanted = fingerprint(layout.venv, *words, *texts)
    stamp = Stamp(layout.stamps, name)
    if not (stamp.holds(wanted) and folder.exists()):
        stamp.clear()
        shutil.rmtree(folder, ignore_errors=True)
        failure = f"pip could not install {name}. {hint}".strip()
        _pip_install(layout, name, f"pip-{name}", failure, "--target", folder, *words)
        stamp.set(wanted)
    return folder


def foreign_addons(layout: Layout) -> Path:
    """Fetch addons of others that tests call from, whose models know nothing of this one.

    :return: the folder that holds them, an addons path.
    """
    # Without what they depend on: that is Odoo, which is on no index
    words = ("--no-deps", "--requirement", FOREIGN_ADDONS)
    return install_apart(layout, "foreign-addons", *words) / "odoo" / "addons"


def pip_state(output: str, installed: int) -> str:
    """Tell from pip's output how far it is.

    :param installed: how many packages are in place.
    """
    collected = _PIP_INSTALLS.search(output)
    if collected:
        total = collected[1].count(",") + 1
        return f"putting in place, {min(installed, total)} of {total} packages"
    return f"fetching, {len(_PIP_FETCHES.findall(output))} packages so far"


def _installed_count(layout: Layout) -> int:
    return sum(1 for _ in layout.venv.glob("lib/python3.*/site-packages/*.dist-info"))


def _runs(python: Path) -> bool:
    if not python.exists():
        return False
    code = f"import sys, pip; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    return subprocess.run([str(python), "-c", code], capture_output=True).returncode == 0


def _create(layout: Layout) -> None:
    title = f"{TITLE}: making a virtual environment"
    log = layout.logs / "venv.log"
    failure = "The virtual environment could not be made."
    # The interpreter outside any virtual environment, so that the new one does not hang on another.
    interpreter = getattr(sys, "_base_executable", sys.executable)
    command = [interpreter, "-m", "venv", "--without-pip", layout.venv]
    run_logged(command, Progress(title), log, failure)
    if _has_ensurepip(interpreter):
        command = [layout.python, "-m", "ensurepip", "--upgrade"]
    else:
        command = [layout.python, _pip_from_debian(layout), "install", "--no-input", "pip"]
    run_logged(command, Progress(f"{title} with pip"), log, failure)


def _has_ensurepip(interpreter: str) -> bool:
    return (
        subprocess.run([interpreter, "-c", "import ensurepip"], capture_output=True).returncode == 0
    )


def _pip_from_debian(layout: Layout) -> Path:
    """Return a pip that runs from its wheel: Debian's Python comes without one."""
    if not apt.is_debian():
        raise ToolError(
            "This Python comes without pip and venv: install them (on Ubuntu: python3-venv), or "
            "set PYTHON to another one."
        )
    source = apt.PrivateApt(layout.dev / "apt" / "machine", layout.logs)
    source.update(TITLE)
    target = layout.dev / "pip"
    source.unpack(source.fetch([PIP_PACKAGE], TITLE), target, TITLE)
    wheels = sorted(target.glob("usr/share/python-wheels/pip-*.whl"))
    if not wheels:
        raise ToolError(f"Debian's package {PIP_PACKAGE} holds no pip: install python3-venv.")
    return wheels[-1] / "pip"


def link_tools(layout: Layout) -> None:
    """Link the addon into an addons path, and these tools into a folder on Python's path."""
    _link(layout.addon, layout.root)
    _link(layout.library / "devtools", _FOLDER)


def _link(link: Path, target: Path) -> None:
    text = os.path.relpath(target, link.parent)
    if link.is_symlink() and os.readlink(link) == text:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(text)


def _put_on_path(layout: Layout, name: str, folder: str) -> None:
    for packages in layout.venv.glob("lib/python3.*/site-packages"):
        path = packages / f"{name}.pth"
        if not path.exists() or path.read_text() != f"{folder}\n":
            write_atomically(path, f"{folder}\n")
