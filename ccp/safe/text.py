# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Reads text and JSON from outside without trusting them: no input makes these functions raise."""

import json
import re

MAX_DEPTH = 64
"""Deeper JSON is not read. Far below Python's recursion limit: the result must not depend on the
depth of the caller's stack."""

_ESCAPE = re.compile(r"\\.", re.DOTALL)
_STRING = re.compile(r'"[^"]*"')
_BRACKET = re.compile(r"[\[\]{}]")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# Python refuses longer integers; no count or phone number is that long.
_MAX_INTEGER_DIGITS = 100


def decode(raw: bytes) -> str:
    """Return bytes as a text that PostgreSQL can store: no NUL, no lone surrogate.

    UTF-8, or UTF-16 and UTF-32 if a byte order mark or the pattern of zeros shows them. Unreadable
    bytes become U+FFFD; the rest can still be parsed.
    """
    return storable(raw.decode(_encoding(raw), "replace"))


def storable(text: str) -> str:
    """Return a text with U+FFFD for each character that PostgreSQL refuses."""
    return _UNSTORABLE.sub("\ufffd", text)


def _encoding(raw: bytes) -> str:
    encoding = json.detect_encoding(raw)
    # Zeros in garbage look like UTF-16 or UTF-32. Only use these if the result begins like JSON;
    # otherwise keep the bytes legible.
    if encoding.startswith(("utf-16", "utf-32")):
        head = raw[:256].decode(encoding, "replace").lstrip(" \t\r\n")
        return encoding if head.startswith(("{", "[", '"')) else "utf-8"
    return encoding


def load(text: str):
    """Parse JSON, or return ``None`` if it is not JSON or nests deeper than ``MAX_DEPTH``.

    Control characters inside strings are accepted, because templates produce them. Integers too
    long for Python, NaN and Infinity are returned as texts.
    """
    if _depth_exceeds(text, MAX_DEPTH):
        return None
    try:
        return _DECODER.decode(text)
    except ValueError:
        return None


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MAX_INTEGER_DIGITS else digits


# Created once: ``json.loads`` with options creates a decoder for each text
_DECODER = json.JSONDecoder(strict=False, parse_int=_integer, parse_constant=str)


def _depth_exceeds(text: str, limit: int) -> bool:
    if text.count("[") + text.count("{") <= limit:
        return False
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", _ESCAPE.sub("", text))):
        depth += 1 if bracket in "[{" else -1
        if depth > limit:
            return True
    return False


URL_PATTERN = r"https?:(?:\\?/){2}[^\s\"'<>]*"
"""A URL in a text or in JSON, as a pattern for both Python and PostgreSQL."""
_URL = re.compile(URL_PATTERN, re.IGNORECASE)
_HOST = re.compile(r"(https?://)(?:[^/?#@]*@)?([^/?#]*)", re.IGNORECASE)


def hide_urls(value):
    """Return a parsed JSON value, or a text, in which each URL is cut after its host.

    Anybody who has a recording's URL can listen. Administrators only need its host.
    """
    if isinstance(value, str):
        return _URL.sub(_host_of, value)
    if isinstance(value, list):
        return [hide_urls(each) for each in value]
    if isinstance(value, dict):
        return {hide_urls(name): hide_urls(each) for name, each in value.items()}
    return value


def _host_of(match: re.Match) -> str:
    host = _HOST.match(match[0].replace("\\/", "/"))
    return f"{host[1]}{host[2]}/…" if host else "…"


def texts(value) -> set[str]:
    """Return all texts that are values in a parsed JSON value."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        value = list(value.values())
    return set().union(*map(texts, value)) if isinstance(value, list) else set()


def clean(value, limit: int) -> str:
    """Return a text or number as one line of ``limit`` printable characters, else ""."""
    if isinstance(value, str):
        # Enough even if blanks collapse, without reading a huge text completely
        text = value[: 4 * limit]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        text = str(value)
    else:
        return ""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())[:limit].rstrip()
