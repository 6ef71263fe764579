"""How the stand-in account handles calls to its Airtel numbers."""

import base64
import re
import threading
from dataclasses import dataclass, field, fields, replace

from .posting import OWN_HEADERS
from .settings import DEFAULT_DESK
from .switches import read_switches
from .validation import HEADER_NAME, HEADER_VALUE, NUMBER, is_web_address

MOST_NUMBERS = 1000
MOST_SIGNS = 2000
# A user and a password, in case the header is Authorization
WRONG_SECRET = "wrong:secret"
# Ten digits, or toll-free
AIRTEL_NUMBER = re.compile(r"[0-9]{10}|18[06]0[0-9]{4,7}")


@dataclass(frozen=True)
class AirtelNumber:
    """The settings of an Airtel number that customers call.

    - ``route_url``: where Airtel asks whom it should ring; empty: its flow asks nobody.
    - ``route_header``, ``route_secret``: the authentication of that request; the header
      Authorization and a secret ``user:password`` mean Basic.
    - ``notify_url``, ``notify_header``, ``notify_secret``: where events and CDR are posted, and
      their authentication; empty: nowhere.
    - ``desk``: Airtel's own choice, which rings if nobody is asked or the answer is invalid.
    - ``switches``: this account's switches, unless script or caller override them.
    """

    route_url: str = ""
    route_header: str = ""
    route_secret: str = ""
    notify_url: str = ""
    notify_header: str = ""
    notify_secret: str = ""
    desk: str = DEFAULT_DESK
    switches: dict = field(default_factory=dict)

    def __post_init__(self):
        """Refuse invalid settings.

        :raises ValueError: with a sentence that names the setting and its form
        """
        for name in ("route_url", "notify_url"):
            url = getattr(self, name)
            if url != "" and not (is_web_address(url) and len(url) <= MOST_SIGNS):
                raise ValueError(f"{_camel(name)} must be an http(s) address, or empty.")
        for kind in ("route", "notify"):
            self._check_secret(kind, *self._secret(kind))
        if not (isinstance(self.desk, str) and NUMBER.fullmatch(self.desk)):
            raise ValueError("desk must be a text of 10 digits.")
        read_switches(self.switches)

    def _secret(self, kind):
        return getattr(self, f"{kind}_header"), getattr(self, f"{kind}_secret")

    def _check_secret(self, kind, header, secret):
        if not isinstance(header, str) or not isinstance(secret, str):
            raise ValueError(f"{kind}Header and {kind}Secret must be texts.")
        if bool(header) != bool(secret):
            raise ValueError(f"{kind}Header needs {kind}Secret, and the other way round.")
        if header and (
            not HEADER_NAME.fullmatch(header)
            or header.lower() in {*OWN_HEADERS, "content-type"}
            or len(header) > MOST_SIGNS
        ):
            raise ValueError(f"{kind}Header must be the name of a header that you can choose.")
        if (
            len(secret) > MOST_SIGNS
            or not secret.isprintable()
            or not HEADER_VALUE.fullmatch(_header_value(header, secret))
        ):
            raise ValueError(f"{kind}Secret must be a text that a header can have.")

    def headers(self, kind, secret="right"):
        """Return the headers that a request to the receiver is authenticated with.

        :param kind: ``route`` or ``notify``
        :param secret: ``right``, ``wrong``, ``none`` or ``twice``, as the switch secret
        :return: list of (name, value)
        """
        header, right = self._secret(kind)
        if not header or secret == "none":
            return []
        wrong = (header, _header_value(header, WRONG_SECRET))
        return {
            "right": [(header, _header_value(header, right))],
            "wrong": [wrong],
            "twice": [wrong, (header, _header_value(header, right))],
        }[secret]

    def public(self):
        """Return all fields by their JSON names; of secrets only whether there is one."""
        shown = {_camel(each.name): getattr(self, each.name) for each in fields(self)}
        for name in ("routeSecret", "notifySecret"):
            shown[name] = bool(shown[name])
        return shown


def _camel(name):
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


# The fields by their names in JSON
FIELDS = {_camel(each.name): each.name for each in fields(AirtelNumber)}


def read_number(wish):
    """Read a client's settings for an Airtel number.

    :param wish: an object with ``number`` and fields by their JSON names
    :return: number, dict of fields, as ``AirtelNumbers.set`` takes them
    :raises ValueError: when it has another form
    """
    if not isinstance(wish, dict) or "number" not in wish:
        raise ValueError(
            'Send {"number": "8000000001", or null for all, and any of: '
            + f"{', '.join(FIELDS)}}}."
        )
    changes = {name: value for name, value in wish.items() if name != "number"}
    for name in changes:
        if name not in FIELDS:
            raise ValueError(f"An Airtel number has no {name!r}: it has {', '.join(FIELDS)}.")
    return wish["number"], {FIELDS[name]: value for name, value in changes.items()}


class AirtelNumbers:
    """The account's Airtel numbers: common settings, and those in which a number differs.

    :param numbers: texts of digits
    :param common: AirtelNumber that holds for all
    """

    def __init__(self, numbers, common):
        self._lock = threading.Lock()
        self._first = common
        self._common = common
        self._own = {number: {} for number in numbers}

    def set(self, number, changes):
        """Change what happens with calls to an Airtel number; one that is new is added.

        :param number: text of digits; None: all numbers that have no settings of their own
        :param changes: dict of AirtelNumber's fields; None: reset to the common settings, or, for
            all numbers, to the initial ones
        :raises ValueError: when something can't work; nothing is changed then
        """
        for name in changes:
            if name not in FIELDS.values():
                known = ", ".join(FIELDS.values())
                raise ValueError(f"An Airtel number has no {name!r}: it has {known}.")
        if number is not None and not (isinstance(number, str) and AIRTEL_NUMBER.fullmatch(number)):
            raise ValueError(
                "An Airtel number is a text of 10 digits, or 8 to 11 if toll-free (1800, 1860)."
            )
        with self._lock:
            if number is None:
                first = {name: getattr(self._first, name) for name in changes}
                given = {name: value for name, value in changes.items() if value is not None}
                common = replace(self._common, **{**first, **given})
                for own in self._own.values():
                    replace(common, **own)
                self._common = common
                return
            if number not in self._own and len(self._own) >= MOST_NUMBERS:
                raise ValueError(f"The sandbox has {MOST_NUMBERS} Airtel numbers already.")
            own = {**self._own.get(number, {}), **changes}
            own = {name: value for name, value in own.items() if value is not None}
            replace(self._common, **own)
            self._own[number] = own

    def get(self, number):
        """Return the settings of an Airtel number.

        :return: AirtelNumber; None if the account has no such number
        """
        with self._lock:
            own = self._own.get(number)
            return None if own is None else self._merged(own)

    def numbers(self):
        """Return all numbers."""
        with self._lock:
            return tuple(self._own)

    def all(self):
        """Return every number and its AirtelNumber, as a dict."""
        with self._lock:
            return {number: self._merged(own) for number, own in self._own.items()}

    def _merged(self, own):
        switches = {**self._common.switches, **own.get("switches", {})}
        return replace(self._common, **{**own, "switches": switches})


def _header_value(header, secret):
    if header.lower() == "authorization" and ":" in secret:
        return f"Basic {base64.b64encode(secret.encode()).decode()}"
    return secret
