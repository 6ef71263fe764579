import json
import random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from odoo.exceptions import UserError
from odoo.tests import tagged

from ...ccp.airtel.reports import kind_and_fingerprint
from ...ccp.call import states
from ..common import LONG, CcpCase
from ..histories import SCRIPTS, history

# What the sandbox answers to a POST for these customers, and what that means for the call
ANSWERS = {
    "7000000101": "accepted",
    "7000000117": "unknown",
    "7000000130": "unknown",
    "7000000114": "refused",
    "7000000115": "refused",
    "7000000132": "refused",
    "7000000301": "refused",
}


class Calls(RuleBasedStateMachine):
    """Everything that can happen to calls, in any order; ``case`` is the test it runs in."""

    case = None

    def __init__(self):
        super().__init__()
        self.env = self.case.env
        self.savepoint = self.env.cr.savepoint(flush=True)
        self.case.sandbox.clear()
        self.posts = 0
        self.sent = {}
        self.histories = {}
        self.rng = random.Random(1)

    def teardown(self):
        self.env.clear()
        self.savepoint.close(rollback=True)
        self.env.clear()

    @property
    def calls(self):
        return self.env["ccp.call"].browse(list(self.sent))

    @rule(number=st.sampled_from(sorted(ANSWERS)), other=st.booleans())
    def click(self, number, other):
        case = self.case
        user = case.other_rep if other else case.rep
        lead = self.lead()
        lead.phone = number
        is_busy = bool(self.calls.filtered(lambda call: call.live and call.user_id == user))
        before = self.env["ccp.call"].search([], limit=1).id or 0
        try:
            case.place(lead, user)
            error = None
        except UserError as caught:
            self.env.invalidate_all()
            error = caught
        new = self.env["ccp.call"].search([("id", ">", before)])
        if is_busy:
            assert error and not new, "a busy rep placed a call"
            return
        self.posts += 1
        assert len(new) == 1
        self.sent[new.id] = set()
        expected = ANSWERS[number]
        assert new.request_outcome == expected, (number, new.request_outcome)
        assert bool(error) == (expected == "refused")
        body = case.sandbox.calls()[-1]["body"]
        script = self.rng.choice(SCRIPTS)
        self.histories[new.id] = history(body, script, self.rng)

    def lead(self):
        """Return the lead to call, a new one when the last was deleted."""
        if not self.case.lead.exists():
            self.case.lead = self.case.lead.create(
                {"name": "Next", "user_id": self.case.rep.id, "partner_id": self.case.partner.id}
            )
        return self.case.lead

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def reports(self, data):
        call = data.draw(st.sampled_from(self.calls), "call")
        reports = data.draw(st.lists(st.sampled_from(self.histories[call.id]), max_size=6))
        folds = data.draw(st.booleans(), "fold at once")
        self.case.report(call, *reports, fold=folds)
        self.sent[call.id].update(kind_and_fingerprint(report)[1] for report in reports)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def late_record(self, data):
        call = data.draw(st.sampled_from(self.calls), "call")
        report = self.histories[call.id][-1]
        self.case.report(call, report)
        self.sent[call.id].add(kind_and_fingerprint(report)[1])

    @rule()
    def fold(self):
        self.calls._fold()

    @rule()
    def end_silent(self):
        self.case.end_silent(self.calls)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def hang_up(self, data):
        call = data.draw(st.sampled_from(self.calls), "call")
        call.with_user(call.user_id).action_close()

    @rule()
    def delete_the_lead(self):
        self.lead().unlink()

    @rule()
    def merge_the_lead(self):
        lead = self.lead()
        other = lead.copy({"name": "Same customer", "type": lead.type})
        self.case.lead = (lead | other).merge_opportunity()

    @rule()
    def rotate_the_token(self):
        self.env.company._ccp_renew_token()

    @rule()
    def restart(self):
        self.env.flush_all()
        self.env.clear()
        self.env.registry.clear_all_caches()

    @invariant()
    def one_post_for_a_click(self):
        bodies = [json.dumps(entry["body"], sort_keys=True) for entry in self.case.sandbox.calls()]
        assert len(bodies) == len(set(bodies)) == self.posts == len(self.sent)

    @invariant()
    def reports_are_stored_once(self):
        for call in self.calls:
            prints = call.event_ids.mapped("fingerprint")
            assert sorted(prints) == sorted(self.sent[call.id])

    @invariant()
    def state_is_a_function_of_the_reports(self):
        for call in self.calls:
            if all(call.event_ids.mapped("folded")):
                assert not call._changes(call._timeline())

    @invariant()
    def one_live_call_for_an_agent(self):
        agents = self.calls.filtered("live").mapped("user_id.id")
        live = self.calls.filtered("live")
        assert len(agents) == len(live)

    @invariant()
    def every_wait_has_an_end(self):
        for call in self.calls:
            assert (call.state in states.LIVE_STATES) == bool(call.deadline), call.state

    @invariant()
    def one_card_on_a_record(self):
        for call in self.calls:
            cards = [(card.model, card.res_id) for card in call.card_message_ids.exists()]
            assert len(cards) == len(set(cards))


@tagged("post_install", "-at_install")
class TestProperties(CcpCase):
    """What must hold whatever happens, in whatever order."""

    def test_calls(self):
        Calls.case = self
        run_state_machine_as_test(
            Calls,
            settings=settings(
                max_examples=100 if LONG else 12,
                stateful_step_count=20,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
