# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
import pytest

from ccp.safe.address import (
    AddressError,
    mend,
    mend_path,
    read,
)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("odoo.acme.in", "https://odoo.acme.in"),
        ("  odoo.acme.in/ \n", "https://odoo.acme.in"),
        ("\u200bhttps://odoo.acme.in\ufeff", "https://odoo.acme.in"),
        ("https://odoo.acme.in", "https://odoo.acme.in"),
        ("HTTPS://Odoo.Acme.IN///", "https://odoo.acme.in"),
        ("https://odoo.acme.in.", "https://odoo.acme.in"),
        ("https://odoo.acme.in:443/", "https://odoo.acme.in"),
        ("https://odoo.acme.in:", "https://odoo.acme.in"),
        ("odoo.acme.in:8443", "https://odoo.acme.in:8443"),
        ("odoo.acme.in:8443/erp/", "https://odoo.acme.in:8443/erp"),
        ("https://odoo.acme.in/Erp/A%20b", "https://odoo.acme.in/Erp/A%20b"),
        ("http://odoo.acme.in:80", "http://odoo.acme.in"),
        ("localhost:8069", "http://localhost:8069"),
        ("127.0.0.1:8270/", "http://127.0.0.1:8270"),
        ("http://[::1]:8270", "http://[::1]:8270"),
        ("https://[2001:DB8:0::1]", "https://[2001:db8::1]"),
        ("https://my_odoo.acme.in", "https://my_odoo.acme.in"),
        ("https://ओडू.भारत/x", "https://xn--z1b2a1g.xn--h2brj9c/x"),
        ("https://odoo。acme。in", "https://odoo.acme.in"),
        ("", ""),
        ("   ", ""),
        ("\u200b", ""),
    ],
)
def test_mended(typed, expected):
    assert mend(typed) == expected
    assert mend(expected) == expected


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("ftp://x", "scheme"),
        ("ftp://odoo.acme.in", "scheme"),
        ("mailto:me@acme.in", "credentials"),
        ("javascript:alert(1)", "scheme"),
        ("http:odoo.acme.in", "scheme"),
        ("https:/odoo.acme.in", "scheme"),
        ("://odoo.acme.in", "scheme"),
        ("//odoo.acme.in", "host"),
        ("https://", "host"),
        ("https:///path", "host"),
        ("https://user:pw@x.in", "credentials"),
        ("https://user@x.in", "credentials"),
        ("user:pw@x.in", "credentials"),
        ("https://@x.in", "credentials"),
        ("https://odoo.acme.in/?a=b#c", "parameters"),
        ("https://odoo.acme.in?", "parameters"),
        ("odoo.acme.in/#x", "parameters"),
        ("https://odoo acme.in", "host"),
        ("https://odoo.acme.in https://other.acme.in", "host"),
        ("https://odoo..in", "host"),
        ("https://-odoo.in", "host"),
        ("https://odoo.acme.in\\@evil.in", "credentials"),
        ("https://127.1", "host"),
        ("https://2130706433", "host"),
        ("https://127.0.0.0x1", "host"),
        ("https://256.1.1.1", "host"),
        ("https://010.0.0.5", "host"),
        ("https://[half", "host"),
        ("https://[::1%eth0]", "host"),
        ("https://[1.2.3.4]", "host"),
        ("https://odoo.acme.in:port", "port"),
        ("https://odoo.acme.in:0", "port"),
        ("https://odoo.acme.in:65536", "port"),
        ("https://demo:secret@acme.in:port", "credentials"),
        ("https://odoo.acme.in/a b", "path"),
        ("https://odoo.acme.in/a\nb", "path"),
        ("https://odoo.acme.in/पथ", "path"),
        ("https://odoo.acme.in/a\\b", "path"),
        ("https://" + "a" * 64 + ".in", "host"),
        ("https://acme.in/" + "a" * 2000, "host"),
    ],
)
def test_refused(typed, reason):
    with pytest.raises(AddressError) as caught:
        mend(typed)
    assert caught.value.reason == reason
    assert "secret" not in repr(caught.value)


@pytest.mark.parametrize(
    ("url", "reach"),
    [
        ("http://localhost", "loopback"),
        ("http://odoo.localhost", "loopback"),
        ("http://127.0.0.1:9", "loopback"),
        ("http://127.9.9.9", "loopback"),
        ("http://0.0.0.0", "loopback"),
        ("https://[::1]", "loopback"),
        ("https://[::]", "loopback"),
        ("https://[::ffff:127.0.0.1]", "loopback"),
        ("https://odoo", "private"),
        ("https://10.0.0.5", "private"),
        ("https://192.168.1.4:8069", "private"),
        ("https://172.16.0.1", "private"),
        ("https://169.254.1.1", "private"),
        ("https://100.64.0.1", "private"),
        ("https://224.0.0.1", "private"),
        ("https://[fe80::1]", "private"),
        ("https://[fd00::1]", "private"),
        ("https://[::ffff:10.0.0.5]", "private"),
        ("https://odoo.lan", "private"),
        ("https://odoo.acme.local", "private"),
        ("https://airtel.invalid", "private"),
        ("https://odoo.example.com", "public"),
        ("https://localhost.acme.in", "public"),
        ("https://127.0.0.1.acme.in", "public"),
        ("https://8.8.8.8", "public"),
        ("https://[2606:4700::1111]", "public"),
    ],
)
def test_reach(url, reach):
    assert read(url).reach == reach


def test_a_password_travels_encrypted_or_not_at_all():
    assert read("https://airtel.in").is_safe
    assert read("http://127.0.0.1:8270").is_safe
    assert not read("http://airtel.in").is_safe
    assert not read("http://192.168.1.5:8270").is_safe


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("/v2/execute/workflow", "/v2/execute/workflow"),
        (" v2/execute/workflow\n", "/v2/execute/workflow"),
        ("", ""),
        ("\u200b ", ""),
    ],
)
def test_path_is_mended(typed, expected):
    assert mend_path(typed) == expected


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("https://airtel.in/v2", "host"),
        ("//airtel.in/v2", "host"),
        ("/v2?x=1", "parameters"),
        ("/v2#x", "parameters"),
        ("/v2/execute workflow", "path"),
        ("/v2\\x", "path"),
    ],
)
def test_path_is_refused(typed, reason):
    with pytest.raises(AddressError) as caught:
        mend_path(typed)
    assert caught.value.reason == reason
