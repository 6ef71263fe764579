"""How to start the sandbox of this installation: a clone, an unpacked zip, or a wheel."""

import shlex
import subprocess
import sys
from pathlib import Path


def sandbox_command(folder=Path(__file__).parents[1], platform=sys.platform):
    """Return the command that starts the sandbox, to be copied into a terminal of the server.

    The sandbox needs nothing of Odoo, so any Python of the server runs it.

    :param pathlib.Path folder: the addon's
    :param str platform: as ``sys.platform`` names it
    :rtype: str
    """
    if platform == "win32":
        return f"cd /d {subprocess.list2cmdline([str(folder)])} && python -m sandbox"
    return f"cd {shlex.quote(str(folder))} && python3 -m sandbox"
