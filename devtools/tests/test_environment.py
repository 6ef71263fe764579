import os
import subprocess

import pytest

from devtools.machine import environment
from devtools.machine.environment import pip_state

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
