# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Fetches a recording (section 1.1: its URL comes with the CDR).

Anybody who has the URL can listen, so no exception and no log contains it. Anybody who can post a
CDR could make Odoo fetch a URL, so only listed hosts are asked, and the connection goes to exactly
the address that was checked.
"""

import http.client
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from .deadline import Watch
from .hosts import (
    Address,
    HostList,
    Target,
    is_public,
)

__all__ = ["HostList", "MAX_BYTES", "Recording", "RecordingError", "open_recording", "sniff"]

MAX_BYTES = 200 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
HEAD_BYTES = 512

# Airtel prepares a recording after the call; until then the URL answers with one of these.
_NOT_READY = frozenset({202, 204, 403, 404, 409, 423, 425, 429, 500, 502, 503, 504})


class RecordingError(Exception):
    """The recording could not be fetched. The text is only the reason.

    :ivar reason: ``forbidden_host``; ``private_address``; ``not_ready`` (try again later);
        ``gone``; ``too_large``; ``timeout``; ``no_connection`` (also if it broke off, or the
        certificate is wrong); ``not_audio``; ``redirect``; ``http_error``
    :ivar status: HTTP status, ``None`` without an answer
    """

    def __init__(self, reason: str, status: int | None = None):
        super().__init__(reason)
        self.reason = reason
        self.status = status


def sniff(head: bytes) -> str | None:
    """Return a sound's content type by its first bytes; ``None`` for anything else.

    :param head: 12 bytes are enough
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    for beginning, content_type in _BEGINNINGS.items():
        if head.startswith(beginning):
            return content_type
    if head[4:8] == b"ftyp":
        return "audio/mp4"
    return _sniff_frame(head)


_BEGINNINGS = {
    b"ID3": "audio/mpeg",
    b"OggS": "audio/ogg",
    b"fLaC": "audio/flac",
    b"#!AMR-WB": "audio/amr-wb",
    b"#!AMR": "audio/amr",
    b".snd": "audio/basic",
}


def _sniff_frame(head: bytes) -> str | None:
    """Recognise MPEG audio by its first frame: 11 set bits, then fields with reserved values."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0 and head[1] & 0xF0 == 0xF0:
        return "audio/aac"
    bit_rate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
    is_frame = version != 1 and layer in (1, 2) and 0 < bit_rate < 15 and sample_rate != 3
    return "audio/mpeg" if is_frame else None


@dataclass
class Recording:
    """A recording while it is being fetched."""

    content_type: str
    length: int | None
    """Bytes to come; ``None`` if the server does not say."""
    _chunks: Iterator[bytes] = field(repr=False)

    def iter_chunks(self) -> Iterator[bytes]:
        """Yield the bytes as they come, once.

        :raises RecordingError: ``too_large``, ``timeout``, or ``no_connection`` if it breaks off
        """
        return self._chunks


@contextmanager
def open_recording(
    url: str,
    hosts: HostList,
    *,
    connect_timeout: float = 5.0,
    read_timeout: float = 15.0,
    total_seconds: float = 120.0,
    max_bytes: int = MAX_BYTES,
) -> Iterator[Recording]:
    """Open a recording for reading; a context manager.

    It follows no redirect, uses no proxy, and sends the URL unchanged.

    :param url: as received
    :param connect_timeout: seconds for each address of the host
    :param read_timeout: seconds without a byte
    :param total_seconds: the limit for everything together
    :raises RecordingError: when it cannot be fetched
    """
    target = Target.read(url)
    if target is None or not hosts.allows(target):
        raise RecordingError("forbidden_host")
    addresses = _checked_addresses(target, hosts.names_origin(target))
    with ExitStack() as stack:
        watch = stack.enter_context(Watch(total_seconds))
        session = stack.enter_context(requests.Session())
        session.trust_env = False
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        session.mount(f"{target.scheme}://", _PinnedAdapter(target, addresses, watch))
        request = _request(session, url, target)
        try:
            response = session.send(
                request,
                timeout=(connect_timeout, read_timeout),
                stream=True,
                allow_redirects=False,
            )
        except (OSError, http.client.HTTPException) as error:
            raise _broken(error, watch) from None
        stack.enter_context(response)
        _check_status(response.status_code)
        yield _recording(response, watch, max_bytes)


def _checked_addresses(target: Target, any_address: bool) -> list[Address]:
    try:
        addresses = target.addresses()
    except (OSError, UnicodeError):
        raise RecordingError("no_connection") from None
    if not any_address and not all(map(is_public, addresses)):
        raise RecordingError("private_address")
    return addresses


def _request(session: requests.Session, url: str, target: Target) -> requests.PreparedRequest:
    # Identity: no compression, so the bytes are stored as they come.
    headers = {"Accept": "audio/*, */*;q=0.1", "Accept-Encoding": "identity"}
    host = f"[{target.host}]" if ":" in target.host else target.host
    origin = f"{target.scheme}://{host}:{target.port}/"
    prepared = session.prepare_request(requests.Request("GET", origin, headers=headers))
    # Set afterwards: preparing would decode and encode parts of it again.
    prepared.url = url
    return prepared


def _check_status(status: int) -> None:
    if status == 200:
        return
    if 300 <= status < 400:
        raise RecordingError("redirect", status)
    if status == 410:
        raise RecordingError("gone", status)
    raise RecordingError("not_ready" if status in _NOT_READY else "http_error", status)


def _recording(response: requests.Response, watch: Watch, max_bytes: int) -> Recording:
    status = response.status_code
    length = _length(response)
    if length is not None and length > max_bytes:
        raise RecordingError("too_large", status)
    chunks = _chunks(response, watch, max_bytes, length)
    head, chunks = _look_at_head(chunks)
    if not head:
        raise RecordingError("not_ready", status)
    content_type = sniff(head)
    if not content_type:
        raise RecordingError("not_audio", status)
    return Recording(content_type, length, chunks)


def _length(response: requests.Response) -> int | None:
    announced = response.headers.get("Content-Length", "")
    is_number = announced.isascii() and announced.isdigit() and len(announced) <= 18
    return int(announced) if is_number and "Transfer-Encoding" not in response.headers else None


def _chunks(
    response: requests.Response, watch: Watch, max_bytes: int, length: int | None
) -> Iterator[bytes]:
    received = 0
    try:
        for chunk in response.iter_content(CHUNK_BYTES):
            received += len(chunk)
            if received > max_bytes:
                raise RecordingError("too_large", response.status_code)
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise _broken(error, watch) from None
    # A connection that ends looks like the end of the sound.
    if watch.expired:
        raise RecordingError("timeout", response.status_code)
    if length is not None and received != length:
        raise RecordingError("no_connection", response.status_code)


def _look_at_head(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return enough of the beginning to recognise it, and an iterator over all of it."""
    taken = []
    while sum(map(len, taken)) < HEAD_BYTES and (chunk := next(chunks, b"")):
        taken.append(chunk)
    return b"".join(taken), _chain(taken, chunks)


def _chain(taken: list[bytes], chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield from taken
    yield from chunks


def _broken(error: Exception, watch: Watch) -> RecordingError:
    is_timeout = watch.expired or isinstance(error, TimeoutError | requests.Timeout)
    return RecordingError("timeout" if is_timeout else "no_connection")


class _PinnedAdapter(BaseAdapter):
    """Makes one exchange with the checked addresses, whatever the name resolves to now.

    Not urllib3: that would write the URL with its token into its debug log, and encode it again.
    """

    def __init__(self, target: Target, addresses: list[Address], watch: Watch):
        super().__init__()
        self._target = target
        self._addresses = addresses
        self._watch = watch

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        """See ``requests.adapters.BaseAdapter``; raises ``OSError`` and ``HTTPException``."""
        connection = self._connection(timeout, verify)
        try:
            connection.request("GET", self._target.path, headers=dict(request.headers))
            answer = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        response = requests.Response()
        response.request = request
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.getheaders())
        response.raw = _Body(connection, answer)
        return response

    def close(self):
        """Do nothing: each response closes its own connection."""

    def _connection(self, timeout, verify) -> http.client.HTTPConnection:
        """Return an open connection, including TLS; otherwise http.client would open one itself."""
        connect_timeout, read_timeout = timeout
        host, port = self._target.host, self._target.port
        plain = self._connect(connect_timeout)
        try:
            if self._target.scheme == "http":
                connection = http.client.HTTPConnection(host, port)
                connection.sock = plain
            else:
                context = _tls_context(verify)
                connection = http.client.HTTPSConnection(host, port, context=context)
                connection.sock = context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
        connection.sock.settimeout(read_timeout)
        self._watch.guard(connection.sock)
        return connection

    def _connect(self, timeout: float) -> socket.socket:
        failure: OSError = ConnectionError("no address")
        for family, sockaddr in self._addresses:
            plain = socket.socket(family, socket.SOCK_STREAM)
            try:
                plain.settimeout(timeout)
                plain.connect(sockaddr)
            except OSError as error:
                plain.close()
                failure = error
            else:
                return plain
        raise failure


def _tls_context(verify: bool | str) -> ssl.SSLContext:
    bundle = verify if isinstance(verify, str) else requests.certs.where()
    is_directory = os.path.isdir(bundle)
    context = ssl.create_default_context(
        cafile=None if is_directory else bundle, capath=bundle if is_directory else None
    )
    context.set_alpn_protocols(["http/1.1"])
    return context


class _Body:
    """A response's body for requests: pieces as they arrive, not only full chunks."""

    def __init__(self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse):
        self._connection = connection
        self._answer = answer

    def stream(self, size: int, decode_content: bool = False) -> Iterator[bytes]:
        """Yield the bytes as they come."""
        while chunk := self._answer.read1(size):
            yield chunk

    def close(self) -> None:
        """Close the connection."""
        self._answer.close()
        self._connection.close()
