"""A PostgreSQL server of its own, whatever server a person has, and what runs on it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..machine.database import Databases
from ..machine.layout import ADDON, Layout
from ..machine.odoo_source import OdooTree
from ..machine.postgres import Cluster, Server
from ..machine.services import end_group

STOP_SECONDS = 30


@dataclass(frozen=True)
class PrivateCluster:
    """A server that runs, its databases, and the configuration of the Odoo that uses them.

    :param cluster: the cluster's name.
    :param database: the name of the database with the addon.
    :param config: Odoo's configuration file.
    """

    cluster: str
    database: str
    config: Path
    databases: Databases

    @property
    def layout(self) -> Layout:
        """Where things lie."""
        return self.databases.layout

    def run(self, module: str, *words: str, environ: Mapping[str, str] | None = None) -> int:
        """Run ``python -m devtools.MODULE`` with the server, and end it in order with us.

        :param environ: the variables to run with, this process's own by default.
        :return: its exit code.
        """
        environ = {
            name: value
            for name, value in (os.environ if environ is None else environ).items()
            if not name.startswith("PG")
        }
        process = subprocess.Popen(
            [str(self.layout.python), "-m", f"devtools.{module}", *words],
            env=self.databases.server.full_environ(environ),
            cwd=self.layout.root,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait()
        finally:
            end_group(process, signal.SIGINT, STOP_SECONDS)


@contextmanager
def private_cluster(
    layout: Layout, tree: OdooTree, name: str, addons: Path, *, anew: bool = False
) -> Iterator[PrivateCluster]:
    """Provide a server for as long as the block lasts, and a database with the addon on it.

    :param name: of the purpose, such as ``bench``; cluster, database and configuration bear it.
    :param addons: a folder with addons beside those of the configuration.
    :param anew: make the database anew also if the addon has not changed since.
    """
    config = layout.dev / f"odoo-{name}.conf"
    database = f"{ADDON}_{name}"
    with Cluster(layout, f"pg-{name}").lease() as server:
        databases = Databases(layout, tree, server, demo=False)
        if anew:
            databases.drop(database)
        databases.ensure(database, fresh=True)
        _write_configuration(layout, server, config, database, addons)
        yield PrivateCluster(f"pg-{name}", database, config, databases)


def _write_configuration(
    layout: Layout, server: Server, config: Path, database: str, addons: Path
) -> None:
    own = {
        "db_host": server.environ["PGHOST"],
        "db_port": server.environ["PGPORT"],
        "db_user": server.environ["PGUSER"],
        "db_name": database,
    }
    lines = []
    for line in layout.config.read_text().splitlines():
        name = line.partition(" = ")[0]
        if name == "addons_path":
            line = f"{line},{addons}"
        if name not in own:
            lines.append(line)
    lines += [f"{name} = {value}" for name, value in own.items()]
    config.write_text("\n".join(lines) + "\n")
