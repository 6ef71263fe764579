"""The JSON objects of events and API results (section 3), from the moments of a story."""

import datetime
import math
import uuid
from dataclasses import dataclass

from . import story as stories

# Some empty fields of real reports contain two quotation marks.
EMPTY = '""'
UTC = datetime.timezone.utc
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Identity:
    """The ids of one call: Airtel's session id, a UUID, and the correlation id made from it."""

    session_id: str

    @property
    def correlation_id(self):
        """The correlation id in the POST's answer and in reports."""
        return f"Xchange{self.session_id}"


@dataclass(frozen=True)
class Clock:
    """Turns call seconds into times.

    A time is the wall clock at the call's start plus the call seconds divided by the speed. So
    times are never in the future, and every duration of a CDR is the difference of two of its
    times. ``started`` is in epoch milliseconds.
    """

    started: int
    speed: float

    def milliseconds(self, at):
        """Return epoch milliseconds for call seconds; None stays None."""
        return None if at is None else self.started + round(at * 1000 / self.speed)

    def between(self, start, end):
        """Return the milliseconds between two call seconds; 0 if one is None."""
        if start is None or end is None:
            return 0
        return self.milliseconds(end) - self.milliseconds(start)


def utc(milliseconds):
    """Return the aware UTC datetime of epoch milliseconds, exact to the millisecond."""
    return _EPOCH + datetime.timedelta(milliseconds=milliseconds)


def time_text(milliseconds):
    """Return epoch milliseconds as the specification's ``2020-02-26T12:19:46.399+0000``."""
    moment = utc(milliseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}+0000"


def minutes(seconds):
    """Return the number of started minutes, by which calls are charged."""
    return math.ceil(seconds / 60)


def masked(number):
    """Return a phone number that can be logged: its first and last two digits."""
    return f"{number[:2]}xx…{number[-2:]}"


def shown_number(script, role, number):
    """Return a leg's number in the spelling of this script's reports."""
    if not script.prefixed:
        return number
    return f"0{number}" if role == stories.FROM else f"+91{number}"


def render(moment, story, identity, clock):
    """Return the JSON object of an event or an API result.

    :param moment: Moment of kind EVENT or API_RESULT
    :param story: the Story it is from
    :param identity: Identity
    :param clock: Clock
    """
    script = story.script
    at = clock.milliseconds(moment.at)
    shown = at if script.prefixed else time_text(at)
    if moment.kind == stories.API_RESULT:
        return {
            "requestMessageType": "INITIATE_CALL",
            "responseType": "SUCCESS",
            "requestName": moment.component,
            "vmSessionId": identity.session_id,
            "clientCorrelationId": identity.correlation_id,
            "time": shown,
        }
    leg = moment.leg
    meta_data = {}
    if moment.cause:
        codes = (moment.cause.cause_code, moment.cause.sip_code)
        if script.swapped:
            codes = codes[::-1]
        meta_data = {
            "causeCode": codes[0],
            "sipCode": codes[1],
            "causeCodeDescription": moment.cause.description,
        }
    if script.prefixed:
        meta_data["timestamp"] = str(at)
    return {
        "eventType": moment.event_type,
        "event": moment.event,
        "participantAddress": (
            shown_number(script, leg.role, leg.participant.number) if leg else EMPTY
        ),
        "participantName": leg.participant.name if leg else EMPTY,
        "requestName": moment.component,
        "vmSessionId": identity.session_id,
        "clientCorrelationId": identity.correlation_id,
        # A moment that is reported twice keeps its id.
        "eventId": str(uuid.uuid5(uuid.UUID(identity.session_id), str(moment.index))),
        "time": shown,
        "metaData": meta_data,
    }
