"""What holds for every number: valid Indian ones are read, foreign ones and made up ones never."""

import re
import unicodedata

import phonenumbers
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ccp.safe.number import (
    Countries,
    NumberError,
    interpret,
    readings,
)

COUNTRIES = """
    AE AU BD BR CA CN DE FR GB HK ID JP KE LK MY NP SA SG US ZA
""".split()
AREA_CODES = (
    "11 20 22 33 40 44 79 80 120 124 141 161 172 261 281 471 484 512 522 612 832 4812".split()
)
GAPS = (" ", "-", " - ", "\u00a0", "\u2011")
MOBILE_GROUPS = ((10,), (5, 5), (3, 3, 4), (4, 3, 3), (2, 4, 4), (3, 7), (4, 6), (2, 8), (2,) * 5)
MOBILE_PREFIXES = (
    "",
    "0",
    "91",
    "+91",
    "0091",
    "091",
    "(+91)",
    "+91 (0)",
    "(0)",
    "tel:+91",
    "Mob: ",
)
CODES = {"91", "+91", "0091", "+91 ", "91-", "0091 "}


def kind(digits):
    return phonenumbers.number_type(phonenumbers.parse(digits, "IN"))


def spell(digits, sizes, gap):
    groups, start = [], 0
    for size in sizes:
        groups.append(digits[start : start + size])
        start += size
    return gap.join(groups)


@st.composite
def mobiles(draw):
    """A valid mobile as ten digits, and one of its usual spellings."""
    digits = draw(st.from_regex(r"[6-9][0-9]{9}", fullmatch=True))
    assume(kind(digits) == phonenumbers.PhoneNumberType.MOBILE)
    body = spell(digits, draw(st.sampled_from(MOBILE_GROUPS)), draw(st.sampled_from(GAPS)))
    if draw(st.booleans()):
        body = draw(st.sampled_from([f"{digits[:5]}.{digits[5:]}", f"{digits}.0"]))
    between = draw(st.sampled_from(["", " ", "-"]))
    after = draw(st.sampled_from(["", " (office)", " (24x7)", " after 6 pm", " Asha"]))
    prefix = draw(st.sampled_from(MOBILE_PREFIXES))
    return digits, f"{prefix}{between if prefix else ''}{body}{after}"


@st.composite
def landlines(draw):
    """A valid landline as ten digits, one of its usual spellings, and whether that has a code."""
    area = draw(st.sampled_from(AREA_CODES))
    local = draw(st.from_regex(rf"[2-7][0-9]{{{9 - len(area)}}}", fullmatch=True))
    digits = area + local
    assume(kind(digits) == phonenumbers.PhoneNumberType.FIXED_LINE)
    head = len(local) - 4
    body = spell(
        local, draw(st.sampled_from([(len(local),), (head, 4)])), draw(st.sampled_from(" -"))
    )
    start, has_code = draw(
        st.sampled_from(
            [
                (f"{area} ", False),
                (f"0{area}", False),
                (f"0{area}-", False),
                (f"0{area}/", False),
                (f"(0{area}) ", False),
                (f"+91 {area} ", True),
                (f"+91-{area}-", True),
                (f"+91 (0) {area} ", True),
                (f"91 {area} ", True),
                (f"0091 {area} ", True),
                (f"+91{area}", True),
            ]
        )
    )
    return digits, start + body, has_code


companies = st.sampled_from(["", "IN", *COUNTRIES])
contacts = st.sampled_from(["", "IN"])


@given(mobiles(), companies, companies, contacts)
def test_a_mobile_is_read_in_every_country(number, account, company, contact):
    digits, text = number
    assert interpret(text, Countries(account, company, contact)) == (digits, "")


@given(landlines(), companies, contacts)
def test_a_landline_is_read_in_every_country(number, company, contact):
    digits, text, has_code = number
    reading = interpret(text, Countries("IN", company, contact))
    assert reading.digits == digits
    if reading.doubt:
        dialled = phonenumbers.parse(re.sub(r"\D", "", text), company)
        assert not has_code and not contact and reading.doubt == company
        assert phonenumbers.is_valid_number(dialled)


@given(landlines(), companies, contacts, st.sampled_from(COUNTRIES))
def test_a_landline_of_an_account_abroad_is_never_simply_dialled(number, company, contact, account):
    digits, text, has_code = number
    try:
        reading = interpret(text, Countries(account, company, contact))
    except NumberError as error:
        assert error.reason == "foreign" and not has_code and not contact
    else:
        assert reading.digits == digits
        assert bool(reading.doubt) == (not has_code and not contact)


@given(st.one_of(mobiles(), landlines()), st.sampled_from(COUNTRIES))
def test_a_contact_abroad_never_has_a_number_refused(number, contact):
    reading = interpret(number[1], Countries("IN", contact, contact))
    assert reading.digits == number[0]
    assert reading.doubt in ("", contact)


REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS - {"IN"})


@given(
    st.sampled_from(REGIONS),
    st.integers(0, 10**10 - 1),
    st.sampled_from(["+{}{}", "+{} {}", "00{}{}", "00{} {}", "(+{}) {}", "+{} (mobile) {}"]),
    st.builds(Countries, companies, companies, companies),
)
def test_a_number_with_another_code_is_never_read(region, national, spelling, countries):
    code = phonenumbers.country_code_for_region(region)
    text = spelling.format(code, national)
    assert readings(text, countries) == ()
    with pytest.raises(NumberError):
        interpret(text, countries)


@pytest.mark.parametrize("region", REGIONS)
def test_a_valid_number_of_another_country_is_never_read(region):
    number = phonenumbers.example_number(region)
    for form in (
        phonenumbers.PhoneNumberFormat.E164,
        phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        phonenumbers.PhoneNumberFormat.RFC3966,
    ):
        text = phonenumbers.format_number(number, form)
        for country in ("", "IN", region):
            assert readings(text, Countries("IN", country, country)) == ()
            assert readings(text.replace("+", "00"), Countries("IN", country, country)) == ()


def as_written(text):
    """The text with ASCII digits, without what nobody sees."""
    return "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() else char
        for char in text
        if unicodedata.category(char) != "Cf"
    )


PARTS = st.one_of(
    st.sampled_from(
        [
            "9876543210",
            "98765",
            "43210",
            "91",
            "+91",
            "0",
            "022",
            "23456789",
            "4123",
            "4567",
            "110001",
        ]
    ),
    st.sampled_from(
        [" ", "-", ".", "/", "(", ")", ",", ";", ":", " x", " ext ", "E+09", ".0", "½", "²"]
    ),
    st.sampled_from(["12.05.2019", "10:30", "24x7", " (mobile) ", "after 6 pm", "Rs 98,765.43"]),
    st.text(alphabet="0123456789 -.", max_size=6),
)


@example(["987654321", ".0"], "US")
@example(["98765 4321", "½"], "")
@example(["91", " (mobile) ", "98765432"], "")
@example(["23456789", " ", "10"], "")
@given(st.lists(PARTS, max_size=7), st.sampled_from(["", "IN", "US", "DE"]))
def test_no_number_is_made_up(parts, country):
    """What is dialled stands in the text in that order, with usual gaps only, and whole."""
    text = "".join(parts)
    written = as_written(text)
    for reading in readings(text, Countries("IN", country, country)):
        spelled = r"[ \u00a0().\-\u2011/]{0,5}".join(reading.digits)
        found = re.search(rf"{spelled}(?![0-9])", written)
        assert found, (text, reading)
        groups = re.findall(r"[0-9]+", found[0])
        # The first group may begin with a code; no number has a group of one digit
        assert all(len(group) > 1 for group in groups), (text, reading)
        assert found[0].count(".") != 1 or re.search(r"\d{3}\.\d{4}", found[0]), (text, reading)
