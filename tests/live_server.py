import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

import psycopg2
import requests

import odoo
from odoo.service.security import compute_session_token
from odoo.tests.common import get_db_name
from odoo.tools import config

from ..ccp.spool import Spool
from ..models import spool
from ..sandbox.server import Sandbox
from .common import CcpSetup
from .leaks import find_all

START_SECONDS = 240
# Below those that Linux gives to connections
PORTS = range(10000, 32768)
_claims = []


def free_port():
    """Return a TCP port that nobody listens on, and that no other test run on this machine takes.

    A server listens on it some seconds later, or a minute where the machine is busy. So it is none
    of those that the system gives to connections, and is claimed for as long as this process lives.
    """
    for port in random.sample(PORTS, len(PORTS)):
        claim = socket.socket(socket.AF_UNIX)
        with socket.socket() as listener, contextlib.suppress(OSError):
            if sys.platform == "linux":
                # Such a name belongs to no file, and ends with the process
                claim.bind(f"\0airtel_ccp test port {port}")
            listener.bind(("127.0.0.1", port))
            _claims.append(claim)
            return port
        claim.close()
    raise AssertionError("no port is free")


def copy_database(name):
    """Make a copy of the tested database.

    :param str name: that of the copy
    """
    # A template must have no other connection. Those to other databases stay: over one of them
    # Odoo's bus listens, which would then be deaf for most of a minute, for browser tests too.
    template = get_db_name()
    odoo.sql_db.close_db(template)
    subprocess.run(["createdb", "-T", template, name], check=True)


class LiveServer:
    """A real Odoo process with scheduled actions, on a database copied from the tested one.

    For what cannot be seen inside one transaction: commits, crashes, replays, wake-ups, the bus.
    """

    def __init__(self, workers=0, install=(), addons_path=(), others=(), options=()):
        """:param int workers: how many worker processes; 0 means one process with threads
        :param install: names of addons to install first
        :param addons_path: folders with addons, beside those of the configuration
        :param others: names of databases that it serves too
        :param options: further words of the command, such as ``--proxy-mode``
        """
        self.options = options
        self.others = others
        self.install = install
        self.addons_path = addons_path
        self.database = f"airtel_ccp_live_{uuid.uuid4().hex[:8]}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.workers = workers
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        # With workers, Odoo starts itself again from a file
        self.launcher = tempfile.NamedTemporaryFile("w", suffix=".py")
        self.launcher.write("from odoo.cli import main; main()")
        self.launcher.flush()
        self.process = None

    def __enter__(self):
        copy_database(self.database)
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_exception):
        self.stop()
        odoo.modules.registry.Registry.delete(self.database)
        odoo.sql_db.close_db(self.database)
        subprocess.run(["dropdb", "--if-exists", "--force", self.database], check=True)
        self.spool.remove_all()
        leaks = find_all(self.read_log())
        self.log.close()
        self.launcher.close()
        assert not leaks, "\n".join(leaks[:5])

    def start(self):
        """Start the process, and wait until it answers."""
        command = [
            sys.executable,
            self.launcher.name,
            f"--config={config.rcfile}",
            f"--database={','.join([self.database, *self.others])}",
            f"--db-filter=^({'|'.join([self.database, *self.others])})$",
            f"--http-port={self.port}",
            f"--gevent-port={free_port()}",
            "--http-interface=127.0.0.1",
            f"--workers={self.workers}",
            "--max-cron-threads=1",
            "--log-level=debug",
            "--log-handler=odoo.sql_db:INFO",
            *self.options,
        ]
        if self.addons_path:
            paths = [*config["addons_path"], *self.addons_path]
            command.append(f"--addons-path={','.join(map(str, paths))}")
        if self.install:
            command.append(f"--init={','.join(self.install)}")
        self.process = subprocess.Popen(
            command, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True
        )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise AssertionError(f"Odoo ended while starting:\n{self.read_log()[-4000:]}")
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.url}/web/health", timeout=5).ok:
                    return
            time.sleep(0.2)
        raise AssertionError(f"Odoo did not start:\n{self.read_log()[-4000:]}")

    def kill(self):
        """End the process and all that it started at once, as a loss of power would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(15)

    def run(self, *words):
        """Run Odoo once on the database, without serving, and return what it logged.

        :param str words: further words of the command, such as ``--update=airtel_ccp``
        """
        command = [sys.executable, self.launcher.name, f"--config={config.rcfile}"]
        command += [f"--database={self.database}", "--no-http", "--stop-after-init", *words]
        result = subprocess.run(command, capture_output=True, text=True, timeout=600)
        assert result.returncode == 0, result.stderr[-4000:]
        return result.stderr

    def stop(self):
        """End the process and all that it started."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(15)

    @property
    def spool(self):
        """Where reports of this database wait while it is away."""
        return Spool(spool.root() / self.database)

    @contextlib.contextmanager
    def database_away(self):
        """Cut the server off its database for as long as the block lasts."""
        with self._administrator() as cursor:
            cursor.execute(f'ALTER DATABASE "{self.database}" ALLOW_CONNECTIONS false')
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [self.database],
            )
        try:
            yield
        finally:
            with self._administrator() as cursor:
                cursor.execute(f'ALTER DATABASE "{self.database}" ALLOW_CONNECTIONS true')

    @contextlib.contextmanager
    def _administrator(self):
        with contextlib.closing(self._connect("postgres")) as connection:
            connection.autocommit = True
            yield connection.cursor()

    def _connect(self, database):
        return psycopg2.connect(
            dbname=database,
            host=os.environ.get("PGHOST"),
            user=os.environ.get("PGUSER"),
            port=os.environ.get("PGPORT"),
        )

    def read_log(self):
        """Return all that the process logged."""
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read()

    @contextlib.contextmanager
    def env(self, database=None):
        """Open a superuser environment on a database; commits at its end.

        :param str | None database: by default the server's own
        """
        # Loading the registry of another database would start the tests in it
        testing, config["test_enable"] = config["test_enable"], False
        try:
            registry = odoo.modules.registry.Registry(database or self.database)
        finally:
            config["test_enable"] = testing
        with registry.cursor() as cr:
            yield odoo.api.Environment(cr, odoo.SUPERUSER_ID, {})

    def query(self, sql, *params, database=None):
        """Run SQL on a database, by default the server's own, and return the rows."""
        with (
            contextlib.closing(self._connect(database or self.database)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql, params or None)
            return cursor.fetchall() if cursor.description else []

    def login(self, login, password=None, database=None):
        """Return a session of a user.

        :param str login: the user's login
        :param str | None password: by default that of a test user, which is the login with as
            many x as a password needs
        :param str | None database: by default the server's own
        :rtype: Session
        """
        return Session(self.url, database or self.database, login, password or login.ljust(8, "x"))


class Session:
    """A logged in user that speaks JSON-RPC, as the web client does."""

    def __init__(self, url, database, login, password):
        self.url = url
        self.http = requests.Session()
        result = self._post(
            "/web/session/authenticate",
            {"db": database, "login": login, "password": password},
        )
        self.uid = result["uid"]

    @classmethod
    def of_user(cls, url, user):
        """Return a session of a user who needs no password, for tests with many users.

        :param str url: the server's address
        :param user: one ``res.users`` of the server's database
        :rtype: Session
        """
        session = odoo.http.root.session_store.new()
        session.update(odoo.http.get_default_session(), db=user.env.cr.dbname)
        session.context["lang"] = odoo.http.DEFAULT_LANG
        session.update(uid=user.id, login=user.login)
        session.session_token = compute_session_token(session, user.env)
        odoo.http.root.session_store.save(session)
        made = cls.__new__(cls)
        made.url, made.uid, made.http = url, user.id, requests.Session()
        made.http.cookies["session_id"] = session.sid
        return made

    def call(self, model, method, *args, **kwargs):
        """Call a method over RPC, and return its result.

        :raise RpcError: when the server answers with an error
        """
        return self._post(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": list(args), "kwargs": kwargs},
        )

    def _post(self, path, params):
        answer = self.http.post(
            self.url + path,
            data=json.dumps({"jsonrpc": "2.0", "method": "call", "params": params}),
            headers={"Content-Type": "application/json"},
            timeout=60,
        ).json()
        if "error" in answer:
            raise RpcError(answer["error"]["data"]["name"], answer["error"]["data"]["message"])
        return answer["result"]


class RpcError(Exception):
    """What the server answered instead of a result."""

    def __init__(self, name, message):
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


class LiveSetup(CcpSetup):
    """The company, users and records of the tests, committed in a live server's database."""

    def __init__(self, server, sandbox, database=None):
        with server.env(database) as env:
            env = env(context=dict(env.context, no_reset_password=True))
            self.set_up_company(env, sandbox.url)
            env.company.ccp_notify_base_url = server.url
            self.set_up_people(env)
            self.lead_id, self.partner_id = self.lead.id, self.partner.id
            self.rep_id = self.rep.id


@contextlib.contextmanager
def live_stack(speed=50, workers=0, **settings):
    """Start sandbox and server with the test's company and people.

    :return: (server, sandbox, setup)
    """
    with Sandbox(port=0, speed=speed, **settings) as sandbox, LiveServer(workers) as server:
        yield server, sandbox, LiveSetup(server, sandbox)
