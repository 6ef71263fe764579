import json
from dataclasses import replace

import pytest

from ccp.airtel.routing import Question
from ccp.call.route import About, Agent, Candidate, Decision, Known, Number, decide, question_key

CUSTOMER, AIRTEL, DESK, CLOSED = "7000000101", "8000000001", "7000000990", "7000000991"
ASKED = Question(CUSTOMER, AIRTEL)
NUMBER = Number(AIRTEL, DESK, flow_id=5, closed=CLOSED, team_id=3, menu={"2": 4})
AGENTS = {each: Agent(each, f"Agent {each}", f"700000090{each}") for each in range(1, 8)}
LEAD = About("crm.lead", 11, "Steel sheets")
CANDIDATES = (
    Candidate("missed_agent", 1),
    Candidate("record_owner", 2, LEAD),
    Candidate("salesperson", 3, About("res.partner", 12, "Priya")),
    Candidate("last_agent", 4),
)
MEMBERS = {3: (5, 6), 4: (7,)}


def known(agents=AGENTS, **values):
    def people(ids):
        return {each: agents[each] for each in ids if each in agents}

    return Known(
        **{
            "candidates": CANDIDATES,
            "members": lambda team: MEMBERS.get(team, ()),
            "people": people,
            **values,
        }
    )


def ask(number=NUMBER, question=ASKED, at=0, reason="", **values):
    return decide(question, number, known(**values), decision_id="1" * 32, at=at, reason=reason)


def without(*ids, **what):
    return {
        each: replace(agent, **what) if each in ids else agent for each, agent in AGENTS.items()
    }


def test_the_order_of_the_rules():
    expected = [
        ("missed_agent", 1),
        ("record_owner", 2),
        ("salesperson", 3),
        ("last_agent", 4),
    ]
    for count, (reason, user_id) in enumerate(expected):
        decision, _steps = ask(agents=without(*range(1, count + 1), busy=True))
        assert (decision.reason, decision.ring[0].user_id) == (reason, user_id)
    decision, _steps = ask(agents=without(1, 2, 3, 4, away=True))
    assert decision.reason == "team"
    assert decision.ring[0].user_id in MEMBERS[3]
    decision, _steps = ask(agents=without(*range(1, 8), at_work=False))
    assert (decision.reason, decision.ring, decision.desk) == ("desk", (), DESK)
    assert decision.participants() == [("Desk", DESK)]


def test_it_says_because_of_what():
    decision, steps = ask(agents=without(1, away=True))
    assert decision.about == LEAD
    assert [(each.user_id, each.obstacle) for each in steps][:2] == [(1, "away"), (2, "")]


@pytest.mark.parametrize(
    ("obstacle", "what"),
    [
        ("away", {"away": True}),
        ("hours", {"at_work": False}),
        ("busy", {"busy": True}),
        ("phone", {"number": ""}),
        ("blacklisted", {"blacklisted": True}),
        ("caller", {"numbers": (CUSTOMER,)}),
        ("caller", {"number": CUSTOMER}),
    ],
)
def test_who_is_skipped_and_why(obstacle, what):
    decision, steps = ask(agents=without(1, **what))
    assert decision.ring[0].user_id == 2
    assert steps[0].obstacle == obstacle


def test_who_is_gone_is_skipped():
    decision, steps = ask(agents={2: AGENTS[2]})
    assert decision.ring[0].user_id == 2
    assert steps[0].obstacle == "gone"


def test_switches_of_the_number():
    decision, _steps = ask(replace(NUMBER, ring_owner=False), agents=without(1, away=True))
    assert decision.reason == "last_agent"
    number = replace(NUMBER, ring_owner=False, ring_last_agent=False)
    assert ask(number, agents=without(1, away=True))[0].reason == "team"


def test_the_owner_comes_before_the_menu_and_the_menu_before_the_team():
    pressed = ASKED._replace(digit="2")
    assert ask(question=pressed)[0].reason == "missed_agent"
    decision, _steps = ask(question=pressed, candidates=())
    assert (decision.reason, decision.team_id, decision.ring[0].user_id) == ("menu_team", 4, 7)
    # A digit that the menu does not have is no digit
    assert ask(question=ASKED._replace(digit="9"), candidates=())[0].reason == "team"


def test_what_goes_to_the_desk():
    assert ask(blocked=True)[0].reason == "blocked"
    assert ask(replace(NUMBER, rings_blocked=True), blocked=True)[0].reason == "missed_agent"
    assert ask(flooding=True)[0].reason == "flood"
    for reason in ("unknown_number", "unreadable", "database_away"):
        decision, steps = ask(reason=reason)
        assert (decision.reason, decision.ring, decision.desk, steps) == (reason, (), DESK, ())


def test_outside_the_opening_hours():
    closed = replace(NUMBER, is_open=False)
    decision, _steps = ask(closed)
    assert (decision.reason, decision.desk, decision.ring) == ("closed", CLOSED, ())
    assert ask(replace(closed, closed=""))[0].desk == DESK


def test_who_calls_from_the_desk_is_not_rung():
    for number in (NUMBER, replace(NUMBER, is_open=False, closed=DESK, desk=CLOSED)):
        decision, _steps = ask(number, Question(DESK, AIRTEL), candidates=(), agents={})
        assert decision.desk == CLOSED
    # Nobody else is there: an answer without anybody would end the call
    assert ask(replace(NUMBER, closed=""), Question(DESK, AIRTEL), agents={})[0].desk == DESK


def test_several_at_once():
    number = replace(NUMBER, strategy="SEQUENTIAL")
    decision, _steps = ask(number, agents=without(2, busy=True))
    assert [each.user_id for each in decision.ring][:3] == [1, 3, 4]
    assert {each.user_id for each in decision.ring[3:]} == {5, 6}
    assert decision.participants()[-1] == ("Desk", DESK)
    together = ask(replace(NUMBER, strategy="PARALLEL"))[0]
    assert ("Desk", DESK) not in together.participants()
    assert together.answer()["client_add_participant"]["mergingStrategy"] == "PARALLEL"


def test_a_team_takes_turns_and_the_same_call_gets_the_same_answer():
    rung = {ask(at=minute * 60_000, candidates=())[0].ring[0].user_id for minute in range(50)}
    assert rung == set(MEMBERS[3])
    assert ask(at=1, candidates=())[0] == replace(ask(at=59_999, candidates=())[0], at=1)


def test_a_withheld_or_foreign_number():
    for customer in ("", "14155550100", AIRTEL):
        decision, _steps = ask(question=Question(customer, AIRTEL), candidates=())
        assert decision.reason == "team"
        assert decision.participants()
    for customer in ("14155550100", "19175550123", "+6581234567", "18005550123"):
        decision, _steps = ask(question=Question(customer, AIRTEL))
        assert decision.customer == ""


def test_an_airtel_number_with_a_plus_is_answered_without_it():
    assert ask(question=Question(CUSTOMER, f"+{AIRTEL}"))[0].airtel_number == AIRTEL


def test_the_answer_names_the_number_that_was_dialled():
    for dialled, shown in (("08000000001", "08000000001"), ("", AIRTEL)):
        decision, _steps = ask(question=Question(CUSTOMER, dialled))
        (phone,) = decision.answer()["client_add_participant"]["participants"]
        assert phone["callerId"] == shown


def test_it_is_kept_and_read_back():
    for decision in (ask()[0], ask(reason="unreadable")[0], ask(agents=without(1, away=True))[0]):
        assert Decision.of_dict(json.loads(json.dumps(decision.as_dict()))) == decision


@pytest.mark.parametrize(
    "change",
    [
        {"decision": 2},
        {"id": 1},
        {"at": "1"},
        {"at": True},
        {"at": -1},
        {"customer": "9" * 1000},
        {"reason": "because"},
        {"about": []},
        {"about": {"res_model": "crm.lead"}},
        {"ring": None},
        {"ring": [1]},
        {"ring": [{"user_id": 1, "number": "1", "name": "x"}] * 100},
        {"strategy": ""},
        {"way": []},
        {"flow_id": "1"},
    ],
)
def test_what_is_no_decision_is_refused(change):
    with pytest.raises(ValueError, match="no decision"):
        Decision.of_dict({**ask()[0].as_dict(), **change})
    for nothing in (None, [], "x", {}):
        with pytest.raises(ValueError, match="no decision"):
            Decision.of_dict(nothing)


def test_the_same_question():
    spelled = Question("+91" + CUSTOMER, "0" + AIRTEL)
    assert question_key(spelled) == question_key(ASKED)
    assert question_key(ASKED._replace(digit="2")) != question_key(ASKED)


def test_no_number_is_shown_in_a_log():
    assert CUSTOMER not in repr(ask()[0])
    assert "700000090" not in repr(ask()[0])
