import json
import logging
import time
from base64 import b64encode
from pathlib import Path

import pytest
import requests

from ccp.airtel import client, const
from ccp.airtel.client import (
    CcpError,
    Client,
)

PATH = const.DEFAULT_API_PATH
USER, PASSWORD = "demo-ü", "p@55w0rd-ß"
BODY = {"callFlowId": "a+/=", "name": "अ"}
ERROR_CODES = [
    line.split(" ", 1)
    for line in (Path(__file__).parent / "data" / "error_codes.txt").read_text().splitlines()
]
# Section 4.2, without those that succeed
STATUSES = [400, 401, 403, 404, 405, 409, 412, 413, 500, 501, 503]


def error_body(status, code, message):
    """The error body of section 2."""
    return {
        "httpStatus": status,
        "displayMessage": None,
        "errorMessage": message,
        "errorCode": code,
        "errorType": None,
        "apiPath": None,
        "errorDetails": None,
        "resourceLayer": "CONTROLLER",
        "errorMeta": None,
    }


def client_of(base_url, **options):
    options = {"connect_timeout": 2.0, "read_timeout": 10.0} | options
    return Client(base_url, PATH, USER, PASSWORD, **options)


def failure(base_url, **options):
    with pytest.raises(CcpError) as caught:
        client_of(base_url, **options).execute(BODY)
    return caught.value


def outcome(base_url, **options):
    error = failure(base_url, **options)
    return error.outcome, error.code, error.status


def accept(exchange):
    exchange.reply(200, {"status": "success", "correlationId": "Xchange123863"})


def test_sends_the_request_of_the_specification(serve):
    server = serve(accept)
    answer = client_of(f" {server.url}/gateway/ ").execute(BODY)
    assert (answer.correlation_id, answer.status) == ("Xchange123863", 200)
    assert 0 < answer.seconds < 5
    (exchange,) = server.exchanges
    assert (exchange.command, exchange.path) == ("POST", f"/gateway{PATH}")
    assert exchange.headers["Content-Type"] == "application/json"
    credentials = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert exchange.headers["Authorization"] == f"Basic {credentials}"
    assert json.loads(exchange.body) == BODY


def test_the_specifications_own_credentials(serve):
    server = serve(accept)
    Client(server.url, PATH, "demo", "p@55w0rd").execute(BODY)
    assert server.exchanges[0].headers["Authorization"] == "Basic ZGVtbzpwQDU1dzByZA=="


@pytest.mark.parametrize("status", [200, 201, 202])
def test_every_success_with_a_correlation_id_is_an_answer(serve, status):
    server = serve(lambda exchange: exchange.reply(status, {"correlationId": 77}))
    assert client_of(server.url).execute(BODY) == client.Answer(
        "77", status, pytest.approx(0, abs=5)
    )


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [(int(status), *rest.split(": ", 1)) for status, rest in ERROR_CODES],
    ids=[rest for _, rest in ERROR_CODES],
)
def test_every_error_code_of_the_specification(serve, status, code, message):
    server = serve(lambda exchange: exchange.reply(status, error_body(status, code, message)))
    error = failure(server.url)
    assert (error.outcome, error.code, error.status) == ("refused", code, status)
    assert error.detail == message
    assert error.code in const.ERROR_CODES
    assert 0 < error.seconds < 5


@pytest.mark.parametrize("status", [*STATUSES, 402, 408, 418, 429, 505, 599])
@pytest.mark.parametrize("body", [b"", b"<html>gateway</html>", b"[]"])
def test_every_other_status_is_a_refusal(serve, status, body):
    server = serve(lambda exchange: exchange.reply(status, body))
    assert outcome(server.url) == ("refused", f"HTTP_{status}", status)


def test_unauthorized(serve):
    server = serve(lambda exchange: exchange.reply(401, {"message": "Unauthorized"}))
    error = failure(server.url)
    assert (error.code, error.detail) == ("HTTP_401", "Unauthorized")


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_that_lost_the_answer_leaves_us_in_doubt(serve, status):
    server = serve(lambda exchange: exchange.reply(status, b"<html>Bad Gateway</html>"))
    assert outcome(server.url) == ("unknown", f"HTTP_{status}", status)


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_that_passes_airtels_refusal_on_does_not(serve, status):
    body = error_body(status, "INVALID_CALLER_ID", "invalid called id")
    server = serve(lambda exchange: exchange.reply(status, body))
    assert outcome(server.url) == ("refused", "INVALID_CALLER_ID", status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(serve, status):
    other = serve(accept)
    server = serve(lambda exchange: exchange.reply(status, b"", Location=other.url + PATH))
    assert outcome(server.url) == ("refused", f"HTTP_{status}", status)
    assert not other.exchanges


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "BROKEN_BODY"),
        (b'{"correlationId": "Xch', "BROKEN_BODY"),
        (b"<html></html>", "BROKEN_BODY"),
        (b"\xff\xfe\x00", "BROKEN_BODY"),
        (b"[" * 60_000, "BROKEN_BODY"),
        (b'["Xchange1"]', "BROKEN_BODY"),
        (b'"Xchange1"', "BROKEN_BODY"),
        (b'{"correlationId": "Xchange1", "x": "' + b"x" * 70_000 + b'"}', "BROKEN_BODY"),
        (b"{}", "NO_CORRELATION_ID"),
        (b'{"status": "success"}', "NO_CORRELATION_ID"),
        (b'{"correlationId": null}', "NO_CORRELATION_ID"),
        (b'{"correlationId": ""}', "NO_CORRELATION_ID"),
        (b'{"correlationId": "  "}', "NO_CORRELATION_ID"),
        (b'{"correlationId": true}', "NO_CORRELATION_ID"),
        (b'{"correlationId": {"a": 1}}', "NO_CORRELATION_ID"),
        (b'{"correlationId": "a\\nb"}', "NO_CORRELATION_ID"),
        (b'{"correlationId": "' + b"x" * 500 + b'"}', "NO_CORRELATION_ID"),
        (b'{"errorCode": "SOMETHING_NEW"}', "NO_CORRELATION_ID"),
    ],
    ids=range(18),
)
def test_a_success_that_cannot_be_read_leaves_us_in_doubt(serve, body, code):
    server = serve(lambda exchange: exchange.reply(200, body))
    assert outcome(server.url) == ("unknown", code, 200)


def test_a_success_that_is_a_known_error_is_a_refusal(serve):
    body = error_body(400, "INVALID_CALLER_ID", "invalid called id")
    server = serve(lambda exchange: exchange.reply(200, body))
    assert outcome(server.url) == ("refused", "INVALID_CALLER_ID", 200)


# Nothing was sent


def test_nobody_listens(closed_port):
    assert outcome(f"http://127.0.0.1:{closed_port}") == ("refused", "NO_CONNECTION", None)


def test_the_name_is_unknown():
    assert outcome("http://no-such-host.invalid") == ("refused", "NO_CONNECTION", None)


def test_a_connection_that_never_stands(closed_port):
    # The port is bound and does not accept, and its queue is full: like a firewall that drops.
    import socket

    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        started = time.monotonic()
        result = outcome(url, connect_timeout=0.3)
        assert time.monotonic() - started < 10
    assert result == ("refused", "NO_CONNECTION", None)


def test_the_certificate_is_not_trusted(serve, certify):
    server = serve(accept, certify("localhost"))
    assert outcome(server.url) == ("refused", "TLS", None)
    assert not server.exchanges


def test_https_where_http_is_spoken(serve):
    server = serve(accept)
    assert outcome(server.url.replace("http:", "https:")) == ("refused", "TLS", None)


def test_a_tls_handshake_that_hangs_sent_nothing():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        result = outcome(url, connect_timeout=0.3, read_timeout=3)
    assert result == ("refused", "NO_CONNECTION", None)


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "airtel.in",
        "ftp://airtel.in",
        "http://",
        "http://[",
        "http://a b.in",
        "http://.in",
        "http://h:99999",
        "http://h:port",
        "http://\x00",
    ],
)
def test_a_base_url_that_is_none(base_url):
    error = failure(base_url)
    assert error.outcome == "refused"
    assert error.code in ("BAD_URL", "NO_CONNECTION")


# It may have been accepted


def test_no_answer_in_time(serve):
    server = serve(lambda exchange: exchange.hang())
    started = time.monotonic()
    assert outcome(server.url, read_timeout=0.4) == ("unknown", "TIMEOUT", None)
    assert time.monotonic() - started < 10
    assert len(server.exchanges) == 1


def test_a_reset_after_the_request(serve):
    server = serve(lambda exchange: exchange.reset())
    assert outcome(server.url) == ("unknown", "RESET", None)
    assert len(server.exchanges) == 1


def test_a_connection_that_ends_without_an_answer(serve):
    server = serve(lambda exchange: None)
    assert outcome(server.url) == ("unknown", "RESET", None)
    assert len(server.exchanges) == 1


def test_garbage_instead_of_http(serve):
    server = serve(lambda exchange: exchange.send_raw(b"SSH-2.0-OpenSSH_9.6\r\n"))
    assert outcome(server.url) == ("unknown", "RESET", None)


def test_a_success_whose_body_stops_coming(serve):
    def answer(exchange):
        exchange.send_raw(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"correl')
        exchange.hang()

    assert outcome(serve(answer).url, read_timeout=0.4) == ("unknown", "TIMEOUT", 200)


def test_a_success_whose_body_is_cut(serve):
    def answer(exchange):
        exchange.send_raw(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"correl')

    result = outcome(serve(answer).url)
    # Older versions of urllib3 do not notice that less came than was announced.
    assert result in [("unknown", "RESET", 200), ("unknown", "BROKEN_BODY", 200)]


def test_a_refusal_whose_body_is_cut_is_still_one(serve):
    def answer(exchange):
        exchange.send_raw(b'HTTP/1.1 400 No\r\nContent-Length: 99\r\n\r\n{"error')
        exchange.hang()

    assert outcome(serve(answer).url, read_timeout=0.4) == ("refused", "HTTP_400", 400)


@pytest.mark.parametrize(
    ("head", "drops"),
    [
        (b"", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 500),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b'{"a": "' + b"x" * 500),
        (b"HTTP/1.1 200 OK\r\n\r\n", b'{"a": "' + b"x" * 500),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0" * 500),
    ],
    ids=["headers", "body", "body without a length", "chunks"],
)
def test_an_answer_that_drips_ends_in_time(serve, head, drops):
    def answer(exchange):
        exchange.send_raw(head)
        exchange.drip(drops, 0.05)

    started = time.monotonic()
    error = failure(serve(answer).url, connect_timeout=0.5, read_timeout=0.5)
    assert time.monotonic() - started < 10
    assert (error.outcome, error.code) == ("unknown", "TIMEOUT")
    assert 0.9 < error.seconds < 10


def test_a_slow_answer_in_time_is_an_answer(serve):
    def answer(exchange):
        exchange.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n", 0.001)
        exchange.drip(b'{"correlationId": "X"}', 0.001)

    assert client_of(serve(answer).url).execute(BODY).correlation_id == "X"


def test_nothing_is_ever_sent_twice(serve):
    for answer in (
        lambda exchange: exchange.reset(),
        lambda exchange: None,
        lambda exchange: exchange.reply(503, b"", Retry_After="0"),
        lambda exchange: exchange.reply(500, b""),
        lambda exchange: exchange.reply(307, b"", Location="/again"),
    ):
        server = serve(answer)
        failure(server.url)
        time.sleep(0.05)
        assert len(server.exchanges) == 1


# Secrets


def all_texts(error):
    texts = [str(error), repr(error), error.detail]
    while error := error.__cause__ or error.__context__:
        texts += [str(error), repr(error)]
    return " ".join(texts)


def test_no_text_tells_a_secret(serve, closed_port, caplog):
    caplog.set_level(logging.DEBUG)
    token = b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def tell_all(exchange):
        message = (
            f"{exchange.headers['Authorization']} {PASSWORD} calls 9876543210 \x00\n" + "x" * 999
        )
        exchange.reply(400, error_body(400, "INVALID_CALLER_ID", message))

    for base in (serve(tell_all).url, f"http://127.0.0.1:{closed_port}"):
        error = failure(base.replace("http://", "http://someone:s3cret@"))
        for secret in (PASSWORD, token, "s3cret", "9876543210"):
            assert secret not in all_texts(error)
            assert secret not in caplog.text
        assert len(error.detail) <= client.MAX_DETAIL
        assert error.detail.isprintable()


def test_a_client_shows_no_secret():
    shown = repr(Client("https://u:s3cret@h.example", PATH, USER, PASSWORD))
    for secret in ("s3cret", PASSWORD, USER):
        assert secret not in shown


@pytest.mark.parametrize("message", [None, 7, ["x"], {"a": 1}, "", "\ud800", "x" * 10**4])
def test_airtels_message_can_be_anything(serve, message):
    server = serve(lambda exchange: exchange.reply(400, error_body(400, "X_1", message)))
    error = failure(server.url)
    assert error.code == "X_1"
    assert len(error.detail) <= client.MAX_DETAIL


@pytest.mark.parametrize("code", [None, 7, [], "", "lower case", "X\n", "A" * 200, "ÄÖÜ"])
def test_airtels_code_can_be_anything(serve, code):
    server = serve(lambda exchange: exchange.reply(400, error_body(400, code, "m")))
    assert failure(server.url).code == "HTTP_400"


# Proxies and replaced sessions


def test_goes_through_the_proxy_of_the_environment(serve, monkeypatch):
    proxy = serve(accept)
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "")
    answer = client_of("http://airtel.example").execute(BODY)
    assert answer.correlation_id == "Xchange123863"
    assert proxy.exchanges[0].path == f"http://airtel.example{PATH}"


def test_the_clients_session_can_be_replaced_below(monkeypatch):
    seen = []

    def send(session, prepared, **options):
        seen.append((prepared.method, prepared.url, options["allow_redirects"]))
        response = requests.Response()
        response.status_code = 200
        response._content = b'{"correlationId": "X"}'
        return response

    monkeypatch.setattr(requests.sessions.Session, "send", send)
    assert client_of("http://h").execute(BODY).correlation_id == "X"
    assert seen == [("POST", f"http://h{PATH}", False)]


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (requests.ReadTimeout(), ("unknown", "TIMEOUT", None)),
        (requests.ConnectTimeout(), ("refused", "NO_CONNECTION", None)),
        (requests.ConnectionError(), ("refused", "NO_CONNECTION", None)),
        (requests.exceptions.SSLError(), ("refused", "TLS", None)),
    ],
)
def test_exceptions_of_a_replaced_session(monkeypatch, raised, expected):
    def send(session, prepared, **options):
        raise raised

    monkeypatch.setattr(requests.sessions.Session, "send", send)
    assert outcome("http://h") == expected
