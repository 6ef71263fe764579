import json
import uuid
from datetime import timedelta

from odoo import fields

from ...ccp.safe.spool import digest
from ...models import report_store
from ...models.ccp_call_fold_shards import HELPERS
from ...sandbox.server import Sandbox
from ..common import accepted_call
from .server import LiveServer, LiveSetup, wait_for, wake

CALLS, LEADS = 120, 25
STORY = [
    {"eventType": "CALL", "event": "Ringing", "participantName": "A"},
    {"eventType": "CALL", "event": "Answer", "participantName": "A"},
    {"eventType": "CALL", "event": "Answer", "participantName": "B"},
]


def test_several_actions_fold_many_calls_each_once():
    options = ("--max-cron-threads=4",)
    with Sandbox(port=0) as sandbox, LiveServer(workers=2, options=options) as server:
        setup = LiveSetup(server, sandbox)
        server.stop()
        with server.env() as env:
            # They notify when all is folded, which has a test of its own
            env.ref("airtel_ccp.ir_cron_notify").active = False
            tomorrow = fields.Datetime.now() + timedelta(days=1)
            for name in HELPERS:
                # Those that run do so because they are asked
                env.ref(name).write({"active": True, "nextcall": tomorrow})
            ids = store_reports(env, setup)
        server.start()
        wake(server)
        wait_for(
            lambda: (
                server.query("SELECT count(*) FROM ccp_call_event WHERE folded IS NOT TRUE")
                == [(0,)]
            ),
            "the last fold",
            120,
        )
        log = server.read_log()
        # Four workers: two helpers at most
        for number, helps in ((2, True), (3, True), (4, False)):
            name = f"help to take new reports into account ({number})"
            assert (f"'Airtel CCP: {name}'" in log) == helps
        assert "cannot be folded" not in log
        assert "notifying failed" not in log
        folded = server.query(
            "SELECT state, fold_error, count(*) FROM ccp_call WHERE id = ANY(%s) GROUP BY 1, 2", ids
        )
        assert folded == [("in_call", None, CALLS)]
        # One on the lead and one on the contact
        cards = "SELECT count(*) FROM ccp_call_card_message_rel WHERE call_id = ANY(%s)"
        assert server.query(cards, ids) == [(2 * CALLS,)]


def store_reports(env, setup):
    """Make calls whose reports wait, and return their ids."""
    lead = env["crm.lead"].browse(setup.lead_id)
    agent = env["res.users"].browse(setup.rep_id)
    # Calls of one lead are in different shards: their cards meet each other
    leads = [lead.copy() for _number in range(LEADS)]
    ids = []
    for number in range(CALLS):
        token = digest(uuid.uuid4().hex)
        call = accepted_call(
            env,
            leads[number % LEADS],
            lead.partner_id,
            agent,
            env.company.ccp_flow_id,
            token_digest=token,
            live=False,
        )
        ids.append(call.id)
        env.flush_all()
        for report in STORY:
            assert report_store.store(env.cr, token, None, json.dumps(report).encode())
    return ids
