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
_PIP_FETCHES = re.compile(r"^Collecting ", re.MULTILINE)
_PIP_INSTALLS = re.compile(r"^Installing collected packages: (.*)$", re.MULTILINE)
PIP_PACKAGE = "python3-pip-whl"


def prepare(layout: Layout, tree: OdooTree) -> None:
    """Make the virtual environment, or leave it when nothing changed.

    :raises ToolError: when a package cannot be installed.
    """
    _install(layout)
    link_tools(layout)
    _put_on_path(layout, "odoo", tree.parent)
    _put_on_path(layout, "devtools", str(layout.library))


def _install(layout: Layout) -> None:
    wanted = fingerprint(
        sys.version_info[:2], layout.venv, *(path.read_text() for path in REQUIREMENTS)
    )
    stamp = Stamp(layout.stamps, "venv")
    if stamp.holds(wanted) and layout.python.exists():
        return
    stamp.clear()
    if layout.venv.exists() and not _runs(layout.python):  # half made, or of another Python
        shutil.rmtree(layout.venv)
    if not layout.venv.exists():
        _create(layout)
    progress = Progress(f"{TITLE}: installing")
    command = [layout.python, "-m", "pip", "install", "--no-input", "--progress-bar=off"]
    for path in REQUIREMENTS:
        command += ["--requirement", path]
    log = layout.logs / "pip.log"
    failure = "pip could not install the Python packages."

    def measure(report: Progress) -> None:
        report.note(pip_state(log.read_text(errors="replace"), _installed_count(layout)))

    run_logged(command, progress, log, failure, measure)
    progress.done()
    stamp.set(wanted)


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
    progress = Progress(f"{TITLE}: making a virtual environment")
    failure = "The virtual environment could not be made."
    # The interpreter outside any virtual environment, so that the new one does not hang on another.
    interpreter = getattr(sys, "_base_executable", sys.executable)
    command = [interpreter, "-m", "venv", "--without-pip", layout.venv]
    run_logged(command, progress, layout.logs / "venv.log", failure)
    if _has_ensurepip(interpreter):
        command = [layout.python, "-m", "ensurepip", "--upgrade"]
    else:
        command = [layout.python, _pip_from_debian(layout), "install", "--no-input", "pip"]
    run_logged(command, progress, layout.logs / "venv.log", failure)
    progress.done()


def _has_ensurepip(interpreter: str) -> bool:
    return (
        subprocess.run([interpreter, "-c", "import ensurepip"], capture_output=True).returncode == 0
    )


def _pip_from_debian(layout: Layout) -> Path:
    """Return a pip that runs from its wheel: Debian's Python comes without one."""
    if not apt.is_debian():
        raise ToolError(
            "This Python comes without pip and venv: install them, or set PYTHON to another one."
        )
    source = apt.PrivateApt(layout.dev / "apt" / "machine", layout.logs)
    source.update(TITLE)
    target = layout.dev / "pip"
    apt.unpack(source.fetch([PIP_PACKAGE], TITLE), target, TITLE)
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
