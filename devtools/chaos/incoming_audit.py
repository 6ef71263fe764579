"""Compares the sandboxes' records of incoming calls with Odoo's."""

from __future__ import annotations

import collections
import json

from odoo.addons.airtel_ccp.ccp.airtel.reports import kind_and_fingerprint
from odoo.addons.airtel_ccp.ccp.safe.decisions import Decisions

from .callers import Line

ANSWERED = "answered"


class IncomingAudit:
    """The rules for incoming calls; reports broken ones."""

    def __init__(self, env, lines: list[Line], relay, spool, found):
        """:param env: superuser's environment.
        :param relay: the ``Relay`` through which questions and reports went.
        :param found: called with a rule and a sentence for each time it is broken.
        """
        self._env = env
        self._lines = lines
        self._relay = relay
        self._spool = spool
        self._found = found
        self._calls = env["ccp.call"].search([("direction", "=", "inbound")])
        self._decisions = collections.Counter(
            (event.company_id.id, json.loads(event.payload)["customer"])
            for event in env["ccp.call.event"].search([("kind", "=", "decision")])
        )
        # By company's token: the reports answered 200 at the company's own address
        self._bodies = collections.defaultdict(list)
        for token, body in relay.accepted:
            self._bodies[token].append(body)

    def run(self) -> dict[str, int]:
        """Check all rules; return figures about them."""
        for line in self._lines:
            for entry in line.sandbox.incoming_calls():
                self._check_entry(line, entry)
        self._check_strangers()
        self._check_questions()
        self._check_promises()
        if Decisions(self._spool.folder).waiting():
            self._found("decisions on disk are taken in", "some still wait")
        return {
            "incoming calls": sum(len(line.sandbox.incoming_calls()) for line in self._lines),
            "rows of them": len(self._calls),
            "questions answered": self._relay.asked[200],
            "decisions": sum(self._decisions.values()),
        }

    def _check_entry(self, line, entry):
        customer = entry["from"]
        calls = self._calls.filtered(
            lambda call: call.company_id.id == line.company_id and call.customer_number == customer
        )
        if len(calls) > 1:
            self._found("no incoming call is doubled", f"{customer}: {len(calls)} rows")
        is_decided = any(each["status"] == 200 for each in entry["asked"])
        decisions = self._decisions[line.company_id, customer]
        # A question whose answer was lost may have a decision, too
        if decisions > len(entry["asked"]) or (is_decided and not decisions):
            self._found("each question is one decision", f"{customer}: {decisions} decisions")
        has_record = any(
            customer.encode() in body and kind_and_fingerprint(body)[0] == "cdr"
            for body in self._bodies[line.token]
        )
        if (is_decided or has_record) and not calls:
            self._found(
                "no incoming call is without its row",
                f"{customer}: decided {is_decided}, its record came {has_record}",
            )
        for call in calls:
            if has_record and (call.result == "connected") != (entry["outcome"] == ANSWERED):
                self._found(
                    "an incoming call ends as it ended",
                    f"call {call.id}: {entry['outcome']} at Airtel, {call.result} here",
                )
            if call.flow_id and call.flow_id.caller_number != line.number:
                self._found("an incoming call is of its number", f"call {call.id}")

    def _check_strangers(self):
        known = {(line.company_id, each) for line in self._lines for each in line.customers}
        for call in self._calls:
            if (call.company_id.id, call.customer_number) not in known:
                self._found("nobody is made up", f"call {call.id} is of no customer of its company")
            if call.user_id and call.user_id.company_id != call.company_id:
                self._found("nothing of one company in another", f"incoming call {call.id}")

    def _check_questions(self):
        for status, count in self._relay.asked.items():
            if status not in (200, "no answer"):
                self._found("no caller without an answer", f"{count} answers {status}")

    def _check_promises(self):
        """Check that each customer who was not answered is owed one call-back."""
        for call in self._calls:
            if call.owes_callback and not call.callback_id:
                self._found("no missed call is forgotten", f"call {call.id}")
        for callback in self._env["ccp.callback"].search([]):
            if not callback.call_ids:
                self._found("no call-back without its call", f"call-back {callback.id}")
