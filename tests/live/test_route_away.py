"""Incoming calls are put through while PostgreSQL is stopped, and while it does not answer."""

import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from ...ccp.call.route import Decision
from ...ccp.safe.decisions import Decisions
from ...sandbox.server import Sandbox
from ..common import AGENT, CONNECTS, OTHER_AGENT
from .deaf_door import DeafDoor
from .server import LiveServer, LiveSetup, wait_for

AIRTEL, DESK = "8000000009", "7000000990"
SESSION = {"Cookie": f"session_id={'x' * 84}"}


class Caller:
    """Asks the routing URL of a server as Airtel does."""

    def __init__(self, server, door):
        self.server, self.door = server, door
        with server.env() as env:
            company = env.company
            company.resource_calendar_id = False
            team = env["crm.team"].create({"name": "Front"})
            team.member_ids = env["res.users"].search([("login", "=", "other_rep")])
            env["ccp.call.flow"].create(
                {
                    "name": "Hotline",
                    "code": "IN",
                    "call_type": "INBOUND",
                    "caller_number": AIRTEL,
                    "desk_number": DESK,
                    "ring_team_id": team.id,
                }
            )
            company._ccp_renew_route_token()
            self.url = f"{server.url}/airtel_ccp/route/{company.ccp_route_token}"
        self.build()

    def build(self):
        with self.server.env() as env:
            env["ccp.call"]._cron_build_route_table()

    def ask(self, customer=CONNECTS, headers=None, timeout=20):
        """Return the answer, and after how many seconds it came."""
        body = {"callingParticipant": customer, "callerId": AIRTEL}
        began = time.monotonic()
        answer = requests.post(self.url, json=body, headers=headers, timeout=timeout)
        return answer, time.monotonic() - began

    def phone(self, *arguments, **options):
        answer, _seconds = self.ask(*arguments, **options)
        assert answer.status_code == 200, answer.status_code
        (rung,) = answer.json()["client_add_participant"]["participants"]
        return rung["participantAddress"]

    def stored(self):
        rows = self.server.query(
            "SELECT payload FROM ccp_call_event WHERE kind = 'decision' ORDER BY id"
        )
        return [Decision.of_dict(json.loads(payload)) for (payload,) in rows]

    @property
    def disk(self):
        return Decisions(self.server.spool.folder)

    def replay(self):
        with self.server.env() as env:
            env["ccp.call"]._cron_fold()


@pytest.fixture(scope="module")
def caller():
    with (
        DeafDoor() as door,
        Sandbox(port=0, callback_attempts=1) as sandbox,
        LiveServer(workers=2, options=door.options) as server,
    ):
        LiveSetup(server, sandbox)
        yield Caller(server, door)


@pytest.fixture(autouse=True)
def fresh(caller):
    """Begin without decisions, with the database there."""
    wait_for(lambda: caller.ask("7000000555")[0].status_code == 200, "an answer")
    caller.replay()
    caller.server.query("DELETE FROM ccp_call_event WHERE kind = 'decision'")


def test_by_the_database(caller):
    assert caller.phone() == AGENT
    assert caller.phone("7000000777") == OTHER_AGENT
    assert [each.way for each in caller.stored()] == ["database", "database"]


def test_in_the_time_in_which_a_caller_waits(caller):
    """The goal is a tenth of this, on a quiet machine."""
    seconds = [caller.ask(f"72000{each:05}")[1] for each in range(60)]
    assert statistics.median(seconds) < 0.15, sorted(seconds)


@pytest.mark.parametrize("headers", [None, SESSION], ids=["intake", "route"])
def test_while_postgresql_is_stopped(caller, headers):
    with caller.server.database_away():
        assert caller.phone(headers=headers) == AGENT
        assert caller.phone("7000000777", headers=headers) == OTHER_AGENT
        # Repeats are one decision
        for _time in range(10):
            assert caller.phone(headers=headers) == AGENT
        assert len(caller.disk.waiting()) == 2
    caller.replay()
    decisions = caller.stored()
    assert {each.way for each in decisions} == {"disk"}
    assert {each.reason for each in decisions} == {"record_owner", "team"}
    assert next(each for each in decisions if each.about).about.name == "Autumn collection"
    assert caller.disk.waiting() == []


def test_while_postgresql_does_not_answer(caller):
    """Nothing closes, nothing answers: each process waits once, then knows it."""
    caller.door.close_ears()
    try:
        with ThreadPoolExecutor(2) as pool:
            waits = [seconds for _a, seconds in pool.map(lambda _n: caller.ask(), range(2))]
        assert max(waits) < 3
        wait_for(lambda: max(caller.ask()[1] for _each in range(8)) < 0.2, "both processes")
        found = [caller.ask(f"70000{each:05}") for each in range(200)]
        seconds = sorted(each for _answer, each in found)
        assert {answer.status_code for answer, _s in found} == {200}
        assert statistics.median(seconds) < 0.05
        assert caller.phone() == AGENT
    finally:
        caller.door.open_ears()

    def is_back():
        customer = f"7100{time.monotonic_ns() % 10**6:06}"
        caller.ask(customer)
        return any(each.customer == customer for each in caller.stored())

    wait_for(is_back, "the database")
    caller.replay()
    assert caller.disk.waiting() == []


def test_a_foreign_token_is_asked_to_come_again(caller):
    url, caller.url = caller.url, caller.url[:-4] + "xxxx"
    try:
        assert caller.ask()[0].status_code == 404
        with caller.server.database_away():
            answer, _seconds = caller.ask()
            assert answer.status_code == 503
            assert answer.headers["Retry-After"]
    finally:
        caller.url = url
