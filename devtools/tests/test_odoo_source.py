import json
import sys

import pytest

from devtools.machine import odoo_source
from devtools.machine.errors import ToolError
from devtools.machine.layout import Settings


def make_odoo(parent, version="(19, 0, 0, FINAL, 0, '')", web="odoo/addons"):
    """Make what tells Odoo's tree: a checkout has its addons beside the package."""
    (parent / "odoo" / "addons" / "base").mkdir(parents=True)
    (parent / "odoo" / "release.py").write_text(f"FINAL = 'final'\nversion_info = {version}\n")
    (parent / web / "web").mkdir(parents=True)
    return parent


def settings(source=None):
    return Settings(odoo_source=source)


@pytest.fixture
def nowhere(monkeypatch):
    """No Odoo can be imported, this is not Debian, and Odoo's repository cannot be reached."""
    monkeypatch.setattr(odoo_source, "importable", lambda: None)
    monkeypatch.setattr(odoo_source.apt, "is_debian", lambda: False)
    # Port 1 of this machine: refused at once
    monkeypatch.setattr(odoo_source, "REPOSITORY", "http://127.0.0.1:1/odoo")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("(19, 0, 0, FINAL, 0, '')", 19),
        ("(18, 0, 0, FINAL, 0, '')", 18),
        ("('saas~19', 2, 0, FINAL, 0, '')", 19),
    ],
)
def test_series(tmp_path, version, expected):
    make_odoo(tmp_path, version)
    assert odoo_source.series(tmp_path / "odoo") == expected


def test_a_checkout_has_two_addons_folders(tmp_path):
    make_odoo(tmp_path, web="addons")
    tree = odoo_source.from_checkout(tmp_path)
    assert tree.parent == str(tmp_path)
    assert tree.addons == (str(tmp_path / "odoo/addons"), str(tmp_path / "addons"))


def test_a_package_has_one_addons_folder(tmp_path):
    make_odoo(tmp_path)
    (tmp_path / "addons").mkdir()
    assert odoo_source.from_checkout(tmp_path).addons == (str(tmp_path / "odoo/addons"),)


@pytest.mark.parametrize(
    ("version", "text"),
    [(None, "holds no Odoo: set it"), ("(18, 0, 0, FINAL, 0, '')", "holds Odoo 18: set it")],
)
def test_a_checkout_that_does_not_fit(tmp_path, version, text):
    if version:
        make_odoo(tmp_path, version)
    with pytest.raises(ToolError, match=text):
        odoo_source.from_checkout(tmp_path)


def test_what_the_interpreter_can_import_is_found(tmp_path):
    make_odoo(tmp_path / "site")
    interpreter = tmp_path / "python"
    command = f'PYTHONPATH="{tmp_path / "site"}" exec "{sys.executable}" "$@"'
    interpreter.write_text(f"#!/bin/sh\n{command}\n")
    interpreter.chmod(0o755)
    tree = odoo_source.importable(str(interpreter))
    assert tree.parent == str(tmp_path / "site")


def test_an_older_odoo_of_the_interpreter_does_not_count(tmp_path):
    make_odoo(tmp_path / "site", "(17, 0, 0, FINAL, 0, '')")
    interpreter = tmp_path / "python"
    # Without the packages of the environment that runs the tests, which has Odoo 19.
    command = f'PYTHONPATH="{tmp_path / "site"}" exec "{sys.executable}" -S "$@"'
    interpreter.write_text(f"#!/bin/sh\n{command}\n")
    interpreter.chmod(0o755)
    assert odoo_source.importable(str(interpreter)) is None


def test_odoo_src_comes_first(layout, tmp_path, monkeypatch):
    monkeypatch.setattr(odoo_source, "importable", lambda: pytest.fail("not asked"))
    checkout = make_odoo(tmp_path / "checkout", web="addons")
    assert odoo_source.choose(layout, settings(checkout)).parent == str(checkout)


def test_a_choice_is_kept(layout, tmp_path, nowhere):
    checkout = make_odoo(tmp_path / "checkout")
    odoo_source.choose(layout, settings(checkout))
    assert odoo_source.choose(layout, settings()).parent == str(checkout)
    other = make_odoo(tmp_path / "other")
    assert odoo_source.choose(layout, settings(other)).parent == str(other)
    assert odoo_source.choose(layout, settings()).parent == str(other)


def test_a_choice_that_is_gone_is_made_again(layout, tmp_path, nowhere):
    checkout = make_odoo(tmp_path / "checkout")
    odoo_source.choose(layout, settings(checkout))
    checkout.rename(tmp_path / "elsewhere")
    with pytest.raises(ToolError, match="cannot be read; is this machine online"):
        odoo_source.choose(layout, settings())


def test_a_record_that_is_broken_is_made_again(layout, tmp_path, nowhere):
    (layout.dev / "odoo.json").write_text("{")
    checkout = make_odoo(tmp_path / "checkout")
    odoo_source.choose(layout, settings(checkout))
    assert json.loads((layout.dev / "odoo.json").read_text())["parent"] == str(checkout)


def test_only_debian_takes_debians_package(layout, nowhere, monkeypatch):
    monkeypatch.setattr(odoo_source, "fetch_from_debian", lambda layout: "Debian's")
    monkeypatch.setattr(odoo_source, "fetch_with_git", lambda layout, settings: "a clone")
    assert odoo_source._fetch(layout, settings()) == "a clone"
    monkeypatch.setattr(odoo_source.apt, "is_debian", lambda: True)
    assert odoo_source._fetch(layout, settings()) == "Debian's"


@pytest.mark.parametrize(("web", "there"), [("addons", True), ("odoo/addons", False)])
def test_only_a_checkout_lists_its_requirements(tmp_path, web, there):
    make_odoo(tmp_path, web=web)
    assert odoo_source.from_checkout(tmp_path).requirements is None
    listed = tmp_path / "requirements.txt"
    listed.touch()
    assert odoo_source.from_checkout(tmp_path).requirements == (listed if there else None)


def test_a_record_from_before_clones_is_read(layout, tmp_path, nowhere):
    checkout = make_odoo(tmp_path / "checkout")
    odoo_source.choose(layout, settings(checkout))
    record = json.loads((layout.dev / "odoo.json").read_text())
    del record["commit"]
    (layout.dev / "odoo.json").write_text(json.dumps(record))
    assert odoo_source.choose(layout, settings()).parent == str(checkout)


def test_dangling_links(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").touch()
    (tmp_path / "good").symlink_to("deep/file")
    (tmp_path / "deep" / "bad").symlink_to("../none")
    (tmp_path / "badfolder").symlink_to("nowhere/")
    expected = [tmp_path / "badfolder", tmp_path / "deep" / "bad"]
    assert odoo_source.dangling_links(tmp_path) == expected
