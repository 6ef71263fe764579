import os
import subprocess

import pytest

from devtools.machine import browser
from devtools.machine.errors import ToolError
from devtools.machine.layout import Settings


def make_program(folder, name, code="echo Chromium 1.0"):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(layout, tmp_path, monkeypatch):
    """A machine whose programs are in one folder, and that is not Debian."""
    monkeypatch.setattr(browser.apt, "is_debian", lambda: False)
    folder = tmp_path / "programs"
    folder.mkdir()
    return folder


def environ(*folders, **more):
    return {"PATH": os.pathsep.join(map(str, folders)), **more}


def test_the_first_name_counts(layout, machine):
    make_program(machine, "google-chrome")
    expected = make_program(machine, "chromium")
    assert browser.installed(environ(machine), layout.bin) == str(expected)


def test_our_own_launcher_does_not_count(layout, machine):
    layout.bin.mkdir()
    make_program(layout.bin, "chromium")
    assert browser.installed(environ(layout.bin, machine), layout.bin) is None


def test_the_variable_comes_first(layout, machine, tmp_path):
    make_program(machine, "chromium")
    other = make_program(tmp_path / "elsewhere", "browser")
    found = browser.installed(environ(machine, CHROMIUM=str(other)), layout.bin)
    assert found == str(other)


def test_a_variable_that_names_no_program(layout, machine):
    with pytest.raises(ToolError, match="CHROMIUM is 'nothing', which is no program"):
        browser.installed(environ(machine, CHROMIUM="nothing"), layout.bin)


def test_every_launcher_starts_the_installed_one(layout, machine):
    make_program(machine, "chromium-browser", 'echo "real $1"')
    browser.prepare(layout, Settings(environ=environ(machine)))
    for name in browser.LAUNCHERS:
        result = subprocess.run([layout.bin / name, "word"], capture_output=True, text=True)
        assert result.stdout == "real word\n"


def test_a_browser_that_does_not_start(layout, machine):
    make_program(machine, "chromium", "echo no display >&2; exit 1")
    with pytest.raises(ToolError, match="Chromium does not start: no display"):
        browser.prepare(layout, Settings(environ=environ(machine)))


def test_a_machine_without_any(layout, machine):
    with pytest.raises(ToolError, match="set CHROMIUM to its program"):
        browser.prepare(layout, Settings(environ=environ(machine)))
