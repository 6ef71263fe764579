"""Clones with the real git, of small repositories on this machine."""

import os
import sys

import pytest

from devtools.machine import repository
from devtools.machine.errors import ToolError
from devtools.machine.repository import address_of, clone_state, shown


@pytest.fixture
def origin(tmp_path, git):
    """A repository with two commits on branch 19.0, in a folder whose name has a space."""
    folder = tmp_path / "the origin"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=19.0")
    for text in ("one", "two"):
        (folder / "file").write_text(text)
        git(folder, "add", "file")
        git(folder, "commit", "--quiet", "--message", text)
    git(folder, "branch", "master")
    return folder


def test_a_clone_holds_the_tip_and_no_history(origin, tmp_path, git, capsys):
    address = address_of(str(origin))
    tip = git(origin, "rev-parse", "19.0")
    assert repository.tip(address, "19.0") == tip
    target = tmp_path / "clone"
    log = tmp_path / "log" / "clone.log"
    assert repository.clone(address, "19.0", target, log, "Odoo 19") == tip
    assert (target / "file").read_text() == "two"
    assert git(target, "rev-list", "--all", "--count") == "1"
    assert "origin/master" not in git(target, "branch", "--remotes")
    assert f"Odoo 19: cloning branch 19.0 of {address} ..." in capsys.readouterr().out
    assert "Receiving objects: 100%" in log.read_text()


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"])
def test_variables_of_a_hook_change_nothing(origin, tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, str(tmp_path / "nothing"))
    address = address_of(str(origin))
    target = tmp_path / "clone"
    commit = repository.clone(address, "19.0", target, tmp_path / "log", "Odoo 19")
    assert commit == repository.tip(address, "19.0")
    assert not (tmp_path / "nothing").exists()


def test_a_branch_that_is_absent(origin):
    with pytest.raises(ToolError, match="has no branch 19.1: name another repository"):
        repository.tip(address_of(str(origin)), "19.1")


def test_a_repository_that_is_absent(tmp_path):
    address = (tmp_path / "none").as_uri()
    with pytest.raises(ToolError, match=f"^{address} cannot be read; .* does not appear to be"):
        repository.tip(address, "19.0")


def test_a_host_that_does_not_answer():
    # Port 1 of this machine: refused at once, as by a machine that is offline
    with pytest.raises(ToolError, match="is this machine online") as caught:
        repository.tip("http://user:secret@127.0.0.1:1/odoo", "19.0")
    assert "secret" not in str(caught.value)


def test_a_machine_without_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="^git is missing, which fetches http://odoo.test: install"):
        repository.tip("http://odoo.test", "19.0")


@pytest.fixture
def broken_git(tmp_path, monkeypatch):
    """A git whose transfer breaks off, as when the line goes down."""
    folder = tmp_path / "programs"
    folder.mkdir()
    program = folder / "git"
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "sys.stderr.write('Receiving objects:  45% (9/20), 12.00 MiB | 3.00 MiB/s\\r')\n"
        "sys.exit('fatal: early EOF')\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_clone_that_breaks_off(tmp_path, broken_git):
    with pytest.raises(ToolError) as caught:
        repository.clone("http://odoo.test", "19.0", tmp_path / "c", tmp_path / "log", "Odoo 19")
    text = str(caught.value)
    assert text.startswith("The clone broke off; run again to fetch it anew.")
    assert str(tmp_path / "log") in text
    assert "early EOF" in text


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ""),
        ("Cloning into 'x'...", ""),
        ("remote: Counting objects:  7% (4/51)", "counting objects, 7%"),
        ("Receiving objects: 100% (51/51), 512 bytes | 512.00 KiB/s, done.",
         "receiving objects, 100%, 512 bytes"),
        ("Receiving objects:  45% (9/20), 12.00 MiB | 3.00 MiB/s",
         "receiving objects, 45%, 12.00 MiB"),
        ("Resolving deltas:   3% (1/33)", "resolving deltas, 3%"),
        ("Updating files:  12% (4936/41133)", "updating files, 12%"),
    ],
)  # fmt: skip
def test_how_far_git_is(line, expected):
    assert clone_state(line) == expected


def test_addresses(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a b").mkdir()
    assert address_of("~/a b") == f"file://{tmp_path}/a%20b"
    assert address_of("") == ""
    for other in ("https://odoo.test/odoo", "git@odoo.test:odoo.git", "/nothing/here"):
        assert address_of(other) == other


def test_what_a_person_sees_of_an_address():
    assert shown("https://user:secret@odoo.test/odoo") == "https://odoo.test/odoo"
    assert shown("git@odoo.test:odoo.git") == "git@odoo.test:odoo.git"
