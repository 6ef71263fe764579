"""Shows what a long step does, how far it is, and its result."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Sequence
from typing import TextIO


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of as many cells each as a table for a terminal."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def megabytes(count: int) -> str:
    """Return a number of bytes as text in MB."""
    return f"{count / 1_000_000:.1f} MB"


class Progress:
    """One long step.

    On a terminal the line is rewritten in place; elsewhere (a log, CI) a new line is written every
    few seconds: neither is silent or flooded.
    """

    def __init__(
        self,
        title: str,
        stream: TextIO | None = None,
        interval: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Announce the step.

        :param title: what is being done, such as ``Odoo 19: downloading``.
        :param interval: seconds between two signs of life; by default 0.2 on a terminal and 5
            elsewhere.
        """
        self._title = title
        self._stream = stream or sys.stdout
        self._clock = clock
        self._terminal = self._stream.isatty()
        self._interval = interval if interval is not None else (0.2 if self._terminal else 5.0)
        self._start = self._last = clock()
        self._detail = ""
        self._write("")

    def bytes(self, done: int, total: int | None) -> None:
        """Show how many bytes are done, if a sign of life is due."""
        if total:
            share = min(100, 100 * done // total)
            self.note(f"{megabytes(min(done, total))} of {megabytes(total)} ({share}%)")
        else:
            self.note(megabytes(done))

    def note(self, detail: str) -> None:
        """Show in words how far the step is, if a sign of life is due."""
        self._detail = detail
        now = self._clock()
        if now - self._last >= self._interval:
            self._last = now
            self._write(
                f"{detail}, {now - self._start:.0f} s" if detail else f"{now - self._start:.0f} s"
            )

    def done(self, summary: str = "done") -> None:
        """Close the step with a last line."""
        self._write(f"{summary} ({self._clock() - self._start:.1f} s)")
        if self._terminal:
            self._stream.write("\n")
            self._stream.flush()

    def _write(self, detail: str) -> None:
        line = f"{self._title}: {detail}" if detail else f"{self._title} ..."
        if self._terminal:
            width = shutil.get_terminal_size().columns
            self._stream.write("\r\x1b[K" + line[: width - 1])
        else:
            self._stream.write(line + "\n")
        self._stream.flush()
