"""A pool of agents (ROUND ROBIN): the phones that ring are known from reports alone."""

import pytest
from test_timeline import AGENT_RINGS, OVER, A, B, at, cdr, event

from ccp.call.timeline import (
    Dialled,
    fold,
)

C = "9000000003"
POOL = Dialled((), (B,), agent_pool=True)


def test_a_call_with_a_pool_is_told_as_any_other():
    story = fold(OVER, POOL)
    assert (story.state, story.result, story.hung_up_by) == ("ended", "connected", "customer")
    assert (story.agent.address, story.customer.address) == (A, B)
    assert fold(AGENT_RINGS, POOL).state == "ringing_agent"
    assert fold(AGENT_RINGS, Dialled((C,), (B,))).agent.address == C, "of no pool it is a stranger"


def test_the_next_agent_of_a_pool():
    reports = [
        *AGENT_RINGS,
        event("Noanswer", A, 20),
        event("CalledNumber", C, 21),
        event("Answer", C, 25),
        event("CalledNumber", B, 26),
    ]
    story = fold(reports, POOL)
    assert (story.state, story.agent.address) == ("ringing_customer", C)
    assert story.agent.answered_at == at(25)


def test_no_agent_of_a_pool_picks_up():
    reports = [*AGENT_RINGS, event("Noanswer", A, 20)]
    story = fold(reports, POOL, closed=True)
    assert (story.state, story.result) == ("ended", "agent_no_answer")
    summary = cdr(
        Overall_Call_Status="Missed",
        Caller_Number=A,
        Caller_Status="Noanswer",
        Overall_Call_Duration="00:00:20",
    )
    story = fold([summary], POOL)
    assert (story.state, story.result, story.has_cdr) == ("ended", "agent_no_answer", True)


@pytest.mark.parametrize(
    "fields",
    [
        {"Caller_Number": A, "Destination_Number": C},
        {"Destination_Number": C},
        {"participants": [{"participantAddress": A, "participantName": "B"}]},
    ],
)
def test_a_summary_of_another_call_counts_for_no_pool(fields):
    story = fold([cdr(Overall_Call_Status="Answered", **fields)], POOL)
    assert not story.has_cdr


def test_a_stranger_named_as_the_customer_is_nobody():
    story = fold([event("Answer", A, 5, participantName="B")], POOL)
    assert not (story.agent.rang or story.customer.rang)
