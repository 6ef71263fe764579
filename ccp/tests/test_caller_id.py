import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccp.airtel import caller_id

CALLER = "8000000001"

GOOD = {
    CALLER: CALLER,
    "+91 80000 00001": CALLER,
    "+918000000001": CALLER,
    "918000000001": CALLER,
    "0918000000001": CALLER,
    "00918000000001": CALLER,
    "08000000001": CALLER,
    "+91 (0) 80000-00001": CALLER,
    "  80000 00001\n": CALLER,
    "80000\u00a000001": CALLER,
    "\u202a8000000001\u202c": CALLER,
    "80000\u201100001": CALLER,
    "८००००००००१": CALLER,
    "140 123 4567": "1401234567",
    "+91 1600 123 456": "1600123456",
    "011-23456789": "1123456789",
    "9123456789": "9123456789",
    "8000000001.0": CALLER,
    "＋91 8000000001": CALLER,
}
BAD = [
    "",
    "   ",
    "80000",
    "+918000000",
    "0123456789",
    "80000000012",
    "+1 415 555 2671",
    "8000000001;8000000002",
    "8000000001 8000000002",
    "80000\n00001",
    "80000\t00001",
    "8000000001x",
    "Caller 8000000001",
    "800000000.1",
    "80000000.10",
    "80000.00001.0",
    "80000 0000½",
    "800000000²",
    "-" * 100_000,
    None,
    8000000001,
]


@pytest.mark.parametrize(("text", "digits"), GOOD.items())
def test_read(text, digits):
    assert caller_id.read(text) == digits


@pytest.mark.parametrize("text", BAD)
def test_what_is_not_one_caller_number(text):
    with pytest.raises(ValueError, match="not a caller number"):
        caller_id.read(text)


@given(st.text(max_size=60))
def test_reads_ten_digits_or_refuses(text):
    try:
        digits = caller_id.read(text)
    except ValueError:
        return
    assert len(digits) == 10
    assert digits.isascii()
    assert digits.isdigit()
    assert caller_id.read(digits) == digits


@pytest.mark.parametrize(
    ("digits", "series"),
    [
        ("1401234567", "promotional"),
        ("1600123456", "government"),
        ("1601234567", "finance"),
        ("1602345678", "service"),
        ("1609999999", "service"),
        ("1412345678", "ordinary"),
        (CALLER, "ordinary"),
        ("", ""),
        (None, ""),
        ("140123456", ""),
        ("14012345678", ""),
    ],
)
def test_series(digits, series):
    assert caller_id.series(digits) == series
