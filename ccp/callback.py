# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""What Airtel posts to a notify URL, parsed: event, API result or CDR (sections 1.1 and 3).

The specification shows one event and no CDR. Public documents and integrations show two dialects of
CDR, templated per customer, so everything is accepted and nothing is needed. Kinds differ by shape,
not by URL.

Nothing here raises, whatever comes: what makes no sense is ``Unreadable`` or an empty field.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, NamedTuple

from . import untrusted
from .fields import IST, UTC, Fields, fold_name
from .number import last10

_MAX_NAME = 64
_MAX_ID = 128
_MAX_URL = 4096
_MAX_DIGITS = 64
_MAX_LEGS = 20
_MAX_EVENTS = 200

_Q850 = range(1, 128)
_SIP = range(400, 700)
_NOT_A_KEY = re.compile(r"[^0-9*#A-D]")
_IS_URL = re.compile(r"\s*https?://", re.IGNORECASE)

_CAUSE_NAMES = ("causecode", "sipcode")
# Beginning of the names of one party's fields in a CDR, and whose they are
_SIDES = (("caller", "agent"), ("destination", "customer"))
_WAITING = {"caller": "fromwaitingtime", "destination": "towaitingtime"}
_ROLES = {
    "from": "agent",
    "caller": "agent",
    "to": "customer",
    "destination": "customer",
}

# ``received_at`` takes no part in equality: a report that is delivered twice equals itself.


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something happened on one leg, or on none (section 3). Times are aware, in UTC."""

    kind: ClassVar[str] = "event"
    received_at: datetime = field(compare=False)
    event_type: str = ""
    """CALL, MEDIA, DTMF, RECORD, SESSION, ERROR, ... in capitals."""
    event: str = ""
    """``answer``, ``callednumber``, ``removed``, ...: lower case, no blanks, no underscores."""
    address: str = field(default="", repr=False)
    """Last ten digits of the participant's number."""
    participant_name: str = ""
    component: str = ""
    """Id of the request's component, where the report tells it."""
    at: datetime | None = None
    """``None`` where it is missing or implausible."""
    cause_code: int | None = None
    """Q.850, 1 to 127."""
    sip_code: int | None = None
    """400 to 699; 699 is Airtel's own for normal clearing."""
    cause_text: str = ""
    digits: str = field(default="", repr=False)
    """Keys that were pressed (DTMF)."""
    session_id: str = ""
    correlation_id: str = ""
    event_id: str = ""


@dataclass(frozen=True, kw_only=True)
class ApiResult:
    """What became of one of the flow's own commands."""

    kind: ClassVar[str] = "api_result"
    received_at: datetime = field(compare=False)
    request_type: str = ""
    ok: bool = False
    message: str = ""
    session_id: str = ""
    correlation_id: str = ""


@dataclass(frozen=True, kw_only=True)
class CdrLeg:
    """One participant in a CDR. Times are aware, in UTC."""

    role: str | None = None
    """``agent``, ``customer``, or ``None`` where the CDR does not tell."""
    address: str = field(default="", repr=False)
    """Last ten digits."""
    name: str = ""
    status: str = ""
    """Lower case, no blanks, no underscores."""
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    talk_seconds: int | None = None
    ring_seconds: int | None = None
    retries: int | None = None
    cause_code: int | None = None
    sip_code: int | None = None
    cause_text: str = ""
    operator: str = ""
    circle: str = ""
    pulses: int | None = None


@dataclass(frozen=True, kw_only=True)
class Cdr:
    """Call Data Record, after the call (section 1.1). Times are aware, in UTC."""

    kind: ClassVar[str] = "cdr"
    received_at: datetime = field(compare=False)
    session_id: str = ""
    correlation_id: str = ""
    overall_status: str = ""
    """Lower case, no blanks, no underscores."""
    legs: tuple[CdrLeg, ...] = ()
    """Participants as listed, then those of the ``Caller_*`` and ``Destination_*`` fields."""
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    talk_seconds: int | None = None
    total_seconds: int | None = None
    billable_seconds: int | None = None
    recording_url: str = field(default="", repr=False)
    """Exactly as received; whoever has it can listen."""
    hangup_cause: str = ""
    dtmf: str = field(default="", repr=False)
    pulses: int | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """Nothing that we can read."""

    kind: ClassVar[str] = "unreadable"
    received_at: datetime = field(compare=False)
    reason: str = ""
    """``empty``, ``json``, ``not_object`` or ``shape``."""


def to_text(raw: bytes) -> str:
    """What arrived as a text that PostgreSQL stores and ``parse`` reads the same."""
    return untrusted.decode(raw)


def kind_and_fingerprint(raw: bytes) -> tuple[str, str]:
    """Kind of a report and a fingerprint by which a repeat is known, cheaply.

    :return: ``event``, ``api_result``, ``cdr`` or ``unreadable``, and a SHA-256 in hexadecimal: of
        the JSON in a canonical form, so that the order of keys and white space do not count, or of
        the bytes as they are where they are unreadable
    """
    data = untrusted.load(untrusted.decode(raw))
    kind = _kind(Fields(data)) if isinstance(data, dict) else Unreadable.kind
    if kind != Unreadable.kind:
        raw = json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
    return kind, hashlib.sha256(raw).hexdigest()


def parse(text: str | bytes, received_at: datetime) -> Event | ApiResult | Cdr | Unreadable:
    """Parse a report.

    :param text: the raw bytes, or what ``to_text`` made of them
    :param received_at: when it arrived; without a zone it is UTC. Moments in the report that are
        more than 2 days before or 1 hour after it are ignored
    """
    if isinstance(text, bytes):
        text = untrusted.decode(text)
    received_at = received_at.replace(tzinfo=received_at.tzinfo or UTC).astimezone(UTC)
    data = untrusted.load(text)
    if not isinstance(data, dict):
        return Unreadable(received_at=received_at, reason=_reason(text, data))
    fields = Fields(data, received_at)
    reader = _READERS.get(_kind(fields))
    return reader(fields) if reader else Unreadable(received_at=received_at, reason="shape")


def _reason(text: str, data) -> str:
    if not text.strip(" \t\r\n"):
        return "empty"
    return "json" if data is None else "not_object"


def _kind(fields: Fields) -> str:
    """Kind by shape (field notes: "What arrives on a notify URL")."""
    has_overall_status = bool(fields.text("overallcallstatus"))
    event_type = fields.text("eventtype")
    if event_type and not (has_overall_status and event_type.upper() == "CDR"):
        return Event.kind
    if fields.text("requestmessagetype"):
        return ApiResult.kind
    if has_overall_status or fields.text("sessionid", "vmsessionid") and not fields.text("event"):
        return Cdr.kind
    if fields.objects("participants", limit=1):
        return Cdr.kind
    return Event.kind if fields.text("event") else Unreadable.kind


def _event(fields: Fields) -> Event:
    details = fields.object("metadata")
    cause_code, sip_code = _causes(details, fields)
    return Event(
        received_at=fields.received_at,
        event_type=fields.text("eventtype", limit=_MAX_NAME).upper(),
        event=fold_name(fields.text("event", limit=_MAX_NAME)),
        address=last10(fields.text("participantaddress")),
        participant_name=fields.text("participantname", limit=_MAX_NAME),
        component=fields.text("requestname", limit=_MAX_NAME),
        # An event is posted some time after it happened; the details may have the network's clock.
        at=details.moment("timestamp") or fields.moment("time", "timestamp"),
        cause_code=cause_code,
        sip_code=sip_code,
        cause_text=details.text("causecodedescription")
        or fields.text("causecodedescription", "hangupcause"),
        digits=_keys(details.text("digits", "digit", "dtmf", "dtmfdigits", "value")),
        session_id=fields.text("vmsessionid", "sessionid", limit=_MAX_ID),
        correlation_id=fields.text("clientcorrelationid", "correlationid", limit=_MAX_ID),
        event_id=fields.text("eventid", limit=_MAX_ID),
    )


def _api_result(fields: Fields) -> ApiResult:
    return ApiResult(
        received_at=fields.received_at,
        request_type=fields.text("requestmessagetype", limit=_MAX_NAME),
        ok=fields.text("responsetype").upper() == "SUCCESS",
        message=fields.text("errormessage", "message", "errorcode"),
        session_id=fields.text("vmsessionid", "sessionid", limit=_MAX_ID),
        correlation_id=fields.text("clientcorrelationid", "correlationid", limit=_MAX_ID),
    )


def _cdr(fields: Fields) -> Cdr:
    """Both dialects: names that differ only in case and underscores are read as one."""
    started_at = fields.moment("starttime", "timestamp")
    return Cdr(
        received_at=fields.received_at,
        session_id=fields.text("sessionid", "vmsessionid", limit=_MAX_ID),
        correlation_id=fields.text("clientcorrelationid", "correlationid", limit=_MAX_ID),
        overall_status=fold_name(fields.text("overallcallstatus", limit=_MAX_NAME)),
        legs=_legs(fields),
        started_at=started_at or fields.day_and_time("date", "time", zone=IST),
        answered_at=fields.moment("callanswertime"),
        ended_at=fields.moment("endtime"),
        talk_seconds=fields.seconds("conversationduration"),
        total_seconds=fields.seconds("overallcallduration", "duration"),
        billable_seconds=fields.seconds("billableduration"),
        recording_url=_url(fields.raw("recording", "recordingurl")),
        hangup_cause=fields.text("hangupcause", limit=_MAX_NAME),
        dtmf=_keys(fields.text("dtmfcapture")),
        pulses=fields.whole("pulsecount", "pulse"),
        events=tuple(map(_event, fields.objects("events", limit=_MAX_EVENTS))),
    )


_READERS = {Event.kind: _event, ApiResult.kind: _api_result, Cdr.kind: _cdr}


def _legs(fields: Fields) -> tuple[CdrLeg, ...]:
    listed = map(_listed_leg, fields.objects("participants", limit=_MAX_LEGS))
    sides = (_side_leg(fields, side, role) for side, role in _SIDES)
    return (*listed, *filter(None, sides))


def _listed_leg(fields: Fields) -> CdrLeg:
    """An entry of ``participants``."""
    cause_code, sip_code = _causes(fields)
    answered_at, ended_at = fields.moment("callanswertime"), fields.moment("endtime")
    talk_seconds = None
    if answered_at:
        talk_seconds = fields.seconds("billableduration", "duration")
    if answered_at and ended_at and ended_at >= answered_at:
        talk_seconds = round((ended_at - answered_at).total_seconds())
    return CdrLeg(
        role=_ROLES.get(fold_name(fields.text("participanttype"))),
        address=last10(fields.text("participantaddress")),
        name=fields.text("participantname", limit=_MAX_NAME),
        status=fold_name(fields.text("status", limit=_MAX_NAME)),
        started_at=fields.moment("starttime"),
        answered_at=answered_at,
        ended_at=ended_at,
        talk_seconds=talk_seconds,
        ring_seconds=fields.seconds("waittime", "waitingtime"),
        retries=fields.whole("retrycount", high=100),
        cause_code=cause_code,
        sip_code=sip_code,
        cause_text=fields.text("causecodedescription", "hangupcause"),
        operator=fields.text("operatorname", limit=_MAX_NAME),
        circle=fields.text("circlename", limit=_MAX_NAME),
        pulses=fields.whole("pulse"),
    )


def _side_leg(fields: Fields, side: str, role: str) -> CdrLeg | None:
    """A party whose fields stand beside the others, as in ``Caller_Status``."""
    detail = _StatusDetail.read(fields.text(f"{side}statusdetail"))
    leg = CdrLeg(
        role=role,
        address=last10(fields.text(f"{side}number")),
        status=fold_name(
            fields.text(f"{side}status", f"{side}numberstatus", limit=_MAX_NAME) or detail.status
        ),
        ring_seconds=fields.seconds(f"{side}waitingtime", _WAITING[side]),
        retries=fields.whole(f"{side}retrycount", high=100),
        cause_code=detail.cause_code,
        sip_code=detail.sip_code,
        cause_text=detail.cause_text,
        operator=fields.text(f"{side}operatorname", limit=_MAX_NAME),
        circle=fields.text(f"{side}circlename", limit=_MAX_NAME),
    )
    return None if leg == CdrLeg(role=role) else leg


class _StatusDetail(NamedTuple):
    """``16 | 699 | Normal call clearing | Disconnected``, in parts."""

    cause_code: int | None
    sip_code: int | None
    cause_text: str
    status: str

    @classmethod
    def read(cls, text: str) -> "_StatusDetail":
        parts = [part.strip() for part in text.split("|")]
        words = [part for part in parts if part and not part.isdigit()]
        codes = Fields({str(index): part for index, part in enumerate(parts)})
        names = [str(index) for index in range(len(parts))]
        return cls(
            cause_code=codes.whole(*names, low=_Q850[0], high=_Q850[-1]),
            sip_code=codes.whole(*names, low=_SIP[0], high=_SIP[-1]),
            cause_text=words[0] if len(words) > 1 else "",
            status=words[-1] if words else "",
        )


def _causes(*sources: Fields) -> tuple[int | None, int | None]:
    """Q.850 cause and SIP code, told apart by their values: some documents swap the names."""
    cause_code = sip_code = None
    for fields in sources:
        cause_code = cause_code or fields.whole(*_CAUSE_NAMES, low=_Q850[0], high=_Q850[-1])
        sip_code = sip_code or fields.whole(*_CAUSE_NAMES, low=_SIP[0], high=_SIP[-1])
    return cause_code, sip_code


def _keys(text: str) -> str:
    """Keys of a phone's keypad: ``1 | 3 | 9`` is 139."""
    return _NOT_A_KEY.sub("", text)[:_MAX_DIGITS]


def _url(value) -> str:
    """A URL exactly as it came; "" for anything else."""
    is_url = isinstance(value, str) and len(value) <= _MAX_URL and _IS_URL.match(value)
    return value if is_url and value.isprintable() else ""
