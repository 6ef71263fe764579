"""Fetches Debian packages without root and without touching the machine's own apt.

The archive's address is read from the machine's apt configuration; lists, archives and sources live
in a private folder. A private configuration file is needed, rather than options, because only a
file can clear the machine's hooks, which an ordinary user may not run.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import ToolError
from .process import run_logged
from .progress import Progress
from .stamps import write_atomically

OS_RELEASE = Path("/etc/os-release")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_CHUNK = 1 << 20
_INDEX_LINE = re.compile(r"^'(?P<uri>\S+?)/*/dists/(?P<suite>[^/']+)/InRelease'")
_PACKAGE_LINE = re.compile(
    r"^'(?P<uri>[^']+)' (?P<name>\S+) (?P<size>\d+)(?: SHA256:(?P<digest>\w+))?"
)


@dataclass(frozen=True)
class Archive:
    """One file that apt would download."""

    name: str
    size: int
    digest: str | None

    def matches(self, path: Path) -> bool:
        """Return whether the file is complete and what apt expects."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        if self.digest is None:
            return True
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest() == self.digest


def is_debian(os_release: Path = OS_RELEASE) -> bool:
    """Return whether this machine is Debian itself and has apt."""
    return _os_release(os_release).get("ID") == "debian" and shutil.which("apt-get") is not None


def _os_release(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    return {key: "".join(shlex.split(value)) for key, value in pairs}


def archive_uri(index_lines: Iterable[str], codename: str) -> str | None:
    """Find the main Debian archive among the machine's sources.

    :param index_lines: what ``apt-get update --print-uris`` prints.
    :param codename: the release of this machine, such as ``bookworm``.
    :return: the archive's address without a suite, or None.
    """
    found = [match.groupdict() for match in map(_INDEX_LINE.match, index_lines) if match]
    names = (codename, "stable", "testing", "unstable", "sid")
    for name in names:
        for entry in found:
            if entry["suite"] == name:
                return entry["uri"]
    return None


def parse_archives(lines: Iterable[str]) -> list[Archive]:
    """Read what ``--print-uris`` prints for packages."""
    matches = [match for match in map(_PACKAGE_LINE.match, lines) if match]
    return [Archive(m["name"], int(m["size"]), m["digest"]) for m in matches]


class PrivateApt:
    """apt-get with lists, archives and (where given) sources of its own."""

    def __init__(self, folder: Path, logs: Path, suites: Sequence[str] = ()):
        """Prepare the private folder.

        :param suites: suites of Debian's archive to use; none means the machine's own sources.
        :raises ToolError: when the machine's apt names no Debian archive.
        """
        self._folder = folder
        self._logs = logs
        self.archives = folder / "archives"
        for name in ("lists/partial", "archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._configuration = folder / "apt.conf"
        self._write_configuration(own_sources=False)
        if suites:
            self._write_sources(suites)

    def _write_configuration(self, own_sources: bool) -> None:
        lines = [
            "#clear APT::Update::Pre-Invoke;",
            "#clear APT::Update::Post-Invoke;",
            "#clear APT::Update::Post-Invoke-Success;",
            f'Dir::State::Lists "{self._folder / "lists"}";',
            f'Dir::Cache "{self._folder}";',
            f'Dir::Cache::Archives "{self.archives}";',
            'APT::Sandbox::User "root";',
            'Acquire::Languages "none";',
            'Acquire::Retries "3";',
            'Debug::NoLocking "true";',
        ]
        if own_sources:
            lines += [
                f'Dir::Etc::SourceList "{self._folder / "sources.list"}";',
                'Dir::Etc::SourceParts "/dev/null";',
            ]
        write_atomically(self._configuration, "\n".join(lines) + "\n")

    def _write_sources(self, suites: Sequence[str]) -> None:
        codename = _os_release(OS_RELEASE).get("VERSION_CODENAME", "stable")
        uri = archive_uri(self._read("apt-get", "update", "--print-uris"), codename)
        if uri is None:
            raise ToolError(
                "apt on this machine has no Debian archive among its sources; set ODOO_SRC or "
                "ODOO_REPOSITORY."
            )
        options = f"[signed-by={KEYRING}] " if KEYRING.is_file() else ""
        text = "".join(f"deb {options}{uri} {suite} main\n" for suite in suites)
        write_atomically(self._folder / "sources.list", text)
        self._write_configuration(own_sources=True)

    def _command(self, program: str, *words: str) -> list[str]:
        return [program, f"--config-file={self._configuration}", *words]

    def _read(self, program: str, *words: str) -> list[str]:
        command = self._command(program, *words)
        result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if result.returncode:
            raise ToolError(f"{shlex.join(words)} failed in {program}: {result.stderr.strip()}")
        return result.stdout.splitlines()

    def update(self, title: str) -> None:
        """Fetch the package lists."""
        progress = Progress(f"{title}: reading the package lists")
        command = self._command("apt-get", "update", "--error-on=any")
        log = self._logs / "apt-update.log"
        run_logged(command, progress, log, "apt could not read its lists.")

    def versions(self, package: str) -> list[str]:
        """Return the versions of a package that the sources offer, newest first."""
        rows = (line.split("|") for line in self._read("apt-cache", "madison", package))
        return [row[1].strip() for row in rows if len(row) > 1]

    def missing_for(self, packages: Sequence[str]) -> list[Archive]:
        """Return what is missing on this machine for the packages to run."""
        words = ("install", "--print-uris", "--yes", "--no-install-recommends", *packages)
        return parse_archives(self._read("apt-get", *words))

    def fetch(self, packages: Sequence[str], title: str) -> list[Path]:
        """Download exactly these packages; complete ones are not fetched again.

        :param packages: names, or ``name=version``.
        :return: the downloaded files.
        """
        wanted = parse_archives(self._read("apt-get", "download", "--print-uris", *packages))
        command = self._command("apt-get", "download", *packages)
        return self._fetch(wanted, command, title)

    def fetch_missing_for(self, packages: Sequence[str], title: str) -> list[Path]:
        """Download the packages with everything they need that this machine lacks."""
        wanted = self.missing_for(packages)
        words = ("--download-only", "--yes", "--no-install-recommends", *packages)
        return self._fetch(wanted, self._command("apt-get", "install", *words), title)

    def _fetch(self, wanted: list[Archive], command: list[str], title: str) -> list[Path]:
        paths = [self.archives / archive.name for archive in wanted]
        if all(archive.matches(path) for archive, path in zip(wanted, paths, strict=True)):
            return paths
        total = sum(archive.size for archive in wanted)
        progress = Progress(f"{title}: downloading {len(wanted)} packages, {total / 1e6:.0f} MB")

        def measure(report: Progress) -> None:
            present = sum(_size(p) or _size(p.parent / "partial" / p.name) for p in paths)
            report.bytes(present, total)

        log = self._logs / "apt-download.log"
        failure = "A download failed; run again to go on."
        run_logged(command, progress, log, failure, measure, cwd=self.archives)
        for archive, path in zip(wanted, paths, strict=True):
            if not archive.matches(path):
                path.unlink(missing_ok=True)
                raise ToolError(f"{archive.name} arrived damaged; run again to fetch it anew.")
        return paths

    def unpack(self, archives: Sequence[Path], target: Path, title: str) -> None:
        """Unpack packages into a folder, without running any of their scripts."""
        progress = Progress(f"{title}: unpacking {len(archives)} packages")
        command = ["xargs", "--delimiter=\\n", "--replace", "dpkg-deb", "--extract", "{}", target]
        log = self._logs / "apt-unpack.log"
        failure = "A package could not be unpacked; is the disk full?"
        run_logged(command, progress, log, failure, text="\n".join(map(str, archives)))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
