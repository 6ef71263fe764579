"""``make figures``: publishes the figures that ``make bench`` measured last."""

from __future__ import annotations

from ..bench import results
from ..machine.layout import Layout, Settings


def main(layout: Layout, settings: Settings) -> int:
    """Copy the figures to the files that git tracks, and name these files."""
    for path in results.publish(layout):
        print(path.relative_to(layout.root))
    return 0
