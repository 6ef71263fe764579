# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Typed access to an object that Airtel posted.

Any field may be missing, null, the two-character text ``""`` or of another type, its name spelled
as in ``Session_ID`` or as in ``vmSessionId``. Each reader returns its type's empty value then; none
raises.
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
# What templates write for nothing, in lower case
_NOTHING = frozenset(("", '""', "null", "none", "nil", "-", "n/a"))
_MAX_NAME = 40

# The number is taken out: int() and float() refuse some of the blanks around it.
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
    """A name without case, blanks, hyphens and underscores.

    ``Session_ID``, ``session id`` and ``sessionId`` are one.
    """
    return name.lower().replace("_", "").replace(" ", "").replace("-", "")


class Fields:
    """The fields of one JSON object, under folded names.

    It remembers which fields were read, so that ``not_understood`` can name the others.

    :param data: the object
    :param received_at: when it arrived (aware): moments far from it are not believed; without it no
        moment is
    :param earliest: how long before it a moment is believed
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
            # Of two spellings of one name, an empty one hides nothing
            if name not in self._values or not _is_nothing(value):
                self._values[name] = value
                self._spelled[name] = spelled
        self._read = set()
        self._parts = []

    def __contains__(self, name: str) -> bool:
        """Whether this field holds anything."""
        return not _is_nothing(self._values.get(name))

    def items(self) -> Iterator[tuple[str, object]]:
        """The folded names and the values of the fields that hold anything."""
        return ((name, value) for name, value in self._values.items() if not _is_nothing(value))

    def spelled(self) -> dict:
        """The object as it came, or as it was completed by the object around it."""
        return {self._spelled[name]: value for name, value in self._values.items()}

    def named(self, part: str) -> list[str]:
        """The folded names that contain a word."""
        return [name for name in self._values if part in name]

    def inherit(self, outer: "Fields", *names: str) -> None:
        """Take fields over from the object around this one, as far as this one lacks them."""
        for name in names:
            if name in outer and name not in self:
                self._values[name] = outer._values[name]
                self._spelled[name] = outer._spelled[name]

    def not_understood(
        self, known: Container[str] = (), known_in_parts: Container[str] = ()
    ) -> tuple[str, ...]:
        """The names, as they came, of fields whose values nobody read or could read.

        :param known: folded names of fields whose values we know and do not need
        :param known_in_parts: those of the objects in the lists that were read
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
        """Say that the values of these fields mean nothing to us."""
        self._read.difference_update(names)

    def raw(self, *names: str):
        """The first of these fields that holds anything, as it came."""
        for name in names:
            value = self._values.get(name)
            if not _is_nothing(value):
                self._read.update(names)
                return value
        return None

    def text(self, *names: str, limit: int = MAX_TEXT) -> str:
        """One line of printable text."""
        for name in names:
            # Most fields that are asked for are not there
            if (value := self._values.get(name)) is None:
                continue
            text = clean(value, limit)
            if text.lower() not in _NOTHING:
                self._read.update(names)
                return text
        return ""

    def whole(self, *names: str, low: int = 0, high: int = 100_000) -> int | None:
        """A whole number from ``low`` to ``high``, written as a number or as text."""
        for name in names:
            value = _whole(self._values.get(name))
            if value is not None and low <= value <= high:
                self._read.update(names)
                return value
        return None

    def seconds(self, *names: str) -> int | None:
        """A duration: numbers are milliseconds, texts are ``mm:ss`` or ``hh:mm:ss``."""
        for name in names:
            seconds = _seconds(self._values.get(name))
            if seconds is not None and seconds <= _MAX_SECONDS:
                self._read.update(names)
                return seconds
        return None

    def moment(self, *names: str, zone: timezone = UTC) -> datetime | None:
        """A moment in UTC: epoch (seconds or milliseconds), ISO 8601, or day first.

        :param zone: how to read a text without one; the other of UTC and IST is tried if that is
            not plausible
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
        """A moment in UTC from two fields, a day and a time of day."""
        # A spreadsheet's day is its midnight
        both = f"{_MIDNIGHT.sub('', self.text(day))} {self.text(time)}"
        if time not in self:
            return None
        fields = Fields({"moment": both}, self.received_at, self._earliest)
        moment = fields.moment("moment", zone=zone)
        if moment is None:
            self.fail(day, time)
        return moment

    def object(self, name: str) -> "Fields":
        """The fields of a nested object; none if there is no object.

        What it holds is its sender's own business: ``not_understood`` names none of it.
        """
        value = self._values.get(name)
        if not isinstance(value, dict):
            return Fields({}, self.received_at)
        self._read.add(name)
        return Fields(value, self.received_at)

    def has_objects(self, name: str) -> bool:
        """Whether a field is a list that holds an object."""
        values = self._values.get(name)
        return isinstance(values, list) and any(isinstance(each, dict) for each in values[:1])

    def objects(self, name: str, limit: int) -> list["Fields"]:
        """The first ``limit`` objects of a list."""
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
        # A template turned a number into a text: milliseconds, unless so small that only seconds
        # make sense.
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
    """Seconds until the year 5138, milliseconds from 1973 on."""
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
