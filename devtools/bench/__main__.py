"""``python -m devtools.bench``: measures, prints the table and keeps the figures."""

from __future__ import annotations

import argparse
import datetime
import importlib
import logging
import os
import platform
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from ..machine.layout import LAYOUT
from . import PARTS, results
from .figures import Figure, plain_table

if TYPE_CHECKING:
    from .stack import Stack


def main() -> int:
    """Run the parts that were asked for, all by default.

    :return: 0 unless a part broke; a missed goal is a result, not an error
    """
    parser = argparse.ArgumentParser(prog="python -m devtools.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"which parts: {', '.join(PARTS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="each part in its short form")
    parser.add_argument("--database", help="with the addon and what it is compared with")
    parser.add_argument("--plain", help="the same without the addon")
    parser.add_argument("--config", type=Path, help="Odoo's configuration file")
    parser.add_argument("--server-log", type=Path, help="the log of the PostgreSQL server")
    options = parser.parse_args()
    # Checked here: the parser's own choices refuse a command without any part
    if unknown := sorted(set(options.parts).difference(PARTS)):
        parser.error(f"there is no part {', '.join(unknown)}: choose of {', '.join(PARTS)}")
    if None in (options.database, options.plain, options.config, options.server_log):
        parser.error("run `make bench`, which prepares the databases")
    return _run(options)


def _run(options) -> int:
    # After the options, so mistakes in them are reported without Odoo and its packages
    from odoo.tools import config

    from .stack import Stack

    config.parse_config(["--config", str(options.config), "--log-level=error"])
    logging.getLogger("sandbox").setLevel(logging.ERROR)
    folder = Path(tempfile.mkdtemp(prefix="airtel-ccp-bench-"))
    stack = Stack(options.config, options.database, options.plain, options.server_log, folder)
    _calm(stack)
    made = {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "quick": options.quick,
        "machine": machine(stack),
    }
    measured: list[tuple[str, Figure]] = []
    broken = []
    for part in PARTS:
        if options.parts and part not in options.parts:
            continue
        began = time.monotonic()
        print(f"\n{part} ...", flush=True)
        try:
            module = importlib.import_module(f".{part}", __package__)
            figures = module.run(stack, options.quick)
        except Exception:  # noqa: BLE001 - the other parts are still worth their figures
            traceback.print_exc()
            broken.append(part)
            continue
        found = [(part, figure) for figure in figures]
        measured += found
        # A run takes hours: each figure is kept as soon as it is measured
        results.keep(LAYOUT, made, found)
        print(plain_table(found))
        print(f"{part}: {time.monotonic() - began:.0f} seconds", flush=True)
    print(f"\n{results.describe(made)}\n\n{plain_table(measured)}")
    print("\n`make figures` publishes what was measured last.", flush=True)
    if broken:
        print(f"\nbroken parts: {', '.join(broken)}; logs: {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _calm(stack: Stack) -> None:
    """Switch off other addons' scheduled actions: in a new database all of them run at once."""
    stack.query(
        "UPDATE ir_cron SET active = false WHERE id NOT IN ("
        " SELECT res_id FROM ir_model_data WHERE model = 'ir.cron' AND module = 'airtel_ccp')"
    )
    stack.query("UPDATE ir_cron SET active = false", database=stack.plain)


def machine(stack: Stack) -> dict:
    """Return the properties of the machine that matter, without names of hosts or folders."""
    from odoo import release

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "processor": processor(),
        "memory_gb": round(memory / 2**30, 1),
        "python": platform.python_version(),
        "postgresql": stack.query("SHOW server_version")[0][0].split()[0],
        "odoo": release.version,
    }


def processor() -> str:
    """Return the processor's name, if the system has it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
