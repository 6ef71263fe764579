import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import SUPPORTED_REGIONS

from ccp.number import NumberError, candidates, last10, mask, mask_in, names_india, read

MOBILE = "9876543210"
REASONS = {"empty", "several", "extension", "foreign", "not_dialable", "invalid"}

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
    9876543210: "invalid",
}


def reason(text, country="IN"):
    with pytest.raises(NumberError) as caught:
        read(text, country)
    return caught.value.reason


@pytest.mark.parametrize(("text", "number"), GOOD.items(), ids=ascii)
def test_reads_what_people_write(text, number):
    assert read(text) == number
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
        ("0091 98765 43210", "DE", MOBILE),
        ("9876543210", "US", MOBILE),
        ("919876543210", "US", MOBILE),
        ("9876543210", "AE", MOBILE),
        ("9876543210", "us", MOBILE),
        ("9876543210", None, MOBILE),
        ("9876543210", "", MOBILE),
        ("9876543210", "XX", MOBILE),
    ],
)
def test_reads_an_indian_number_of_a_contact_abroad(text, country, expected):
    assert read(text, country) == expected


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("415-555-2671", "US", "foreign"),
        ("415-055-2671", "US", "foreign"),
        ("+1 415 555 2671", "us", "foreign"),
        ("1 415 555 2671", "US", "foreign"),
        ("020 7946 0958", "GB", "foreign"),
        ("9841234567", "NP", "foreign"),
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
    assert reason(text, country) == expected


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


@given(st.text(max_size=300), st.one_of(st.none(), st.text(max_size=3), st.just("US")))
def test_never_raises_anything_else(text, country):
    try:
        number = read(text, country)
    except NumberError as error:
        assert error.reason in REASONS
    else:
        assert len(number) == 10 and number.isascii() and number.isdigit()
        assert number in candidates(text, country)
    for each in candidates(text, country):
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
        assert outcome(text, country) == outcome(text, "IN")
        assert candidates(text, country) == candidates(text, "IN")


def outcome(text, country):
    try:
        return read(text, country)
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
    started = time.perf_counter()
    assert reason(huge) == "invalid"
    assert last10(huge) == "9" * 10
    mask(huge)
    assert time.perf_counter() - started < 0.01
