# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Typed access to an object that Airtel posted.

Any field may be missing, null, the two-character text ``""`` or of another type, its name spelled
as in ``Session_ID`` or as in ``vmSessionId``. Each reader returns its type's empty value then; none
raises.
"""

import re
from datetime import datetime, timedelta, timezone

from . import untrusted

UTC = timezone.utc
IST = timezone(timedelta(hours=5, minutes=30), "IST")

MAX_TEXT = 200
_EARLIEST = timedelta(days=2)
_LATEST = timedelta(hours=1)
_MAX_SECONDS = 7 * 24 * 3600
_NOTHING = ("", '""', "null")

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
_CLOCK = re.compile(r"\s*(?:([0-9]{1,3}):)?([0-9]{1,4}):([0-9]{2})(?:\.[0-9]*)?\s*")


def fold_name(name: str) -> str:
    """A name without case, blanks and underscores: ``Session_ID`` and ``sessionId`` are one."""
    return name.lower().replace("_", "").replace(" ", "")


class Fields:
    """The fields of one JSON object, under folded names.

    :param data: the object
    :param received_at: when it arrived (aware): moments far from it are not believed; without it no
        moment is
    """

    def __init__(self, data: dict, received_at: datetime | None = None):
        self.received_at = received_at
        self._values = {fold_name(name): value for name, value in data.items()}

    def raw(self, *names: str):
        """The first of these fields that holds anything, as it came."""
        for name in names:
            value = self._values.get(name)
            if value is not None and not (isinstance(value, str) and value.strip() in _NOTHING):
                return value
        return None

    def text(self, *names: str, limit: int = MAX_TEXT) -> str:
        """One line of printable text."""
        for name in names:
            text = untrusted.clean(self._values.get(name), limit)
            if text not in _NOTHING:
                return text
        return ""

    def whole(self, *names: str, low: int = 0, high: int = 100_000) -> int | None:
        """A whole number from ``low`` to ``high``, written as a number or as text."""
        for name in names:
            value = _whole(self._values.get(name))
            if value is not None and low <= value <= high:
                return value
        return None

    def seconds(self, *names: str) -> int | None:
        """A duration: numbers are milliseconds, texts are ``mm:ss`` or ``hh:mm:ss``."""
        for name in names:
            seconds = _seconds(self._values.get(name))
            if seconds is not None and seconds <= _MAX_SECONDS:
                return seconds
        return None

    def moment(self, *names: str, zone: timezone = UTC) -> datetime | None:
        """A moment in UTC: epoch (seconds or milliseconds), ISO 8601, or day first.

        :param zone: how to read a text without one; the other of UTC and IST is tried where that is
            not plausible
        """
        for name in names:
            value = self._values.get(name)
            for reading in (zone, IST if zone is UTC else UTC):
                moment = _moment(value, reading)
                if moment is not None and self._is_plausible(moment):
                    return moment
        return None

    def day_and_time(self, day: str, time: str, zone: timezone) -> datetime | None:
        """A moment in UTC from two fields, a day and a time of day."""
        both = f"{self.text(day)} {self.text(time)}"
        return Fields({"moment": both}, self.received_at).moment("moment", zone=zone)

    def object(self, name: str) -> "Fields":
        """The fields of a nested object; none where there is no object."""
        value = self._values.get(name)
        return Fields(value if isinstance(value, dict) else {}, self.received_at)

    def objects(self, name: str, limit: int) -> list["Fields"]:
        """The first ``limit`` objects of a list."""
        values = self._values.get(name)
        if not isinstance(values, list):
            return []
        return [Fields(each, self.received_at) for each in values[:limit] if isinstance(each, dict)]

    def _is_plausible(self, moment: datetime) -> bool:
        if self.received_at is None:
            return False
        return -_EARLIEST <= moment - self.received_at <= _LATEST


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
