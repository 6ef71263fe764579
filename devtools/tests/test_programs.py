import os
import subprocess
from dataclasses import replace

import pytest

from devtools.machine import programs
from devtools.machine.errors import ToolError
from devtools.machine.layout import Settings
from devtools.machine.programs import CHROMIUM, NGINX, environ_with_programs

# Without macOS's applications, which the machine may have
ON_THE_PATH = replace(CHROMIUM, names=tuple(name for name in CHROMIUM.names if "/" not in name))


def make_program(folder, name, code="echo Chromium 1.0"):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(layout, tmp_path, monkeypatch):
    """A machine whose programs are in one folder, and that is not Debian."""
    monkeypatch.setattr(programs.apt, "is_debian", lambda: False)
    folder = tmp_path / "programs"
    folder.mkdir()
    return folder


def environ(*folders, **more):
    return {"PATH": os.pathsep.join(map(str, folders)), **more}


def test_the_first_name_counts(layout, machine):
    make_program(machine, "google-chrome")
    expected = make_program(machine, "chromium")
    assert CHROMIUM.installed(environ(machine), layout.bin) == str(expected)


def test_a_program_may_be_named_by_its_whole_path(layout, machine, tmp_path):
    expected = make_program(tmp_path / "An Application.app", "Chrome", 'echo "real $1"')
    program = replace(CHROMIUM, names=("chromium", str(expected)))
    program.prepare(layout, Settings(environ=environ(machine)))
    result = subprocess.run([layout.bin / "chromium", "word"], capture_output=True, text=True)
    assert result.stdout == "real word\n"


def test_a_snap_comes_last(layout, machine):
    script = make_program(machine, "chromium-browser", 'exec /snap/bin/chromium "$@"')
    assert CHROMIUM.installed(environ(machine), layout.bin) == str(script)
    other = make_program(machine, "google-chrome-stable")
    assert CHROMIUM.installed(environ(machine), layout.bin) == str(other)


def test_our_own_launcher_does_not_count(layout, machine):
    layout.bin.mkdir()
    make_program(layout.bin, "chromium")
    assert ON_THE_PATH.installed(environ(layout.bin, machine), layout.bin) is None


def test_the_variable_comes_first(layout, machine, tmp_path):
    make_program(machine, "chromium")
    other = make_program(tmp_path / "elsewhere", "browser")
    found = CHROMIUM.installed(environ(machine, CHROMIUM=str(other)), layout.bin)
    assert found == str(other)


def test_a_variable_that_names_no_program(layout, machine):
    with pytest.raises(ToolError, match="CHROMIUM is 'nothing', which is no program"):
        CHROMIUM.installed(environ(machine, CHROMIUM="nothing"), layout.bin)


def test_every_launcher_starts_the_installed_one(layout, machine):
    make_program(machine, "chromium-browser", 'echo "real $1"')
    CHROMIUM.prepare(layout, Settings(environ=environ(machine)))
    for name in CHROMIUM.launchers:
        result = subprocess.run([layout.bin / name, "word"], capture_output=True, text=True)
        assert result.stdout == "real word\n"


def test_a_browser_that_does_not_start(layout, machine):
    make_program(machine, "chromium", "echo no display >&2; exit 1")
    with pytest.raises(ToolError, match="Chromium does not start: no display"):
        CHROMIUM.prepare(layout, Settings(environ=environ(machine)))


def test_a_machine_without_any(layout, machine):
    with pytest.raises(ToolError, match="set CHROMIUM to its program"):
        ON_THE_PATH.prepare(layout, Settings(environ=environ(machine)))


def test_nginx_need_not_be_on_the_path(layout, machine, tmp_path):
    expected = make_program(tmp_path / "system", "nginx")
    program = replace(NGINX, system=(str(tmp_path / "system"),))
    assert program.installed(environ(machine), layout.bin) == str(expected)


def test_the_launcher_of_nginx_starts_the_installed_one(layout, machine):
    make_program(machine, "nginx", "echo real $1")
    NGINX.prepare(layout, Settings(environ=environ(machine)))
    result = subprocess.run([layout.bin / "nginx", "word"], capture_output=True, text=True)
    assert result.stdout == "real word\n"


def test_a_machine_without_nginx(layout, machine, capsys):
    program = replace(NGINX, system=())
    program.prepare(layout, Settings(environ=environ(layout.bin, machine)))
    assert capsys.readouterr().out == f"{NGINX.missing}\n"
    assert "tests that need it are skipped" in NGINX.missing
    assert not (layout.bin / "nginx").exists()


def test_nginx_that_was_removed(layout, machine, capsys):
    program = replace(NGINX, system=())
    path = make_program(machine, "nginx")
    there = Settings(environ=environ(layout.bin, machine))
    program.prepare(layout, there)
    path.unlink()
    program.prepare(layout, there)
    assert not (layout.bin / "nginx").exists()
    assert "There is no nginx here" in capsys.readouterr().out
    make_program(machine, "nginx")
    program.prepare(layout, there)
    assert (layout.bin / "nginx").exists()


def test_nginx_that_does_not_start(layout, machine):
    make_program(machine, "nginx", "echo no library >&2; exit 1")
    with pytest.raises(ToolError, match="nginx does not start: no library"):
        NGINX.prepare(layout, Settings(environ=environ(machine)))


@pytest.mark.parametrize(("program", "exports"), [(CHROMIUM, True), (NGINX, False)])
def test_an_unpacked_one_finds_its_libraries(layout, machine, monkeypatch, program, exports):
    root = layout.dev / program.name
    binary = root / program.binary
    binary.parent.mkdir(parents=True)
    make_program(binary.parent, binary.name, 'echo "$LD_LIBRARY_PATH|$FONTCONFIG_FILE|$1"')
    fetched = programs.Stamp(layout.stamps, program.name)
    fetched.set(programs.fingerprint(root, program.packages))
    monkeypatch.delenv("FONTCONFIG_FILE", raising=False)
    alone = replace(program, system=())
    alone.prepare(layout, Settings(environ=environ(machine)))
    launcher = layout.bin / program.launchers[0]
    result = subprocess.run([launcher, "word"], capture_output=True, text=True)
    libraries, fonts, word = result.stdout.strip().split("|")
    assert f"{program.name}/usr/lib" in libraries
    assert bool(fonts) is exports
    assert word == "word"


def test_our_launchers_come_before_the_path(layout):
    assert environ_with_programs(layout)["PATH"].startswith(f"{layout.bin}{os.pathsep}")
