"""Which reports are of a call that came in, and which of them are of one call."""

import itertools
import json
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inbound import (
    AIRTEL,
    ANSWER,
    ASHA,
    CAMEL,
    CUSTOMER,
    DISCONNECTED,
    MEENA,
    MISSED,
    PLAYED,
    RAVI,
    RECEIVED,
    REDUCED,
    RINGING,
    SAMPLES,
    SESSION,
    TOLL_FREE,
    at,
    epoch,
    event,
    read,
)

from ccp.airtel import reports
from ccp.call import incoming
from ccp.call.incoming import Incoming, closest, same_call

STRANGER, OTHER_CUSTOMER, OTHER_AIRTEL = "9700000000", "9123456702", "8000000008"
AIRTEL_NUMBERS, AGENTS = frozenset({AIRTEL, TOLL_FREE}), frozenset({ASHA, RAVI})
TOLERANCE = timedelta(minutes=3)


def found(data, agents=AGENTS):
    report = read(data) if isinstance(data, dict) else data
    return incoming.read(report, AIRTEL_NUMBERS, agents)


def who(data, agents=AGENTS):
    call = found(data, agents)
    return call and (call.customer, call.airtel_number, call.agents)


# Which reports are of an incoming call


def test_what_shows_by_itself_that_a_call_came_in():
    unsaid = {key: value for key, value in CAMEL.items() if key != "callType"}
    unsaid["participants"] = [
        {**each, "participantCallType": ""} for each in unsaid["participants"]
    ]
    assert found(unsaid).is_sure
    elsewhere = unsaid | {"calledNumber": OTHER_AIRTEL, "callerId": OTHER_AIRTEL}
    assert found(elsewhere) is None
    # By how the call came to who called, or as a whole
    assert found({**elsewhere, "participants": CAMEL["participants"]}).is_sure
    assert found({**elsewhere, "callType": "Inbound"}).airtel_number == OTHER_AIRTEL
    assert found({**CAMEL, "callType": "OUTBOUND"}) is None
    assert found({**CAMEL, "callType": "VoiceBot"}).is_sure


def test_live_events_may_only_belong_to_a_call_that_is_there():
    for sample in (PLAYED, RINGING, ANSWER, DISCONNECTED):
        assert found(sample).is_sure is False
        assert found({**sample, "callType": "INBOUND"}).is_sure
        assert found({**sample, "calledNumber": AIRTEL}).is_sure
        assert found({**sample, "calledNumber": OTHER_AIRTEL}).is_sure is False
        assert found({**sample, "callType": "OUTBOUND"}) is None
    assert found(event("CalledNumber", AIRTEL, 1, CUSTOMER)).is_sure
    alone = {"eventType": "CALL", "event": "Answer", "participantAddress": ASHA}
    assert found(alone) is None
    assert found(alone | {"callType": "INBOUND"}).agents == (ASHA,)
    assert found(alone | {"vmSessionId": SESSION}).agents == (ASHA,)


@pytest.mark.parametrize("number", [ASHA, CUSTOMER, STRANGER])
def test_the_phones_of_an_outgoing_call_show_the_airtel_number(number):
    assert found(event("Ringing", number, 1, AIRTEL)) is None


@pytest.mark.parametrize(
    "data",
    [
        {"requestMessageType": "Play", "responseType": "ERROR", "vmSessionId": SESSION},
        {"callingParticipant": CUSTOMER, "callerId": AIRTEL},
        {"nonsense": True},
        {},
        {"eventType": "CALL", "event": "Answer"},
        {"eventType": "CALL", "event": "Answer", "participantAddress": CUSTOMER},
    ],
)
def test_what_is_of_no_incoming_call(data):
    assert found(data) is None


# Who is who


def shown(**changes):
    """A CDR without a field that names the customer a second time."""
    return {key: value for key, value in {**REDUCED, "Destination_CLI": None, **changes}.items()}


WHO = {
    "as it is": (REDUCED, (CUSTOMER, TOLL_FREE, (ASHA,))),
    "an agent of whom nobody knows": (
        shown(Destination_Number=STRANGER),
        (CUSTOMER, TOLL_FREE, (STRANGER,)),
    ),
    "the caller is withheld": (shown(Caller_Number=None), ("", TOLL_FREE, (ASHA,))),
    "the caller is withheld, the agent unknown": (
        shown(Caller_Number="Anonymous", Destination_Number=STRANGER),
        ("", TOLL_FREE, (STRANGER,)),
    ),
    "a withheld number as a zero": (shown(Caller_Number="0"), ("", TOLL_FREE, (ASHA,))),
    "the agent's phone shows it": (
        {**REDUCED, "Caller_Number": None},
        (CUSTOMER, TOLL_FREE, (ASHA,)),
    ),
    "the agent's phone decides between strangers": (
        {**REDUCED, "Caller_Number": STRANGER, "Destination_Number": CUSTOMER},
        (CUSTOMER, TOLL_FREE, (STRANGER,)),
    ),
    "the agent's phone shows the Airtel number": (
        {**REDUCED, "Destination_CLI": TOLL_FREE},
        (CUSTOMER, TOLL_FREE, (ASHA,)),
    ),
    "caller and destination exchanged": (
        shown(Caller_Number=ASHA, Destination_Number=CUSTOMER),
        (CUSTOMER, TOLL_FREE, (ASHA,)),
    ),
    "caller and Airtel number exchanged": (
        shown(Caller_Number=TOLL_FREE, Caller_ID=CUSTOMER),
        (CUSTOMER, TOLL_FREE, (ASHA,)),
    ),
    "an agent calls": (
        shown(Caller_Number=RAVI),
        (RAVI, TOLL_FREE, (ASHA,)),
    ),
    "an agent calls and nobody picks up": (
        shown(Caller_Number=RAVI, Destination_Number=None),
        (RAVI, TOLL_FREE, ()),
    ),
    "only an agent who missed it": (
        shown(Caller_Number=ASHA, Destination_Number=None, Missed_Destination_Number=ASHA),
        ("", TOLL_FREE, (ASHA,)),
    ),
    "a ring group": (
        shown(Missed_Destination_Number=f"0{RAVI} | {STRANGER}"),
        (CUSTOMER, TOLL_FREE, (ASHA, RAVI, STRANGER)),
    ),
    "from abroad": (shown(Caller_Number="0014155550123"), ("", TOLL_FREE, (ASHA,))),
    "a short number": (shown(Caller_Number="56161"), ("56161", TOLL_FREE, (ASHA,))),
    "an Airtel number of which nobody knows": (
        shown(Caller_ID="08000000001"),
        (CUSTOMER, "8000000001", (ASHA,)),
    ),
    "the customer's number as the Airtel number": (
        shown(Caller_ID=CUSTOMER),
        (CUSTOMER, "", (ASHA,)),
    ),
    "a zero as the Airtel number": (shown(Caller_ID="0"), (CUSTOMER, "", (ASHA,))),
    "the Airtel number as the destination": (
        shown(Destination_Number=TOLL_FREE),
        (CUSTOMER, TOLL_FREE, ()),
    ),
    "digits of India": (
        shown(Caller_Number="+९१ ९१२३४५६७०१"),
        (CUSTOMER, TOLL_FREE, (ASHA,)),
    ),
    "listed": (CAMEL, (CUSTOMER, AIRTEL, (ASHA,))),
    "listed and exchanged": (
        {
            **CAMEL,
            "callerNumber": ASHA,
            "destinationNumber": CUSTOMER,
            "participants": [
                {"participantAddress": ASHA, "participantType": "From"},
                {"participantAddress": CUSTOMER, "participantType": "To"},
            ],
        },
        (CUSTOMER, AIRTEL, (ASHA,)),
    ),
    "two of whom nobody knows, the agent first": (
        {
            **CAMEL,
            "callerNumber": None,
            "destinationNumber": None,
            "participants": [
                {"participantAddress": STRANGER, "participantType": "To"},
                {"participantAddress": CUSTOMER, "participantType": "From"},
            ],
        },
        (CUSTOMER, AIRTEL, (STRANGER,)),
    ),
    "nobody picked up": (MISSED, (CUSTOMER, AIRTEL, ())),
    "an agent of whom nobody knows among others": (
        {
            **MISSED,
            "callerNumber": None,
            "participants": [
                {"participantAddress": each, "participantType": "To"} for each in (ASHA, MEENA)
            ],
        },
        ("", AIRTEL, (ASHA, MEENA)),
    ),
    "two agents of whom nobody knows": (
        {
            **MISSED,
            "callerNumber": None,
            "participants": [
                {"participantAddress": each, "participantType": "To"} for each in (STRANGER, MEENA)
            ],
        },
        ("", AIRTEL, (STRANGER, MEENA)),
    ),
}


@pytest.mark.parametrize(("data", "expected"), WHO.values(), ids=WHO)
def test_who_is_who_in_a_record(data, expected):
    assert who(data) == expected


def of_event(word, number, seen, kind="CALL", **fields):
    data = {"vmSessionId": SESSION, "eventType": kind, "event": word, **fields}
    return {**data, "participantAddress": number, "metaData": {"displayCli": seen}}


IN_EVENTS = {
    "an agent's phone shows the customer": (("Ringing", ASHA, CUSTOMER), (CUSTOMER, (ASHA,))),
    "exchanged": (("Ringing", CUSTOMER, ASHA), (CUSTOMER, (ASHA,))),
    "an agent of whom nobody knows": (("Answer", STRANGER, CUSTOMER), (CUSTOMER, (STRANGER,))),
    "an agent's phone alone": (("Answer", ASHA, ""), ("", (ASHA,))),
    "a phone that rings": (("Ringing", STRANGER, ""), ("", (STRANGER,))),
    "a phone that answers": (("Answer", STRANGER, ""), ("", ())),
    "who hangs up": (("Disconnected", CUSTOMER, ""), ("", ())),
    "a greeting": (("Played", CUSTOMER, "", "MEDIA"), (CUSTOMER, ())),
    "a greeting that only says what is shown": (("Played", "", CUSTOMER, "MEDIA"), (CUSTOMER, ())),
    "a greeting, both": (("Played", CUSTOMER, CUSTOMER, "MEDIA"), (CUSTOMER, ())),
    "a greeting to an agent": (("Played", ASHA, "", "MEDIA"), ("", (ASHA,))),
    "a greeting to an agent who calls": (("Played", ASHA, ASHA, "MEDIA"), (ASHA, ())),
    "an agent calls another": (("Ringing", RAVI, ASHA), (ASHA, (RAVI,))),
    "nobody": (("Answer", "", ""), ("", ())),
}


@pytest.mark.parametrize(("values", "expected"), IN_EVENTS.values(), ids=IN_EVENTS)
def test_who_is_who_in_an_event(values, expected):
    call = found(of_event(*values))
    assert (call.customer, call.agents) == expected
    assert (call.session_id, call.is_cdr, call.ended) == (SESSION, False, False)


def test_an_airtel_number_is_neither_party():
    call = found(of_event("Ringing", STRANGER, AIRTEL, callType="INBOUND"))
    assert (call.customer, call.airtel_number, call.agents) == ("", AIRTEL, (STRANGER,))
    call = found(of_event("CalledNumber", AIRTEL, CUSTOMER))
    assert (call.customer, call.airtel_number, call.agents) == (CUSTOMER, AIRTEL, ())
    assert found(of_event("Played", AIRTEL, AIRTEL, "MEDIA")).customer == ""


def test_keys_and_moments():
    keys = of_event("Captured", CUSTOMER, "", "DTMF")
    keys["metaData"] |= {"digits": "2", "timestamp": epoch(3)}
    call = found(keys)
    assert (call.customer, call.digit, call.at, call.is_timed) == (CUSTOMER, "2", at(3), True)
    call = found(of_event("Ringing", ASHA, CUSTOMER))
    assert (call.at, call.is_timed) == (RECEIVED, False)


def test_when_a_call_began():
    def began(**changes):
        call = found({**CAMEL, "startTime": None, **changes})
        return call.at, call.is_timed

    assert began() == (at(0), True)
    assert began(duration=None) == (at(50), True)
    assert began(endTime=None) == (RECEIVED - timedelta(seconds=50), False)
    assert began(endTime=None, duration=None) == (RECEIVED, False)


def test_the_day_begins_in_india():
    late = {**REDUCED, "Date": "25/07/2025", "Time": "00:10:00"}
    received = at(46_200)
    call = incoming.read(read(late, received), AIRTEL_NUMBERS, AGENTS)
    assert call.at.isoformat() == "2025-07-24T18:40:00+00:00"


def test_a_record_that_says_nothing_does_not_end_the_call():
    silent = {"vmSessionId": SESSION, "callType": "INBOUND", "callerNumber": CUSTOMER}
    assert (found(silent).is_cdr, found(silent).ended) == (True, False)


def test_several_reports_in_one_body():
    body = json.dumps([REDUCED, CAMEL, RINGING])
    parts = reports.split(body)
    assert [reports.kind_and_fingerprint(each.encode())[0] for each in parts] == [
        "cdr",
        "cdr",
        "event",
    ]
    calls = [found(json.loads(each)) for each in parts]
    assert calls == [found(REDUCED), found(CAMEL), found(RINGING)]


# Decisions

DECISION = {
    "decision": 1,
    "id": "0123456789abcdef" * 2,
    "at": epoch(1),
    "customer": CUSTOMER,
    "airtel_number": f"91{AIRTEL}",
    "digit": "2",
    "reason": "record_owner",
    "about": {"res_model": "crm.lead", "res_id": 5, "name": "Steel sheets"},
    "ring": [{"user_id": 7, "number": ASHA, "name": "Asha"}, {"user_id": 8, "number": ASHA}],
    "desk": RAVI,
    "strategy": "one",
    "flow_id": None,
    "team_id": None,
    "way": "disk",
}


def test_a_decision():
    decided = read(DECISION)
    assert (decided.kind, decided.decision_id) == ("decision", DECISION["id"])
    assert (decided.agents, decided.reason, decided.not_understood) == (
        (ASHA, RAVI),
        "record_owner",
        (),
    )
    assert found(DECISION) == Incoming(
        customer=CUSTOMER,
        airtel_number=AIRTEL,
        agents=(ASHA, RAVI),
        at=at(1),
        digit="2",
        is_sure=True,
    )
    late = found({**DECISION, "at": 5})
    assert (late.at, late.is_timed) == (RECEIVED, False)
    assert CUSTOMER not in repr(decided) and ASHA not in repr(decided)
    # What a database stores is UTC without saying so
    assert read(DECISION, RECEIVED.replace(tzinfo=None)) == decided
    india = RECEIVED.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert read(DECISION, india).received_at == RECEIVED


def test_what_somebody_posts_is_no_decision():
    kind, fingerprint = reports.kind_and_fingerprint(json.dumps(DECISION).encode())
    assert kind == "unreadable"
    spaced = json.dumps(DECISION, indent=1).encode()
    assert reports.kind_and_fingerprint(spaced) != (kind, fingerprint)
    disguised = json.dumps({**CAMEL, "decision": 1, "id": DECISION["id"]}).encode()
    assert reports.kind_and_fingerprint(disguised)[0] == "unreadable"
    assert reports.parse(disguised, RECEIVED).kind == "decision"


@pytest.mark.parametrize(
    "change",
    [
        {"decision": True},
        {"decision": 2},
        {"decision": "1"},
        {"decision": 1.0},
        {"id": 5},
        {"id": ""},
        {"id": "0" * 31},
        {"id": "0" * 32 + "\n"},
        {"id": "G" * 32},
    ],
)
def test_what_has_not_the_form_of_a_decision(change):
    assert read({**DECISION, **change}).kind == "unreadable"
    listed = json.dumps([DECISION])
    assert reports.parse(listed, RECEIVED).kind == "unreadable"


@given(
    st.dictionaries(
        st.sampled_from([*DECISION, "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["number", "name"]), inner, max_size=2)
            ),
            max_leaves=6,
        ),
    )
)
def test_a_decision_of_any_values_is_read(changes):
    data = {**DECISION, **changes, "decision": 1, "id": DECISION["id"]}
    decided = read(data)
    assert decided.kind == "decision" and len(decided.agents) <= 21
    assert incoming.read(decided, AIRTEL_NUMBERS, AGENTS).at


# One call or two

CALL = Incoming(customer=CUSTOMER, airtel_number=AIRTEL, at=at(0))
RECORD = replace(CALL, is_cdr=True, ended=True, total_seconds=60)


def later(seconds, call=CALL, **changes):
    return replace(call, at=at(seconds), **changes)


SAME = {
    "itself": (CALL, CALL, True),
    "soon after": (CALL, later(180), True),
    "later": (CALL, later(181), False),
    "another customer": (CALL, later(0, customer=OTHER_CUSTOMER), False),
    "another Airtel number": (CALL, later(0, airtel_number=OTHER_AIRTEL), False),
    "the number in another form": (
        later(0, airtel_number="18001234"),
        later(0, airtel_number="018001234"),
        True,
    ),
    "an Airtel number that one doesn't say": (CALL, later(9, airtel_number=""), True),
    "a customer whom one doesn't name": (CALL, later(0, customer=""), False),
    "two who withhold their number": (
        later(0, customer=""),
        later(9, customer="", airtel_number=AIRTEL),
        True,
    ),
    "two who withhold it, nobody knows where": (
        later(0, customer=""),
        later(9, customer="", airtel_number=""),
        False,
    ),
    "one session": (
        later(0, session_id="s"),
        later(9_999, session_id="s", customer="", airtel_number=OTHER_AIRTEL),
        True,
    ),
    "two sessions": (later(0, session_id="s"), later(0, session_id="t"), False),
    "a session that one doesn't say": (later(0, session_id="s"), later(9), True),
    "a record comes twice": (RECORD, RECORD, True),
    "a record of another clock": (RECORD, later(2, RECORD), True),
    "the next call": (RECORD, later(3, RECORD), False),
    "a record without a time": (RECORD, later(100, RECORD, is_timed=False), True),
    "an event within the record's time": (RECORD, later(60), True),
    "an event soon after": (RECORD, later(240), True),
    "an event later": (RECORD, later(241), False),
    "an event soon before": (RECORD, later(-180), True),
    "an event before": (RECORD, later(-181), False),
    "nobody says when": (CALL, replace(CALL, at=None), False),
    "nobody says when, beside a record": (RECORD, replace(CALL, at=None), False),
    "a record that nobody says when": (replace(RECORD, at=None), CALL, False),
}


@pytest.mark.parametrize(("one", "other", "same"), SAME.values(), ids=SAME)
def test_whether_two_reports_are_of_one_call(one, other, same):
    assert same_call(one, other, TOLERANCE) is same
    assert same_call(other, one, TOLERANCE) is same


def test_the_reduced_record_is_one_call_however_often_it_comes():
    again = incoming.read(
        read({**REDUCED, "Caller_Number": f"+91{CUSTOMER}"}, RECEIVED + timedelta(hours=9)),
        AIRTEL_NUMBERS,
        AGENTS,
    )
    assert same_call(found(REDUCED), again, TOLERANCE)
    next_call = found({**REDUCED, "Time": "11:23:13"})
    assert not same_call(found(REDUCED), next_call, TOLERANCE)


def test_a_record_finds_the_decision_of_its_own_call():
    """Who gets no answer calls again within a minute."""
    decisions = [found({**DECISION, "airtel_number": TOLL_FREE, "at": epoch(n)}) for n in (3, 43)]
    records = [found({**REDUCED, "Time": time}) for time in ("11:22:33", "11:23:13")]
    for order in ([0, 1], [1, 0]):
        choice = [decisions[place] for place in order]
        for place, each in enumerate(records):
            assert choice[closest(each, choice, TOLERANCE)] is decisions[place]
    assert closest(records[0], [], TOLERANCE) is None
    assert closest(records[0], [later(0, customer=OTHER_CUSTOMER)], TOLERANCE) is None


def test_a_session_decides_before_time():
    others = [later(0), later(90, session_id="s")]
    assert closest(later(0, session_id="s"), others, TOLERANCE) == 1
    assert closest(later(0), others, TOLERANCE) == 0


reads = [found(each) for each in SAMPLES.values()]
calls = st.builds(
    Incoming,
    customer=st.sampled_from(["", CUSTOMER, OTHER_CUSTOMER]),
    airtel_number=st.sampled_from(["", AIRTEL, f"0{TOLL_FREE}", TOLL_FREE]),
    session_id=st.sampled_from(["", "s", "t"]),
    at=st.one_of(st.none(), st.integers(-400, 400).map(at)),
    is_cdr=st.booleans(),
    is_timed=st.booleans(),
    total_seconds=st.sampled_from([None, 0, 30, 300]),
)


@given(st.one_of(calls, st.sampled_from(reads)), st.one_of(calls, st.sampled_from(reads)))
def test_whichever_comes_first(one, other):
    is_same = same_call(one, other, TOLERANCE)
    assert same_call(other, one, TOLERANCE) is is_same
    assert not is_same or same_call(one, other, TOLERANCE * 2)
    assert closest(one, [other], TOLERANCE) == (0 if is_same else None)


numbers = st.sampled_from([CUSTOMER, ASHA, RAVI, STRANGER, AIRTEL, TOLL_FREE, "0", "", None])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "callType": st.sampled_from(["INBOUND", "OUTBOUND", "x"]),
            "overallCallStatus": st.sampled_from(["Answered", "Missed"]),
            "callerNumber": numbers,
            "destinationNumber": numbers,
            "callerId": numbers,
            "Destination_CLI": numbers,
            "Missed_Destination_Number": st.lists(numbers.map(str), max_size=3).map("|".join),
            "participants": st.lists(
                st.fixed_dictionaries(
                    {"participantAddress": numbers},
                    optional={"participantType": st.sampled_from(["From", "To"])},
                ),
                max_size=3,
            ),
        },
    )
)
def test_roles_never_meet(data):
    call = found({"vmSessionId": SESSION, "duration": 1} | data)
    if call is None:
        return
    parties = [each for each in (call.customer, call.airtel_number, *call.agents) if each]
    assert len(set(parties)) == len(parties)
    assert not {AIRTEL, TOLL_FREE} & {call.customer, *call.agents}
    # Nobody is invented
    assert set(parties) <= {CUSTOMER, ASHA, RAVI, STRANGER, AIRTEL, TOLL_FREE}


def test_the_order_of_what_a_record_lists_changes_nothing():
    parts = [
        {"participantAddress": CUSTOMER, "participantType": "From"},
        {"participantAddress": ASHA, "participantType": "To"},
        {"participantAddress": RAVI, "participantType": "To"},
    ]
    seen = set()
    for order in itertools.permutations(parts):
        call = found({**CAMEL, "participants": list(order)})
        seen.add((call.customer, call.airtel_number, frozenset(call.agents), call.agents[0]))
    assert seen == {(CUSTOMER, AIRTEL, frozenset({ASHA, RAVI}), ASHA)}
