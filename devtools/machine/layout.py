"""Where things lie, and which variables a person can set."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .errors import ToolError

ADDON = "airtel_ccp"
ROOT = Path(__file__).resolve().parents[2]

# Any of these says that the person brings a PostgreSQL server of their own.
SERVER_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE")


@dataclass(frozen=True)
class Layout:
    """Every path the tools use, derived from the checkout's root."""

    root: Path = ROOT

    @property
    def dev(self) -> Path:
        """The folder of everything fetched or made; ignored by git."""
        return self.root / ".dev"

    @property
    def bin(self) -> Path:
        """Launchers: ``odoo``, ``chromium``, ``nginx``."""
        return self.dev / "bin"

    @property
    def venv(self) -> Path:
        """The virtual environment with Odoo's and the tools' Python packages."""
        return self.dev / "venv"

    @property
    def python(self) -> Path:
        """The interpreter inside the virtual environment."""
        return self.venv / "bin" / "python"

    @property
    def library(self) -> Path:
        """A folder on the virtual environment's path that holds a link to ``devtools``."""
        return self.dev / "lib"

    @property
    def odoo_root(self) -> Path:
        """Where Debian's packages are unpacked when Odoo comes from there."""
        return self.dev / "odoo"

    @property
    def odoo_clone(self) -> Path:
        """The clone of Odoo's repository when Odoo comes from there."""
        return self.dev / "odoo-clone"

    @property
    def addons(self) -> Path:
        """The addons path entry in which Odoo sees this repository under the addon's name."""
        return self.dev / "addons"

    @property
    def addon(self) -> Path:
        """The link to the repository's root, named as the addon."""
        return self.addons / ADDON

    @property
    def config(self) -> Path:
        """Odoo's configuration file."""
        return self.dev / "odoo.conf"

    @property
    def data(self) -> Path:
        """Odoo's data folder: attachments and sessions."""
        return self.dev / "data"

    @property
    def stamps(self) -> Path:
        """One file for each finished step of the set-up."""
        return self.dev / "stamps"

    @property
    def logs(self) -> Path:
        """Full output of long steps."""
        return self.dev / "log"

    @property
    def node(self) -> Path:
        """The JavaScript linters."""
        return self.dev / "node"


LAYOUT = Layout()


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise ToolError(f"{name} is {text!r}: set it to a port number between 1 and 65535.")
    return int(text)


def whole_number(environ: Mapping[str, str], name: str, default: int, least: int = 1) -> int:
    """Return the number that a variable is set to.

    :raises ToolError: when it is set to no whole number, or to less than ``least``.
    """
    text = environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < least:
        raise ToolError(f"{name} is {text!r}: set it to a whole number, {least} or more.")
    return int(text)


def chosen(environ: Mapping[str, str], known: Sequence[str]) -> Sequence[str]:
    """Return the names that ``ARGS`` holds, or else all.

    :raises ToolError: when one of them is not known.
    """
    names = environ.get("ARGS", "").split()
    if unknown := sorted(set(names).difference(known)):
        raise ToolError(f"ARGS names {', '.join(unknown)}: it can name {', '.join(known)}.")
    return names or known


@dataclass(frozen=True)
class Settings:
    """The variables a person can set, checked."""

    odoo_port: int = 8069
    gevent_port: int = 8072
    sandbox_port: int = 8270
    workers: int = 0
    odoo_source: Path | None = None
    odoo_repository: str = ""
    odoo_update: bool = False
    own_server: bool = False
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read and check the variables.

        :param environ: the environment, this process's own by default.
        :raises ToolError: when a variable holds no usable value.
        """
        environ = os.environ if environ is None else environ
        source = environ.get("ODOO_SRC")
        return cls(
            odoo_port=_port(environ, "ODOO_PORT", 8069),
            gevent_port=_port(environ, "GEVENT_PORT", 8072),
            sandbox_port=_port(environ, "SANDBOX_PORT", 8270),
            workers=whole_number(environ, "WORKERS", 0, least=0),
            odoo_source=Path(source).expanduser().resolve() if source else None,
            odoo_repository=environ.get("ODOO_REPOSITORY", ""),
            odoo_update=bool(whole_number(environ, "ODOO_UPDATE", 0, least=0)),
            own_server=any(environ.get(name) for name in SERVER_VARIABLES),
            environ=environ,
        )
