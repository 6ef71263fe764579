# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Airtel's question in the middle of an incoming call, and the answer to it.

Airtel sends the caller's number and the Airtel number that was dialled, and expects a list of
phones to ring. The form of the question differs between accounts, so every form is read: JSON, a
form, the query of the address, and the two numbers with exchanged names.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import NamedTuple
from urllib.parse import parse_qsl

from ..safe.number import last10, last10_of_caller
from ..safe.text import clean, decode, load
from .fields import fold_name

MAX_BODY = 64 * 1024
"""Longer bodies are refused without reading them."""
MAX_PARTICIPANTS = 6
MAX_DIGITS = 15
"""The length of the longest phone number, with its country code."""
SEQUENTIAL = "SEQUENTIAL"
PARALLEL = "PARALLEL"

_MAX_FIELDS = 100
_MAX_VALUE = 100
_MAX_WRAPPERS = 3
_MAX_NAME = 20
# Folded names, the documented one first
_CUSTOMER = ("callingparticipant", "callingparty", "callernumber", "from")
_AIRTEL = ("callerid", "callednumber", "calledparty", "to")
_DIGIT = ("dialkey", "dtmf", "dtmfcapture", "digit")
_PART = re.compile(
    rb"Content-Disposition: *form-data; *name=\"?([^\";\r\n]{1,100})\"?[^\r\n]*\r\n"
    rb"(?:[^\r\n]+\r\n)*\r\n([^\r\n]{0,400})\r\n",
    re.IGNORECASE,
)
# Toll-free numbers have 8 to 11 digits
_TOLL_FREE = re.compile(r"18[06]0[0-9]{4,7}")
_LETTER = re.compile(r"[^\W\d_]")
_TEN_DIGITS = re.compile(r"[1-9][0-9]{9}")
_BEFORE = re.compile(r"(?:0091|091|91|0)?([1-9][0-9]{9})")


class Question(NamedTuple):
    """One question of Airtel's."""

    customer: str = ""
    """The digits in the customer's place, at most ``MAX_DIGITS``; with a ``+`` if only that
    distinguishes a number abroad from one in India."""
    airtel_number: str = ""
    """The digits in the Airtel number's place, likewise."""
    digit: str = ""
    """The key that the customer pressed in Airtel's menu, "" without one."""

    @property
    def is_readable(self) -> bool:
        """Whether at least one number was understood."""
        return bool(self.customer or self.airtel_number)

    def turned(self, airtel_numbers: Collection[str]) -> "Question":
        """Return the question with each number in its place, even if their names were exchanged.

        :param airtel_numbers: the known Airtel numbers, each in the form of ``key``
        """
        if key(self.airtel_number) in airtel_numbers or key(self.customer) not in airtel_numbers:
            return self
        return Question(self.airtel_number, self.customer, self.digit)


def key(number: str) -> str:
    """Return the form in which numbers are compared: the last ten digits, or all of a short one.

    :param number: digits, or a number in any spelling
    """
    return last10(number)


def customer_key(number: str) -> str:
    """Return the form in which customers' numbers are compared: ``key``, but "" for one abroad.

    :param number: the customer's number in a question
    """
    return last10_of_caller(number)


def read(query: str = "", body: bytes = b"", content_type: str = "") -> Question:
    """Read a question in any form; unreadable parts are empty, and nothing raises.

    :param query: the query of the address, without its question mark
    :param body: the body of the request, at most ``MAX_BODY`` bytes
    :param content_type: the Content-Type header, a hint only
    """
    values: dict[str, str] = {}
    for name, value in (*_of_body(body[:MAX_BODY], content_type), *_pairs(query)):
        value = _text(value)
        if value and len(values) < _MAX_FIELDS:
            values.setdefault(fold_name(name), value)
    return Question(
        _number(_first(values, _CUSTOMER)),
        _number(_first(values, _AIRTEL)),
        _pressed(_first(values, _DIGIT)),
    )


def answer(participants: Iterable[tuple[str, str]], airtel_number: str, strategy: str) -> dict:
    """Return the answer that makes phones ring.

    :param participants: name and number of each phone, in the order of ringing; at least one
    :param airtel_number: the Airtel number that was dialled
    :param strategy: ``SEQUENTIAL`` or ``PARALLEL``
    :raises ValueError: without a participant, because Airtel could ring nobody
    """
    names: set[str] = set()
    rung = [
        {
            "participantName": _name(name, names),
            "participantAddress": number,
            "callerId": airtel_number,
            "maxRetries": 1,
            "audioId": 0,
            "maxTime": 0,
            # A text here, not a boolean as in the request that places a call
            "enableEarlyMedia": "false",
        }
        for name, number in participants
    ][:MAX_PARTICIPANTS]
    if not rung:
        raise ValueError("nobody to ring")
    return {
        "client_add_participant": {
            "participants": rung,
            "mergingStrategy": PARALLEL if strategy == PARALLEL else SEQUENTIAL,
            "maxTime": 0,
        }
    }


def read_airtel_number(text: str) -> str:
    """Read an Airtel number that customers call: ten digits, or a toll-free one.

    :param text: what somebody typed, such as ``1800 123 4567`` or ``+91 80000 00001``
    :raises ValueError: for any other text
    """
    is_number = isinstance(text, str) and len(text) <= _MAX_VALUE
    typed = digits(text) if is_number and not _LETTER.search(text) else ""
    toll_free = typed.removeprefix("0")
    if _TOLL_FREE.fullmatch(toll_free):
        return toll_free
    national = _BEFORE.fullmatch(typed)
    if not national:
        raise ValueError("no Airtel number")
    return national[1]


def phone(number: str) -> str:
    """Return the ten digits of a phone that can be rung, "" for any other number.

    :param number: digits, or a number in a report's spelling
    """
    last = last10(number)
    return last if _TEN_DIGITS.fullmatch(last) else ""


def digits(text: str) -> str:
    """Return a number's digits in ASCII, from any script; "" for a text that is too long."""
    found = "".join(str(unicodedata.decimal(char)) for char in text if char.isdecimal())
    return found if len(found) <= MAX_DIGITS else ""


def _of_body(body: bytes, content_type: str) -> list[tuple[str, object]]:
    if not body.strip():
        return []
    if "multipart/" in content_type.lower():
        return [(decode(name), decode(value)) for name, value in _PART.findall(body)]
    text = decode(body)
    data = load(text)
    for _wrapper in range(_MAX_WRAPPERS):
        if isinstance(data, list) and data:
            data = data[0]
        inner = list(data.values()) if isinstance(data, dict) else []
        if len(inner) != 1 or not isinstance(inner[0], dict | list):
            break
        data = inner[0]
    if isinstance(data, dict):
        return list(data.items())[:_MAX_FIELDS]
    return _pairs(text)


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text[:MAX_BODY], max_num_fields=_MAX_FIELDS)
    except ValueError:
        return []


def _first(values: dict[str, str], names: tuple[str, ...]) -> str:
    return next((values[name] for name in names if name in values), "")


def _text(value) -> str:
    # Some templates write numbers without quotation marks, and two of these write 1.0
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean(value, _MAX_VALUE)


def _number(text: str) -> str:
    found = digits(text)
    is_told = last10_of_caller(found) == last10_of_caller(text)
    return found if is_told or not found else f"+{found}"


def _pressed(text: str) -> str:
    """Return the menu key that was pressed; of several, as in ``1 | 2``, the last one."""
    last = digits(text.rpartition("|")[2].strip() or text)
    return last if len(last) == 1 else ""


def _name(name: str, taken: set[str]) -> str:
    """Return a name of letters and digits that no other participant in the answer has."""
    plain = re.sub(r"[^A-Za-z0-9]", "", name)[:_MAX_NAME] or "Agent"
    unique, number = plain, 1
    while unique in taken:
        number += 1
        unique = f"{plain}{number}"
    taken.add(unique)
    return unique
