# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Limits what happens at once on one server, across its processes.

A slot is a locked file. The operating system releases it when the process ends, in whatever way,
and holding one needs no database connection.
"""

import os
import threading
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where Odoo has one process
    fcntl = None

__all__ = ["Slot", "Slots"]

_held: set[str] = set()
_held_lock = threading.Lock()


class Slot:
    """A slot that is held until it is released, or until its process ends."""

    def __init__(self, path: Path, file: int | None):
        self._path = path
        self._file = file
        self._lock = threading.Lock()
        self._is_held = True

    def release(self) -> None:
        """Release the slot; doing it twice is harmless."""
        with self._lock:
            if not self._is_held:
                return
            self._is_held = False
        if self._file is None:
            with _held_lock:
                _held.discard(str(self._path))
        else:
            os.close(self._file)

    def __del__(self):
        self.release()


class Slots:
    """A limited number of slots, in a folder that the server's processes share.

    :param folder: created if it is missing
    :param count: how many can be held at once
    """

    def __init__(self, folder: Path, count: int):
        self._folder = Path(folder)
        self._count = count

    def take(self) -> Slot | None:
        """Take a free slot; return ``None`` if all are held.

        :raises OSError: if the folder cannot be written
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(self._count):
            path = self._folder / str(number)
            slot = _take_here(path) if fcntl is None else _take_locked(path)
            if slot:
                return slot
        return None


def _take_here(path: Path) -> Slot | None:
    with _held_lock:
        if str(path) in _held:
            return None
        _held.add(str(path))
    return Slot(path, None)


def _take_locked(path: Path) -> Slot | None:
    # Programs that a worker starts do not inherit Python's files, so they hold no lock
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    except BaseException:
        os.close(file)
        raise
    return Slot(path, file)
