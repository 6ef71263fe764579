"""Reports are read by what they hold: whatever their type says, whatever is around them."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_reports import CAMEL_CDR, DISPLAY_CDR, SAMPLE_EVENT

from ccp.airtel import shape
from ccp.airtel.reports import (
    kind_and_fingerprint,
    parse,
    parse_all,
    split,
)
from ccp.call.timeline import (
    Dialled,
    fold,
)

RECEIVED = datetime(2020, 2, 26, 12, 20, tzinfo=timezone.utc)
AGENT, CUSTOMER = "9876543210", "9123456789"
DIALLED = Dialled((AGENT,), (CUSTOMER,))
URL = "https://rec.airtel.in/r.mp3?token=aB+/="
API_RESULT = {"requestMessageType": "PLAY", "responseType": "ERROR", "errorMessage": "no"}
STATUS_ONLY = {"vmSessionId": "s", "callStatus": "Connected", "recordingURL": URL}
FIELD_REPORT = {
    "eventType": "CDR",
    "callStatus": "Connected",
    "participants": [
        {"participantAddress": AGENT, "participantType": "From", "status": "Connected"},
        {"participantAddress": CUSTOMER, "participantType": "To", "status": "Connected"},
    ],
    "recordingUrl": URL,
}
KNOWN = [SAMPLE_EVENT, DISPLAY_CDR, CAMEL_CDR, API_RESULT, STATUS_ONLY, FIELD_REPORT]


def read(data):
    return parse(json.dumps(data), RECEIVED)


def test_a_cdr_that_calls_itself_an_event():
    report = read(FIELD_REPORT)
    assert (report.kind, report.overall_status, report.recording_url) == ("cdr", "connected", URL)
    story = fold([report], DIALLED)
    assert (story.state, story.result, story.recording_url) == ("ended", "connected", URL)


@pytest.mark.parametrize("event_type", ["CDR", "cdr", "Call_Data_Record", "Call Detail Record"])
def test_an_event_that_calls_itself_a_cdr_stays_one(event_type):
    report = read({**SAMPLE_EVENT, "eventType": event_type, "event": "Answer"})
    assert (report.kind, report.event) == ("event", "answer")
    assert fold([report], DIALLED).state != "ended"


def test_a_cdr_of_another_type():
    assert read({**DISPLAY_CDR, "eventType": "CALL"}).kind == "cdr"
    assert read({**DISPLAY_CDR, "eventType": "CALL", "event": "Disconnected"}).kind == "event"


@pytest.mark.parametrize("status", ["Ringing", "Initiated", "Called_Number"])
def test_a_live_status_ends_no_call(status):
    report = read({"vmSessionId": "s", "callStatus": status, "participantAddress": AGENT})
    assert report.kind == "event"
    assert fold([report], DIALLED).state == "ringing_agent"


def test_a_status_alone_is_a_cdr():
    assert fold([read({"callStatus": "Missed"})], DIALLED).state == "ended"


RECORDINGS = [
    ("Recording", URL),
    ("recordingURL", URL),
    ("Recording File", URL),
    ("recording-file", URL),
    ("Call_Recording_Link", URL),
    ("recording", {"url": URL}),
    ("recording", {"id": 5, "recordingUrl": URL}),
    ("recording", {"file": {"href": URL}}),
    ("recordings", [URL]),
    ("recordings", [{"format": "wav"}, {"URL": URL}]),
    ("RECORDINGS", {"files": 1, "recording": [{"Download_Url": URL}]}),
]


@pytest.mark.parametrize(("name", "value"), RECORDINGS)
def test_a_recording_wherever_it_lies(name, value):
    report = read({"vmSessionId": "s", name: value})
    assert (report.kind, report.recording_url) == ("cdr", URL)
    assert name not in report.not_understood


def test_a_recording_that_is_none_hides_no_other():
    assert read({"Recording": "NA", "recordingUrl": URL}).recording_url == URL
    deep = {"url": {"url": {"url": {"url": URL}}}}
    assert read({"callStatus": "Missed", "recording": deep}).recording_url == ""


wrapper_names = st.sampled_from(
    ["data", "payload", "cdr", "CDR", "body", "result", "message", "event", "events", "x", "call"]
)


@st.composite
def wrapped(draw):
    """A known report in wrappers of several kinds, and the report."""
    report = draw(st.sampled_from(KNOWN))
    value = report
    for _ in range(draw(st.integers(1, 3))):
        how = draw(st.sampled_from(["object", "list", "text"]))
        if how == "object":
            around = draw(st.sampled_from([{}, {"status": 1, "success": True}, {"id": "7"}]))
            value = {**around, draw(wrapper_names): value}
        elif how == "list":
            value = [value]
        else:
            value = {"data": json.dumps(value)}
    return report, value


@settings(max_examples=300)
@given(wrapped())
def test_what_is_around_a_report_changes_nothing(case):
    report, value = case
    assert read(value) == read(report)
    assert kind_and_fingerprint(json.dumps(value).encode())[0] == read(report).kind
    assert parse_all(json.dumps(value), RECEIVED) == (read(report),)


def test_what_an_envelope_says_counts_for_what_lies_in_it():
    inner = {name: value for name, value in SAMPLE_EVENT.items() if name != "eventType"}
    report = read({"eventType": "CALL", "vmSessionId": "s-9", "data": inner})
    assert (report.event, report.event_type, report.session_id) == ("removed", "CALL", "s-9")
    report = read({"eventType": "CDR", "Session_ID": "s-9", "data": {"callStatus": "Missed"}})
    assert (report.kind, report.session_id) == ("cdr", "s-9")
    report = read({"vmSessionId": "s-9", "data": {"vmSessionId": "s-1", "callStatus": "Missed"}})
    assert report.session_id == "s-1"
    report = read({"event": "call.completed", "data": CAMEL_CDR})
    assert report == read(CAMEL_CDR)
    assert read({"eventType": "CDR", "data": {"colour": "red"}}).not_understood == ("colour",)


def test_several_reports_in_one_body():
    body = json.dumps([SAMPLE_EVENT, {"data": [CAMEL_CDR, 5]}, {"hello": 1}])
    kinds = [report.kind for report in parse_all(body, RECEIVED)]
    assert kinds == ["event", "cdr", "unreadable"]
    assert parse(body, RECEIVED) == read(CAMEL_CDR)
    assert kind_and_fingerprint(body.encode())[0] == "cdr"
    apart = split(body)
    assert [parse(text, RECEIVED) for text in apart] == list(parse_all(body, RECEIVED))


def test_bodies_are_bounded():
    assert len(parse_all(json.dumps([SAMPLE_EVENT] * 5000), RECEIVED)) == shape.MAX_REPORTS
    nested = SAMPLE_EVENT
    for _ in range(20):
        nested = {"data": nested}
    assert read(nested).kind == "unreadable"
    wide = {f"x{number}": {"y": {}} for number in range(5000)}
    assert read(wide).kind == "unreadable"


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just("Answered")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["eventType", "data", "recording", "callStatus", "x", "events", "url"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(json_values)
def test_never_raises(value):
    body = json.dumps(value)
    reports = parse_all(body, RECEIVED)
    assert reports
    assert parse(body, RECEIVED).kind == kind_and_fingerprint(body.encode())[0]
    for report in reports:
        hash(report)
        assert all(isinstance(name, str) and name for name in report.not_understood)


# What is not understood is named


def test_known_reports_are_understood():
    for data in KNOWN:
        assert read(data).not_understood == ()


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ({**DISPLAY_CDR, "Colour": "red"}, ("Colour",)),
        ({**DISPLAY_CDR, "Overall_Call_Status": "Eaten"}, ("Overall_Call_Status",)),
        ({**DISPLAY_CDR, "Recording": "NA"}, ("Recording",)),
        ({**CAMEL_CDR, "endTime": "soon"}, ("endTime",)),
        ({**CAMEL_CDR, "conversationDuration": "a while"}, ("conversationDuration",)),
        ({**CAMEL_CDR, "empty": None, "none": "None", "dash": "-"}, ()),
        ({"callStatus": "Missed", "participants": [{"mood": "bad"}]}, ("participants.mood",)),
        ({"callStatus": "Missed", "events": [{"event": "Eaten"}]}, ("events.event",)),
        ({**SAMPLE_EVENT, "event": "Exploded"}, ("event",)),
        ({**SAMPLE_EVENT, "time": "soon", "x": {"y": 1}}, ("time", "x")),
        ({**SAMPLE_EVENT, "metaData": {"asteriskId": "node"}}, ()),
        ({**API_RESULT, "weather": "fine"}, ("weather",)),
        ({"hello": "world", "nothing": ""}, ("hello",)),
        ({"callStatus": "Missed", "9876543210": "x"}, ("98xx…10",)),
    ],
)
def test_what_was_not_understood_is_named(data, names):
    assert read(data).not_understood == names


def test_names_that_were_not_understood_are_bounded():
    names = read({"callStatus": "Missed"} | {f"{'x' * 900}{n}": 1 for n in range(999)})
    assert len(names.not_understood) <= 50
    assert max(map(len, names.not_understood)) <= 40


# Incoming calls, by the templates that are known

INBOUND_DISPLAY = {
    "Call_Type": "INBOUND",
    "Caller_ID": "1800123456",
    "Caller_Number": "09123456789",
    "Caller_Name": None,
    "Caller_Status": "Disconnected",
    "Destination_Number": "09876543210",
    "Destination_Name": "Agent One",
    "Destination_Status": "Disconnected",
    "Destination_CLI": "09123456789",
    "Destination_Retry_Count": 1,
    "Caller_Retry_Count": None,
    "Destination_Status_Detail": "16 | 699 | Normal Clearing | Disconnected",
    "Missed_Destination_Number": None,
    "DTMF_Capture": "1 | 1",
    "Overall_Call_Status": "Answered",
    "Overall_Call_Duration": "00:01:08",
    "Caller_Duration": "01:07",
    "Caller_Waiting_Time": "00:00:27",
    "Conversation_Duration": "00:00:39",
    "Pulse_Count": 3,
    "Caller_Circle_Name": "Delhi",
    "Caller_Operator_Name": "Jio",
    "Date": "26/02/2020",
    "Time": "17:40:33",
    "Recording": URL,
}
INBOUND_CAMEL = {
    "vmSessionId": "s",
    "clientCorrelationId": None,
    "customerId": "ACME",
    "callType": "INBOUND",
    "overallCallStatus": "Answered",
    "callerNumber": CUSTOMER,
    "destinationNumber": AGENT,
    "calledNumber": "8000000009",
    "callerId": "8000000009",
    "startTime": 1582719000000,
    "callAnswerTime": 1582719011000,
    "endTime": 1582719050000,
    "duration": 50000,
    "fromWaitingTime": 11000,
    "conversationDuration": 39000,
    "billableDuration": 39000,
    "hangUpStatus": "Party A",
    "hangupCause": "Normal Clearing",
    "callerNumberStatus": "ANSWERED",
    "destinationNumberStatus": "ANSWERED",
    "retryCountCaller": 0,
    "retryCountDestination": 1,
    "recordingURL": URL,
    "participants": [
        {
            "participantAddress": CUSTOMER,
            "participantType": "From",
            "participantCallType": "INBOUND",
            "participantIndex": 0,
        },
        {
            "participantAddress": AGENT,
            "participantType": "To",
            "participantCallType": "OUTBOUND",
            "participantIndex": 1,
        },
    ],
}
INCOMING = Dialled((AGENT,), (CUSTOMER,), incoming=True)


@pytest.mark.parametrize("data", [INBOUND_DISPLAY, INBOUND_CAMEL])
def test_an_incoming_call_is_understood(data):
    report = read(data)
    assert (report.direction, report.not_understood) == ("inbound", ())
    roles = {report.who(leg): leg.address for leg in report.legs}
    assert roles == {"agent": AGENT, "customer": CUSTOMER}
    story = fold([report], INCOMING)
    assert (story.state, story.result, story.talk_seconds) == ("ended", "connected", 39)
    assert story.recording_url == URL


def test_an_incoming_call_while_it_rings():
    """The customer is on the phone from the start, so the agent's phone is what rings."""
    moments = iter(range(10))

    def event(word, number):
        moment = datetime(2020, 2, 26, 12, 0, next(moments), tzinfo=timezone.utc)
        data = {"eventType": "CALL", "event": word, "participantAddress": number}
        return parse(json.dumps({**data, "time": moment.isoformat()}), moment)

    reports, states = [], []
    for word, number in (
        ("Answer", CUSTOMER),
        ("Ringing", AGENT),
        ("Answer", AGENT),
        ("Disconnected", CUSTOMER),
    ):
        reports.append(event(word, number))
        states.append(fold(reports, INCOMING).state)
    assert states == ["ringing_agent", "ringing_agent", "in_call", "ended"]
    story = fold(reports, INCOMING)
    assert (story.result, story.hung_up_by) == ("connected", "customer")
    given_up = [*reports[:2], event("Disconnected", CUSTOMER)]
    story = fold(given_up, INCOMING)
    assert (story.state, story.result, story.hung_up_by) == ("ended", "abandoned", "customer")


def test_who_hung_up_an_incoming_call():
    assert fold([read(INBOUND_CAMEL)], INCOMING).hung_up_by == "customer"
    for said, who in (("Party B", "agent"), ("SYSTEM_INITIATED", "system")):
        report = read({**INBOUND_CAMEL, "hangUpStatus": said})
        assert fold([report], INCOMING).hung_up_by == who


MISSED = [
    {**INBOUND_CAMEL, "destinationNumber": None},
    {**INBOUND_CAMEL, "destinationNumber": ""},
    INBOUND_CAMEL,
    {**INBOUND_CAMEL, "participants": INBOUND_CAMEL["participants"][:1]},
    {**INBOUND_CAMEL, "participants": INBOUND_CAMEL["participants"][1:] * 3},
    {**INBOUND_DISPLAY, "Missed_Destination_Number": "09876543210 | 09876543211"},
]


@pytest.mark.parametrize("status", ["Missed", "Disconnected", "Busy", "Not Connected"])
@pytest.mark.parametrize("data", MISSED)
def test_an_incoming_call_that_was_missed(data, status):
    name = "overallCallStatus" if "callType" in data else "Overall_Call_Status"
    talked = ("conversation", "billable", "callanswer", "callernumberstatus", "destinationnumbers")
    data = {key: value for key, value in data.items() if not key.lower().startswith(talked)}
    data |= {name: status, "recordingURL": None, "Recording": "-", "conversationDuration": 0}
    report = read(data)
    assert report.not_understood == ()
    story = fold([report], INCOMING)
    assert (story.state, story.talk_seconds) == ("ended", 0)
    if status == "Busy":
        assert story.result == "agent_busy"
    else:
        # Party A is the customer
        has_hung_up = data.get("hangUpStatus") == "Party A"
        assert story.result == ("abandoned" if has_hung_up else "agent_no_answer")


# Several records of one call

ANSWERED = {"callStatus": "Answered", "conversationDuration": 30_000, "Session_ID": "s-1"}
OTHERS = [
    {"callStatus": "Missed", "conversationDuration": 0, "Session_ID": "s-2"},
    {"callStatus": "Missed", "Destination_Status": "No Answer", "Hangup_Cause": "Caller"},
    {"callStatus": "Busy", "duration": "00:50", "endTime": 1582719586399},
    {"callStatus": "Answered", "conversationDuration": 12_000, "Hangup_Cause": "Destination"},
    {"callStatus": "Answered", "Pulse_Count": 4},
    {"vmSessionId": "s-3", "Recording": URL},
    {"callStatus": "Eaten", "duration": 90_000, "endTime": 1582719580000},
]


@given(st.permutations([ANSWERED, *OTHERS]), st.integers(1, len(OTHERS) + 1))
def test_the_order_in_which_records_come_changes_nothing(records, count):
    """Neither the place in the list nor the time of arrival."""
    chosen = records[:count]

    def story(order):
        reports = [
            parse(json.dumps(data), RECEIVED + timedelta(seconds=place))
            for place, data in enumerate(order)
        ]
        told = fold(reports, DIALLED)
        return {name: value for name, value in vars(told).items() if name != "lines"}

    assert story(chosen) == story(sorted(chosen, key=str))
    if ANSWERED in chosen:
        assert story(chosen)["talk_seconds"] == 30
        assert story(chosen)["result"] == "connected"


def test_a_try_that_was_missed_lends_nothing_to_the_one_that_was_answered():
    answered = read({"callStatus": "Answered", "Session_ID": "s-1"})
    missed = read({"callStatus": "Missed", "conversationDuration": 0, "endTime": 1582719586399})
    story = fold([answered, missed], DIALLED)
    assert (story.result, story.talk_seconds, story.ended_at) == ("connected", None, None)


# What nobody says is not zero


def test_an_unknown_talk_time_is_not_zero():
    assert fold([read({"callStatus": "Answered"})], DIALLED).talk_seconds is None
    zero = read({"callStatus": "Answered", "conversationDuration": 0})
    assert fold([zero], DIALLED).talk_seconds == 0


def test_a_talk_time_follows_from_answer_and_end():
    times = {"callAnswerTime": 1582719011000, "endTime": 1582719050000}
    assert fold([read({"callStatus": "Answered", **times})], DIALLED).talk_seconds == 39
    leg = {"participantAddress": CUSTOMER, "participantType": "To", **times}
    report = read({"callStatus": "Answered", "participants": [leg]})
    assert fold([report], DIALLED).talk_seconds == 39
