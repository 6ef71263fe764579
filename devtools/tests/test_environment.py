import os
import subprocess

import pytest

from devtools.machine import environment
from devtools.machine.environment import pip_state
from devtools.machine.odoo_source import OdooTree

FETCHING = (
    "Collecting Babel==2.17.0 (from -r x)\n  Downloading Babel.whl (10 MB)\nCollecting pytz\n"
)


@pytest.mark.parametrize(
    ("output", "installed", "expected"),
    [
        ("", 1, "fetching, 0 packages so far"),
        (FETCHING, 1, "fetching, 2 packages so far"),
        (
            FETCHING + "Installing collected packages: Babel, pytz, x\n",
            2,
            "putting in place, 2 of 3 packages",
        ),
        (
            FETCHING + "Installing collected packages: Babel\n",
            9,
            "putting in place, 1 of 1 packages",
        ),
    ],
)
def test_how_far_pip_is(output, installed, expected):
    assert pip_state(output, installed) == expected


LISTED = """\
# A comment
Babel==2.10.3 ; python_version < '3.13'
XlsxWriter==3.0.2
lxml-html-clean; python_version >= '3.12'
psycopg2==2.9.9
python-ldap==3.4.4 ; sys_platform != 'win32'

PyPDF==5.4.0 ; python_version >= '3.13' # (Trixie)
"""


def test_a_checkouts_list_adds_what_ours_does_not_name(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text(LISTED)
    ours = "babel==2.17.0\nlxml_html.clean==0.4.1\nxlsxwriter==3.1.9\n# PyPDF\n"
    more = environment.missing_from(ours, path)
    assert more == "PyPDF==5.4.0 ; python_version >= '3.13' # (Trixie)\n"
    assert environment.missing_from(ours, None) == ""


def test_what_a_checkout_adds_is_installed(layout, tmp_path, monkeypatch):
    layout.venv.unlink()
    layout.python.parent.mkdir(parents=True)
    layout.python.touch()
    monkeypatch.setattr(environment, "_runs", lambda python: True)
    words = []
    monkeypatch.setattr(environment, "_pip_install", lambda *given: words.append(given[4:]))
    for folder in ("addons/web", "odoo/addons"):
        (tmp_path / folder).mkdir(parents=True)
    tree = OdooTree(str(tmp_path), (f"{tmp_path}/odoo/addons", f"{tmp_path}/addons"), "a checkout")
    ours = tuple(f"--requirement={path}" for path in environment.REQUIREMENTS)
    for text, more in (
        ("Babel==2.10.3\n", ()),
        ("Babel==2.10.3\nnew==1.0\n", (f"--requirement={layout.dev / 'requirements-odoo.txt'}",)),
    ):
        (tmp_path / "requirements.txt").write_text(text)
        words.clear()
        for _time in range(2):
            environment._install(layout, tree)
        assert words == [(*ours, *more)], "once, until the list changes"
    assert (layout.dev / "requirements-odoo.txt").read_text() == "new==1.0\n"


def test_our_list_has_what_takes_the_place_of_psycopg2():
    assert "\npsycopg2-binary==" in environment.REQUIREMENTS[0].read_text()


def test_links_are_relative_and_mended(layout):
    environment.link_tools(layout)
    assert layout.addon.resolve() == layout.root
    assert not os.path.isabs(os.readlink(layout.addon))
    layout.addon.unlink()
    layout.addon.symlink_to("/nowhere")
    environment.link_tools(layout)
    assert layout.addon.resolve() == layout.root
    assert (layout.library / "devtools" / "machine" / "layout.py").exists()


def test_a_path_file_makes_a_folder_importable(layout, tmp_path):
    layout.venv.unlink()
    subprocess.run(["python3", "-m", "venv", "--without-pip", layout.venv], check=True)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "marker.py").touch()
    for folder in ("one", "two"):
        environment._put_on_path(layout, "odoo", str(tmp_path / folder))
    command = [layout.python, "-c", "import marker; print(marker.__file__)"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    assert result.stdout.strip() == str(tmp_path / "two" / "marker.py")
