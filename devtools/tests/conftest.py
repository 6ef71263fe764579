"""Fixtures of the tools' tests: real folders, real processes, a real database server."""

import os
import shutil
import subprocess
import time

import pytest

from devtools.machine.layout import LAYOUT, Layout


@pytest.fixture
def layout(tmp_path):
    """A checkout of its own that shares this one's Python packages."""
    found = Layout(tmp_path)
    found.dev.mkdir()
    found.venv.symlink_to(LAYOUT.venv)
    return found


@pytest.fixture
def git(monkeypatch):
    """Run git in a folder, as somebody made up, and return what it prints."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    for name in [name for name in os.environ if name.startswith("GIT_")]:  # set by a hook
        monkeypatch.delenv(name)
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com")

    def run(folder, *words):
        command = ["git", "-C", folder, *identity, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    return run


@pytest.fixture
def until():
    """Wait for a condition, at most some seconds; return whether it came."""

    def wait(condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    return wait


@pytest.fixture
def alive():
    """Return whether a process runs; one that ended and was not waited for does not."""

    def check(pid):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                return stat.read().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    if not os.path.isdir("/proc/self"):
        pytest.skip("needs /proc")
    return check
