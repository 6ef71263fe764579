"""Odoo's configuration file and the launchers below ``.dev/bin``."""

from __future__ import annotations

import configparser
from pathlib import Path

from .layout import ADDON, Layout, Settings
from .odoo_source import OdooTree
from .postgres import Server
from .stamps import write_atomically

DATABASE = ADDON
HOST = "127.0.0.1"

# Odoo restarts its event process from sys.argv[0], which therefore must be a Python script.
_LAUNCHER = """\
import sys

from devtools.machine.launcher import main

sys.exit(main())
"""
_SHELL_LAUNCHER = """\
#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
exec "$here/../venv/bin/python" "$here/odoo-bin" "$@"
"""


def odoo_options(
    layout: Layout, settings: Settings, tree: OdooTree, server: Server
) -> dict[str, object]:
    """Return the options of Odoo's configuration file."""
    return {
        "addons_path": ",".join((*tree.addons, str(layout.addons))),
        "data_dir": layout.data,
        "db_name": DATABASE,
        "http_interface": HOST,
        "http_port": settings.odoo_port,
        "gevent_port": settings.gevent_port,
        "workers": settings.workers,
        "max_cron_threads": 2,
        # With the addon among them, reports are taken even while the database is away
        "server_wide_modules": f"base,rpc,web,{ADDON}",
        "pg_path": server.programs,
        **server.options,
    }


def render(options: dict[str, object]) -> str:
    """Return the text of a configuration file."""
    return "[options]\n" + "".join(f"{name} = {value}\n" for name, value in options.items())


def write(layout: Layout, settings: Settings, tree: OdooTree, server: Server) -> None:
    """Write the configuration and the launchers, if they differ from the present ones."""
    _write_changed(layout.config, render(odoo_options(layout, settings, tree, server)), 0o600)
    _write_changed(layout.bin / "odoo-bin", _LAUNCHER, 0o644)
    _write_changed(layout.bin / "odoo", _SHELL_LAUNCHER, 0o755)


def write_variant(
    config: Path, target: Path, addons: Path, *, replaced: bool = False, **options: str
) -> None:
    """Write a variant of a configuration file, with one more folder of addons.

    :param replaced: whether the folder replaces those that contain this addon.
    :param options: options that differ.
    """
    parser = configparser.RawConfigParser()
    parser.read(config, encoding="utf-8")
    paths = [path.strip() for path in parser["options"]["addons_path"].split(",")]
    kept = [path for path in paths if not (replaced and Path(path, ADDON).exists())]
    parser["options"].update(addons_path=",".join([*kept, str(addons)]), **options)
    with target.open("w", encoding="utf-8") as file:
        parser.write(file)


def _write_changed(path: Path, text: str, mode: int) -> None:
    if not path.exists() or path.read_text() != text:
        write_atomically(path, text, mode)
