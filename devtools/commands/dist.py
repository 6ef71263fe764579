"""``make dist``: the addon as people install it, a zip and a wheel.

Both hold what ``git archive`` exports of the last commit: ``.gitattributes`` says what is only for
those who develop the addon.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from ..machine import environment, odoo_source
from ..machine.addon import manifest
from ..machine.errors import ToolError
from ..machine.layout import ADDON, Layout, Settings

FOLDER = "dist"


def main(layout: Layout, settings: Settings) -> int:
    """Make both, and say where they are.

    :raises ToolError: when this is no clone, or one of them cannot be made.
    """
    environment.prepare(layout, odoo_source.choose(layout, settings))
    changed = _git(layout.root, "status", "--porcelain", "--untracked-files=no").strip()
    if changed:
        print("Changes that are not committed are left out.")
    folder = layout.root / FOLDER
    for path in (make_zip(layout.root, folder), make_wheel(layout, folder)):
        print(path.relative_to(layout.root))
    return 0


def make_zip(root: Path, folder: Path) -> Path:
    """Make the zip that is unpacked into an addons path, or handed to Odoo's store.

    :param root: of a clone.
    :param folder: where it is written.
    :raises ToolError: when git cannot export the last commit.
    """
    folder.mkdir(exist_ok=True)
    path = folder / f"{ADDON}-{manifest(root)['version']}.zip"
    _git(root, "archive", "--format=zip", f"--prefix={ADDON}/", f"--output={path}", "HEAD")
    return path


def make_wheel(layout: Layout, folder: Path) -> Path:
    """Make the wheel that pip installs beside Odoo, from a folder with the addon's name.

    :param folder: where it is written.
    :raises ToolError: when git cannot export the last commit, or the wheel cannot be built.
    """
    with tempfile.TemporaryDirectory() as stage:
        wheel = _build(layout, Path(stage))
        folder.mkdir(exist_ok=True)
        return Path(shutil.copy2(wheel, folder))


def _build(layout: Layout, stage: Path) -> Path:
    """Build the wheel outside of the clone: within one, whool packs what git knows there."""
    archive = stage / "addon.tar"
    _git(layout.root, "archive", f"--prefix={ADDON}/", f"--output={archive}", "HEAD")
    with tarfile.open(archive) as tar:
        tar.extractall(stage, filter="data")
    command = [layout.python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    words = ["--wheel-dir", stage / "wheels", stage / ADDON]
    made = subprocess.run(
        [*command, *words], cwd=stage, capture_output=True, text=True, check=False
    )
    found = sorted((stage / "wheels").glob("*.whl")) if made.returncode == 0 else []
    if not found:
        raise ToolError(f"The wheel could not be built:\n{made.stderr[-2000:]}")
    return found[0]


def _git(root: Path, *words: str) -> str:
    try:
        made = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise ToolError("git is not installed: make dist exports the last commit.") from error
    except subprocess.CalledProcessError as error:
        raise ToolError(f"git says: {error.stderr.strip()}") from error
    return made.stdout
