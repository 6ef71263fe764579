"""``make bench``: measures speed and scale, compared with other ways to do the same."""

from __future__ import annotations

import os
import shlex
from contextlib import ExitStack
from pathlib import Path

from ..lab.cluster import PrivateCluster, private_cluster
from ..machine.layout import ADDON, Layout, Settings
from ..machine.odoo_source import OdooTree
from ..machine.stamps import files_fingerprint, fingerprint
from . import setup

PLAIN_DATABASE = f"{ADDON}_bench_plain"
SCRATCH_ADDON = "airtel_ccp_bench"


def _ensure(lab: PrivateCluster, name: str, source: str) -> str:
    """Create a database with everything to compare, or leave it if nothing changed.

    :param source: the database to copy.
    :return: its name.
    """
    databases, ready = lab.databases, f"{name}_ready"
    made_of = fingerprint(databases.note(source), _scratch_fingerprint(lab.layout))
    addons = (SCRATCH_ADDON, "sms_twilio")
    databases.ensure_extended(ready, source, addons, made_of, f"--config={lab.config}")
    return ready


def _addons(layout: Layout) -> Path:
    return layout.root / "devtools" / "bench" / "addons"


def _scratch_fingerprint(layout: Layout) -> str:
    files = (_addons(layout) / SCRATCH_ADDON).rglob("*")
    return files_fingerprint(
        (each for each in files if each.suffix in (".py", ".csv")), layout.root
    )


def run(layout: Layout, tree: OdooTree, words: list[str]) -> int:
    """Run the benchmark once, on a PostgreSQL server of its own that keeps what it commits.

    :param words: options of ``python -m devtools.bench``.
    :return: its exit code.
    """
    with private_cluster(layout, tree, "bench", _addons(layout)) as lab, ExitStack() as stack:
        database, plain = (
            stack.enter_context(lab.databases.copy_for_a_run(_ensure(lab, name, source)))
            for name, source in (
                (lab.database, lab.database),
                (PLAIN_DATABASE, lab.databases.template),
            )
        )
        options = ["--database", database, "--plain", plain, "--config", str(lab.config)]
        options += ["--server-log", str(layout.logs / f"{lab.cluster}.log")]
        return lab.run("bench", *options, *words)


def main(layout: Layout, settings: Settings) -> int:
    """Run the parts that the variable ``PARTS`` names, all by default; short with ``QUICK``."""
    words = shlex.split(os.environ.get("PARTS", ""))
    if os.environ.get("QUICK", "") not in ("", "0"):
        words.append("--quick")
    words += shlex.split(os.environ.get("ARGS", ""))
    tree = setup.prepare(layout, settings, with_browser=False)
    return run(layout, tree, words)
