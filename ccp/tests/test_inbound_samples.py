"""Every known report of an incoming call: what it says, and what is left if a field is missing."""

from dataclasses import asdict

import pytest
from inbound import (
    AIRTEL,
    ANSWER,
    ASHA,
    CAMEL,
    CDRS,
    CUSTOMER,
    DISCONNECTED,
    EVENTS,
    MEENA,
    MISSED,
    PLAYED,
    RAVI,
    REDUCED,
    RING_GROUP,
    RINGING,
    SAMPLES,
    SESSION,
    TOLL_FREE,
    URL,
    at,
    read,
    without,
)

from ccp.call import incoming, states
from ccp.call.timeline import Dialled, fold

AIRTEL_NUMBERS = frozenset({AIRTEL, TOLL_FREE})
AGENTS = frozenset({ASHA, RAVI, MEENA})
CALL = Dialled((ASHA, RAVI), (CUSTOMER,), incoming=True, airtel_number=AIRTEL)
TOLL_FREE_CALL = Dialled((ASHA, RAVI), (CUSTOMER,), incoming=True, airtel_number=TOLL_FREE)
# Nobody knew beforehand whom Airtel would ring
UNKNOWN_AGENTS = Dialled((), (CUSTOMER,), incoming=True, airtel_number=AIRTEL)


def dialled_of(data):
    return TOLL_FREE_CALL if data.get("Caller_ID") == TOLL_FREE else CALL


def incoming_of(data):
    found = incoming.read(read(data), AIRTEL_NUMBERS, AGENTS)
    return found and {
        name: value for name, value in asdict(found).items() if value not in ("", (), None, False)
    }


def story_of(*data, dialled=CALL):
    story = fold(map(read, data), dialled)
    return {
        "state": story.state,
        "result": story.result,
        "picked_up": story.picked_up,
        "ringing": story.ringing,
        "missed": story.missed,
        "keys": story.keys,
        "waited": story.waited_seconds,
        "talk": story.talk_seconds,
        "answered_at": story.answered_at,
        "ended_at": story.ended_at,
        "hung_up_by": story.hung_up_by,
        "session_id": story.session_id,
        "url": story.recording_url,
    }


# Who is who

LIVE = {"session_id": SESSION, "customer": CUSTOMER, "is_timed": True}
OF_CDR = {"is_cdr": True, "ended": True, "is_sure": True, "is_timed": True}
READ = {
    "B played": LIVE | {"at": at(0)},
    "B ringing": LIVE | {"at": at(4), "agents": (ASHA,)},
    "B answer": LIVE | {"at": at(11), "agents": (ASHA,)},
    # Either party may hang up
    "B end": {"session_id": SESSION, "is_timed": True, "at": at(50)},
    "C1 reduced": OF_CDR
    | {
        "customer": CUSTOMER,
        "airtel_number": TOLL_FREE,
        "agents": (ASHA,),
        "at": at(0),
        "digit": "1",
        "total_seconds": 68,
    },
    "C2 ring group": OF_CDR | {"agents": (RAVI, ASHA, MEENA), "at": at(120), "is_timed": False},
    "C3 camel": OF_CDR
    | {
        "session_id": SESSION,
        "customer": CUSTOMER,
        "airtel_number": AIRTEL,
        "agents": (ASHA,),
        "at": at(0),
        "total_seconds": 50,
    },
    "C4 missed": OF_CDR
    | {
        "session_id": SESSION,
        "customer": CUSTOMER,
        "airtel_number": AIRTEL,
        "at": at(0),
        "total_seconds": 30,
    },
}


@pytest.mark.parametrize("name", SAMPLES)
def test_who_called_whom(name):
    expected = {key: value for key, value in READ[name].items() if value is not False}
    assert incoming_of(SAMPLES[name]) == expected


@pytest.mark.parametrize("name", SAMPLES)
def test_everything_in_a_sample_is_understood(name):
    assert read(SAMPLES[name]).not_understood == ()


# What each says of the call


def test_a_greeting_says_only_that_there_is_a_call():
    story = story_of(PLAYED)
    assert (story["state"], story["ringing"], story["missed"]) == ("ringing_agent", (), ())


def test_the_reduced_record():
    assert story_of(REDUCED, dialled=TOLL_FREE_CALL) == {
        "state": "ended",
        "result": "connected",
        "picked_up": ASHA,
        "ringing": (),
        "missed": (),
        "keys": "11",
        "waited": 27,
        "talk": 39,
        "answered_at": at(29),
        "ended_at": at(68),
        "hung_up_by": None,
        "session_id": "",
        "url": URL,
    }


def test_a_ring_group_in_which_somebody_missed_it():
    story = story_of(RING_GROUP)
    assert (story["result"], story["picked_up"]) == ("connected", RAVI)
    assert story["missed"] == (ASHA, MEENA)


def test_the_camel_record():
    assert story_of(CAMEL) == {
        "state": "ended",
        "result": "connected",
        "picked_up": ASHA,
        "ringing": (),
        "missed": (),
        "keys": "",
        "waited": 11,
        "talk": 39,
        "answered_at": at(11),
        "ended_at": at(50),
        "hung_up_by": "customer",
        "session_id": SESSION,
        "url": URL,
    }


def test_the_missed_record():
    story = story_of(MISSED)
    assert (story["result"], story["picked_up"], story["missed"]) == ("agent_no_answer", "", ())
    assert (story["waited"], story["talk"], story["ended_at"]) == (30, 0, at(30))


def test_the_events_one_after_the_other():
    arrived, seen = [], []
    for sample in (PLAYED, RINGING, ANSWER, DISCONNECTED):
        arrived.append(sample)
        story = story_of(*arrived)
        seen.append((story["state"], story["ringing"], story["picked_up"]))
    assert seen == [
        ("ringing_agent", (), ""),
        ("ringing_agent", (ASHA,), ""),
        ("in_call", (), ASHA),
        ("ended", (), ASHA),
    ]
    assert (story["result"], story["waited"], story["talk"]) == ("connected", 11, 39)
    assert (story["hung_up_by"], story["answered_at"]) == ("customer", at(11))


@pytest.mark.parametrize("dialled", [CALL, UNKNOWN_AGENTS], ids=["known", "unknown"])
def test_events_and_record_agree(dialled):
    both = story_of(*EVENTS.values(), CAMEL, dialled=dialled)
    assert both == story_of(CAMEL, dialled=dialled)
    # Also if nobody knew beforehand whom Airtel would ring
    assert both["picked_up"] == ASHA


# What is left if a field is missing

LESS = [
    pytest.param(name, data, id=f"{name} without {label}")
    for name, sample in SAMPLES.items()
    for label, data in without(sample)
]


@pytest.mark.parametrize(("name", "data"), LESS)
def test_a_field_that_is_missing(name, data):
    """It costs what it said, and nothing else becomes wrong."""
    whole = incoming.read(read(SAMPLES[name]), AIRTEL_NUMBERS, AGENTS)
    less = incoming.read(read(data), AIRTEL_NUMBERS, AGENTS)
    if less:
        assert less.customer in ("", whole.customer)
        assert less.airtel_number in ("", whole.airtel_number)
        assert set(less.agents) <= set(whole.agents)
        assert less.session_id in ("", whole.session_id)
        assert less.at == whole.at or not less.is_timed
        assert less.is_sure <= whole.is_sure
    story, full = (fold([read(each)], dialled_of(SAMPLES[name])) for each in (data, SAMPLES[name]))
    assert story.picked_up in ("", full.picked_up)
    assert set(story.missed) <= {*full.missed, ASHA, RAVI, MEENA} - {CUSTOMER, AIRTEL}
    assert not set(story.missed) & {story.picked_up}
    assert story.state in (full.state, "ringing_agent")
    assert story.result in (None, full.result)
    assert story.keys in ("", full.keys)
    assert story.state != "ended" or story.result in states.RESULTS


@pytest.mark.parametrize("name", ["C1 reduced", "C3 camel", "C4 missed"])
def test_no_single_field_of_a_record_is_needed_to_know_the_customer(name):
    for label, data in without(CDRS[name]):
        found = incoming.read(read(data), AIRTEL_NUMBERS, AGENTS)
        assert found and found.customer == CUSTOMER, label
        assert found.airtel_number or label.startswith(("Caller_ID", "calledNumber")), label


@pytest.mark.parametrize("name", ["C1 reduced", "C3 camel", "C4 missed"])
def test_no_single_field_of_a_record_is_needed_to_know_that_it_is_over(name):
    for label, data in without(CDRS[name]):
        story = fold([read(data)], dialled_of(CDRS[name]))
        assert story.state == "ended", label


@pytest.mark.parametrize("name", ["C1 reduced", "C3 camel"])
def test_no_single_field_of_a_record_is_needed_to_know_who_took_it(name):
    whole = fold([read(CDRS[name])], dialled_of(CDRS[name]))
    for label, data in without(CDRS[name]):
        story = fold([read(data)], dialled_of(CDRS[name]))
        assert story.result == whole.result == "connected", label
        is_named_once = name == "C1 reduced" and label.startswith("Destination_Number")
        assert story.picked_up == ("" if is_named_once else ASHA), label
