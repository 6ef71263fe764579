# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Caller numbers: the Airtel numbers that both phones display (callerId, sections 1.5 to 1.10).

They are the company's Airtel numbers, so series that nobody can call back are allowed here.
"""

import re
import unicodedata

MAX_TEXT = 40
"""Longer texts are refused without reading them."""

# A dot is not a gap: "800000000.1" is no caller number. Spreadsheets add ".0" to a number.
_BETWEEN = re.compile(r"[ ()\-]+")
_DECIMAL_ZERO = re.compile(r"(?<=[0-9]{10})\.0{1,2}$")
# An optional country code and trunk zero
_CALLER = re.compile(r"(?:\+91|0091|0?91)?0?([1-9][0-9]{9})")
# The longer prefix first: 1600 and 1601 are parts of 160
_SERIES = (
    ("140", "promotional"),
    ("1600", "government"),
    ("1601", "finance"),
    ("160", "service"),
)


def read(text: str) -> str:
    """Read a text that is exactly one caller number, with or without +91, 0 and blanks.

    :param text: what somebody typed or pasted, such as ``+91 80000 00001``
    :return: the 10 digits that Airtel takes as callerId
    :raises ValueError: for any other text; nothing is guessed
    """
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise ValueError("not a caller number")
    plain = _DECIMAL_ZERO.sub("", "".join(map(_plain, text.strip())))
    match = _CALLER.fullmatch(_BETWEEN.sub("", plain))
    if not match:
        raise ValueError("not a caller number")
    return match[1]


def tidy(text: object) -> object:
    """Return the ten digits of a caller number; anything else is returned unchanged.

    :param text: what somebody typed, or False
    """
    try:
        return read(text)
    except ValueError:
        return text


def series(digits: str) -> str:
    """Return the series that a caller number belongs to.

    :param digits: 10 digits
    :return: ``promotional`` (140), ``government`` (1600), ``finance`` (1601), ``service`` (the
        rest of 160: service and transactional calls) or ``ordinary``; "" for anything but 10
        digits
    """
    if not re.fullmatch(r"[0-9]{10}", digits or ""):
        return ""
    return next((name for prefix, name in _SERIES if digits.startswith(prefix)), "ordinary")


def _plain(char: str) -> str:
    """Return ASCII for digits, blanks and dashes; nothing for invisible characters."""
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    category = unicodedata.category(char)
    if category in ("Pd", "Zs", "Cf"):
        return {"Pd": "-", "Zs": " ", "Cf": ""}[category]
    # Full-width characters become plain ones; "½" stays, because its "1" and "2" are not digits
    wide = unicodedata.normalize("NFKC", char)
    return char if any(map(str.isnumeric, wide)) else wide
