"""The browser's bundles, made once for all tests.

A test's transaction is rolled back, together with the bundles that its browser requested. Without
these, each test with a browser makes them again, which takes much of its time.
"""

from __future__ import annotations

import os

from .database import INSTALL_SECONDS
from .layout import Layout
from .postgres import Server
from .process import run_logged
from .progress import Progress

# The bundles of the tests' pages: the web client, its tours and its unit tests
NAMES = (
    "bus.websocket_worker_assets",
    "web.assets_tests",
    "web.assets_unit_tests",
    "web.assets_unit_tests_setup",
    "web.assets_web",
    "web.assets_web_print",
    "web_tour.automatic",
)
SCRIPT = f"""
views = env["ir.qweb"]
for name in {NAMES!r}:
    views._get_asset_bundle(name, css=False, js=True).js()
    views._get_asset_bundle(name, css=True, js=False).css()
env.cr.commit()
"""


def prepare(layout: Layout, database: str, server: Server) -> None:
    """Make the bundles of a database, unless it has them.

    :param database: the name of the database of the tests.
    :raises ToolError: when Odoo cannot make them; names the log.
    """
    run_logged(
        [layout.bin / "odoo", "shell", f"--database={database}", "--no-http"],
        Progress(f"Database {database}: making the browser's bundles"),
        layout.logs / f"bundles-{database}.log",
        "Odoo could not make the browser's bundles.",
        environ=server.full_environ(os.environ),
        timeout=INSTALL_SECONDS,
        text=SCRIPT,
    )
