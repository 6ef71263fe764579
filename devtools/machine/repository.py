"""Clones the tip of one branch of a git repository, without its history.

Nothing here runs git inside a folder, so that no variable and no missing ``.git`` can make it work
on another repository, such as this one.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from .errors import ToolError
from .process import last_lines, run_logged
from .progress import Progress

TIP_SECONDS = 120
CLONE_SECONDS = 4 * 3600
_STATE = re.compile(r"(?:remote: )?(\w+) (\w+): +(\d+%)[^,]*(?:, ([\d.]+ [KMG]?i?B|[\d.]+ bytes))?")
_USER = re.compile(r"(?<=://)[^/@]*@")
_MORE = {
    # We read git's words.
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    # A transfer that stands still for a minute counts as broken off.
    "GIT_HTTP_LOW_SPEED_LIMIT": "1000",
    "GIT_HTTP_LOW_SPEED_TIME": "60",
}


def address_of(text: str) -> str:
    """Return the address of a repository that a person named: of a folder, its ``file:`` URI.

    git makes no clone without history from a folder's plain path.
    """
    folder = Path(text).expanduser()
    return folder.resolve().as_uri() if text and folder.is_dir() else text


def shown(address: str) -> str:
    """Return an address as a person may see it, without a user's name and password."""
    return _USER.sub("", address)


def tip(address: str, branch: str) -> str:
    """Ask a repository for the commit that a branch points to.

    :raises ToolError: when git is missing, the repository cannot be read, or it has no such branch.
    """
    command = ["git", "ls-remote", "--exit-code", "--", address, f"refs/heads/{branch}"]
    try:
        result = subprocess.run(
            command,
            env=_environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIP_SECONDS,
        )
    except FileNotFoundError:
        raise ToolError(f"git is missing, which fetches {shown(address)}: install git.") from None
    except subprocess.TimeoutExpired:
        raise ToolError(
            f"{shown(address)} did not answer for {TIP_SECONDS} seconds: run again later."
        ) from None
    if result.returncode == 2:  # what --exit-code promises when nothing matches
        raise ToolError(f"{shown(address)} has no branch {branch}: name another repository.")
    if result.returncode:
        detail = " ".join(result.stderr.split())[:300]
        raise ToolError(
            f"{shown(address)} cannot be read; is this machine online, and the address right? "
            f"git says: {detail.replace(address, shown(address))}"
        )
    return result.stdout.split()[0]


def clone(address: str, branch: str, target: Path, log: Path, title: str) -> str:
    """Clone the tip of a branch, and show how far it is.

    :param target: the folder to make; of a clone that breaks off, nothing stays.
    :param title: what is cloned, for the person.
    :return: the commit.
    :raises ToolError: when git is missing or the clone breaks off; names the log.
    """
    options = ["--depth=1", "--single-branch", f"--branch={branch}", "--progress"]
    command = ["git", "clone", *options, "--", address, target]

    def measure(report: Progress) -> None:
        report.note(clone_state("\n".join(last_lines(log, 1))))

    run_logged(
        command,
        Progress(f"{title}: cloning branch {branch} of {shown(address)}"),
        log,
        "The clone broke off; run again to fetch it anew.",
        measure,
        environ=_environ(),
        timeout=CLONE_SECONDS,
    )
    return _commit(target, branch)


def clone_state(line: str) -> str:
    """Return how far git is from the last line that it wrote, or an empty text."""
    match = _STATE.match(line)
    if not match:
        return ""
    doing, what, share, size = match.groups()
    return f"{doing.lower()} {what}, {share}" + (f", {size}" if size else "")


def _commit(folder: Path, branch: str) -> str:
    command = ["git", f"--git-dir={folder / '.git'}", "rev-parse", f"refs/heads/{branch}"]
    result = subprocess.run(command, env=_environ(), capture_output=True, text=True, timeout=60)
    if result.returncode:
        raise ToolError(f"The clone in {folder} is not whole; run again to fetch it anew.")
    return result.stdout.strip()


def _environ() -> dict[str, str]:
    """Return this process's variables without those by which git names a repository.

    A hook of git sets them, and a person may run `make test` from one.
    """
    names = ("DIR", "WORK_TREE", "COMMON_DIR", "INDEX_FILE", "NAMESPACE", "PREFIX")
    names += ("OBJECT_DIRECTORY", "ALTERNATE_OBJECT_DIRECTORIES", "SHALLOW_FILE", "GRAFT_FILE")
    local = {f"GIT_{name}" for name in names}
    return {**{key: text for key, text in os.environ.items() if key not in local}, **_MORE}
