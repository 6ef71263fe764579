"""``make run``: the sandbox and Odoo with demo data, until Ctrl-C."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..lab import customers
from ..machine import postgres
from ..machine.configuration import DATABASE
from ..machine.database import Databases
from ..machine.layout import Layout, Settings
from ..machine.process import run_logged
from ..machine.progress import Progress
from ..machine.services import HOST, Services, Stopped, require_free_ports, running
from . import setup

ADMINISTRATOR = ("admin", "admin")
REPRESENTATIVES = (("asha", "asha"), ("ravi", "ravi"))
MANAGERS = (("meera", "meera"),)
DEMO_LEAD = "Fabric for the autumn collection"
# Only an address on this machine may be changed; one that a person typed stays. Without an account
# it is Airtel's own address, which comes with the addon.
_OWN_ADDRESS = re.compile(r"http://(127\.0\.0\.1|localhost)(:\d+)?/?")
_ADDRESSES = """
SELECT coalesce((SELECT value FROM ir_config_parameter WHERE key = 'web.base.url'), ''),
       coalesce((SELECT value FROM ir_config_parameter WHERE key = 'web.base.url.freeze'), ''),
       coalesce((SELECT CASE WHEN ccp_username IS NOT NULL THEN ccp_base_url END
                   FROM res_company ORDER BY id LIMIT 1), ''),
       coalesce((SELECT value FROM ir_config_parameter
                  WHERE key = 'airtel_ccp.demo_company_set_up'), ''),
       (SELECT count(*) FROM ccp_call_flow WHERE call_type = 'INBOUND')
"""
_TOKENS = "SELECT ccp_route_token, ccp_webhook_token FROM res_company ORDER BY id LIMIT 1"


def url_of(port: int) -> str:
    """Return the address of a service on this machine."""
    return f"http://{HOST}:{port}"


def point_to(databases: Databases, name: str, odoo_url: str, sandbox_url: str) -> None:
    """Make a demo database's company call the sandbox, and the sandbox report to Odoo.

    The first time, the company also moves to India, gets its account and takes calls: see
    ``demo_company``. Addresses that a person set to other machines are left alone.
    """
    base, frozen, sandbox, set_up, incoming_flows = databases.query(name, _ADDRESSES).split("|")
    wanted_base = odoo_url if not base or _OWN_ADDRESS.fullmatch(base) else base
    wanted_sandbox = sandbox_url if not sandbox or _OWN_ADDRESS.fullmatch(sandbox) else sandbox
    is_set_up = set_up and incoming_flows != "0"
    if is_set_up and (base, frozen, sandbox) == (wanted_base, "True", wanted_sandbox):
        return
    _write_addresses(databases, name, wanted_base, wanted_sandbox)


def _write_addresses(databases: Databases, name: str, odoo_url: str, sandbox_url: str) -> None:
    layout = databases.layout
    title = f"Database {name}: setting up its company"
    command = [layout.python, "-m", "devtools.lab.demo_company", "--config", layout.config]
    command += ["--database", name, "--odoo-url", odoo_url, "--sandbox-url", sandbox_url]
    log = layout.logs / f"configure-{name}.log"
    failure = "The demo database's company could not be set up."
    environ = databases.server.full_environ(os.environ)
    run_logged(command, Progress(title), log, failure, environ=environ, cwd=layout.logs)


@contextmanager
def serving(
    databases: Databases, name: str, settings: Settings, logs: Path, *sandbox_words: str
) -> Iterator[Services]:
    """Serve a demo database together with the sandbox while the block lasts.

    :param logs: the folder for the programs' output.
    :param sandbox_words: further options of the sandbox.
    :raises ToolError: when the database cannot be prepared or a program does not start.
    """
    layout = databases.layout
    odoo_url, sandbox_url = url_of(settings.odoo_port), url_of(settings.sandbox_port)
    databases.ensure(name)
    point_to(databases, name, odoo_url, sandbox_url)
    environ = databases.server.full_environ(os.environ)
    with running(environ, logs, layout.root) as services:
        words = ["--port", str(settings.sandbox_port), *sandbox_words]
        sandbox = services.start("Sandbox", [layout.python, "-m", "sandbox", *words])
        command = [layout.bin / "odoo", f"--database={name}", f"--workers={settings.workers}"]
        command += [f"--http-port={settings.odoo_port}", f"--gevent-port={settings.gevent_port}"]
        odoo = services.start("Odoo", command)
        sandbox.wait_until_serving(sandbox_url)
        odoo.wait_until_serving(f"{odoo_url}/web/login")
        customers.connect(sandbox_url, odoo_url, *databases.query(name, _TOKENS).split("|"))
        yield services


def ports(settings: Settings) -> dict[str, int]:
    """Return the ports to listen at, by the variable that sets each."""
    found = {"ODOO_PORT": settings.odoo_port, "SANDBOX_PORT": settings.sandbox_port}
    if settings.workers:
        found["GEVENT_PORT"] = settings.gevent_port
    return found


def welcome(layout: Layout, settings: Settings) -> str:
    """Return what to print once everything runs; its last line begins with ``Ready``."""

    def logins(accounts: tuple[tuple[str, str], ...]) -> str:
        return ", ".join(f"{login} / {password}" for login, password in accounts)

    port = settings.sandbox_port
    where = "" if port == Settings.sandbox_port else f" --port {port}"
    called = f"--ring {customers.CUSTOMER} --to {customers.AIRTEL_NUMBER}{where}"
    return f"""
Open {url_of(settings.odoo_port)}

  administrator      {logins((ADMINISTRATOR,))}
  sales reps         {logins(REPRESENTATIVES)}
  sales manager      {logins(MANAGERS)}

Log in as {REPRESENTATIVES[0][0]}, open CRM, open the lead "{DEMO_LEAD}" and click Call
beside its phone number. The sandbox at {url_of(settings.sandbox_port)} plays Airtel: no real phone
rings. To be called by that customer, type in another terminal, in this folder:

  python3 -m sandbox {called}

Logs: {layout.logs / "odoo.log"} and {layout.logs / "sandbox.log"}
Ready. Ctrl-C ends it all."""


def main(layout: Layout, settings: Settings) -> None:
    """Serve until the person presses Ctrl-C, which is the usual end and not a failure.

    :raises ToolError: when something is missing, a port is taken, or a program ends by itself.
    """
    require_free_ports(ports(settings), "make run")
    try:
        tree = setup.prepare(layout, settings, with_browser=False)
        with postgres.server(layout, settings) as server:
            databases = Databases(layout, tree, server, demo=True)
            with serving(databases, DATABASE, settings, layout.logs) as services:
                print(welcome(layout, settings), flush=True)
                services.wait()
    except Stopped:
        print("Stopped.", flush=True)
