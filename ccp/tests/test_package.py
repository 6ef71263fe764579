"""The package as a whole: what it needs and what it leaves alone."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ccp.airtel import const

PACKAGE = Path(__file__).parents[1]
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "tests" not in path.parts)
ERROR_CODES = (Path(__file__).parent / "data" / "error_codes.txt").read_text().splitlines()

# The second wording of a code that section 2 prints twice
OTHER_MESSAGES = {"CALLER_ID_REGEX_ERROR": "caller Id not valid"}


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
    assert message in (known.message, OTHER_MESSAGES.get(code))
    assert known.about in const.ABOUT


def test_no_error_code_is_invented():
    assert set(const.ERROR_CODES) == {line.split()[1].rstrip(":") for line in ERROR_CODES}


def test_what_an_error_is_about():
    for code, known in (
        ("INCORRECT_CUSTOMER_ID", "customer_id"),
        ("BAD_URL", "address"),
        ("HTTP_401", "credentials"),
        ("HTTP_302", "address"),
        ("HTTP_599", "fault"),
        ("HTTP_418", "unexpected"),
        ("HTTP_", "unexpected"),
        ("HTTP_4011", "unexpected"),
        ("SOMETHING_NEW", "unexpected"),
        ("", "unexpected"),
    ):
        assert const.about(code) == known, code
    assert const.about("UNAUTHORIZED", 401) == "credentials"
    assert const.about("INCORRECT_CUSTOMER_ID", 401) == "customer_id"
    assert const.about("GATEWAY_SAYS", 504) == "fault"


def test_everything_that_an_error_can_be_about_is_known():
    found = {const.about(code) for code in const.ERROR_CODES}
    found |= {const.about(code) for code in const.OWN_CODES}
    found |= {const.about(f"HTTP_{status}") for status in range(100, 600)}
    assert found == set(const.ABOUT)
