import contextlib
import os
import socket
import threading
from pathlib import Path

from odoo.tools import config

CHUNK = 65536


class DeafDoor:
    """Stands between Odoo and PostgreSQL; while it is deaf, nothing passes and nothing closes.

    That is how a PostgreSQL looks whose machine or network is gone.
    """

    def __init__(self):
        self._hears = threading.Event()
        self._hears.set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]

    @property
    def options(self):
        """The words of Odoo's command that have it come through this door."""
        return ["--db_host=127.0.0.1", f"--db_port={self.port}"]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_exception):
        self._hears.set()
        self._server.close()

    def close_ears(self):
        """Let nothing pass."""
        self._hears.clear()

    def open_ears(self):
        """Let everything pass, also what waited."""
        self._hears.set()

    def _accept(self):
        while True:
            try:
                near, _address = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near):
        self._hears.wait()
        far = self._connect()
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _connect(self):
        host = config["db_host"] or os.environ.get("PGHOST") or "/var/run/postgresql"
        port = int(config["db_port"] or os.environ.get("PGPORT") or 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(Path(host) / f".s.PGSQL.{port}"))
        return far

    def _pass_on(self, source, target):
        # Either side may close it
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                self._hears.wait()
                target.sendall(data)
        for each in (source, target):
            # While another thread reads it, closing alone tells the other side nothing
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
