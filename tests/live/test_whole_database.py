"""A real server on a database of its own: what is left of somebody anywhere after each act."""

import base64
import contextlib
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

import odoo
from odoo.tools import config

from ...ccp.safe.spool import digest
from ...devtools.lab.odoo import connect
from ..canaries import (
    DIGITS,
    NAME,
    NOTES,
    SPELLINGS,
    patterns,
    search_database,
    search_folder,
    search_text,
)
from ..common import LONG
from ..leaves_canaries import LEFT
from ..secrets_in_logs import PASSWORD, own_lines
from ..test_erasure_scan import STAYS
from .server import LiveServer, LiveSetup, live_stack, wait_for

pytestmark = pytest.mark.skipif(not LONG, reason="make test-all runs it")

RECORDS = "Date,Time,Caller_Number,Destination_Number,Overall_Call_Status,Session_ID\n"
PAST = f"{RECORDS}01/02/2024,10:00:00,7000000901,{DIGITS},Answered,past-1\n"
UNMATCHED = {"Caller_Number": "7000000902", "Overall_Call_Status": "Answered"}


class Days:
    """Days of work with one person over RPC and HTTP, and what they left."""

    def __init__(self, server: LiveServer, sandbox, setup: LiveSetup):
        self.server, self.sandbox, self.setup = server, sandbox, setup
        self.rep, self.manager = server.login("rep"), server.login("ccp_manager")
        self.tokens = []
        with server.env() as env:
            # What Odoo tracks of a lead's phone is the lead's own history
            env = env(context=dict(env.context, tracking_disable=True))
            env["res.partner"].browse(setup.partner_id).write({"name": NAME, "phone": SPELLINGS[0]})
            lead = env["crm.lead"].browse(setup.lead_id)
            lead.write({"phone": SPELLINGS[2], "contact_name": NAME})
            self.company_token = env.company.ccp_webhook_token
            self.outcome_id = (
                env["ccp.call.outcome"]
                .create(
                    {
                        "name": "Call again",
                        "activity_type_id": env.ref("mail.mail_activity_data_call").id,
                    }
                )
                .id
            )
        sandbox.assign_script(DIGITS, "connects")

    def leave(self):
        """Call the person in every way that the product offers, and leave dialogs open."""
        rep, lead_id = self.rep, self.setup.lead_id
        rep.call("ccp.call.list.item", "add_records", "crm.lead", [lead_id])
        call_id = rep.call("crm.lead", "action_ccp_call", [lead_id])["call_id"]
        wait_for(
            lambda: (
                self.server.query("SELECT recording_state FROM ccp_call WHERE id = %s", call_id)
                == [("stored",)]
            ),
            "the recording",
        )
        components = self.sandbox.calls()[0]["body"]["callFlowConfiguration"].values()
        callbacks = next(each["callBackURLs"] for each in components if "callBackURLs" in each)
        for each in callbacks:
            self.tokens.append(urlsplit(each["notifyURL"]).path.rpartition("/")[2])
            self.tokens += each["headers"].values()
        rep.call("ccp.panel", "save_note", call_id, NOTES["panel"], "")
        rep.call("ccp.panel", "follow_up", call_id, "tomorrow", NOTES["follow-up"])
        self.manager.call("ccp.call", "web_read", [call_id], {"display_name": {}})
        values = {"outcome_id": self.outcome_id, "note": NOTES["outcome"]}
        values["note_before"] = NOTES["panel"]
        dialog = self.open_dialog(self.manager, "ccp.call.entry", call_id=call_id, **values)
        self.manager.call("ccp.call.entry", "action_save", [dialog])
        record = {"res_model": "crm.lead", "res_id": lead_id, "phone": SPELLINGS[4]}
        dialog = self.open_dialog(rep, "ccp.manual.call", **record, note=NOTES["logged"])
        rep.call("ccp.manual.call", "action_log", [dialog])
        dialog = self.open_dialog(self.manager, "ccp.history.import", text=PAST)
        self.manager.call("ccp.history.import", "action_preview", [dialog])
        self.manager.call("ccp.history.import", "action_import", [dialog])
        self.open_dialog(rep, "ccp.manual.call", **record, note=NOTES["dialog"])
        self.open_dialog(rep, "ccp.call.entry", call_id=call_id, note=NOTES["entry"])
        self.open_dialog(self.manager, "ccp.history.import", text=PAST + NOTES["import"])
        file = base64.b64encode(f"{PAST}{NOTES['import']}".encode()).decode()
        self.open_dialog(self.manager, "ccp.history.import", file=file, file_name="calls.csv")
        for spelling in SPELLINGS:
            self.report({**UNMATCHED, "Destination_Number": spelling, "Session_ID": spelling})
        # These came while the database was away, and could not be stored when it was back
        for number, reason in ((SPELLINGS[3], "ValueError"), (SPELLINGS[1], "KeyError")):
            raw = json.dumps({**UNMATCHED, "Destination_Number": number}).encode()
            self.server.spool.put(self.company_token, None, raw)
            self.server.spool.set_aside(self.server.spool.names()[0], reason)
        return call_id

    def open_dialog(self, session, model, **values):
        """Open a dialog with values, and return its id."""
        return session.call(model, "create", values)

    def report(self, payload):
        """Post a report to the account's own notify URL."""
        url = f"{self.server.url}/airtel_ccp/webhook/{self.company_token}"
        assert requests.post(url, data=json.dumps(payload), timeout=20).status_code == 200

    def patterns(self, *kinds):
        """Return expressions for what these days left."""
        return patterns(
            *self.tokens,
            *map(digest, self.tokens),
            address=f"{self.sandbox.url}/recordings",
            kinds=kinds,
        )

    def found(self, *kinds, database=None):
        """Return the places with canaries: columns of tables, files, and the log."""
        wanted = self.patterns(*kinds)
        database = database or self.server.database
        with connect(database) as connection, connection.cursor() as cursor:
            found = search_database(cursor, wanted)
        files = search_folder(Path(config["data_dir"]) / "filestore" / database, wanted)
        found.update({("filestore", path): each for path, each in files.items()})
        spooled = search_folder(self.server.spool.folder, wanted)
        found.update({("spool", path): each for path, each in spooled.items()})
        for line in own_lines(self.server.read_log()):
            if logged := search_text(line, wanted):
                found["log", line] = logged
        return found

    def recordings(self):
        """Return the paths of the recordings' files."""
        folder = Path(config["data_dir"]) / "filestore" / self.server.database
        rows = self.server.query(
            "SELECT store_fname FROM ir_attachment WHERE res_model = 'ccp.call'"
        )
        return [folder / name for (name,) in rows]


@pytest.fixture
def days():
    with live_stack(speed=50) as (server, sandbox, setup):
        yield Days(server, sandbox, setup)


@contextlib.contextmanager
def neutralized(server):
    """Copy the server's database and neutralize the copy with Odoo's own command."""
    copy = f"{server.database}_copy"
    server.stop()
    # A database that is copied has no other connection
    odoo.sql_db.close_db(server.database)
    subprocess.run(["createdb", "-T", server.database, copy], check=True)
    command = [sys.executable, "-c", "from odoo.cli import main; main()", "neutralize"]
    try:
        subprocess.run([*command, f"--config={config.rcfile}", f"--database={copy}"], check=True)
        yield copy
    finally:
        subprocess.run(["dropdb", "--if-exists", "--force", copy], check=True)


def test_erasure(days):
    """Nothing says who was called, beside the person's own records and its people's words there."""
    days.leave()
    files = days.recordings()
    assert files and all(path.exists() for path in files)
    before = days.found()
    # A bus message is deleted by Odoo within minutes
    assert LEFT - {("ccp_call_change", "after"), ("bus_bus", "message")} <= set(before)
    assert len([place for place in before if place[0] == "spool"]) == 2
    dialog = days.open_dialog(days.manager, "ccp.erasure", partner_id=days.setup.partner_id)
    days.manager.call("ccp.erasure", "action_erase", [dialog])
    left = {place: kinds for place, kinds in days.found().items() if place not in STAYS}
    assert left == {}
    assert not any(path.exists() for path in files)
    for spelling in SPELLINGS:
        days.report({**UNMATCHED, "Destination_Number": spelling, "Session_ID": "past-1"})
    wait_for(
        lambda: days.server.query("SELECT count(*) FROM ccp_call_event") == [(0,)],
        "late reports of a call that was erased to go",
    )
    assert set(days.found()) <= STAYS


def test_retention(days):
    days.leave()
    files = days.recordings()
    assert files
    days.server.query("UPDATE ccp_call SET start_date = start_date - interval '100 days'")
    days.server.query("UPDATE ccp_call_event SET received_at = received_at - interval '100 days'")
    days.server.query(
        "UPDATE res_company SET ccp_keep_recordings_days = 30, ccp_keep_reports_days = 30,"
        " ccp_keep_calls_days = 30"
    )
    with days.server.env() as env:
        action_id = env.ref("airtel_ccp.ir_cron_delete_old_data").id
    admin = days.server.login("admin", "admin")
    admin.call("ir.cron", "method_direct_trigger", [action_id])
    with days.server.env() as env:
        # As Odoo does within hours
        for model in ("ccp.history.import", "ccp.manual.call", "ccp.call.entry"):
            env[model].search([]).unlink()
    assert not any(path.exists() for path in files)
    found = days.found("note", "token", "address")
    assert {place for place in found if place[0] not in ("spool", "bus_bus")} == set()
    assert days.server.query("SELECT count(*) FROM ccp_call") == [(0,)]


def test_a_copy(days):
    """No credential, token or recording's address is in a copy that ``odoo-bin`` neutralized."""
    days.leave()
    wanted = days.patterns("token", "address")
    wanted["token"] = f"{wanted['token']}|{days.company_token}"
    wanted["credential"] = f"{PASSWORD}|SANDBOX-CUSTOMER"
    with neutralized(days.server) as copy, connect(copy) as connection:
        with connection.cursor() as cursor:
            found = search_database(cursor, wanted)
    assert {place: kinds for place, kinds in found.items() if place[0] != "ir_module_module"} == {}
    with connect(days.server.database) as connection, connection.cursor() as cursor:
        assert ("res_company", "ccp_secret_password") in search_database(cursor, wanted)
