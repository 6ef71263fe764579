"""The package as a whole: what it needs and what it leaves alone."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ccp import const

PACKAGE = Path(__file__).parents[1]
MODULES = sorted(PACKAGE.glob("*.py"))
ERROR_CODES = (Path(__file__).parent / "data" / "error_codes.txt").read_text().splitlines()


def test_importing_the_package_is_light():
    code = (
        "import sys, ccp; "
        "print(*{m for m in sys.modules if m.split('.')[0] in ('requests', 'phonenumbers')})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_imports_neither_odoo_nor_the_sandbox(module):
    imports = re.findall(r"^\s*(?:from|import)\s+([\w.]+)", module.read_text(), re.MULTILINE)
    assert not [name for name in imports if name.split(".")[0] in ("odoo", "sandbox", "ccp")]


@pytest.mark.parametrize("line", ERROR_CODES)
def test_every_error_code_of_the_specification_is_known_verbatim(line):
    code, message = line.split(" ", 1)[1].split(": ", 1)
    known = const.ERROR_CODES[code]
    assert message in (known.message, known.other_message)
    assert known.mender in (const.ADMIN, const.USER, const.AIRTEL, const.DEVELOPER)


def test_no_error_code_is_invented():
    assert set(const.ERROR_CODES) == {line.split()[1].rstrip(":") for line in ERROR_CODES}
