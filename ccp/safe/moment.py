# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""A time that the processes of one machine share, such as when something was last done."""

import contextlib
import os
import time
from pathlib import Path


class Moment:
    """A time by the machine's monotonic clock, which is not affected by corrections of the date.

    It is stored as the time of a file. A file that cannot be read or written has no effect.
    """

    def __init__(self, path):
        """:param path: the file's; its name should contain the machine's name"""
        self._path = Path(path)

    @staticmethod
    def now():
        """Return the current time, in nanoseconds since some fixed time in the past.

        :rtype: int
        """
        return time.monotonic_ns()

    def set(self, moment):
        """Store a time, unless the folder refuses the file.

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
        """Return whether the stored time is this one or later, but not in the future.

        After a restart of the machine, stored times are ignored.

        :param int moment: see ``now``
        :rtype: bool
        """
        try:
            return moment <= self._path.stat().st_mtime_ns <= self.now()
        except OSError:
            return False
