"""Compares the records of the sandboxes and the relay with Odoo's."""

from __future__ import annotations

import base64
import collections
import re

from odoo import fields

from odoo.addons.airtel_ccp.ccp.airtel.reports import kind_and_fingerprint
from odoo.addons.airtel_ccp.ccp.call import states
from odoo.addons.airtel_ccp.ccp.safe.spool import digest
from odoo.addons.airtel_ccp.tests.secrets_in_logs import find_all

from .crowds import ANSWER_SECONDS, BYSTANDER_SECONDS
from .incoming_audit import IncomingAudit
from .storm import REPORT_KILLS, WAYS

TOKEN = re.compile(r"/airtel_ccp/webhook/([\w-]+)")
CARD = "o_airtel_ccp_card"
# A recording's address is removed from its report once the recording is stored
ADDRESS = re.compile(rb'https?:[^"]*')
SHOWN = 5
# In runs with at least this many calls, each point between INSERT and answer must be hit
WHOLE_RUN_CALLS = 150
# What a killed process or an absent database may log, traceback included; anything else is a fault.
# The reason why a registry did not load is in the next record.
EXPECTED_ERRORS = re.compile(
    r"psycopg2|odoo\.sql_db|odoo\.service\.server|bad query|chaos-poison|cannot be folded"
    r"|ChaosNotifyError|ChaosDatabaseError"
    r"|No space left|Failed to load registry|odoo\.addons\.base\.models\.ir_cron"
    r"|odoo\.addons\.bus|werkzeug: .* Request timed out"
)
RECORD = re.compile(r"^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} )", re.MULTILINE)


def active_actions(env):
    """Return the names of the addon's scheduled actions that are active.

    :param odoo.api.Environment env: superuser's environment
    :rtype: set[str]
    """
    data = env["ir.model.data"].search([("module", "=", "airtel_ccp"), ("model", "=", "ir.cron")])
    actions = env["ir.cron"].browse(data.mapped("res_id"))
    return set(actions.filtered("active").mapped("cron_name"))


class Audit:
    """The rules that must hold after a run; ``violations`` has a sentence for each broken one."""

    def __init__(self, env, sandboxes, lines, relay, clicks, crowds, odoo, spool, calls, active):
        """:param env: superuser's environment
        :param dict sandboxes: company name -> ``Sandbox``
        :param list lines: Airtel numbers that customers called, see ``callers.Line``
        :param crowds: the ``Crowds`` that came
        :param spool: the database's ``Spool``
        :param int calls: how many were asked for
        :param set active: names of the scheduled actions that were active before
        """
        self.violations = collections.defaultdict(list)
        self.figures = {}
        self._env = env
        self._relay = relay
        self._clicks = clicks
        self._crowds = crowds
        self._odoo = odoo
        self._spool = spool
        self._active = active
        self._is_whole_run = calls >= WHOLE_RUN_CALLS
        self._lines = lines
        self._calls = env["ccp.call"].with_context(active_test=False).search([])
        self._placed = self._calls.filtered(lambda call: call.direction == "outbound")
        self._by_digest = {call.token_digest: call for call in self._placed}
        self._companies = {line.token: line.company_id for line in lines}
        # Company name, token and ledger entry of every POST; incoming calls have another ledger
        self._posts = [
            (name, TOKEN.search(str(entry["body"])).group(1), entry)
            for name, sandbox in sandboxes.items()
            for entry in sandbox.calls()
        ]

    def run(self):
        """Check all rules."""
        self._check_posts()
        self._check_clicks()
        self._check_reports()
        self._check_ways()
        self._check_states()
        self._check_cards()
        self._check_companies()
        self._check_actions()
        self._check_recordings()
        self._check_statuses()
        self._check_crowds()
        self._check_notified()
        self._check_log()
        incoming = IncomingAudit(
            self._env, self._lines, self._relay, self._spool, self._found
        ).run()
        self.figures = {
            "clicks": sum(self._clicks.clicked.values()),
            "calls": len(self._placed),
            "POSTs": len(self._posts),
            "reports answered 200": len(self._relay.accepted),
            **{f"of them by the {way}": self._count_answered(way) for way in WAYS},
            "reports stored": self._env["ccp.call.event"].search_count([]),
            "recordings stored": len(
                self._calls.filtered(lambda call: call.recording_state == "stored")
            ),
            **incoming,
        }

    def _found(self, rule, sentence):
        self.violations[rule].append(sentence)

    def _check_posts(self):
        rule = "every POST belongs to one call, and no call has two"
        tokens = collections.Counter(token for _name, token, _entry in self._posts)
        for token, count in tokens.items():
            call = self._by_digest.get(digest(token))
            if not call:
                self._found(rule, "a POST without a call")
            elif count > 1:
                self._found(rule, f"call {call.id} has {count} POSTs")
        known = {digest(token) for token in tokens}
        for call in self._placed:
            if call.request_outcome == "accepted" and call.token_digest not in known:
                self._found(rule, f"call {call.id} was accepted but never posted")

    def _check_clicks(self):
        tried = len(self._clicks.clicked)
        # Including calls whose rep was not notified, because Odoo was gone by then
        called = len(set(self._placed.mapped("res_id")))
        if called < tried / 3:
            placed = f"{called} of {tried} leads were called"
            self._found("the run is worth something", placed)
        rule = "no click dials twice"
        leads = collections.Counter(call.res_id for call in self._placed)
        for lead_id, count in leads.items():
            if count > self._clicks.clicked[lead_id]:
                self._found(rule, f"lead {lead_id}: {count} calls")
        for call_id, lead_id in self._clicks.placed.items():
            call = self._env["ccp.call"].browse(call_id).exists()
            if not call or call.res_id != lead_id:
                self._found(rule, f"call {call_id} was answered to a rep and is not there")

    def _check_reports(self):
        rule = "what was answered 200 is stored once, byte for byte"
        events = self._env["ccp.call.event"].search([])
        stored = collections.Counter((self._address(event), event.fingerprint) for event in events)
        came = collections.defaultdict(set)
        for (token, body), answers in self._relay.accepted.items():
            address = self._companies.get(token) or digest(token)
            came[address, kind_and_fingerprint(body)[1]] |= answers
        flooded = self._crowds.flooded
        for key, answers in came.items():
            # A flooded call may have passed its second bound
            if stored[key] != 1 and not (key[0] in flooded and stored[key] == 0):
                self._found(rule, f"a report is stored {stored[key]} times: {sorted(answers)}")
        sent = collections.defaultdict(set)
        for token, body in self._relay.sent:
            sent[digest(token), kind_and_fingerprint(body)[1]] |= {body, ADDRESS.sub(b"", body)}
        for event in events:
            key = (self._address(event), event.fingerprint)
            kept = event.raw_payload
            body = base64.b64decode(kept) if kept else event.payload.encode()
            # Anybody may post to an account's own address
            is_of_call = key[0] == event.call_id.token_digest
            if is_of_call and key[0] not in flooded and body not in sent[key]:
                how = "otherwise than it was sent" if sent[key] else "that nobody sent"
                self._found(rule, f"report {event.id} is stored {how}")
        if self._spool.names() or list(self._spool.folder.glob("*.unreadable")):
            self._found(rule, "reports still wait on disk")

    def _address(self, event):
        """Return which address a report came to: a call's, or a company's."""
        return event.call_id.token_digest or event.company_id.id

    def _check_ways(self):
        rule = "reports enter by both ways"
        for way in WAYS:
            if not self._relay.came[f"{way}, stored"]:
                self._found(rule, f"none by the {way}")
        rule = "each point of a report's way was struck"
        hits = self._odoo.hits()
        for way in WAYS:
            for point in REPORT_KILLS:
                # How many wait on disk depends on the faults
                is_asked_for = self._is_whole_run and not point.endswith("its file")
                if is_asked_for and f"killed: {way}, {point}" not in hits:
                    self._found(rule, f"{way}, {point}")

    def _count_answered(self, way):
        """Return how many of the reports answered 200 came this way at least once."""
        answers = self._relay.accepted.values()
        return sum(any(answer.startswith(f"{way},") for answer in each) for each in answers)

    def _check_states(self):
        rule = "a call's state is the fold of its reports"
        deadline_rule = "every call is ended or inside its deadline"
        for call in self._calls:
            changes = call._changes(call._timeline())
            changes.pop("deadline", None)
            if changes or call.event_ids.filtered(lambda event: not event.folded):
                self._found(rule, f"call {call.id} differs in {sorted(changes)}")
            if call.fold_error:
                self._found(rule, f"call {call.id} has an error")
            waits = call.state in states.LIVE_STATES
            if waits != bool(call.deadline):
                self._found(deadline_rule, f"call {call.id} is {call.state}")
            elif waits and call.deadline < fields.Datetime.now():
                self._found(deadline_rule, f"call {call.id} is still {call.state}")
            if call.live and not waits:
                self._found(deadline_rule, f"call {call.id} is over but holds a line")

    def _check_cards(self):
        rule = "one chatter card for a call"
        messages = self._env["mail.message"].search([("body", "like", CARD)])
        cards = collections.Counter((message.model, message.res_id) for message in messages)
        calls = collections.Counter((call.res_model, call.res_id) for call in self._calls)
        for record, count in calls.items():
            if cards[record] > count:
                self._found(rule, f"{record}: {count} calls, {cards[record]} cards")
        for call in self._calls:
            records = [(message.model, message.res_id) for message in call.card_message_ids]
            if len(records) != len(set(records)):
                self._found(rule, f"call {call.id} has two cards on one record")
            if call.res_model and call.event_ids and (call.res_model, call.res_id) not in records:
                self._found(rule, f"call {call.id} has no card")

    def _check_companies(self):
        rule = "nothing of one company in another"
        for name, token, _entry in self._posts:
            call = self._by_digest.get(digest(token))
            if call and call.company_id.name != name:
                self._found(rule, f"call {call.id} went to the account of {name}")
        for call in self._placed:
            lead = self._env["crm.lead"].browse(call.res_id)
            if not (call.company_id == lead.company_id == call.user_id.company_id):
                self._found(rule, f"call {call.id} mixes companies")
            if call.recording_id and call.recording_id.company_id != call.company_id:
                self._found(rule, f"the recording of call {call.id} is in another company")

    def _check_actions(self):
        rule = "scheduled actions are still active"
        for name in self._active - active_actions(self._env):
            self._found(rule, name)

    def _check_recordings(self):
        rule = "recordings are whole, and on disk once"
        for call in self._calls:
            if call.recording_state == "stored":
                raw = call.recording_id.raw or b""
                size = int.from_bytes(raw[4:8], "little") + 8
                if raw[:4] != b"RIFF" or len(raw) != size:
                    self._found(rule, f"the recording of call {call.id} is not whole")
            files = self._env["ir.attachment"].search_count(
                [
                    ("res_model", "=", "ccp.call"),
                    ("res_id", "=", call.id),
                    ("res_field", "!=", False),
                ]
            )
            if files != (call.recording_state == "stored"):
                self._found(rule, f"call {call.id} is {call.recording_state}, {files} files")
            waits = call.recording_state == "pending"
            if waits != bool(call.recording_next_date):
                self._found(rule, f"the recording of call {call.id} is forgotten")

    def _check_statuses(self):
        rule = "Airtel never sees a 4xx"
        for status, count in self._relay.statuses.items():
            if isinstance(status, int) and 400 <= status < 500:
                self._found(rule, f"{count} answers {status}")

    def _check_crowds(self):
        rule = f"others' reports are folded within {BYSTANDER_SECONDS} s"
        for name, seconds in self._crowds.waits.items():
            if seconds > BYSTANDER_SECONDS:
                self._found(rule, f"{name}: {seconds:.0f} s")
        rule = f"reports are answered within {ANSWER_SECONDS} s while others listen"
        for name, seconds in self._crowds.answers.items():
            if seconds > ANSWER_SECONDS:
                self._found(rule, f"{name}: {seconds:.0f} s")
        rule = "a flood is answered 200, if at all"
        for name in ("flood of one call", "foreign flood"):
            for status, count in self._crowds.statuses[name].items():
                if status not in (200, "no answer"):
                    self._found(rule, f"{name}: {count} answers {status}")
        rule = "an address ends some days after its call"
        statuses, stored = self._crowds.late
        if stored or set(statuses) - {404}:
            self._found(rule, f"{dict(statuses)}, {stored} reports stored")

    def _check_notified(self):
        rule = "what is derived is notified of"
        for call in self._calls:
            if call.notify_date:
                self._found(rule, f"call {call.id} waits")
            if call.state == "ended" and not call.ended:
                self._found(rule, f"the rules of call {call.id} did not run")

    def _check_log(self):
        log = self._odoo.read_log()
        for leak in find_all(log)[:SHOWN]:
            self._found("no secret in the log", leak)
        for record in RECORD.split(log):
            line = record.partition("\n")[0]
            if (" ERROR " in line or " CRITICAL " in line) and not EXPECTED_ERRORS.search(record):
                self._found("no error but those of the faults", line[:300])
