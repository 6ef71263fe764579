"""Make a picture smaller: ``shrink.py SOURCE TARGET WIDTH``, or ``... WIDTH HEIGHT`` to cut it.

Runs in the developers' environment, which has Pillow.
"""

import sys
from pathlib import Path

from PIL import Image

COLOURS = 256
# The rounds in which Pillow fits the palette to the picture
ROUNDS = 3


def shrink(source: Path, target: Path, width: int) -> None:
    """Write a picture with at most this width, in its own proportions."""
    with Image.open(source) as image:
        made = image.convert("RGB")
    if made.width > width:
        height = round(made.height * width / made.width)
        made = made.resize((width, height), Image.Resampling.LANCZOS)
    # Pictures of a screen have few colours: with a palette the file has a third of its size.
    # This method also keeps rare colours, such as a red dot
    made = made.quantize(
        COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=ROUNDS, dither=Image.Dither.NONE
    )
    made.save(target, optimize=True)


def cut(source: Path, target: Path, width: int, height: int) -> None:
    """Write the upper left part of a picture.

    :raises ValueError: when the picture is smaller.
    """
    with Image.open(source) as image:
        if image.width < width or image.height < height:
            raise ValueError(f"{source} has {image.width} x {image.height} points")
        made = image.convert("RGB").crop((0, 0, width, height))
    made.save(target, optimize=True)


if __name__ == "__main__":
    made_from, made_as, *size = sys.argv[1:]
    make = cut if len(size) == 2 else shrink
    make(Path(made_from), Path(made_as), *map(int, size))
