"""``make bench``: measures speed and scale beside other ways to do the same."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from pathlib import Path

from ..machine.database import Databases, quoted
from ..machine.layout import ADDON, Layout, Settings
from ..machine.odoo_source import OdooTree
from ..machine.postgres import Cluster, Server
from ..machine.services import end_group
from ..machine.stamps import files_fingerprint, fingerprint
from . import setup

CLUSTER = "pg-bench"
DATABASE = f"{ADDON}_bench"
PLAIN_DATABASE = f"{ADDON}_bench_plain"
SCRATCH_ADDON = "airtel_ccp_bench"
STOP_SECONDS = 30
INSTALL_SECONDS = 900


def _write_configuration(layout: Layout, server: Server) -> None:
    """Write Odoo's configuration with the scratch addon's folder and the cluster's address."""
    own = {
        "db_host": server.environ["PGHOST"],
        "db_port": server.environ["PGPORT"],
        "db_user": server.environ["PGUSER"],
        "db_name": DATABASE,
    }
    lines = []
    for line in layout.config.read_text().splitlines():
        name = line.partition(" = ")[0]
        if name == "addons_path":
            line = f"{line},{layout.root / 'devtools' / 'bench' / 'addons'}"
        if name not in own:
            lines.append(line)
    lines += [f"{name} = {value}" for name, value in own.items()]
    configuration(layout).write_text("\n".join(lines) + "\n")


def configuration(layout: Layout) -> Path:
    """Return the path of the configuration that the benchmark's Odoo runs with."""
    return layout.dev / "odoo-bench.conf"


def _install(layout: Layout, server: Server, database: str, addons: str) -> None:
    command = [str(layout.bin / "odoo"), f"--config={configuration(layout)}"]
    command += [f"--database={database}", f"--init={addons}", "--without-demo"]
    command += ["--stop-after-init", "--no-http", "--log-level=warn"]
    subprocess.run(
        command,
        env=server.full_environ(os.environ),
        stdin=subprocess.DEVNULL,
        check=True,
        timeout=INSTALL_SECONDS,
    )


def _prepare(layout: Layout, databases: Databases, name: str, source: str, made_of: str) -> None:
    """Make a database for this run, of one that has what is compared and is made once."""
    ready = f"{name}_ready"
    wanted = fingerprint(made_of, files_fingerprint(_scratch_files(layout), layout.root))
    if not databases.exists(ready) or databases.note(ready) != wanted:
        print(f"{ready}: installing what is compared", flush=True)
        databases.drop(ready)
        databases.copy(source, ready)
        _install(layout, databases.server, ready, f"{SCRATCH_ADDON},sms_twilio")
        databases.query("postgres", f'COMMENT ON DATABASE "{ready}" IS {quoted(wanted)}')
    databases.drop(_of_run(name))
    databases.copy(ready, _of_run(name))


def _of_run(name: str) -> str:
    return f"{name}_run"


def _scratch_files(layout: Layout) -> list[Path]:
    folder = layout.root / "devtools" / "bench" / "addons" / SCRATCH_ADDON
    return sorted(each for each in folder.rglob("*") if each.suffix in (".py", ".csv"))


def run(layout: Layout, tree: OdooTree, words: list[str]) -> int:
    """Run the benchmark once, on a PostgreSQL server of its own that keeps what it commits.

    :param words: options of ``python -m devtools.bench``.
    :return: its exit code.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    with Cluster(layout, CLUSTER).lease() as server:
        databases = Databases(layout, tree, server, demo=False)
        databases.ensure(DATABASE, fresh=True)
        _write_configuration(layout, server)
        template = databases.template
        _prepare(layout, databases, DATABASE, DATABASE, databases.note(DATABASE))
        _prepare(layout, databases, PLAIN_DATABASE, template, databases.note(template))
        command = [str(layout.python), "-m", "devtools.bench"]
        command += ["--database", _of_run(DATABASE), "--plain", _of_run(PLAIN_DATABASE)]
        command += ["--config", str(configuration(layout))]
        command += ["--server-log", str(layout.logs / f"{CLUSTER}.log"), *words]
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
            for name in (DATABASE, PLAIN_DATABASE):
                databases.drop(_of_run(name))


def main(layout: Layout, settings: Settings) -> int:
    """Run the parts that the variable ``PARTS`` names, all by default; short with ``QUICK``."""
    words = shlex.split(os.environ.get("PARTS", ""))
    if os.environ.get("QUICK", "") not in ("", "0"):
        words.append("--quick")
    words += shlex.split(os.environ.get("ARGS", ""))
    tree = setup.prepare(layout, settings, with_browser=False)
    return run(layout, tree, words)
