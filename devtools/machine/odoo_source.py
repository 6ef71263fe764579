"""Finds Odoo 19, or fetches it.

First that fits: a checkout named by ``ODOO_SRC``, a clone of the repository that
``ODOO_REPOSITORY`` names, an Odoo 19 that the interpreter can already import (Odoo's own images and
packages), Debian's package on Debian, a clone of Odoo's public repository anywhere else.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from . import apt, repository
from .errors import ToolError
from .layout import Layout, Settings
from .stamps import Stamp, fingerprint, made_anew, write_atomically

SERIES = 19
TITLE = "Odoo 19"
REPOSITORY = "https://github.com/odoo/odoo"
BRANCH = f"{SERIES}.0"
SUITE = "sid"
ICON_SUITE = "stable"
PACKAGES = (
    "odoo-19",
    # Targets of the links in Odoo's web assets; without them pages answer 500.
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-inconsolata",
    "fonts-montserrat",
    "fonts-ocr-b",
    "fonts-roboto-unhinted",
)
# Odoo's pages need Font Awesome 4; later versions of the package hold no web fonts.
ICON_PACKAGE = "fonts-font-awesome"
ICON_VERSION = "4.7"
DEBIAN_PARENT = Path("usr/lib/python3/dist-packages")
# Debian leaves this script out (it blurs a camera's background); without the file pages log an
# error, which fails every browser test.
ABSENT_SCRIPT = Path("mail/static/lib/selfie_segmentation/selfie_segmentation.js")
_LOCATE = (
    "import importlib.util as u; s = u.find_spec('odoo'); "
    "print(*(s.submodule_search_locations if s else ()), sep='\\n')"
)
_SERIES = re.compile(r"^version_info\s*=\s*\(\s*'?(?:saas~)?(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class OdooTree:
    """An Odoo that is on disk.

    :param parent: the folder to put on Python's path.
    :param addons: the addons folders, in the order Odoo searches them.
    :param origin: where it comes from, in words.
    :param commit: of our own clone; a person's checkout changes without our knowing.
    """

    parent: str
    addons: tuple[str, ...]
    origin: str
    commit: str = ""

    @property
    def fingerprint(self) -> str:
        """A digest that changes when another Odoo is used."""
        release = Path(self.parent, "odoo", "release.py")
        return fingerprint(self.parent, release.read_text(), *filter(None, [self.commit]))

    @property
    def requirements(self) -> Path | None:
        """The file in which a checkout lists the Python packages it needs, or None."""
        path = Path(self.parent, "requirements.txt")
        is_checkout = Path(self.parent, "addons") in map(Path, self.addons)
        return path if is_checkout and path.is_file() else None


def series(package: Path) -> int | None:
    """Return the major version of the Odoo in a package folder, or None when there is none."""
    try:
        match = _SERIES.search((package / "release.py").read_text())
    except OSError:
        return None
    return int(match[1]) if match else None


def from_checkout(path: Path) -> OdooTree:
    """Use a checkout of Odoo's repository, or any folder that holds the package ``odoo``.

    :raises ToolError: when there is no Odoo 19 in it.
    """
    package = path / "odoo"
    found = series(package)
    if found != SERIES:
        what = "no Odoo" if found is None else f"Odoo {found}"
        raise ToolError(
            f"ODOO_SRC is {path}, which holds {what}: set it to a checkout of Odoo {SERIES}."
        )
    return _tree(package, f"the checkout {path}")


def _tree(package: Path, origin: str, commit: str = "") -> OdooTree:
    folders = [package / "addons"]
    if not (folders[0] / "web").is_dir():  # a checkout; packages hold every addon beside `base`
        folders.append(package.parent / "addons")
    return OdooTree(str(package.parent), tuple(map(str, folders)), origin, commit)


def importable(interpreter: str = sys.executable) -> OdooTree | None:
    """Return the Odoo 19 that an interpreter can import, or None."""
    command = (
        [interpreter, "-P", "-c", _LOCATE]
        if sys.version_info >= (3, 11)
        else [interpreter, "-c", _LOCATE]
    )
    result = subprocess.run(command, capture_output=True, text=True, cwd=os.path.sep, timeout=60)
    for location in map(Path, result.stdout.splitlines()):
        if series(location) == SERIES:
            return _tree(location, f"the installed package in {location}")
    return None


def dangling_links(folder: Path) -> list[Path]:
    """Return the links below a folder that lead nowhere."""
    found = []
    for place, folders, files in os.walk(folder):
        found += [
            path
            for name in (*folders, *files)
            if (path := Path(place, name)).is_symlink() and not path.exists()
        ]
    return sorted(found)


def fetch_from_debian(layout: Layout) -> OdooTree:
    """Fetch Debian's package and what its web assets link to; nothing is fetched twice.

    :raises ToolError: when the archive lacks a package, or the result would be incomplete.
    """
    package = layout.odoo_root / DEBIAN_PARENT / "odoo"
    origin = "Debian's package odoo-19"
    wanted = fingerprint(PACKAGES, ICON_PACKAGE, ICON_VERSION, SUITE, ICON_SUITE)
    stamp = Stamp(layout.stamps, "odoo-debian")
    if stamp.holds(wanted) and series(package) == SERIES:
        return _tree(package, origin)
    source = apt.PrivateApt(layout.dev / "apt" / "odoo", layout.logs, (SUITE, ICON_SUITE))
    source.update(TITLE)
    icons = [version for version in source.versions(ICON_PACKAGE) if ICON_VERSION in version]
    if not icons:
        raise ToolError(
            f"Debian no longer has {ICON_PACKAGE} {ICON_VERSION}: set ODOO_REPOSITORY to "
            f"{REPOSITORY} for a clone."
        )
    archives = source.fetch((*PACKAGES, f"{ICON_PACKAGE}={icons[0]}"), TITLE)
    with made_anew(layout.odoo_root) as part:
        source.unpack(archives, part, TITLE)
        _complete(part / DEBIAN_PARENT / "odoo" / "addons")
    stamp.set(wanted)
    shutil.rmtree(layout.dev / "apt" / "odoo")
    return _tree(package, origin)


def _complete(addons: Path) -> None:
    script = addons / ABSENT_SCRIPT
    if not script.exists():
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(
            "// Not part of this distribution: a camera's background stays as it is.\n"
        )
    broken = dangling_links(addons / "web")
    if broken:
        raise ToolError(
            f"The web assets of Debian's package lack {broken[0].name} and {len(broken) - 1} more: "
            f"set ODOO_REPOSITORY to {REPOSITORY} for a clone."
        )


def fetch_with_git(layout: Layout, settings: Settings) -> OdooTree:
    """Clone Odoo's repository without its history, or leave the clone that is there.

    A clone stays as it is, and needs no network, until another repository is named or what is new
    is asked for; it stays in use until the new one is whole.

    :raises ToolError: when git is missing, the repository cannot be read, it holds no Odoo 19, or
        the clone breaks off.
    """
    stamp = Stamp(layout.stamps, "odoo-clone")
    package = layout.odoo_clone / "odoo"
    commit, _, address = (stamp.read() or "").partition(" ")
    whole = bool(commit) and series(package) == SERIES
    wanted = repository.address_of(settings.odoo_repository) or address or REPOSITORY
    if not whole or address != wanted or settings.odoo_update:
        tip = repository.tip(wanted, BRANCH)
        if not whole or commit != tip:
            commit = _clone(layout, stamp, wanted)
        stamp.set(f"{commit} {wanted}")
    origin = f"branch {BRANCH} of {repository.shown(wanted)}, commit {commit[:12]}"
    return _tree(package, origin, commit)


def _clone(layout: Layout, stamp: Stamp, address: str) -> str:
    with made_anew(layout.odoo_clone) as part:
        log = layout.logs / "odoo-clone.log"
        commit = repository.clone(address, BRANCH, part, log, TITLE)
        if series(part / "odoo") != SERIES:
            raise ToolError(
                f"Branch {BRANCH} of {repository.shown(address)} holds no Odoo {SERIES}: set "
                f"ODOO_REPOSITORY to {REPOSITORY} or a mirror of it."
            )
        stamp.clear()
    return commit


def _remembered(layout: Layout) -> OdooTree | None:
    try:
        record = json.loads((layout.dev / "odoo.json").read_text())
        facts = record["parent"], tuple(record["addons"]), record["origin"]
        tree = OdooTree(*facts, record.get("commit", ""))
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return tree if series(Path(tree.parent, "odoo")) == SERIES else None


def _fetch(layout: Layout, settings: Settings) -> OdooTree:
    return fetch_from_debian(layout) if apt.is_debian() else fetch_with_git(layout, settings)


def choose(layout: Layout, settings: Settings) -> OdooTree:
    """Return the Odoo to work with, fetching it when there is none.

    What was chosen once is kept until ``ODOO_SRC`` or ``ODOO_REPOSITORY`` names another one, or
    ``make clean``.

    :raises ToolError: when there is no way to get Odoo 19 here.
    """
    remembered = _remembered(layout)
    if settings.odoo_source:
        tree = from_checkout(settings.odoo_source)
    elif settings.odoo_repository or (remembered and remembered.parent == str(layout.odoo_clone)):
        tree = fetch_with_git(layout, settings)
    elif remembered:
        tree = remembered
    else:
        tree = importable() or _fetch(layout, settings)
    if tree != remembered:
        write_atomically(layout.dev / "odoo.json", json.dumps(asdict(tree), indent=2) + "\n")
    return tree
