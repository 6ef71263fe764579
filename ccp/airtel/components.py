# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Further components of a call flow, written as JSON (section 1.5, ``<componentType_uniqueId>``).

They cannot contain phone numbers: dialled numbers come from the call alone, through placeholders,
because only those were checked against the blacklist, the limits and the agent's own phone.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence

from . import const

MAX_TEXT = 10_000
"""Longer texts are refused without reading them."""
MAX_COMPONENTS = 20
MAX_DEPTH = 8

INITIATE = "initiateCall"
ADD = "addParticipant"
CALLER_ID = "{{callerId}}"
"""Placeholder for the caller number of the call."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
# The flow's own component rings the first phone of each side
_PHONE = re.compile(r"\{\{(agent|customer)([2-9]|10)\}\}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Airtel dials numbers of ten digits (section 1.10)
_TEN_DIGITS = re.compile(r"\d(?:[\s()+._/\u00ad\u2010-\u2015\u2212\u200b-\u200f\ufeff-]{0,4}\d){9}")
# The flow, the account and the addresses of reports have settings of their own
_FORBIDDEN = frozenset(
    (
        "authorization",
        "callbackurl",
        "callbackurls",
        "callflowconfiguration",
        "callflowid",
        "calltype",
        "customerid",
        "notifyurl",
        "password",
        "username",
    )
)


class ComponentsError(ValueError):
    """The text cannot be added to a request.

    :ivar reason: ``long``, ``json``, ``object`` (a component that is no object), ``many``,
        ``deep``, ``name``, ``forbidden``, ``number``, ``address`` (a participant without
        placeholder), ``caller_id``, ``twice`` (a placeholder), ``strategy``, ``conference``,
        ``no_participants``, ``pool``, ``pool_participants``, ``retries`` or ``max_time``
    :ivar where: path of the value, such as ``addParticipant_2.participants[0]``
    """

    def __init__(self, reason: str, where: str = ""):
        super().__init__(f"{reason}: {where}")
        self.reason = reason
        self.where = where


def read(text: str | None, pool_key: str = const.DEFAULT_POOL_KEY) -> dict[str, dict]:
    """Read and check further components.

    :param text: a JSON object: components by their ids; or nothing
    :param pool_key: the field that holds the id of an agent pool
    :return: the components, with their placeholders
    :raises ComponentsError: for the first part that may not be sent
    """
    if not (text or "").strip():
        return {}
    if len(text) > MAX_TEXT:
        raise ComponentsError("long")
    try:
        components = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ComponentsError("json") from error
    if not isinstance(components, dict):
        raise ComponentsError("json")
    if len(components) > MAX_COMPONENTS:
        raise ComponentsError("many")
    seen: set[str] = set()
    for name, component in components.items():
        if not _NAME.fullmatch(name):
            raise ComponentsError("name", name[:100])
        if not isinstance(component, dict) or not component:
            raise ComponentsError("object", name)
        _check_value(component, name, pool_key, seen, 1)
        _check_kind(component, name, pool_key)
    return components


def fill(
    components: Mapping[str, Mapping],
    *,
    caller_id: str,
    add_caller_id: bool,
    agents: Sequence[Mapping],
    customers: Sequence[Mapping],
    callbacks: Sequence[Mapping],
) -> dict[str, dict]:
    """Put the numbers of one call into further components.

    A participant for whom this call has no number is left out, and so is a component without
    participants.

    :param components: what ``read`` returned
    :param caller_id: the caller number, ten digits
    :param add_caller_id: whether add participant components get the caller number, too
    :param agents: the agent's phones as participants of section 1.10, in order; placeholders count
        from 1, and the component's own values take precedence
    :param customers: the customer's phones, likewise
    :param callbacks: entries of section 1.9, for further components that initiate calls
    """
    phones = {"agent": agents, "customer": customers}
    filled = {}
    for name, component in components.items():
        kind = name.split("_", 1)[0]
        entries = component.get("participants")
        values = _with_caller_id(component, caller_id)
        if kind == INITIATE or (kind == ADD and add_caller_id):
            values = {"callerId": caller_id, **values}
        if entries is not None and (participants := _participants(entries, phones, caller_id)):
            values["participants"] = participants
        elif entries is not None:
            continue
        if kind == INITIATE and callbacks:
            values["callBackURLs"] = list(callbacks)
        filled[name] = values
    return filled


def placed(components: Mapping[str, Mapping], side: str) -> set[int]:
    """Return which phones of a side ring through further components, counted from 1.

    :param components: what ``read`` returned
    :param side: ``agent`` or ``customer``
    """
    found = set()
    for component in components.values():
        for entry in component.get("participants") or ():
            match = _PHONE.fullmatch(entry["participantAddress"])
            if match[1] == side:
                found.add(int(match[2]))
    return found


def _participants(entries, phones, caller_id):
    found = []
    for entry in entries:
        side, position = _PHONE.fullmatch(entry["participantAddress"]).groups()
        if int(position) > len(phones[side]):
            continue
        own = {key: value for key, value in entry.items() if key != "participantAddress"}
        found.append({**phones[side][int(position) - 1], **_with_caller_id(own, caller_id)})
    return found


def _with_caller_id(value, caller_id):
    if isinstance(value, dict):
        return {key: _with_caller_id(each, caller_id) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_caller_id(each, caller_id) for each in value]
    return caller_id if value == CALLER_ID else value


def _object(pairs):
    """Return a JSON object, unless a name occurs twice: Airtel could read either value."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name is there twice")
    return values


def _refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def _check_value(value, where, pool_key, seen, depth):
    """Refuse names and numbers that a component may not contain at any depth."""
    if depth > MAX_DEPTH:
        raise ComponentsError("deep", where)
    if isinstance(value, dict):
        for key, each in value.items():
            _check_field(key, each, f"{where}.{key[:100]}", pool_key, seen, depth)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            _check_value(each, f"{where}[{index}]", pool_key, seen, depth + 1)
    elif _holds_number(value):
        raise ComponentsError("number", where)


def _check_field(key, value, where, pool_key, seen, depth):
    folded = "".join(filter(str.isalnum, key)).lower()
    if folded in _FORBIDDEN:
        raise ComponentsError("forbidden", where)
    if _holds_number(key):
        raise ComponentsError("number", where)
    if folded == "participantaddress":
        if not isinstance(value, str) or not _PHONE.fullmatch(value):
            raise ComponentsError("address", where)
        if value in seen:
            raise ComponentsError("twice", where)
        seen.add(value)
    elif folded == "callerid":
        if value != CALLER_ID:
            raise ComponentsError("caller_id", where)
    # Ids may consist of digits; which phones a pool has is up to Airtel
    elif key != pool_key or not isinstance(value, str):
        _check_value(value, where, pool_key, seen, depth + 1)


def _holds_number(value) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, float):
        return abs(value) >= 1e9
    text = str(value)
    if _UUID.fullmatch(text):
        return False
    ascii_text = "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() else char
        for char in unicodedata.normalize("NFKC", text)
    )
    return bool(_TEN_DIGITS.search(ascii_text))


def _check_kind(component, name, pool_key):
    """Check what sections 1.6, 1.7 and 1.10 require of a component that rings phones."""
    kind = name.split("_", 1)[0]
    entries = component.get("participants")
    if entries is not None:
        _check_entries(entries, f"{name}.participants")
    if kind not in (INITIATE, ADD):
        return
    strategy = component.get("mergingStrategy")
    allowed = (None, *const.AGENT_STRATEGIES)
    if strategy not in allowed:
        raise ComponentsError("strategy", f"{name}.mergingStrategy")
    if strategy == "CONFERENCE" and kind == ADD:
        raise ComponentsError("conference", f"{name}.mergingStrategy")
    _check_whole_number(component, "maxTime", "max_time", name)
    if strategy in const.ROUND_ROBIN:
        if entries is not None:
            raise ComponentsError("pool_participants", f"{name}.participants")
        pool = component.get(pool_key)
        if not isinstance(pool, str) or not pool.strip():
            raise ComponentsError("pool", f"{name}.{pool_key}")
    elif not entries:
        raise ComponentsError("no_participants", f"{name}.participants")


def _check_entries(entries, where):
    if not isinstance(entries, list):
        raise ComponentsError("object", where)
    for index, entry in enumerate(entries):
        each = f"{where}[{index}]"
        if not isinstance(entry, dict):
            raise ComponentsError("object", each)
        if "participantAddress" not in entry:
            raise ComponentsError("address", each)
        _check_whole_number(entry, "maxTime", "max_time", each)
        _check_whole_number(entry, "maxRetries", "retries", each, const.MAX_RETRIES)


def _check_whole_number(mapping, key, reason, where, largest=10**6):
    value = mapping.get(key)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and not (is_whole and 0 <= value <= largest):
        raise ComponentsError(reason, f"{where}.{key}")
