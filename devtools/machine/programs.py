"""Programs that tests start, Chromium and nginx: installed ones, or Debian's below ``.dev/``.

Where Debian's packages cannot be had, only installed ones serve.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import apt
from .errors import ToolError
from .layout import Layout, Settings
from .stamps import Stamp, fingerprint, made_anew, write_atomically

_SNAPS = "/snap/bin/"
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
_INSTALLED = """\
#!/bin/sh
exec {program} "$@"
"""
_UNPACKED = """\
#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root="$here/../{name}"
libraries="$root/usr/lib/{triplet}:$root/lib/{triplet}:$root/usr/lib/{name}"
# Some packages keep libraries one folder deeper and name it by its absolute path.
for folder in "$root"/usr/lib/{triplet}/*/; do
    libraries="$libraries:$folder"
done
export LD_LIBRARY_PATH="$libraries${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
{exports}exec "$root/{binary}" "$@"
"""


@dataclass(frozen=True)
class Program:
    """One program, and how to get it.

    :param name: of its folder below ``.dev``; in capitals, of the variable that names another one.
    :param title: how to call it to a person.
    :param names: of the installed programs that serve, the best first; or their whole paths.
    :param launchers: the names below ``.dev/bin`` that start it.
    :param packages: Debian's.
    :param binary: what is started, in the folder of what was unpacked.
    :param missing: the sentence for the person when there is none and none can be fetched.
    :param needed: whether nothing goes on without it; else tests that need it are skipped.
    :param version: the option with which it prints its version.
    :param system: folders with programs that an ordinary user's PATH does not have.
    :param files: texts of more files in the folder, by their names.
    :param exports: variables that name these files, and the files' names.
    """

    name: str
    title: str
    names: tuple[str, ...]
    launchers: tuple[str, ...]
    packages: tuple[str, ...]
    binary: str
    missing: str
    version: str
    needed: bool = True
    system: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)

    def installed(self, environ: Mapping[str, str], own: Path) -> str | None:
        """Return the path of an installed one, or None.

        :param own: the folder of our own launchers, which do not count.
        :raises ToolError: when the variable names no program.
        """
        folders = (*environ.get("PATH", os.defpath).split(os.pathsep), *self.system)
        path = os.pathsep.join(folder for folder in folders if Path(folder) != own)
        variable = self.name.upper()
        if chosen := environ.get(variable):
            program = shutil.which(chosen, path=path)
            if program is None:
                raise ToolError(
                    f"{variable} is {chosen!r}, which is no program: set it to {self.title}'s."
                )
            return str(Path(program).absolute())
        found = filter(None, (shutil.which(name, path=path) for name in self.names))
        return min(found, key=_is_snap, default=None)

    def prepare(self, layout: Layout, settings: Settings) -> None:
        """Make each launcher start a program that works, or say what is done without it.

        :raises ToolError: when there is none and none can be fetched, though it is needed, or when
            it does not start.
        """
        root = layout.dev / self.name
        program = self.installed(settings.environ, layout.bin)
        if not (self.needed or program or self._unpacked(layout) or apt.is_debian()):
            for name in self.launchers:  # of one that is no longer there
                (layout.bin / name).unlink(missing_ok=True)
            Stamp(layout.stamps, f"{self.name}-launcher").clear()
            print(self.missing, flush=True)
            return
        if program:
            script = _INSTALLED.format(program=shlex.quote(program))
        else:
            self._fetch(layout, root)
            script = _UNPACKED.format(
                name=self.name,
                triplet=f"{platform.machine()}-linux-gnu",
                binary=self.binary,
                exports="".join(
                    f'export {variable}="$root/{file}"\n' for variable, file in self.exports.items()
                ),
            )
        wanted = fingerprint(script, root)
        stamp = Stamp(layout.stamps, f"{self.name}-launcher")
        if not stamp.holds(wanted):
            for name in self.launchers:
                write_atomically(layout.bin / name, script, 0o755)
            self._check(layout)
            stamp.set(wanted)

    def _fetch(self, layout: Layout, root: Path) -> None:
        """Unpack Debian's packages, or leave what was unpacked when nothing changed."""
        if self._unpacked(layout):
            return
        if not apt.is_debian():
            raise ToolError(self.missing)
        folder = layout.dev / "apt" / self.name
        source = apt.PrivateApt(folder, layout.logs)
        source.update(self.title)
        archives = source.fetch_missing_for(self.packages, self.title)
        with made_anew(root) as part:
            source.unpack(archives, part, self.title)
            for name, text in self.files.items():
                write_atomically(part / name, text.format(root=root))
        Stamp(layout.stamps, self.name).set(self._packed(layout))
        shutil.rmtree(folder)

    def _unpacked(self, layout: Layout) -> bool:
        """Return whether Debian's packages are there, unpacked."""
        stamp = Stamp(layout.stamps, self.name)
        return stamp.holds(self._packed(layout)) and (layout.dev / self.name / self.binary).exists()

    def _packed(self, layout: Layout) -> str:
        return fingerprint(layout.dev / self.name, self.packages)

    def _check(self, layout: Layout) -> None:
        command = [str(layout.bin / self.launchers[0]), self.version]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )
        if result.returncode:
            raise ToolError(f"{self.title} does not start: {result.stderr.strip()[:300]}")


def _is_snap(program: str) -> bool:
    """Return whether a program is a snap, or a script that starts one, as on Ubuntu.

    A snap has a ``/tmp`` of its own, so it cannot see the folders that tests make for it.
    """
    with Path(program).open("rb") as file:
        return program.startswith(_SNAPS) or _SNAPS.encode() in file.read(4096)


def environ_with_programs(layout: Layout) -> dict[str, str]:
    """Return this process's variables, with our launchers before other programs."""
    path = os.pathsep.join((str(layout.bin), os.environ.get("PATH", os.defpath)))
    return {**os.environ, "PATH": path}


CHROMIUM = Program(
    name="chromium",
    title="Chromium",
    names=(
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        # macOS
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ),
    # Odoo's tests look for these names on the PATH, in another order than ours.
    launchers=("chromium", "google-chrome"),
    # With a font for Latin and for Indian scripts, so that screenshots can be read.
    packages=("chromium", "fonts-noto-core", "fontconfig-config"),
    binary="usr/lib/chromium/chromium",
    missing="There is no Chromium here for the browser tests: install Chromium or Google Chrome, "
    "or set CHROMIUM to its program.",
    version="--version",
    files={"fonts.conf": _FONTS},
    exports={"FONTCONFIG_FILE": "fonts.conf"},
)
NGINX = Program(
    name="nginx",
    title="nginx",
    names=("nginx",),
    launchers=("nginx",),
    packages=("nginx",),
    binary="usr/sbin/nginx",
    missing="There is no nginx here, so tests that need it are skipped: install it to run them.",
    version="-v",
    needed=False,
    system=("/usr/sbin", "/usr/local/sbin"),
)
