# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""A moment that the processes of one machine share, such as when something was last done."""

import contextlib
import os
import time
from pathlib import Path


class Moment:
    """A moment by the machine's own clock, which no correction of the time of day moves.

    It is the time of a file. A file that cannot be read or written tells nothing, and does no harm.
    """

    def __init__(self, path):
        """:param path: of the file; the machine's name is best a part of it"""
        self._path = Path(path)

    @staticmethod
    def now():
        """Return the present moment, in nanoseconds since some moment in the past.

        :rtype: int
        """
        return time.monotonic_ns()

    def set(self, moment):
        """Note a moment, unless the folder takes no file.

        :param int moment: see ``now``
        """
        with contextlib.suppress(OSError):
            try:
                os.utime(self._path, ns=(moment, moment))
            except FileNotFoundError:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._path.touch(mode=0o600)
                os.utime(self._path, ns=(moment, moment))

    def is_since(self, moment):
        """Return whether the noted moment is this one or a later one, up to the present.

        A machine that started anew counts from the beginning.

        :param int moment: see ``now``
        :rtype: bool
        """
        try:
            return moment <= self._path.stat().st_mtime_ns <= self.now()
        except OSError:
            return False
