# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Reads ``Airtel CCP.postman_environment.json``, Airtel's file for a new account (section 1).

The specification's sample request has the variables ``callFlowId``, ``customerId`` and
``callerId``. The names for address and credentials are not documented, so the usual spellings are
accepted, also with words such as ``api`` or ``ccp`` before them. Any other variable is left alone
and listed: a secret must never get into the wrong field.
"""

import re
from base64 import b64decode
from dataclasses import dataclass, field
from types import MappingProxyType

from ..safe import address, text

MAX_BYTES = 1024 * 1024
MAX_VALUE = 1000
"""A call flow id has about a hundred characters; a longer value is not a setting."""

# Each setting, and the variables that may hold it, without blanks, "_" and "-"
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
            "gateway",
            "gatewayurl",
        ),
        "username": (
            "username",
            "user",
            "userid",
            "login",
            "authusername",
            "authuser",
            "basicauthusername",
            "basicauthuser",
        ),
        "password": (
            "password",
            "passwd",
            "pass",
            "pwd",
            "authpassword",
            "authpass",
            "basicauthpassword",
            "basicauthpass",
        ),
        "customer_id": ("customerid", "custid", "customer"),
        "call_flow_id": ("callflowid", "flowid", "callflow"),
        "caller_id": ("callerid", "callernumber", "virtualnumber", "cli"),
    }
)
# Words that only say whose setting it is. "auth" and "basic" may only precede the names of
# credentials.
_BEFORE = re.compile(r"(?:airtel|api|ccp|c2c|clicktocall|iq|xchange|prod|uat|my)+")
_VALUES = ("value", "currentValue", "current", "sessionValue", "initialValue", "initial")
_LISTS = ("values", "variables", "variable", "environment", "environments", "data")
MAX_VARIABLES = 1000
_MAX_DEPTH = 6
_AUTHORIZATION = ("authorization", "auth", "basicauth", "authheader")
_OURS = {spelling: name for name, spellings in NAMES.items() for spelling in spellings}
_BLANKS = re.compile(r"[\s_.-]+")
_PLACEHOLDER = re.compile(r"\{\{.*\}\}|<.*>|x{3,}|your[ _-].*", re.IGNORECASE | re.DOTALL)


class PostmanError(ValueError):
    """The file is not an environment with an account.

    :ivar reason: ``too_large``; ``broken`` (no JSON object); ``collection`` (a Postman collection
        of requests); ``no_environment`` (no list of variables); ``unknown`` (none of the variables
        is known); ``empty`` (known variables without values)
    :ivar unused: the names of the variables that were not used
    """

    def __init__(self, reason: str, unused: tuple = ()):
        super().__init__(reason)
        self.reason = reason
        self.unused = unused


@dataclass(frozen=True)
class Environment:
    """The settings in an environment file.

    :ivar name: the environment's own name
    :ivar values: the settings found, by the keys of ``NAMES``
    :ivar disabled: settings whose variable is switched off in Postman and was therefore ignored
    :ivar empty: settings without a value, or with a placeholder such as ``{{callerId}}``
    :ivar conflicting: settings to which two variables give different values: the first one is
        used, and one with the exact name before others
    :ivar unused: the names of the variables that were not used, as in the file
    """

    name: str
    values: dict = field(repr=False)
    disabled: tuple = ()
    empty: tuple = ()
    conflicting: tuple = ()
    unused: tuple = ()


def read(raw: bytes) -> Environment:
    """Read an environment file.

    :param raw: the file as it was uploaded; UTF-8 or UTF-16, with or without a byte order mark
    :raises PostmanError: when it contains no setting
    """
    if len(raw) > MAX_BYTES:
        raise PostmanError("too_large")
    content = text.load(text.decode(raw))
    if not isinstance(content, dict):
        raise PostmanError("broken")
    if {"info", "item"} & set(content):
        raise PostmanError("collection")
    found: list[dict] = []
    if not any(_collect(content.get(name), found) for name in _LISTS):
        raise PostmanError("no_environment")
    return _environment(_name(content), found)


def _name(content: dict) -> str:
    """Return the name of an environment; Postman's back-ups wrap the exported object."""
    wrapped = content.get("environment")
    named = wrapped if isinstance(wrapped, dict) else content
    return text.clean(named.get("name"), 100)


def _collect(part, found: list[dict], depth: int = 0) -> bool:
    """Add the variables in a part of the file, also those in nested lists.

    :return: whether the part is or contains a list of variables
    """
    if depth > _MAX_DEPTH:
        return False
    if isinstance(part, dict):
        return any([_collect(part.get(name), found, depth + 1) for name in _LISTS])
    if not isinstance(part, list):
        return False
    for each in part:
        if isinstance(each, dict) and "key" in each and len(found) < MAX_VARIABLES:
            found.append(each)
        _collect(each, found, depth + 1)
    return True


def _environment(name: str, variables: list[dict]) -> Environment:
    values: dict = {}
    disabled, empty, conflicting = set(), set(), set()
    unused = []
    # Exact names come first, in the order of the file
    for variable in sorted(variables, key=lambda each: _spelling(each) not in _OURS):
        settings = [*_settings(variable)]
        if not settings:
            unused.append(text.clean(variable.get("key"), 100))
        for setting, value in settings:
            if variable.get("enabled") is False or variable.get("disabled") is True:
                disabled.add(setting)
            elif not value or _PLACEHOLDER.fullmatch(value):
                empty.add(setting)
            elif values.setdefault(setting, value) != value:
                conflicting.add(setting)
    unused = tuple(dict.fromkeys(filter(None, unused)))
    if not values:
        raise PostmanError("empty" if disabled | empty else "unknown", unused)
    return Environment(
        name=name,
        values=values,
        disabled=tuple(sorted(disabled - set(values))),
        empty=tuple(sorted(empty - set(values))),
        conflicting=tuple(sorted(conflicting)),
        unused=unused,
    )


def _spelling(variable: dict) -> str:
    """Return a variable's name without differences in spelling."""
    return _BLANKS.sub("", text.clean(variable.get("key"), 100)).casefold()


def _settings(variable: dict):
    """Yield setting and value of a variable: none, one, or both from an Authorization header."""
    key = _spelling(variable)
    bare = _BEFORE.sub("", key, count=1) if _BEFORE.match(key) else key
    known = _OURS.get(key) or _OURS.get(bare)
    value = _value(variable)
    if known:
        yield known, value
    elif key in _AUTHORIZATION or bare in _AUTHORIZATION:
        username, password = _credentials(value)
        yield "username", username
        yield "password", password


def _value(variable: dict) -> str:
    """Return a variable's value: the first of Postman's keys for it that has one."""
    return next(filter(None, (_text(variable.get(name)) for name in _VALUES)), "")


def _text(value) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > MAX_VALUE:
        return ""
    value = address.clean(value)
    # No setting may contain a line break or control character
    return value if value.isprintable() else ""


def _credentials(header: str) -> tuple[str, str]:
    """Return user name and password of a Basic header (section 1.1), or two empty texts."""
    encoded = re.sub(r"^Basic\s+", "", header, flags=re.IGNORECASE)
    try:
        username, separator, password = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return (username, password) if separator else ("", "")
