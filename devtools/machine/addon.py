"""Reads the addon's own files for the tools."""

from __future__ import annotations

import ast
from pathlib import Path

from .errors import ToolError
from .stamps import files_fingerprint

# Files that Odoo reads into the database when the addon is installed or updated. Files that it
# reads at every start (controllers, static files) are not among them.
LOADED_FOLDERS = ("data", "demo", "i18n", "models", "security", "views", "wizard")
MANIFEST = "__manifest__.py"
IGNORED_SUFFIXES = {".pyc", ".pyo", ".swp"}


def manifest(root: Path) -> dict:
    """Return the addon's manifest.

    :raises ToolError: when there is none, or it is not a Python literal.
    """
    try:
        return ast.literal_eval((root / MANIFEST).read_text())
    except FileNotFoundError as error:
        raise ToolError(
            f"{root} holds no {MANIFEST}: run this in the addon's repository."
        ) from error
    except (ValueError, SyntaxError) as error:
        raise ToolError(f"{root / MANIFEST} cannot be read: {error}.") from error


def loaded_files(root: Path) -> list[Path]:
    """Return the files that require an update of the addon in a database when they change."""
    found = [root / MANIFEST]
    for name in LOADED_FOLDERS:
        found += [
            p for p in (root / name).rglob("*") if p.is_file() and p.suffix not in IGNORED_SUFFIXES
        ]
    return sorted(found)


def addon_fingerprint(root: Path) -> str:
    """Return a digest that changes whenever a database needs an update."""
    return files_fingerprint(loaded_files(root), root)


def dependencies(root: Path) -> list[str]:
    """Return the addons that this one depends on, sorted."""
    return sorted(manifest(root).get("depends", ()))
