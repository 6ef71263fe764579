"""``python3 -m devtools COMMAND``: what the Makefile's targets call."""

from __future__ import annotations

import argparse
import importlib
import sys

from .machine.errors import ToolError
from .machine.layout import LAYOUT, Settings
from .machine.services import Stopped, stop_signals

# The exit code that shells report for a program ended by Ctrl-C.
STOPPED = 130

# Each names a module with a function `main(layout, settings)`.
COMMANDS = {
    "setup": "fetch and make everything that is needed",
    "run": "serve the demo database until Ctrl-C",
    "test": "run every test",
    "neighbours": "run Odoo's own tests with the addon and without, and compare",
    "chaos": "break the stack on purpose and count what is lost",
    "bench": "measure speed and scale",
    "figures": "show what was measured last in README, docs and drawing",
    "guards": "remove each guard and see whether a test catches that",
    "mutants": "change the code of ccp a little, many times, and see whether a test notices",
    "fuzz": "feed hostile input to what reads text from outside",
    "demo": "place one call and print what became of it",
    "lint": "check style and house rules",
    "format": "mend what the formatters can mend",
    "i18n": "bring the translations in line with the code",
    "pictures": "make the pictures of the page in the list of apps",
    "dist": "make the zip and the wheel that people install",
    "clean": "remove everything that was fetched or made",
}


def main(words: list[str] | None = None) -> int:
    """Run one command and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python3 -m devtools", description="Developer tools of airtel_ccp."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text)
    command = parser.parse_args(words).command
    module = importlib.import_module(f".commands.{command}", __package__)
    try:
        with stop_signals():
            return module.main(LAYOUT, Settings.from_environ()) or 0
    except ToolError as error:
        print(f"make {command}: {error}", file=sys.stderr)
        return 1
    except Stopped:
        print(f"make {command}: stopped.", file=sys.stderr)
        return STOPPED


if __name__ == "__main__":
    sys.exit(main())
