import collections
import contextlib
import json
import os
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import psycopg2
import pytest
import requests

from odoo.tools import mute_logger

from ...ccp.safe.spool import digest
from ...devtools.lab.odoo import connect
from ...models import report_store
from ..common import LONG
from .server import live_stack, unreported_call, wait_for

REPORTS, AWAY_SECONDS = (10_000, 60) if LONG else (300, 0)
REPORT = {"eventType": "CALL", "event": "Ringing", "participantAddress": "7000000901"}
# What a request has to bring for each way; one with a session is left to Odoo's route
WAYS = {"intake": {}, "route": {"Cookie": f"session_id={'x' * 84}"}}
both_ways = pytest.mark.parametrize("call", WAYS, indirect=True)
LOCK = 18


@pytest.fixture(scope="module")
def stack():
    with live_stack(speed=50, workers=2, callback_attempts=1) as (server, sandbox, setup):
        yield server, sandbox, setup


@pytest.fixture
def server(stack):
    return stack[0]


@pytest.fixture
def call(stack, request):
    """A call of which no report came yet: its id, and the path and headers for its reports."""
    server, sandbox, setup = stack
    sandbox.clear()
    with unreported_call(server, sandbox, setup) as (call_id, url, headers):
        yield call_id, url, {**headers, **WAYS[getattr(request, "param", "intake")]}


def post(url, headers, number, **values):
    body = json.dumps({**REPORT, "eventId": str(number), **values})
    return requests.post(url, data=body, headers=headers, timeout=20)


def stored(server, call_id):
    rows = server.query(
        "SELECT payload FROM ccp_call_event WHERE call_id = %s ORDER BY id", call_id
    )
    return [json.loads(payload)["eventId"] for (payload,) in rows]


def replay(server):
    with server.env() as env:
        env["ccp.call"]._cron_fold()


def workers(server, kind):
    """Return the process ids of all workers of a kind that ever started."""
    return [int(pid) for pid in re.findall(rf"{kind} \((\d+)\) alive", server.read_log())]


@both_ways
def test_reports_wait_on_disk_and_are_taken_in_later(server, call):
    call_id, url, headers = call
    assert post(url, headers, 0).status_code == 200
    with server.database_away():
        answers = [post(url, headers, number % 20) for number in range(1, 40)]
        assert {answer.status_code for answer in answers} == {200}
        assert len(server.spool.names()) == 20
    replay(server)
    assert sorted(stored(server, call_id)) == sorted(map(str, range(20)))
    assert server.spool.names() == []
    state = server.query("SELECT state FROM ccp_call WHERE id = %s", call_id)
    assert state == [("ringing_agent",)]


def test_a_report_keeps_the_time_at_which_it_came(server, call):
    call_id, url, headers = call
    with server.database_away():
        post(url, headers, "late")
        (name,) = server.spool.names()
        came = server.spool.read(name).received_at
    replay(server)
    ((received,),) = server.query(
        "SELECT received_at FROM ccp_call_event WHERE call_id = %s", call_id
    )
    assert received == came.replace(tzinfo=None, microsecond=0)


def test_a_worker_that_ends_takes_no_other_along(server, call):
    """Odoo's main process ends them all when it cannot look into the database before a start."""
    call_id, url, headers = call
    before = workers(server, "WorkerCron")
    with server.database_away():
        os.kill(before[-1], signal.SIGKILL)
        wait_for(lambda: "are replaced when it is back" in server.read_log(), "the missing worker")
        assert post(url, headers, "served").status_code == 200
    wait_for(lambda: workers(server, "WorkerCron") != before, "a new worker")
    replay(server)
    assert stored(server, call_id) == ["served"]


@both_ways
def test_workers_for_requests_are_replaced_meanwhile(server, call):
    """If all of them ended, nobody would be there to take reports, or to put callers through."""
    call_id, url, headers = call
    assert post(url, headers, "before").status_code == 200
    before = workers(server, "WorkerHTTP")
    with server.database_away():
        for pid in before[-2:]:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: len(workers(server, "WorkerHTTP")) == len(before) + 2, "new workers")
        assert post(url, headers, "meanwhile").status_code == 200
        assert len(server.spool.names()) == 1
    replay(server)
    assert stored(server, call_id) == ["before", "meanwhile"]
    server.login("rep").call("res.users", "search_count", [])


@both_ways
def test_a_foreign_token_is_asked_to_come_again_and_leaves_nothing(server, call):
    _call_id, url, headers = call
    wrong = re.sub(r"[^/]+$", "x" * 48, url)
    assert post(wrong, headers, 1).status_code == 404
    with server.database_away():
        answer = post(wrong, headers, 1)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert server.spool.names() == []


def test_a_wrong_header_is_refused_when_the_database_is_back(server, call):
    call_id, url, _headers = call
    with server.database_away():
        assert post(url, {"X-Airtel-Ccp-Secret": "wrong"}, 1).status_code == 200
    replay(server)
    assert stored(server, call_id) == []
    assert server.spool.names() == []


@contextlib.contextmanager
def stores_wait(server, trigger):
    """Have each process that stores a report wait in a trigger until the block ends."""
    server.query(
        f"""
        CREATE FUNCTION ccp_test_wait() RETURNS trigger AS $$
        BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NEW;
        END $$ LANGUAGE plpgsql;
        CREATE {trigger} FOR EACH ROW EXECUTE FUNCTION ccp_test_wait();
        """
    )
    try:
        with connect(server.database) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            yield
    finally:
        server.query("DROP FUNCTION ccp_test_wait CASCADE")


@both_ways
def test_a_worker_killed_while_it_stores_a_report_loses_and_doubles_nothing(server, call):
    """The sender gets no answer and comes again, also if the report was just made durable."""
    call_id, url, headers = call

    def waiting():
        return server.query(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND wait_event = 'advisory'",
            server.database,
        )

    for moment, trigger in (
        ("before its row", "TRIGGER ccp_test_wait BEFORE INSERT ON ccp_call_event"),
        ("after its row", "TRIGGER ccp_test_wait AFTER INSERT ON ccp_call_event"),
        (
            "in its COMMIT",
            "CONSTRAINT TRIGGER ccp_test_wait AFTER INSERT ON ccp_call_event"
            " DEFERRABLE INITIALLY DEFERRED",
        ),
    ):
        with ThreadPoolExecutor(1) as pool, stores_wait(server, trigger):
            sent = pool.submit(post, url, headers, moment)
            wait_for(waiting, "a report that is being stored")
            # Its connection does not say which worker it is
            for pid in server.http_pids():
                os.kill(pid, signal.SIGKILL)
            assert isinstance(sent.exception(), requests.ConnectionError)
        was_stored = moment in stored(server, call_id)
        assert was_stored == (moment == "in its COMMIT")
        assert post(url, headers, moment).status_code == 200
        assert stored(server, call_id).count(moment) == 1
    assert server.spool.names() == []


@both_ways
def test_a_connection_that_dies_in_the_middle_loses_nothing(server, call):
    """Before the row is there, and after it but before it is durable."""
    call_id, url, headers = call
    for moment, trigger in (
        ("before", "TRIGGER ccp_test_die BEFORE INSERT ON ccp_call_event"),
        (
            "after",
            "CONSTRAINT TRIGGER ccp_test_die AFTER INSERT ON ccp_call_event"
            " DEFERRABLE INITIALLY DEFERRED",
        ),
    ):
        server.query(
            f"""
            CREATE FUNCTION ccp_test_die() RETURNS trigger AS $$
            BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW;
            END $$ LANGUAGE plpgsql;
            CREATE {trigger} FOR EACH ROW EXECUTE FUNCTION ccp_test_die();
            """
        )
        try:
            assert post(url, headers, moment).status_code == 200
            # The action takes it in as soon as it can
            assert stored(server, call_id).count(moment) == 0
        finally:
            server.query("DROP FUNCTION ccp_test_die CASCADE")
    replay(server)
    assert sorted(stored(server, call_id)) == ["after", "before"]


def test_the_companys_own_address_too(server, call):
    with server.env() as env:
        # A copied database still has the token that the original has signed
        env.company._ccp_renew_token()
        token = env.company.ccp_webhook_token
    with server.database_away():
        answer = post(f"{server.url}/airtel_ccp/webhook/{token}", {}, 1)
        assert answer.status_code == 200
    replay(server)
    assert server.query("SELECT count(*) FROM ccp_call_event WHERE call_id IS NULL") == [(1,)]


def test_what_cannot_be_taken_in_is_set_aside(server, call):
    call_id, url, headers = call
    with server.database_away():
        post(url, headers, "good")
    (server.spool.folder / "0.report").write_bytes(b"no report")
    replay(server)
    assert stored(server, call_id) == ["good"]
    assert [(each.name, each.reason) for each in server.spool.aside()] == [
        ("0.NoReport.unreadable", "NoReport")
    ]


def test_a_connection_that_dies_while_they_are_taken_in_loses_nothing(server, call):
    call_id, url, headers = call
    with server.database_away():
        for number in range(5):
            assert post(url, headers, number).status_code == 200
    find = report_store.find_call
    looked_up = []

    def die_at_the_third(cr, *arguments):
        looked_up.append(arguments)
        if len(looked_up) == 3:
            server.query("SELECT pg_terminate_backend(%s)", cr._cnx.info.backend_pid)
        return find(cr, *arguments)

    with (
        patch.object(report_store, "find_call", die_at_the_third),
        mute_logger("odoo.sql_db"),
        pytest.raises((psycopg2.OperationalError, psycopg2.InterfaceError)),
        server.env() as env,
    ):
        env["ccp.call.event"]._replay_spool()
    assert len(looked_up) == 3
    assert len(server.spool.names()) == 5
    replay(server)
    assert sorted(stored(server, call_id)) == sorted(map(str, range(5)))
    assert server.spool.names() == []


def test_scheduled_actions_take_them_in_by_themselves(server, call):
    call_id, url, headers = call
    with server.database_away():
        post(url, headers, "alone")
    # The next report wakes the action that looks at the disk first
    wait_for(lambda: post(url, headers, "next").status_code == 200, "the database")
    wait_for(lambda: "alone" in stored(server, call_id), "the report")
    wait_for(lambda: server.spool.names() == [], "an empty folder")


def test_tokens_of_calls_are_signed(server, call):
    token = call[1].rpartition("/")[2]
    assert server.spool.knows(token)
    digests = server.query("SELECT token_digest FROM ccp_call WHERE id = %s", call[0])
    assert digests == [(digest(token),)]


def test_thousands_come_while_it_is_away(server, call):
    """Ten thousand in the long form, with the database gone for a minute."""
    call_id, url, headers = call
    left = iter(range(REPORTS))
    lock = threading.Lock()
    statuses = collections.Counter()

    def send():
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            status = post(url, headers, number).status_code
            with lock:
                statuses[status] += 1

    threads = [threading.Thread(target=send) for _sender in range(8)]
    began = time.monotonic()
    with server.database_away():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(max(0, AWAY_SECONDS - (time.monotonic() - began)))
    assert statuses == {200: REPORTS}
    replay(server)
    assert sorted(map(int, stored(server, call_id))) == list(range(REPORTS))
    assert server.spool.names() == []
