"""The command that starts this installation's sandbox, from a clone, an unpacked zip or a wheel."""

import shlex
import subprocess
import sys
from pathlib import Path


def sandbox_command(folder=Path(__file__).parents[1], platform=sys.platform):
    """Return the command that starts the sandbox, to be copied into a terminal of the server.

    The sandbox does not need Odoo, so any Python of the server can run it.

    :param pathlib.Path folder: the addon's folder
    :param str platform: a value of ``sys.platform``
    :rtype: str
    """
    if platform == "win32":
        return f"cd /d {subprocess.list2cmdline([str(folder)])} && python -m sandbox"
    return f"cd {shlex.quote(str(folder))} && python3 -m sandbox"
