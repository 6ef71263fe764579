import pytest

from ccp.airtel.headers import (
    HeaderError,
    read,
)


def test_reads_one_a_line():
    text = "X-Proxy-Key:  a b:c \n\n  X-Stage: test\r\n"
    assert read(text) == {"X-Proxy-Key": "a b:c", "X-Stage": "test"}
    assert read(None) == read("") == read(" \n") == {}


@pytest.mark.parametrize(
    ("text", "reason", "where"),
    [
        ("X-Stage", "line", "1"),
        ("X-One: 1\nX Stage: test", "line", "2"),
        (": value", "line", "1"),
        ("X-Stage:", "value", "X-Stage"),
        ("X-Stage: " + "a" * 1001, "value", "X-Stage"),
        ("X-Stage: caf\u00e9", "value", "X-Stage"),
        ("X-Stage: a\x00b", "value", "X-Stage"),
        ("content-type: text/plain", "reserved", "content-type"),
        ("Host: evil.example", "reserved", "Host"),
        ("x-own: 1", "reserved", "x-own"),
        ("X-A: 1\nx-a: 2", "twice", "x-a"),
        ("\n".join(f"X-{each}: 1" for each in range(21)), "many", ""),
        ("X-A: " + "a\n" * 10_000, "long", ""),
    ],
)
def test_refused(text, reason, where):
    with pytest.raises(HeaderError) as caught:
        read(text, ("X-Own",))
    assert (caught.value.reason, caught.value.where) == (reason, where)


def test_an_error_names_no_value():
    with pytest.raises(HeaderError) as caught:
        read("Host: s3cret")
    assert "s3cret" not in str(caught.value)
