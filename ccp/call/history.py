# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Past calls: the records that Airtel's portal exports, or that somebody kept as JSON.

Columns are recognised by the names of a CDR's fields in both dialects (``reports``), and by some
names that only exports use. Only ``table.TableError`` is ever raised.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..airtel import reports
from ..airtel.fields import (
    IST,
    UTC,
    Fields,
    fold_name,
)
from ..airtel.reports import Cdr
from ..safe import table
from ..safe.text import hide_urls, load
from .sorting import says_how_it_went

_OLDEST = timedelta(days=15 * 365)
_LONGEST = timedelta(days=1)
_TITLE_ROWS = 20
_MIN_COLUMNS = 3
_MAX_NAMES = 30
_MAX_NAME = 40
_UNIT = re.compile(r"[\s_]*(?:\(\s*(?:in\s+)?(\w+)\s*\)|\bin\s+(\w+))\s*$", re.IGNORECASE)
_PLAIN = re.compile(r"[0-9]{1,9}(?:\.[0-9]{0,6})?")
_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60),
}
# Excel's notation for a number that was too wide for its column
_DAMAGED = re.compile(r"\s*[0-9][.,][0-9]+E\+?[0-9]+\s*", re.IGNORECASE)
_START_NAMES = ("starttime", "callstarttime", "startdatetime", "calldatetime", "datetime")
_END_NAMES = ("endtime", "callendtime")
_DAY_NAMES = (
    ("date", "time"),
    ("calldate", "calltime"),
    ("startdate", "starttime"),
    ("calldate", "callstarttime"),
    ("date", "starttime"),
)
# Names of CDR fields in exports
_ALIASES = {
    "agentnumber": "callerNumber",
    "agentphone": "callerNumber",
    "fromnumber": "callerNumber",
    "partya": "callerNumber",
    "partyanumber": "callerNumber",
    "customernumber": "destinationNumber",
    "customerphone": "destinationNumber",
    "tonumber": "destinationNumber",
    "partyb": "destinationNumber",
    "partybnumber": "destinationNumber",
    "virtualnumber": "calledNumber",
    "airtelnumber": "calledNumber",
    "vn": "calledNumber",
    "callid": "sessionId",
    "status": "callStatus",
}


@dataclass(frozen=True, kw_only=True)
class PastCall:
    """One row or object of a file."""

    line: int
    """Its position: the row of a table, the place in a list, the line of JSON lines."""
    problem: str = ""
    """Why it cannot be imported: ``json`` (no object), ``kind`` (no CDR), ``time`` (missing or
    impossible), ``damaged`` (by a spreadsheet), ``numbers`` (none is complete) or ``result``
    (unknown); "" if it can."""
    cdr: Cdr | None = field(default=None, repr=False)
    started_at: datetime | None = None
    """Aware, in UTC."""
    received_at: datetime | None = None
    """When Airtel would have reported it, which makes the CDR plausible whenever it is read."""
    payload: str = field(default="", repr=False)
    """What to store: JSON, without addresses of recordings."""


@dataclass(frozen=True, kw_only=True)
class History:
    """The content of a file."""

    calls: tuple[PastCall, ...] = ()
    unused: tuple[str, ...] = ()
    """Names of columns or fields that are not used."""
    problem: str = ""
    """``empty`` or ``header`` (no row names the columns) if the file cannot be read."""


def read(raw: bytes | str, now: datetime) -> History:
    """Read a file or pasted text.

    :param raw: CSV, xlsx, one JSON object, a list, or JSON lines
    :param now: an aware moment; no call began after it
    :raise table.TableError: when it is not a table or too large, see there
    """
    if len(raw) > table.MAX_BYTES:
        raise table.TableError("too_large")
    if isinstance(raw, bytes) and not table.is_workbook(raw):
        raw = table.decode(raw)
    if isinstance(raw, str):
        raw = raw.lstrip("\ufeff \t\r\n")
        if not raw.strip():
            return History(problem="empty")
        if raw.startswith(("{", "[")):
            return _of_json(raw, now)
    return _of_table(table.rows(raw), now)


def _of_json(text: str, now: datetime) -> History:
    found = []
    for line, data in _objects(text):
        if len(found) >= table.MAX_ROWS:
            raise table.TableError("too_many_rows")
        objects = [each.spelled() for each in reports.shape.reports(data)]
        found += [_call(line, each, now) for each in objects]
        if not objects:
            found.append(PastCall(line=line, problem="json"))
    names = [name for call in found if call.cdr for name in call.cdr.not_understood]
    return History(calls=tuple(found), unused=tuple(dict.fromkeys(names))[:_MAX_NAMES])


def _objects(text: str) -> Iterator[tuple[int, object]]:
    """Yield each object in a JSON text with its position."""
    data = load(text)
    if isinstance(data, list):
        yield from enumerate(data, 1)
    elif data is not None:
        yield 1, data
    else:
        for line, each in enumerate(text.splitlines(), 1):
            if each.strip():
                yield line, load(each.strip().rstrip(","))


def _of_table(rows: list[list[str]], now: datetime) -> History:
    if not any(any(row) for row in rows):
        return History(problem="empty")
    known = _known_names()
    header = next(
        (
            index
            for index, row in enumerate(rows[:_TITLE_ROWS])
            if sum(_is_known(name, known) for name in row) >= _MIN_COLUMNS
        ),
        None,
    )
    if header is None:
        return History(problem="header")
    names = rows[header]
    unused = [name[:_MAX_NAME] for name in names if name and not _is_known(name, known)]
    calls = [
        _call(line, _object_of(names, row), now)
        for line, row in enumerate(rows[header + 1 :], header + 2)
        if any(row)
    ]
    return History(calls=tuple(calls), unused=tuple(unused)[:_MAX_NAMES])


def _known_names() -> frozenset[str]:
    """Return the folded names of all CDR fields, and of columns with the same meaning."""
    days = {name for both in _DAY_NAMES for name in both}
    return reports.cdr_names() | set(_ALIASES) | days | {*_START_NAMES, *_END_NAMES}


def _is_known(name: str, known: frozenset[str]) -> bool:
    folded, _unit = _column(name)
    return folded in known or reports.shape.RECORDING in folded


def _column(name: str) -> tuple[str, str]:
    """Return a column's folded name and unit: "Duration (sec)" is ``duration`` in ``sec``."""
    unit = ""
    if match := _UNIT.search(name):
        name, unit = name[: match.start()], (match[1] or match[2]).lower()
    return fold_name(name).strip("."), unit


def _object_of(names: list[str], row: list[str]) -> dict[str, str]:
    """Return a row as the object that Airtel would have posted."""
    found = {}
    for name, cell in zip(names, row, strict=False):
        folded, unit = _column(name)
        if not folded or not cell:
            continue
        if unit:
            name = name[: _UNIT.search(name).start()]
        if _PLAIN.fullmatch(cell) and unit in _UNITS:
            cell = _clock(float(cell) * _UNITS[unit])
        found[name] = cell
    return found


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes:02d}:{seconds:02d}"


def _call(line: int, data: dict, now: datetime) -> PastCall:
    """Return one row or object as a past call."""
    if any(_DAMAGED.fullmatch(data[name]) for name in data if isinstance(data[name], str)):
        return PastCall(line=line, problem="damaged")
    data = _renamed(_without_recordings(data))
    fields = Fields(data, now, _OLDEST)
    started_at = _start(fields)
    if started_at is None:
        return PastCall(line=line, problem="time")
    ended_at = fields.moment(*_END_NAMES, zone=IST)
    if ended_at is None or not started_at <= ended_at <= started_at + _LONGEST:
        total = fields.seconds(*reports.shape.TOTAL_NAMES)
        ended_at = started_at + timedelta(seconds=min(total or 0, _LONGEST.total_seconds()))
    report, *others = reports.parse_data(data, ended_at)
    if isinstance(report, Cdr) and report.started_at != started_at:
        # Reports do not know this spelling of a time
        data = {name: data[name] for name in data if fold_name(name) != "starttime"}
        data["startTime"] = int(started_at.timestamp() * 1000)
        report = reports.parse_data(data, ended_at)[0]
    return PastCall(
        line=line,
        problem="kind" if others else _problem(report),
        cdr=report if isinstance(report, Cdr) else None,
        started_at=started_at,
        received_at=ended_at,
        payload=json.dumps(data, ensure_ascii=False),
    )


def _start(fields: Fields) -> datetime | None:
    """Return when a call began: Indian time, except for a ``timestamp``, which is UTC."""
    if moment := fields.moment(*_START_NAMES, zone=IST):
        return moment
    for day, time in _DAY_NAMES:
        if moment := fields.day_and_time(day, time, zone=IST):
            return moment
    return fields.moment("timestamp", zone=UTC)


def _without_recordings(data: dict) -> dict:
    """Return an object without addresses with which anybody could listen."""
    return hide_urls(
        {name: data[name] for name in data if reports.shape.RECORDING not in fold_name(name)}
    )


def _renamed(data: dict) -> dict:
    """Return an object whose exported columns have the names of CDR fields."""
    present = set(map(fold_name, data))
    found = {}
    for name, value in data.items():
        alias = _ALIASES.get(fold_name(name))
        found[alias if alias and fold_name(alias) not in present else name] = value
    return found


def _problem(report: reports.Report) -> str:
    if not isinstance(report, Cdr):
        return "kind"
    if not any(len(leg.address) == 10 for leg in report.legs):
        return "numbers"
    return "" if says_how_it_went(report) else "result"
