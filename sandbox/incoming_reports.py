"""The JSON of an incoming call's events and CDR, in the three templates that are known.

Roles are reversed: the customer is From and caller, the agent To and destination.
"""

from . import scripts
from .cdr import IST, circle, clock_text, operator, status_detail
from .incoming_story import ANSWERED
from .reports import minutes, time_text, utc
from .story import SYSTEM_INITIATED

CALL_TYPE = "INBOUND"
NODE = "node-1"
SEPARATOR = " | "
_HUNG_UP = {scripts.CUSTOMER: "Party A", scripts.AGENT: "Party B"}
_CAMEL_STATUS = {"Disconnected": "ANSWERED", "Noanswer": "NO_ANSWER"}
_CAMEL_DURATIONS = ("duration", "fromWaitingTime", "conversationDuration", "billableDuration")
# Stands for a missing value of a CDR; the switch emptyValue decides how it is written
_BLANK = object()
_WRITTEN_BLANKS = {"null": None, "empty": "", "None": "None", "dash": "-"}


def render_event(moment, order, session_id, clock):
    """Return the JSON object of an event.

    :param moment: story.Moment of kind EVENT
    :param order: incoming_story.IncomingOrder
    :param session_id: of the call
    :param clock: reports.Clock
    """
    meta_data = {"timestamp": clock.milliseconds(moment.at), "asteriskId": NODE}
    if moment.cause:
        meta_data["causeCode"] = int(moment.cause.cause_code)
        meta_data["causeCodeDescription"] = moment.cause.description
        meta_data["sipCode"] = int(moment.cause.sip_code)
    else:
        meta_data["displayCli"] = order.spelled(order.customer)
    return {
        "vmSessionId": session_id,
        "eventType": moment.event_type,
        "event": moment.event,
        "participantAddress": order.spelled(moment.leg.participant.number),
        "clientCorrelationId": None,
        "metaData": meta_data,
    }


def render_incoming_cdr(story, template, session_id, clock, recording_url, customer_id):
    """Return the CDR of an incoming call.

    :param story: IncomingStory
    :param template: ``camel``, ``display`` or ``reduced``
    :param session_id: the one in the CDR, or None
    :param clock: reports.Clock; every duration is the difference of two of its times
    :param recording_url: or None
    :param customer_id: the account's
    :return: JSON object, or a list of it
    """
    facts = _Facts(story, template, clock, recording_url)
    cdr = {
        "camel": lambda: _camel(facts, session_id, customer_id),
        "display": lambda: _display(facts, session_id),
        "reduced": lambda: _reduced(facts),
    }[template]()
    switches = story.script.switches
    if switches["echo"]:
        for name, value in story.own.items():
            cdr.setdefault(name, value)
    blank = switches["emptyValue"]
    cdr = {
        name: _WRITTEN_BLANKS[blank] if value is _BLANK else value
        for name, value in cdr.items()
        if value is not _BLANK or blank != "absent"
    }
    return [cdr] if switches["cdrList"] else cdr


class _Facts:
    """The values that all templates show; durations in milliseconds."""

    def __init__(self, story, template, clock, recording_url):
        self.story = story
        self.clock = clock
        self.order = story.order
        self.switches = story.script.switches
        self.prefix = "" if template == "camel" else "0"
        self.customer = self.number(self.order.customer)
        self.airtel_number = self.order.spelled(self.order.airtel_number)
        self.is_answered = story.outcome == ANSWERED
        self.status = self.switches["answeredStatus" if self.is_answered else "missedStatus"]
        missed = self.switches["missedDestination"]
        # The phone that the CDR is about, if there is one
        self.agent = story.agent_leg if self.is_answered or missed == "last" else None
        if self.agent:
            self.destination = self.number(self.agent.participant.number)
        else:
            self.destination = {"null": None, "empty": ""}.get(missed, _BLANK)
        self.recording = recording_url or _BLANK
        self.started = clock.milliseconds(0.0)
        self.ended = clock.milliseconds(story.ended)
        self.overall = clock.between(0.0, story.ended)
        self.conversation = clock.between(story.talk_started, story.ended)
        waited_until = story.ended if story.talk_started is None else story.talk_started
        self.waiting = clock.between(0.0, waited_until)
        self.hangup = _HUNG_UP.get(story.hung_up_by, SYSTEM_INITIATED)

    def number(self, number):
        return self.order.spelled(number, self.prefix) or _BLANK

    @property
    def missed(self):
        """The agents who missed the call, as Missed_Destination_Number has them."""
        if not self.switches["missedNumbers"]:
            return _BLANK
        numbers = [self.number(leg.participant.number) for leg in self.story.missed_legs]
        return SEPARATOR.join(numbers) or _BLANK

    def participants(self):
        legs = [*self.story.customer_legs, *self.story.agent_legs]
        return [
            {
                "participantAddress": self.order.spelled(leg.participant.number),
                "participantType": leg.role,
                "participantCallType": "OUTBOUND" if position else CALL_TYPE,
                "participantIndex": position,
            }
            for position, leg in enumerate(legs)
        ]


def _camel(facts, session_id, customer_id):
    agent, clock = facts.agent, facts.clock
    talk_started = facts.story.talk_started
    cdr = {
        "vmSessionId": session_id,
        "clientCorrelationId": _BLANK,
        "customerId": customer_id,
        "callType": facts.switches["callType"],
        "overallCallStatus": facts.status,
        "callerNumber": facts.customer,
        "destinationNumber": facts.destination,
        "calledNumber": facts.airtel_number,
        "callerId": facts.airtel_number,
        "startTime": facts.started,
        "callAnswerTime": _BLANK if talk_started is None else clock.milliseconds(talk_started),
        "endTime": facts.ended,
        "duration": facts.overall,
        "fromWaitingTime": facts.waiting,
        "conversationDuration": facts.conversation,
        "billableDuration": facts.conversation,
        "hangUpStatus": facts.hangup,
        "hangupCause": "Normal Clearing",
        "callerNumberStatus": "ANSWERED",
        "destinationNumberStatus": (
            _CAMEL_STATUS.get(agent.status, agent.status.upper()) if agent else _BLANK
        ),
        "retryCountCaller": 0,
        "retryCountDestination": agent.retries if agent else 0,
        "recordingURL": facts.recording,
        "participants": facts.participants(),
    }
    if session_id is None:
        del cdr["vmSessionId"]
    if facts.switches["durationTexts"]:
        cdr.update((name, str(cdr[name])) for name in _CAMEL_DURATIONS)
    return cdr


def _reduced(facts):
    agent = facts.agent
    indian = utc(facts.started).astimezone(IST)
    number = facts.order.customer
    return {
        "Call_Type": facts.switches["callType"],
        "Caller_ID": facts.airtel_number,
        "Caller_Number": facts.customer,
        "Caller_Name": _BLANK,
        "Caller_Status": "Disconnected",
        "Destination_Number": facts.destination,
        "Destination_Name": agent.participant.name if agent else _BLANK,
        "Destination_Status": agent.status if agent else _BLANK,
        "Destination_CLI": facts.customer,
        "Destination_Retry_Count": agent.retries if agent else 0,
        "Caller_Retry_Count": _BLANK,
        "Destination_Status_Detail": status_detail(agent) if agent else _BLANK,
        "Missed_Destination_Number": facts.missed,
        "DTMF_Capture": _BLANK if facts.order.digit is None else facts.order.digit,
        "Overall_Call_Status": facts.status,
        "Overall_Call_Duration": clock_text(facts.overall, with_hours=True),
        "Caller_Duration": clock_text(facts.overall),
        "Caller_Waiting_Time": clock_text(facts.waiting, with_hours=True),
        "Conversation_Duration": clock_text(facts.conversation, with_hours=True),
        "Pulse_Count": minutes(facts.conversation / 1000),
        "Caller_Circle_Name": circle(number) if number[-2:].isdecimal() else _BLANK,
        "Caller_Operator_Name": operator(number) if number[-2:].isdecimal() else _BLANK,
        "Date": f"{indian:%d/%m/%Y}",
        "Time": f"{indian:%H:%M:%S}",
        "Recording": facts.recording,
    }


def _display(facts, session_id):
    session = {} if session_id is None else {"Session_ID": session_id}
    return {
        **session,
        "Client_Correlation_Id": _BLANK,
        **_reduced(facts),
        "Hangup_Cause": facts.hangup,
        "Billable_Duration": clock_text(facts.conversation, with_hours=True),
        "timestamp": time_text(facts.started),
        "participants": facts.participants(),
    }
