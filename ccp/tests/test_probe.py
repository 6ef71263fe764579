# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
import contextlib
import datetime
import http.server
import ipaddress
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ccp.safe import probe


class Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802 - the name that the base class looks for
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_arguments):
        """Say nothing."""


def make_certificate(folder, days, host="127.0.0.1"):
    """Write key and certificate of a host that ends in some days; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.timezone.utc)
    try:
        subject = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        subject = x509.DNSName(host)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=100))
        .not_valid_after(now + datetime.timedelta(days=days, minutes=1))
        .add_extension(x509.SubjectAlternativeName([subject]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@pytest.fixture
def serve():
    servers = []

    def start(certificate=None):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def trusting(certificate):
    return ssl.create_default_context(cafile=str(certificate))


def test_reach(serve, tmp_path):
    assert probe.reach(serve()) == "", "a 404 is an answer"
    assert probe.reach(serve(make_certificate(tmp_path, 30))) == "tls"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert probe.reach(f"http://127.0.0.1:{port}") == "closed"
    assert probe.reach("http://nobody.invalid") == "name"
    for url in ("http://127.0.0.1:port", "http://[::1", "https://a b/", "", "nothing"):
        assert probe.reach(url) == "bad_url", url


def test_reach_brings_no_credentials(serve, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(Quiet, "end_headers", lambda self: seen.append(dict(self.headers)))
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    probe.reach(serve())
    assert len(seen) == 1
    assert "Authorization" not in seen[0]


def test_reach_gives_up():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert probe.reach(f"http://127.0.0.1:{silent.getsockname()[1]}", 0.2) == "timeout"


def test_valid_certificate(serve, tmp_path):
    for days in (90, 5):
        file = make_certificate(tmp_path, days)
        assert probe.certificate(serve(file), context=trusting(file)) == ("", days)


def test_certificates_that_are_not_valid(serve, tmp_path):
    expired = make_certificate(tmp_path, -3)
    assert probe.certificate(serve(expired), context=trusting(expired)).reason == "expired"
    other = make_certificate(tmp_path, 30, "odoo.example.com")
    assert probe.certificate(serve(other), context=trusting(other)).reason == "name"
    own = make_certificate(tmp_path, 30)
    assert probe.certificate(serve(own)).reason == "untrusted"
    assert probe.certificate(serve().replace("http:", "https:")).reason == "tls"
    assert probe.certificate("https://127.0.0.1:9").reason == "unreachable"


# Somebody waits for it


@pytest.fixture
def dripping():
    """A server that answers a byte now and then, each in time, and never comes to an end."""
    done = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def drip():
        wire = listening.accept()[0]
        with wire, contextlib.suppress(OSError):
            wire.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not done.wait(0.1):
                wire.sendall(b"0")

    threading.Thread(target=drip, daemon=True).start()
    yield listening.getsockname()[1]
    done.set()
    listening.close()


def test_an_answer_that_drips_is_not_waited_for(dripping, monkeypatch):
    monkeypatch.setattr(probe, "TOTAL", 0.6)
    started = time.monotonic()
    assert probe.reach(f"http://127.0.0.1:{dripping}") == "timeout"
    assert time.monotonic() - started < 5


def test_a_certificate_that_does_not_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(probe, "TOTAL", 0.6)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        started = time.monotonic()
        assert probe.certificate(f"https://127.0.0.1:{port}").reason == "unreachable"
    assert time.monotonic() - started < 5


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch):
    done = threading.Event()
    monkeypatch.setattr(probe, "TOTAL", 0.6)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: done.wait(20))
    started = time.monotonic()
    assert probe.reach("https://airtel.example.com") == "timeout"
    assert probe.certificate("https://airtel.example.com").reason == "unreachable"
    assert time.monotonic() - started < 5
    done.set()
