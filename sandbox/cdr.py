"""The call data record in its two dialects.

The specification promises a CDR and shows none; these are the fields that real accounts receive.
"""

import datetime

from . import scripts
from . import story as stories
from .reports import EMPTY, minutes, render, shown_number, time_text, utc

IST = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
SPARSE_FIELDS = {
    "display": ("Session_ID", "Overall_Call_Status", "Conversation_Duration", "Recording"),
    "camel": ("vmSessionId", "overallCallStatus", "conversationDuration", "recordingURL"),
}
OPERATORS = ("Airtel", "Jio", "Vodafone Idea", "BSNL")
CIRCLES = ("Delhi", "Karnataka", "Maharashtra", "Tamil Nadu", "Kolkata")
RECORDING_FIELDS = ("Recording", "recordingURL")
# The fields that would show how long the conversation was, in both dialects.
DURATION_FIELDS = (
    "Conversation_Duration",
    "Billable_Duration",
    "Overall_Call_Duration",
    "Pulse_Count",
    "conversationDuration",
    "callAnswerTime",
    "endTime",
    "duration",
)
# A CDR's name for the party who hung up.
WHO = {scripts.AGENT: "Caller", scripts.CUSTOMER: "Destination"}


def render_cdr(story, identity, clock, dialect, recording_url):
    """Return the CDR of a call.

    :param story: Story
    :param identity: Identity
    :param clock: Clock; every duration is the difference of two of its times
    :param dialect: ``display`` or ``camel``
    :param recording_url: address of the recording, or None if nothing was recorded
    :return: JSON object, or a list of it
    """
    cdr = _in_dialect(story, identity, clock, dialect, recording_url)
    template = TEMPLATES.get(story.script.template)
    return template(cdr, recording_url) if template else cdr


def render_other_try(cdr):
    """Return the CDR of another try of the same call, which nobody answered.

    :param cdr: JSON object, in either dialect
    """
    if "Overall_Call_Status" in cdr:
        return {
            "Session_ID": cdr["Session_ID"],
            "Client_Correlation_Id": cdr["Client_Correlation_Id"],
            "Overall_Call_Status": "Missed",
            "Conversation_Duration": "00:00",
            "Hangup_Cause": stories.SYSTEM_INITIATED,
        }
    return {
        "vmSessionId": cdr["vmSessionId"],
        "clientCorrelationId": cdr["clientCorrelationId"],
        "overallCallStatus": "Missed",
        "conversationDuration": 0,
        "hangupCause": stories.SYSTEM_INITIATED,
    }


def _in_dialect(story, identity, clock, dialect, recording_url):
    facts = _Facts(story, clock)
    if dialect == "display":
        cdr = _display(facts, identity, recording_url)
    else:
        cdr = _camel(facts, identity, recording_url)
    if story.script.sparse:
        return {name: cdr[name] for name in SPARSE_FIELDS[dialect] if name in cdr}
    cdr["participants"] = [facts.participant(leg) for leg in facts.legs]
    cdr["events"] = [
        render(moment, story, identity, clock)
        for moment in story.moments
        if moment.kind == stories.EVENT
    ]
    # Some accounts receive the keys of the request's metaData in the CDR.
    for name, value in story.order.meta_data.items():
        cdr.setdefault(name, value)
    return cdr


def _typed(cdr, recording_url):
    status = cdr.get("Overall_Call_Status") or cdr.get("overallCallStatus")
    typed = {
        "eventType": "CDR",
        "callStatus": "Connected" if status == "Answered" else status,
        "participants": cdr["participants"],
    }
    return {**typed, "recordingUrl": recording_url} if recording_url else typed


def _nested(cdr, recording_url):
    nested = _without(cdr, RECORDING_FIELDS)
    return {**nested, "recording": {"url": recording_url}} if recording_url else nested


def _status(cdr, recording_url):
    status = {
        "vmSessionId": cdr.get("Session_ID") or cdr.get("vmSessionId"),
        "callStatus": cdr.get("Overall_Call_Status") or cdr.get("overallCallStatus"),
    }
    return {**status, "recordingURL": recording_url} if recording_url else status


def _without(cdr, names):
    return {name: value for name, value in cdr.items() if name not in names}


TEMPLATES = {
    "typed": _typed,
    "wrapped": lambda cdr, _url: {"eventType": "CDR", "data": cdr},
    "list": lambda cdr, _url: [cdr],
    "nested": _nested,
    "status": _status,
    "untimed": lambda cdr, _url: _without(cdr, (*DURATION_FIELDS, "participants", "events")),
}
"""Shapes of a CDR for some accounts: functions of the CDR and the recording's address."""


class _Facts:
    """The values that both dialects show; durations in milliseconds."""

    def __init__(self, story, clock):
        self.story = story
        self.clock = clock
        self.agent = story.agent_leg
        self.customer = story.customer_leg
        self.legs = story.agent_legs + story.customer_legs
        self.started = min(leg.started for leg in self.legs)
        self.ended = max(leg.ended for leg in self.legs)
        self.caller = self.number(self.agent)
        self.destination = self.number(self.customer) if self.customer else self.undialled()
        self.status = "Answered" if self.customer and self.customer.answered else "Missed"
        self.overall = clock.between(self.started, self.ended)
        self.conversation = clock.between(story.talk_started, story.ended)
        self.billable = clock.between(self.agent.answered, self.agent.ended)
        waited_until = story.ended if story.talk_started is None else story.talk_started
        self.waiting = clock.between(self.agent.answered, waited_until)
        self.hangup = WHO.get(story.hung_up_by) or (
            stories.USER_INITIATED if story.talk_started is not None else stories.SYSTEM_INITIATED
        )

    def number(self, leg):
        return shown_number(self.story.script, leg.role, leg.participant.number)

    def undialled(self):
        return shown_number(self.story.script, stories.TO, self.story.order.customer_number)

    def detail(self, leg):
        return status_detail(leg, self.story.script.swapped)

    def participant(self, leg):
        clock = self.clock
        billable = clock.between(leg.answered, leg.ended)
        return {
            "participantAddress": self.number(leg),
            "participantType": leg.role,
            "participantName": leg.participant.name,
            "startTime": clock.milliseconds(leg.started),
            "callAnswerTime": clock.milliseconds(leg.answered),
            "endTime": clock.milliseconds(leg.ended),
            "duration": clock.between(leg.started, leg.ended),
            "billableDuration": billable,
            "pulse": minutes(billable / 1000),
            "retryCount": leg.retries,
            "status": leg.status,
            "hangupCause": leg.hangup,
            "circleName": circle(leg.participant.number),
            "operatorName": operator(leg.participant.number),
        }


def status_detail(leg, swapped=False):
    """Return how a leg ended, in the form of the fields ``..._Status_Detail``.

    :param swapped: whether causeCode and sipCode change places
    """
    codes = [leg.cause.cause_code, leg.cause.sip_code]
    if swapped:
        codes.reverse()
    return " | ".join([*codes, leg.cause.description, leg.status])


def operator(number):
    """Return a telecom operator's name for a number: made up, always the same."""
    return OPERATORS[int(number[-2:]) % len(OPERATORS)]


def circle(number):
    """Return a telecom circle's name for a number: made up, always the same."""
    return CIRCLES[int(number[-2:]) % len(CIRCLES)]


def clock_text(milliseconds, with_hours=False):
    """Return a duration as ``mm:ss``; as ``hh:mm:ss`` from an hour on or if requested."""
    whole_minutes, seconds = divmod(round(milliseconds / 1000), 60)
    hours, whole_minutes = divmod(whole_minutes, 60)
    text = f"{whole_minutes:02d}:{seconds:02d}"
    return f"{hours:02d}:{text}" if hours or with_hours else text


def _display(facts, identity, recording_url):
    agent, customer = facts.agent, facts.customer
    started = facts.clock.milliseconds(facts.started)
    indian = utc(started).astimezone(IST)
    return {
        "Session_ID": identity.session_id,
        "Client_Correlation_Id": identity.correlation_id,
        "Overall_Call_Status": facts.status,
        "Call_Type": facts.story.order.call_type,
        "Caller_ID": agent.participant.caller_number,
        "Caller_Number": facts.caller,
        "Destination_Number": facts.destination,
        "Caller_Status": agent.status,
        "Destination_Status": customer.status if customer else EMPTY,
        "Caller_Status_Detail": facts.detail(agent),
        "Destination_Status_Detail": facts.detail(customer) if customer else EMPTY,
        "Hangup_Cause": facts.hangup,
        "Caller_Operator_Name": operator(agent.participant.number),
        "Caller_Circle_Name": circle(agent.participant.number),
        "Destination_Operator_Name": operator(customer.participant.number) if customer else EMPTY,
        "Destination_Circle_Name": circle(customer.participant.number) if customer else EMPTY,
        "Pulse_Count": minutes(facts.billable / 1000),
        "Billable_Duration": clock_text(facts.billable),
        "Conversation_Duration": clock_text(facts.conversation),
        "Overall_Call_Duration": clock_text(facts.overall),
        "Caller_Waiting_Time": clock_text(facts.waiting),
        "Caller_Retry_Count": agent.retries,
        "Destination_Retry_Count": customer.retries if customer else 0,
        "DTMF_Capture": EMPTY,
        "Date": f"{indian:%d/%m/%Y}",
        "Time": f"{indian:%H:%M:%S}",
        "timestamp": time_text(started),
        "Recording": recording_url or EMPTY,
    }


def _camel(facts, identity, recording_url):
    agent, customer, clock = facts.agent, facts.customer, facts.clock
    cdr = {
        "vmSessionId": identity.session_id,
        "clientCorrelationId": identity.correlation_id,
        "overallCallStatus": facts.status,
        "callType": facts.story.order.call_type,
        "callerId": agent.participant.caller_number,
        "callerNumber": facts.caller,
        "destinationNumber": facts.destination,
        "callerNumberStatus": agent.status,
        "destinationNumberStatus": customer.status if customer else None,
        "startTime": clock.milliseconds(facts.started),
        "callAnswerTime": clock.milliseconds(facts.story.talk_started),
        "endTime": clock.milliseconds(facts.ended),
        "duration": facts.overall,
        "conversationDuration": facts.conversation,
        "fromWaitingTime": facts.waiting,
        "hangupCause": facts.hangup,
        "retryCount": customer.retries if customer else agent.retries,
    }
    if recording_url:
        cdr["recordingURL"] = recording_url
    return cdr
