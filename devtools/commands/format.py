"""``make format``: corrects what the formatters can correct."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from ..machine.errors import ToolError
from ..machine.layout import Layout, Settings
from . import setup
from .lint import prepare_node, prettier_command, source_files


def main(layout: Layout, settings: Settings) -> None:
    """Run the formatters over the repository's files.

    :raises ToolError: when one of them fails, for example on a file that is not valid Python.
    """
    setup.prepare(layout, settings, with_browser=False)
    ruff = layout.venv / "bin" / "ruff"
    _run(layout, [ruff, "check", "--fix-only", "--quiet"])
    _run(layout, [ruff, "format"])
    if prepare_node(layout):
        _run(layout, prettier_command(layout, "--write", source_files(layout.root)))


def _run(layout: Layout, command: Sequence[str | Path]) -> None:
    if subprocess.run([str(word) for word in command], cwd=layout.root).returncode:
        raise ToolError(f"{Path(command[0]).name} failed; its own words are above.")
