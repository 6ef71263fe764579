"""Locks between processes; one that is killed loses its lock by itself."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, kind: int = fcntl.LOCK_EX) -> Iterator[int]:
    """Hold a lock on a file, which is created if needed, while the block lasts.

    :param kind: which lock, as ``flock`` knows it.
    :return: the file's descriptor.
    :raises BlockingIOError: when another process holds it and ``kind`` forbids waiting.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, kind)
        yield file
    finally:
        os.close(file)
