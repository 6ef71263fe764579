# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Reads free text as an Indian number that Airtel can dial, and masks numbers in texts.

Airtel takes a number of 10 digits (section 1.10). A phone field holds whatever people type, and
dialling the wrong person is worse than asking again. So a text that is not clearly one Indian
number is refused with a reason, or is doubtful and left to a person.
"""

import re
import unicodedata
from typing import NamedTuple

import phonenumbers
from phonenumbers import CountryCodeSource, PhoneNumber, PhoneNumberType

MAX_TEXT = 200
"""Longer texts are refused without reading them."""

_GROUP = re.compile(r"[0-9]+")
# The separators between two groups of one number. A dot with a blank ends a sentence.
_GAP = re.compile(r"\)?(?: {0,2}-{0,2} {0,2}|\.)\(?")
_PLUS = re.compile(r"\+ ?\(?$")
# "Mob 2: 98765 43210": the 2 belongs to the label, not to the number
_LABEL = re.compile(r"^[^0-9+]*[^\W\d_][. ]?[0-9]{1,2} ?[:=](?!$)")
_EXTENSION_WORD = re.compile(r"#|\b(?:x|xtn|int|ext|extn|extension)\b", re.IGNORECASE)
# "0124/4567890": a slash after an area code with its trunk zero, or with India's code
_AREA_CODE = re.compile(
    r"(?<![0-9])((?:\+?91[ -]?\(?0?|\(?0)[1-9][0-9]{1,3}\)?) ?/ ?"
    r"(?=[0-9](?:[ -]?[0-9]){5,7}(?![ -]?[0-9]))"
)
# "24x7", "after 6 pm", "10:30"
_TIME = re.compile(
    r"(?<![0-9])(?:24 ?[x*/] ?7|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?"
    r"|[0-9]{1,2}(?:\.[0-9]{2})? ?(?:[ap]\.?m\b\.?|hrs?\b|hours?\b|baje\b))(?![0-9])",
    re.IGNORECASE,
)
# How a spreadsheet shows a number in a column that is not formatted as text
_EXPONENT = re.compile(
    r"(?<![0-9A-Za-z])[0-9](?:[.,][0-9]+E\+?|E\+)[0-9]{1,2}(?![0-9])", re.IGNORECASE
)
_DECIMAL_ZERO = re.compile(r"(?<=[0-9]{7})\.0{1,2}(?![0-9])")
# RFC 3966: tel:9876543210;phone-context=+91
_CONTEXT = re.compile(r"; ?phone-context=([^;]*)", re.IGNORECASE)
_RIGHT_TO_LEFT_OVERRIDE = "\u202e"
# After an optional country code, an optional trunk zero. Toll-free numbers have 10 or 11 digits.
_NATIONAL = r"0?(?P<national>18[06]0[0-9]{6,7}|[1-9][0-9]{9})"
_INDIAN = re.compile(rf"(?P<code>0091|0?91)?{_NATIONAL}")
_AFTER_PLUS = re.compile(rf"(?P<code>91){_NATIONAL}")
_CODES = ("0", "00", "91", "091", "0091", "910", "00910")
_BEGINS_WITH_PLUS = re.compile(r"[^\d+\uff0b]*[+\uff0b]")
_WITH_COUNTRY_CODE = re.compile(r"\+91[ -]?[1-9][0-9]{4}[ -]?[0-9]{5}")
# Telemarketing, service calls, toll-free and shared cost: no person answers there
_NO_PERSON = ("140", "160", "1800", "1860")
_INDIA = 91
_MOST_BEFORE_BRACKET = 4
_EXPLICIT = (
    CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN,
    CountryCodeSource.FROM_NUMBER_WITH_IDD,
)

# Seven or more digits with separators, including invisible characters. A row of signs is only tried
# from its beginning: trying each start would take minutes for a long row.
_DIGITS_IN_TEXT = re.compile(
    r"(?<![+(])[+(]*\d(?:[\s()+._/\u00ad\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060\ufeff-]{0,4}\d){6,}"
)


class NumberError(ValueError):
    """The text is not one number that Airtel can dial.

    :ivar reason: ``empty``; ``several`` (more than one number); ``extension``; ``foreign`` (not
        India); ``not_dialable`` (short codes, toll-free numbers, the 140 and 160 series);
        ``spreadsheet`` (a spreadsheet has cut it); ``invalid``
    """

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class Countries(NamedTuple):
    """The countries that decide how a number without a country code is read, as ISO 3166 codes."""

    account: str = "IN"
    """The country of numbers without a country code; India if it is empty or unknown."""
    company: str = ""
    """The country of the calling company; "" if unknown."""
    contact: str = ""
    """The country of the contact; "" if unknown."""


INDIA = Countries()


class Reading(NamedTuple):
    """An Indian number that a text spells."""

    digits: str
    """The 10 digits that Airtel dials."""
    doubt: str = ""
    """ISO 3166 code of the country to which the number may belong instead, so a person must
    decide; "" without a doubt."""


class _Run(NamedTuple):
    """Groups of digits with only usual gaps between them: in most cases one number."""

    groups: tuple[str, ...]
    gaps: tuple[str, ...]
    """What separates each group from the one before it."""
    has_plus: bool = False
    carried: int = 0
    """How many digits belong to a code that words follow, as in ``+91 (mobile) 98765 43210``."""

    @property
    def digits(self) -> str:
        return "".join(self.groups)

    def part(self, start: int, end: int | None = None) -> "_Run":
        groups = self.groups[start:end]
        gaps = self.gaps[start : start + len(groups) - 1]
        return _Run(groups, gaps, *(self[2:] if start == 0 else ()))


class _Piece(NamedTuple):
    run: _Run
    flaw: str = ""
    """Why this cannot be dialled, whatever its digits are."""


class _Spelling(NamedTuple):
    digits: str
    code: str
    """``+`` if India's code follows ``+`` or ``00``, ``91`` if it follows neither, else ""."""


def read(text: str) -> str:
    """Read a number that is known to be Indian, such as an agent's own phone.

    :param text: what somebody typed or pasted
    :return: the 10 digits that Airtel dials
    :raises NumberError: when there is not exactly one Indian number that can be dialled
    """
    return interpret(text).digits


def interpret(text: str, countries: Countries = INDIA) -> Reading:
    """Read the one number in a phone field.

    With India's code it is Indian, in any country; with another code it is foreign. A valid Indian
    mobile without a code is Indian, too, but doubtful if it is also valid in the contact's own
    country abroad. A landline without a code is doubtful if the contact is abroad, or if it is also
    valid in the company's country.

    :param text: what somebody typed or pasted
    :param countries: the countries of account, company and contact
    :return: the digits, and the country that makes them doubtful, if any
    :raises NumberError: when there is not exactly one Indian number that can be dialled
    """
    cleaned = _clean(text)
    if _EXPONENT.search(cleaned):
        raise NumberError("spreadsheet")
    pieces = _pieces(cleaned)
    if not pieces:
        raise NumberError("invalid")
    if len(pieces) > 1:
        return _only_one(pieces, countries)
    return _reading(pieces[0], countries)


def readings(text: str, countries: Countries = INDIA) -> tuple[Reading, ...]:
    """Return every number in the text that ``interpret`` would accept alone, in order, each once.

    For a phone field with two numbers, from which a person chooses. Never raises.
    """
    try:
        pieces = _pieces(_EXPONENT.sub(";", _clean(text)))
    except NumberError:
        return ()
    found: dict[str, Reading] = {}
    for reading in _readable(pieces, countries):
        if reading.digits not in found or not reading.doubt:
            found[reading.digits] = reading
    return tuple(found.values())


def candidates(text: str) -> tuple[str, ...]:
    """Return the digits of ``readings``, for a text whose numbers are Indian. Never raises."""
    return tuple(reading.digits for reading in readings(text))


def names_india(text: str) -> bool:
    """Return whether it is a number with India's code, as Odoo formats numbers.

    ``interpret`` and ``readings`` then read it the same way, whatever the countries are.
    """
    return isinstance(text, str) and bool(_WITH_COUNTRY_CODE.fullmatch(text))


def mask(text: str) -> str:
    """Mask a number for a log: ``98xx…10``; all digits of a text with fewer than 7."""
    digits = last10(text)
    if not digits:
        return ""
    return f"{digits[:2]}xx…{digits[-2:]}" if len(digits) >= 7 else "xx…"


def mask_in(text: str) -> str:
    """Mask every run of 7 or more digits, in any script, with the usual separators."""
    return _DIGITS_IN_TEXT.sub(lambda match: mask(match[0]), text)


def last10(text: str) -> str:
    """Return the last ten digits of a number, in ASCII, to match reports with dialled numbers.

    Fewer digits are returned unchanged; a text without digits, or any other value, gives "".
    """
    return _digits(text)[-10:]


def last10_of_caller(text: str) -> str:
    """Return the last ten digits of a caller; "" for a number not written as an Indian one.

    Anybody in the world may call. The last ten digits of a number abroad may be a number in India,
    whose owner is not the caller and must not be called back.

    :param text: a number in Airtel's spelling
    :return: as ``last10`` for Indian numbers and for those of up to ten digits without ``+``
    """
    digits = _digits(text)
    has_plus = bool(digits) and bool(_BEGINS_WITH_PLUS.match(text))
    if len(digits) <= 10 and not has_plus:
        return digits
    match = (_AFTER_PLUS if has_plus else _INDIAN).fullmatch(digits)
    # No customer calls from a toll-free number of 11 digits, but American numbers begin like it
    return match["national"] if match and len(match["national"]) == 10 else ""


def _digits(text: str) -> str:
    """Return the digits of a text, in ASCII."""
    if not isinstance(text, str):
        return ""
    # Numbers are short: a text of a million digits is not read whole.
    tail = text[-MAX_TEXT:]
    if not tail.isascii():
        tail = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else " " for char in tail)
    return "".join(filter(str.isdigit, tail))


# From a text to pieces


def _clean(text: str) -> str:
    """Return a text with ASCII digits, plain blanks, and a semicolon where a line or cell ends."""
    if not text:
        raise NumberError("empty")
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise NumberError("invalid")
    if _RIGHT_TO_LEFT_OVERRIDE in text:
        # This character changes the order in which digits are shown
        raise NumberError("invalid")
    cleaned = "".join(map(_clean_character, text)).strip(" ;")
    if not cleaned:
        raise NumberError("empty")
    return cleaned


def _clean_character(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    plain = unicodedata.normalize("NFKC", char)
    # "4321½" is not 43211/2, and the "²" of a footnote is not a digit of the number
    if any(each.isnumeric() for each in plain):
        return ";"
    return "".join(map(_plain_character, plain))


def _plain_character(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Pd" or char == "\u2212":
        return "-"
    if category == "Zs":
        return " "
    if category in ("Cc", "Zl", "Zp"):
        return ";"
    return "" if category == "Cf" else char


def _pieces(text: str) -> list[_Piece]:
    """Find the possible numbers in a text; a short number after another one is its extension."""
    text = _TIME.sub(";", _LABEL.sub(";", _with_context(text)))
    text = _AREA_CODE.sub(r"\1-", _DECIMAL_ZERO.sub(";", text))
    pieces: list[_Piece] = []
    code = None
    for between, run in _runs(text):
        if code and not run.has_plus:
            groups, gaps = (*code.groups, *run.groups), (*code.gaps, " ", *run.gaps)
            run = _Run(groups, gaps, code.has_plus, carried=len(code.digits))
        elif code:
            pieces.append(_Piece(code, "invalid"))
        code = None
        if _is_code(run):
            code = run
        elif pieces and _is_extension(pieces[-1].run.digits, between, run.digits):
            pieces[-1] = pieces[-1]._replace(flaw="extension")
        else:
            pieces += _split(run)
    return [*pieces, _Piece(code, "invalid")] if code else pieces


def _with_context(text: str) -> str:
    """Move the separate country code of a ``tel:`` address to the front of its number."""
    context = _CONTEXT.search(text)
    if not context:
        return text
    text = _CONTEXT.sub("", text)
    if "+" in text or not re.fullmatch(r" ?\+[0-9]{1,3} ?", context[1]):
        return text
    return f"{context[1]} {text.removeprefix('tel:')}"


def _runs(text: str):
    """Yield each run of groups, with the text between it and the previous run."""
    groups: list[str] = []
    gaps: list[str] = []
    between, has_plus, end = "", False, 0
    for match in _GROUP.finditer(text):
        gap = text[end : match.start()]
        end = match.end()
        is_late_bracket = "(" in gap and sum(map(len, groups)) > _MOST_BEFORE_BRACKET
        if groups and _GAP.fullmatch(gap) and not is_late_bracket:
            gaps.append(gap)
            groups.append(match[0])
            continue
        if groups:
            yield between, _Run(tuple(groups), tuple(gaps), has_plus)
        groups, gaps = [match[0]], []
        between, has_plus = gap, bool(_PLUS.search(gap))
    if groups:
        yield between, _Run(tuple(groups), tuple(gaps), has_plus)


def _is_code(run: _Run) -> bool:
    """Return whether it is a code followed by a word, as in ``+91 (mobile) 98765 43210``."""
    if run.carried:
        return False
    digits = run.digits
    is_foreign = digits.startswith("00") and len(digits) <= 5
    return digits in _CODES or is_foreign or (run.has_plus and len(digits) <= 3)


def _is_extension(number: str, between: str, digits: str) -> bool:
    if len(number) < 7:
        return False
    if _EXTENSION_WORD.search(between):
        return len(digits) <= 7
    return len(digits) <= 5 and between.strip() == ","


def _split(run: _Run) -> list[_Piece]:
    """Split consecutive numbers in a run: ``98765 43210 91234 56789`` are two."""
    numbers = _numbers(run)
    if numbers:
        return [_Piece(each) for each in numbers]
    is_followed = any(_spelling(run.part(0, size)) for size in range(1, len(run.groups)))
    return [_Piece(run, "several" if is_followed else "")]


def _numbers(run: _Run) -> list[_Run]:
    """Return the complete Indian numbers that make up the run; empty if anything is left over."""
    if _spelling(run):
        return [run]
    for size in range(len(run.groups) - 1, 0, -1):
        head = run.part(0, size)
        rest = _spelling(head) and _numbers(run.part(size))
        if rest:
            return [head, *rest]
    return []


# From pieces to numbers


def _only_one(pieces: list[_Piece], countries: Countries) -> Reading:
    """Return the number that all pieces spell, as in ``9876543210 / +91 98765 43210``."""
    found = list(_readable(pieces, countries))
    if len(found) == len(pieces) and len({reading.digits for reading in found}) == 1:
        return min(found, key=lambda reading: reading.doubt)
    is_any_number = any(len(piece.run.digits) >= 7 for piece in pieces)
    raise NumberError("several" if is_any_number else "invalid")


def _readable(pieces: list[_Piece], countries: Countries):
    for piece in pieces:
        try:
            yield _reading(piece, countries)
        except NumberError:
            continue


def _reading(piece: _Piece, countries: Countries) -> Reading:
    if piece.flaw:
        raise NumberError(piece.flaw)
    run = piece.run
    digits = run.digits
    if 3 <= len(digits) <= 6 and digits.startswith("1") and not run.has_plus:
        raise NumberError("not_dialable")
    regions = Countries(*map(_region, countries))
    spelling = _spelling(run) or _spelling_from_abroad(run, regions)
    if not spelling:
        raise NumberError("foreign" if _is_foreign(run, regions) else "invalid")
    if spelling.digits.startswith(_NO_PERSON):
        raise NumberError("not_dialable")
    return Reading(spelling.digits, _doubt(digits, spelling, regions))


def _spelling(run: _Run) -> _Spelling | None:
    """Read a run as an Indian number with usual gaps, even a service number."""
    match = (_AFTER_PLUS if run.has_plus else _INDIAN).fullmatch(run.digits)
    if not match:
        return None
    national, code = match["national"], match["code"] or ""
    if run.has_plus or code == "0091":
        code = "+"
    return _checked(run, national, code, _CODES)


def _spelling_from_abroad(run: _Run, regions: Countries) -> _Spelling | None:
    """Read ``011 91 98765 43210``, which is how one dials it from the United States."""
    for region in filter(None, regions):
        parsed = None if run.has_plus else _parse(run.digits, region)
        if parsed and parsed.country_code == _INDIA and parsed.country_code_source in _EXPLICIT:
            national = phonenumbers.national_significant_number(parsed)
            if len(national) >= 10 and run.digits.endswith(national):
                return _checked(run, national, "+", ())
    return None


def _checked(run: _Run, national: str, code: str, codes: tuple[str, ...]) -> _Spelling | None:
    """Return a spelling if these digits may have been meant as one number."""
    if national.startswith(_NO_PERSON):
        return _Spelling(national, code)
    kind = _type_of(national)
    if kind == PhoneNumberType.UNKNOWN or not _is_one_number(run, len(national), codes):
        return None
    dots = run.gaps.count(".")
    is_decimal = dots == 1 and not run.has_plus and not re.match(r"0[0-9]{2}", run.groups[0])
    if is_decimal and not (kind == PhoneNumberType.MOBILE and _sizes(run, 10, codes) == [5, 5]):
        return None
    return _Spelling(national, code)


def _is_one_number(run: _Run, length: int, codes: tuple[str, ...]) -> bool:
    """Return whether the groups make one number, not a date, a price or a number with more.

    :param length: how many digits the national number has, at the run's end
    :param codes: the possible prefixes; empty for any
    """
    sizes = _sizes(run, length, codes)
    if not sizes or len(run.digits) - length < run.carried:
        return False
    # Five pairs: "12 05 19 10 30" begins with a date, "60 00 01 10 00" is spelled by pairs
    if _holds_date(run.groups[-5:-2] if set(sizes) == {2} else run.groups):
        return False
    gaps = run.gaps[len(run.gaps) - len(sizes) + 1 :]
    if "." in gaps and (set(gaps) != {"."} or sizes[-1] < 4):
        return False
    if len(sizes) == 1 or set(sizes) == {2}:
        return True
    # "0222345 6789" has an area code in its first group, a bare "560001 9876" may be a postal code
    longest = 6 if run.has_plus or len(run.digits) > length else 5
    return 2 <= min(sizes) and sizes[0] <= longest and sizes[-1] >= 3 and len(sizes) <= 4


def _sizes(run: _Run, length: int, codes: tuple[str, ...]) -> list[int]:
    """Return how many digits of the national number each group has; empty after a bad prefix."""
    sizes = []
    left = len(run.digits) - length
    for group in run.groups:
        prefix, left = group[:left], max(0, left - len(group))
        if prefix and codes and prefix not in codes:
            return []
        if len(prefix) < len(group):
            sizes.append(len(group) - len(prefix))
    return sizes


def _holds_date(groups: tuple[str, ...]) -> bool:
    """Return whether three successive groups are day, month and year, in any usual order."""
    return any(
        _is_date(*map(int, each), sizes=tuple(map(len, each)))
        for each in zip(groups, groups[1:], groups[2:], strict=False)
    )


def _is_date(first: int, second: int, third: int, sizes: tuple[int, ...]) -> bool:
    if sizes[0] == 4 and max(sizes[1:]) <= 2:
        return 1900 <= first < 2100 and 1 <= second <= 12 and 1 <= third <= 31
    if max(sizes[:2]) > 2 or sizes[2] not in (2, 4):
        return False
    return 1 <= min(first, second) <= 12 and 1 <= max(first, second) <= 31


def _doubt(digits: str, spelling: _Spelling, regions: Countries) -> str:
    """Return the country to which the number may belong instead, or "".

    :raises NumberError: when it is a landline of the account's own country abroad
    """
    if spelling.code == "+" or regions.contact == "IN":
        return ""
    is_sure_at_home = bool(spelling.code) or _type_of(spelling.digits) == PhoneNumberType.MOBILE
    if regions.contact:
        # Mistyped numbers from abroad often look like Indian landlines, but hardly ever like
        # mobiles
        is_doubtful = not is_sure_at_home or _is_valid(digits, regions.contact)
        return regions.contact if is_doubtful else ""
    if is_sure_at_home:
        return ""
    if regions.account not in ("", "IN"):
        if _is_valid(digits, regions.account):
            raise NumberError("foreign")
        return regions.account
    return regions.company if _is_valid(digits, regions.company) else ""


def _is_foreign(run: _Run, regions: Countries) -> bool:
    """Return whether it is another country's number, by its code or in one of these countries."""
    digits = run.digits
    if run.has_plus or digits.startswith("00"):
        parsed = _parse("+" + digits.removeprefix("00"), None)
        return _is_possible_abroad(parsed)
    for region in regions:
        parsed = _parse(digits, region) if region not in ("", "IN") else None
        if parsed and parsed.country_code_source in _EXPLICIT:
            if _is_possible_abroad(parsed):
                return True
        elif parsed and phonenumbers.is_valid_number(parsed):
            return True
    return False


def _is_possible_abroad(parsed: PhoneNumber | None) -> bool:
    if not parsed or parsed.country_code == _INDIA:
        return False
    return phonenumbers.is_possible_number(parsed)


def _is_valid(digits: str, region: str) -> bool:
    """Return whether it is a valid number in a country abroad, as it is dialled there."""
    parsed = _parse(digits, region) if region not in ("", "IN") else None
    if not parsed or parsed.country_code == _INDIA:
        return False
    return phonenumbers.is_valid_number(parsed)


def _parse(digits: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(digits, region, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return None


def _region(code: str) -> str:
    """Return a country code that the phone library knows, or ""."""
    code = code.upper() if isinstance(code, str) else ""
    return code if code in phonenumbers.SUPPORTED_REGIONS else ""


def _type_of(national: str) -> int:
    number = PhoneNumber(country_code=_INDIA, national_number=int(national))
    return phonenumbers.number_type(number)
