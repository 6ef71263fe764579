"""nginx for the tests of the proxy's sample: an installed one, or Debian's below ``.dev/``."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from . import apt
from .errors import ToolError
from .layout import Layout, Settings
from .stamps import Stamp, fingerprint, replace_tree, write_atomically

TITLE = "nginx"
PACKAGE = "nginx"
BINARY = Path("usr/sbin/nginx")
# Where it is installed; an ordinary user's PATH does not have it.
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin")
_PLAIN = """\
#!/bin/sh
exec {program} "$@"
"""
_UNPACKED = """\
#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root="$here/../nginx"
libraries="$root/usr/lib/{triplet}:$root/lib/{triplet}"
export LD_LIBRARY_PATH="$libraries${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
exec "$root/{binary}" "$@"
"""


def installed(environ: Mapping[str, str], own: Path) -> str | None:
    """Return the program of an installed nginx, or None.

    :param own: the folder of our own launchers, which do not count.
    """
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    path = [folder for folder in (*folders, *SYSTEM_FOLDERS) if Path(folder) != own]
    return shutil.which("nginx", path=os.pathsep.join(path))


def prepare(layout: Layout, settings: Settings) -> None:
    """Make ``.dev/bin/nginx`` start an nginx that works.

    :raises ToolError: when there is none and none can be fetched, or it does not start.
    """
    program = installed(settings.environ, layout.bin)
    if program is None and not (layout.nginx / BINARY).exists():
        _fetch(layout)
    script = (
        _PLAIN.format(program=shlex.quote(program))
        if program
        else _UNPACKED.format(triplet=f"{platform.machine()}-linux-gnu", binary=BINARY)
    )
    wanted = fingerprint(script, layout.nginx)
    stamp = Stamp(layout.stamps, "nginx")
    if stamp.holds(wanted):
        return
    write_atomically(layout.bin / "nginx", script, 0o755)
    _check(layout)
    stamp.set(wanted)


def _fetch(layout: Layout) -> None:
    if not apt.is_debian():
        raise ToolError("There is no nginx here for the tests of the proxy's sample: install it.")
    folder = layout.dev / "apt" / "nginx"
    source = apt.PrivateApt(folder, layout.logs)
    source.update(TITLE)
    archives = source.fetch_missing_for((PACKAGE,), TITLE)
    part = layout.dev / "nginx.part"
    shutil.rmtree(part, ignore_errors=True)
    apt.unpack(archives, part, TITLE)
    replace_tree(part, layout.nginx)
    shutil.rmtree(folder)


def _check(layout: Layout) -> None:
    command = [str(layout.bin / "nginx"), "-v"]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    if result.returncode:
        raise ToolError(f"nginx does not start: {result.stderr.strip()[:300]}")
