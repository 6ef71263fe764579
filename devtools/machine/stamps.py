"""Fingerprints, so that a finished step is not done again and a changed one is."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def fingerprint(*parts: object) -> str:
    """Return a short digest of the given values; the same values give the same text."""
    digest = hashlib.sha256()
    for part in parts:
        text = str(part).encode()
        digest.update(b"%d:" % len(text))
        digest.update(text)
    return digest.hexdigest()[:20]


def files_fingerprint(files: Iterable[Path], base: Path) -> str:
    """Return a digest of the files' names (relative to ``base``) and contents."""
    digest = hashlib.sha256()
    for path in sorted(files):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(base).as_posix()}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()[:20]


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old text or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(text)
    part.chmod(mode)
    part.replace(path)


@contextmanager
def made_anew(target: Path) -> Iterator[Path]:
    """Provide the path of a folder to make, which takes an older one's place once it is whole.

    Of one that does not become whole nothing stays, or what a killed process left until next time.
    """
    part, old = (target.with_name(f"{target.name}.{suffix}") for suffix in ("part", "old"))
    for each in (part, old):
        shutil.rmtree(each, ignore_errors=True)
    try:
        yield part
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    if target.exists():
        target.rename(old)
    part.rename(target)
    shutil.rmtree(old, ignore_errors=True)


class Stamp:
    """Remembers with which fingerprint a step was last finished."""

    def __init__(self, folder: Path, name: str):
        self._path = folder / name

    def holds(self, value: str) -> bool:
        """Return whether the step was finished with this fingerprint."""
        return self.read() == value

    def read(self) -> str | None:
        """Return the fingerprint of the last finished run, or None."""
        try:
            return self._path.read_text().strip()
        except FileNotFoundError:
            return None

    def set(self, value: str) -> None:
        """Note that the step is finished."""
        write_atomically(self._path, value + "\n")

    def clear(self) -> None:
        """Forget it: the step has to be done again."""
        self._path.unlink(missing_ok=True)
