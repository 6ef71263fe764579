# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Marks on disk of work in progress, which show later that the work killed its process.

A killed process cannot log anything, and its transaction is rolled back. So a mark is a file that
is locked as long as the work lasts. The system releases the lock when the process ends, in whatever
way: a mark without a lock belongs to work that was cut off.
"""

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where Odoo has no workers that it could kill
    fcntl = None

_SUFFIX = ".mark"


@dataclass(frozen=True)
class Mark:
    """A mark that outlived its process."""

    path: Path
    ids: tuple[int, ...]
    """The ids that were being worked on."""


class Marks:
    """The marks in a folder; several processes may use it at once."""

    def __init__(self, folder):
        """:param folder: need not exist yet"""
        self.folder = Path(folder)

    @contextlib.contextmanager
    def under_way(self, ids):
        """Mark that some ids are being worked on, as long as the context lasts.

        :param ids: integers
        :raise OSError: at the start, when the folder refuses the file
        """
        if fcntl is None:
            yield
            return
        file, path = self._begin(ids)
        try:
            yield
        finally:
            # Unlinked before it is unlocked: nobody can lock a mark that still has its name
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            os.close(file)

    def _begin(self, ids):
        name = f"{os.getpid()}-{secrets.token_hex(8)}"
        part = self.folder / f"{name}.part"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        try:
            file = os.open(part, flags, 0o600)
        except FileNotFoundError:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(part, flags, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            os.write(file, " ".join(map(str, ids)).encode())
            # Others see it from now on, complete and locked
            path = part.rename(part.with_suffix(_SUFFIX))
        except OSError:
            os.close(file)
            part.unlink(missing_ok=True)
            raise
        return file, path

    def cut_off(self):
        """Return the marks of work that was cut off; usually there are none.

        :rtype: list[Mark]
        :raise OSError: when the folder exists and cannot be read
        """
        try:
            with os.scandir(self.folder) as entries:
                paths = [Path(entry.path) for entry in entries if entry.name.endswith(_SUFFIX)]
        except FileNotFoundError:
            return []
        return [mark for mark in map(self._read, sorted(paths)) if mark]

    def _read(self, path):
        """Return the mark in a file, or None while its work lasts or has just ended."""
        if fcntl is None:
            return None
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            state = os.fstat(file)
            if not state.st_nlink:
                return None
            words = os.read(file, state.st_size).decode("ascii", "replace").split()
            return Mark(path, tuple(int(word) for word in words if word.isdigit()))
        except BlockingIOError:
            return None
        finally:
            os.close(file)

    def forget(self, mark):
        """Delete a mark whose work was done again or put off.

        :param Mark mark: one of ``cut_off()``
        :raise OSError: when it cannot be removed
        """
        mark.path.unlink(missing_ok=True)
