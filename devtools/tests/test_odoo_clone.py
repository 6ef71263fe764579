"""Odoo from a repository: a small one on this machine stands in for the public one."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from devtools.machine import odoo_source
from devtools.machine.errors import ToolError
from devtools.machine.layout import LAYOUT, Settings

RELEASE = "FINAL = 'final'\nversion_info = ({series}, 0, 0, FINAL, 0, '')\n"
# It begins a clone, and then hangs
HANGING_GIT = """\
#!/bin/sh
case "$1" in
    clone) for target; do :; done; mkdir "$target"; echo $$ >"$target/pid"; exec sleep 60;;
    *) exec {git} "$@";;
esac
"""
CHOOSE = """
import signal, sys
from pathlib import Path
from devtools.machine import odoo_source
from devtools.machine.layout import Layout, Settings
signal.signal(signal.SIGINT, signal.default_int_handler)
odoo_source.choose(Layout(Path(sys.argv[1])), Settings(odoo_repository=sys.argv[2]))
"""


def commit(git, folder, series=19, **files):
    """Write a small Odoo tree and commit it; return the commit."""
    texts = {"odoo/release.py": RELEASE.format(series=series), "odoo/addons/base/a.py": ""}
    texts |= {"addons/web/__manifest__.py": "{}", "requirements.txt": "Babel==2.10.3\nnew==1.0\n"}
    for name, text in {**texts, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Work")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def public(tmp_path, git, monkeypatch):
    """The stand-in; on a machine that is not Debian, where no Odoo can be imported."""
    folder = tmp_path / "public"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=19.0")
    commit(git, folder)
    monkeypatch.setattr(odoo_source, "importable", lambda: None)
    monkeypatch.setattr(odoo_source.apt, "is_debian", lambda: False)
    monkeypatch.setattr(odoo_source, "REPOSITORY", folder.as_uri())
    return folder


def choose(layout, **words):
    words = {name: str(value) for name, value in words.items()}
    return odoo_source.choose(layout, Settings.from_environ(words))


def left(layout):
    """Return the names of clones, whole ones and others, in .dev."""
    return sorted(path.name for path in layout.dev.glob("odoo-clone*"))


def test_a_machine_without_debians_package_gets_a_clone(layout, public, git, capsys):
    tree = choose(layout)
    assert tree.parent == str(layout.odoo_clone)
    assert tree.addons == (f"{tree.parent}/odoo/addons", f"{tree.parent}/addons")
    assert tree.requirements.read_text() == "Babel==2.10.3\nnew==1.0\n"
    assert tree.commit == git(public, "rev-parse", "HEAD")
    assert tree.origin == f"branch 19.0 of {public.as_uri()}, commit {tree.commit[:12]}"
    assert "Odoo 19: cloning branch 19.0 of" in capsys.readouterr().out
    assert left(layout) == ["odoo-clone"]


def test_a_whole_clone_needs_no_network_and_no_git(layout, public, tmp_path, monkeypatch, capsys):
    tree = choose(layout)
    capsys.readouterr()
    public.rename(tmp_path / "away")
    monkeypatch.setenv("PATH", "")
    assert choose(layout) == tree
    (layout.dev / "odoo.json").unlink()
    assert choose(layout) == tree
    assert capsys.readouterr().out == ""


def test_a_clone_is_updated_when_that_is_wanted(layout, public, git):
    before = choose(layout)
    commit(git, public, **{"odoo/new.py": ""})
    git(public, "rm", "--quiet", "requirements.txt")
    git(public, "commit", "--quiet", "--message", "No list")
    wanted = git(public, "rev-parse", "HEAD")
    assert choose(layout) == before
    after = choose(layout, ODOO_UPDATE=1)
    assert after.commit == wanted
    assert after.fingerprint != before.fingerprint
    assert after.requirements is None
    assert (layout.odoo_clone / "odoo/new.py").exists()
    assert choose(layout) == after


def test_nothing_is_cloned_when_nothing_is_new(layout, public, capsys):
    before = choose(layout)
    capsys.readouterr()
    assert choose(layout, ODOO_UPDATE=1) == before
    assert capsys.readouterr().out == ""


def test_an_update_that_fails_leaves_the_clone_in_use(layout, public, git, tmp_path):
    before = choose(layout)
    commit(git, public, series=20)
    with pytest.raises(ToolError, match="holds no Odoo 19: set ODOO_REPOSITORY to"):
        choose(layout, ODOO_UPDATE=1)
    public.rename(tmp_path / "away")
    with pytest.raises(ToolError, match="cannot be read; is this machine online"):
        choose(layout, ODOO_UPDATE=1)
    assert choose(layout) == before
    assert left(layout) == ["odoo-clone"]


def test_another_repository(layout, public, git, tmp_path):
    first = choose(layout)
    mirror = tmp_path / "mirror"
    shutil.copytree(public, mirror)
    same = choose(layout, ODOO_REPOSITORY=mirror)
    assert (same.commit, same.fingerprint) == (first.commit, first.fingerprint)
    assert mirror.as_uri() in same.origin
    wanted = commit(git, mirror, **{"odoo/new.py": ""})
    assert choose(layout).commit == first.commit
    assert choose(layout, ODOO_UPDATE=1).commit == wanted, "of the mirror, which stays chosen"


def test_a_repository_that_is_named_comes_before_debian(layout, public, monkeypatch):
    monkeypatch.setattr(odoo_source, "importable", lambda: pytest.fail("not asked"))
    monkeypatch.setattr(odoo_source.apt, "is_debian", lambda: True)
    assert choose(layout, ODOO_REPOSITORY=public).parent == str(layout.odoo_clone)


def test_a_repository_without_the_branch(layout, public, git):
    git(public, "branch", "--move", "19.0", "20.0")
    with pytest.raises(ToolError, match=r"has no branch 19\.0: name another repository\.$"):
        choose(layout)
    assert left(layout) == []


def test_a_branch_that_holds_something_else(layout, public, git):
    git(public, "rm", "--quiet", "-r", ".")
    (public / "README").touch()
    git(public, "add", ".")
    git(public, "commit", "--quiet", "--message", "Other")
    with pytest.raises(ToolError, match=r"^Branch 19\.0 of .* holds no Odoo 19"):
        choose(layout)
    assert left(layout) == []


def test_a_clone_that_breaks_off_is_made_the_next_time(layout, public, tmp_path, until, git):
    programs = tmp_path / "programs"
    programs.mkdir()
    program = programs / "git"
    program.write_text(HANGING_GIT.format(git=shutil.which("git")))
    program.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "PYTHONPATH": str(LAYOUT.root)}
    command = [sys.executable, "-c", CHOOSE, layout.root, public.as_uri()]
    begun = layout.dev / "odoo-clone.part" / "pid"
    for number, rest in ((signal.SIGINT, []), (signal.SIGKILL, ["odoo-clone.part"])):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, env=environ, **quiet) as process:
            try:
                assert until(lambda: begun.exists() and begun.read_text())
            finally:
                process.send_signal(number)
        assert left(layout) == rest
    os.kill(int(begun.read_text()), signal.SIGKILL)
    assert choose(layout).commit == git(public, "rev-parse", "HEAD")
    assert left(layout) == ["odoo-clone"]


def test_a_damaged_clone_is_made_anew(layout, public):
    tree = choose(layout)
    (layout.odoo_clone / "odoo/release.py").unlink()
    assert choose(layout) == tree
    assert (layout.odoo_clone / "odoo/release.py").exists()
