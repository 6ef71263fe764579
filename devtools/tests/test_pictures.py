"""The page that Odoo's list of apps and its store show, and how its pictures are made."""

import re
import shutil
from html.parser import HTMLParser

import pytest
from PIL import Image, ImageChops

from devtools.commands import pictures
from devtools.machine.addon import manifest
from devtools.machine.errors import ToolError
from devtools.machine.layout import LAYOUT
from devtools.quality.shrink import cut, shrink

PAGE = LAYOUT.root / pictures.FOLDER / "index.html"
# What a browser would fetch or run
ACTIVE = {"script", "style", "link", "iframe", "object", "embed", "form", "video", "audio"}
# No shade of a palette is further away from what it stands for
SHADE = 40
RED = (220, 20, 20)


def picture(path, size, spot=None):
    """Draw a white picture with one red square."""
    made = Image.new("RGB", size, "white")
    if spot:
        made.paste(RED, (*spot, spot[0] + 20, spot[1] + 20))
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save(path)
    return path


def test_a_wide_picture_becomes_smaller_and_keeps_its_proportions(tmp_path):
    shrink(picture(tmp_path / "a.png", (400, 300), (200, 100)), tmp_path / "b.png", 200)
    with Image.open(tmp_path / "b.png") as made:
        assert made.size == (200, 150)
        assert made.convert("RGB").getpixel((105, 55)) == pytest.approx(RED, abs=8)
        assert made.convert("RGB").getpixel((10, 10)) == (255, 255, 255)


def test_a_narrow_picture_keeps_its_size(tmp_path):
    shrink(picture(tmp_path / "a.png", (120, 90)), tmp_path / "b.png", 200)
    assert Image.open(tmp_path / "b.png").size == (120, 90)


def test_a_rare_colour_survives_among_many(tmp_path):
    source = Image.linear_gradient("L").resize((600, 600)).convert("RGB")
    source.paste(RED, (300, 300, 306, 306))
    source.save(tmp_path / "a.png")
    shrink(tmp_path / "a.png", tmp_path / "b.png", 600)
    made = Image.open(tmp_path / "b.png").convert("RGB")
    assert made.getpixel((303, 303)) == pytest.approx(RED, abs=8)


def test_a_picture_is_cut_at_its_right_and_lower_side(tmp_path):
    source = picture(tmp_path / "a.png", (100, 100), (0, 0))
    cut(source, tmp_path / "b.png", 40, 30)
    with Image.open(tmp_path / "b.png") as made:
        assert made.size == (40, 30)
        assert made.getpixel((5, 5)) == RED
    with pytest.raises(ValueError, match="has 100 x 100 points"):
        cut(source, tmp_path / "b.png", 101, 30)


@pytest.fixture
def checkout(layout):
    """A checkout with small pictures of the documentation."""
    for name in pictures.PICTURES.values():
        picture(layout.root / pictures.SOURCES / name, (1300, 650), (650, 325))
    (layout.root / pictures.FOLDER).mkdir(parents=True)
    return layout


def test_each_picture_of_the_page_is_made_of_one_of_the_documentation(checkout):
    made = pictures.make_pictures(checkout)
    assert [path.name for path in made] == list(pictures.PICTURES)
    for path in made:
        assert Image.open(path).size == (pictures.MOST_WIDTH, 600)
    before = [path.read_bytes() for path in made]
    assert [path.read_bytes() for path in pictures.make_pictures(checkout)] == before


def test_a_picture_of_the_documentation_is_missing(checkout):
    source = checkout.root / pictures.SOURCES / next(iter(pictures.PICTURES.values()))
    source.unlink()
    with pytest.raises(ToolError, match="could not be made of .*No such file"):
        pictures.make_pictures(checkout)
    source.write_text("no picture")
    with pytest.raises(ToolError, match="cannot identify image file"):
        pictures.make_pictures(checkout)


def test_the_size_of_a_drawing(tmp_path):
    path = tmp_path / "drawing.svg"
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="56" height="28"/>')
    assert pictures.drawn_size(path) == (56, 28)
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="28"/>')
    with pytest.raises(ToolError, match="no width and height"):
        pictures.drawn_size(path)
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="1001" height="28"/>')
    with pytest.raises(ToolError, match="larger than 1000 x 1000"):
        pictures.drawn_size(path)


def chromium(layout, code):
    """Put a program in Chromium's place."""
    layout.bin.mkdir(exist_ok=True)
    path = layout.bin / "chromium"
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)


def test_a_browser_that_draws_nothing(checkout):
    banner = checkout.root / pictures.FOLDER / "banner.svg"
    shutil.copy(PAGE.with_name("banner.svg"), banner)
    chromium(checkout, "echo no display >&2; exit 1")
    with pytest.raises(ToolError, match="drew no picture of banner.svg(.|\n)*no display"):
        pictures.draw_banner(checkout)
    chromium(checkout, "exit 0")
    with pytest.raises(ToolError, match="banner.png could not be made"):
        pictures.draw_banner(checkout)
    assert not banner.with_suffix(".png").exists()
    assert not list(checkout.dev.glob("pictures-*"))


def test_chromium_draws_a_banner(checkout):
    program = LAYOUT.bin / "chromium"
    if not program.exists():
        pytest.skip("needs the browser that `make setup` prepares")
    folder = checkout.root / pictures.FOLDER
    picture(folder / "red.png", (50, 50), (0, 0))
    (folder / "banner.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100">'
        '<rect width="300" height="100" fill="#0000ff"/>'
        '<image href="red.png" x="280" y="80" width="50" height="50"/></svg>'
    )
    chromium(checkout, f'exec "{program}" "$@"')
    with Image.open(pictures.draw_banner(checkout)) as made:
        assert made.size == (300, 100)
        assert made.getpixel((2, 2)) == (0, 0, 255)
        assert made.getpixel((297, 97)) == RED


class Page(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page():
    return Page(PAGE.read_text())


def test_the_page_fetches_and_runs_nothing(page):
    assert not ACTIVE & {tag for tag, _attributes in page.tags}
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), tag
    assert "//" not in PAGE.read_text()


def test_the_page_shows_each_picture_and_says_what_is_on_it(page):
    images = page.all("img")
    assert {image["src"] for image in images} == {"icon.png", *pictures.PICTURES}
    for image in images:
        assert (PAGE.parent / image["src"]).is_file(), image["src"]
        assert image["src"] == "icon.png" or len(image["alt"]) > 20, image["src"]


@pytest.mark.parametrize(("name", "source"), pictures.PICTURES.items())
def test_pictures_are_those_of_the_documentation(tmp_path, name, source):
    shrink(LAYOUT.root / pictures.SOURCES / source, tmp_path / name, pictures.MOST_WIDTH)
    with Image.open(PAGE.with_name(name)) as shown, Image.open(tmp_path / name) as made:
        assert shown.size == made.size, "run `make pictures`"
        difference = ImageChops.difference(shown.convert("RGB"), made.convert("RGB"))
        furthest = max(most for _least, most in difference.getextrema())
        assert furthest <= SHADE, "run `make pictures`"


def test_the_banner_is_the_cover_that_the_manifest_names():
    (name,) = manifest(LAYOUT.root)["images"]
    assert (LAYOUT.root / name).is_file(), "run `make pictures`"
    size = pictures.drawn_size(PAGE.with_name("banner.svg"))
    assert size == (560, 280)
    assert Image.open(LAYOUT.root / name).size == size


def test_what_the_banner_shows_is_there():
    source = PAGE.with_name("banner.svg")
    shown = re.findall(r'href="([^"#]+)"', source.read_text())
    assert len(shown) == 2
    for name in shown:
        assert (source.parent / name).is_file(), name
