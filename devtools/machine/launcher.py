"""``.dev/bin/odoo``: any Odoo command, with this checkout's configuration and database server.

Runs inside the virtual environment. Not part of the set-up: it imports Odoo.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

from . import postgres
from .errors import ToolError
from .layout import LAYOUT, Settings


def main() -> int:
    """Run Odoo's command line; the embedded server runs at least that long.

    :return: the exit code, if Odoo does not end the process itself.
    """
    # Also if a person's own ODOO_RC names the configuration of another Odoo.
    os.environ["ODOO_RC"] = str(LAYOUT.config)
    owner = os.getpid()
    stack = ExitStack()
    try:
        found = stack.enter_context(postgres.server(LAYOUT, Settings.from_environ()))
        os.environ.update(found.full_environ(os.environ))
        from odoo.cli.command import main as odoo_main

        return odoo_main() or 0
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        # Odoo's workers are forks of this process and must not end its lease.
        if os.getpid() == owner:
            stack.close()
