# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""The hosts from which a recording may be fetched.

A recording's URL comes from outside. ``Target`` splits it once, strictly, and the same parts are
checked and connected to: no second parser of the URL can find another host in it.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass, field
from typing import NamedTuple

from .address import is_public_ip

MAX_URL = 4096
MAX_ADDRESSES = 4
"""How many of a host's addresses are tried."""

# No user, no fragment, no backslash, no blank, no control character, nothing beyond ASCII
_URL = re.compile(
    r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?([/?][!-\"$-\[\]-~]*)?",
    re.IGNORECASE,
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
# A last label that no domain has, but that resolvers read as an IPv4 address
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """Where to connect: the arguments for a socket."""

    family: int
    sockaddr: tuple


@dataclass(frozen=True)
class Target:
    """The parts of a URL."""

    scheme: str
    host: str
    """Lower case; an IPv6 address without brackets."""
    port: int
    path: str = field(repr=False)
    """Path and query exactly as received: a token in it is never decoded and encoded again."""

    @classmethod
    def read(cls, url: str) -> "Target | None":
        """Split a URL; return ``None`` if there is anything unusual about it."""
        if not isinstance(url, str) or len(url) > MAX_URL:
            return None
        match = _URL.fullmatch(url.strip(" "))
        if not match:
            return None
        scheme, host = match[1].lower(), match[2].lower()
        port = int(match[3]) if match[3] else _DEFAULT_PORTS[scheme]
        is_host = _is_ipv6(host) if host.startswith("[") else _HOST.fullmatch(host)
        if not is_host or not 0 < port < 65536:
            return None
        path = match[4] or "/"
        return cls(scheme, host.strip("[]"), port, path if path.startswith("/") else f"/{path}")

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        return self.scheme, self.host, self.port

    def addresses(self) -> list[Address]:
        """Resolve the host, once.

        :raises OSError: when it cannot be resolved
        """
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        return [Address(family, sockaddr) for family, _, _, _, sockaddr in found[:MAX_ADDRESSES]]


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host.strip("[]"))
    except ValueError:
        return False
    return True


class HostList:
    """The hosts that the company allows.

    :param setting: entries separated by commas: a host, or ``*.`` and a domain for all its hosts,
        which allow https on its default port at public addresses only; or scheme, host and port,
        which allow exactly this origin at any address
    :ivar unreadable: all other entries; they allow nothing
    """

    def __init__(self, setting: str):
        self._hosts: set[str] = set()
        self._domains: tuple[str, ...] = ()
        self._origins: set[tuple[str, str, int]] = set()
        self.unreadable: tuple[str, ...] = ()
        for entry in re.split(r"[,;\s]+", (setting or "").strip()):
            if entry:
                self._add(entry)

    def _add(self, entry: str) -> None:
        name = entry.lower()
        domain = name.removeprefix("*.")
        target = Target.read(entry)
        if target and target.path == "/":
            self._origins.add(target.origin)
        elif not _is_name(domain) or (domain != name and "." not in domain):
            self.unreadable += (entry,)
        elif domain != name:
            self._domains += (f".{domain}",)
        else:
            self._hosts.add(name)

    def allows(self, target: Target) -> bool:
        """Return whether a recording may be fetched from this URL, judged by the URL alone."""
        if self.names_origin(target):
            return True
        is_default = target.scheme == "https" and target.port == _DEFAULT_PORTS["https"]
        is_listed = target.host in self._hosts or target.host.endswith(self._domains)
        return is_default and is_listed and _is_name(target.host)

    def names_origin(self, target: Target) -> bool:
        """Return whether an entry allows exactly this origin, at any address."""
        return target.origin in self._origins


def _is_name(host: str) -> bool:
    """Return whether a host is a name, not an IP address in any of its spellings."""
    return bool(_HOST.fullmatch(host)) and not _NUMBER.fullmatch(host.rpartition(".")[2])


def is_public(address: Address) -> bool:
    """Return whether an address is on the public Internet rather than in a private network."""
    return is_public_ip(ipaddress.ip_address(address.sockaddr[0].partition("%")[0]))
