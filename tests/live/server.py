import contextlib
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import odoo
from odoo.service.security import compute_session_token
from odoo.tests.common import get_db_name
from odoo.tools import config

from ...ccp.safe.spool import Spool
from ...devtools.lab.odoo import Odoo, environment
from ...devtools.lab.session import Session
from ...models import spool
from ...sandbox.server import Sandbox
from ..common import CcpSetup
from ..secrets_in_logs import find_all

WAIT_SECONDS = 45
FOLDED = "SELECT state, result, live FROM ccp_call WHERE id = %s"


def copy_database(name):
    """Make a copy of the tested database.

    :param str name: that of the copy
    """
    # A template must have no other connection. Those to other databases stay: over one of them
    # Odoo's bus listens, which would then be deaf for most of a minute, for browser tests too.
    template = get_db_name()
    odoo.sql_db.close_db(template)
    subprocess.run(["createdb", "-T", template, name], check=True)


class LiveServer(Odoo):
    """A real Odoo process with scheduled actions, on a database copied from the tested one.

    For what cannot be seen inside one transaction: commits, crashes, replays, wake-ups, the bus.
    """

    # Answers without a database too
    page = "/web/health"

    def __init__(self, workers=0, install=(), addons_path=(), others=(), options=()):
        """:param int workers: how many worker processes; 0 means one process with threads
        :param install: names of addons to install first
        :param addons_path: folders with addons, beside those of the configuration
        :param others: names of databases that it serves too
        :param options: further words of the command, such as ``--proxy-mode``
        """
        options = ["--log-level=debug", "--log-handler=odoo.sql_db:INFO", *options]
        if addons_path:
            paths = [*config["addons_path"], *addons_path]
            options.append(f"--addons-path={','.join(map(str, paths))}")
        if install:
            options.append(f"--init={','.join(install)}")
        self.folder = tempfile.TemporaryDirectory()
        super().__init__(
            config.rcfile,
            f"airtel_ccp_live_{uuid.uuid4().hex[:8]}",
            Path(self.folder.name),
            workers=workers,
            others=others,
            options=options,
        )

    def __enter__(self):
        self._make_database()
        return super().__enter__()

    def _make_database(self):
        copy_database(self.database)
        # A whole run makes bundles before its tests. They are files of the tested database, which
        # the copy does not have: its pages would stay blank. It makes its own.
        self.query("DELETE FROM ir_attachment WHERE url LIKE '/web/assets/%'")

    def __exit__(self, *_exception):
        self.stop()
        odoo.modules.registry.Registry.delete(self.database)
        odoo.sql_db.close_db(self.database)
        subprocess.run(["dropdb", "--if-exists", "--force", self.database], check=True)
        self.spool.remove_all()
        shutil.rmtree(config.filestore(self.database), ignore_errors=True)
        secrets = find_all(self.read_log())
        self.folder.cleanup()
        assert not secrets, "\n".join(secrets[:5])

    @property
    def spool(self):
        """The spool in which this database's reports wait while it is away."""
        return Spool(spool.root() / self.database)

    @contextlib.contextmanager
    def database_away(self):
        """Cut the server off its database for as long as the block lasts."""
        allow = f'ALTER DATABASE "{self.database}" ALLOW_CONNECTIONS'
        self.query(f"{allow} false", database="postgres")
        self.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            self.database,
            database="postgres",
        )
        try:
            yield
        finally:
            self.query(f"{allow} true", database="postgres")

    @contextlib.contextmanager
    def env(self, database=None):
        """Open a superuser environment on a database; commits at its end.

        :param str | None database: by default the server's own
        """
        # Loading the registry of another database would start the tests in it
        testing, config["test_enable"] = config["test_enable"], False
        try:
            odoo.modules.registry.Registry(database or self.database)
        finally:
            config["test_enable"] = testing
        with environment(database or self.database) as env:
            yield env

    def login(self, login, password=None, database=None):
        """Return a session of a user.

        :param str login: the user's login
        :param str | None password: by default that of a test user, which is the login with as
            many x as a password needs
        :param str | None database: by default the server's own
        :rtype: Session
        """
        session = Session(self.url)
        return session.login(database or self.database, login, password or login.ljust(8, "x"))


def session_of(url, user):
    """Return a session of a user who needs no password, for tests with many users.

    :param str url: the server's address
    :param user: one ``res.users`` of the server's database
    :rtype: Session
    """
    store = odoo.http.root.session_store
    session = store.new()
    session.update(odoo.http.get_default_session(), db=user.env.cr.dbname)
    session.context["lang"] = odoo.http.DEFAULT_LANG
    session.update(uid=user.id, login=user.login)
    session.session_token = compute_session_token(session, user.env)
    store.save(session)
    return Session(url, f"session_id={session.sid}")


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


def wait_for(condition, what, seconds=WAIT_SECONDS):
    """Wait until ``condition()`` is true, and return what it returned."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} seconds for {what}")


def wake(server):
    """Have the action that folds run as soon as a worker is there.

    :param LiveServer server: the server
    """
    server.query(
        "INSERT INTO ir_cron_trigger (cron_id, call_at)"
        " SELECT res_id, now() AT TIME ZONE 'UTC' FROM ir_model_data"
        " WHERE module = 'airtel_ccp' AND name = 'ir_cron_fold_reports'"
    )
    server.query("SELECT pg_notify('cron_trigger', %s)", server.database, database="postgres")


def set_phone(server, setup, number):
    """Give the lead of a ``LiveSetup`` a phone number."""
    server.query("UPDATE crm_lead SET phone = %s WHERE id = %s", number, setup.lead_id)


@contextlib.contextmanager
def unreported_call(server, sandbox, setup):
    """Place a call of which no report comes; end it at last.

    :return: its id, and the URL and the headers for its reports
    """
    set_phone(server, setup, "7000000122")
    answer = server.login("rep").call("crm.lead", "action_ccp_call", [setup.lead_id])
    components = sandbox.calls()[0]["body"]["callFlowConfiguration"].values()
    (callback, *_others) = next(
        each["callBackURLs"] for each in components if "callBackURLs" in each
    )
    yield answer["call_id"], callback["notifyURL"], callback["headers"]
    end_all(server)


def end_all(server):
    """End every call that holds a line, as one of which no report comes any more."""
    server.query(
        "UPDATE ccp_call SET live = false, state = 'ended', result = 'no_report', deadline = NULL"
        " WHERE live"
    )


def is_over(server, call_id):
    """Return a condition for ``wait_for``: the call has ended."""
    return lambda: server.query(FOLDED, call_id)[0][0] == "ended"
