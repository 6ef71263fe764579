# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Text and JSON from outside, read without trust: nothing here raises, whatever comes."""

import json
import re

MAX_DEPTH = 64
"""Deeper JSON is not read. Far below Python's recursion limit, so that the answer does not depend
on how deep the caller stands."""

_ESCAPE = re.compile(r"\\.", re.DOTALL)
_STRING = re.compile(r'"[^"]*"')
_BRACKET = re.compile(r"[\[\]{}]")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# Python refuses longer integers; a longer one counts nothing and dials nobody.
_MAX_INTEGER_DIGITS = 100


def decode(raw: bytes) -> str:
    """Bytes to a text that PostgreSQL can store: no NUL, no lone surrogate.

    UTF-8, or UTF-16 and UTF-32 where a byte order mark or the pattern of zeros shows them. What
    cannot be read becomes U+FFFD, so that the rest can still be parsed.
    """
    return _UNSTORABLE.sub("\ufffd", raw.decode(_encoding(raw), "replace"))


def _encoding(raw: bytes) -> str:
    encoding = json.detect_encoding(raw)
    # Zeros in garbage look like UTF-16 or UTF-32; read those only where it makes a text that begins
    # as JSON does, and keep the bytes legible otherwise.
    if encoding.startswith(("utf-16", "utf-32")):
        head = raw[:256].decode(encoding, "replace").lstrip(" \t\r\n")
        return encoding if head.startswith(("{", "[", '"')) else "utf-8"
    return encoding


def load(text: str):
    """Parse JSON, or return ``None`` where it is none or nests deeper than ``MAX_DEPTH``.

    Control characters inside strings are let through, as templates produce them. Integers too long
    for Python and NaN or Infinity come as texts.
    """
    if _depth_exceeds(text, MAX_DEPTH):
        return None
    try:
        return _DECODER.decode(text)
    except ValueError:
        return None


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MAX_INTEGER_DIGITS else digits


# Made once: ``json.loads`` with options makes one for each text
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


def clean(value, limit: int) -> str:
    """A text or number as one line of ``limit`` printable characters; empty for anything else."""
    if isinstance(value, str):
        # Room for what collapses, without reading a huge text whole
        text = value[: 4 * limit]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        text = str(value)
    else:
        return ""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())[:limit].rstrip()
