# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Reads ``Airtel CCP.postman_environment.json``, in which Airtel hands an account over (section 1).

The specification's sample request names the variables ``callFlowId``, ``customerId`` and
``callerId``; the names of the address and of the credentials are nowhere written, so the usual
spellings are accepted. Variables that hold somebody's phone or a notify URL are nobody's settings
and left alone.
"""

import re
from base64 import b64decode
from dataclasses import dataclass, field
from types import MappingProxyType

from . import untrusted

MAX_BYTES = 1024 * 1024
MAX_VALUE = 1000
"""A call flow id has about a hundred characters; a longer value is no setting."""

# Our name of each setting, and the variables that may hold it, without blanks, "_" and "-"
NAMES = MappingProxyType(
    {
        "base_url": (
            "baseurl",
            "url",
            "host",
            "hosturl",
            "hostname",
            "server",
            "domain",
            "endpoint",
        ),
        "username": ("username", "user", "login", "authusername", "basicauthusername"),
        "password": ("password", "pass", "pwd", "authpassword", "basicauthpassword"),
        "customer_id": ("customerid", "custid", "customer"),
        "call_flow_id": ("callflowid", "flowid", "callflow"),
        "caller_id": ("callerid", "callernumber", "virtualnumber", "cli"),
    }
)
_AUTHORIZATION = ("authorization", "auth", "basicauth", "authheader")
_OURS = {spelling: name for name, spellings in NAMES.items() for spelling in spellings}
_BLANKS = re.compile(r"[\s_.-]+")
_PLACEHOLDER = re.compile(r"\{\{.*\}\}|<.*>|x{3,}|your[ _-].*", re.IGNORECASE | re.DOTALL)


class PostmanError(ValueError):
    """The file is not an environment with an account in it.

    :ivar reason: ``too_large``; ``broken`` (no JSON object); ``collection`` (a Postman collection
        of requests); ``no_environment`` (no list of variables); ``unknown`` (variables, but none of
        ours); ``empty`` (ours, but without values)
    """

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Environment:
    """What an environment file says of an account.

    :ivar name: the environment's own name
    :ivar values: the settings found, by the keys of ``NAMES``
    :ivar disabled: settings whose variable is switched off in Postman, so that it was passed over
    :ivar empty: settings without a value, or with a placeholder such as ``{{callerId}}``
    :ivar conflicting: settings that two variables give different values: the first one counts
    """

    name: str
    values: dict = field(repr=False)
    disabled: tuple = ()
    empty: tuple = ()
    conflicting: tuple = ()


def read(raw: bytes) -> Environment:
    """Read an environment file.

    :param raw: the file as it was uploaded; UTF-8 or UTF-16, with or without a byte order mark
    :raises PostmanError: when it holds nothing to take over
    """
    if len(raw) > MAX_BYTES:
        raise PostmanError("too_large")
    content = untrusted.load(untrusted.decode(raw))
    if not isinstance(content, dict):
        raise PostmanError("broken")
    # Postman's own back-up wraps what it exports
    if isinstance(content.get("environment"), dict):
        content = content["environment"]
    variables = content.get("values")
    if not isinstance(variables, list):
        raise PostmanError("collection" if {"info", "item"} & set(content) else "no_environment")
    return _environment(untrusted.clean(content.get("name"), 100), variables)


def _environment(name: str, variables: list) -> Environment:
    values: dict = {}
    disabled, empty, conflicting = set(), set(), set()
    for variable in filter(lambda each: isinstance(each, dict), variables):
        for setting, value in _settings(variable):
            if variable.get("enabled") is False:
                disabled.add(setting)
            elif not value or _PLACEHOLDER.fullmatch(value):
                empty.add(setting)
            elif values.setdefault(setting, value) != value:
                conflicting.add(setting)
    if not values:
        raise PostmanError("empty" if disabled | empty else "unknown")
    return Environment(
        name=name,
        values=values,
        disabled=tuple(sorted(disabled - set(values))),
        empty=tuple(sorted(empty - set(values))),
        conflicting=tuple(sorted(conflicting)),
    )


def _settings(variable: dict):
    """Yield setting and value of one variable: none, one, or the two of an Authorization header."""
    key = _BLANKS.sub("", untrusted.clean(variable.get("key"), 100)).casefold()
    value = _value(variable)
    if key in _OURS:
        yield _OURS[key], value
    elif key in _AUTHORIZATION:
        username, password = _credentials(value)
        yield "username", username
        yield "password", password


def _value(variable: dict) -> str:
    value = variable.get("value")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > MAX_VALUE:
        return ""
    value = value.strip()
    # A line break or control character is part of no setting
    return value if value.isprintable() else ""


def _credentials(header: str) -> tuple[str, str]:
    """User name and password of a Basic authorization header (section 1.1), or two empty texts."""
    encoded = re.sub(r"^Basic\s+", "", header, flags=re.IGNORECASE)
    try:
        username, separator, password = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return (username, password) if separator else ("", "")
