"""``make i18n``: updates the template and the translations from the code."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from ..machine import postgres
from ..machine.database import Databases
from ..machine.errors import ToolError
from ..machine.layout import Layout, Settings
from ..quality.terms import export
from . import setup

DATABASE = "airtel_ccp_i18n"
MERGE = Path(__file__).parents[1] / "quality" / "merge_translations.py"


def main(layout: Layout, settings: Settings) -> int:
    """Export all terms, and update template and translations.

    :return: the exit code of the last step
    """
    tree = setup.prepare(layout, settings)
    with postgres.server(layout, settings, tests=True) as server:
        Databases(layout, tree, server, demo=False).ensure(DATABASE)
        environ = server.full_environ(os.environ)
        command = [str(layout.bin / "odoo")]
        try:
            text = export(command, layout.config, layout.root, DATABASE, environ)
        except subprocess.SubprocessError as error:
            raise ToolError("Odoo could not export the terms: see what it says above.") from error
    with tempfile.NamedTemporaryFile("w", suffix=".pot", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        words = [str(layout.python), str(MERGE), file.name, str(layout.root / "i18n")]
        return subprocess.run(words, check=False).returncode
