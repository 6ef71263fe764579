from pathlib import PurePosixPath

import pytest

from devtools.quality.checks import (
    check_files,
    check_text,
    methods_defined_twice,
    unlisted_tests,
)

MODEL = "class {0}(models.Model):\n    _name = 'ccp.{0}'\n"


def found(path, text):
    return [str(finding) for finding in check_text(PurePosixPath(path), text)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("ccp/airtel/client.py", "import odoo"),
        ("ccp/airtel/client.py", "from odoo.tools import config"),
        ("ccp/airtel/client.py", "import odoo.tools as tools"),
        ("ccp/airtel/client.py", "from ..models import ccp_call"),
        ("ccp/airtel/client.py", "from .. import models"),
        ("ccp/tests/test_client.py", "def test():\n    from sandbox import server"),
        ("sandbox/server.py", "import ccp.const"),
        ("sandbox/server.py", "from ccp import const"),
        ("sandbox/server.py", "from ..ccp import const"),
        ("sandbox/server.py", "from odoo.addons.airtel_ccp.ccp import const"),
        ("sandbox/tests/test_server.py", "from ...ccp import const"),
        ("tests/test_call.py", "import pytest"),
        ("tests/common.py", "from hypothesis import given"),
        ("tests/test_call.py", "def test():\n    from ..devtools.quality.terms import export"),
        ("tests/test_call.py", "from odoo.addons.airtel_ccp.devtools.lab import session"),
        ("tests/test_call.py", "from .live.server import LiveServer"),
        ("tests/__init__.py", "from . import live"),
    ],
)
def test_forbidden_imports(path, text):
    (finding,) = found(path, text)
    assert f"{path.split('/')[0]}/ imports" in finding


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("ccp/airtel/client.py", "import requests\nfrom . import const\nfrom .const import PATH"),
        ("ccp/tests/test_client.py", "from ccp import client"),
        ("sandbox/server.py", "from .settings import Settings"),
        ("sandbox/tests/test_server.py", "from sandbox.server import Sandbox"),
        ("models/call.py", "from odoo import models\nfrom ..ccp import request"),
        ("tests/test_call.py", "from odoo.addons.airtel_ccp.ccp import const"),
        ("tests/test_call.py", "from ..sandbox.server import Sandbox\nfrom .common import CcpCase"),
        ("tests/live/test_call.py", "import pytest\nfrom ...devtools.lab.session import Session"),
        ("devtools/tests/test_checks.py", "import pytest"),
    ],
)
def test_allowed_imports(path, text):
    assert found(path, text) == []


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("from odoo import _, models", True),
        ("from odoo.tools.translate import _", True),
        ("from odoo import models\n\n_ = models.env._", False),
        ("from .odoo import _", False),
    ],
)
def test_nobody_imports_the_translation_of_odoo(text, counts):
    message = "models/call.py:1: imports the _ of Odoo: use self.env._"
    assert found("models/call.py", text) == [message] * counts


@pytest.mark.parametrize(
    "host", ["deb." + "debian.org", "pypi." + "org", "registry.npmjs" + ".org"]
)
def test_registries_are_not_named(host):
    assert found("README.md", f"fetch\nhttps://{host}/x") == [
        "README.md:2: names a package registry by its host"
    ]


@pytest.mark.parametrize("path", ["/ho" + "me/asha/x", "/ro" + "ot/x", "/Us" + "ers/asha"])
def test_paths_of_a_machine(path):
    assert found("Makefile", f"cd {path}") == ["Makefile:1: names a path of one machine"]


@pytest.mark.parametrize("text", ["/web/home/x", "~/x", "$HOME/home/x", "/rooted/"])
def test_paths_that_are_none(text):
    assert found("README.md", text) == []


@pytest.mark.parametrize(("path", "counts"), [("a.py", True), ("a.xml", True), ("a.md", False)])
def test_nothing_is_left_for_later(path, counts):
    text = "# " + "TO" + "DO mend"
    assert bool(found(path, text)) is counts


@pytest.mark.parametrize(
    ("path", "text", "count"),
    [
        ("tests/test_x.py", 'self.env["ccp.call"].create({})', 1),
        ("tests/test_x.py", "env['ccp.call.event'].sudo().create([])", 1),
        ("tests/test_x.py", 'cr.execute("UPDATE ccp_call SET live = false")', 1),
        ("tests/test_x.py", 'cr.execute("INSERT INTO ccp_call_event (id) VALUES (1)")', 1),
        ("tests/test_x.py", 'env["ccp.call.flow"].create({})', 0),
        ("tests/test_x.py", 'cr.execute("UPDATE ccp_call_list_item SET state = NULL")', 0),
        ("tests/common.py", 'env["ccp.call"].create({})', 0),
        ("models/ccp_call_dial.py", 'env["ccp.call"].create({})', 0),
    ],
)
def test_tests_write_no_rows_of_calls(path, text, count):
    assert len(found(path, text)) == count


def test_one_model_a_file():
    one, two = MODEL.format("call"), MODEL.format("flow")
    assert found("models/call.py", one) == []
    assert found("models/call.py", one + two) == [
        "models/call.py:3: is the file's second model, flow"
    ]
    assert found("models/call.py", one + "class Helper:\n    name = 1\n") == []
    assert found("tests/common.py", one + two) == []


def model(head, *methods):
    return f"class X(models.Model):\n    {head}\n" + "".join(
        f"    def {name}(self):\n        {body}\n" for name, body in methods
    )


CALL = model("_name = 'ccp.call'", ("_fold", "pass"), ("write", "return super().write()"))


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        (model("_inherit = 'ccp.call'", ("_fold", "pass")), True),
        (model("_name = _inherit = 'ccp.call'", ("_fold", "pass")), True),
        (model("_name = 'ccp.call'\n    _inherit = ['ccp.call', 'm']", ("_fold", "pass")), True),
        (model("_inherit = 'ccp.call'", ("_fold", "return super()._fold()")), False),
        (model("_inherit = 'ccp.call'", ("write", "return super().write()")), False),
        (model("_inherit = 'ccp.call'", ("_notify", "pass")), False),
        (model("_inherit = 'ccp.flow'", ("_fold", "pass")), False),
        (model("_name = 'ccp.list'\n    _inherit = 'ccp.call'", ("_fold", "pass")), False),
        (model("_inherit = ['mail.thread', 'ccp.call']", ("_fold", "pass")), False),
        ("class Helper:\n    def _fold(self):\n        pass\n", False),
    ],
)
def test_no_method_is_defined_twice_on_a_model(text, is_found):
    paths = map(PurePosixPath, ("models/ccp_call.py", "models/ccp_call_fold.py"))
    findings = map(str, methods_defined_twice(dict(zip(paths, (CALL, text), strict=True))))
    line = 1 + next((n for n, each in enumerate(text.splitlines()) if "def" in each), 0)
    expected = (
        f"models/ccp_call_fold.py:{line}: defines _fold of ccp.call again, after models/ccp_call.py"
    )
    assert list(findings) == ([expected] if is_found else [])


def test_a_method_may_be_defined_again_in_tests_and_by_a_third_file():
    names = ("tests/a.py", "wizard/b.py", "models/c.py", "models/a.py")
    found = methods_defined_twice({PurePosixPath(name): CALL for name in names})
    assert [str(each) for each in sorted(found)] == [
        "models/c.py:3: defines _fold of ccp.call again, after models/a.py",
        "wizard/b.py:3: defines _fold of ccp.call again, after models/a.py",
    ]


def test_files_are_read_and_others_passed_over(tmp_path):
    (tmp_path / "ccp").mkdir()
    (tmp_path / "ccp" / "bad.py").write_text("import odoo\n")
    (tmp_path / "icon.png").write_bytes(b"\x89PNG\xff")
    for name in ("LICENSE", "program", "latin.txt"):
        (tmp_path / name).write_bytes(b"\xff")
    (tmp_path / "models").mkdir()
    for name in ("a", "b"):
        (tmp_path / "models" / f"{name}.py").write_text(CALL)
    names = (
        "ccp/bad.py",
        "icon.png",
        "LICENSE",
        "program",
        "latin.txt",
        "models/a.py",
        "models/b.py",
    )
    paths = [PurePosixPath(name) for name in names]
    assert [str(finding) for finding in check_files(tmp_path, paths)] == [
        "ccp/bad.py:1: ccp/ imports odoo",
        "latin.txt:1: is not UTF-8",
        "models/b.py:3: defines _fold of ccp.call again, after models/a.py",
    ]


def test_every_file_of_tests_is_imported(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "__init__.py").write_text("from . import (\n    test_one,\n)\n")
    names = ("tests/common.py", "tests/test_one.py", "tests/test_two.py", "tests/live/test_x.py")
    assert [str(each) for each in unlisted_tests(tmp_path, map(PurePosixPath, names))] == [
        "tests/test_two.py:1: is not imported in tests/__init__.py"
    ]
