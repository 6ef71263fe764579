import shutil
import subprocess

import pytest

from devtools.commands.lint import PRETTIER_SUFFIXES, prettier_command, source_files

FILES = ("a.py", "views/b.xml", ".dev/c.py", "__pycache__/d.pyc", "e f.md", ".ci/run")


@pytest.fixture
def repository(tmp_path):
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / ".gitignore").write_text("/.dev/\n__pycache__/\n")
    return tmp_path


@pytest.mark.parametrize("with_git", [True, False])
def test_source_files(repository, with_git):
    if with_git:
        if shutil.which("git") is None:
            pytest.skip("needs git")
        subprocess.run(["git", "init", "--quiet", repository], check=True)
        subprocess.run(["git", "add", "a.py", "views"], cwd=repository, check=True)
        (repository / "views/b.xml").unlink()
        expected = [".ci/run", ".gitignore", "a.py", "e f.md"]
    else:
        expected = [".ci/run", ".gitignore", "a.py", "e f.md", "views/b.xml"]
    assert [str(path) for path in source_files(repository)] == expected


def test_prettier_gets_the_files_that_it_knows(layout, repository):
    files = source_files(repository)
    command = prettier_command(layout, "--check", files)
    names = command[command.index("--check") + 1 :]
    assert names == ["views/b.xml"]
    assert ".py" not in PRETTIER_SUFFIXES
