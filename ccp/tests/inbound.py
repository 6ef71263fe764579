"""Reports of incoming calls as Airtel posts them, by every template that is known."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from ccp.airtel.reports import parse
from ccp.call.timeline import Dialled, fold

CUSTOMER, ASHA, RAVI, MEENA = "9123456701", "9876543202", "9876543203", "9876543204"
AIRTEL, TOLL_FREE = "8000000009", "18001234"
SESSION = "SESSION"
URL = "https://openapi.airtel.in/gateway/airtel-xchange/call/recording?token=REDACTED"
START = datetime(2025, 7, 24, 5, 52, 33, tzinfo=timezone.utc)
"""11:22:33 in India."""
EPOCH = int(START.timestamp() * 1000)
RECEIVED = START + timedelta(minutes=2)


def at(seconds):
    return START + timedelta(seconds=seconds)


def epoch(seconds):
    return EPOCH + round(seconds * 1000)


def read(data, received_at=RECEIVED):
    """One report as it arrives."""
    return parse(json.dumps(data), received_at)


def event(word, number, seconds, shown=None, *, kind="CALL", timed=True, late=0.5, **details):
    """An event, received half a second after it happened."""
    details = {"displayCli": shown} | details
    if timed:
        details["timestamp"] = epoch(seconds)
    data = {"vmSessionId": SESSION, "eventType": kind, "event": word}
    return read(data | {"participantAddress": number, "metaData": details}, at(seconds + late))


# The samples, by their names in the field notes

PLAYED = {
    "vmSessionId": SESSION,
    "eventType": "MEDIA",
    "event": "Played",
    "participantAddress": CUSTOMER,
    "clientCorrelationId": None,
    "metaData": {"timestamp": EPOCH, "displayCli": CUSTOMER, "asteriskId": "node"},
}
RINGING = {
    "vmSessionId": SESSION,
    "eventType": "CALL",
    "event": "Ringing",
    "participantAddress": ASHA,
    "metaData": {"timestamp": epoch(4), "displayCli": CUSTOMER, "asteriskId": "node"},
}
ANSWER = {
    "vmSessionId": SESSION,
    "eventType": "CALL",
    "event": "Answer",
    "participantAddress": ASHA,
    "metaData": {"timestamp": epoch(11), "displayCli": CUSTOMER},
}
DISCONNECTED = {
    "vmSessionId": SESSION,
    "eventType": "CALL",
    "event": "Disconnected",
    "participantAddress": CUSTOMER,
    "metaData": {
        "timestamp": epoch(50),
        "causeCode": 16,
        "causeCodeDescription": "Normal Clearing",
        "sipCode": 200,
    },
}
EVENTS = {"B played": PLAYED, "B ringing": RINGING, "B answer": ANSWER, "B end": DISCONNECTED}
REDUCED = {
    "Call_Type": "INBOUND",
    "Caller_ID": TOLL_FREE,
    "Caller_Number": f"0{CUSTOMER}",
    "Caller_Name": None,
    "Caller_Status": "Disconnected",
    "Destination_Number": f"0{ASHA}",
    "Destination_Name": "Agent One",
    "Destination_Status": "Disconnected",
    "Destination_CLI": f"0{CUSTOMER}",
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
    "Date": "24/07/2025",
    "Time": "11:22:33",
    "Recording": URL,
}
RING_GROUP = {
    "Call_Type": "INBOUND",
    "Overall_Call_Status": "Answered",
    "Destination_Number": f"0{RAVI}",
    "Missed_Destination_Number": f"0{ASHA} | 0{MEENA}",
    "Destination_Retry_Count": 3,
}
CAMEL = {
    "vmSessionId": SESSION,
    "clientCorrelationId": None,
    "customerId": "ACME_1",
    "callType": "INBOUND",
    "overallCallStatus": "Answered",
    "callerNumber": CUSTOMER,
    "destinationNumber": ASHA,
    "calledNumber": AIRTEL,
    "callerId": AIRTEL,
    "startTime": EPOCH,
    "callAnswerTime": epoch(11),
    "endTime": epoch(50),
    "duration": 50_000,
    "fromWaitingTime": 11_000,
    "conversationDuration": 39_000,
    "billableDuration": 39_000,
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
            "participantAddress": ASHA,
            "participantType": "To",
            "participantCallType": "OUTBOUND",
            "participantIndex": 1,
        },
    ],
}
MISSED = {
    "vmSessionId": SESSION,
    "callType": "INBOUND",
    "overallCallStatus": "Missed",
    "callerNumber": CUSTOMER,
    "destinationNumber": None,
    "calledNumber": AIRTEL,
    "callerId": AIRTEL,
    "startTime": EPOCH,
    "endTime": epoch(30),
    "duration": 30_000,
    "fromWaitingTime": 30_000,
    "conversationDuration": 0,
    "billableDuration": 0,
    "recordingURL": None,
    "participants": [
        {
            "participantAddress": CUSTOMER,
            "participantType": "From",
            "participantCallType": "INBOUND",
        }
    ],
}
CDRS = {"C1 reduced": REDUCED, "C2 ring group": RING_GROUP, "C3 camel": CAMEL, "C4 missed": MISSED}
SAMPLES = {**EVENTS, **CDRS}


def without(data):
    """A sample with each of its fields missing, null and empty in turn, also the nested ones."""
    for name, value in data.items():
        rest = {key: each for key, each in data.items() if key != name}
        yield name, rest
        yield f"{name} null", {**rest, name: None}
        yield f"{name} empty", {**rest, name: ""}
        inner = value if isinstance(value, list) else [value]
        for place, part in enumerate(inner):
            if isinstance(part, dict):
                for label, less in without(part):
                    parts = [less if each is part else each for each in inner]
                    whole = parts if isinstance(value, list) else parts[0]
                    yield f"{name}.{place}.{label}", {**rest, name: whole}


# Calls that are made up

CALL = Dialled((ASHA, RAVI), (CUSTOMER,), incoming=True, airtel_number=AIRTEL)
STRANGER = "9700000000"

GREETING = event("Played", CUSTOMER, 0, CUSTOMER, kind="MEDIA")
RINGS_ASHA = event("Ringing", ASHA, 4, CUSTOMER)
RINGS_RAVI = event("Ringing", RAVI, 34, CUSTOMER)
ASHA_MISSES = event("Noanswer", ASHA, 30, CUSTOMER, causeCode=19)


def leaves(seconds, **details):
    """The customer hangs up."""
    return event("Disconnected", CUSTOMER, seconds, causeCode=16, **details)


def record(seconds=60, **fields):
    """A CDR that names nobody but the customer, unless it is said."""
    fields = {"callType": "INBOUND", "callerNumber": CUSTOMER, "callerId": AIRTEL} | fields
    return read(fields, at(seconds))


def ended(*reports, dialled=CALL, **options):
    """How a call ended, who took it, who missed it; in one order as in the other."""
    story = fold(reports, dialled, **options)
    assert fold((*reversed(reports), *reports), dialled, **options) == story
    return story.state, story.result, story.picked_up, story.missed


def to(number, **fields):
    """An agent in a CDR."""
    return {"participantAddress": number, "participantType": "To", **fields}


def turned(report):
    """An event in which whose phone it is and what it shows are exchanged."""
    return replace(report, address=report.shown, shown=report.address)
