"""``make setup``: everything that the other commands need, made once."""

from __future__ import annotations

from ..machine import configuration, environment, odoo_source, postgres
from ..machine.layout import Layout, Settings
from ..machine.locks import locked
from ..machine.odoo_source import OdooTree
from ..machine.programs import CHROMIUM, NGINX


def prepare(layout: Layout, settings: Settings, *, with_browser: bool = True) -> OdooTree:
    """Fetch and make what is missing; takes a moment when nothing is.

    :param with_browser: whether Chromium is needed, and nginx if it can be had, which only tests
        need too; ``make run`` does without.
    :return: the Odoo to work with.
    :raises ToolError: when something cannot be had on this machine.
    """
    with locked(layout.dev / "setup.lock"):
        tree = odoo_source.choose(layout, settings)
        environment.prepare(layout, tree)
        if with_browser:
            for program in (CHROMIUM, NGINX):
                program.prepare(layout, settings)
        configuration.write(layout, settings, tree, postgres.describe(layout, settings))
    return tree


def main(layout: Layout, settings: Settings) -> None:
    """Prepare everything, try PostgreSQL, and say where things are."""
    tree = prepare(layout, settings)
    with postgres.server(layout, settings) as server:
        where = (
            "your own server, from the PG* variables"
            if settings.own_server
            else server.environ["PGHOST"]
        )
    print(f"Odoo: {tree.origin}")
    print(f"PostgreSQL: {where}")
    print(f"Launcher: {layout.bin / 'odoo'}")
    print("Ready for `make run`, `make test`, `make demo` and `make lint`.")
