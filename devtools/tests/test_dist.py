import subprocess
import zipfile

import pytest

from devtools.commands import dist
from devtools.machine.errors import ToolError
from devtools.machine.layout import ROOT


def git(folder, *words):
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *words],
        cwd=folder,
        check=True,
        capture_output=True,
    )


@pytest.fixture
def clone(tmp_path):
    """A small clone with what is exported and what is not."""
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / ".gitattributes").write_bytes((ROOT / ".gitattributes").read_bytes())
    for name in (
        "__manifest__.py",
        "__init__.py",
        "models/__init__.py",
        "tests/__init__.py",
        "tests/live/server.py",
        "sandbox/__main__.py",
        "devtools/__main__.py",
        "bridges/other/__manifest__.py",
        "docs/manager.md",
        "Makefile",
        ".ci/run",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{'version': '19.0.1.2.3'}" if "manifest" in name else "")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "All")
    return folder


def test_the_zip_fits_an_addons_path(clone, tmp_path):
    (clone / "models" / "not_committed.py").write_text("")
    path = dist.make_zip(clone, tmp_path / "dist")
    assert path.name == "airtel_ccp-19.0.1.2.3.zip"
    with zipfile.ZipFile(path) as file:
        names = {name for name in file.namelist() if not name.endswith("/")}
    assert names == {
        "airtel_ccp/__manifest__.py",
        "airtel_ccp/__init__.py",
        "airtel_ccp/models/__init__.py",
        "airtel_ccp/tests/__init__.py",
        "airtel_ccp/sandbox/__main__.py",
        "airtel_ccp/docs/manager.md",
    }


def test_what_is_no_clone(tmp_path):
    (tmp_path / "__manifest__.py").write_text("{'version': '1'}")
    with pytest.raises(ToolError, match="git says: .*not a git repository"):
        dist.make_zip(tmp_path, tmp_path / "dist")
