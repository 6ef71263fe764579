# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Parses what Airtel posts to a notify URL: event, API result or CDR (sections 1.1 and 3).

The specification shows one event and no CDR. Public documents and integrations show two dialects of
CDR, with templates that differ between customers, so all of them are accepted and no field is
required. A report's kind follows from its content (``shape``), not from the URL.

No function here raises: what cannot be read becomes ``Unreadable`` or an empty field.
"""

import hashlib
import json
import re
from datetime import datetime
from functools import cache
from typing import NamedTuple

from ..safe.number import (
    last10,
    last10_of_caller,
    mask_in,
)
from ..safe.text import decode, load
from . import decision, shape, vocabulary
from .fields import (
    IST,
    UTC,
    Fields,
    fold_name,
)
from .parsed import (
    ApiResult,
    Cdr,
    CdrLeg,
    Decided,
    Event,
    Report,
    Unreadable,
)

__all__ = [
    "ApiResult",
    "Cdr",
    "CdrLeg",
    "Decided",
    "Event",
    "Report",
    "Unreadable",
    "cdr_names",
    "kind_and_fingerprint",
    "parse",
    "parse_all",
    "parse_data",
    "split",
    "to_text",
]

_MAX_NAME = 64
_MAX_ID = 128
_MAX_URL = 4096
_MAX_DIGITS = 64
_MAX_LEGS = 20
_MAX_EVENTS = 200
_MAX_NOT_UNDERSTOOD = 50
_MAX_MISSED = 20
_MAX_MISSED_TEXT = 400

_Q850 = range(1, 128)
_SIP = range(400, 700)
_BETWEEN_NUMBERS = re.compile(r"[|,;/]")
_MENU_KEYS = re.compile(r"[0-9*#]+(?: ?[|,] ?[0-9*#]+)*")
_NOT_A_KEY = re.compile(r"[^0-9*#A-D]")
_IS_URL = re.compile(r"\s*https?://", re.IGNORECASE)

_CAUSE_NAMES = ("causecode", "sipcode")
# The prefixes of the field names of each side in a CDR
_SIDES = (("caller", vocabulary.FROM), ("destination", vocabulary.TO))
_WAITING = {"caller": "fromwaitingtime", "destination": "towaitingtime"}
_SIDE_OF_TYPE = {
    "from": vocabulary.FROM,
    "caller": vocabulary.FROM,
    "to": vocabulary.TO,
    "destination": vocabulary.TO,
}
_DIRECTION_NAMES = ("calltype", "direction", "calldirection")
_DIRECTIONS = {
    "inbound": "inbound",
    "incoming": "inbound",
    "outbound": "outbound",
    "outgoing": "outbound",
}
_URL_NAMES = (
    "url",
    "recordingurl",
    "downloadurl",
    "fileurl",
    "link",
    "href",
    "file",
    "path",
    "location",
)
_MAX_URL_DEPTH = 3
_MAX_RECORDINGS = 20

# Fields that are known and not needed
_KNOWN_OF_EVENT = frozenset(
    ("eventid", "waittime", "customerid", "callflowid", "callid", "calltype", "callerid")
)
_KNOWN_OF_API_RESULT = frozenset(("requestname", "customerid", "callflowid", "time", "eventid"))
_KNOWN_OF_CDR = frozenset(
    (
        *("eventtype", "event", "eventid", "requestmessagetype", "customerid", "callflowid"),
        *("callerid", "callid", "callername", "destinationname", "displaycli"),
        *("callerduration", "destinationduration", "timestamp"),
        *("retrycount", "retrycountcaller", "retrycountdestination", "waittime", "requestname"),
        *("callerretrycount", "destinationretrycount"),
        *("participantaddress", "participantname", "hangupcause", "hangupstatus", "hangupby"),
    )
)
_KNOWN_OF_PARTS = _KNOWN_OF_EVENT | {
    *("participantcalltype", "participantindex", "participantid"),
    *("billableduration", "duration", "pulse", "retrycount"),
}


def to_text(raw: bytes) -> str:
    """Return a body as text that PostgreSQL accepts and ``parse`` reads like the body."""
    return decode(raw)


def kind_and_fingerprint(raw: bytes) -> tuple[str, str]:
    """Return a report's kind, and a fingerprint that identifies repeats; fast.

    :param raw: a posted body; one that looks like a decision is ``unreadable``, because nobody
        may post one
    :return: ``event``, ``api_result``, ``cdr`` or ``unreadable``, and a SHA-256 in hexadecimal: of
        the JSON in a canonical form, which ignores the order of keys and white space, or of the
        bytes if they are unreadable
    """
    data = load(decode(raw))
    kinds = [shape.kind(each) for each in shape.reports(data)]
    if decision.is_decision(data):
        kinds = []
    kind = _leading(kinds, kinds) if kinds else Unreadable.kind
    if kind != Unreadable.kind:
        raw = json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
    return kind, hashlib.sha256(raw).hexdigest()


def parse(text: str | bytes, received_at: datetime) -> Report:
    """Parse a body with one report; of several, return the one that gives the body its kind.

    :param text: see ``parse_all``
    :param received_at: see ``parse_all``
    :return: the first CDR, else the first report
    """
    reports = parse_all(text, received_at)
    return _leading([report.kind for report in reports], reports)


def parse_all(text: str | bytes, received_at: datetime) -> tuple[Report, ...]:
    """Parse all reports of a body, as many as ``shape.MAX_REPORTS``.

    :param text: the raw bytes, or the result of ``to_text``
    :param received_at: when it arrived; UTC if it has no zone. Times in the report that are more
        than 2 days before or 1 hour after it are ignored
    :return: at least one report
    """
    if isinstance(text, bytes):
        text = decode(text)
    data = load(text)
    if decision.is_decision(data):
        return (decision.read(data, _in_utc(received_at)),)
    return parse_data(data, received_at) or (
        Unreadable(received_at=_in_utc(received_at), reason=_reason(text, data)),
    )


def parse_data(data, received_at: datetime) -> tuple[Report, ...]:
    """Parse all reports in a parsed JSON value; see ``parse_all``.

    :return: empty if the value contains no object
    """
    return tuple(map(_read, shape.reports(data, _in_utc(received_at))))


def split(text: str) -> list[str]:
    """Return the reports of a body as separate texts.

    :param text: a body as ``to_text`` returned it
    """
    return [json.dumps(each.spelled(), ensure_ascii=False) for each in shape.reports(load(text))]


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def _leading(kinds: list[str], values):
    """Return the value that stands for a body, chosen by the kinds of its reports."""
    return values[kinds.index(Cdr.kind) if Cdr.kind in kinds else 0]


def _read(fields: Fields) -> Report:
    kind = shape.kind(fields)
    if kind in _READERS:
        return _READERS[kind](fields)
    names = _masked(Fields(fields.spelled()).not_understood())
    return Unreadable(received_at=fields.received_at, reason="shape", not_understood=names)


def _masked(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(mask_in, names[:_MAX_NOT_UNDERSTOOD]))


def _reason(text: str, data) -> str:
    if not text.strip(" \t\r\n"):
        return "empty"
    return "json" if data is None else "not_object"


class _Numbers:
    """Reads a report's numbers, and notes which of them are not written as Indian numbers.

    Whether that matters depends on the call, which is not always known from the report.
    """

    def __init__(self):
        self.abroad: set[str] = set()

    def last10(self, text: str) -> str:
        last = last10(text)
        if last != last10_of_caller(text):
            self.abroad.add(last)
        return last


def _event(fields: Fields) -> Event:
    numbers = _Numbers()
    details = fields.object("metadata")
    cause_code, sip_code = _causes(details, fields)
    event_type = fields.text("eventtype", limit=_MAX_NAME).upper()
    event = fold_name(fields.text("event", *shape.STATUS_NAMES, limit=_MAX_NAME))
    if event_type in ("", "CALL") and vocabulary.meaning(event) is None:
        # Other event types are not about a leg, even if they use the same words
        fields.fail("event", *shape.STATUS_NAMES)
    values = {
        "event_type": event_type,
        "event": event,
        "address": numbers.last10(fields.text("participantaddress")),
        "participant_name": fields.text("participantname", limit=_MAX_NAME),
        "component": fields.text("requestname", limit=_MAX_NAME),
        # An event is posted some time after it happened; its details may use the network's clock.
        "at": fields.moment("time", "timestamp"),
        "cause_code": cause_code,
        "sip_code": sip_code,
        "cause_text": details.text("causecodedescription")
        or fields.text("causecodedescription", "hangupcause"),
        "digits": _keys(details.text("digits", "digit", "dtmf", "dtmfdigits", "value")),
        "session_id": fields.text("vmsessionid", "sessionid", limit=_MAX_ID),
        "correlation_id": fields.text("clientcorrelationid", "correlationid", limit=_MAX_ID),
        "event_id": fields.text("eventid", limit=_MAX_ID),
        "direction": _DIRECTIONS.get(fold_name(fields.text(*_DIRECTION_NAMES)), ""),
        "airtel_number": numbers.last10(fields.text("callednumber")),
        "shown": numbers.last10(details.text("displaycli") or fields.text("displaycli")),
    }
    values["at"] = details.moment("timestamp") or values["at"]
    return Event(
        received_at=fields.received_at,
        abroad=frozenset(numbers.abroad),
        not_understood=_masked(fields.not_understood(_KNOWN_OF_EVENT)),
        **values,
    )


def _api_result(fields: Fields) -> ApiResult:
    values = {
        "request_type": fields.text("requestmessagetype", limit=_MAX_NAME),
        "ok": fields.text("responsetype").upper() == "SUCCESS",
        "message": fields.text("errormessage", "message", "errorcode"),
        "session_id": fields.text("vmsessionid", "sessionid", limit=_MAX_ID),
        "correlation_id": fields.text("clientcorrelationid", "correlationid", limit=_MAX_ID),
    }
    return ApiResult(
        received_at=fields.received_at,
        not_understood=_masked(fields.not_understood(_KNOWN_OF_API_RESULT)),
        **values,
    )


def _cdr(fields: Fields) -> Cdr:
    """Parse both dialects: names that differ only in case and underscores are the same."""
    status = fold_name(fields.text(*shape.STATUS_NAMES, "status", limit=_MAX_NAME))
    if not vocabulary.is_overall_status(status):
        fields.fail(*shape.STATUS_NAMES, "status")
    listed = fields.objects("participants", limit=_MAX_LEGS)
    numbers = _Numbers()
    started_at = fields.moment("starttime", "callstarttime", "timestamp")
    day_and_time = _day_and_time(fields)
    values = {
        "direction": _direction(fields, listed),
        "airtel_number": numbers.last10(fields.text("callednumber", "callerid")),
        "session_id": fields.text("sessionid", "vmsessionid", limit=_MAX_ID),
        "correlation_id": fields.text("clientcorrelationid", "correlationid", limit=_MAX_ID),
        "overall_status": status,
        "legs": _legs(fields, listed, numbers),
        "started_at": started_at or day_and_time,
        "answered_at": fields.moment("callanswertime", "answertime"),
        "ended_at": fields.moment("endtime", "callendtime"),
        "talk_seconds": fields.seconds(*shape.CONVERSATION_NAMES),
        "total_seconds": fields.seconds(*shape.TOTAL_NAMES),
        "billable_seconds": fields.seconds(*shape.BILLABLE_NAMES),
        "recording_url": _recording_url(fields),
        "hangup_cause": fields.text(*_hangup_names(fields), limit=_MAX_NAME),
        "pulses": fields.whole("pulsecount", "pulse"),
        "events": tuple(map(_event, fields.objects("events", limit=_MAX_EVENTS))),
        "destination": numbers.last10(fields.text("destinationnumber")),
        "shown": numbers.last10(fields.text("destinationcli", "displaycli")),
        "missed_numbers": _missed_numbers(fields, numbers),
        "keys": _menu_keys(fields),
    }
    fields.object("metadata")
    return Cdr(
        received_at=fields.received_at,
        abroad=frozenset(numbers.abroad),
        not_understood=_masked(fields.not_understood(_KNOWN_OF_CDR, _KNOWN_OF_PARTS)),
        **values,
    )


class _Asked(dict):
    """A dict of fields that records which names are read."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def get(self, name, default=None):
        self.names.add(name)
        return default


@cache
def cdr_names() -> frozenset[str]:
    """Return the folded names of all CDR fields that are read, or known and not needed."""
    fields = Fields({})
    fields._values = asked = _Asked()
    _cdr(fields)
    return frozenset(asked.names | _KNOWN_OF_CDR)


def _day_and_time(fields: Fields) -> datetime | None:
    for day, time in (("date", "time"), ("calldate", "calltime"), ("startdate", "starttime")):
        if day in fields:
            return fields.day_and_time(day, time, zone=IST)
    return None


def _hangup_names(fields: Fields) -> tuple[str, ...]:
    """Return the fields that say who or what ended the call, the most precise first."""
    names = ("hangupcause", "hangupstatus", "hangupby")
    return tuple(
        sorted(names, key=lambda name: vocabulary.who_hung_up(fold_name(fields.text(name))) is None)
    )


def _recording_url(fields: Fields) -> str:
    """Return the recording's address, from any field at any depth."""
    for name in fields.named(shape.RECORDING):
        if url := _url(fields.raw(name)):
            return url
        fields.fail(name)
    return ""


_READERS = {Event.kind: _event, ApiResult.kind: _api_result, Cdr.kind: _cdr}


def _direction(fields: Fields, listed: list[Fields]) -> str:
    """Return the call's own direction, else the one that its caller's side implies."""
    said = _DIRECTIONS.get(fold_name(fields.text(*_DIRECTION_NAMES)), "")
    if said:
        return said
    came_in = any(
        _side_of(each) == vocabulary.FROM
        and _DIRECTIONS.get(fold_name(each.text("participantcalltype"))) == "inbound"
        for each in listed
    )
    return "inbound" if came_in else ""


def _missed_numbers(fields: Fields, numbers: _Numbers) -> tuple[str, ...]:
    """Return the complete numbers of ``a | b``, or of a list."""
    name = "misseddestinationnumber"
    values = fields.raw(name)
    if not isinstance(values, list):
        values = _BETWEEN_NUMBERS.split(fields.text(name, limit=_MAX_MISSED_TEXT))
    missed = map(numbers.last10, values[:_MAX_MISSED])
    found = tuple(dict.fromkeys(each for each in missed if len(each) == 10))
    if not found:
        fields.fail(name)
    return found


def _legs(fields: Fields, listed: list[Fields], numbers: _Numbers) -> tuple[CdrLeg, ...]:
    sides = (_side_leg(fields, prefix, side, numbers) for prefix, side in _SIDES)
    return (*(_listed_leg(each, numbers) for each in listed), *filter(None, sides))


def _side_of(fields: Fields) -> str | None:
    """Return the side of an entry of ``participants``."""
    return _SIDE_OF_TYPE.get(fold_name(fields.text("participanttype", "type", "role")))


def _listed_leg(fields: Fields, numbers: _Numbers) -> CdrLeg:
    """Return the leg of an entry of ``participants``."""
    cause_code, sip_code = _causes(fields)
    answered_at, ended_at = fields.moment("callanswertime"), fields.moment("endtime")
    talk_seconds = None
    if answered_at:
        talk_seconds = fields.seconds("billableduration", "duration")
    if answered_at and ended_at and ended_at >= answered_at:
        talk_seconds = round((ended_at - answered_at).total_seconds())
    return CdrLeg(
        side=_side_of(fields),
        address=numbers.last10(
            fields.text("participantaddress", "participantnumber", "address", "number")
        ),
        name=fields.text("participantname", "name", limit=_MAX_NAME),
        status=_leg_status(fields, "status", "participantstatus"),
        started_at=fields.moment("starttime"),
        answered_at=answered_at,
        ended_at=ended_at,
        talk_seconds=talk_seconds,
        ring_seconds=fields.seconds("waittime", "waitingtime"),
        cause_code=cause_code,
        sip_code=sip_code,
        cause_text=fields.text("causecodedescription", "hangupcause"),
        operator=fields.text("operatorname", limit=_MAX_NAME),
        circle=fields.text("circlename", limit=_MAX_NAME),
        pulses=fields.whole("pulse"),
    )


def _side_leg(fields: Fields, prefix: str, side: str, numbers: _Numbers) -> CdrLeg | None:
    """Return the leg of a side whose fields are the CDR's own, such as ``Caller_Status``."""
    detail = _StatusDetail.read(fields.text(f"{prefix}statusdetail"))
    leg = CdrLeg(
        side=side,
        address=numbers.last10(fields.text(f"{prefix}number")),
        status=_leg_status(fields, f"{prefix}status", f"{prefix}numberstatus") or detail.status,
        ring_seconds=fields.seconds(f"{prefix}waitingtime", _WAITING[prefix]),
        cause_code=detail.cause_code,
        sip_code=detail.sip_code,
        cause_text=detail.cause_text,
        operator=fields.text(f"{prefix}operatorname", limit=_MAX_NAME),
        circle=fields.text(f"{prefix}circlename", limit=_MAX_NAME),
    )
    return None if leg == CdrLeg(side=side) else leg


def _leg_status(fields: Fields, *names: str) -> str:
    status = fold_name(fields.text(*names, limit=_MAX_NAME))
    if vocabulary.meaning(status) is None:
        fields.fail(*names)
    return status


class _StatusDetail(NamedTuple):
    """The parts of ``16 | 699 | Normal call clearing | Disconnected``."""

    cause_code: int | None
    sip_code: int | None
    cause_text: str
    status: str

    @classmethod
    def read(cls, text: str) -> "_StatusDetail":
        parts = [part.strip() for part in text.split("|")]
        texts = [part for part in parts if part and not part.isdigit()]
        codes = Fields({str(index): part for index, part in enumerate(parts)})
        names = [str(index) for index in range(len(parts))]
        return cls(
            cause_code=codes.whole(*names, low=_Q850[0], high=_Q850[-1]),
            sip_code=codes.whole(*names, low=_SIP[0], high=_SIP[-1]),
            cause_text=texts[0] if len(texts) > 1 else "",
            status=fold_name(texts[-1][:_MAX_NAME]) if texts else "",
        )


def _causes(*sources: Fields) -> tuple[int | None, int | None]:
    """Return Q.850 cause and SIP code, told apart by value: some documents swap the names."""
    cause_code = sip_code = None
    for fields in sources:
        cause_code = cause_code or fields.whole(*_CAUSE_NAMES, low=_Q850[0], high=_Q850[-1])
        sip_code = sip_code or fields.whole(*_CAUSE_NAMES, low=_SIP[0], high=_SIP[-1])
    return cause_code, sip_code


def _keys(text: str) -> str:
    """Return keypad digits: ``1 | 3 | 9`` becomes 139."""
    return _NOT_A_KEY.sub("", text)[:_MAX_DIGITS]


def _menu_keys(fields: Fields) -> str:
    """Return the keys that were pressed in the menu, "" if the field contains other text."""
    text = fields.text("dtmfcapture")
    if _MENU_KEYS.fullmatch(text):
        return _keys(text)
    fields.fail("dtmfcapture")
    return ""


def _url(value, depth: int = _MAX_URL_DEPTH) -> str:
    """Return the first URL in a value, exactly as received; "" if there is none."""
    if isinstance(value, str):
        is_url = len(value) <= _MAX_URL and _IS_URL.match(value)
        return value if is_url and value.isprintable() else ""
    if depth <= 0:
        return ""
    if isinstance(value, dict):
        fields = Fields(value)
        names = [*(name for name in _URL_NAMES if name in fields), *fields.named(shape.RECORDING)]
        value = [fields.raw(name) for name in names]
    if isinstance(value, list):
        found = (_url(each, depth - 1) for each in value[:_MAX_RECORDINGS])
        return next(filter(None, found), "")
    return ""
