import pytest

from devtools.machine import addon
from devtools.machine.errors import ToolError


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "__manifest__.py").write_text("{'name': 'A', 'depends': ['mail', 'crm']}")
    for name in ("models/call.py", "views/call.xml", "static/src/call.js", "tests/test_call.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


def test_dependencies_are_sorted(repository):
    assert addon.dependencies(repository) == ["crm", "mail"]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("__manifest__.py", True),
        ("models/call.py", True),
        ("models/deep/new.py", True),
        ("views/call.xml", True),
        ("i18n/hi.po", True),
        ("static/src/call.js", False),
        ("tests/test_call.py", False),
        ("models/__pycache__/call.pyc", False),
        ("README.md", False),
    ],
)
def test_what_asks_for_an_update(repository, name, counts):
    before = addon.addon_fingerprint(repository)
    path = repository / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{'name': 'B'}")
    assert (addon.addon_fingerprint(repository) != before) is counts


@pytest.mark.parametrize("text", [None, "{'name': unknown}", "{"])
def test_a_manifest_that_cannot_be_read(tmp_path, text):
    if text:
        (tmp_path / "__manifest__.py").write_text(text)
    with pytest.raises(ToolError, match="__manifest__.py"):
        addon.manifest(tmp_path)
