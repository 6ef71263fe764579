import socket

import pytest

from ccp.safe.hosts import (
    Address,
    HostList,
    Target,
    is_public,
)

HOSTS = HostList("*.airtel.in, rec.example.com, http://127.0.0.1:8270,https://[::1]:8443/")


def allows(hosts, url):
    target = Target.read(url)
    return target is not None and hosts.allows(target)


ALLOWED = [
    "https://rec.airtel.in/a.wav",
    "https://rec.airtel.in",
    "https://rec.airtel.in:443/a",
    "https://a.b.c.airtel.in/a?token=aB+/=&x=1",
    "https://REC.Airtel.IN/a",
    "HTTPS://rec.airtel.in/a",
    "https://rec.airtel.in?token=x",
    "https://rec.example.com/a@b:c",
    " https://rec.airtel.in/a ",
    "http://127.0.0.1:8270/a?token=x",
    "https://[::1]:8443/a",
]

FORBIDDEN = [
    "",
    "rec.airtel.in/a",
    "//rec.airtel.in/a",
    "http://rec.airtel.in/a",
    "ftp://rec.airtel.in/a",
    "file:///etc/passwd",
    "https:rec.airtel.in/a",
    "https:///rec.airtel.in/a",
    "https://airtel.in/a",
    "https://evilairtel.in/a",
    "https://rec.airtel.in.evil.example/a",
    "https://evil.example/rec.airtel.in",
    "https://evil.example?x.airtel.in",
    "https://evil.example#.airtel.in",
    "https://sub.rec.example.com/a",
    "https://rec.airtel.in:8443/a",
    "https://rec.airtel.in:0/a",
    "https://rec.airtel.in:65536/a",
    "https://rec.airtel.in:99999999999/a",
    "https://rec.airtel.in:/a",
    "https://rec.airtel.in:443x/a",
    "https://rec.airtel.in:４４３/a",
    # Somebody before the host
    "https://user@rec.airtel.in/a",
    "https://user:password@rec.airtel.in/a",
    "https://rec.airtel.in@evil.example/a",
    "https://rec.airtel.in:443@evil.example/a",
    "https://evil.example@rec.airtel.in/a",
    # Other readers see another host here
    "https://evil.example\\.airtel.in/a",
    "https://evil.example\\@rec.airtel.in/a",
    "https:\\\\rec.airtel.in\\a",
    "https://rec.airtel.in\\@evil.example/a",
    "https://evil.example/\\.airtel.in",
    "https://evil.example;.airtel.in/a",
    "https://evil.example%2f.airtel.in/a",
    "https://evil.example%00.airtel.in/a",
    "https://evil.example\u2044.airtel.in/a",
    "https://evil.example\uff0f.airtel.in/a",
    "https://evil.example\u3002airtel.in/a",
    "https://rec.airtel\u3002in/a",
    "https://rec.ａｉｒｔｅｌ.in/a",
    "https://rec.aırtel.in/a",
    "https://rec.airtel.in\u200b/a",
    "https://rec.airtel.in/\u00e9",
    # Dots
    "https://rec.airtel.in./a",
    "https://.airtel.in/a",
    "https://rec..airtel.in/a",
    "https://-.airtel.in/a",
    "https://rec_.airtel.in/a",
    f"https://{'a' * 64}.airtel.in/a",
    f"https://{'a.' * 130}airtel.in/a",
    # Control characters and blanks
    "https://rec.airtel.in/a\r\nHost: evil",
    "https://rec.airtel.in/a\n",
    "https://rec.airtel.in/a\x00",
    "https://rec.airtel.in/a b",
    "https://rec.airtel\t.in/a",
    "\thttps://rec.airtel.in/a",
    "https://rec.airtel.in/a#fragment",
    "https://rec.airtel.in/" + "a" * 5000,
    # Addresses
    "https://127.0.0.1/a",
    "http://127.0.0.1/a",
    "http://127.0.0.1:8271/a",
    "https://127.0.0.1:8270/a",
    "http://127.1:8270/a",
    "http://2130706433:8270/a",
    "http://0177.0.0.1:8270/a",
    "http://0x7f.0.0.1:8270/a",
    "http://0x7f000001:8270/a",
    "http://[::ffff:127.0.0.1]:8270/a",
    "http://localhost:8270/a",
    "https://[::1]/a",
    "https://[::1:8443/a",
    "https://[::1%25eth0]:8443/a",
    "https://[rec.airtel.in]/a",
    "https://1.airtel.in.1/a",
    None,
    5,
    b"https://rec.airtel.in/a",
]


@pytest.mark.parametrize("url", ALLOWED, ids=ascii)
def test_allowed(url):
    assert allows(HOSTS, url)


@pytest.mark.parametrize("url", FORBIDDEN, ids=lambda url: ascii(url)[:60])
def test_forbidden(url):
    assert not allows(HOSTS, url)


@pytest.mark.parametrize("setting", ["", " , ,", None])
def test_an_empty_list_allows_nothing(setting):
    assert not allows(HostList(setting), "https://rec.airtel.in/a")
    assert HostList(setting).unreadable == ()


@pytest.mark.parametrize(
    "entry",
    [
        "*",
        "*.in",
        "*.*.airtel.in",
        "rec.*.in",
        "*airtel.in",
        "127.0.0.1",
        "*.0.0.1",
        "2130706433",
        "0x7f.1",
        "[::1]",
        "rec.airtel.in:8443",
        "rec.airtel.in/path",
        "http://127.0.0.1:8270/path",
        "https://*.airtel.in",
        "https://user@rec.airtel.in",
        "ftp://rec.airtel.in",
        "airtel.in.",
    ],
)
def test_an_unreadable_entry_is_told_and_allows_nothing(entry):
    hosts = HostList(f"ok.example.com, {entry}")
    assert hosts.unreadable == (entry,)
    assert allows(hosts, "https://ok.example.com/a")
    for url in ("https://rec.airtel.in/a", "https://127.0.0.1/a", "http://127.0.0.1:8270/path"):
        assert not allows(hosts, url)


@pytest.mark.parametrize(
    "setting", ["a.example\nb.example", "a.example b.example", "A.Example;b.example"]
)
def test_entries_can_be_separated_and_spelled_otherwise(setting):
    hosts = HostList(setting)
    assert allows(hosts, "https://a.example/x") and allows(hosts, "https://b.example/x")


def test_an_origin_is_exactly_one():
    hosts = HostList("https://rec.example.com")
    target = Target.read("https://rec.example.com:443/a")
    assert hosts.names_origin(target)
    assert not allows(hosts, "https://rec.example.com:8443/a")
    assert not allows(hosts, "http://rec.example.com/a")


def test_the_path_is_kept_as_it_is():
    assert Target.read("https://h.example/A%2f%7e?t=aB+/==&u=%2B").path == "/A%2f%7e?t=aB+/==&u=%2B"
    assert Target.read("https://h.example?t=+").path == "/?t=+"
    assert Target.read("https://h.example").path == "/"
    assert "s3cret" not in repr(Target.read("https://h.example/?t=s3cret"))


def address(text):
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    return Address(family, (text, 443))


@pytest.mark.parametrize(
    "text",
    [
        "8.8.8.8",
        "203.122.1.1",
        "2404:6800:4009::200e",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ],
)
def test_public(text):
    assert is_public(address(text))


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::8.8.8.8",
        "2002:7f00:1::",
        "2002:0a00:1::1",
        "2001:0:7f00:1::",
        "2001:db8::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "100::1",
    ],
)
def test_not_public(text):
    assert not is_public(address(text))
