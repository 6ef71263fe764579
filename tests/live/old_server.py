import subprocess
from pathlib import Path

from odoo.tools import config

from .server import LiveServer

ROOT = Path(__file__).parents[2]
# What the addon depends on is in it, the addon is not
TEMPLATE = "airtel_ccp_base"


# The last commit of each version
COMMITS = {
    "19.0.1.0.0": "902e74209241",
    "19.0.1.4.0": "bbb464b16b94",
    "19.0.1.5.0": "d5d3f1ee6d60",
    "19.0.1.7.0": "c446d4093ce0",
    "19.0.1.8.0": "a685618c95da",
    "19.0.1.9.0": "0eec08bcc112",
}


class OldServer(LiveServer):
    """A server with a past version of the addon, on a database in which that was installed.

    ``upgrade`` makes it one of the present version, on the same database and port.
    """

    def __init__(self, version):
        """:param str version: the version to begin with, a key of ``COMMITS``"""
        super().__init__()
        self._words_now = self._words
        addon = Path(self.folder.name, "addons", "airtel_ccp")
        addon.mkdir(parents=True)
        archive = ["git", "-C", str(ROOT), "archive", COMMITS[version]]
        source = subprocess.run(archive, capture_output=True, check=True).stdout
        subprocess.run(["tar", "--extract", "--directory", addon], input=source, check=True)
        paths = [path for path in config["addons_path"] if not Path(path, "airtel_ccp").exists()]
        self._old = [f"--addons-path={','.join([*paths, str(addon.parent)])}"]
        # The first version could not be loaded for the whole server
        if version < "19.0.1.2.0":
            self._old.append("--load=base,rpc,web")
        self._words = [*self._words, *self._old]

    def _make_database(self):
        subprocess.run(["createdb", "-T", TEMPLATE, self.database], check=True)
        self.run(*self._old, "--init=airtel_ccp,base_automation", "--without-demo=True")

    def upgrade(self):
        """Upgrade the addon, as the administrator's manual says, and return what was logged.

        The server is stopped then.
        """
        self.stop()
        self._words = self._words_now
        return self.run("--update=airtel_ccp")

    def ref(self, name):
        """Return the id of a record by its name in the addon's data."""
        return self.query(
            "SELECT res_id FROM ir_model_data WHERE module = 'airtel_ccp' AND name = %s", name
        )[0][0]
