"""Runs a command that takes long, with signs of life, and says plainly when it fails."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .errors import ToolError
from .progress import Progress

POLL_SECONDS = 0.1
STOP_SECONDS = 10


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last non-empty lines of a text file."""
    with path.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - 16_384))
        text = stream.read().decode(errors="replace")
    return [line.rstrip() for line in text.replace("\r", "\n").split("\n") if line.strip()][-count:]


def _end(process: subprocess.Popen) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=STOP_SECONDS)


def run_logged(
    command: Sequence[str | Path],
    progress: Progress,
    log: Path,
    failure: str,
    measure: Callable[[Progress], None] = lambda progress: progress.note(""),
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 3600,
    text: str = "",
) -> None:
    """Run a command, its output going to a file, and show how far it is.

    :param failure: the sentence for the person when the command fails.
    :param measure: tells ``progress`` how far the command is; by default only the time passes.
    :param timeout: seconds after which the command is ended.
    :param text: what the command reads from its standard input; short enough for a pipe.
    :raises ToolError: when the command fails or takes too long; names the log and its last lines.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environ) if environ is not None else None,
                cwd=cwd,
            )
        except FileNotFoundError as error:
            raise ToolError(f"{failure} The program {command[0]} is missing.") from error
        try:
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(text.encode())
            while process.poll() is None:
                measure(progress)
                if time.monotonic() > deadline:
                    raise ToolError(
                        f"{failure} It took longer than {timeout:.0f} seconds; see {log}."
                    )
                time.sleep(POLL_SECONDS)
        finally:
            _end(process)
    if process.returncode:
        detail = "\n".join("    " + line for line in last_lines(log, 12))
        raise ToolError(f"{failure} Full output: {log}\n{detail}")
