"""The CDR of an incoming call in each template, and every switch about it."""

import time

import pytest
from conftest import AGENT, AIRTEL_NUMBER, CUSTOMER, OTHER_AGENT, WAIT, ring
from test_incoming import cdrs, events

from sandbox.switches import SWITCHES

REDUCED = (
    "Call_Type Caller_ID Caller_Number Caller_Name Caller_Status Destination_Number "
    "Destination_Name Destination_Status Destination_CLI Destination_Retry_Count "
    "Caller_Retry_Count Destination_Status_Detail Missed_Destination_Number DTMF_Capture "
    "Overall_Call_Status Overall_Call_Duration Caller_Duration Caller_Waiting_Time "
    "Conversation_Duration Pulse_Count Caller_Circle_Name Caller_Operator_Name Date Time Recording"
).split()
CAMEL = (
    "vmSessionId clientCorrelationId customerId callType overallCallStatus callerNumber "
    "destinationNumber calledNumber callerId startTime callAnswerTime endTime duration "
    "fromWaitingTime conversationDuration billableDuration hangUpStatus hangupCause "
    "callerNumberStatus destinationNumberStatus retryCountCaller retryCountDestination "
    "recordingURL participants"
).split()


@pytest.fixture
def cdr_of(line, receiver):
    """Return a function that makes a call and returns its CDR."""
    sandbox = line()

    def make(script="first_answers", digit=None, **switches):
        ring(sandbox, script, digit=digit, **switches)
        return cdrs(receiver)[-1]

    return make


def test_reduced(cdr_of):
    cdr = cdr_of("second_answers", "2", template="reduced", clock="full")
    assert list(cdr) == REDUCED
    assert cdr["Call_Type"] == "INBOUND"
    assert (cdr["Caller_ID"], cdr["Caller_Number"]) == (AIRTEL_NUMBER, f"0{CUSTOMER}")
    assert (cdr["Destination_Number"], cdr["Destination_CLI"]) == (
        f"0{OTHER_AGENT}",
        f"0{CUSTOMER}",
    )
    assert (cdr["Destination_Name"], cdr["Missed_Destination_Number"]) == ("Agent2", f"0{AGENT}")
    assert (cdr["DTMF_Capture"], cdr["Overall_Call_Status"]) == ("2", "Answered")
    assert (cdr["Conversation_Duration"], cdr["Caller_Name"]) == ("00:00:20", None)
    assert cdr["Destination_Status_Detail"] == "16 | 699 | Normal call clearing | Disconnected"
    assert cdr["Recording"].startswith("http")
    started = time.strptime(f"{cdr['Date']} {cdr['Time']}", "%d/%m/%Y %H:%M:%S")
    assert abs(time.mktime(started) - time.mktime(time.gmtime()) - 5.5 * 3600) < 60, "IST"


def test_camel(cdr_of):
    cdr = cdr_of(template="camel")
    assert list(cdr) == CAMEL
    assert (cdr["callType"], cdr["overallCallStatus"]) == ("INBOUND", "Answered")
    assert (cdr["callerNumber"], cdr["destinationNumber"]) == (CUSTOMER, AGENT)
    assert cdr["calledNumber"] == cdr["callerId"] == AIRTEL_NUMBER
    assert (cdr["hangUpStatus"], cdr["destinationNumberStatus"]) == ("Party A", "ANSWERED")
    assert cdr["startTime"] < cdr["callAnswerTime"] < cdr["endTime"]
    assert cdr["duration"] == cdr["fromWaitingTime"] + cdr["conversationDuration"]
    assert cdr["participants"] == [
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
    ]


def test_display(cdr_of, receiver):
    cdr = cdr_of("ring_group")
    assert list(cdr) == [
        "Session_ID",
        "Client_Correlation_Id",
        *REDUCED,
        "Hangup_Cause",
        "Billable_Duration",
        "timestamp",
        "participants",
    ]
    assert cdr["Session_ID"] == events(receiver)[0]["vmSessionId"]
    assert cdr["Missed_Destination_Number"] == f"0{AGENT}"
    assert cdr["Destination_Number"] == f"0{OTHER_AGENT}"


def test_who_missed_is_separated(line, receiver, router):
    router.agents = [AGENT, OTHER_AGENT, "9876543212"]
    ring(line(), "ring_group")
    assert cdrs(receiver)[-1]["Missed_Destination_Number"] == f"0{AGENT} | 09876543212"


def test_templates_alternate(line, receiver):
    sandbox = line()
    calls = [ring(sandbox) for _call in range(4)]
    assert [call["template"] for call in calls] == ["camel", "display", "reduced", "camel"]
    assert "Session_ID" not in cdrs(receiver)[2]


@pytest.mark.parametrize("template", ["display", "reduced", "camel"])
@pytest.mark.parametrize(
    ("switch", "destination"), [("null", None), ("empty", ""), ("last", OTHER_AGENT)]
)
def test_destination_of_a_missed_call(cdr_of, template, switch, destination):
    cdr = cdr_of("nobody_answers", template=template, missedDestination=switch, emptyValue="dash")
    name = "destinationNumber" if template == "camel" else "Destination_Number"
    spelled = f"0{destination}" if destination and template != "camel" else destination
    assert cdr[name] == spelled
    status = "destinationNumberStatus" if template == "camel" else "Destination_Status"
    assert (cdr[status] == "-") is (switch != "last")


def test_last_tried_of_a_call_that_rang_nobody(cdr_of):
    cdr = cdr_of("gives_up_in_menu", template="camel", missedDestination="last")
    assert cdr["destinationNumber"] is None
    assert [each["participantType"] for each in cdr["participants"]] == ["From"]


@pytest.mark.parametrize("status", ["Missed", "Disconnected", "Busy", "Not Connected"])
def test_status_of_a_missed_call(cdr_of, status):
    assert cdr_of("nobody_answers", template="camel", missedStatus=status)["overallCallStatus"] == (
        status
    )
    assert cdr_of("gives_up_late", template="reduced", missedStatus=status)[
        "Overall_Call_Status"
    ] == (status)
    assert cdr_of(template="camel", missedStatus=status)["overallCallStatus"] == "Answered"


def test_status_of_an_answered_call(cdr_of):
    cdr = cdr_of(template="camel", answeredStatus="Connected")
    assert cdr["overallCallStatus"] == "Connected"


def test_word_for_an_incoming_call(cdr_of):
    for template, name in (("camel", "callType"), ("reduced", "Call_Type")):
        assert cdr_of(template=template, callType="Inbound")[name] == "Inbound"


def test_durations_may_be_texts(cdr_of):
    cdr = cdr_of(template="camel", clock="full", durationTexts=True)
    assert (cdr["conversationDuration"], cdr["billableDuration"]) == ("20000", "20000")
    assert int(cdr["duration"]) == int(cdr["fromWaitingTime"]) + 20000


def test_missed_numbers_may_be_left_out(cdr_of):
    cdr = cdr_of("nobody_answers", template="display", missedNumbers=False)
    assert cdr["Missed_Destination_Number"] is None


@pytest.mark.parametrize(
    ("switch", "written"), [("null", None), ("empty", ""), ("None", "None"), ("dash", "-")]
)
def test_how_nothing_is_written(cdr_of, switch, written):
    cdr = cdr_of("nobody_answers", template="reduced", emptyValue=switch)
    for name in ("Caller_Name", "Recording", "DTMF_Capture", "Destination_Name"):
        assert cdr[name] == written
    assert cdr["Destination_Number"] is None


def test_nothing_may_be_absent(cdr_of):
    cdr = cdr_of("nobody_answers", template="reduced", emptyValue="absent")
    assert not {"Caller_Name", "Recording", "DTMF_Capture", "Destination_Name"} & set(cdr)
    assert cdr["Destination_Number"] is None


@pytest.mark.parametrize("template", ["display", "camel"])
def test_session_of_the_cdr(cdr_of, receiver, template):
    name = "vmSessionId" if template == "camel" else "Session_ID"
    same = cdr_of(template=template)
    assert same[name] == events(receiver)[-1]["vmSessionId"]
    other = cdr_of(template=template, cdrSession="other", cdr="twice")
    assert other[name] != events(receiver)[-1]["vmSessionId"]
    assert cdrs(receiver)[-2] == other
    assert name not in cdr_of(template=template, cdrSession="none")


@pytest.mark.parametrize(
    ("written", "prefix"), [("plain", ""), ("0", "0"), ("91", "91"), ("+91", "+91")]
)
def test_how_numbers_are_written(cdr_of, receiver, written, prefix):
    camel = cdr_of(template="camel", numbers=written)
    assert camel["callerNumber"] == prefix + CUSTOMER
    assert camel["calledNumber"] == prefix + AIRTEL_NUMBER
    assert cdr_of(template="reduced", numbers=written)["Destination_Number"] == prefix + AGENT
    assert events(receiver)[-1]["participantAddress"] == prefix + AGENT


def test_a_list_of_one(cdr_of):
    (cdr,) = cdr_of("cdr_list", template="camel")
    assert cdr["callerNumber"] == CUSTOMER


def test_a_call_left_in_the_menu_may_have_no_cdr(line, receiver):
    sandbox = line()
    ring(sandbox, "gives_up_in_menu", menuCdr=False)
    assert cdrs(receiver) == []
    ring(sandbox, "gives_up_in_menu", menuCdr=True)
    assert len(cdrs(receiver)) == 1


@pytest.mark.parametrize(
    ("script", "template", "hung_up"),
    [
        ("first_answers", "camel", "Party A"),
        ("agent_hangs_up", "camel", "Party B"),
        ("gives_up_late", "camel", "Party A"),
        ("nobody_answers", "camel", "SYSTEM_INITIATED"),
    ],
)
def test_who_hung_up(cdr_of, script, template, hung_up):
    assert cdr_of(script, template=template)["hangUpStatus"] == hung_up


def test_a_toll_free_number(line, receiver, router):
    sandbox = line()
    sandbox.set_number("18001234")
    answer = router.answer()
    for each in answer["client_add_participant"]["participants"]:
        each["callerId"] = "18001234"
    call = ring(sandbox, to="18001234", template="reduced", numbers="+91")
    assert cdrs(receiver)[-1]["Caller_ID"] == "18001234"
    assert call["outcome"] == "answered"


def test_each_unproven_fact_has_two_sides():
    """A switch that can be one thing alone would let a receiver depend on it."""
    unproven = [switch for switch in SWITCHES if switch.unproven]
    assert len(unproven) >= 14
    for switch in unproven:
        assert switch.allows(switch.default)
        assert ", " in switch.choices or "from" in switch.choices


def test_a_recording_in_every_template(line, receiver):
    sandbox = line()
    for template, name in (("camel", "recordingURL"), ("reduced", "Recording")):
        ring(sandbox, template=template)
        assert cdrs(receiver)[-1][name].startswith(f"{sandbox.url}/recordings/")
    sandbox.wait_idle(WAIT)
