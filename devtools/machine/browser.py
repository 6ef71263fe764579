"""Chromium for the browser tests: one that is installed, or Debian's, unpacked below ``.dev/``."""

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

TITLE = "Chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# With a font for Latin and for Indian scripts, so that screenshots can be read.
PACKAGES = ("chromium", "fonts-noto-core", "fontconfig-config")
# Odoo's tests look for these names on the PATH, in another order than ours.
LAUNCHERS = ("chromium", "google-chrome")
BINARY = Path("usr/lib/chromium/chromium")
_MISSING = (
    "There is no Chromium here for the browser tests: install Chromium or Google Chrome, or set "
    "CHROMIUM to its program."
)
_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">{root}/usr/share/fontconfig/conf.avail/60-latin.conf</include>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{root}/usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{root}/fontcache</cachedir>
</fontconfig>
"""
_PLAIN = """\
#!/bin/sh
exec {program} "$@"
"""
_UNPACKED = """\
#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root="$here/../chromium"
libraries="$root/usr/lib/{triplet}:$root/lib/{triplet}:$root/usr/lib/chromium"
# Some packages keep libraries one folder deeper and name it by its absolute path.
for folder in "$root"/usr/lib/{triplet}/*/; do
    libraries="$libraries:$folder"
done
export LD_LIBRARY_PATH="$libraries${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export FONTCONFIG_FILE="$root/fonts.conf"
exec "$root/{binary}" "$@"
"""


def installed(environ: Mapping[str, str], own: Path) -> str | None:
    """Return the program of an installed browser, or None.

    :param own: the folder of our own launchers, which do not count.
    :raises ToolError: when ``CHROMIUM`` names no program.
    """
    path = os.pathsep.join(
        p for p in environ.get("PATH", os.defpath).split(os.pathsep) if Path(p) != own
    )
    chosen = environ.get("CHROMIUM")
    if chosen:
        program = shutil.which(chosen, path=path)
        if program is None:
            raise ToolError(
                f"CHROMIUM is {chosen!r}, which is no program: set it to Chromium's or Chrome's."
            )
        return str(Path(program).absolute())
    return next((found for name in NAMES if (found := shutil.which(name, path=path))), None)


def prepare(layout: Layout, settings: Settings) -> None:
    """Make ``.dev/bin/chromium`` start a browser that works.

    :raises ToolError: when there is none and none can be fetched, or it does not start.
    """
    program = installed(settings.environ, layout.bin)
    if program is None and not _is_fetched(layout):
        _fetch(layout)
    script = _PLAIN.format(program=shlex.quote(program)) if program else _unpacked_script()
    wanted = fingerprint(script, layout.chromium)
    stamp = Stamp(layout.stamps, "browser")
    if stamp.holds(wanted):
        return
    for name in LAUNCHERS:
        write_atomically(layout.bin / name, script, 0o755)
    _check(layout)
    stamp.set(wanted)


def _fetched_stamp(layout: Layout) -> Stamp:
    return Stamp(layout.stamps, "chromium")


def _is_fetched(layout: Layout) -> bool:
    wanted = fingerprint(layout.chromium, PACKAGES)
    return _fetched_stamp(layout).holds(wanted) and (layout.chromium / BINARY).exists()


def _unpacked_script() -> str:
    return _UNPACKED.format(triplet=f"{platform.machine()}-linux-gnu", binary=BINARY)


def _fetch(layout: Layout) -> None:
    if not apt.is_debian():
        raise ToolError(_MISSING)
    source = apt.PrivateApt(layout.dev / "apt" / "machine", layout.logs)
    source.update(TITLE)
    archives = source.fetch_missing_for(PACKAGES, TITLE)
    part = layout.dev / "chromium.part"
    shutil.rmtree(part, ignore_errors=True)
    apt.unpack(archives, part, TITLE)
    write_atomically(part / "fonts.conf", _FONTS.format(root=layout.chromium))
    replace_tree(part, layout.chromium)
    _fetched_stamp(layout).set(fingerprint(layout.chromium, PACKAGES))
    shutil.rmtree(layout.dev / "apt" / "machine")


def _check(layout: Layout) -> None:
    command = [str(layout.bin / LAUNCHERS[0]), "--version"]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    if result.returncode:
        raise ToolError(f"Chromium does not start: {result.stderr.strip()[:300]}")
