"""Whatever is asked and whoever is there: somebody rings, and never the caller."""

import json
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from ccp.airtel import routing
from ccp.airtel.routing import Question
from ccp.call.route import (
    OBSTACLES,
    REASONS,
    Agent,
    Candidate,
    Decision,
    Known,
    Number,
    decide,
)

EXAMPLES = 100_000 if os.environ.get("AIRTEL_CCP_LONG") else 200
CUSTOMER, DESK, CLOSED = "7000000101", "7000000990", "7000000991"
some = settings(max_examples=EXAMPLES, deadline=None)

phones = st.sampled_from(["", CUSTOMER, *(f"700000090{each}" for each in range(6))])
agents = st.dictionaries(
    st.integers(1, 6),
    st.tuples(phones, st.booleans(), st.booleans(), st.booleans(), st.booleans()),
)
candidates = st.lists(
    st.builds(
        Candidate,
        st.sampled_from(["missed_agent", "record_owner", "salesperson", "last_agent"]),
        st.integers(1, 8),
    ),
    max_size=5,
)
numbers = st.builds(
    Number,
    caller_number=st.sampled_from(["8000000001", "18001234"]),
    desk=st.sampled_from([DESK, CUSTOMER]),
    flow_id=st.none() | st.integers(1, 9),
    is_open=st.booleans(),
    closed=st.sampled_from(["", CLOSED, CUSTOMER]),
    ring_owner=st.booleans(),
    ring_last_agent=st.booleans(),
    strategy=st.sampled_from(["one", "SEQUENTIAL", "PARALLEL"]),
    team_id=st.none() | st.integers(1, 3),
    menu=st.dictionaries(st.sampled_from("123"), st.integers(1, 3)),
    rings_blocked=st.booleans(),
)
questions = st.builds(
    Question,
    st.sampled_from(["", CUSTOMER, "917000000101", DESK, "8000000001"]),
    st.sampled_from(["", "8000000001", "8000000002"]),
    st.sampled_from(["", "1", "3", "9"]),
)
members = st.dictionaries(st.integers(1, 3), st.lists(st.integers(1, 8), max_size=8))


@some
@given(
    questions,
    numbers,
    agents,
    candidates,
    members,
    st.booleans(),
    st.booleans(),
    st.integers(0, 10**13),
)
def test_somebody_rings_and_never_the_caller(
    question, number, people, found, teams, blocked, flooding, at
):
    made = {
        user_id: Agent(user_id, f"Agent {user_id}", phone, (), away, at_work, busy, listed)
        for user_id, (phone, away, at_work, busy, listed) in people.items()
    }
    known = Known(
        candidates=tuple(found),
        members=lambda team: teams.get(team, ()),
        people=lambda ids: {each: made[each] for each in ids if each in made},
        blocked=blocked,
        flooding=flooding,
    )
    values = {"decision_id": "0" * 32, "at": at}
    decision, steps = decide(question, number, known, **values)
    assert decide(question, number, known, **values) == (decision, steps)
    assert decision.reason in REASONS
    assert Decision.of_dict(json.loads(json.dumps(decision.as_dict()))) == decision
    participants = decision.answer()["client_add_participant"]["participants"]
    assert 1 <= len(participants) <= routing.MAX_PARTICIPANTS
    rung = [each["participantAddress"] for each in participants]
    customer = routing.key(question.customer)
    others = {number.desk, number.closed} - {customer, ""}
    # The desk alone is left where nobody else is
    assert customer not in rung or (rung == [customer] and not others)
    names = [each["participantName"] for each in participants]
    assert len(set(names)) == len(names)
    for step in steps:
        assert step.obstacle in ("", "gone", *OBSTACLES)
    free = [each.user_id for each in steps if not each.obstacle]
    assert [each.user_id for each in decision.ring] == free[: len(decision.ring)]
    assert bool(decision.ring) == bool(free)


@some
@given(st.text(max_size=300), st.binary(max_size=300), st.text(max_size=60))
def test_no_question_breaks_the_reader(query, body, content_type):
    question = routing.read(query, body, content_type)
    for digits in (question.customer, question.airtel_number):
        assert digits.isascii()
        assert digits == "" or digits.isdigit()
        assert len(digits) <= routing.MAX_DIGITS
    assert len(question.digit) <= 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["callingParticipant", "callerId", "dialKey", "data", "from"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@some
@given(json_values)
def test_no_json_breaks_the_reader(value):
    routing.read("", json.dumps(value).encode(), "application/json")


@some
@given(json_values)
def test_no_json_is_a_decision_by_chance(value):
    try:
        decision = Decision.of_dict(value)
    except ValueError:
        return
    assert decision.answer()
