import hashlib
import json
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccp.airtel.fields import Fields
from ccp.airtel.reports import (
    ApiResult,
    Cdr,
    CdrLeg,
    Event,
    Unreadable,
    kind_and_fingerprint,
    parse,
    to_text,
)

UTC = timezone.utc
RECEIVED = datetime(2020, 2, 26, 12, 20, tzinfo=UTC)
AT = datetime(2020, 2, 26, 12, 19, 46, 399000, tzinfo=UTC)
EPOCH_MS = 1582719586399
# Section 3, with a number
SAMPLE_EVENT = {
    "eventType": "CALL",
    "participantAddress": "9876543210",
    "event": "Removed",
    "time": "2020-02-26T12:19:46.399+0000",
    "metaData": {
        "causeCode": "16",
        "sipCode": "699",
        "causeCodeDescription": "Normal call clearing",
    },
}
DISPLAY_CDR = {
    "Session_ID": "5f0c-uuid",
    "Client_Correlation_Id": "Xchange5f0c-uuid",
    "Overall_Call_Status": "Answered",
    "Call_Type": "OUTBOUND",
    "Caller_ID": "8000000001",
    "Caller_Number": "09876543210",
    "Destination_Number": "+919123456789",
    "Caller_Status": "Disconnected",
    "Destination_Status": "Disconnected",
    "Caller_Status_Detail": "16 | 699 | Normal call clearing | Disconnected",
    "Destination_Status_Detail": "486 | 17 | User busy | Busy",
    "Hangup_Cause": "USER_INITIATED",
    "Caller_Operator_Name": "Airtel",
    "Caller_Circle_Name": "Delhi",
    "Destination_Operator_Name": "Jio",
    "Destination_Circle_Name": "Mumbai",
    "Pulse_Count": "2",
    "Billable_Duration": "00:40",
    "Conversation_Duration": "01:02:05",
    "Overall_Call_Duration": "00:55",
    "Caller_Waiting_Time": "00:07",
    "Caller_Retry_Count": "0",
    "Destination_Retry_Count": 1,
    "DTMF_Capture": "1 | 3 | 9",
    "Date": "26/02/2020",
    "Time": "17:49:00",
    "timestamp": "2020-02-26 12:19:01",
    "Recording": "https://rec.airtel.in/r.wav?token=aB+/=%2f%7E",
}
CAMEL_CDR = {
    "vmSessionId": "5f0c-uuid",
    "clientCorrelationId": "Xchange5f0c-uuid",
    "overallCallStatus": "Missed",
    "callerNumberStatus": "Disconnected",
    "destinationNumberStatus": "No Answer",
    "callerNumber": "919876543210",
    "destinationNumber": "9123456789",
    "startTime": EPOCH_MS - 60_000,
    "endTime": EPOCH_MS,
    "callAnswerTime": EPOCH_MS - 50_000,
    "duration": 60_000,
    "conversationDuration": 12_600,
    "fromWaitingTime": 6_400,
    "hangupCause": "SYSTEM_INITIATED",
    "retryCount": 1,
    "recordingURL": "https://rec.airtel.in/r.mp3?token=x",
    "participants": [
        {
            "participantAddress": "9876543210",
            "participantType": "From",
            "participantName": "A",
            "startTime": EPOCH_MS - 60_000,
            "callAnswerTime": EPOCH_MS - 50_000,
            "endTime": EPOCH_MS,
            "duration": 60_000,
            "billableDuration": 50_000,
            "pulse": 1,
            "retryCount": 0,
            "status": "Disconnected",
            "hangupCause": "Normal call clearing",
            "circleName": "Delhi",
            "operatorName": "Airtel",
        },
        {"participantAddress": "9123456789", "participantType": "To", "status": "No Answer"},
        "nonsense",
    ],
    "events": [SAMPLE_EVENT, 7],
}


def read(data, received_at=RECEIVED):
    return parse(json.dumps(data), received_at)


def event(**changes):
    return read({**SAMPLE_EVENT, **changes})


def test_the_specifications_event():
    assert read(SAMPLE_EVENT) == Event(
        received_at=RECEIVED,
        event_type="CALL",
        event="removed",
        address="9876543210",
        at=AT,
        cause_code=16,
        sip_code=699,
        cause_text="Normal call clearing",
    )


def test_an_events_other_fields():
    parsed = event(
        participantName=" B ",
        requestName="addParticipant_1",
        vmSessionId="s",
        clientCorrelationId="c",
        eventId="e",
        event="Not_Reach able",
    )
    assert parsed.participant_name == "B"
    assert parsed.component == "addParticipant_1"
    assert (parsed.session_id, parsed.correlation_id, parsed.event_id) == ("s", "c", "e")
    assert parsed.event == "notreachable"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("16", "699", (16, 699)),
        ("699", "16", (16, 699)),
        (486, 17, (17, 486)),
        (17.0, "486", (17, 486)),
        ("500", None, (None, 500)),
        (None, "127", (127, None)),
        ("1", "400", (1, 400)),
        (699, 2, (2, 699)),
        ("0", "128", (None, None)),
        ("399", "700", (None, None)),
        ("", '""', (None, None)),
        (True, [], (None, None)),
        ("sixteen", {}, (None, None)),
        ("9" * 5000, -16, (None, None)),
    ],
)
def test_causes_are_told_apart_by_value(first, second, expected):
    codes = {"causeCode": first, "sipCode": second}
    for parsed in (event(metaData=codes), read({"participants": [codes]}).legs[0]):
        assert (parsed.cause_code, parsed.sip_code) == expected


@pytest.mark.parametrize(
    "moment",
    [
        "2020-02-26T12:19:46.399+0000",
        "2020-02-26T12:19:46.399Z",
        "2020-02-26T17:49:46.399+05:30",
        "2020-02-26T17:49:46.399+0530",
        "2020-02-26T06:49:46.399-0530",
        "2020-02-26 12:19:46.399",
        "2020-02-26 12:19:46.399 UTC",
        # Without a zone, and ahead of our clock as UTC: then it is India's.
        "2020-02-26 17:49:46.399",
        EPOCH_MS,
        str(EPOCH_MS),
        EPOCH_MS / 1000,
    ],
)
def test_moments_in_all_forms(moment):
    assert abs(event(time=moment).at - AT) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "moment",
    [
        None,
        "",
        '""',
        "soon",
        0,
        -1,
        True,
        [],
        {},
        "9" * 30,
        10**40,
        1e300,
        "2020-02-24T12:19:59+0000",
        "2020-02-26T13:20:01+0000",
        "1970-01-01T00:00:00+0000",
        "9999-12-31T23:59:59-2359",
        "0001-01-01T00:00:00+2359",
        "2020-02-30T12:00:00+0000",
        "2020-02-26T25:00:00+0000",
        "2020-02-27T12:19:46+2400",
        "2020-02-26T12:19:46+9900",
        EPOCH_MS * 1000,
    ],
)
def test_moments_that_make_no_sense_are_none(moment):
    assert event(time=moment).at is None


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("26/02/2020 12:19:46", (12, 19, 46)),
        ("26-02-2020T12:19", (12, 19, 0)),
        ("26/2/2020, 12:19:46 PM", (12, 19, 46)),
        ("26/02/2020 1:05 pm", (13, 5, 0)),
        ("26/02/2020 12:05:06 AM", (0, 5, 6)),
        ("26/02/2020 11:05:06am", (11, 5, 6)),
    ],
)
def test_moments_with_the_day_first(moment, expected):
    assert event(time=moment).at == datetime(2020, 2, 26, *expected, tzinfo=UTC)


@pytest.mark.parametrize(
    ("distance", "is_believed"),
    [
        (-timedelta(days=2), True),
        (-timedelta(days=2, seconds=1), False),
        (timedelta(hours=1), True),
        (timedelta(hours=1, seconds=1), False),
    ],
)
def test_moments_are_believed_near_the_arrival(distance, is_believed):
    moment = RECEIVED + distance
    assert event(time=moment.isoformat()).at == (moment if is_believed else None)


def test_fractions_of_a_second_in_any_length():
    for fraction, microsecond in ((".5", 500_000), (",000001", 1), (".1234567", 123_456), ("", 0)):
        parsed = event(time=f"2020-02-26T12:19:46{fraction}Z")
        assert parsed.at == AT.replace(microsecond=microsecond)


def test_the_details_clock_is_the_better_one():
    parsed = event(time="2020-02-26T12:19:50+0000", metaData={"timestamp": EPOCH_MS})
    assert parsed.at == AT
    assert event(metaData={"timestamp": "nonsense"}).at == AT


def test_keys_that_were_pressed():
    for value in ("1 | 3 | 9", "139", 139):
        parsed = event(eventType="DTMF", event="Captured", metaData={"digits": value})
        assert parsed.digits == "139"


def test_received_at_is_utc_whatever_its_zone():
    india = timezone(timedelta(hours=5, minutes=30))
    assert read(SAMPLE_EVENT, RECEIVED.astimezone(india)).received_at.tzinfo == UTC
    assert read(SAMPLE_EVENT, RECEIVED.replace(tzinfo=None)).received_at == RECEIVED


@pytest.fixture
def machine_in_india(monkeypatch):
    """The machine's clock shows India's time."""
    monkeypatch.setenv("TZ", "IST-05:30")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_the_machines_zone_does_not_count(machine_in_india):
    parsed = read(SAMPLE_EVENT, RECEIVED.replace(tzinfo=None))
    assert (parsed.received_at, parsed.received_at.tzinfo) == (RECEIVED, UTC)
    assert event(time="2020-02-26T12:19:46.399Z").at == AT
    assert event(time="2020-02-26 17:49:46.399").at.tzinfo == UTC


def test_a_repeat_equals_the_original():
    later = read(SAMPLE_EVENT, RECEIVED + timedelta(minutes=1))
    assert later == read(SAMPLE_EVENT)
    assert len({later, read(SAMPLE_EVENT)}) == 1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {
                "requestMessageType": "InitiateCall",
                "responseType": "ERROR",
                "errorMessage": "no\nchannel",
                "vmSessionId": "s",
                "clientCorrelationId": "c",
            },
            ApiResult(
                received_at=RECEIVED,
                request_type="InitiateCall",
                ok=False,
                message="no channel",
                session_id="s",
                correlation_id="c",
            ),
        ),
        (
            {"requestMessageType": "Record", "responseType": "success", "vmSessionId": '""'},
            ApiResult(received_at=RECEIVED, request_type="Record", ok=True),
        ),
    ],
)
def test_api_results(data, expected):
    assert read(data) == expected


def test_the_display_dialect():
    cdr = read(DISPLAY_CDR)
    assert isinstance(cdr, Cdr)
    assert (cdr.session_id, cdr.correlation_id) == ("5f0c-uuid", "Xchange5f0c-uuid")
    assert (cdr.overall_status, cdr.hangup_cause) == ("answered", "USER_INITIATED")
    assert cdr.recording_url == DISPLAY_CDR["Recording"]
    assert (cdr.talk_seconds, cdr.total_seconds, cdr.billable_seconds) == (3725, 55, 40)
    assert cdr.pulses == 2
    assert cdr.started_at == datetime(2020, 2, 26, 12, 19, 1, tzinfo=UTC)
    agent, customer = cdr.legs
    assert (agent.side, agent.address, agent.status) == ("from", "9876543210", "disconnected")
    assert (agent.cause_code, agent.sip_code) == (16, 699)
    assert agent.cause_text == "Normal call clearing"
    assert agent.ring_seconds == 7
    assert (agent.operator, agent.circle) == ("Airtel", "Delhi")
    assert (customer.side, customer.address) == ("to", "9123456789")
    assert (customer.cause_code, customer.sip_code) == (17, 486)
    assert (customer.operator, customer.circle) == ("Jio", "Mumbai")


def test_date_and_time_are_indias():
    data = {**DISPLAY_CDR, "timestamp": '""'}
    assert read(data).started_at == datetime(2020, 2, 26, 12, 19, tzinfo=UTC)
    data["Time"] = "05:49:00 PM"
    assert read(data).started_at == datetime(2020, 2, 26, 12, 19, tzinfo=UTC)


def test_date_and_time_are_indias_however_late_the_report_comes():
    data = {**DISPLAY_CDR, "timestamp": None}
    assert read(data, RECEIVED + timedelta(hours=12)).started_at == datetime(
        2020, 2, 26, 12, 19, tzinfo=UTC
    )


def test_date_and_time_are_read_as_utc_where_indias_make_no_sense():
    data = {**DISPLAY_CDR, "timestamp": None, "Date": "24/02/2020", "Time": "13:19:00"}
    assert read(data).started_at == datetime(2020, 2, 24, 13, 19, tzinfo=UTC)


def test_no_moment_is_believed_without_an_arrival():
    assert Fields({"time": EPOCH_MS}).moment("time") is None
    assert Fields({"time": EPOCH_MS}, RECEIVED).moment("time") == AT


def test_the_camel_dialect():
    cdr = read(CAMEL_CDR)
    assert (cdr.session_id, cdr.correlation_id) == ("5f0c-uuid", "Xchange5f0c-uuid")
    assert (cdr.overall_status, cdr.hangup_cause) == ("missed", "SYSTEM_INITIATED")
    assert cdr.started_at == AT - timedelta(seconds=60)
    assert (cdr.answered_at, cdr.ended_at) == (AT - timedelta(seconds=50), AT)
    assert (cdr.talk_seconds, cdr.total_seconds, cdr.billable_seconds) == (13, 60, None)
    assert cdr.recording_url == "https://rec.airtel.in/r.mp3?token=x"
    assert cdr.events == (read(SAMPLE_EVENT),)
    listed, called, caller, destination = cdr.legs
    assert (listed.side, listed.name, listed.address) == ("from", "A", "9876543210")
    assert (listed.answered_at, listed.ended_at) == (AT - timedelta(seconds=50), AT)
    assert (listed.talk_seconds, listed.pulses) == (50, 1)
    assert (called.side, called.status, called.talk_seconds) == ("to", "noanswer", None)
    assert (caller.side, caller.ring_seconds) == ("from", 6)
    assert (destination.side, destination.status) == ("to", "noanswer")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (35_000, 35),
        (35_499, 35),
        (35_500, 36),
        (0, 0),
        (35_000.0, 35),
        ("00:35", 35),
        (499, 0),
        (500, 1),
        ("999", 999),
        ("1000", 1),
        (7 * 24 * 3600 * 1000, 7 * 24 * 3600),
        (7 * 24 * 3600 * 1000 + 1, None),
        (str(7 * 24 * 3600 * 1000), 7 * 24 * 3600),
        ("168:00:00", 7 * 24 * 3600),
        ("168:00:01", None),
        ("1:02:03", 3723),
        ("90:00", 5400),
        ("00:00:35.4", 35),
        ("35000", 35),
        ("35", 35),
        ("", None),
        ('""', None),
        (None, None),
        (-1, None),
        (True, None),
        ("-00:35", None),
        ("a while", None),
        ([35], None),
        (10**15, None),
        (1e308, None),
        ("9" * 400, None),
        ("999:00:00", None),
    ],
)
def test_durations(value, seconds):
    assert read({**DISPLAY_CDR, "Conversation_Duration": value}).talk_seconds == seconds


@pytest.mark.parametrize(
    "url",
    [
        "",
        '""',
        None,
        5,
        ["ftp://x"],
        {"url": 5},
        "ftp://x.airtel.in/r",
        "NA",
        "https://x.airtel.in/\x00",
        "https://x.airtel.in/\u202e",
        "https://x.airtel.in/\ud800",
        "https://x.airtel.in/" + "a" * 5000,
    ],
)
def test_what_is_no_recording_url(url):
    assert read({**DISPLAY_CDR, "Recording": url}).recording_url == ""


def test_a_recording_url_may_be_long():
    url = "https://x.airtel.in/".ljust(4096, "a")
    assert read({**DISPLAY_CDR, "Recording": url}).recording_url == url
    assert read({**DISPLAY_CDR, "Recording": url + "a"}).recording_url == ""


@pytest.mark.parametrize("name", ["Recording", "recordingURL", "recordingUrl", "Recording_URL"])
def test_the_recordings_names(name):
    data = {"Session_ID": "s", name: "https://x.airtel.in/r"}
    assert read(data).recording_url == "https://x.airtel.in/r"


@pytest.mark.parametrize("dialect", [DISPLAY_CDR, CAMEL_CDR])
def test_any_field_of_a_cdr_can_be_missing_or_of_any_type(dialect):
    for name in dialect:
        kept = {key: value for key, value in dialect.items() if key != name}
        assert read(kept).kind == "cdr"
        for odd in (None, "", '""', [], {}, [[]], {"a": 1}, True, -1, 1.5, "x" * 9000, 10**50):
            assert read({**kept, name: odd}).kind == "cdr"


def test_what_is_no_number_is_a_text():
    for constant in ("NaN", "Infinity", "-Infinity"):
        text = f'{{"eventType": "CALL", "participantName": {constant}}}'
        assert parse(text, RECEIVED).participant_name == constant


def test_every_field_of_an_event_can_be_of_any_type():
    names = [name for name in SAMPLE_EVENT if name != "eventType"]
    for odd in (None, "", [], {}, True, -1, 1.5, "\x00", "\ud800", 10**50):
        changes = dict.fromkeys([*names, "participantName", "requestName", "eventId"], odd)
        assert event(**changes).kind == "event"
        assert event(**changes).at is None


def test_texts_are_cut_and_cleaned():
    parsed = event(
        participantName="A\x00\ud800\u202e\n" + "b" * 1000,
        metaData={"causeCodeDescription": "x" * 100_000},
        eventId="y" * 1000,
    )
    assert parsed.participant_name.startswith("A bbb")
    assert len(parsed.participant_name) == 64
    assert len(parsed.cause_text) == 200
    assert len(parsed.event_id) == 128


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" " * 255 + "x", "x"),
        (" " * 256 + "x", ""),
        ("a" * 63 + " b", "a" * 63),
        ("a \t\n  b", "a b"),
        ("a\u200bb", "a b"),
        (5, "5"),
        (1.5, "1.5"),
        (True, ""),
        ("null", ""),
        ([], ""),
    ],
)
def test_texts_are_one_clean_line(value, text):
    assert event(participantName=value).participant_name == text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (2, 2),
        (2.0, 2),
        (2.5, None),
        ("2", 2),
        (" +2.0 ", 2),
        ("2.5", None),
        ("-0", 0),
        (False, None),
    ],
)
def test_whole_numbers(value, number):
    assert read({"vmSessionId": "s", "pulseCount": value}).pulses == number


def test_how_deep_json_may_nest():
    for depth, kind in ((63, "event"), (64, "unreadable")):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            nested = f"{opening * depth}1{closing * depth}"
            # More brackets than may nest, beside each other
            raw = f'{{"eventType": "CALL", "w": [{"[],{}," * 50}1], "x": {nested}}}'.encode()
            assert kind_and_fingerprint(raw)[0] == kind
            assert parse(raw, RECEIVED).kind == kind
    wide = json.dumps({"eventType": "CALL", "x": [[], {}] * 100}).encode()
    assert parse(wide, RECEIVED).kind == "event"


# A field's names with what each is read as; the first that holds anything wins.

EVENT_NAMES = {
    "event_type": (("eventType",), "A B", "A B"),
    "event": (("event",), "A_b", "ab"),
    "address": (("participantAddress",), "+919123456789", "9123456789"),
    "participant_name": (("participantName",), "B", "B"),
    "component": (("requestName",), "c_1", "c_1"),
    "at": (("time", "timestamp"), EPOCH_MS, AT),
    "cause_code": (("causeCode", "sipCode"), 17, 17),
    "sip_code": (("causeCode", "sipCode"), 486, 486),
    "cause_text": (("causeCodeDescription", "hangupCause"), "User busy", "User busy"),
    "session_id": (("vmSessionId", "sessionId"), "s", "s"),
    "correlation_id": (("clientCorrelationId", "correlationId"), "c", "c"),
    "event_id": (("eventId",), "e", "e"),
}
DETAIL_NAMES = {
    "at": (("timestamp",), EPOCH_MS, AT),
    "cause_code": (("causeCode", "sipCode"), 17, 17),
    "sip_code": (("causeCode", "sipCode"), 486, 486),
    "cause_text": (("causeCodeDescription",), "User busy", "User busy"),
    "digits": (("digits", "digit", "dtmf", "dtmfDigits", "value"), "12", "12"),
}
API_RESULT_NAMES = {
    "request_type": (("requestMessageType",), "Play", "Play"),
    "message": (("errorMessage", "message", "errorCode"), "no channel", "no channel"),
    "session_id": (("vmSessionId", "sessionId"), "s", "s"),
    "correlation_id": (("clientCorrelationId", "correlationId"), "c", "c"),
}
CDR_NAMES = {
    "session_id": (("sessionId", "vmSessionId"), "s", "s"),
    "correlation_id": (("clientCorrelationId", "correlationId"), "c", "c"),
    "overall_status": (("overallCallStatus",), "No_Answer", "noanswer"),
    "started_at": (("startTime", "timestamp"), EPOCH_MS, AT),
    "answered_at": (("callAnswerTime",), EPOCH_MS, AT),
    "ended_at": (("endTime",), EPOCH_MS, AT),
    "talk_seconds": (("conversationDuration",), 35_000, 35),
    "total_seconds": (("overallCallDuration", "duration"), 35_000, 35),
    "billable_seconds": (("billableDuration",), 35_000, 35),
    "recording_url": (("recording", "recordingUrl"), "https://h/r", "https://h/r"),
    "hangup_cause": (("hangupCause",), "SYSTEM_INITIATED", "SYSTEM_INITIATED"),
    "pulses": (("pulseCount", "pulse"), "2", 2),
}
LISTED_LEG_NAMES = {
    "address": (("participantAddress",), "09123456789", "9123456789"),
    "name": (("participantName",), "B", "B"),
    "status": (("status",), "No Answer", "noanswer"),
    "started_at": (("startTime",), EPOCH_MS, AT),
    "answered_at": (("callAnswerTime",), EPOCH_MS, AT),
    "ended_at": (("endTime",), EPOCH_MS, AT),
    "ring_seconds": (("waitTime", "waitingTime"), 7_000, 7),
    "cause_code": (("causeCode", "sipCode"), 17, 17),
    "sip_code": (("causeCode", "sipCode"), 486, 486),
    "cause_text": (("causeCodeDescription", "hangupCause"), "User busy", "User busy"),
    "operator": (("operatorName",), "Jio", "Jio"),
    "circle": (("circleName",), "Mumbai", "Mumbai"),
    "pulses": (("pulse",), 3, 3),
}


def side_leg_names(side, waiting):
    return {
        "address": ((f"{side}Number",), "09123456789", "9123456789"),
        "status": ((f"{side}Status", f"{side}NumberStatus"), "No Answer", "noanswer"),
        "ring_seconds": ((f"{side}WaitingTime", waiting), 7_000, 7),
        "operator": ((f"{side}OperatorName",), "Jio", "Jio"),
        "circle": ((f"{side}CircleName",), "Mumbai", "Mumbai"),
    }


# How an object is made of some fields, where what it tells is found, and its fields' names
READERS = {
    "event": (lambda fields: {"eventType": "X"} | fields, lambda read: read, EVENT_NAMES),
    "details": (
        lambda fields: {"eventType": "X", "metaData": fields, "timestamp": 5, "sipCode": "x"},
        lambda read: read,
        DETAIL_NAMES,
    ),
    "API result": (
        lambda fields: {"requestMessageType": "X"} | fields,
        lambda read: read,
        API_RESULT_NAMES,
    ),
    "CDR": (lambda fields: {"participants": [{}]} | fields, lambda read: read, CDR_NAMES),
    "listed leg": (
        lambda fields: {"participants": [fields]},
        lambda read: read.legs[0],
        LISTED_LEG_NAMES,
    ),
    "caller": (
        lambda fields: {"vmSessionId": "s"} | fields,
        lambda read: next(iter(read.legs), CdrLeg()),
        side_leg_names("caller", "fromWaitingTime"),
    ),
    "destination": (
        lambda fields: {"vmSessionId": "s"} | fields,
        lambda read: next(iter(read.legs), CdrLeg()),
        side_leg_names("destination", "toWaitingTime"),
    ),
}
NAMES = [
    pytest.param(make, find, attribute, *told, id=f"{reader} {attribute}")
    for reader, (make, find, names) in READERS.items()
    for attribute, told in names.items()
]


@pytest.mark.parametrize(("make", "find", "attribute", "names", "value", "expected"), NAMES)
def test_every_name_of_a_field(make, find, attribute, names, value, expected):
    for index, name in enumerate(names):
        assert getattr(find(read(make({name: value}))), attribute) == expected
        earlier = dict.fromkeys(names[:index], '""')
        later = dict.fromkeys(names[index + 1 :], "9")
        assert getattr(find(read(make(earlier | {name: value} | later))), attribute) == expected
    assert expected not in vars(find(read(make({"other": value, names[0][1:]: value})))).values()


LONG = "1" * 1000
LENGTHS = {
    "event_type": 64,
    "event": 64,
    "address": 10,
    "participant_name": 64,
    "component": 64,
    "cause_text": 200,
    "digits": 64,
    "session_id": 128,
    "correlation_id": 128,
    "event_id": 128,
    "request_type": 64,
    "message": 200,
    "overall_status": 64,
    "hangup_cause": 64,
    "name": 64,
    "status": 64,
    "operator": 64,
    "circle": 64,
}


@pytest.mark.parametrize(
    ("make", "find", "attribute", "name"),
    [
        pytest.param(make, find, attribute, told[0][0], id=f"{reader} {attribute}")
        for reader, (make, find, names) in READERS.items()
        for attribute, told in names.items()
        if attribute in LENGTHS
    ],
)
def test_every_text_is_cut(make, find, attribute, name):
    told = getattr(find(read(make({name: LONG}))), attribute)
    assert told == "1" * LENGTHS[attribute]


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("16 | 699 | Normal call clearing | Disconnected", (16, 699, "Normal call clearing", 12)),
        ("486|17|User busy|Busy", (17, 486, "User busy", 4)),
        ("User busy | Busy", (None, None, "User busy", 4)),
        ("Busy", (None, None, "", 4)),
        ("17", (17, None, "", 0)),
        ("127 | 699", (127, 699, "", 0)),
        ("128 | 700", (None, None, "", 0)),
        ("1 | 400", (1, 400, "", 0)),
        ("0 | 399", (None, None, "", 0)),
    ],
)
def test_the_details_of_a_status(detail, expected):
    legs = read({"vmSessionId": "s", "callerStatusDetail": detail}).legs
    told = [(leg.cause_code, leg.sip_code, leg.cause_text, len(leg.status)) for leg in legs]
    assert told == ([expected] if expected != (None, None, "", 0) else [])


def test_a_status_of_its_own_wins_over_its_details():
    fields = {"callerStatus": "Busy", "callerStatusDetail": "16 | 699 | Cleared | Disconnected"}
    assert read({"vmSessionId": "s"} | fields).legs[0].status == "busy"


def test_how_long_a_listed_leg_talked():
    answer = {"callAnswerTime": EPOCH_MS - 20_000}
    end = {"endTime": EPOCH_MS - 400}
    told = {
        20: [answer | end, answer | end | {"duration": 5_000}],
        7: [answer | {"billableDuration": 7_000, "duration": 5_000}],
        5: [answer | {"duration": 5_000}],
        0: [{"callAnswerTime": EPOCH_MS - 400} | end],
        None: [
            answer,
            end | {"duration": 5_000},
            {"billableDuration": 7_000},
            {"callAnswerTime": EPOCH_MS, "endTime": EPOCH_MS - 1},
        ],
    }
    for seconds, entries in told.items():
        for entry in entries:
            assert read({"participants": [entry]}).legs[0].talk_seconds == seconds


@pytest.mark.parametrize(
    ("count", "expected"), [(0, 0), (100_000, 100_000), (100_001, None), (-1, None)]
)
def test_counts_have_limits(count, expected):
    assert read({"vmSessionId": "s", "pulseCount": count}).pulses == expected
    assert read({"vmSessionId": "s", "pulseCount": 100_001}).pulses is None


@pytest.mark.parametrize("word", ["From", "caller", "TO", "Destination", "agent", ""])
def test_the_sides_of_listed_legs(word):
    sides = {"From": "from", "caller": "from", "TO": "to", "Destination": "to"}
    leg = read({"participants": [{"participantType": word}]}).legs[0]
    assert leg.side == sides.get(word)


def test_lists_are_bounded():
    data = {
        **CAMEL_CDR,
        "participants": [{"status": "Busy"}] * 5000,
        "events": [SAMPLE_EVENT] * 999,
    }
    cdr = read(data)
    assert len(cdr.legs) == 22
    assert len(cdr.events) == 200


KINDS = {
    "event": SAMPLE_EVENT,
    "event by its word": {"event": "Answer", "eventType": '""', "vmSessionId": "s"},
    "event of an unknown type": {"eventType": 5},
    "api_result": {"requestMessageType": "x", "responseType": "ERROR", "vmSessionId": "s"},
    "cdr in display dialect": {"Overall_Call_Status": "Missed"},
    "cdr in camel dialect": {"overallCallStatus": "Missed"},
    "cdr with a session": {"vmSessionId": "s"},
    "cdr with a session ": {"Session_ID": "s"},
    "cdr with participants": {"participants": [{}]},
    "cdr posted as an event": {"eventType": "CDR", "Overall_Call_Status": "Missed"},
    "cdr posted as an event in lower case": {"eventType": "cdr", "Overall_Call_Status": "Missed"},
    "cdr of nothing but its type": {"eventType": "CDR", "vmSessionId": "s"},
    "event with a status": {"eventType": "CALL", "Overall_Call_Status": "Missed"},
    "event with the other session": {"event": "Answer", "sessionId": "s"},
    "cdr with a status and an event": {"event": "Answer", "Overall_Call_Status": "Missed"},
    "unreadable object": {"hello": "world"},
    "unreadable empty object": {},
    "unreadable empty fields": {"eventType": None, "vmSessionId": '""', "participants": []},
}


@pytest.mark.parametrize(("name", "data"), KINDS.items())
def test_kinds_are_told_by_shape(name, data):
    kind = name.split()[0]
    assert read(data).kind == kind
    assert kind_and_fingerprint(json.dumps(data).encode())[0] == kind


NONSENSE = {
    "empty": (b"", "empty"),
    "blank": (b" \r\n", "empty"),
    "byte order mark": (b"\xef\xbb\xbf", "empty"),
    "broken": (b'{"eventType": "CALL"', "json"),
    "form": (b"eventType=CALL&event=Answer", "json"),
    "list": (b"[5]", "not_object"),
    "text": (b'"CALL"', "not_object"),
    "number": (b"5", "not_object"),
    "null": (b"null", "json"),
    "X": (b"X", "json"),
    "other blanks": (b"\x0b\x0c", "json"),
    "NUL": (b"\x00", "json"),
    "many NULs": (b"\x00" * 1000, "json"),
    "not UTF-8": (b"\xff\xfe\xfd", "json"),
    "nested lists": (b"[" * 100_000, "json"),
    "nested and closed": (b"[" * 100_000 + b"]" * 100_000, "json"),
    "nested objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "json"),
    "nested in a field": (b'{"eventType":' + b"[" * 900 + b"]" * 900 + b"}", "json"),
    "unknown shape": (b'{"hello": 1}', "shape"),
}


@pytest.mark.parametrize(("raw", "reason"), NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_unreadable(raw, reason):
    assert parse(raw, RECEIVED) == Unreadable(received_at=RECEIVED, reason=reason)
    assert parse(raw, RECEIVED).received_at == RECEIVED
    assert kind_and_fingerprint(raw)[0] == "unreadable"


READABLE = {
    "byte order mark": b"\xef\xbb\xbf" + json.dumps(SAMPLE_EVENT).encode(),
    "UTF-16": json.dumps(SAMPLE_EVENT).encode("utf-16"),
    "UTF-16 without a mark": json.dumps(SAMPLE_EVENT).encode("utf-16-le"),
    "UTF-32": json.dumps(SAMPLE_EVENT).encode("utf-32"),
    "brackets in a text": json.dumps({**SAMPLE_EVENT, "x": '\\"[{' * 500}).encode(),
    "duplicate key": b'{"event": "Answer", ' + json.dumps(SAMPLE_EVENT).encode()[1:],
    "huge integer": json.dumps(SAMPLE_EVENT).encode()[:-1] + b', "x": ' + b"9" * 100_000 + b"}",
    "NaN and infinity": json.dumps({**SAMPLE_EVENT, "x": [float("nan"), float("inf")]}).encode(),
    "1e999": json.dumps(SAMPLE_EVENT).encode()[:-1] + b', "waitTime": 1e999}',
    "lone surrogate": json.dumps({**SAMPLE_EVENT, "participantName": "\ud800"}).encode(),
    "escaped NUL": json.dumps({**SAMPLE_EVENT, "participantName": "\x00"}).encode(),
    "control characters": json.dumps(SAMPLE_EVENT).encode()[:-1] + b', "x": "\n\t\x00"}',
    "Latin-1": json.dumps(SAMPLE_EVENT).encode()[:-1] + b', "x": "caf\xe9"}',
}


@pytest.mark.parametrize("raw", READABLE.values(), ids=READABLE.keys())
def test_oddities_around_a_good_event_do_not_hurt(raw):
    assert parse(raw, RECEIVED) == read(SAMPLE_EVENT)
    assert parse(to_text(raw), RECEIVED) == read(SAMPLE_EVENT)
    assert kind_and_fingerprint(raw)[0] == "event"


@pytest.mark.parametrize("text", ['{"a": 1}', '["a"]', '"a"', ' \t\r\n{"a": 1}'])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-16"])
def test_json_in_any_unicode_is_read(text, encoding):
    assert to_text(text.encode(encoding)) == text


def test_garbage_with_zeros_stays_legible():
    assert to_text(b"\x00hello") == "\ufffdhello"
    assert to_text(b"\x00\x00\x00hello") == "\ufffd\ufffd\ufffdhello"
    assert to_text(b"he\x00llo") == "he\ufffdllo"


def test_a_repeat_has_the_same_fingerprint():
    turned = dict(reversed(SAMPLE_EVENT.items()))
    spaced = json.dumps(turned, indent=3).encode("utf-16")
    plain = json.dumps(SAMPLE_EVENT, separators=(",", ":")).encode()
    assert kind_and_fingerprint(spaced) == kind_and_fingerprint(plain)
    other = json.dumps({**SAMPLE_EVENT, "event": "Answer"}).encode()
    assert kind_and_fingerprint(other) != kind_and_fingerprint(plain)
    assert kind_and_fingerprint(b"x")[1] != kind_and_fingerprint(b"x ")[1]
    assert all(len(kind_and_fingerprint(raw)[1]) == 64 for raw in (plain, b"", b"\xff"))


def test_fingerprints_that_are_stored_stay_valid():
    for raw, hashed in (
        (b' {"eventType": "CALL", "a": [1, 2]} ', b'{"a":[1,2],"eventType":"CALL"}'),
        (b"not JSON ", b"not JSON "),
    ):
        assert kind_and_fingerprint(raw)[1] == hashlib.sha256(hashed).hexdigest()


def test_representations_hide_numbers_and_urls():
    shown = repr(read(SAMPLE_EVENT)) + repr(read(DISPLAY_CDR)) + repr(read(CAMEL_CDR))
    for secret in ("9876543210", "9123456789", "token", "139"):
        assert secret not in shown


names = st.sampled_from(
    [*SAMPLE_EVENT, *SAMPLE_EVENT["metaData"], *DISPLAY_CDR, *CAMEL_CDR]
    + [*CAMEL_CDR["participants"][0], "requestMessageType", "responseType", "requestName"]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from([*SAMPLE_EVENT.values(), *DISPLAY_CDR.values(), '""', EPOCH_MS, 10**400]),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
    max_leaves=8,
)
moments = st.datetimes(timezones=st.just(UTC))


@given(st.dictionaries(names, values, max_size=8), moments)
def test_never_raises_on_an_object(data, received_at):
    raw = json.dumps(data).encode()
    parsed = parse(raw, received_at)
    assert parsed == parse(to_text(raw), received_at)
    assert parsed.kind == kind_and_fingerprint(raw)[0]
    hash(parsed)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode("utf-16"))))
def test_never_raises_on_bytes(raw):
    text = to_text(raw)
    text.encode()
    assert "\x00" not in text
    assert parse(raw, RECEIVED) == parse(text, RECEIVED)
    assert parse(raw, RECEIVED).kind == kind_and_fingerprint(raw)[0]


@given(st.text(max_size=200))
def test_never_raises_on_a_text(text):
    parse(text, RECEIVED)


def test_an_ordinary_event_is_quick():
    raw = json.dumps(SAMPLE_EVENT).encode()

    def once(act):
        started = time.perf_counter()
        act()
        return time.perf_counter() - started

    def take():
        parse(raw, RECEIVED)
        kind_and_fingerprint(raw)

    def read_and_write():
        for _ in range(10):
            json.dumps(json.loads(raw), sort_keys=True)

    # Both in turn, the best of many: neither the machine's pace nor other processes count
    times = [(once(take), once(read_and_write)) for _ in range(300)]
    assert min(taken for taken, _ in times) < 3 * min(usual for _, usual in times)


def test_a_big_body_is_quick_enough():
    for raw in (
        b'"' * 5_000_000,
        b'{"a":"' + b"\\" * 4_999_999,
        b"[{" * 2_500_000,
        b"9" * 5_000_000,
    ):
        started = time.process_time()
        kind_and_fingerprint(raw)
        assert time.process_time() - started < 6


def test_copies_stay_equal():
    assert replace(read(CAMEL_CDR), received_at=RECEIVED + timedelta(days=1)) == read(CAMEL_CDR)
