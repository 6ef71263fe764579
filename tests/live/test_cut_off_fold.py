import contextlib
import json
import os
import signal
import uuid

import psycopg2
import pytest

from ...ccp.safe.spool import digest
from ...models import report_store
from ..common import accepted_call
from .server import live_stack, wait_for, wake

ANSWERED = {"eventType": "CALL", "event": "Answer", "participantName": "A"}


@pytest.fixture(scope="module")
def stack():
    with live_stack(workers=2) as (server, _sandbox, setup):
        yield server, setup


def make_call(server, setup):
    """Make a call that has a report to fold; returns its id."""
    token = uuid.uuid4().hex
    with server.env() as env:
        lead = env["crm.lead"].browse(setup.lead_id)
        agent = env["res.users"].browse(setup.rep_id)
        call = accepted_call(
            env,
            lead,
            lead.partner_id,
            agent,
            env.company.ccp_flow_id,
            token_digest=digest(token),
            live=False,
        )
    with server.env() as env:
        assert report_store.receive(env.cr, token, None, json.dumps(ANSWERED).encode())
    return call.id


def values(server, call_id):
    (row,) = server.query("SELECT state, fold_error FROM ccp_call WHERE id = %s", call_id)
    return row


def test_a_worker_killed_in_a_fold_puts_that_call_off_and_others_are_folded(stack):
    server, setup = stack
    bad = make_call(server, setup)

    def marks():
        return list(server.spool.folder.glob("*.mark"))

    with contextlib.closing(psycopg2.connect(dbname=server.database)) as connection:
        with connection.cursor() as cursor:
            # The fold waits here until it is killed
            cursor.execute("SELECT FROM ccp_call_event WHERE call_id = %s FOR UPDATE", [bad])

        def begun():
            wake(server)
            return marks()

        wait_for(begun, "a fold that begins")
        (pid,) = server.cron_pids()
        os.kill(pid, signal.SIGKILL)
    other = make_call(server, setup)

    def is_put_off():
        wake(server)
        return values(server, bad)[1]

    wait_for(is_put_off, "the call to be put off")
    wait_for(lambda: values(server, other)[0] == "ringing_customer", "the other call")
    assert values(server, bad) == ("ringing_agent", "FoldCutOff")
    assert not marks()
    server.query("UPDATE ccp_call SET fold_retry_date = now() - interval '1 day'")

    def is_folded():
        wake(server)
        return values(server, bad) == ("ringing_customer", None)

    wait_for(is_folded, "the call to be tried again")
