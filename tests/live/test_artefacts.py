"""The zip and the wheel as people install them: in an Odoo without this clone, up to a call."""

import os
import shlex
import signal
import subprocess
import zipfile
from pathlib import Path

import pytest

from odoo.tools import config

from ...devtools.commands import dist
from ...devtools.machine.layout import Layout
from ...devtools.machine.process import end_group, start_group
from ...devtools.machine.services import HOST, free_port
from .old_server import ROOT, TEMPLATE
from .server import LiveServer, wait_for

CUSTOMER = "7000000101"


class Installed(LiveServer):
    """An Odoo that has the addon from a zip or a wheel only."""

    def __init__(self, folder, is_wheel):
        """:param folder: what was unpacked or installed there
        :param bool is_wheel: whether Python finds it, or the addons path does
        """
        super().__init__()
        self.has_python_path = {"PYTHONPATH": str(folder)} if is_wheel else {}
        paths = [path for path in config["addons_path"] if not Path(path, "airtel_ccp").exists()]
        if not is_wheel:
            paths.append(str(folder))
        self._path = f"--addons-path={','.join(paths)}"
        self._words = [*self._words, self._path]

    def _make_database(self):
        subprocess.run(["createdb", "-T", TEMPLATE, self.database], check=True)
        words = [self._path, "--init=airtel_ccp", "--without-demo=True"]
        command = [*self._base, f"--database={self.database}", "--no-http", "--stop-after-init"]
        made = subprocess.run(
            [*command, *words],
            env={**os.environ, **self.has_python_path},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert made.returncode == 0, made.stderr[-4000:]

    def start(self):
        """Start the process with the path on which it finds the wheel, and wait."""
        self.spawn(**self.has_python_path)
        self.wait_until_serving()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Make both; return in which folder each was put, as its manual says."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    made, unpacked, site = (tmp_path_factory.mktemp(name) for name in ("dist", "addons", "site"))
    layout = Layout(ROOT)
    with zipfile.ZipFile(dist.make_zip(ROOT, made)) as file:
        file.extractall(unpacked)
    wheel = dist.make_wheel(layout, made)
    words = ["install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel]
    subprocess.run([layout.python, "-m", "pip", *words], check=True)
    return {"zip": unpacked, "wheel": site}


@pytest.mark.parametrize("kind", ("zip", "wheel"))
def test_from_nothing_to_a_call(folders, kind, tmp_path):
    """Install, set up with the sandbox that came along, call."""
    with Installed(folders[kind], kind == "wheel") as server:
        admin = server.login("admin", "admin")
        setup = admin.call("ccp.setup", "create", {})
        port = free_port()
        (page,) = admin.call("ccp.setup", "read", [setup], ["sandbox_command"])
        command = page["sandbox_command"]
        addon = Path(shlex.split(command)[1])
        assert folders[kind] in addon.parents, "the sandbox of another installation"
        assert not (addon / "devtools").exists()
        assert (addon / "tests").is_dir()
        values = {
            "trial": True,
            "trial_url": f"http://{HOST}:{port}",
            "notify_base_url": server.url,
            "my_phone": "7000000905",
            "test_number": CUSTOMER,
        }
        with (tmp_path / "sandbox.log").open("ab") as log:
            words = f"{command} --port {port} --speed 50"
            sandbox = start_group(["sh", "-c", words], log, os.environ)
        try:
            wait_for(lambda: "listen" in (tmp_path / "sandbox.log").read_text(), "the sandbox")
            admin.call("ccp.setup", "write", [setup], values)
            action = admin.call("ccp.setup", "action_call", [setup])
            of = action["params"]
            placed = admin.call("ccp.call", "place", of["res_model"], of["res_id"], "test_number")
            ended = "SELECT result FROM ccp_call WHERE id = %s AND state = 'ended'"
            wait_for(lambda: server.query(ended, placed["call_id"]), "the call's end")
            assert server.query(ended, placed["call_id"]) == [("connected",)]
        finally:
            end_group(sandbox, signal.SIGTERM, 10)
