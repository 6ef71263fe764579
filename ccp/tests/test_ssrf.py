"""Nobody's URL makes us ask a host inside: a real server listens there and must never be asked."""

import ipaddress
import itertools
import socket

import pytest
from servers import Server
from test_download import WAV, fetch, play
from test_hosts import FORBIDDEN

from ccp.safe import download
from ccp.safe.download import (
    HostList,
    RecordingError,
)

LISTED = "*.airtel.in, rec.example.com, files.localhost, *.internal, *.nip.io, *.localtest.me"
# Documentation's addresses do not count as public, so real ones; nothing is ever sent to them.
PUBLIC = ("8.8.8.8", "9.9.9.9", "2404:6800:4009::200e")
LOOPBACK = "127.0.0.1"
INSIDE = (
    *("127.0.0.1", "127.0.0.2", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.0.9"),
    *("192.168.0.1", "169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("224.0.0.1", "255.255.255.255"),
)


def ipv4_spellings(address):
    """One IPv4 address in the ways that some reader of URLs takes for it."""
    number = int(ipaddress.IPv4Address(address))
    parts = address.split(".")
    yield address
    yield str(number)
    yield hex(number)
    yield f"0{number:o}"
    yield ".".join(f"0{int(part):o}" for part in parts)
    yield ".".join(hex(int(part)) for part in parts)
    yield f"{parts[0]}.{number & 0xFFFFFF}"
    yield f"{parts[0]}.{parts[1]}.{number & 0xFFFF}"
    yield ".".join(f"%{ord(part[0]):02x}{part[1:]}" for part in parts)
    yield address.translate({ord(str(digit)): 0xFF10 + digit for digit in range(10)})
    yield address.replace(".", "\u3002")
    yield f"{address}."


def ipv6_spellings(address):
    """One IPv4 address inside IPv6 addresses."""
    number = int(ipaddress.IPv4Address(address))
    high, low = number >> 16, number & 0xFFFF
    yield f"[::ffff:{address}]"
    yield f"[::ffff:{high:x}:{low:x}]"
    yield f"[0:0:0:0:0:ffff:{address}]"
    yield f"[::{address}]"
    yield f"[64:ff9b::{address}]"
    yield f"[64:ff9b:1::{address}]"
    yield f"[2002:{high:x}:{low:x}::]"
    yield f"[2001:0:{high:x}:{low:x}::]"
    yield f"[::ffff:{address}%25lo]"


def hostile_urls(port):
    """URLs of places inside that look harmless to some reader.

    :param port: where the server inside listens
    """
    for address in INSIDE:
        for host in (*ipv4_spellings(address), *ipv6_spellings(address)):
            yield f"http://{host}:{port}/r.wav"
    for host in (*ipv4_spellings(LOOPBACK), *ipv6_spellings(LOOPBACK)):
        yield f"https://{host}/r.wav"
    for host in IPV6_HOSTS:
        yield f"http://{host}:{port}/r.wav"
    for host in LOCAL_NAMES:
        yield f"http://{host}:{port}/r.wav"
        yield f"https://{host}/r.wav"
    good, bad = "rec.airtel.in", f"{LOOPBACK}:{port}"
    for form in TRICKS:
        yield form.format(good=good, bad=bad)
    for scheme in SCHEMES:
        yield f"{scheme}{bad}/r.wav"
    for end in PORTS:
        yield f"https://{good}{end}"
    for end in METADATA:
        yield f"http://{end}"


IPV6_HOSTS = (
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::1%25lo]", "[::1%lo]", "[fe80::1]"),
    *("[fe80::1%25eth0]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[::1", "::1", "[::1]]"),
    *("[[::1]]", "[::1].airtel.in", "[v1.::1]", "[::1%2f.airtel.in]", "[::1]@rec.airtel.in"),
)
LOCAL_NAMES = (
    *("localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "ip6-localhost"),
    *("ip6-loopback", "loopback", "local", "broadcasthost", "files.localhost", "a.b.localhost"),
    *("127.0.0.1.nip.io", "127-0-0-1.nip.io", "7f000001.nip.io", "app.10.0.0.1.nip.io"),
    *("127.0.0.1.sslip.io", "localtest.me", "a.localtest.me", "lvh.me", "vcap.me"),
    *("metadata", "metadata.google.internal", "metadata.goog", "instance-data", "db.internal"),
    *("kubernetes.default.svc", "host.docker.internal", "gateway.docker.internal", "odoo", "db"),
    *("spoofed.burpcollaborator.net", "rec.airtel.in", "rec.airtel.in.", "a.b.airtel.in"),
    *("ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "loc\u00adalhost", "local\u200bhost", "lo\u0441alhost", "xn--localhost-"),
    *("127.0.0.1.airtel.in", "0x7f.1.airtel.in", "a_b.airtel.in", "-.airtel.in", "*.airtel.in"),
)
TRICKS = (
    # Somebody before the host
    *("http://{good}@{bad}/", "http://{good}:443@{bad}/", "https://{good}%40{bad}/"),
    *("https://{good}:x@{bad}/", "https://a@{good}@{bad}/", "https://{bad}@{good}/"),
    *("https://@{bad}/", "https://:@{bad}/", "https://{good}\uff20{bad}/", "//{good}@{bad}/"),
    # Where the host ends
    *("https://{bad}#.{good}", "https://{bad}?.{good}", "https://{bad}/.{good}"),
    *("https://{bad}\\.{good}/", "https://{bad}\\@{good}/", "https://{good}\\@{bad}/"),
    *("https://{bad};.{good}/", "https://{bad},.{good}/", "https://{bad}&.{good}/"),
    *("https://{bad}%23.{good}/", "https://{bad}%2f.{good}/", "https://{bad}%5c.{good}/"),
    *("https://{bad}%00.{good}/", "https://{bad}\0.{good}/", "https://{bad}\u2044.{good}/"),
    *("https://{bad}\uff0f.{good}/", "https://{bad}\uff1f.{good}/", "https://{bad}\uff03.{good}/"),
    *("https:\\\\{bad}\\{good}", "https:/{bad}/{good}", "https:{bad}/{good}", "https:///{bad}/"),
    *(
        "https:////{bad}/{good}",
        "/\\{bad}/{good}",
        "https://{good}#@{bad}/",
        "https://{good}?@{bad}\\",
    ),
    # Lines and blanks
    *(
        "https://{good}/\r\nHost: {bad}",
        "https://{good}\r\n@{bad}/",
        "https://{good}/ HTTP/1.1\r\n",
    ),
    *("https://{bad}\r\n.{good}/", "https://{bad}\t.{good}/", "https://{bad} .{good}/"),
    *("https://{good}\n.{bad}/", "\nhttp://{bad}/", "\thttp://{bad}/", "http://{bad}/\n"),
    *("ht\ntp://{bad}/", "http:\t//{bad}/", "\x00http://{bad}/", "\ufeffhttp://{bad}/"),
    *("https://{good}%0d%0a@{bad}/", "https://{good}%0d%0aHost:{bad}/", "https://{good}%09{bad}/"),
    # Two URLs, an address within one
    *(
        "http://{bad}/https://{good}/",
        "https://{good} http://{bad}/",
        "https://{good},http://{bad}/",
    ),
    *("url:http://{bad}/", "URL:https://{bad}/", "<http://{bad}/>", '"http://{bad}/"'),
    *("view-source:http://{bad}/", "blob:http://{bad}/", "jar:http://{bad}!/", "http://[{bad}]/"),
    *("http://{{good}}{bad}/", "http://${{good}}@{bad}/", "https://{good}:{bad}/"),
)
SCHEMES = (
    *(
        "http://",
        "HTTP://",
        "hTTp://",
        "http:",
        "https://",
        "ftp://",
        "ftps://",
        "sftp://",
        "tftp://",
    ),
    *("file://", "gopher://", "dict://", "ldap://", "ldaps://", "smb://", "netdoc://", "php://"),
    *("data:,", "javascript:", "unix://", "http+unix://", "ws://", "wss://", "git://", "ssh://"),
    *("telnet://", "rtsp://", "mailto:", "imap://", "", "//", "://", "http;//", "http\uff1a//"),
)
PORTS = (
    *(
        ":80/",
        ":8080/",
        ":22/",
        ":0/",
        ":65536/",
        ":-1/",
        ":/",
        ":443443443/",
        ":0x1bb/",
        ":４４３/",
    ),
    *(":443:80/", ":443@127.0.0.1/", ":80#:443", ":443\\@127.0.0.1/", ":6379/", ":5432/", ":1_0/"),
)
METADATA = (
    *("169.254.169.254/latest/meta-data/", "169.254.170.2/v2/credentials", "2852039166/latest/"),
    *(
        "0xa9fea9fe/latest/",
        "0251.0376.0251.0376/latest/",
        "169.254.43518/",
        "metadata/computeMetadata/",
    ),
    *("[::ffff:a9fe:a9fe]/latest/", "[fd00:ec2::254]/latest/", "100.100.100.200/latest/meta-data/"),
    *(
        "metadata.google.internal/computeMetadata/v1/",
        "192.0.0.192/latest/",
        "169.254.169.254.nip.io/",
    ),
    *(
        "168.63.129.16/machine",
        "instance-data/latest/",
        "169.254.169.254:80/",
        "169。254。169。254/",
    ),
)
# Made without a port of this run, so that each has a name of its own
URLS = tuple(
    dict.fromkeys([*(url for url in FORBIDDEN if isinstance(url, str)), *hostile_urls("CANARY")])
)


class Canary(Server):
    """A server inside. Counts connections, so that one without a request counts too."""

    def __init__(self):
        super().__init__(play)
        self.connections = 0

    def verify_request(self, request, client_address):
        self.connections += 1
        return True

    @property
    def asked(self):
        """How many connections there were, which one of our own, counted last, makes sure of."""
        _, content = fetch(f"{self.url}/control")
        assert content == WAV
        count, self.connections = self.connections - 1, 0
        return count


@pytest.fixture(scope="module")
def canary():
    server = Canary()
    yield server
    server.stop()


@pytest.fixture
def network(monkeypatch, canary):
    """Names lead where the test decides, and whatever leads to loopback leads to the canary."""

    class Network:
        def __init__(self):
            self.resolved, self.connected = [], []
            self.answers = itertools.repeat((LOOPBACK,))

        def lead_to(self, *answers):
            """What is answered, one after the other and from the beginning again."""
            self.answers = itertools.cycle(answers)

        def getaddrinfo(self, host, port, *args, **options):
            if (host, port) == (LOOPBACK, canary.server_port):
                return real_getaddrinfo(host, port, *args, **options)
            self.resolved.append(host)
            return [self._entry(address, port) for address in next(self.answers)]

        def _entry(self, address, port):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            is_inside = address == LOOPBACK
            sockaddr = (address, canary.server_port if is_inside else port)
            return family, socket.SOCK_STREAM, 6, "", sockaddr

    class Socket(socket.socket):
        def connect(self, sockaddr):
            if sockaddr != (LOOPBACK, canary.server_port):
                found.connected.append(sockaddr[0])
                raise ConnectionRefusedError("nothing is sent outside")
            super().connect(sockaddr)

    def forbidden(*args, **options):
        raise AssertionError("another way to a network")

    found, real_getaddrinfo = Network(), socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", found.getaddrinfo)
    monkeypatch.setattr(socket, "socket", Socket)
    for name in ("gethostbyname", "gethostbyname_ex", "create_connection"):
        monkeypatch.setattr(socket, name, forbidden)
    return found


def reason(url, hosts=LISTED):
    with pytest.raises(RecordingError) as caught:
        fetch(url, hosts)
    return caught.value.reason


def test_there_are_enough_of_them():
    assert len(URLS) >= 200
    assert len(set(URLS)) == len(URLS)


def test_the_canary_is_asked_when_its_origin_is_listed(canary, network):
    assert fetch(f"{canary.url}/r.wav", f"{LISTED}, {canary.url}")[1] == WAV
    assert canary.asked == 1
    named = f"http://db.internal:{canary.server_port}"
    assert fetch(f"{named}/r.wav", f"{LISTED}, {named}")[1] == WAV
    assert canary.asked == 1 and network.resolved == ["db.internal"]


def test_the_canary_counts_a_connection_without_a_request(canary):
    with socket.create_connection(("127.0.0.1", canary.server_port)):
        pass
    assert canary.asked == 1


@pytest.mark.parametrize("url", URLS, ids=lambda url: ascii(url)[1:60])
def test_hostile_urls(canary, network, url):
    """Every name and address leads to the canary, and still it is not asked."""
    url = url.replace("CANARY", str(canary.server_port))
    assert reason(url) in ("forbidden_host", "private_address")
    assert canary.asked == 0 and network.connected == []


def test_hostile_urls_beside_an_origin_inside_that_is_listed(canary, network):
    """Another origin of the same machine does not open the canary."""
    other = f"http://127.0.0.1:{canary.server_port ^ 1}, https://localhost:{canary.server_port}"
    for url in URLS:
        url = url.replace("CANARY", str(canary.server_port))
        assert reason(url, f"{LISTED}, {other}") in ("forbidden_host", "private_address")
    assert canary.asked == 0 and network.connected == []


def test_only_names_that_are_listed_are_resolved(canary, network):
    """The list alone keeps all others out: nobody learns that we were asked for them."""
    domains = (".airtel.in", ".internal", ".nip.io", ".localtest.me")
    names = ("rec.example.com", "files.localhost")
    for url in URLS:
        reason(url.replace("CANARY", str(canary.server_port)))
    assert network.resolved
    assert all(host in names or host.endswith(domains) for host in network.resolved)
    assert canary.asked == 0


def test_the_address_alone_keeps_the_canary_safe(canary, network, monkeypatch):
    """Were every URL allowed that can be read at all, no address inside would be asked."""
    monkeypatch.setattr(HostList, "allows", lambda self, target: True)
    for url in URLS:
        url = url.replace("CANARY", str(canary.server_port))
        if not url.startswith(f"{canary.url}/"):
            assert reason(url) in ("forbidden_host", "private_address")
    assert canary.asked == 0 and network.connected == []


def test_the_list_alone_keeps_the_canary_safe(canary, network, monkeypatch):
    """Were every address public, only names that are listed would lead to it, by https."""
    monkeypatch.setattr(download, "is_public", lambda address: True)
    reached = 0
    for url in URLS:
        before = len(network.resolved)
        outcome = reason(url.replace("CANARY", str(canary.server_port)))
        reached += len(network.resolved) - before
        assert outcome == ("no_connection" if len(network.resolved) > before else "forbidden_host")
    assert canary.asked == reached > 0


# A resolver that changes its mind

URL = "https://rec.airtel.in/r.wav"


def test_the_second_answer_is_never_asked_for(canary, network):
    network.lead_to((PUBLIC[0],), (LOOPBACK,))
    assert reason(URL) == "no_connection"
    assert network.resolved == ["rec.airtel.in"]
    assert network.connected == [PUBLIC[0]]
    assert canary.asked == 0


@pytest.mark.parametrize("is_first_public", [True, False])
def test_alternating_answers(canary, network, is_first_public):
    answers = [(PUBLIC[0],), (LOOPBACK,)]
    network.lead_to(*(answers if is_first_public else reversed(answers)))
    outcomes = [reason(URL) for _ in range(10)]
    expected = ["no_connection", "private_address"]
    assert outcomes == (expected if is_first_public else expected[::-1]) * 5
    assert len(network.resolved) == 10
    assert network.connected == [PUBLIC[0]] * 5
    assert canary.asked == 0


@pytest.mark.parametrize(
    "answer",
    [
        (LOOPBACK, PUBLIC[0]),
        (PUBLIC[0], LOOPBACK),
        (PUBLIC[0], PUBLIC[1], LOOPBACK),
        (*PUBLIC, LOOPBACK),
        (PUBLIC[2], "::1"),
        (PUBLIC[2], f"::ffff:{LOOPBACK}"),
        (PUBLIC[0], "169.254.169.254"),
        (PUBLIC[0], "0.0.0.0"),
        (LOOPBACK,) * 9,
    ],
)
def test_one_record_inside_spoils_all(canary, network, answer):
    network.lead_to(answer)
    assert reason(URL) == "private_address"
    assert network.connected == []
    assert canary.asked == 0


def test_a_record_that_was_not_checked_is_not_asked(canary, network):
    """Only so many are looked at, and no others are tried."""
    network.lead_to((PUBLIC[0],) * 4 + (LOOPBACK,))
    assert reason(URL) == "no_connection"
    assert network.connected == [PUBLIC[0]] * 4
    assert canary.asked == 0


def test_every_address_that_is_tried_was_checked(canary, network):
    network.lead_to(PUBLIC, (LOOPBACK,))
    assert reason(URL) == "no_connection"
    assert network.connected == list(PUBLIC)
    assert network.resolved == ["rec.airtel.in"]
    assert canary.asked == 0
