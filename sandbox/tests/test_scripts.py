"""What each script number does, seen from outside: reports received by a real HTTP server."""

import http.client
import json
import threading
import time

import pytest
from conftest import (
    AGENT,
    CONNECTS,
    WAIT,
    authorization,
    get_json,
    post,
    request,
    specification_sample,
)

from sandbox import scripts
from sandbox.scripts import BY_NAME, CALL_SCRIPTS, SCRIPTS

HAPPY = [
    ("A", "CalledNumber"),
    ("A", "Ringing"),
    ("A", "Answer"),
    ('""', "RecordingStarted"),
    ("B", "CalledNumber"),
    ("B", "Ringing"),
    ("B", "Answer"),
    ("B", "Disconnected"),
    ("A", "Removed"),
    ('""', "RecordingFinished"),
]
UNTIL_B_RINGS = HAPPY[:6]
A_LEAVES = [("A", "Removed"), ('""', "RecordingFinished")]

# Scripts whose events are those of a call that connects.
LIKE_CONNECTS = (
    "connects cdr_early cdr_twice cdr_never recording_late recording_never slow_answer "
    "never_answered broken_answer callback_first long_call customer_hangs_up prefixed_numbers "
    "sparse_cdr swapped_causes recording_html camel display cdr_as_event cdr_wrapped cdr_list "
    "recording_nested status_only two_cdrs no_duration"
).split()

STORIES = {
    **dict.fromkeys(LIKE_CONNECTS, HAPPY),
    "agent_no_answer": [
        ("A", "CalledNumber"),
        ("A", "Ringing"),
        ("A", "Noanswer"),
        ("A", "CalledNumber"),
        ("A", "Ringing"),
        ("A", "Noanswer"),
    ],
    "agent_busy": [("A", "CalledNumber"), ("A", "Busy")],
    "agent_unreachable": [
        ("A", "CalledNumber"),
        ("A", "NotReachable"),
        ("A", "CalledNumber"),
        ("A", "NotReachable"),
    ],
    "busy": [*HAPPY[:5], ("B", "Busy"), *A_LEAVES],
    "no_answer": [
        *UNTIL_B_RINGS,
        ("B", "Noanswer"),
        ("B", "CalledNumber"),
        ("B", "Ringing"),
        ("B", "Noanswer"),
        *A_LEAVES,
    ],
    "unreachable": [
        *HAPPY[:5],
        ("B", "Played"),
        ("B", "Stopped"),
        ("B", "NotReachable"),
        ("B", "CalledNumber"),
        ("B", "Played"),
        ("B", "Stopped"),
        ("B", "NotReachable"),
        *A_LEAVES,
    ],
    "rejects": [*UNTIL_B_RINGS, ("B", "Rejected"), *A_LEAVES],
    "canceled": [
        *UNTIL_B_RINGS,
        ("A", "Disconnected"),
        ("B", "NetworkError"),
        ('""', "RecordingFinished"),
    ],
    "second_try": [
        *UNTIL_B_RINGS,
        ("B", "Noanswer"),
        *HAPPY[4:],
    ],
    "agent_hangs_up": [
        *HAPPY[:7],
        ("A", "Disconnected"),
        ("B", "Removed"),
        ('""', "RecordingFinished"),
    ],
    "not_recorded": [item for item in HAPPY if item[0] != '""'],
}
NO_CALL = {"answer_500", "answer_503", "answer_403", "answer_429", "reset", "silent"}


def names(reports):
    return [(r["participantName"], r["event"]) for r in reports if "eventType" in r]


def cdr_value(cdr, display, camel):
    return cdr[display] if display in cdr else cdr[camel]


def place(sandbox, receiver, script, **options):
    return post(sandbox, specification_sample(receiver.url, BY_NAME[script].number), **options)


def test_every_script_is_tested():
    assert {s.name for s in CALL_SCRIPTS} == {*STORIES, *NO_CALL, "shuffled"}


def test_numbers_are_numbers_and_unique():
    assert len({s.number for s in SCRIPTS}) == len({s.name for s in SCRIPTS}) == len(SCRIPTS)
    assert [s.number for s in CALL_SCRIPTS] == [
        str(7000000101 + index) for index in range(len(CALL_SCRIPTS))
    ]


@pytest.mark.parametrize("name", sorted(set(STORIES) - {"never_answered"}))
def test_events(shared_sandbox, receiver, name):
    assert place(shared_sandbox, receiver, name)[0] == 200
    shared_sandbox.wait_idle(WAIT)
    events = receiver.reports("/events")
    assert names(events) == STORIES[name]
    assert len([r for r in events if r.get("responseType") == "SUCCESS"]) == 1
    cdrs = receiver.reports("/cdr")
    assert len(cdrs) == {"cdr_twice": 2, "two_cdrs": 2, "cdr_never": 0}.get(name, 1)
    if name != "two_cdrs":
        assert cdrs == cdrs[:1] * len(cdrs)
    if cdrs and BY_NAME[name].template not in ("typed", "wrapped", "list", "status"):
        answered = ("B", "Answer") in STORIES[name]
        status = cdr_value(cdrs[0], "Overall_Call_Status", "overallCallStatus")
        assert status == ("Answered" if answered else "Missed")
    entry = shared_sandbox.calls()[-1]
    assert entry["finished"]
    assert {callback["status"] for callback in entry["callbacks"]} == {200}


def test_shape_of_an_event(run_call):
    entry, events, _cdrs = run_call(CONNECTS)
    answer = events[3]
    assert list(answer) == [
        "eventType",
        "event",
        "participantAddress",
        "participantName",
        "requestName",
        "vmSessionId",
        "clientCorrelationId",
        "eventId",
        "time",
        "metaData",
    ]
    assert (answer["eventType"], answer["event"]) == ("CALL", "Answer")
    assert (answer["participantAddress"], answer["requestName"]) == (AGENT, "initiateCall_1")
    assert answer["vmSessionId"] == entry["sessionId"]
    assert answer["clientCorrelationId"] == entry["correlationId"]
    assert time.strptime(answer["time"][:19], "%Y-%m-%dT%H:%M:%S")
    assert (answer["time"][19], answer["time"][23:]) == (".", "+0000")
    removed = next(event for event in events if event.get("event") == "Removed")
    assert removed["metaData"] == {
        "causeCode": "16",
        "sipCode": "699",
        "causeCodeDescription": "Normal call clearing",
    }
    ids = [event["eventId"] for event in events if "eventId" in event]
    assert len(set(ids)) == len(ids) == len(HAPPY)
    assert [event for event in events if "requestMessageType" in event] == events[:1]
    assert "eventType" not in events[0]


def test_times_are_now_and_in_order(run_call):
    before = time.time()
    _entry, events, cdrs = run_call("7000000135")
    times = [event["time"] for event in events]
    assert times == sorted(times)
    cdr = cdrs[0]
    assert before * 1000 - 1 <= cdr["startTime"] <= cdr["endTime"] <= time.time() * 1000


def test_camel_cdr_is_consistent(run_call):
    _entry, _events, (cdr,) = run_call("7000000135", speed=20)
    agent, customer = cdr["participants"]
    for leg in (agent, customer):
        assert leg["duration"] == leg["endTime"] - leg["startTime"]
        assert leg["billableDuration"] == leg["endTime"] - leg["callAnswerTime"]
        assert (leg["status"], leg["pulse"], leg["retryCount"]) == ("Disconnected", 1, 0)
    assert (agent["participantType"], customer["participantType"]) == ("From", "To")
    assert cdr["conversationDuration"] == customer["endTime"] - customer["callAnswerTime"]
    assert cdr["conversationDuration"] == pytest.approx(1000, abs=1)
    assert cdr["fromWaitingTime"] == customer["callAnswerTime"] - agent["callAnswerTime"]
    assert cdr["duration"] == cdr["endTime"] - cdr["startTime"]
    assert (cdr["callerNumber"], cdr["destinationNumber"]) == (AGENT, "7000000135")
    assert cdr["recordingURL"]
    assert len(cdr["events"]) == len(HAPPY)


def test_display_cdr(run_call):
    entry, events, (cdr,) = run_call("7000000136", speed=20)
    assert cdr["Session_ID"] == entry["sessionId"]
    assert cdr["Client_Correlation_Id"] == entry["correlationId"]
    assert (cdr["Caller_Number"], cdr["Destination_Number"]) == (AGENT, "7000000136")
    assert cdr["Conversation_Duration"] == "00:01"
    assert cdr["Caller_Status_Detail"] == "16 | 699 | Normal call clearing | Disconnected"
    assert cdr["timestamp"] == events[1]["time"]
    started = time.strptime(f"{cdr['Date']} {cdr['Time']}", "%d/%m/%Y %H:%M:%S")
    utc = time.strptime(cdr["timestamp"][:19], "%Y-%m-%dT%H:%M:%S")
    assert time.mktime(started) - time.mktime(utc) == 5.5 * 3600
    assert cdr["events"] == events[1:]
    expected = (
        "Session_ID Client_Correlation_Id Overall_Call_Status Call_Type Caller_ID Caller_Number "
        "Destination_Number Caller_Status Destination_Status Caller_Status_Detail "
        "Destination_Status_Detail Hangup_Cause Caller_Operator_Name Caller_Circle_Name "
        "Destination_Operator_Name Destination_Circle_Name Pulse_Count Billable_Duration "
        "Conversation_Duration Overall_Call_Duration Caller_Waiting_Time Caller_Retry_Count "
        "Destination_Retry_Count DTMF_Capture Date Time timestamp Recording participants events"
    )
    assert list(cdr) == expected.split()


def test_cdr_of_an_agent_who_never_answered(run_call):
    _entry, _events, (cdr,) = run_call("7000000102", dialect="display")
    assert (cdr["Caller_Status"], cdr["Destination_Status"]) == ("Noanswer", '""')
    assert cdr["Destination_Number"] == "7000000102"
    assert (cdr["Caller_Retry_Count"], cdr["Recording"]) == (1, '""')
    assert len(cdr["participants"]) == 1
    assert cdr["participants"][0]["callAnswerTime"] is None


@pytest.mark.parametrize(
    ("script", "status", "cause"),
    [
        ("busy", "Busy", ("17", "486")),
        ("no_answer", "Noanswer", ("19", "480")),
        ("unreachable", "NotReachable", ("20", "480")),
        ("rejects", "Rejected", ("21", "603")),
        ("canceled", "NetworkError", ("500", "487")),
    ],
)
def test_causes_of_a_customer_who_never_answered(run_call, script, status, cause):
    _entry, events, (cdr,) = run_call(BY_NAME[script].number, dialect="camel")
    meta_data = [event["metaData"] for event in events if event.get("event") == status][-1]
    assert (meta_data["causeCode"], meta_data["sipCode"]) == cause
    assert cdr["destinationNumberStatus"] == cdr["participants"][1]["status"] == status
    assert cdr["conversationDuration"] == 0
    assert cdr["callAnswerTime"] is None


def test_cdr_early(make_sandbox, receiver):
    sandbox = make_sandbox()
    place(sandbox, receiver, "cdr_early")
    sandbox.wait_idle(WAIT)
    order = [callback["name"] for callback in sandbox.calls()[-1]["callbacks"]]
    assert order[-4:] == ["cdr", "CALL Disconnected", "CALL Removed", "RECORD RecordingFinished"]
    (cdr,) = receiver.reports("/cdr")
    assert names(cdr["events"]) == HAPPY


def test_cdr_comes_last_otherwise(make_sandbox, receiver):
    sandbox = make_sandbox()
    place(sandbox, receiver, "connects")
    sandbox.wait_idle(WAIT)
    assert sandbox.calls()[-1]["callbacks"][-1]["kind"] == "cdr"


def test_shuffled(run_call):
    _entry, events, cdrs = run_call(BY_NAME["shuffled"].number)
    seen = names(events)
    assert sorted(set(seen)) == sorted(HAPPY)
    assert len(seen) > len(HAPPY)
    first_time = list(dict.fromkeys(seen))
    assert first_time != HAPPY
    by_id = {event["eventId"]: event for event in events if "eventId" in event}
    assert len(by_id) == len(HAPPY)
    assert all(event == by_id[event["eventId"]] for event in events if "eventId" in event)
    assert len(cdrs) == 1


def test_alternating_dialects(make_sandbox, receiver):
    sandbox = make_sandbox()
    for _call in range(3):
        place(sandbox, receiver, "connects")
        sandbox.wait_idle(WAIT)
    assert ["Session_ID" in cdr for cdr in receiver.reports("/cdr")] == [True, False, True]
    assert [entry["dialect"] for entry in sandbox.calls()] == ["display", "camel", "display"]


@pytest.mark.parametrize(
    ("setting", "script", "is_display"),
    [
        ("camel", "connects", False),
        ("display", "connects", True),
        ("camel", "display", True),
        ("display", "camel", False),
    ],
)
def test_forced_dialect(run_call, setting, script, is_display):
    _entry, _events, (cdr,) = run_call(BY_NAME[script].number, dialect=setting)
    assert ("Session_ID" in cdr, "vmSessionId" in cdr) == (is_display, not is_display)


@pytest.mark.parametrize(
    ("script", "top", "agent", "customer"),
    [
        ("connects", "USER_INITIATED", "SYSTEM_INITIATED", "USER_INITIATED"),
        ("customer_hangs_up", "Destination", "SYSTEM_INITIATED", "USER_INITIATED"),
        ("agent_hangs_up", "Caller", "USER_INITIATED", "SYSTEM_INITIATED"),
        ("canceled", "Caller", "USER_INITIATED", "SYSTEM_INITIATED"),
    ],
)
def test_who_hung_up(run_call, script, top, agent, customer):
    _entry, _events, (cdr,) = run_call(BY_NAME[script].number)
    assert cdr_value(cdr, "Hangup_Cause", "hangupCause") == top
    assert [leg["hangupCause"] for leg in cdr["participants"]] == [agent, customer]


def test_prefixed_numbers(run_call):
    number = BY_NAME["prefixed_numbers"].number
    _entry, events, (cdr,) = run_call(number)
    legs = {event["participantAddress"] for event in events if event.get("eventType") == "CALL"}
    assert legs == {f"0{AGENT}", f"+91{number}"}
    assert all(isinstance(event["time"], int) for event in events)
    assert events[1]["metaData"]["timestamp"] == str(events[1]["time"])
    assert cdr_value(cdr, "Destination_Number", "destinationNumber") == f"+91{number}"


@pytest.mark.parametrize("dialect", ["display", "camel"])
def test_sparse_cdr(run_call, dialect):
    _entry, _events, (cdr,) = run_call(BY_NAME["sparse_cdr"].number, dialect=dialect)
    assert len(cdr) == 4
    assert "participants" not in cdr


def recording_of(cdr):
    return cdr_value(cdr, "Recording", "recordingURL")


@pytest.mark.parametrize("dialect", ["display", "camel"])
def test_templates_of_a_cdr(run_call, dialect):
    def cdr_of(script):
        return run_call(BY_NAME[script].number, dialect=dialect)[2][-1]

    typed = cdr_of("cdr_as_event")
    assert list(typed) == ["eventType", "callStatus", "participants", "recordingUrl"]
    assert (typed["eventType"], typed["callStatus"]) == ("CDR", "Connected")
    assert [each["participantType"] for each in typed["participants"]] == ["From", "To"]
    wrapped = cdr_of("cdr_wrapped")
    assert list(wrapped) == ["eventType", "data"]
    assert recording_of(wrapped["data"]).startswith("http")
    (listed,) = cdr_of("cdr_list")
    assert recording_of(listed).startswith("http")
    nested = cdr_of("recording_nested")
    assert nested["recording"]["url"].startswith("http")
    assert not {"Recording", "recordingURL"} & set(nested)
    status = cdr_of("status_only")
    assert list(status) == ["vmSessionId", "callStatus", "recordingURL"]
    assert status["callStatus"] == "Answered"
    untimed = cdr_of("no_duration")
    assert cdr_value(untimed, "Overall_Call_Status", "overallCallStatus") == "Answered"
    assert not [name for name in untimed if "duration" in name.lower()]
    assert not {"participants", "events", "endTime", "callAnswerTime"} & set(untimed)


@pytest.mark.parametrize("dialect", ["display", "camel"])
def test_two_cdrs_contradict_each_other(run_call, dialect):
    _entry, _events, (call, other) = run_call(BY_NAME["two_cdrs"].number, dialect=dialect)
    statuses = [
        cdr_value(each, "Overall_Call_Status", "overallCallStatus") for each in (call, other)
    ]
    assert statuses == ["Answered", "Missed"]
    sessions = {cdr_value(each, "Session_ID", "vmSessionId") for each in (call, other)}
    assert len(sessions) == 1
    assert cdr_value(other, "Conversation_Duration", "conversationDuration") in ("00:00", 0)


def test_templates_without_a_recording(run_call):
    def switch_off(body):
        body["callFlowConfiguration"]["record"]["enabled"] = False

    for script in ("cdr_as_event", "recording_nested", "status_only"):
        (cdr,) = run_call(BY_NAME[script].number, switch_off)[2][-1:]
        assert not [name for name in cdr if name.lower().startswith("recording") and cdr[name]]


def test_swapped_causes(run_call):
    _entry, events, (cdr,) = run_call(BY_NAME["swapped_causes"].number, dialect="display")
    removed = next(event for event in events if event.get("event") == "Removed")
    assert (removed["metaData"]["causeCode"], removed["metaData"]["sipCode"]) == ("699", "16")
    assert cdr["Caller_Status_Detail"].startswith("699 | 16 |")


@pytest.mark.parametrize("dialect", ["display", "camel"])
def test_not_recorded(run_call, dialect):
    _entry, _events, (cdr,) = run_call(BY_NAME["not_recorded"].number, dialect=dialect)
    assert cdr.get("Recording", '""') == '""'
    assert "recordingURL" not in cdr


def test_recording_switched_off_by_the_request(run_call):
    def edit(body):
        body["callFlowConfiguration"]["record"]["enabled"] = False

    _entry, events, (cdr,) = run_call(CONNECTS, edit, dialect="camel")
    assert not [event for event in events if event.get("eventType") == "RECORD"]
    assert "recordingURL" not in cdr


def test_second_try_needs_retries(run_call):
    def edit(body):
        body["callFlowConfiguration"]["addParticipant_1"]["participants"][0]["maxRetries"] = 0

    number = BY_NAME["second_try"].number
    _entry, events, (cdr,) = run_call(number, edit, dialect="camel")
    assert ("B", "Answer") not in names(events)
    assert cdr["overallCallStatus"] == "Missed"


def test_second_try_is_counted(run_call):
    _entry, _events, (cdr,) = run_call(BY_NAME["second_try"].number, dialect="camel")
    assert (cdr["retryCount"], cdr["overallCallStatus"]) == (1, "Answered")


def test_meta_data_comes_back_and_overrides_nothing(run_call):
    def edit(body):
        body["metaData"] = {"ticket": "17", "Session_ID": "mine"}

    entry, _events, (cdr,) = run_call(CONNECTS, edit, dialect="display")
    assert (cdr["ticket"], cdr["Session_ID"]) == ("17", entry["sessionId"])


def test_silent(make_sandbox, receiver):
    sandbox = make_sandbox()
    status, _headers, answer = place(sandbox, receiver, "silent")
    assert (status, answer["status"]) == (200, "success")
    sandbox.wait_idle(WAIT)
    assert receiver.reports() == []


@pytest.mark.parametrize("name", ["answer_500", "answer_503", "answer_403", "answer_429"])
def test_no_phone_rings_after_a_refusal(make_sandbox, receiver, name):
    sandbox = make_sandbox(speed=100000)
    status, _headers, _answer = place(sandbox, receiver, name)
    assert status == int(name[-3:])
    sandbox.wait_idle(WAIT)
    assert receiver.reports() == []
    assert sandbox.calls()[-1]["correlationId"] is None


def test_slow_answer(make_sandbox, receiver):
    sandbox = make_sandbox(speed=10)
    began = time.monotonic()
    assert place(sandbox, receiver, "slow_answer")[0] == 200
    assert 0.5 <= time.monotonic() - began < 5


def test_never_answered(make_sandbox, receiver):
    sandbox = make_sandbox(speed=1000)
    with pytest.raises(TimeoutError):
        place(sandbox, receiver, "never_answered", timeout=0.5)
    # The client is gone, so the request is over, long before the 120 seconds are.
    sandbox.wait_idle(WAIT)
    assert names(receiver.reports("/events")) == HAPPY
    assert len(receiver.reports("/cdr")) == 1
    entry = sandbox.calls()[-1]
    assert entry["status"] is None
    assert entry["correlationId"]


def test_never_answered_ends(make_sandbox, receiver):
    sandbox = make_sandbox(speed=1000, hang_seconds=0.3)
    with pytest.raises(http.client.RemoteDisconnected):
        place(sandbox, receiver, "never_answered")


def test_stopping_ends_a_hanging_request(make_sandbox, receiver):
    sandbox = make_sandbox(speed=1000)
    seen = []

    def hang():
        try:
            place(sandbox, receiver, "never_answered")
        except OSError as error:
            seen.append(error)

    thread = threading.Thread(target=hang)
    thread.start()
    while not receiver.reports("/cdr"):
        time.sleep(0.01)
    began = time.monotonic()
    sandbox.stop()
    thread.join(WAIT)
    assert time.monotonic() - began < 10
    assert seen


def test_broken_answer(make_sandbox, receiver):
    sandbox = make_sandbox()
    status, headers, answer = place(sandbox, receiver, "broken_answer")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert isinstance(answer, bytes)
    assert answer.startswith(b'{"status": "success"')
    sandbox.wait_idle(WAIT)
    assert len(receiver.reports("/cdr")) == 1


def test_reset(make_sandbox, receiver):
    sandbox = make_sandbox()
    with pytest.raises(ConnectionResetError):
        place(sandbox, receiver, "reset")
    sandbox.wait_idle(WAIT)
    assert receiver.reports() == []
    assert sandbox.calls()[-1]["status"] is None


def test_callback_first(make_sandbox, receiver):
    sandbox = make_sandbox(speed=10)
    assert place(sandbox, receiver, "callback_first")[0] == 200
    assert names(receiver.reports("/events"))[:2] == HAPPY[:2]


def test_callback_first_without_a_receiver(make_sandbox):
    sandbox = make_sandbox()
    body = specification_sample("http://127.0.0.1:9", BY_NAME["callback_first"].number)
    assert post(sandbox, body)[0] == 200


def test_otherwise_the_answer_comes_first(make_sandbox, receiver):
    sandbox = make_sandbox(speed=5)
    assert place(sandbox, receiver, "connects")[0] == 200
    assert receiver.reports() == []


def test_number_in_no_script_connects(run_call):
    entry, events, _cdrs = run_call("9123456789")
    assert entry["script"] == "connects"
    assert names(events) == HAPPY


def test_assigned_script(make_sandbox, receiver):
    sandbox = make_sandbox()

    def assign(script):
        return get_json(
            sandbox.url + "/sandbox/script", "POST", {"number": "9123456789", "script": script}
        )

    def events():
        receiver.requests.clear()
        post(sandbox, specification_sample(receiver.url, "9123456789"))
        sandbox.wait_idle(WAIT)
        return names(receiver.reports("/events"))

    assert assign("busy") == (200, {"status": "ok"})
    assert events() == STORIES["busy"]
    assert assign(None)[0] == 200
    assert events() == HAPPY


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"number": "9123456789"}',
        b'{"number": "9123456789", "script": "no such"}',
        b'{"number": "9123456789", "script": ["busy"]}',
        b'{"number": 9123456789, "script": "busy"}',
        b'{"number": "912345678", "script": "busy"}',
    ],
)
def test_bad_assignment(shared_sandbox, body):
    status, _headers, answer = request(shared_sandbox.url + "/sandbox/script", "POST", body)
    assert status == 400
    assert json.loads(answer)["message"]


def test_help_and_markdown_list_every_script(shared_sandbox):
    for table in (scripts.text_table(), scripts.markdown_table()):
        for script in SCRIPTS:
            assert sum(script.number in line and script.name in line for line in table.splitlines())
    status, listed = get_json(shared_sandbox.url + "/sandbox/scripts")
    assert status == 200
    assert [item["number"] for item in listed] == [script.number for script in SCRIPTS]


def test_numbers_look_real():
    phonenumbers = pytest.importorskip("phonenumbers")
    numbers = [script.number for script in SCRIPTS] + ["8000000001", "8000000002", "1400000001"]
    for number in numbers:
        assert phonenumbers.is_valid_number(phonenumbers.parse(number, "IN")), number


def test_unauthorized_requests_ring_nobody(make_sandbox, receiver):
    sandbox = make_sandbox(speed=100000)
    body = specification_sample(receiver.url)
    assert post(sandbox, body, authorization=authorization(password="x"))[0] == 401
    sandbox.wait_idle(WAIT)
    assert receiver.reports() == []
