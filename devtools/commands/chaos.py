"""``make chaos``: breaks the stack on purpose, and counts what is lost."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from ..machine.database import Databases
from ..machine.errors import ToolError
from ..machine.layout import ADDON, Layout, Settings
from ..machine.odoo_source import OdooTree
from ..machine.postgres import Cluster
from ..machine.services import end_group
from . import setup

CLUSTER = "pg-chaos"
DATABASE = f"{ADDON}_chaos"
STOP_SECONDS = 30
# For `make test`: few calls, and PostgreSQL away for a few seconds only
SHORT = ("--calls", "40", "--away", "4", "--pause", "1.2")


def run(layout: Layout, tree: OdooTree, environ: Mapping[str, str], words: Sequence[str]) -> int:
    """Run the fault suite once, on a PostgreSQL server of its own, whatever server a person has.

    :param words: options of ``python -m devtools.chaos``.
    :return: its exit code.
    """
    cluster = Cluster(layout, CLUSTER)
    environ = {name: value for name, value in environ.items() if not name.startswith("PG")}
    with cluster.lease() as server:
        databases = Databases(layout, tree, server, demo=False)
        databases.drop(DATABASE)
        databases.ensure(DATABASE)
        settings = {"db_host": "PGHOST", "db_port": "PGPORT", "db_user": "PGUSER"}
        configuration = layout.dev / "odoo-chaos.conf"
        lines = [
            line
            for line in layout.config.read_text().splitlines()
            if line.partition(" = ")[0] not in (*settings, "db_name")
        ]
        lines += [f"{name} = {server.environ[variable]}" for name, variable in settings.items()]
        configuration.write_text("\n".join(lines) + "\n")
        command = [str(layout.python), "-m", "devtools.chaos", "--cluster", CLUSTER]
        command += ["--database", DATABASE, "--config", str(configuration), *words]
        process = subprocess.Popen(
            command,
            env=server.full_environ(environ),
            cwd=layout.root,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait()
        finally:
            end_group(process, signal.SIGINT, STOP_SECONDS)


def main(layout: Layout, settings: Settings) -> int:
    """Run with the seed of the variable ``SEED``, with ``CALLS`` calls.

    :raises ToolError: when a variable is no whole number.
    """
    words = []
    for variable, option in (("SEED", "--seed"), ("CALLS", "--calls")):
        text = os.environ.get(variable, "")
        if text and not text.isdecimal():
            raise ToolError(f"{variable} is {text!r}: set it to a whole number.")
        words += [option, text] if text else []
    tree = setup.prepare(layout, settings, with_browser=False)
    return run(layout, tree, os.environ, words)
