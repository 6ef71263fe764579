# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Free text to an Indian number that Airtel can dial, and masks for numbers in texts.

Airtel takes a number of 10 digits (section 1.10). A phone field holds whatever people type, and
dialling the wrong person is worse than asking again: what is not clearly one Indian number is
refused with a reason.
"""

import re
import unicodedata
from typing import NamedTuple

import phonenumbers
from phonenumbers import CountryCodeSource, PhoneNumber, PhoneNumberType

MAX_TEXT = 200
"""Longer texts are refused unread."""

_CHUNK = re.compile(r"\+? ?\(?[0-9](?:[ ().-]*[0-9])*")
# "Mob 2: 98765 43210": a label's number, not the phone's
_LABEL = re.compile(r"^[^0-9+]*[^\W\d_][. ]?[0-9]{1,2} ?[:=](?!$)")
_EXTENSION_WORD = re.compile(r"#|\b(?:x|xtn|int|ext|extn|extension)\b", re.IGNORECASE)
_INDIAN_PREFIXES = ("0", "91", "091", "0091")
# After an optional country code, an optional trunk zero. Toll-free numbers have 10 or 11 digits.
_NATIONAL = re.compile(r"0?(18[06]0[0-9]{6,7}|[1-9][0-9]{9})")
_INDIAN = re.compile(rf"(?:0?91)?{_NATIONAL.pattern}")
_WITH_COUNTRY_CODE = re.compile(r"\+91[ -]?[1-9][0-9]{4}[ -]?[0-9]{5}")
# Telemarketing, service calls, toll-free and shared cost: nobody to call back there
_NO_PERSON = ("140", "160", "1800", "1860")
_INDIA = 91
_EXPLICIT = (
    CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN,
    CountryCodeSource.FROM_NUMBER_WITH_IDD,
)

# Seven or more digits with what people put between them, invisible characters included. A row of
# signs is tried from its beginning only: from each of them, a long one would take minutes.
_DIGITS_IN_TEXT = re.compile(
    r"(?<![+(])[+(]*\d(?:[\s()+._/\u00ad\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060\ufeff-]{0,4}\d){6,}"
)


class NumberError(ValueError):
    """The text is not one number that Airtel can dial.

    :ivar reason: ``empty``; ``several`` (more than one number); ``extension``; ``foreign`` (not
        India); ``not_dialable`` (short codes, toll-free numbers, the 140 and 160 series);
        ``invalid``
    """

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class _Piece(NamedTuple):
    text: str
    has_extension: bool


def read(text: str, country: str = "IN") -> str:
    """Read the one number that a phone field holds.

    :param text: what somebody typed or pasted
    :param country: ISO 3166 code of the contact's country: a number without a country code is read
        as that country's first
    :return: the 10 digits that Airtel dials
    :raises NumberError: when there is not exactly one Indian number that can be dialled
    """
    pieces = _pieces(_clean(text))
    if not pieces:
        raise NumberError("invalid")
    if len(pieces) > 1:
        return _only_one(pieces, country)
    if pieces[0].has_extension:
        raise NumberError("extension")
    return _dialable(pieces[0].text, country)


def candidates(text: str, country: str = "IN") -> tuple[str, ...]:
    """Every number in the text that ``read`` would take alone, in order, each once.

    For a phone field with two numbers, so that a person can pick one. Never raises.
    """
    try:
        pieces = _pieces(_clean(text))
    except NumberError:
        return ()
    return tuple(dict.fromkeys(_readable(pieces, country)))


def names_india(text: str) -> bool:
    """Whether it is a number that is written with India's code, as Odoo formats numbers.

    ``read`` and ``candidates`` take it for the same number then, whatever the country.
    """
    return isinstance(text, str) and bool(_WITH_COUNTRY_CODE.fullmatch(text))


def mask(text: str) -> str:
    """Make a number fit for a log: ``98xx…10``, or no digit of a text with fewer than 7."""
    digits = last10(text)
    if not digits:
        return ""
    return f"{digits[:2]}xx…{digits[-2:]}" if len(digits) >= 7 else "xx…"


def mask_in(text: str) -> str:
    """Mask every run of 7 or more digits, in any script, with the usual separators between."""
    return _DIGITS_IN_TEXT.sub(lambda match: mask(match[0]), text)


def last10(text: str) -> str:
    """The last ten digits of a number, in ASCII: by them reports are matched to what we dialled.

    Fewer digits are returned as they are; for a text without any, or anything else, "".
    """
    if not isinstance(text, str):
        return ""
    # A number is short: a text of a million digits is not worth reading whole.
    tail = text[-MAX_TEXT:]
    if not tail.isascii():
        tail = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else " " for char in tail)
    return "".join(filter(str.isdigit, tail))[-10:]


def _clean(text: str) -> str:
    """ASCII digits and plain blanks; a semicolon where a line or a cell ended."""
    if not text:
        raise NumberError("empty")
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise NumberError("invalid")
    cleaned = "".join(map(_clean_character, unicodedata.normalize("NFKC", text))).strip(" ;")
    if not cleaned:
        raise NumberError("empty")
    return cleaned


def _clean_character(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    category = unicodedata.category(char)
    if category == "Pd" or char == "\u2212":
        return "-"
    if category == "Zs":
        return " "
    if category in ("Cc", "Zl", "Zp"):
        return ";"
    return "" if category == "Cf" else char


def _pieces(text: str) -> list[_Piece]:
    """Find what may be numbers; a short number after another one is its extension."""
    text = _LABEL.sub(";", text)
    pieces: list[_Piece] = []
    end = 0
    for match in _CHUNK.finditer(text):
        between, chunk = text[end : match.start()], match[0]
        end = match.end()
        digits = _digits(chunk)
        if pieces and _is_prefix(pieces[-1].text):
            pieces[-1] = _Piece(pieces[-1].text + chunk, False)
        elif pieces and _is_extension(pieces[-1].text, between, digits):
            pieces[-1] = pieces[-1]._replace(has_extension=True)
        else:
            pieces += [_Piece(each, False) for each in _split(chunk)]
    return pieces


def _is_prefix(chunk: str) -> bool:
    """Whether it is a code with a word behind it, as in ``+91 (mobile) 98765 43210``."""
    digits = _digits(chunk)
    return digits in _INDIAN_PREFIXES or ("+" in chunk and len(digits) <= 3)


def _is_extension(number: str, between: str, digits: str) -> bool:
    if len(_digits(number)) < 7:
        return False
    if _EXTENSION_WORD.search(between):
        return len(digits) <= 7
    # After a slash, few digits are a second number in short: 98765 43210 / 11
    return len(digits) <= 5 and "/" not in between


def _split(chunk: str) -> list[str]:
    """Two numbers with only a blank or a dash between them."""
    if len(_digits(chunk)) < 20:
        return [chunk]
    for gap in re.finditer(r"[ .-]+", chunk):
        first, second = chunk[: gap.start()], chunk[gap.end() :]
        if all(10 <= len(_digits(each)) <= 14 for each in (first, second)):
            return [first, second]
    return [chunk]


def _only_one(pieces: list[_Piece], country: str) -> str:
    """The number that all pieces spell, as in ``9876543210 / +91 98765 43210``."""
    numbers = list(_readable(pieces, country))
    if len(numbers) == len(pieces) and len(set(numbers)) == 1:
        return numbers[0]
    is_any_number = any(len(_digits(piece.text)) >= 7 for piece in pieces)
    raise NumberError("several" if is_any_number else "invalid")


def _readable(pieces: list[_Piece], country: str):
    for piece in pieces:
        if piece.has_extension:
            continue
        try:
            yield _dialable(piece.text, country)
        except NumberError:
            continue


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _dialable(chunk: str, country: str) -> str:
    digits = _digits(chunk)
    if 3 <= len(digits) <= 6 and digits.startswith("1") and "+" not in chunk:
        raise NumberError("not_dialable")
    compact = "+" + digits if "+" in chunk else digits
    country = (country or "IN").upper()
    if country != "IN" and country in phonenumbers.SUPPORTED_REGIONS:
        return _dialable_abroad(compact, country)
    if compact.startswith("00"):
        compact = "+" + compact[2:]
    if not compact.startswith("+"):
        return _indian(compact)
    if not compact.startswith("+91"):
        raise NumberError("foreign" if _is_possible(compact) else "invalid")
    return _after_country_code(compact[3:])


def _dialable_abroad(compact: str, country: str) -> str:
    """Read a number of a contact abroad: theirs if it can be, Indian only if it is clear."""
    try:
        parsed = phonenumbers.parse(compact, country, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed and parsed.country_code_source in _EXPLICIT:
        if parsed.country_code == _INDIA:
            return _after_country_code(phonenumbers.national_significant_number(parsed))
        raise NumberError("foreign" if phonenumbers.is_possible_number(parsed) else "invalid")
    if parsed and phonenumbers.is_valid_number(parsed):
        raise NumberError("foreign")
    number = _indian(compact)
    # A mistyped number from abroad looks like an Indian landline easily, like a mobile hardly ever.
    if _type_of(number) != PhoneNumberType.MOBILE:
        raise NumberError("foreign")
    return number


def _is_possible(compact: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(compact))
    except phonenumbers.NumberParseException:
        return False


def _indian(digits: str) -> str:
    """Drop country code and trunk zero and see whether a person can be called there."""
    return _of_person(_INDIAN.fullmatch(digits))


def _after_country_code(digits: str) -> str:
    """The same after ``+91``: of ``+91 98765432``, where two digits are missing, 91 is no part."""
    return _of_person(_NATIONAL.fullmatch(digits))


def _of_person(match: re.Match | None) -> str:
    if not match:
        raise NumberError("invalid")
    national = match[1]
    if national.startswith(_NO_PERSON):
        raise NumberError("not_dialable")
    if _type_of(national) == PhoneNumberType.UNKNOWN:
        raise NumberError("invalid")
    return national


def _type_of(national: str) -> int:
    number = PhoneNumber(country_code=_INDIA, national_number=int(national))
    return phonenumbers.number_type(number)
