"""``make pictures``: makes the pictures for the addon's page in Odoo's list of apps and its store.

The screenshots are those of the documentation, made smaller. Chromium draws the banner from
``banner.svg``, which contains the icon and one of the documentation's pictures.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from ..machine.errors import ToolError
from ..machine.layout import Layout, Settings
from ..machine.process import run_logged
from ..machine.progress import Progress
from . import setup

FOLDER = "static/description"
SOURCES = "docs/images"
# The page's pictures, and the documentation's pictures that they show
PICTURES = {
    "call.png": "lead_call.png",
    "incoming.png": "incoming_popup.png",
    "dashboard.png": "dashboard.png",
    "set_up.png": "setup.png",
}
MOST_WIDTH = 1200
BANNER = "banner"
# Every kind of headless Chromium can open a window of this size
WINDOW = (1000, 1000)
SECONDS = 120
_SHRINK = Path(__file__).parents[1] / "quality" / "shrink.py"


def main(layout: Layout, settings: Settings) -> int:
    """Make all pictures, and print their names.

    :raises ToolError: when one cannot be made.
    """
    setup.prepare(layout, settings)
    for path in (*make_pictures(layout), draw_banner(layout)):
        print(path.relative_to(layout.root))
    return 0


def make_pictures(layout: Layout) -> list[Path]:
    """Make the documentation's pictures small enough for the page.

    :return: the new files.
    :raises ToolError: when one of them is missing or not a picture.
    """
    made = []
    for name, source in PICTURES.items():
        target = layout.root / FOLDER / name
        _run(layout, layout.root / SOURCES / source, target, MOST_WIDTH)
        made.append(target)
    return made


def draw_banner(layout: Layout) -> Path:
    """Have Chromium draw the banner.

    :return: the new file.
    :raises ToolError: when Chromium draws nothing.
    """
    source = layout.root / FOLDER / f"{BANNER}.svg"
    target = source.with_suffix(".png")
    with tempfile.TemporaryDirectory(dir=layout.dev, prefix="pictures-") as folder:
        drawn = Path(folder, "drawn.png")
        failure = f"Chromium drew no picture of {source.name}."
        progress = Progress(f"{source.name}: drawing")
        command = chromium_command(layout, source, drawn, Path(folder, "profile"))
        run_logged(command, progress, layout.logs / "pictures.log", failure, timeout=SECONDS)
        _run(layout, drawn, target, *drawn_size(source))
    return target


def chromium_command(layout: Layout, source: Path, target: Path, profile: Path) -> list[str]:
    """Return the command that draws a file as large as ``WINDOW``.

    :param profile: a folder for Chromium's own files.
    """
    return [
        str(layout.bin / "chromium"),
        "--headless",
        "--no-sandbox",  # as root there is none, and it opens our own file only
        "--disable-gpu",
        "--hide-scrollbars",
        "--force-device-scale-factor=1",
        f"--user-data-dir={profile}",
        f"--window-size={WINDOW[0]},{WINDOW[1]}",
        f"--screenshot={target}",
        source.as_uri(),
    ]


def drawn_size(source: Path) -> tuple[int, int]:
    """Return width and height of a drawing.

    :raises ToolError: when it has none, or is larger than ``WINDOW``.
    """
    root = ElementTree.parse(source).getroot()
    try:
        width, height = int(root.get("width", "")), int(root.get("height", ""))
    except ValueError as error:
        raise ToolError(f"{source} says no width and height in whole numbers.") from error
    if width > WINDOW[0] or height > WINDOW[1]:
        raise ToolError(f"{source} is larger than {WINDOW[0]} x {WINDOW[1]}.")
    return width, height


def _run(layout: Layout, source: Path, target: Path, *size: int) -> None:
    words = [layout.python, _SHRINK, source, target, *size]
    made = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False
    )
    if made.returncode:
        reason = (made.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise ToolError(f"{target.name} could not be made of {source}: {reason}")
