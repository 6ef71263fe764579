import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import SUPPORTED_REGIONS

from ccp.safe.number import (
    INDIA,
    Countries,
    NumberError,
    Reading,
    candidates,
    interpret,
    last10,
    last10_of_caller,
    mask,
    mask_in,
    names_india,
    read,
    readings,
)

MOBILE = "9876543210"
REASONS = {"empty", "several", "extension", "foreign", "not_dialable", "spreadsheet", "invalid"}

GOOD = {
    "9876543210": MOBILE,
    "+919876543210": MOBILE,
    "+91 98765 43210": MOBILE,
    "+91-98765-43210": MOBILE,
    "919876543210": MOBILE,
    "91 98765 43210": MOBILE,
    "09876543210": MOBILE,
    "00919876543210": MOBILE,
    "+91 09876543210": MOBILE,
    "+91 (0) 98765 43210": MOBILE,
    "(0)9876543210": MOBILE,
    "(+91) 98765 43210": MOBILE,
    "+(91) 98765 43210": MOBILE,
    "0919876543210": MOBILE,
    "98765.43210": MOBILE,
    "  9876543210  ": MOBILE,
    "98765\u00a043210": MOBILE,
    "98765\u200943210": MOBILE,
    "98765\u201143210": MOBILE,
    "98765\u200b43210": MOBILE,
    "\u202a+91 98765 43210\u202c": MOBILE,
    "९८७६५४३२१०": MOBILE,
    "９８７６５４３２１０": MOBILE,
    "＋９１９８７６５４３２１０": MOBILE,
    "Mob: 98765 43210": MOBILE,
    "Mob1: 9876543210": MOBILE,
    "Mobile 2: 98765 43210": MOBILE,
    "मो. 9876543210": MOBILE,
    "9876543210 (office)": MOBILE,
    "9876543210 Asha": MOBILE,
    "tel:+91-98765-43210": MOBILE,
    "+91 (mobile) 9876543210": MOBILE,
    "9876543210 / +91 98765 43210": MOBILE,
    "9876543210,": MOBILE,
    "9123456789": "9123456789",
    "919123456789": "9123456789",
    "6000000000": "6000000000",
    "011-23456789": "1123456789",
    "+91 11 2345 6789": "1123456789",
    "(022) 2345 6789": "2223456789",
    "415-555-2671": "4155552671",
    "9876543210.0": MOBILE,
    "919876543210.00": MOBILE,
    "98 76 54 32 10": MOBILE,
    "+91 987654 3210": MOBILE,
    "0222345 6789": "2223456789",
    "91 98 76 54 32 10": MOBILE,
    "60 00 01 10 00": "6000011000",
    "022.2345.6789": "2223456789",
    "0124/4567890": "1244567890",
    "080/4123 4567": "8041234567",
    "(0124) / 4567890": "1244567890",
    "+91-124/4567890": "1244567890",
    "9876543210 (24x7)": MOBILE,
    "9876543210 24 / 7": MOBILE,
    "9876543210 (after 6 pm)": MOBILE,
    "9876543210 (10:00-18:00)": MOBILE,
    "9876543210, 10am-6.30 p.m.": MOBILE,
    "tel:9876543210;phone-context=+91": MOBILE,
    "tel:022-23456789;phone-context=+91": "2223456789",
    "tel:9876543210;phone-context=acme.example": MOBILE,
    "9876543210²": MOBILE,
}

BAD = {
    None: "empty",
    False: "empty",
    "": "empty",
    " \t\n": "empty",
    "\u200b": "empty",
    ";;": "empty",
    "9876543210;9123456789": "several",
    "9876543210/9123456789": "several",
    "9876543210, 9123456789": "several",
    "9876543210 or 9123456789": "several",
    "9876543210 & 9123456789": "several",
    "9876543210\n9123456789": "several",
    "9876543210\t9123456789": "several",
    "9876543210 9123456789": "several",
    "98765 43210 91234 56789": "several",
    "9876543210 - 9123456789": "several",
    "9876543210-9123456789": "several",
    "+91 98765 43210 +91 91234 56789": "several",
    "98765 43210 / 11": "several",
    "9876543210 / +1 415 555 2671": "several",
    "9876543210 ext 12": "extension",
    "9876543210 extn. 12": "extension",
    "9876543210x12": "extension",
    "9876543210 #12": "extension",
    "9876543210,12": "extension",
    "tel:+919876543210;ext=12": "extension",
    "011-23456789 extension 4021": "extension",
    "+1 415 555 2671": "foreign",
    "001 415 555 2671": "foreign",
    "+1 (mobile) 4155552671": "foreign",
    "+44 20 7946 0958": "foreign",
    "+977 984-1234567": "foreign",
    "112": "not_dialable",
    "100": "not_dialable",
    "1098": "not_dialable",
    "155260": "not_dialable",
    "1800123456": "not_dialable",
    "1800 123 4567": "not_dialable",
    "+91 1800 123 4567": "not_dialable",
    "1860 123 4567": "not_dialable",
    "1860123456": "not_dialable",
    "1401234567": "not_dialable",
    "+91 140 123 4567": "not_dialable",
    "1600123456": "not_dialable",
    "1601234567": "not_dialable",
    "98765432": "invalid",
    "987654321": "invalid",
    "98765432109": "invalid",
    "987654321098": "invalid",
    "0123456789": "invalid",
    "5555555555": "invalid",
    "0000000000": "invalid",
    "98765*43210": "invalid",
    "2 - 9876543210": "invalid",
    "call me": "invalid",
    "+91": "invalid",
    "+": "invalid",
    "+999 1234567": "invalid",
    "98" * 60: "invalid",
    "9876543210" + " " * 200: "invalid",
    "987654321.0": "invalid",
    "98765432.10": "invalid",
    "98765 4321.0": "invalid",
    "9876543210.50": "several",
    "9.87654321E+09": "spreadsheet",
    "9,87654E+09": "spreadsheet",
    "9E+09": "spreadsheet",
    "91.9876543210": "invalid",
    "0.9876543210": "invalid",
    "77.20902100": "invalid",
    "12345.67890": "invalid",
    "98,765.43210": "several",
    "9,876,543,210": "invalid",
    "192.168.100.100": "invalid",
    "12.05.2019 10:30": "invalid",
    "12.05.19 1030": "invalid",
    "12-05-19-1030": "invalid",
    "12 05 19 10 30": "invalid",
    "Flat 98 12-05-2019": "invalid",
    "2019-05-12 3045": "invalid",
    "23456789 10-18": "invalid",
    "23456789 90": "invalid",
    "011-2345678-9": "invalid",
    "987654 3210": "invalid",
    "110001 9876543210": "invalid",
    "9 8 7 6 5 4 3 2 1 0": "invalid",
    "98765. 43210": "invalid",
    "98765 4321½": "invalid",
    "987654321²": "invalid",
    "98765 4321①": "invalid",
    "\u202e9876543210": "invalid",
    "91 office 98765432": "invalid",
    "0 office 987654321": "invalid",
    "9876543210 (2nd floor)": "several",
    "98765 43210-11": "several",
    "9876543210 10": "several",
    "0124-4567890-91": "several",
    "022/23456789/23456790": "several",
    "44 7911 1234 56": "several",
    "tel:4155552671;phone-context=+1": "foreign",
    "+1 office 9876543210": "foreign",
    9876543210: "invalid",
}


def reason(text, countries=INDIA):
    with pytest.raises(NumberError) as caught:
        interpret(text, countries)
    return caught.value.reason


@pytest.mark.parametrize(("text", "number"), GOOD.items(), ids=ascii)
def test_reads_what_people_write(text, number):
    assert read(text) == number
    assert interpret(text) == Reading(number)
    assert candidates(text) == (number,)


@pytest.mark.parametrize(("text", "expected"), BAD.items(), ids=lambda text: ascii(text)[:40])
def test_refuses_what_is_not_one_number(text, expected):
    assert reason(text) == expected


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+91 415-555-2671", "US", "4155552671"),
        ("+91 98765 43210", "US", MOBILE),
        ("011 91 98765 43210", "US", MOBILE),
        ("0011 91 98765 43210", "AU", MOBILE),
        ("0091 98765 43210", "DE", MOBILE),
        ("0091 98765 43210", "US", MOBILE),
        ("9876543210", "US", MOBILE),
        ("919876543210", "US", MOBILE),
        ("91 11 2345 6789", "US", "1123456789"),
        ("9876543210", "AE", MOBILE),
        ("9876543210", "us", MOBILE),
        ("9876543210", None, MOBILE),
        ("9876543210", "", MOBILE),
        ("9876543210", "XX", MOBILE),
    ],
)
def test_reads_an_indian_number_of_a_contact_abroad(text, country, expected):
    assert interpret(text, Countries(contact=country)) == Reading(expected)


@pytest.mark.parametrize(
    ("text", "country", "digits"),
    [
        ("8012345678", "US", "8012345678"),
        ("9012345678", "US", "9012345678"),
        ("9841234567", "NP", "9841234567"),
        ("65 9123 4567", "SG", "6591234567"),
        ("415-555-2671", "US", "4155552671"),
        ("415-055-2671", "US", "4150552671"),
        ("020 7946 0958", "GB", "2079460958"),
    ],
)
def test_a_contact_abroad_only_makes_a_number_doubtful(text, country, digits):
    assert interpret(text, Countries(contact=country)) == Reading(digits, country)
    assert readings(text, Countries(contact=country)) == (Reading(digits, country),)
    assert interpret(text, Countries(contact="IN")) == Reading(digits)


def test_a_landline_that_is_valid_where_the_company_is_is_doubtful():
    assert interpret("415-555-2671", Countries(company="US")) == Reading("4155552671", "US")
    assert interpret("020 7946 0958", Countries(company="GB")) == Reading("2079460958", "GB")
    for text in ("8012345678", "022 2345 6789", "080-41234567", "91 11 2345 6789", "011-23456789"):
        assert not interpret(text, Countries(company="US")).doubt


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8012345678", Reading("8012345678")),
        ("+91 415-555-2671", Reading("4155552671")),
        ("415-555-2671", "foreign"),
        ("022 2345 6789", Reading("2223456789", "US")),
    ],
)
def test_numbers_without_a_code_are_read_as_the_accounts_country(text, expected):
    assert outcome(text, Countries(account="US")) == expected


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+1 415 555 2671", "us", "foreign"),
        ("1 415 555 2671", "US", "foreign"),
        ("415-955-267", "US", "invalid"),
        ("01 23 45 67 89", "FR", "foreign"),
        ("0049 30 123456", "DE", "foreign"),
        ("12345", "US", "not_dialable"),
        ("415-555-2671 ext 3", "US", "extension"),
        ("415-555-267", "US", "invalid"),
        ("+1 415 555", "US", "invalid"),
        ("+44 20", "US", "invalid"),
        ("+999 1234567", "US", "invalid"),
    ],
)
def test_refuses_a_foreign_number_of_a_contact_abroad(text, country, expected):
    assert reason(text, Countries(contact=country)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9876543210;9123456789", (MOBILE, "9123456789")),
        ("9876543210 9123456789", (MOBILE, "9123456789")),
        ("home 011-23456789, mob 9876543210", ("1123456789", MOBILE)),
        ("9876543210 / 9876543210", (MOBILE,)),
        ("9876543210 ext 4 / 9123456789", ("9123456789",)),
        ("9876543210 / +1 415 555 2671", (MOBILE,)),
        ("+1 (mobile) 4155552671", ()),
        ("call me", ()),
        ("", ()),
        (None, ()),
        ("9" * 1000, ()),
    ],
)
def test_candidates_are_the_numbers_that_could_be_dialled(text, expected):
    assert candidates(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9876543210", "98xx…10"),
        ("+91 98765 43210", "98xx…10"),
        ("९८७६५४३२१०", "98xx…10"),
        ("2345678", "23xx…78"),
        ("112", "xx…"),
        ("", ""),
        ("no digits", ""),
        (None, ""),
        (False, ""),
    ],
)
def test_mask(text, expected):
    assert mask(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Invalid number 9876543210!", "Invalid number 98xx…10!"),
        ("call +91 98765-43210 or (022) 2345 6789.", "call 98xx…10 or 22xx…89."),
        ("९८७६५४३२१०", "98xx…10"),
        ("98\u200b765 43\u00ad210", "98xx…10"),
        ("98765_43210 98765/43210", "98xx…10"),
        ("12345+9876543", "34xx…43"),
        ("cause 16, SIP 486, 123456", "cause 16, SIP 486, 123456"),
        ("Normal call clearing", "Normal call clearing"),
        ("", ""),
    ],
)
def test_mask_in(text, expected):
    assert mask_in(text) == expected


@given(st.text(alphabet="0123456789०९８ +-().,/abx\u200b", max_size=60))
def test_no_long_run_of_digits_survives_masking(text):
    masked = mask_in(text)
    digits = 0
    for char in masked:
        digits = digits + 1 if char.isdecimal() else 0
        assert digits < 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+91 98765 43210", MOBILE),
        ("09876543210", MOBILE),
        ("９８７６５４３２１０", MOBILE),
        ("12", "12"),
        ("", ""),
        ("²³", ""),
        (None, ""),
        (9876543210, ""),
        (["9876543210"], ""),
    ],
)
def test_last10(text, expected):
    assert last10(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        MOBILE,
        f"0{MOBILE}",
        f"91{MOBILE}",
        f"091{MOBILE}",
        f"0091{MOBILE}",
        f"+91{MOBILE}",
        f"+91 0{MOBILE[:5]} {MOBILE[5:]}",
        f"tel:+91-{MOBILE}",
        "９８７６５４３２１０",
        "1234567890",
        "12",
        "0",
        "",
        None,
    ],
)
def test_a_caller_from_india(text):
    assert last10_of_caller(text) == last10(text)


@pytest.mark.parametrize(
    "text",
    [
        "+1 917 555 0123",
        "19175550123",
        "14155550123",
        "0014155550123",
        "01114155550123",
        "447911123456",
        "+65 8123 4567",
        "＋６５８１２３４５６７",
        "tel:+6581234567",
        "006581234567",
        "+18005550123",
        "18005550123",
        f"+{MOBILE}",
        f"sip:{MOBILE}@10.1.2.3",
    ],
)
def test_a_caller_from_abroad_has_no_ten_digits(text):
    assert last10_of_caller(text) == ""


@given(st.text(max_size=300), st.one_of(st.none(), st.text(max_size=3), st.just("US")))
def test_never_raises_anything_else(text, country):
    countries = Countries(country, country, country)
    try:
        reading = interpret(text, countries)
    except NumberError as error:
        assert error.reason in REASONS
    else:
        assert len(reading.digits) == 10 and reading.digits.isascii() and reading.digits.isdigit()
        assert reading in readings(text, countries)
    for each in candidates(text):
        assert read(each) == each
    last10(text), mask(text), mask_in(text)


@given(st.text(alphabet="0123456789 +-();/,.extorमो\n\u200b９", max_size=60))
def test_never_raises_anything_else_near_numbers(text):
    test_never_raises_anything_else.hypothesis.inner_test(text, "IN")
    test_never_raises_anything_else.hypothesis.inner_test(text, "US")


@given(
    st.from_regex(r"\+91[ -]?[0-9]{4,6}[ -]?[0-9]{4,6}", fullmatch=True),
    st.sampled_from(sorted(SUPPORTED_REGIONS)),
)
def test_with_indias_code_the_country_does_not_matter(text, country):
    if names_india(text):
        countries = Countries(country, country, country)
        assert outcome(text, countries) == outcome(text, INDIA)
        assert readings(text, countries) == readings(text)


def outcome(text, countries):
    try:
        return interpret(text, countries)
    except NumberError as error:
        return error.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+91 98765 43210", True),
        ("+919876543210", True),
        ("+91-98765-43210", True),
        ("98765 43210", False),
        ("+91 98765 43210 / 11", False),
        ("+1 98765 43210", False),
        ("+91 09876 543210", False),
        ("", False),
        (False, False),
    ],
)
def test_names_india(text, expected):
    assert names_india(text) is expected


def test_a_number_of_a_million_digits_costs_nothing():
    huge = "9" * 1_000_000
    started = time.process_time()
    assert reason(huge) == "invalid"
    assert last10(huge) == "9" * 10
    mask(huge)
    assert time.process_time() - started < 0.05
