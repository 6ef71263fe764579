"""Addons of others that tests call from: their models know nothing of this one."""

from __future__ import annotations

import shutil
from pathlib import Path

from .layout import Layout
from .process import run_logged
from .progress import Progress
from .stamps import Stamp, fingerprint, replace_tree

REQUIREMENTS = Path(__file__).parents[1] / "requirements-addons.txt"
VARIABLE = "FOREIGN_ADDONS_PATH"


def prepare(layout: Layout) -> Path:
    """Fetch the addons, or leave them when nothing changed.

    :return: the folder that holds them, an addons path.
    :raises ToolError: when one cannot be fetched.
    """
    target = layout.dev / "foreign"
    addons = target / "odoo" / "addons"
    wanted = fingerprint(REQUIREMENTS.read_text())
    stamp = Stamp(layout.stamps, "foreign")
    if stamp.holds(wanted) and addons.is_dir():
        return addons
    stamp.clear()
    progress = Progress("Addons to test with: fetching")
    part = layout.dev / "foreign.part"
    shutil.rmtree(part, ignore_errors=True)
    # Without what they depend on: that is Odoo, which is on no index
    command = [layout.python, "-m", "pip", "install", "--no-input", "--progress-bar=off"]
    command += ["--no-deps", "--target", part, "--requirement", REQUIREMENTS]
    failure = "pip could not fetch the addons to test with."
    run_logged(command, progress, layout.logs / "pip-addons.log", failure)
    replace_tree(part, target)
    progress.done()
    stamp.set(wanted)
    return addons
