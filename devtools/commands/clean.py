"""``make clean``: removes everything that was fetched or made."""

from __future__ import annotations

import shutil

from ..machine import postgres
from ..machine.layout import Layout, Settings


def main(layout: Layout, settings: Settings) -> None:
    """Stop the embedded servers and remove ``.dev``."""
    postgres.stop_all(layout)
    if layout.dev.exists():
        shutil.rmtree(layout.dev)
