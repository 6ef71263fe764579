# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Reads the web addresses that an administrator types: Airtel's, this Odoo's, the sandbox's.

Settings, set-up, health and clicks read addresses here. Recordings' URLs come from outside;
``hosts.Target`` reads them, more strictly.
"""

import ipaddress
import re
from dataclasses import dataclass

MAX_LENGTH = 2000

LOOPBACK = "loopback"
PRIVATE = "private"
PUBLIC = "public"

# Blanks, and invisible characters that come with a copied text
INVISIBLE = "\u00ad\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff"
_AROUND = re.compile(rf"^[\s{INVISIBLE}]+|[\s{INVISIBLE}]+$")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/{0,2}(?![0-9])")
_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<user>[^/?#@]*@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^/?#@:\[\]\\]*)"
    r"(?P<port>:[^/?#]*)?"
    r"(?P<path>/[^?#]*)?"
    r"(?P<rest>[?#].*)?"
)
# No blank, no control character, nothing beyond ASCII, no backslash
_PATH = re.compile(r"(?:/[!-.0-\[\]-~]*)*")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
# A last label that no domain has, but that resolvers read as an IPv4 address
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_OWN_NAMES = (".local", ".internal", ".lan", ".home", ".invalid", ".test")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressError(ValueError):
    """A text is not a usable address.

    :ivar reason: ``empty``; ``scheme`` (something else than http or https); ``host`` (missing or
        impossible); ``port``; ``credentials`` (it contains a user name or password);
        ``parameters`` (a question mark or ``#``); ``path`` (a character that no path has)
    """

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class WebAddress:
    """The parts of an address."""

    scheme: str
    host: str
    """Lower case, international names in their ASCII form; an IPv6 address without brackets."""
    port: int
    path: str
    """Without a slash at its end; "" at the root of the host."""

    def __str__(self):
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def reach(self) -> str:
        """From where it can be reached, judged by its host.

        ``loopback``: from this machine only; ``private``: from a private network; ``public``.
        """
        try:
            parsed = ipaddress.ip_address(self.host)
        except ValueError:
            if self.host == "localhost" or self.host.endswith(".localhost"):
                return LOOPBACK
            is_own = "." not in self.host or self.host.endswith(_OWN_NAMES)
            return PRIVATE if is_own else PUBLIC
        inner = getattr(parsed, "ipv4_mapped", None) or parsed
        if inner.is_loopback or inner.is_unspecified:
            return LOOPBACK
        return PUBLIC if is_public_ip(parsed) else PRIVATE

    @property
    def is_safe(self) -> bool:
        """Whether a password may be sent there: over https, or within this machine."""
        return self.scheme == "https" or self.reach == LOOPBACK


def read(text: str) -> WebAddress:
    """Split an address into its parts.

    :param text: an address with its scheme
    :raises AddressError: when it is not usable
    """
    text = text or ""
    if not text:
        raise AddressError("empty")
    match = _PARTS.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if not match:
        raise AddressError("host" if _SCHEME.match(text) else "scheme")
    scheme = match["scheme"].lower()
    if scheme not in _DEFAULT_PORTS:
        raise AddressError("scheme")
    if match["user"]:
        raise AddressError("credentials")
    if match["rest"]:
        raise AddressError("parameters")
    host, port, path = _host(match["host"]), match["port"], match["path"] or ""
    if port in (None, ":"):
        number = _DEFAULT_PORTS[scheme]
    elif re.fullmatch(r":[0-9]{1,5}", port) and 0 < int(port[1:]) < 65536:
        number = int(port[1:])
    else:
        # The text before a colon without a number may be a user name
        raise AddressError("port")
    if not _PATH.fullmatch(path):
        raise AddressError("path")
    return WebAddress(scheme, host, number, path.rstrip("/"))


def clean(text: str) -> str:
    """Return a text without the blanks and invisible characters around it.

    :param text: what somebody typed or pasted
    """
    return _AROUND.sub("", text or "")


def mend(text: str) -> str:
    """Return an address that somebody typed, in one spelling.

    Without a scheme it gets https; on this machine, which has no certificate, http.

    :param text: such as `` Odoo.Acme.in/ ``; "" stays ""
    :raises AddressError: when it is not usable
    """
    text = clean(text)
    if not text:
        return ""
    if "://" not in text:
        if "@" in text:
            raise AddressError("credentials")
        before = _SCHEME.match(text)
        if before and (before[1].lower() in _DEFAULT_PORTS or "." not in before[1]):
            # javascript:, or a missing slash; a host with its port is not a scheme
            raise AddressError("scheme")
        if text.startswith("/"):
            raise AddressError("host")
        is_own = read(f"https://{text}").reach == LOOPBACK
        text = f"{'http' if is_own else 'https'}://{text}"
    return str(read(text))


def mend_path(text: str) -> str:
    """Return the path of an address that somebody typed, with a slash before it.

    :param text: such as ``v2/execute/workflow``; "" stays ""
    :raises AddressError: when it contains more than a path, or a character that no path has
    """
    text = clean(text)
    if not text:
        return ""
    if "://" in text or text.startswith("//"):
        raise AddressError("host")
    if "?" in text or "#" in text:
        raise AddressError("parameters")
    path = f"/{text.lstrip('/')}"
    if not _PATH.fullmatch(path):
        raise AddressError("path")
    return path


def _host(text: str) -> str:
    """Return a host in one spelling."""
    if text.startswith("["):
        try:
            return ipaddress.IPv6Address(text[1:-1]).compressed
        except ValueError as error:
            raise AddressError("host") from error
    try:
        host = text.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError as error:
        raise AddressError("host") from error
    if not _NAME.fullmatch(host):
        raise AddressError("host")
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as error:
            # 127.1, 2130706433 and the like
            raise AddressError("host") from error
    return host


def is_public_ip(parsed: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Return whether an IP address is on the public Internet rather than in a private network."""
    if parsed.version == 4:
        return parsed.is_global and not parsed.is_multicast
    # IPv6 has several ways to carry an IPv4 address.
    if parsed in _NAT64:
        return is_public_ip(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF))
    if parsed.ipv4_mapped:
        return is_public_ip(parsed.ipv4_mapped)
    is_tunnel = parsed.sixtofour or parsed.teredo
    return bool(parsed in _GLOBAL_UNICAST and parsed.is_global and not is_tunnel)
