"""Databases with the addon, made from a template with the addons that it depends on.

What a database was made from is noted in its comment: it needs no file beside it, and the note
follows the database to any server. A copy of the template does not inherit the comment.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import addon
from .errors import ToolError
from .layout import ADDON, Layout
from .odoo_source import OdooTree
from .postgres import Server
from .process import run_logged
from .progress import Progress
from .stamps import fingerprint

INSTALL_SECONDS = 1800
QUERY_SECONDS = 60
_NAME = re.compile(r"[a-z][a-z0-9_]{0,50}")


def quoted(text: str) -> str:
    """Return an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class Databases:
    """The databases on one server.

    :param demo: whether they hold demo data.
    """

    layout: Layout
    tree: OdooTree
    server: Server
    demo: bool

    @property
    def template(self) -> str:
        """The name of the template: the addon's dependencies installed, the addon not."""
        return f"{ADDON}_base_demo" if self.demo else f"{ADDON}_base"

    def ensure(self, name: str, *, fresh: bool = False) -> None:
        """Make a database with the addon, or update it to the addon's present state.

        :param fresh: make a new one instead of an update when the addon has changed.
        :raises ToolError: when the addon cannot be installed; names the log.
        """
        if not _NAME.fullmatch(name):
            raise ToolError(
                f"{name!r} is no database name: use small letters, digits and underscores."
            )
        wanted = fingerprint(
            self.tree.fingerprint, addon.addon_fingerprint(self.layout.root), self.demo
        )
        if self.note(name) == wanted:
            return
        if fresh or not self.exists(name):
            self._extend(name, self.ensure_template(), (ADDON,))
        else:
            words = ("--init", ADDON, "--update", ADDON)
            self._odoo(name, f"Database {name}: updating {ADDON}", *words)
        if self.demo and self.query(name, _HAS_DEMO) != "t":
            raise ToolError(f"The demo data of {ADDON} cannot be loaded: see {self._log(name)}.")
        self.set_note(name, wanted)

    def ensure_extended(
        self, name: str, source: str, addons: Sequence[str], made_of: str, *words: str
    ) -> None:
        """Make a database with more addons than another one, or leave it if nothing changed.

        :param source: the name of the other one, which must not be in use meanwhile.
        :param addons: names of the addons to install.
        :param made_of: a fingerprint of everything it is made of.
        :param words: further options of Odoo.
        :raises ToolError: when one cannot be installed; names the log.
        """
        if self.note(name) != made_of:
            self._extend(name, source, addons, *words)
            self.set_note(name, made_of)

    def _extend(self, name: str, source: str, addons: Sequence[str], *words: str) -> None:
        part = f"{name}_part"
        self.copy(source, part)
        self._install(name, part, f"Database {name}: installing", addons, *words)

    def _install(self, name: str, part: str, title: str, addons: Sequence[str], *words) -> None:
        """Install addons in an unfinished database, then give it its final name."""
        self._odoo(part, f"{title} {', '.join(addons)}", "--init", ",".join(addons), *words)
        self.drop(name)
        self._rename(part, name)

    def ensure_template(self) -> str:
        """Make the template, or leave it if nothing changed, and return its name.

        :raises ToolError: when an addon cannot be installed; names the log.
        """
        depends = addon.dependencies(self.layout.root)
        wanted = fingerprint(self.tree.fingerprint, depends, self.demo)
        name = self.template
        if self.note(name) == wanted:
            return name
        part = f"{name}_part"
        self.drop(part)
        options = ("--encoding=UTF8", "--lc-collate=C", "--template=template0")
        self._program("createdb", *options, part)
        self._install(name, part, "Database template, made once: installing", depends)
        self.set_note(name, wanted)
        return name

    def _odoo(self, name: str, title: str, *words: str) -> None:
        demo = "--with-demo" if self.demo else "--without-demo"
        command = [self.layout.bin / "odoo", f"--database={name}", *words, demo]
        log = self._log(name)
        run_logged(
            [*command, "--stop-after-init", "--no-http"],
            Progress(title),
            log,
            f"Odoo could not prepare the database {name}.",
            measure=lambda report: report.note(module_in_work(log)),
            environ=self.server.full_environ(os.environ),
            timeout=INSTALL_SECONDS,
        )

    def _log(self, name: str) -> Path:
        return self.layout.logs / f"database-{name.removesuffix('_part')}.log"

    def exists(self, name: str) -> bool:
        """Return whether there is a database of this name."""
        query = f"SELECT 1 FROM pg_database WHERE datname = {quoted(name)}"
        return self.query("postgres", query) == "1"

    def note(self, name: str) -> str:
        """Return the fingerprint noted on a finished database, or an empty text."""
        query = (
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database "
            f"WHERE datname = {quoted(name)}"
        )
        return self.query("postgres", query)

    def set_note(self, name: str, note: str) -> None:
        """Note what a finished database was made from."""
        self.query("postgres", f'COMMENT ON DATABASE "{name}" IS {quoted(note)}')

    def drop(self, name: str) -> None:
        """Remove a database with its attachments, if there is one."""
        self._program("dropdb", "--if-exists", "--force", name)
        for folder in self._folders(name):
            shutil.rmtree(folder, ignore_errors=True)

    def _rename(self, old: str, new: str) -> None:
        for folder, renamed in zip(self._folders(old), self._folders(new), strict=True):
            if folder.exists():
                folder.rename(renamed)
        self.query("postgres", f'ALTER DATABASE "{old}" RENAME TO "{new}"')

    def copy(self, old: str, new: str) -> None:
        """Copy a database, which must not be in use meanwhile, over another name."""
        self.drop(new)
        self._program("createdb", f"--template={old}", new)
        if self._filestore(old).exists():
            # Odoo never changes an attachment's file in place, so both can share it.
            shutil.copytree(self._filestore(old), self._filestore(new), copy_function=os.link)

    @contextmanager
    def copy_for_a_run(self, name: str) -> Iterator[str]:
        """Provide a copy of a database; remove it afterwards with everything that the run left."""
        copy = f"{name}_run"
        self.copy(name, copy)
        try:
            yield copy
        finally:
            self.drop(copy)

    def _filestore(self, name: str) -> Path:
        return self.layout.data / "filestore" / name

    def _folders(self, name: str) -> tuple[Path, Path]:
        """Return a database's folders outside PostgreSQL: attachments, and waiting reports."""
        return self._filestore(name), self.layout.data / ADDON / name

    def query(self, database: str, query: str) -> str:
        """Run one statement and return its rows as text, with ``|`` between columns.

        :raises ToolError: when the server refuses it.
        """
        words = ("--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--set=ON_ERROR_STOP=1")
        return self._program("psql", *words, f"--dbname={database}", f"--command={query}").strip()

    def _program(self, program: str, *words: str) -> str:
        more = {"PGCONNECT_TIMEOUT": "10", "PGOPTIONS": "--client-min-messages=warning"}
        try:
            result = subprocess.run(
                [program, *words],
                env=self.server.full_environ({**os.environ, **more}),
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=QUERY_SECONDS,
            )
        except FileNotFoundError as error:
            raise ToolError(
                f"PostgreSQL's program {program} is missing: run `make setup`."
            ) from error
        if result.returncode:
            raise ToolError(f"PostgreSQL's {program} failed: {result.stderr.strip()}")
        return result.stdout


_HAS_DEMO = f"SELECT demo FROM ir_module_module WHERE name = {quoted(ADDON)}"
_LOADING = re.compile(rb"Loading module (\w+) \((\d+)/(\d+)\)")


def module_in_work(log: Path) -> str:
    """Return which module Odoo is loading according to its log, and how many there are."""
    found = _LOADING.findall(log.read_bytes())
    if not found:
        return "starting"
    name, number, total = found[-1]
    return f"module {int(number)} of {int(total)}, {name.decode()}"
