# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Sends an execute/workflow request to Airtel, once (sections 1.1 to 1.3, 2 and 4.2).

A request rings two phones, and Airtel has no way to ask afterwards whether it did. So nothing is
ever sent twice, and an error has one of two outcomes: ``refused``, no phone rings, or ``unknown``,
phones may ring.
"""

import json
import re
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import NamedTuple

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import (
    InvalidHeader,
    InvalidSchema,
    InvalidURL,
    MissingSchema,
    ReadTimeout,
    RequestException,
    SSLError,
)
from urllib3.exceptions import ReadTimeoutError

from ..safe.deadline import Watch
from ..safe.number import mask_in
from ..safe.text import clean, decode, load
from . import const

REFUSED = "refused"
UNKNOWN = "unknown"

MAX_ANSWER_BYTES = 64 * 1024
MAX_DETAIL = 200
_CHUNK_BYTES = 1024
# A gateway that lost Airtel's answer does not know what Airtel did.
_GATEWAY_STATUSES = (502, 504)
_ERROR_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,99}")
_CORRELATION_ID = re.compile(r"[!-~]{1,200}")


class CcpError(Exception):
    """The request failed, or its result is unknown.

    The texts contain no credentials and no full phone number.

    :ivar outcome: ``refused``: Airtel refused, or nothing was sent; ``unknown``: Airtel may have
        accepted the request, and phones may ring
    :ivar code: Airtel's errorCode (``const.ERROR_CODES`` has those of section 2), or an own one:
        ``HTTP_<status>``, ``BAD_URL``, ``NO_CONNECTION`` and ``TLS`` (nothing was sent),
        ``TIMEOUT``, ``RESET`` (the connection ended before the answer), ``BROKEN_BODY``,
        ``NO_CORRELATION_ID``
    :ivar status: HTTP status of the answer, ``None`` without one
    :ivar detail: Airtel's errorMessage, at most 200 printable characters, phone numbers masked
    :ivar seconds: how long it took
    """

    def __init__(
        self,
        outcome: str,
        code: str,
        *,
        status: int | None = None,
        detail: str = "",
        seconds: float = 0.0,
    ):
        super().__init__(outcome, code, status, detail)
        self.outcome = outcome
        self.code = code
        self.status = status
        self.detail = detail
        self.seconds = seconds

    def __str__(self):
        return f"{self.code} ({self.outcome}){': ' if self.detail else ''}{self.detail}"


@dataclass(frozen=True)
class Answer:
    """Airtel accepted the request (section 2, status 200)."""

    correlation_id: str
    """Airtel's identifier of the call."""
    status: int
    seconds: float


class _Response(NamedTuple):
    status: int
    body: bytes
    fault: str
    """Why the body is incomplete: ``TIMEOUT``, ``RESET``, ``BROKEN_BODY``; "" if it is complete."""


class Client:
    """One account at Airtel.

    :param base_url: such as ``const.DEFAULT_BASE_URL``
    :param api_path: such as ``const.DEFAULT_API_PATH``
    :param connect_timeout: seconds for each address of the host
    :param read_timeout: seconds without a byte; the whole exchange ends after the two together
    """

    def __init__(
        self,
        base_url: str,
        api_path: str,
        username: str,
        password: str,
        connect_timeout: float = 5.0,
        read_timeout: float = 20.0,
    ):
        self._url = f"{base_url.strip().rstrip('/')}/{api_path.strip().lstrip('/')}"
        # requests would encode texts in Latin-1 (section 1.1 is silent on the encoding)
        self._credentials = (username.encode(), password.encode())
        self._timeouts = (connect_timeout, read_timeout)

    def execute(self, body: dict) -> Answer:
        """POST a request, once: no retry, no redirect.

        :param body: what ``request.body`` returned
        :raises CcpError: when Airtel did not answer with a correlation id
        """
        started = time.monotonic()
        response = self._post(json.dumps(body, allow_nan=False).encode(), started)
        return self._judge(response, time.monotonic() - started)

    def _post(self, data: bytes, started: float) -> _Response:
        with Watch(sum(self._timeouts)) as watch, requests.Session() as session:
            adapter = _WatchedAdapter(watch)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            try:
                response = session.post(
                    self._url,
                    data=data,
                    auth=self._credentials,
                    # No compression: a small answer cannot swell into a large one.
                    headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
                    timeout=self._timeouts,
                    allow_redirects=False,
                    stream=True,
                )
            except RequestException as error:
                outcome, code = _no_answer(error, adapter)
            else:
                with response:
                    return _Response(response.status_code, *_read(response, watch))
        # Raised outside `except`, so that the requests error (it contains the URL) is not chained.
        raise CcpError(outcome, code, seconds=time.monotonic() - started)

    def _judge(self, response: _Response, seconds: float) -> Answer:
        """Return a response's answer, or raise its error (sections 2 and 4.2)."""
        content = load(decode(response.body))
        is_object = isinstance(content, dict)
        answered = content if is_object else {}
        succeeded = 200 <= response.status < 300
        if succeeded and (correlation_id := _correlation_id(answered)):
            return Answer(correlation_id, response.status, seconds)

        code = _error_code(answered)
        outcome = REFUSED
        if succeeded and code not in const.ERROR_CODES:
            outcome = UNKNOWN
            code = response.fault or ("NO_CORRELATION_ID" if is_object else "BROKEN_BODY")
        elif response.status in _GATEWAY_STATUSES and not code:
            outcome = UNKNOWN
        raise CcpError(
            outcome,
            code or f"HTTP_{response.status}",
            status=response.status,
            detail=self._detail(answered),
            seconds=seconds,
        )

    def _detail(self, answered: dict) -> str:
        """Return Airtel's message, without secrets that it may repeat."""
        message = answered.get("errorMessage") or answered.get("message")
        text = clean(message, 2 * MAX_DETAIL)
        for secret in (self._credentials[1], b64encode(b":".join(self._credentials))):
            text = text.replace(secret.decode(), "…") if secret else text
        return mask_in(text)[:MAX_DETAIL]


def _correlation_id(answered: dict) -> str:
    value = answered.get("correlationId")
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _CORRELATION_ID.fullmatch(text) else ""


def _error_code(answered: dict) -> str:
    value = answered.get("errorCode")
    return value if isinstance(value, str) and _ERROR_CODE.fullmatch(value) else ""


def _no_answer(error: RequestException, adapter: "_WatchedAdapter") -> tuple[str, str]:
    """Return outcome and code of a request without an answer."""
    if isinstance(error, InvalidURL | MissingSchema | InvalidSchema | InvalidHeader):
        return REFUSED, "BAD_URL"
    timed_out = isinstance(error, ReadTimeout)
    # requests reports a TLS handshake that takes too long as a read timeout: ask the connection.
    if not (adapter.watch.connected if adapter.used else timed_out):
        return REFUSED, "TLS" if isinstance(error, SSLError) else "NO_CONNECTION"
    return UNKNOWN, "TIMEOUT" if timed_out or adapter.watch.expired else "RESET"


def _read(response: requests.Response, watch: Watch) -> tuple[bytes, str]:
    """Return the part of the body that arrived, and what was wrong with it."""
    if response.raw is None:  # made by a replaced Session.send, without a connection
        return response.content or b"", ""
    body = bytearray()
    try:
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                return b"", "BROKEN_BODY"
    except RequestException as error:
        is_timeout = watch.expired or isinstance(error.args[0], ReadTimeoutError)
        return bytes(body), "TIMEOUT" if is_timeout else "RESET"
    return bytes(body), "TIMEOUT" if watch.expired else ""


class _WatchedAdapter(HTTPAdapter):
    """requests' own adapter, with its proxies and certificates, and with a time limit."""

    def __init__(self, watch: Watch):
        self.watch = watch
        self.used = False
        super().__init__()

    def send(self, *args, **kwargs):
        self.used = True
        return super().send(*args, **kwargs)

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, **kwargs)
        self._guard(self.poolmanager)

    def proxy_manager_for(self, *args, **kwargs):
        manager = super().proxy_manager_for(*args, **kwargs)
        self._guard(manager)
        return manager

    def _guard(self, manager) -> None:
        manager.pool_classes_by_scheme = {
            scheme: _guarded(pool_class, self.watch)
            for scheme, pool_class in manager.pool_classes_by_scheme.items()
        }


def _guarded(pool_class, watch: Watch):
    """Return a connection pool that guards each connection as soon as it is open."""

    class Connection(pool_class.ConnectionCls):
        def connect(self):
            super().connect()
            watch.guard(self.sock)

    class Pool(pool_class):
        ConnectionCls = Connection

    return Pool
