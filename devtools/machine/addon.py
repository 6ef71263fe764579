"""What the tools need to know of the addon's own files."""

from __future__ import annotations

import ast
from pathlib import Path

from .errors import ToolError
from .stamps import files_fingerprint

# Files that Odoo reads into the database when the addon is installed or updated. What it reads
# again at every start (controllers, static files) is not among them.
LOADED_FOLDERS = ("data", "demo", "i18n", "models", "security", "views", "wizard")
MANIFEST = "__manifest__.py"
IGNORED_SUFFIXES = {".pyc", ".pyo", ".swp"}


def manifest(root: Path) -> dict:
    """Return the addon's manifest.

    :raises ToolError: when there is none, or it is no Python literal.
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
    """Return the files whose change asks for an update of the addon in a database."""
    found = [root / MANIFEST]
    for name in LOADED_FOLDERS:
        found += [
            p for p in (root / name).rglob("*") if p.is_file() and p.suffix not in IGNORED_SUFFIXES
        ]
    return sorted(found)


def addon_fingerprint(root: Path) -> str:
    """Return a digest that changes whenever a database has to be updated."""
    return files_fingerprint(loaded_files(root), root)


def dependencies(root: Path) -> list[str]:
    """Return the addons that ours depends on, sorted."""
    return sorted(manifest(root).get("depends", ()))
