"""Exports the addon's translatable terms with Odoo; used by ``make i18n`` and by a test."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..machine.configuration import write_variant
from ..machine.layout import ADDON

# Odoo reads every file below an addon, but much of this repository is not part of it
PARTS = "ccp controllers data demo models security static views wizard"
FILES = "__init__.py __manifest__.py hooks.py server_wide.py"
SECONDS = 120


def export(
    odoo: Sequence[str], config: Path, root: Path, database: str, environ: Mapping[str, str]
) -> str:
    """Return the addon's terms as a template.

    :param odoo: the command that runs Odoo
    :param config: Odoo's configuration file
    :param root: the addon's folder
    :param database: a database in which the addon is installed
    :param environ: the command's environment
    :raises subprocess.SubprocessError: when Odoo fails, or takes more than two minutes
    """
    with tempfile.TemporaryDirectory() as folder:
        addon = Path(folder, "addons", ADDON)
        for name in PARTS.split():
            shutil.copytree(root / name, addon / name, ignore=shutil.ignore_patterns("tests"))
        for name in FILES.split():
            shutil.copy(root / name, addon / name)
        own = Path(folder, "odoo.conf")
        write_variant(config, own, addon.parent, replaced=True)
        made = Path(folder, f"{ADDON}.pot")
        made.touch()
        command = [*odoo, "i18n", "export", "-c", str(own), "-d", database, "-o", str(made), ADDON]
        subprocess.run(command, env=dict(environ), check=True, timeout=SECONDS)
        return made.read_text(encoding="utf-8")
