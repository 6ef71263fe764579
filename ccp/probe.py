# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Looks at addresses from here, without credentials and without placing a call.

The specification has one address, and a POST there places a call (section 1.3). So a probe only
tells whether somebody answers; whether credentials are accepted shows with a call.
"""

import ipaddress
import socket
import ssl
import time
from typing import NamedTuple
from urllib.parse import urlsplit

import requests

TIMEOUT = 5.0
"""Seconds for a connection and for each answer."""

_OWN_NAMES = (".local", ".internal", ".localhost", ".lan", ".home", ".invalid", ".test")
# OpenSSL: X509_V_ERR_CERT_HAS_EXPIRED, then ..._HOSTNAME_MISMATCH and ..._IP_ADDRESS_MISMATCH
_EXPIRED = 10
_OTHER_NAME = (62, 64)
_DAY = 24 * 60 * 60


class Certificate(NamedTuple):
    """What a host shows of itself.

    :ivar reason: "" when it is valid; ``expired``; ``name``: it is for another host; ``untrusted``:
        nobody known signed it; ``tls``: no encrypted connection at all; ``unreachable``: nobody
        answers, seen from here
    :ivar days_left: whole days until it ends, where it is valid
    """

    reason: str
    days_left: int = 0


def is_private(url: str) -> bool:
    """Tell whether only a network of its own knows an address: no name or number of the Internet.

    :param url: the address
    """
    host = (urlsplit(url or "").hostname or "").lower().rstrip(".")
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(_OWN_NAMES)


def reach(url: str, timeout: float = TIMEOUT) -> str:
    """Ask an address for anything, without credentials; any answer will do.

    :param url: the address
    :param timeout: seconds
    :return: "" when it answers; else ``name``: its host is unknown; ``tls``: its certificate is not
        valid; ``timeout``; ``closed``: nobody listens there; ``bad_url``
    """
    parts = urlsplit(url or "")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.getaddrinfo(parts.hostname or "", port)
    except socket.gaierror:
        return "name"
    except (ValueError, UnicodeError):
        return "bad_url"
    try:
        with (
            requests.Session() as session,
            session.get(url, timeout=timeout, allow_redirects=False, stream=True),
        ):
            return ""
    except requests.exceptions.SSLError:
        return "tls"
    except requests.exceptions.Timeout:
        return "timeout"
    except requests.exceptions.ConnectionError:
        return "closed"
    except (requests.exceptions.RequestException, ValueError):
        return "bad_url"


def certificate(
    url: str, timeout: float = TIMEOUT, context: ssl.SSLContext | None = None
) -> Certificate:
    """Look at the certificate of an https address.

    :param url: the address
    :param timeout: seconds
    :param context: whom to trust; by default whom this machine trusts
    """
    parts = urlsplit(url)
    context = context or ssl.create_default_context()
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 443), timeout) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secured,
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
