"""``make chaos``: breaks the stack on purpose, and counts what is lost."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ..lab.cluster import private_cluster
from ..machine.errors import ToolError
from ..machine.layout import Layout, Settings
from ..machine.odoo_source import OdooTree
from . import setup

# For `make test`: few calls, and PostgreSQL is away for only a few seconds
SHORT = ("--calls", "40", "--away", "4", "--pause", "1.2")


def run(layout: Layout, tree: OdooTree, environ: Mapping[str, str], words: Sequence[str]) -> int:
    """Run the fault suite once, on a PostgreSQL server of its own.

    :param words: options of ``python -m devtools.chaos``.
    :return: its exit code.
    """
    failpoints = layout.root / "devtools" / "chaos" / "failpoints"
    # In a new database: leftovers of an earlier run would be counted
    with private_cluster(layout, tree, "chaos", failpoints, anew=True) as lab:
        where = ("--cluster", lab.cluster, "--database", lab.database, "--config", str(lab.config))
        return lab.run("chaos", *where, *words, environ=environ)


def main(layout: Layout, settings: Settings) -> int:
    """Run with the seed of the variable ``SEED``, with ``CALLS`` calls.

    :raises ToolError: when a variable is not a whole number.
    """
    words = []
    for variable, option in (("SEED", "--seed"), ("CALLS", "--calls")):
        text = os.environ.get(variable, "")
        if text and not text.isdecimal():
            raise ToolError(f"{variable} is {text!r}: set it to a whole number.")
        words += [option, text] if text else []
    tree = setup.prepare(layout, settings, with_browser=False)
    return run(layout, tree, os.environ, words)
