"""A private PostgreSQL server, whatever server a person has, and its databases."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..machine.configuration import write_variant
from ..machine.database import Databases
from ..machine.layout import ADDON, Layout
from ..machine.odoo_source import OdooTree
from ..machine.postgres import Cluster
from ..machine.process import run_in_order


@dataclass(frozen=True)
class PrivateCluster:
    """A running server, its databases, and the configuration of the Odoo that uses them.

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
        """The paths of this checkout."""
        return self.databases.layout

    def run(self, module: str, *words: str, environ: Mapping[str, str] | None = None) -> int:
        """Run ``python -m devtools.MODULE`` with the server; when this ends, end it in order, too.

        :param environ: the variables to run with, this process's own by default.
        :return: its exit code.
        """
        environ = {
            name: value
            for name, value in (os.environ if environ is None else environ).items()
            if not name.startswith("PG")
        }
        command = [self.layout.python, "-m", f"devtools.{module}", *words]
        return run_in_order(command, self.databases.server.full_environ(environ), self.layout.root)


@contextmanager
def private_cluster(
    layout: Layout, tree: OdooTree, name: str, addons: Path, *, anew: bool = False
) -> Iterator[PrivateCluster]:
    """Provide a server while the block lasts, with a database that has the addon.

    :param name: the purpose, such as ``bench``; part of the names of cluster, database and file.
    :param addons: a folder with addons beside those of the configuration.
    :param anew: make a new database even if the addon has not changed.
    """
    config = layout.dev / f"odoo-{name}.conf"
    database = f"{ADDON}_{name}"
    with Cluster(layout, f"pg-{name}").lease() as server:
        databases = Databases(layout, tree, server, demo=False)
        if anew:
            databases.drop(database)
        databases.ensure(database, fresh=True)
        write_variant(layout.config, config, addons, db_name=database, **server.options)
        yield PrivateCluster(f"pg-{name}", database, config, databases)
