import logging
import os
import socket
import struct
import time
from itertools import count

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from ccp.safe.download import (
    HostList,
    RecordingError,
    open_recording,
    sniff,
)

TOKEN = "aB+/9=%2f%2B%7e~='!(),;:@&"
WAV = b"RIFF" + struct.pack("<I", 36 + 4000) + b"WAVEfmt " + bytes(range(200)) * 20
OPTIONS = {"connect_timeout": 2.0, "read_timeout": 10.0, "total_seconds": 20.0}


def fetch(url, hosts=None, **options):
    """All of a recording, with what is told about it."""
    hosts = HostList(hosts or origin(url))
    with open_recording(url, hosts, **(OPTIONS | options)) as recording:
        return recording, b"".join(recording.iter_chunks())


def origin(url):
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].partition('?')[0]}"


def reason(url, hosts=None, **options):
    with pytest.raises(RecordingError) as caught:
        fetch(url, hosts, **options)
    return caught.value.reason


def play(exchange):
    exchange.reply(200, WAV, Content_Type="application/octet-stream", Accept_Ranges="bytes")


@pytest.fixture
def resolve(monkeypatch):
    """Decide to which addresses names lead: ``resolve("192.0.2.1", ...)``."""

    def decide(*addresses):
        def getaddrinfo(host, port, *args, **options):
            asked.append(host)
            return [
                (
                    socket.AF_INET6 if ":" in address else socket.AF_INET,
                    socket.SOCK_STREAM,
                    6,
                    "",
                    (address, port),
                )
                for address in addresses
            ]

        asked = []
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return decide


# A good one


def test_fetches_a_recording(serve):
    server = serve(play)
    recording, content = fetch(f"{server.url}/r.mp3?token={TOKEN}")
    assert content == WAV
    assert (recording.content_type, recording.length) == ("audio/wav", len(WAV))
    (exchange,) = server.exchanges
    assert exchange.headers["Host"] == f"127.0.0.1:{server.server_port}"
    assert "Authorization" not in exchange.headers
    assert "Range" not in exchange.headers


@pytest.mark.parametrize(
    "target",
    [
        f"/r.wav?token={TOKEN}",
        "/a%2Fb%2fc/../d//e?x=%41&y=+&z=a/b=c==",
        "/?" + "A/+=" * 45,
        "/%E0%A4%85",
    ],
)
def test_the_url_is_sent_byte_for_byte(serve, target):
    server = serve(play)
    fetch(server.url + target)
    assert server.exchanges[0].requestline == f"GET {target} HTTP/1.1"


def test_nobody_asked_for_a_part(serve):
    server = serve(lambda exchange: exchange.reply(206, WAV))
    assert reason(f"{server.url}/r") == "http_error"


@pytest.mark.parametrize("framing", ["chunked", "until the end"])
def test_a_recording_of_unknown_length(serve, framing):
    def answer(exchange):
        if framing == "chunked":
            exchange.send_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for start in range(0, len(WAV), 1000):
                piece = WAV[start : start + 1000]
                exchange.send_raw(b"%x\r\n%s\r\n" % (len(piece), piece))
            exchange.send_raw(b"0\r\n\r\n")
        else:
            exchange.send_raw(b"HTTP/1.1 200 OK\r\n\r\n" + WAV)

    recording, content = fetch(f"{serve(answer).url}/r")
    assert (content, recording.length) == (WAV, None)


def test_pieces_come_as_they_arrive(serve):
    def answer(exchange):
        exchange.send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n" + WAV[:1000])
        exchange.server.stopping.wait(0.2)
        exchange.send_raw(WAV[1000:4000])

    with open_recording(
        f"{(server := serve(answer)).url}/r", HostList(server.url), **OPTIONS
    ) as recording:
        chunks = recording.iter_chunks()
        assert next(chunks) == WAV[:1000]
        assert b"".join(chunks) == WAV[1000:4000]


# Who may be asked


def test_a_host_that_is_not_listed_is_not_asked(serve):
    server = serve(play)
    assert reason(f"{server.url}/r", "*.airtel.in") == "forbidden_host"
    assert reason(f"{server.url}/r", "http://127.0.0.1:1") == "forbidden_host"
    assert not server.exchanges


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
    ],
)
def test_a_listed_name_that_leads_to_a_private_address(resolve, addresses):
    asked = resolve(*addresses)
    assert reason("https://rec.airtel.in/r", "*.airtel.in") == "private_address"
    assert asked == ["rec.airtel.in"]


def test_a_name_is_resolved_once_and_the_connection_goes_there(serve, resolve):
    server = serve(play)
    asked = resolve("127.0.0.1")
    url = f"http://rec.airtel.in:{server.server_port}/r"
    _, content = fetch(url)
    assert content == WAV
    assert asked == ["rec.airtel.in"]
    assert server.exchanges[0].headers["Host"] == f"rec.airtel.in:{server.server_port}"


def test_the_next_address_is_tried(serve, resolve):
    server = serve(play)
    resolve("127.0.0.2", "127.0.0.1")
    assert fetch(f"http://rec.airtel.in:{server.server_port}/r")[1] == WAV


def test_a_name_that_leads_nowhere():
    assert reason("https://no-such-host.invalid/r", "no-such-host.invalid") == "no_connection"


def test_a_host_without_addresses(resolve):
    resolve()
    assert reason("https://rec.airtel.in/r", "*.airtel.in") == "no_connection"


def test_no_proxy_is_used(serve, monkeypatch):
    proxy, server = serve(play), serve(play)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.setenv("no_proxy", "")
    fetch(f"{server.url}/r")
    assert not proxy.exchanges


def test_no_credentials_of_the_machine_are_sent(serve, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(play)
    fetch(f"{server.url}/r")
    assert "Authorization" not in server.exchanges[0].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(serve, status):
    other = serve(play)
    server = serve(lambda exchange: exchange.reply(status, b"", Location=f"{other.url}/r"))
    assert reason(f"{server.url}/r") == "redirect"
    assert not other.exchanges


# TLS


def test_the_certificate_must_be_the_hosts(serve, certify, resolve, monkeypatch):
    certificate = certify("rec.airtel.in")
    server = serve(play, certificate)
    resolve("127.0.0.1")
    good = f"https://rec.airtel.in:{server.server_port}/r?token={TOKEN}"
    assert reason(good) == "no_connection"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate[0])
    assert fetch(good)[1] == WAV
    other = f"https://other.airtel.in:{server.server_port}/r"
    assert reason(other) == "no_connection"
    assert len(server.exchanges) == 1


def test_https_where_http_is_spoken(serve):
    server = serve(play)
    assert reason(f"{server.url.replace('http:', 'https:')}/r") == "no_connection"


# Not yet, not at all


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, "not_ready") for status in (202, 204, 403, 404, 409, 423, 425, 429)),
        *((status, "not_ready") for status in (500, 502, 503, 504)),
        (410, "gone"),
        *((status, "http_error") for status in (203, 400, 401, 405, 416, 451, 501)),
    ],
)
def test_statuses(serve, status, expected):
    server = serve(lambda exchange: exchange.reply(status, b""))
    with pytest.raises(RecordingError) as caught:
        fetch(f"{server.url}/r")
    assert (caught.value.reason, caught.value.status) == (expected, status)


def test_an_empty_recording_is_not_ready(serve):
    server = serve(lambda exchange: exchange.reply(200, b""))
    assert reason(f"{server.url}/r") == "not_ready"


@pytest.mark.parametrize(
    "body",
    [b"<html>please log in</html>", b'{"message": "wait"}', b"RIFF", b"\0" * 1000, b"%PDF-1.7"],
)
def test_what_is_no_sound(serve, body):
    server = serve(lambda exchange: exchange.reply(200, body, Content_Type="audio/wav"))
    assert reason(f"{server.url}/r.wav") == "not_audio"


def test_a_recording_that_announces_too_much(serve):
    server = serve(play)
    assert reason(f"{server.url}/r", max_bytes=len(WAV) - 1) == "too_large"
    assert fetch(f"{server.url}/r", max_bytes=len(WAV))[1] == WAV


def test_a_recording_that_does_not_end(serve):
    def answer(exchange):
        exchange.send_raw(b"HTTP/1.1 200 OK\r\n\r\n" + WAV)
        while not exchange.server.stopping.is_set():
            exchange.send_raw(b"\0" * 65536)

    server = serve(answer)
    with open_recording(
        f"{server.url}/r", HostList(server.url), max_bytes=1_000_000, **OPTIONS
    ) as recording:
        with pytest.raises(RecordingError) as caught:
            size = count()
            for chunk in recording.iter_chunks():
                assert next(size) * len(chunk) < 10_000_000
    assert caught.value.reason == "too_large"


# Bounds


def test_nobody_listens(closed_port):
    assert reason(f"http://127.0.0.1:{closed_port}/r") == "no_connection"


def test_no_answer_in_time(serve):
    server = serve(lambda exchange: exchange.hang())
    started = time.monotonic()
    assert reason(f"{server.url}/r", read_timeout=0.4) == "timeout"
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "answer", [lambda exchange: exchange.reset(), lambda exchange: None], ids=["reset", "end"]
)
def test_a_connection_that_ends(serve, answer):
    assert reason(f"{serve(answer).url}/r") == "no_connection"


def test_garbage_instead_of_http(serve):
    server = serve(lambda exchange: exchange.send_raw(b"SSH-2.0-OpenSSH\r\n"))
    assert reason(f"{server.url}/r") == "no_connection"


@pytest.mark.parametrize(
    ("then", "expected"),
    [("hang", "timeout"), ("end", "no_connection"), ("reset", "no_connection")],
)
def test_a_recording_that_breaks_off(serve, then, expected):
    def answer(exchange):
        exchange.send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + WAV[:2000])
        exchange.server.stopping.wait(0.1)
        if then != "end":
            getattr(exchange, then)()

    assert reason(f"{serve(answer).url}/r", read_timeout=0.4) == expected


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + WAV,
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + WAV,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["headers", "head", "body", "body with a length", "chunks"],
)
def test_a_recording_that_drips_ends_in_time(serve, head):
    def answer(exchange):
        exchange.send_raw(head)
        exchange.drip((b"" if head else b"HTTP/1.1 200 OK\r\nX: ") + b"0" * 500, 0.05)

    started = time.monotonic()
    assert reason(f"{serve(answer).url}/r", total_seconds=0.8) == "timeout"
    assert 0.7 < time.monotonic() - started < 10


def test_connections_are_closed(serve):
    server = serve(play)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    if before is None:
        pytest.skip("needs /proc to count open files")
    for _ in range(5):
        fetch(f"{server.url}/r")
        reason(f"{server.url}/r", max_bytes=1)
    with open_recording(f"{server.url}/r", HostList(server.url), **OPTIONS):
        pass
    server.stop()
    time.sleep(0.1)
    assert len(os.listdir("/proc/self/fd")) <= before


# Secrets


def test_no_text_and_no_log_tells_the_url(serve, closed_port, caplog):
    caplog.set_level(logging.DEBUG)
    secret = "t0ken"
    answers = [
        play,
        lambda exchange: exchange.reset(),
        lambda exchange: exchange.reply(404, b""),
        lambda exchange: exchange.reply(302, b"", Location="/x"),
        lambda exchange: exchange.send_raw(b"HTTP/1.1 200 OK\r\nbroken header\r\n\r\n" + WAV),
    ]
    urls = [f"{serve(answer).url}/{secret}?x={secret}" for answer in answers]
    urls += [
        f"http://127.0.0.1:{closed_port}/{secret}",
        f"http://[{secret}",
        f"https://{secret}.example/",
    ]
    for url in urls:
        try:
            recording, _ = fetch(url, "http://127.0.0.1:1" if "example" in url else None)
            assert secret not in repr(recording)
        except RecordingError as error:
            shown = error
            while shown:
                assert secret not in str(shown) + repr(shown)
                shown = shown.__cause__ or shown.__context__
    assert secret not in caplog.text


def test_the_session_can_be_replaced_below(monkeypatch):
    seen = []

    def send(session, prepared, **options):
        seen.append((prepared.url, options["allow_redirects"]))
        raise requests.ReadTimeout("no network in tests")

    monkeypatch.setattr(requests.sessions.Session, "send", send)
    url = f"http://127.0.0.1:9/r?token={TOKEN}"
    assert reason(url) == "timeout"
    assert seen == [(url, False)]


# Sounds


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (WAV[:12], "audio/wav"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x00\x00\x00", "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + b"\0" * 8, "audio/mpeg"),
        (b"\xff\xf3\x40\xc4" + b"\0" * 8, "audio/mpeg"),
        (b"\xff\xe3\x18\xc4" + b"\0" * 8, "audio/mpeg"),
        (b"\xff\xf1\x50\x80" + b"\0" * 8, "audio/aac"),
        (b"OggS\x00\x02" + b"\0" * 6, "audio/ogg"),
        (b"fLaC\x00\x00\x00\x22" + b"\0" * 4, "audio/flac"),
        (b"#!AMR\n" + b"\0" * 6, "audio/amr"),
        (b"#!AMR-WB\n\0\0\0", "audio/amr-wb"),
        (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
        (b".snd\0\0\0\x18\0\0\0\0", "audio/basic"),
        (b"", None),
        (b"RIFF", None),
        (b"RIFF\0\0\0\0AVI ", None),
        (b"<!DOCTYPE html>", None),
        (b"<html>", None),
        (b'{"error": 1}', None),
        (b"\xff\xfeh\0t\0m\0l\0", None),
        (b"\xef\xbb\xbf<html>", None),
        (b"\xff\xff\xff\xff", None),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", None),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"%PDF-1.7", None),
        (b"PK\x03\x04", None),
        (b"\0" * 12, None),
    ],
    ids=range(26),
)
def test_sniff(head, content_type):
    assert sniff(head) == content_type


@given(st.text(max_size=30), st.sampled_from(["utf-8", "utf-16", "utf-16-be", "latin-1"]))
def test_no_text_is_a_sound(text, encoding):
    raw = text.encode(encoding, "replace")
    known = (b"ID3", b"OggS", b"fLaC", b"#!AMR", b".snd", b"RIFF")
    if not raw.startswith(known) and raw[4:8] != b"ftyp" and raw[:1] != b"\xff":
        assert sniff(raw) is None
