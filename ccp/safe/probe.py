# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Checks addresses from this machine, without credentials and without placing a call.

The specification has one address, and a POST there places a call (section 1.3). So a probe only
shows whether a server answers; only a call shows whether credentials are accepted.
"""

import socket
import ssl
import time
from typing import NamedTuple

import requests

from . import address
from .deadline import within

TIMEOUT = 5.0
"""Seconds for a connection, and for each part of an answer."""
TOTAL = 8.0
"""Seconds for a whole probe, including name resolution: a user waits for it."""

# OpenSSL: X509_V_ERR_CERT_HAS_EXPIRED, then ..._HOSTNAME_MISMATCH and ..._IP_ADDRESS_MISMATCH
_EXPIRED = 10
_OTHER_NAME = (62, 64)
_DAY = 24 * 60 * 60


class Certificate(NamedTuple):
    """The state of a host's certificate.

    :ivar reason: "" if it is valid; ``expired``; ``name``: it is for another host; ``text``: its
        signer is not trusted; ``tls``: no encrypted connection is possible; ``unreachable``: no
        answer on this machine
    :ivar days_left: whole days until it expires, if it is valid
    """

    reason: str
    days_left: int = 0


def reach(url: str, timeout: float = TIMEOUT) -> str:
    """Send an address a request without credentials; any answer is good.

    :param url: the address
    :param timeout: seconds
    :return: "" if it answers; else ``name``: its host is unknown; ``tls``: its certificate is not
        valid; ``timeout``; ``closed``: no server listens there; ``bad_url``
    """
    try:
        host = address.read(url).host
    except address.AddressError:
        return "bad_url"
    try:
        return within(TOTAL, lambda: _reach(url, host, timeout))
    except TimeoutError:
        return "timeout"


def _reach(url: str, host: str, timeout: float) -> str:
    try:
        with requests.Session() as session:
            # Without this, the session uses credentials from the machine's .netrc
            session.auth = _no_credentials
            session.get(url, timeout=timeout, allow_redirects=False, stream=True).close()
            return ""
    except requests.exceptions.SSLError:
        return "tls"
    except requests.exceptions.Timeout:
        return "timeout"
    except requests.exceptions.ConnectionError:
        # Checked only after a failure, because a proxy may know names that this machine does not
        return "closed" if _is_known(host) else "name"
    except (requests.exceptions.RequestException, ValueError):
        return "bad_url"


def _no_credentials(request):
    return request


def _is_known(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except (OSError, UnicodeError):
        return False


def certificate(
    url: str, timeout: float = TIMEOUT, context: ssl.SSLContext | None = None
) -> Certificate:
    """Look at the certificate of an https address.

    :param url: the address
    :param timeout: seconds
    :param context: the trusted authorities; by default this machine's
    :raises ccp.safe.address.AddressError: when it is not an address
    """
    parts = address.read(url)
    context = context or ssl.create_default_context()
    try:
        return within(TOTAL, lambda: _certificate(parts, timeout, context))
    except TimeoutError:
        return Certificate("unreachable")


def _certificate(parts, timeout: float, context: ssl.SSLContext) -> Certificate:
    try:
        with (
            socket.create_connection((parts.host, parts.port), timeout) as plain,
            context.wrap_socket(plain, server_hostname=parts.host) as secured,
        ):
            ends = ssl.cert_time_to_seconds(secured.getpeercert()["notAfter"])
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _EXPIRED:
            return Certificate("expired")
        return Certificate("name" if error.verify_code in _OTHER_NAME else "untrusted")
    except ssl.SSLError:
        return Certificate("tls")
    except (OSError, ValueError):
        return Certificate("unreachable")
    return Certificate("", int((ends - time.time()) // _DAY))
