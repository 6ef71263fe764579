import os
import subprocess

import pytest

from devtools.machine import nginx
from devtools.machine.errors import ToolError
from devtools.machine.layout import Settings


def make_program(folder, code="echo real $1"):
    folder.mkdir(exist_ok=True)
    path = folder / "nginx"
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(layout, tmp_path, monkeypatch):
    """A machine whose programs are in one folder, and that is not Debian."""
    monkeypatch.setattr(nginx.apt, "is_debian", lambda: False)
    monkeypatch.setattr(nginx, "SYSTEM_FOLDERS", (str(tmp_path / "system"),))
    return tmp_path / "programs"


def settings(*folders):
    return Settings(environ={"PATH": os.pathsep.join(map(str, folders))})


def test_the_launcher_starts_the_installed_one(layout, machine):
    make_program(machine)
    nginx.prepare(layout, settings(machine))
    result = subprocess.run([layout.bin / "nginx", "word"], capture_output=True, text=True)
    assert result.stdout == "real word\n"


def test_it_need_not_be_on_the_path(layout, machine, tmp_path):
    expected = make_program(tmp_path / "system")
    assert nginx.installed({"PATH": str(machine)}, layout.bin) == str(expected)


def test_our_own_launcher_does_not_count(layout, machine):
    make_program(layout.bin)
    with pytest.raises(ToolError, match="There is no nginx here"):
        nginx.prepare(layout, settings(layout.bin, machine))


def test_one_that_does_not_start(layout, machine):
    make_program(machine, "echo no library >&2; exit 1")
    with pytest.raises(ToolError, match="nginx does not start: no library"):
        nginx.prepare(layout, settings(machine))
