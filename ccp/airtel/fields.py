# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Typed access to an object that Airtel posted.

Any field may be missing, null, the two-character text ``""`` or of another type, and its name
spelled like ``Session_ID`` or like ``vmSessionId``. In these cases each reader returns its type's
empty value; none raises.
"""

import re
from collections.abc import Container, Iterator
from datetime import datetime, timedelta, timezone

from ..safe.text import clean

UTC = timezone.utc
IST = timezone(timedelta(hours=5, minutes=30), "IST")

MAX_TEXT = 200
_EARLIEST = timedelta(days=2)
_LATEST = timedelta(hours=1)
_MAX_SECONDS = 7 * 24 * 3600
# Texts that templates write for an empty value, in lower case
_NOTHING = frozenset(("", '""', "null", "none", "nil", "-", "n/a"))
_MAX_NAME = 40

# The number is extracted, because int() and float() refuse some of the blanks around it.
_WHOLE = re.compile(r"\s*([+-]?[0-9]{1,18})(?:\.0*)?\s*")
_NUMERIC = re.compile(r"\s*([0-9]{1,18}(?:\.[0-9]{0,9})?)\s*")
_ISO = re.compile(
    r"\s*([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))?"
    r"\s*(?:(Z|UTC|GMT)|([+-][0-9]{2}):?([0-9]{2}))?\s*",
    re.IGNORECASE,
)
_DAY_FIRST = re.compile(
    r"\s*([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4})[T ,]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?"
    r"\s*([AP]M)?\s*",
    re.IGNORECASE,
)
_MIDNIGHT = re.compile(r"[T ]00:00(?::00)?$")
_CLOCK = re.compile(r"\s*(?:([0-9]{1,3}):)?([0-9]{1,4}):([0-9]{2})(?:\.[0-9]*)?\s*")


def fold_name(name: str) -> str:
    """Return a name without case, blanks, hyphens and underscores.

    ``Session_ID``, ``session id`` and ``sessionId`` become the same.
    """
    return name.lower().replace("_", "").replace(" ", "").replace("-", "")


class Fields:
    """The fields of one JSON object, under folded names.

    It remembers which fields were read, so that ``not_understood`` can name the others.

    :param data: the object
    :param received_at: when it arrived (aware): times far from it are ignored; without it all times
        are
    :param earliest: how long before its arrival a time is accepted
    """

    def __init__(
        self,
        data: dict,
        received_at: datetime | None = None,
        earliest: timedelta = _EARLIEST,
    ):
        self.received_at = received_at
        self._earliest = earliest
        self._values = {}
        self._spelled = {}
        for spelled, value in data.items():
            name = fold_name(spelled)
            # If a name occurs in two spellings, an empty value does not hide the other one
            if name not in self._values or not _is_nothing(value):
                self._values[name] = value
                self._spelled[name] = spelled
        self._read = set()
        self._parts = []

    def __contains__(self, name: str) -> bool:
        """Return whether this field has a value."""
        return not _is_nothing(self._values.get(name))

    def items(self) -> Iterator[tuple[str, object]]:
        """The folded names and values of the fields that have a value."""
        return ((name, value) for name, value in self._values.items() if not _is_nothing(value))

    def spelled(self) -> dict:
        """The object as received, with the fields that ``inherit`` added."""
        return {self._spelled[name]: value for name, value in self._values.items()}

    def named(self, part: str) -> list[str]:
        """The folded names that contain a word."""
        return [name for name in self._values if part in name]

    def inherit(self, outer: "Fields", *names: str) -> None:
        """Copy fields from the object around this one that this one lacks."""
        for name in names:
            if name in outer and name not in self:
                self._values[name] = outer._values[name]
                self._spelled[name] = outer._spelled[name]

    def not_understood(
        self, known: Container[str] = (), known_in_parts: Container[str] = ()
    ) -> tuple[str, ...]:
        """Return the names, as received, of fields whose values were not read or could not be.

        :param known: folded names of fields that are known and not needed
        :param known_in_parts: the same for objects in the lists that were read
        """
        names = [
            clean(self._spelled[name], _MAX_NAME)
            for name, _value in self.items()
            if name not in self._read and name not in known
        ]
        for name, part in self._parts:
            names += [f"{name}.{each}" for each in part.not_understood(known_in_parts)]
        return tuple(dict.fromkeys(names))

    def fail(self, *names: str) -> None:
        """Mark the values of these fields as not understood."""
        self._read.difference_update(names)

    def raw(self, *names: str):
        """Return the first value among these fields, as received."""
        for name in names:
            value = self._values.get(name)
            if not _is_nothing(value):
                self._read.update(names)
                return value
        return None

    def text(self, *names: str, limit: int = MAX_TEXT) -> str:
        """Return one line of printable text."""
        for name in names:
            # Fast path: most of these fields are missing
            if (value := self._values.get(name)) is None:
                continue
            text = clean(value, limit)
            if text.lower() not in _NOTHING:
                self._read.update(names)
                return text
        return ""

    def whole(self, *names: str, low: int = 0, high: int = 100_000) -> int | None:
        """Return a whole number from ``low`` to ``high``, received as a number or as text."""
        for name in names:
            value = _whole(self._values.get(name))
            if value is not None and low <= value <= high:
                self._read.update(names)
                return value
        return None

    def seconds(self, *names: str) -> int | None:
        """Return a duration: numbers are milliseconds, texts are ``mm:ss`` or ``hh:mm:ss``."""
        for name in names:
            seconds = _seconds(self._values.get(name))
            if seconds is not None and seconds <= _MAX_SECONDS:
                self._read.update(names)
                return seconds
        return None

    def moment(self, *names: str, zone: timezone = UTC) -> datetime | None:
        """Return a time in UTC from epoch (seconds or milliseconds), ISO 8601, or day first.

        :param zone: the zone of a text without one; if the result is not plausible, the other of
            UTC and IST is tried
        """
        for name in names:
            if (value := self._values.get(name)) is None:
                continue
            for reading in (zone, IST if zone is UTC else UTC):
                moment = _moment(value, reading)
                if moment is not None and self._is_plausible(moment):
                    self._read.update(names)
                    return moment
        return None

    def day_and_time(self, day: str, time: str, zone: timezone) -> datetime | None:
        """Return a time in UTC from two fields, a day and a time of day."""
        # Spreadsheets write a day as its midnight
        both = f"{_MIDNIGHT.sub('', self.text(day))} {self.text(time)}"
        if time not in self:
            return None
        fields = Fields({"moment": both}, self.received_at, self._earliest)
        moment = fields.moment("moment", zone=zone)
        if moment is None:
            self.fail(day, time)
        return moment

    def object(self, name: str) -> "Fields":
        """Return the fields of a nested object, empty if there is no object.

        ``not_understood`` does not list its fields: they are the sender's own.
        """
        value = self._values.get(name)
        if not isinstance(value, dict):
            return Fields({}, self.received_at)
        self._read.add(name)
        return Fields(value, self.received_at)

    def has_objects(self, name: str) -> bool:
        """Return whether a field is a list with an object in it."""
        values = self._values.get(name)
        return isinstance(values, list) and any(isinstance(each, dict) for each in values[:1])

    def objects(self, name: str, limit: int) -> list["Fields"]:
        """Return the first ``limit`` objects of a list."""
        values = self._values.get(name)
        if not isinstance(values, list):
            return []
        self._read.add(name)
        objects = (each for each in values[:limit] if isinstance(each, dict))
        found = [Fields(each, self.received_at) for each in objects]
        self._parts += [(self._spelled[name], each) for each in found]
        return found

    def _is_plausible(self, moment: datetime) -> bool:
        if self.received_at is None:
            return False
        return -self._earliest <= moment - self.received_at <= _LATEST


def _is_nothing(value) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_TEXT and value.strip().lower() in _NOTHING
    return value is None or value == [] or value == {}


def _whole(value) -> int | None:
    if isinstance(value, str) and (match := _WHOLE.fullmatch(value)):
        return int(match[1])
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None


def _seconds(value) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _rounded(value / 1000) if 0 <= value <= _MAX_SECONDS * 1000 else None
    if not isinstance(value, str):
        return None
    if match := _CLOCK.fullmatch(value):
        hours, minutes, seconds = (int(each or 0) for each in match.groups())
        return hours * 3600 + minutes * 60 + seconds
    if match := _NUMERIC.fullmatch(value):
        # A template made a text of a number: milliseconds, or seconds if it is so small that
        # milliseconds make no sense.
        number = float(match[1])
        return _rounded(number if number < 1000 else number / 1000)
    return None


def _rounded(seconds: float) -> int:
    return int(seconds + 0.5)


def _moment(value, zone: timezone) -> datetime | None:
    if isinstance(value, str):
        if match := _ISO.fullmatch(value):
            return _from_iso(match, zone)
        if match := _DAY_FIRST.fullmatch(value):
            return _from_day_first(match, zone)
        if not (match := _NUMERIC.fullmatch(value)):
            return None
        value = float(match[1])
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_epoch(value)
    return None


def _from_epoch(value: float) -> datetime | None:
    """Convert seconds until the year 5138, milliseconds from 1973 on."""
    if not 0 < value < 1e14:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        **{"seconds" if value < 1e11 else "milliseconds": value}
    )


def _from_iso(match: re.Match, zone: timezone) -> datetime | None:
    *date_and_time, fraction, is_utc, hours, minutes = match.groups()
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    if is_utc:
        zone = UTC
    elif hours:
        offset = timedelta(hours=int(hours), minutes=int(hours[0] + minutes))
        if abs(offset) >= timedelta(hours=24):
            return None
        zone = timezone(offset)
    return _in_utc((*map(int, date_and_time), microsecond), zone)


def _from_day_first(match: re.Match, zone: timezone) -> datetime | None:
    day, month, year, hour, minute, second = (int(each or 0) for each in match.groups()[:6])
    if half := match[7]:
        hour = hour % 12 + (12 if half.upper() == "PM" else 0)
    return _in_utc((year, month, day, hour, minute, second), zone)


def _in_utc(parts: tuple[int, ...], zone: timezone) -> datetime | None:
    try:
        return datetime(*parts, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
