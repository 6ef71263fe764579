"""``make bench``: measures speed and scale beside other ways to do the same."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from ..lab.cluster import PrivateCluster, private_cluster
from ..machine.database import quoted
from ..machine.layout import ADDON, Layout, Settings
from ..machine.odoo_source import OdooTree
from ..machine.stamps import files_fingerprint, fingerprint
from . import setup

PLAIN_DATABASE = f"{ADDON}_bench_plain"
SCRATCH_ADDON = "airtel_ccp_bench"
INSTALL_SECONDS = 900


def _install(lab: PrivateCluster, database: str, addons: str) -> None:
    command = [str(lab.layout.bin / "odoo"), f"--config={lab.config}"]
    command += [f"--database={database}", f"--init={addons}", "--without-demo"]
    command += ["--stop-after-init", "--no-http", "--log-level=warn"]
    subprocess.run(
        command,
        env=lab.databases.server.full_environ(os.environ),
        stdin=subprocess.DEVNULL,
        check=True,
        timeout=INSTALL_SECONDS,
    )


def _prepare(lab: PrivateCluster, name: str, source: str) -> str:
    """Make a database for this run, of one that has what is compared and is made once.

    :param source: the database that the latter is a copy of.
    :return: the name of the database of this run.
    """
    databases, ready, of_run = lab.databases, f"{name}_ready", f"{name}_run"
    scratch = files_fingerprint(_scratch_files(lab.layout), lab.layout.root)
    wanted = fingerprint(databases.note(source), scratch)
    if not databases.exists(ready) or databases.note(ready) != wanted:
        print(f"{ready}: installing what is compared", flush=True)
        databases.drop(ready)
        databases.copy(source, ready)
        _install(lab, ready, f"{SCRATCH_ADDON},sms_twilio")
        databases.query("postgres", f'COMMENT ON DATABASE "{ready}" IS {quoted(wanted)}')
    databases.drop(of_run)
    databases.copy(ready, of_run)
    return of_run


def _addons(layout: Layout) -> Path:
    return layout.root / "devtools" / "bench" / "addons"


def _scratch_files(layout: Layout) -> list[Path]:
    folder = _addons(layout) / SCRATCH_ADDON
    return sorted(each for each in folder.rglob("*") if each.suffix in (".py", ".csv"))


def run(layout: Layout, tree: OdooTree, words: list[str]) -> int:
    """Run the benchmark once, on a PostgreSQL server of its own that keeps what it commits.

    :param words: options of ``python -m devtools.bench``.
    :return: its exit code.
    """
    with private_cluster(layout, tree, "bench", _addons(layout)) as lab:
        database = _prepare(lab, lab.database, lab.database)
        plain = _prepare(lab, PLAIN_DATABASE, lab.databases.template)
        options = ["--database", database, "--plain", plain, "--config", str(lab.config)]
        options += ["--server-log", str(layout.logs / f"{lab.cluster}.log")]
        try:
            return lab.run("bench", *options, *words)
        finally:
            for name in (database, plain):
                lab.databases.drop(name)


def main(layout: Layout, settings: Settings) -> int:
    """Run the parts that the variable ``PARTS`` names, all by default; short with ``QUICK``."""
    words = shlex.split(os.environ.get("PARTS", ""))
    if os.environ.get("QUICK", "") not in ("", "0"):
        words.append("--quick")
    words += shlex.split(os.environ.get("ARGS", ""))
    tree = setup.prepare(layout, settings, with_browser=False)
    return run(layout, tree, words)
