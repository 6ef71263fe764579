"""Runs a command that takes long, with signs of life, and reports failures plainly."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from .errors import ToolError
from .progress import Progress

POLL_SECONDS = 0.1
STOP_SECONDS = 10
# pytest, Odoo and the tools' own commands remove databases when they are stopped
ORDERLY_STOP_SECONDS = 30


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last non-empty lines of a text file."""
    with path.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - 16_384))
        text = stream.read().decode(errors="replace")
    return [line.rstrip() for line in text.replace("\r", "\n").split("\n") if line.strip()][-count:]


def with_last_lines(sentence: str, log: Path) -> str:
    """Return an error's sentence, with a log's name and its last lines."""
    detail = "\n".join("    " + line for line in last_lines(log, 12))
    return f"{sentence} Full output: {log}\n{detail}"


def start_group(
    command: Sequence[str | Path],
    output: IO[bytes] | None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen:
    """Start a program in a process group of its own: Ctrl-C reaches only this process.

    :param output: the file for its output; by default the terminal.
    """
    return subprocess.Popen(
        [str(word) for word in command],
        stdin=stdin,
        stdout=output,
        stderr=output and subprocess.STDOUT,
        env=environ and dict(environ),
        cwd=cwd,
        start_new_session=True,
    )


def end_group(process: subprocess.Popen, number: int, seconds: float) -> None:
    """End a program that leads a process group, and the rest of the group.

    :param number: the signal that asks it to end in good order.
    :param seconds: how long it may take to do so.
    """
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run_in_order(
    command: Sequence[str | Path],
    environ: Mapping[str, str],
    cwd: Path,
    output: IO[bytes] | None = None,
    seconds: float | None = None,
) -> int:
    """Run a program and return its exit code; when this process is stopped, it ends in order.

    :param output: the file for its output; by default the terminal.
    :raises subprocess.TimeoutExpired: when it takes longer than ``seconds``.
    """
    process = start_group(command, output, environ, cwd)
    try:
        return process.wait(seconds)
    finally:
        end_group(process, signal.SIGINT, ORDERLY_STOP_SECONDS)


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
    """Run a command with its output in a file, and show its progress.

    :param failure: the sentence for the person when the command fails.
    :param measure: updates ``progress``; by default only the time passes.
    :param timeout: seconds after which the command is ended.
    :param text: the command's standard input; short enough for a pipe.
    :raises ToolError: when the command fails or takes too long; names the log and its last lines.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout
    with log.open("wb") as output:
        try:
            process = start_group(command, output, environ, cwd, stdin=subprocess.PIPE)
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
            end_group(process, signal.SIGTERM, STOP_SECONDS)
    if process.returncode:
        raise ToolError(with_last_lines(failure, log))
    progress.done()
