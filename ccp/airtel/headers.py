# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""The user's own headers, which Airtel sends with each report (section 1.9, headers)."""

import re

MAX_TEXT = 10_000
"""Longer texts are refused without reading them."""
MAX_HEADERS = 20
MAX_VALUE = 1000

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
# Set by Airtel or the connection: another value would break the report
_NOT_OURS = frozenset(
    (
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


class HeaderError(ValueError):
    """The text is not a list of headers that can be sent.

    :ivar reason: ``long``, ``many``, ``line`` (no ``Name: value``), ``value``, ``reserved`` or
        ``twice``
    :ivar where: the header's name, or the line's number for ``line``; never a value
    """

    def __init__(self, reason: str, where: str = ""):
        super().__init__(f"{reason}: {where}")
        self.reason = reason
        self.where = where


def read(text: str | None, reserved: tuple[str, ...] = ()) -> dict[str, str]:
    """Read headers, one ``Name: value`` a line; empty lines are skipped.

    :param text: what somebody typed, or nothing
    :param reserved: names that are not allowed, beside those of the connection
    :return: values by name, in order
    :raises HeaderError: for the first line that is not a header, or not allowed
    """
    if len(text or "") > MAX_TEXT:
        raise HeaderError("long")
    taken = _NOT_OURS | {name.lower() for name in reserved}
    found: dict[str, str] = {}
    for number, line in enumerate((text or "").splitlines(), start=1):
        if not line.strip():
            continue
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not _NAME.fullmatch(name):
            raise HeaderError("line", str(number))
        if not value or len(value) > MAX_VALUE or not _VALUE.fullmatch(value):
            raise HeaderError("value", name)
        if name.lower() in taken:
            raise HeaderError("reserved", name)
        if name.lower() in map(str.lower, found):
            raise HeaderError("twice", name)
        found[name] = value
    if len(found) > MAX_HEADERS:
        raise HeaderError("many")
    return found
