"""What ``make fuzz`` and ``test_fuzz.py`` try with hostile input: one function for each reader.

A target takes bytes, reads them, and asserts what must hold whatever they are.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

from urllib3.util import parse_url

from ccp.airtel import vocabulary
from ccp.airtel.reports import (
    Cdr,
    Event,
    kind_and_fingerprint,
    parse,
    to_text,
)
from ccp.call import states
from ccp.call.timeline import (
    LINE_CODES,
    Dialled,
    Timeline,
    fold,
)
from ccp.safe.hosts import (
    MAX_URL,
    HostList,
    Target,
)
from ccp.safe.number import (
    Countries,
    NumberError,
    Reading,
    candidates,
    interpret,
    last10,
    mask,
    mask_in,
    read,
    readings,
)

RECEIVED = datetime(2020, 2, 26, 12, 20, tzinfo=timezone.utc)
EARLIEST, LATEST = RECEIVED - timedelta(days=2), RECEIVED + timedelta(hours=2)
AGENT, CUSTOMER, SECOND = "9876543210", "9123456789", "9811111111"
AIRTEL = "8000000009"
ALL_DIALLED = (
    Dialled((AGENT,), (CUSTOMER,)),
    Dialled((AGENT, SECOND), (CUSTOMER,)),
    Dialled((AGENT,), (AGENT,), "X", "X", "c", "c"),
    Dialled((), ()),
    Dialled((AGENT, SECOND), (CUSTOMER,), incoming=True, airtel_number=AIRTEL),
    Dialled((), (AGENT,), incoming=True),
)
REQUESTS = ("accepted", "queued", "refused", "unknown")
KINDS = ("event", "api_result", "cdr", "unreadable")
REASONS = ("empty", "several", "extension", "foreign", "not_dialable", "spreadsheet", "invalid")
HEXADECIMAL = re.compile(r"[0-9a-f]{64}")
# Any text that a report brings, with room for letters that become two in lower case
MAX_TEXT = 4096
COUNTRIES = ("IN", "US", "NP", "GB", "", None, "XX")
LISTED = "*.airtel.in, rec.example.com, http://127.0.0.1:8270,https://[::1]:8443/"


@dataclass(frozen=True)
class FuzzTarget:
    """One function to try.

    :param check: raises where a property does not hold
    :param seeds: real input, from which to go on
    :param words: pieces that make input look real
    """

    check: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]
    words: tuple[bytes, ...]


class Choices:
    """Bytes as a row of decisions; it ends where they do."""

    def __init__(self, data: bytes):
        self._data = data
        self._place = 0

    def __bool__(self):
        return self._place < len(self._data)

    def number(self, below: int) -> int:
        """A whole number from 0."""
        value = self._data[self._place] if self else 0
        self._place += 1
        return value % below

    def one(self, options):
        """One of these."""
        return options[self.number(len(options))]


def check_report(data: bytes) -> None:
    """One body, as it arrives at the webhook, and a call of which it is the only report."""
    text = to_text(data)
    assert "\0" not in text and text.encode().decode() == text
    kind, fingerprint = kind_and_fingerprint(data)
    report = parse(data, RECEIVED)
    assert kind in KINDS and HEXADECIMAL.fullmatch(fingerprint)
    assert kind_and_fingerprint(data) == (kind, fingerprint)
    assert report == parse(text, RECEIVED) and hash(report) == hash(parse(text, RECEIVED))
    # Nobody posts a decision
    assert (report.kind, kind) == ("decision", "unreadable") or report.kind == kind
    assert report.received_at == RECEIVED
    _check_values(report)
    choice = int(fingerprint[0], 16)
    dialled = ALL_DIALLED[choice % len(ALL_DIALLED)]
    _check_timeline(fold([report], dialled, closed=choice > 7))


def _check_values(value) -> None:
    """Everything can be stored in a database and shown, and was believed with reason."""
    if is_dataclass(value):
        for each in fields(value):
            _check_values(getattr(value, each.name))
        _check_parts(value)
    elif isinstance(value, (tuple, frozenset)):
        for each in value:
            _check_values(each)
    elif isinstance(value, str):
        assert len(value) <= MAX_TEXT and value.isprintable()
        value.encode()
    elif isinstance(value, datetime):
        assert value.utcoffset() == timedelta(0) and EARLIEST <= value <= LATEST
    else:
        assert value is None or isinstance(value, bool) or 0 <= value < 10**6


def _check_parts(value) -> None:
    if hasattr(value, "cause_code"):
        assert value.cause_code is None or 1 <= value.cause_code <= 127
        assert value.sip_code is None or 400 <= value.sip_code <= 699
    if hasattr(value, "address"):
        assert len(value.address) <= 10 and (not value.address or value.address.isdecimal())
    if isinstance(value, Event):
        assert set(value.digits) <= set("0123456789*#ABCD")
    if isinstance(value, Cdr):
        assert re.match(r"(\s*https?://|\Z)", value.recording_url, re.IGNORECASE)
        assert len(value.legs) <= 22 and len(value.events) <= 200


def _check_timeline(story: Timeline) -> None:
    assert story.state in states.STATES and story.result in (None, *states.RESULTS)
    assert (story.result is not None) == (story.state == "ended")
    assert story.state == "ended" or not story.has_cdr
    assert story.talk_seconds is None or story.talk_seconds >= 0
    assert story.hung_up_by in (None, "agent", "customer", "system")
    assert not story.answered_at or story.result in (None, "connected")
    assert not story.picked_up or story.picked_up not in (*story.ringing, *story.missed)
    assert not story.ringing or story.state == "ringing_agent"
    assert not set(story.ringing) & set(story.missed)
    assert story.waited_seconds is None or story.waited_seconds >= 0
    for leg in (story.agent, story.customer):
        assert leg.end is None or leg.end in vocabulary.ENDS
        assert not (leg.live and story.state == "ended")
        assert leg.ring_seconds is None or leg.ring_seconds >= 0
    assert [line.at for line in story.lines] == sorted(line.at for line in story.lines)
    for line in story.lines:
        assert line.what in LINE_CODES and line.leg in (None, "agent", "customer")
        # The keys that somebody pressed are shown as they are.
        if line.what != "keypad":
            _check_masked(line.detail)
        _check_masked(line.cause)
    shown = repr(story)
    assert not story.recording_url or story.recording_url not in shown


def _check_masked(text: str) -> None:
    """No number that anybody could dial is left."""
    count = 0
    for char in text:
        count = count + 1 if char.isdecimal() else 0
        assert count < 7
    plain = re.sub(r"(?<=\d)[ ()+._/-]{1,4}(?=\d)", "", text)
    for number in (AGENT, CUSTOMER, SECOND):
        assert number not in plain


EVENT_WORDS = (
    *("CalledNumber", "Ringing", "Answer", "Disconnected", "Removed", "Busy", "Noanswer"),
    *("NotReachable", "Rejected", "NetworkError", "RecordingStarted", "Captured", "Exploded"),
    f"call {AGENT}",
)
ADDRESSES = (AGENT, CUSTOMER, SECOND, "0" + AGENT, "+91" + CUSTOMER, "", "9700000000", "123")
CAUSES = (None, 16, 17, 19, 20, 21, 31, 486, 500, 699)
STATUSES = (None, "Disconnected", "Busy", "No Answer", "Answered", "Banana")
OVERALL = (None, "Answered", "Missed", "Busy", "Failed", "Banana", f"Missed {CUSTOMER}")
HANGUPS = (None, "Caller", "SYSTEM_INITIATED", "USER_INITIATED", "B", f"of {AGENT}")


def check_history(data: bytes) -> None:
    """A call of several reports that were made up by the bytes, in any order, in part, repeated."""
    choices = Choices(data)
    dialled, request = choices.one(ALL_DIALLED), choices.one(REQUESTS)
    closed = choices.one((False, True))
    seed = choices.number(256)
    reports = []
    while choices and len(reports) < 16:
        make = choices.one((_made_event, _made_event, _made_event, _made_cdr, _made_result))
        received_at = RECEIVED + timedelta(seconds=choices.number(16))
        reports.append(parse(json.dumps(make(choices)), received_at))
    options = {"request": request, "closed": closed}
    story = fold(reports, dialled, **options)
    _check_timeline(story)
    assert fold(reversed(reports), dialled, **options) == story
    later = [parse_again(report) for report in reports[:3]]
    assert fold([*later, *reports], dialled, **options) == story
    half = [report for place, report in enumerate(reports) if (seed >> place % 8) & 1]
    for some in (reports[: seed % (len(reports) + 1)], half):
        _check_timeline(fold(some, dialled, **options))


def parse_again(report):
    """The same report, delivered once more and later."""
    values = {each.name: getattr(report, each.name) for each in fields(report)}
    return type(report)(**values | {"received_at": report.received_at + timedelta(seconds=9)})


def _moment(choices: Choices) -> int | None:
    seconds = choices.number(24)
    return int((RECEIVED.timestamp() - 60 + seconds) * 1000) if seconds else None


def _made_event(choices: Choices) -> dict:
    cause = choices.one(CAUSES)
    return {
        "eventType": choices.one(("CALL", "CALL", "CALL", "", "RECORD", "DTMF", "MEDIA")),
        "event": choices.one(EVENT_WORDS),
        "participantAddress": choices.one(ADDRESSES),
        "time": _moment(choices),
        "participantName": choices.one(("", "A", "B", "X")),
        "requestName": choices.one(("", "initiateCall_1", "addParticipant_1", "c")),
        "vmSessionId": choices.one(("", "s", "t")),
        "metaData": {
            "causeCode": cause,
            "causeCodeDescription": cause and f"{cause} {AGENT}",
            "displayCli": choices.one((None, *ADDRESSES, AIRTEL)),
        },
        "digits": choices.one((None, "1", "12")),
    }


def _made_cdr(choices: Choices) -> dict:
    made = {
        "Session_ID": choices.one(("s", "t")),
        "Overall_Call_Status": choices.one(OVERALL),
        "Hangup_Cause": choices.one(HANGUPS),
        "startTime": _moment(choices),
        "callAnswerTime": _moment(choices),
        "endTime": _moment(choices),
        "Conversation_Duration": choices.one((None, "00:00", "00:35", 1500)),
        "Overall_Call_Duration": choices.one((None, "00:50")),
        "Recording": choices.one((None, "https://r.airtel.in/1", "https://r.airtel.in/2")),
        "Caller_Number": choices.one(ADDRESSES),
        "Caller_Status": choices.one(STATUSES),
        "Destination_Number": choices.one(ADDRESSES),
        "Destination_Status": choices.one(STATUSES),
        "Missed_Destination_Number": choices.one((None, SECOND, f"0{AGENT} | {SECOND}")),
        "DTMF_Capture": choices.one((None, "1 | 1")),
        "participants": [_made_leg(choices) for _ in range(choices.number(4))],
        "events": [_made_event(choices) for _ in range(choices.number(3))],
    }
    return {name: value for name, value in made.items() if value is not None}


def _made_leg(choices: Choices) -> dict:
    return {
        "participantAddress": choices.one(ADDRESSES),
        "participantType": choices.one(("From", "To", "")),
        "participantName": choices.one(("", "A", "B")),
        "startTime": _moment(choices),
        "callAnswerTime": _moment(choices),
        "endTime": _moment(choices),
        "status": choices.one(STATUSES),
        "causeCode": choices.one(CAUSES),
        "retryCount": choices.one((None, 0, 2)),
        "pulse": choices.one((None, 1)),
        "waitTime": choices.one((None, 3000)),
    }


def _made_result(choices: Choices) -> dict:
    return {
        "requestMessageType": "addParticipant",
        "responseType": choices.one(("ERROR", "SUCCESS")),
        "errorMessage": choices.one(("", f"cannot dial +91 {AGENT}", f"{CUSTOMER[:5]}-43210")),
        "vmSessionId": choices.one(("", "s")),
    }


def check_number(data: bytes) -> None:
    """What a phone field holds, of a contact in some country; the first byte says which."""
    country = COUNTRIES[data[0] % len(COUNTRIES)] if data else "IN"
    text = data[1:].decode("utf-8", "surrogateescape" if data[:1] > b"\x7f" else "replace")
    countries = Countries(country, country, country)
    try:
        reading = interpret(text, countries)
    except NumberError as error:
        assert error.reason in REASONS and str(error) == error.reason
    else:
        _check_number_read(reading, text, countries)
    found = [each.digits for each in readings(text, countries)]
    assert len(set(found)) == len(found)
    for each in found:
        assert read(each) == each
    assert len(last10(text)) <= 10 and last10(last10(text)) == last10(text)
    assert sum(map(str.isdecimal, mask(text))) <= 4
    _check_masked(mask_in(text))


def _check_number_read(reading: Reading, text: str, countries: Countries) -> None:
    number = reading.digits
    assert len(number) == 10 or number.startswith("18")
    assert number.isascii() and number.isdigit() and number[0] != "0"
    assert readings(text, countries) == (reading,) and reading.doubt in ("", countries.contact)
    digits = (str(unicodedata.decimal(char)) if char.isdecimal() else "" for char in text)
    assert number in "".join(digits)
    for again in (number, f"+91 {number}", f"0{number}", f"0091-{number}", f"91{number}"):
        assert read(again) == number
    # Of a number with a country code, nothing is filled in from the code.
    for short in (number[:-1], number[:-2], number[2:]):
        for code in ("+91", "0091", "+91 "):
            assert not candidates(f"{code}{short}")
            assert not readings(f"{code}{short}", Countries(contact="DE"))


def check_url(data: bytes) -> None:
    """A recording's URL and the company's list: the first line is the URL, others the list."""
    text = data.decode("utf-8", "replace")
    url, _, setting = text.partition("\n")
    hosts = HostList(LISTED)
    assert hosts.unreadable == ()
    own = HostList(setting)
    for entry in own.unreadable:
        assert entry in setting
    target = Target.read(url)
    for allowed_by, listed in ((hosts, LISTED), (own, setting)):
        if target and allowed_by.allows(target):
            _check_allowed(url, target, listed)
    assert target is None or not HostList("").allows(target)


def _check_allowed(url: str, target: Target, listed: str) -> None:
    """Other readers see the same host, and it stands in the list."""
    url = url.strip(" ")
    assert len(url) <= MAX_URL and url.isascii() and url.isprintable()
    assert not set(url) & set(" \\#")
    for scheme, host, port in (_by_urllib(url), _by_urllib3(url)):
        assert scheme == target.scheme and host == target.host
        assert (port or {"http": 80, "https": 443}[scheme]) == target.port
    parts = urlsplit(url)
    assert parts.username is None and parts.password is None
    query = f"?{parts.query}" if "?" in url else ""
    assert target.path == (parts.path or "/") + query
    assert target.path.startswith("/") and not set(target.path) & set(" \t\r\n\0")
    entries = [entry for entry in re.split(r"[,;\s]+", listed.lower()) if entry]
    assert any(_names(entry, target) for entry in entries)


def _by_urllib(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _by_urllib3(url: str) -> tuple[str | None, str | None, int | None]:
    parts = parse_url(url)
    return parts.scheme, (parts.host or "").strip("[]"), parts.port


def _names(entry: str, target: Target) -> bool:
    host = f"[{target.host}]" if ":" in target.host else target.host
    default = {"http": 80, "https": 443}[target.scheme]
    origins = [f"{target.scheme}://{host}:{target.port}"]
    if target.port == default:
        origins.append(f"{target.scheme}://{host}")
    # A port may be written with zeros in front.
    entry = re.sub(r":0+([1-9][0-9]*/?)$", r":\1", entry)
    if entry.removesuffix("/") in origins:
        return True
    is_default = target.scheme == "https" and target.port == default
    is_name = not target.host.rpartition(".")[2].isdigit() and ":" not in target.host
    in_domain = entry.startswith("*.") and target.host.endswith(entry[1:])
    return is_default and is_name and (entry == target.host or in_domain)


def report_seeds() -> Iterator[bytes]:
    """Reports of the specification and of both dialects, and bodies without a report."""
    from test_reports import CAMEL_CDR, DISPLAY_CDR, SAMPLE_EVENT
    from test_timeline import FULL_CDR

    result = {"requestMessageType": "x", "responseType": "ERROR", "errorMessage": "no 9876543210"}
    for data in (SAMPLE_EVENT, DISPLAY_CDR, CAMEL_CDR, FULL_CDR, result, [], {}, 1):
        yield json.dumps(data).encode()
        yield json.dumps(data, indent=1).encode("utf-16")
    yield from (b"", b"\xef\xbb\xbf{}", b'{"event":"\\ud800"}', b"[{" * 40, b'{"time":1e999}')


def history_seeds() -> Iterator[bytes]:
    """Calls of ten reports or so."""
    for beginning in range(16):
        yield bytes((beginning * 7 + place * place * 5) % 251 for place in range(160))


def number_seeds() -> Iterator[bytes]:
    """Phone fields as people fill them."""
    from test_number import BAD, GOOD

    for text in (*GOOD, *BAD):
        if isinstance(text, str):
            yield b"\0" + text.encode()
            yield b"\1" + text.encode()


def url_seeds() -> Iterator[bytes]:
    """URLs that are allowed and hostile ones, with and without a list."""
    from test_hosts import ALLOWED, FORBIDDEN

    for url in (*ALLOWED, *FORBIDDEN):
        if isinstance(url, str):
            yield url.encode()
            yield f"{url}\n{LISTED}, {url}".encode()


REPORT_WORDS = """" { } [ ] : , \\ \\u0000 \\u001c \\ud800 null true 1e999 NaN 1582719586399 00:40
26/02/2020 "CALL" "event" "eventType" "participantAddress" "participants" "metaData" "causeCode"
"time" "Overall_Call_Status" "Session_ID" "requestMessageType" "Recording" "Caller_Status_Detail"
"events" "endTime" 2020-02-26T12:19:46+05:30 9876543210"""
NUMBER_WORDS = (
    """+91 0091 0 ( ) - / ; , ext x # 98765 9876543210 + \u096f \uff19 \u200b \u2011 1800"""
)
URL_WORDS = """https:// http:// : @ / \\ ? # [ ] % %2e %00 .airtel.in rec.example.com 127.0.0.1
:8270 :443 ::1 *. , 0x7f 2130706433 localhost \u3002 \uff0f"""


def _pieces(text: str) -> tuple[bytes, ...]:
    return tuple(word.encode() for word in text.split())


TARGETS = {
    "report": FuzzTarget(check_report, report_seeds, _pieces(REPORT_WORDS)),
    "history": FuzzTarget(check_history, history_seeds, (b"\0", b"\1", b"\2", b"\3\3", b"\xff")),
    "number": FuzzTarget(check_number, number_seeds, (b" ", *_pieces(NUMBER_WORDS))),
    "url": FuzzTarget(check_url, url_seeds, _pieces(URL_WORDS)),
}
