"""Fields that only reports of incoming calls have."""

import pytest
from inbound import AIRTEL, ASHA, CAMEL, CUSTOMER, MEENA, RAVI, REDUCED, event, read


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        (f"0{ASHA} | 0{RAVI}", (ASHA, RAVI)),
        (f"{ASHA}|{RAVI},{MEENA}", (ASHA, RAVI, MEENA)),
        (f"+91 {ASHA} ; {ASHA}", (ASHA,)),
        ([f"0{ASHA}", RAVI, None, 5, ["x"]], (ASHA, RAVI)),
        (f"{ASHA} | 12", (ASHA,)),
        (None, ()),
        ("", ()),
        ("None", ()),
        ("-", ()),
        ("|", ()),
        ({}, ()),
        (5, ()),
    ],
)
def test_who_of_a_ring_group_missed_it(value, numbers):
    assert read({**REDUCED, "Missed_Destination_Number": value}).missed_numbers == numbers


def test_a_ring_group_is_bounded():
    many = [f"98765{number:05d}" for number in range(100)]
    for value in (many, "|".join(many), " | ".join(many)):
        report = read({**REDUCED, "Missed_Destination_Number": value})
        assert report.missed_numbers == tuple(many[: len(report.missed_numbers)])
        assert 10 <= len(report.missed_numbers) <= 20
        assert report.not_understood == ()


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        ("1 | 1", "11"),
        ("1|3 | 9", "139"),
        ("1, 2", "12"),
        ("0", "0"),
        ("*#", "*#"),
        (1, "1"),
        (None, ""),
        ("None", ""),
        ("", ""),
        ("-", ""),
        ("NA", ""),
        ("Timeout 5", ""),
        ("1 | x", ""),
        (["1"], ""),
    ],
)
def test_what_was_pressed(value, keys):
    assert read({**REDUCED, "DTMF_Capture": value}).keys == keys


@pytest.mark.parametrize("name", ["DTMF_Capture", "Missed_Destination_Number"])
def test_what_makes_no_sense_is_named(name):
    assert read({**REDUCED, name: "banana"}).not_understood == (name,)


@pytest.mark.parametrize(
    ("word", "direction"),
    [
        ("INBOUND", "inbound"),
        ("Inbound", "inbound"),
        ("Incoming", "inbound"),
        ("OUTBOUND", "outbound"),
        ("Outbound", "outbound"),
        ("VoiceBot", "inbound"),
        (None, "inbound"),
    ],
)
def test_the_call_as_a_whole_says_its_direction_before_its_parts(word, direction):
    assert read({**CAMEL, "callType": word}).direction == direction


@pytest.mark.parametrize(
    ("kind", "call_type", "direction"),
    [
        ("From", "INBOUND", "inbound"),
        ("Caller", "Inbound", "inbound"),
        ("From", "OUTBOUND", ""),
        ("To", "INBOUND", ""),
        ("", "INBOUND", ""),
        ("From", "", ""),
    ],
)
def test_how_the_call_came_to_who_called(kind, call_type, direction):
    part = {"participantType": kind, "participantCallType": call_type}
    report = read({**CAMEL, "callType": "", "participants": ["x", part]})
    assert report.direction == direction


def test_numbers_that_only_incoming_calls_need():
    report = read(REDUCED)
    assert (report.destination, report.shown) == (ASHA, CUSTOMER)
    rings = event("Ringing", ASHA, 1, f"0{CUSTOMER}")
    assert (rings.address, rings.shown, rings.airtel_number) == (ASHA, CUSTOMER, "")
    outside = {"eventType": "CALL", "event": "Ringing", "participantAddress": ASHA}
    outside |= {"displayCli": CUSTOMER, "calledNumber": f"+91{AIRTEL}", "callType": "Inbound"}
    report = read(outside)
    assert (report.shown, report.airtel_number, report.direction) == (CUSTOMER, AIRTEL, "inbound")
    assert report.not_understood == ()
    # The details are the network's own
    inside = read(outside | {"metaData": {"displayCli": RAVI}})
    assert inside.shown == RAVI
    for number in (ASHA, CUSTOMER, AIRTEL, RAVI):
        assert number not in repr(report) + repr(inside) + repr(read(REDUCED))


def test_what_a_phone_shows_makes_two_events():
    """Which of them is meant does not depend on the order in which they come."""
    assert event("Ringing", ASHA, 1, CUSTOMER) != event("Ringing", ASHA, 1, RAVI)
    assert event("Ringing", ASHA, 1, CUSTOMER) == event("Ringing", ASHA, 1, CUSTOMER, late=9)
