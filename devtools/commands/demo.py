"""``make demo``: a call on a demo lead, then one from it, both followed to their end.

Everything goes through Odoo's own RPC, as a browser speaks it.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Any

from ..lab import customers
from ..lab.session import Answer, Session
from ..machine import postgres
from ..machine.database import Databases
from ..machine.layout import ADDON, Layout, Settings
from ..machine.services import suggested_port
from . import setup
from .run import REPRESENTATIVES, serving, url_of

DATABASE = f"{ADDON}_demo"
LEAD = "lead_connects"
# The sandbox plays a call this many times faster than life.
SPEED = 4
CALL_SECONDS = 150
RECORDING_SECONDS = 60
_POLL_SECONDS = 0.25
_BLOCKS = {"div", "li", "p", "tr", "ul", "ol", "br", "h1", "h2", "h3"}


class _Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag, attributes):
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag):
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data):
        self.parts.append(re.sub(r"\s+", " ", data))


def text_of(markup: str) -> str:
    """Return the text of some HTML, one line for each block."""
    parser = _Text()
    parser.feed(markup or "")
    parser.close()
    lines = (re.sub(r" +", " ", line).strip() for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)


def is_wave(answer: Answer) -> bool:
    """Return whether a page is sound in the WAV format."""
    return answer.status == 200 and answer.body[:4] == b"RIFF" and answer.body[8:12] == b"WAVE"


@dataclass
class Outcome:
    """The results of the demo call.

    :param result: the call's result, as Odoo has it.
    :param kinds: the kinds of the reports that arrived.
    :param fetched: whether the rep could fetch the recording.
    :param guarded: whether nobody can fetch it without logging in.
    """

    result: str | None
    kinds: list[str]
    fetched: bool
    guarded: bool

    def shortcomings(self) -> list[str]:
        """Return what did not happen as it has to, in words; nothing when all is well."""
        found = []
        if self.result != "connected":
            found.append(f"the call ended as {self.result or 'nothing'}, not as connected")
        if "cdr" not in self.kinds:
            found.append("its call data record did not arrive")
        if not self.fetched:
            found.append("the rep could not fetch its recording")
        if not self.guarded:
            found.append("its recording can be fetched without logging in")
        return found


@dataclass
class Taken:
    """The results of the incoming call.

    :param result: the call's result, as Odoo has it.
    :param agent: the login of who picked up.
    :param reason: the code why it was put through to them.
    """

    result: str | None
    agent: str | None
    reason: str | None

    def shortcomings(self) -> list[str]:
        """Return what did not happen as it has to, in words; nothing when all is well."""
        found = []
        if self.result != "connected":
            found.append(f"the incoming call ended as {self.result or 'nothing'}, not as connected")
        if self.agent != REPRESENTATIVES[0][0]:
            found.append(f"{self.agent or 'nobody'} picked up, not the lead's owner")
        if self.reason != "record_owner":
            found.append(f"it was put through for the reason {self.reason or 'none'}")
        return found


def _wait_for(session: Session, call: int, seconds: float, done) -> dict[str, Any]:
    """Read the call until ``done(values)``, printing each new state; return what was read last."""
    deadline = time.monotonic() + seconds
    start, state = time.monotonic(), None
    while True:
        fields = [
            "state",
            "result",
            "recording_state",
            "timeline_html",
            "correlation_id",
            "talk_seconds",
        ]
        values = session.call("ccp.call", "read", [call], fields)[0]
        if values["state"] != state:
            state = values["state"]
            print(f"  {time.monotonic() - start:5.1f} s  {state}", flush=True)
        if done(values) or time.monotonic() > deadline:
            return values
        time.sleep(_POLL_SECONDS)


def _reports(session: Session, call: int) -> list[dict[str, Any]]:
    domain = [["call_id", "=", call]]
    return session.call(
        "ccp.call.event", "search_read", domain, ["kind", "received_at"], order="received_at, id"
    )


def _card(session: Session, lead: int) -> str:
    domain = [
        ["model", "=", "crm.lead"],
        ["res_id", "=", lead],
        ["body", "ilike", "o_airtel_ccp_card"],
    ]
    found = session.call("mail.message", "search_read", domain, ["body"], order="id desc", limit=1)
    return text_of(found[0]["body"]) if found else "(none)"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def place_call(url: str, database: str) -> Outcome:
    """Place one call as a demo rep and follow it to its end, printing what happens.

    :param url: Odoo's address.
    :raises ToolError: when Odoo refuses; its text is Odoo's own sentence.
    """
    session = Session(url)
    login, password = REPRESENTATIVES[0]
    session.login(database, login, password)
    _, lead = session.call("ir.model.data", "check_object_reference", ADDON, LEAD)
    name = session.call("crm.lead", "read", [lead], ["name", "partner_name"])[0]["name"]
    print(f'\n{login} calls the lead "{name}"', flush=True)
    # A demo that was ended early leaves a call that holds the rep's line.
    live = session.call("ccp.call", "search", [["live", "=", True]])
    if live:
        session.call("ccp.call", "action_close", live)
    call = session.call("crm.lead", "action_ccp_call", [lead])["call_id"]
    path = f"/{ADDON}/recording/{call}"

    def has_everything(values: dict[str, Any]) -> bool:
        ended = values["state"] in {"ended", "refused"}
        if values["result"] != "connected":
            return ended
        return ended and values["recording_state"] in {"pending", "stored"}

    values = _wait_for(session, call, CALL_SECONDS, has_everything)
    deadline = time.monotonic() + RECORDING_SECONDS
    sound = session.get(path)
    while values["result"] == "connected" and not is_wave(sound) and time.monotonic() < deadline:
        time.sleep(1)
        sound = session.get(path)
    stranger = Session(url).get(path)
    reports = _reports(session, call)

    print("\nReports from Airtel (UTC)")
    for report in reports:
        print(f"  {report['received_at']}  {report['kind']}")
    print("\nTimeline\n" + _indented(text_of(values["timeline_html"])))
    print("\nCard in the lead's chatter\n" + _indented(_card(session, lead)))
    print(f"\nResult: {values['result'] or values['state']}, {values['talk_seconds']} s of talk")
    print(
        f"Recording {path}: {sound.status} {sound.media_type}, {len(sound.body)} bytes, as {login}"
    )
    print(f"Recording {path}: {stranger.status}, not logged in")
    kinds = [report["kind"] for report in reports]
    return Outcome(values["result"] or None, kinds, is_wave(sound), not is_wave(stranger))


def take_call(url: str, sandbox_url: str, database: str) -> Taken:
    """Let the demo lead's contact call, and follow the call to its end, printing what happens.

    :param url: Odoo's address.
    :raises ToolError: when Odoo or the sandbox refuses.
    """
    session = Session(url)
    login, password = REPRESENTATIVES[0]
    session.login(database, login, password)
    domain = [["direction", "=", "inbound"]]
    before = session.call("ccp.call", "search", domain, order="id desc", limit=1)
    print(f"\nThe lead's contact calls {customers.AIRTEL_NUMBER}", flush=True)
    customers.ring(sandbox_url)
    newer = [*domain, ["id", ">", before[0] if before else 0]]
    deadline = time.monotonic() + CALL_SECONDS
    while not (calls := session.call("ccp.call", "search", newer, limit=1)):
        if time.monotonic() > deadline:
            return Taken(None, None, None)
        time.sleep(_POLL_SECONDS)
    _wait_for(session, calls[0], CALL_SECONDS, lambda values: values["state"] == "ended")
    fields = [
        "result",
        "user_id",
        "route_reason",
        "route_sentence",
        "timeline_html",
        "talk_seconds",
    ]
    values = session.call("ccp.call", "read", calls, fields)[0]
    user = values["user_id"] and session.call(
        "res.users", "read", [values["user_id"][0]], ["login"]
    )
    agent = user[0]["login"] if user else None
    print(f"\n{values['route_sentence']}")
    print("\nTimeline\n" + _indented(text_of(values["timeline_html"])))
    print(f"\nResult: {values['result']}, {values['talk_seconds']} s of talk")
    return Taken(values["result"] or None, agent, values["route_reason"] or None)


def main(layout: Layout, settings: Settings) -> int:
    """Start what is needed, place a call, take one, and end everything again.

    :return: 0 only when both calls connected, the call data record of the first one came, its
        recording can be fetched by the rep and by nobody who is not logged in, and the second one
        was put through to the lead's owner.
    """
    tree = setup.prepare(layout, settings, with_browser=False)
    # Beside the ports of `make run`, which may be running, and the same every time: the addresses
    # in the database then need no change.
    settings = replace(
        settings,
        odoo_port=suggested_port(settings.odoo_port),
        sandbox_port=suggested_port(settings.sandbox_port),
        workers=0,
    )
    with postgres.server(layout, settings) as server:
        databases = Databases(layout, tree, server, demo=True)
        logs = layout.logs / "demo"
        with serving(databases, DATABASE, settings, logs, "--speed", str(SPEED)):
            odoo_url, sandbox_url = url_of(settings.odoo_port), url_of(settings.sandbox_port)
            outcome = place_call(odoo_url, DATABASE)
            taken = take_call(odoo_url, sandbox_url, DATABASE)
    shortcomings = [*outcome.shortcomings(), *taken.shortcomings()]
    if shortcomings:
        print("\nThe demo failed: " + "; ".join(shortcomings) + ".")
        return 1
    print(
        "\nThe call connected, its record arrived, and only those who may can listen to it. "
        "The customer who called reached the lead's owner."
    )
    return 0
