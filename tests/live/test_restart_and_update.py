import contextlib
import os
import signal
import subprocess
import threading
import uuid

import pytest
import requests

import odoo

from ...ccp.safe.spool import Spool
from ...devtools.lab.session import NoAnswerError, RpcError
from ...models import spool
from ...sandbox.server import Sandbox
from ..common import LONG
from . import test_uninstall
from .server import FOLDED, LiveServer, LiveSetup, copy_database, is_over, set_phone, wait_for

CONTACTS = 1_000_000
# What an update must not touch: the calls, and what people entered
KEPT = (
    "SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM ccp_call c",
    "SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM ccp_call_event c",
    "SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM ccp_call_flow c",
    "SELECT md5(string_agg(ccp_webhook_token || ccp_secret_password, '|')) FROM res_company",
    "SELECT md5(string_agg(ccp_phone, '|' ORDER BY id)) FROM res_users",
)


def test_everything_ends_in_the_middle_of_a_call():
    """The row is durable before Airtel is asked; what comes after the loss of power completes it.

    Airtel rings both phones while Odoo still waits for its answer, and then is no more.
    """
    with (
        Sandbox(port=0, speed=2, callback_attempts=60, callback_pause=1) as sandbox,
        LiveServer() as server,
    ):
        setup = LiveSetup(server, sandbox)
        set_phone(server, setup, "7000000116")
        rep = server.login("rep")

        def click():
            with contextlib.suppress(NoAnswerError, RpcError):
                rep.call("crm.lead", "action_ccp_call", [setup.lead_id])

        thread = threading.Thread(target=click)
        thread.start()
        wait_for(sandbox.calls, "the POST")
        rows = server.query("SELECT id, request_outcome FROM ccp_call")
        assert [outcome for _id, outcome in rows] == ["queued"]
        server.kill()
        thread.join()
        server.start()
        wait_for(is_over(server, rows[0][0]), "the call's end", 90)
        assert server.query(FOLDED, rows[0][0]) == [("ended", "connected", False)]
        assert len(sandbox.calls()) == 1


def test_two_runs_of_the_folding_action_never_take_the_same_call():
    with LiveServer() as server:
        server.stop()
        with server.env() as env:
            test_uninstall.TestUninstall().use(env)
            call = env["ccp.call"].search([])
            env["ccp.call.event"].create(
                {
                    "call_id": call.id,
                    "kind": "unreadable",
                    "fingerprint": "x",
                    "received_at": "2026-01-01",
                }
            )
        with server.env() as one, server.env() as other:
            assert one["ccp.call"]._take_pending() == one["ccp.call"].browse(call.id)
            other.cr.execute("SET LOCAL lock_timeout = '2s'")
            assert not other["ccp.call"]._take_pending()


@pytest.mark.skipif(not LONG, reason="make test-all runs it")
def test_updates_leave_what_is_there_alone():
    """Twice, and after an uninstall the addon installs again."""
    with LiveServer() as server:
        server.stop()
        with server.env() as env:
            test_uninstall.TestUninstall().use(env)
            env.ref("base.user_admin").ccp_phone = "7000000901"
        before = [server.query(query) for query in KEPT]
        for _time in range(2):
            log = server.run("--update=airtel_ccp")
            assert not [
                line for line in log.splitlines() if " ERROR " in line or " CRITICAL " in line
            ]
            assert [server.query(query) for query in KEPT] == before
        test_uninstall.TestUninstall().uninstall(server.database)
        server.query(
            """
            INSERT INTO res_partner (name, phone, active, type)
            SELECT 'Contact ' || n, '+91 70000001' || (n %% 90 + 10), true, 'contact'
              FROM generate_series(1, %s) n
            """,
            CONTACTS,
        )
        newest = (
            "SELECT count(*), max(xmin::text::bigint) FROM res_partner WHERE name LIKE 'Contact %'"
        )
        place = "SELECT pg_relation_filenode('res_partner')"
        rows, file = server.query(newest), server.query(place)
        server.run("--init=airtel_ccp")
        assert server.query(newest) == rows
        assert server.query(place) == file
        assert server.query("SELECT count(*) FROM ccp_call_outcome")[0][0] > 3


@pytest.mark.skipif(not LONG, reason="make test-all runs it")
def test_two_databases_of_one_server():
    """A report's address does not name the database; the token's signature shows it."""
    other = f"airtel_ccp_other_{uuid.uuid4().hex[:8]}"
    copy_database(other)
    try:
        with (
            Sandbox(port=0, speed=50) as sandbox,
            LiveServer(workers=2, others=[other]) as server,
        ):
            for database in (server.database, other):
                setup = LiveSetup(server, sandbox, database)
                server.query(
                    "UPDATE crm_lead SET phone = '7000000101' WHERE id = %s",
                    setup.lead_id,
                    database=database,
                )
                rep = server.login("rep", database=database)
                answer = rep.call("crm.lead", "action_ccp_call", [setup.lead_id])
                wait_for(
                    lambda: (
                        server.query(FOLDED, answer["call_id"], database=database)  # noqa: B023
                        == [("ended", "connected", False)]
                    ),
                    f"the call's end in {database}",
                )
            assert len(sandbox.calls()) == 2
            for database in (server.database, other):
                assert server.query("SELECT count(*) FROM ccp_call", database=database) == [(1,)]
    finally:
        odoo.modules.registry.Registry.delete(other)
        odoo.sql_db.close_db(other)
        subprocess.run(["dropdb", "--if-exists", "--force", other], check=True)
        Spool(spool.root() / other).remove_all()


def test_an_ended_worker_is_replaced_and_calls_go_on():
    with Sandbox(port=0, speed=50) as sandbox, LiveServer(workers=2) as server:
        setup = LiveSetup(server, sandbox)
        set_phone(server, setup, "7000000101")
        rep = server.login("rep")
        for pid in {
            int(line.rpartition("(")[2].partition(")")[0])
            for line in server.read_log().splitlines()
            if "Worker Worker" in line and line.endswith(") alive")
        }:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: answers(server), "the new workers")
        answer = rep.call("crm.lead", "action_ccp_call", [setup.lead_id])
        wait_for(is_over(server, answer["call_id"]), "the call's end")


def answers(server):
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{server.url}/web/health", timeout=5).ok
    return False
