"""Reads the body of POST execute/workflow as strictly as the specification allows (1.5 to 1.10)."""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .errors import COMPONENT_CALLER_ID_REGEX, REQUEST_NULL, RefusedError

EVENT_TYPES = (
    "ALL",
    "CALL",
    "MEDIA",
    "DTMF",
    "RECORD",
    "CDR",
    "API",
    "SUBMITTED",
    "DELIVERED",
    "ERROR",
)
CALL_TYPES = ("INBOUND", "OUTBOUND")
METHODS = ("POST", "PUT", "PATCH", "GET")
SEQUENTIAL = "SEQUENTIAL"
PARALLEL = "PARALLEL"
CONFERENCE = "CONFERENCE"
ROUND_ROBIN = "ROUND_ROBIN"
STRATEGIES = (SEQUENTIAL, PARALLEL, CONFERENCE, ROUND_ROBIN)
MAX_RETRIES = 3
DEEPEST = 32

NUMBER = re.compile(r"[0-9]{10}")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_URL = re.compile(r"[\x21-\x7e]+")

_KNOWN_FIELDS = {
    "request": {
        "callFlowConfiguration",
        "callFlowId",
        "callType",
        "callerId",
        "customerId",
        # Not in the specification; some accounts accept it and repeat its keys in the CDR.
        "metaData",
    },
    "initiateCall": {
        "callerId",
        "maxTime",
        "mergingStrategy",
        "participants",
        "callBackURLs",
        "agentPoolId",
    },
    "addParticipant": {"callerId", "maxTime", "mergingStrategy", "participants", "agentPoolId"},
    "record": {"enabled"},
    "callBackURL": {"eventType", "headers", "method", "notifyURL"},
    "participant": {
        "callerId",
        "enableEarlyMedia",
        "maxRetries",
        "maxTime",
        "participantAddress",
        "participantName",
    },
}


@dataclass(frozen=True)
class Participant:
    """A phone to ring (1.10); ``caller_number`` is the effective one."""

    number: str
    name: str | None
    caller_number: str
    max_retries: int = 0
    early_media: bool = False


@dataclass(frozen=True)
class Component:
    """A component that rings phones (1.6, 1.7); ``name`` is its key, such as initiateCall_1."""

    name: str
    strategy: str
    participants: tuple


@dataclass(frozen=True)
class Callback:
    """An entry of callBackURLs (1.9)."""

    event_type: str
    url: str
    method: str
    headers: dict


@dataclass
class Order:
    """A valid request: whom to ring and where to report.

    ``remarks`` are oddities that the specification doesn't forbid, such as unknown fields; without
    them a typing mistake would go unseen.
    """

    flow: str
    call_type: str
    agents: Component
    customers: tuple
    record: bool
    callbacks: tuple
    meta_data: dict = field(default_factory=dict)
    remarks: list = field(default_factory=list)

    @property
    def customer_number(self):
        """The number that chooses the script: the second component's first participant."""
        return self.customers[0].participants[0].number


def read_order(raw, settings, pool):
    """Read and check a request.

    :param raw: the body's bytes
    :param settings: the account (Settings)
    :param pool: function without arguments; returns the agent pool's numbers in the order in
        which a round robin component rings them
    :return: Order
    :raises RefusedError: for the first fault, in the order: form, blank fields, numbers, account
    """
    return _Reader(settings, pool).read(_load(raw))


def _load(raw):
    try:
        return load_object(raw)
    except ValueError as error:
        raise RefusedError(REQUEST_NULL, str(error)) from error


def load_object(raw):
    """Return the JSON object in a body.

    :raises ValueError: when there is none; says why, in words without a full stop
    """
    if not raw.strip():
        raise ValueError("the body is empty")
    try:
        body = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the body is not JSON ({error})") from error
    if not isinstance(body, dict) or not body:
        raise ValueError("the body is not a JSON object with fields")
    if is_too_deep(body):
        raise ValueError("the body is nested too deeply")
    return body


def is_too_deep(value):
    """Return whether JSON is nested deeper than any sensible request, and than is safe to copy."""
    level = [value]
    for _depth in range(DEEPEST):
        level = [
            child
            for parent in level
            if isinstance(parent, (dict, list))
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return bool(level)


def readable(raw):
    """Return a body for the ledger: parsed if it is JSON, else as text."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode("utf-8", "replace")
    return raw.decode("utf-8", "replace") if is_too_deep(body) else body


def is_web_address(url):
    """Return whether a value is the text of an http(s) address."""
    if not isinstance(url, str) or not _URL.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0


def _refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def _blank(value):
    return value is None or (isinstance(value, str) and not value.strip())


class _Reader:
    def __init__(self, settings, pool):
        self.settings = settings
        self.pool = pool
        self.remarks = []
        self.caller_numbers = []
        self.top_caller_number = None

    def read(self, body):
        self.remark_unknown("the request", body, "request")
        customer_id = self.text(body, "customerId", "CUSTOMER_ID_NULL_ERROR")
        flow = self.text(body, "callFlowId", "CALL_FLOW_ID_NULL_ERROR")
        call_type = body.get("callType")
        if call_type not in CALL_TYPES:
            # The specification requires callType but has no code for its absence.
            raise RefusedError(REQUEST_NULL, "callType is neither INBOUND nor OUTBOUND")
        self.top_caller_number = self.caller_number(body, "the request", "CALLER_ID_REGEX_ERROR")
        if self.top_caller_number is None and self.settings.caller_id_required:
            raise RefusedError("CALLER_ID_NULL_ERROR", "the request has no callerId")
        configuration = body.get("callFlowConfiguration")
        if not isinstance(configuration, dict) or not configuration:
            raise RefusedError(REQUEST_NULL, "callFlowConfiguration is missing or empty")
        first, others, spare, records = self.sort_components(configuration)
        callbacks = self.callbacks(first[1], first[0])
        agents = self.component(*first, "FROM")
        customers = tuple(self.component(*other, "TO") for other in others)
        self.check_duplicates((agents, *customers, *map(self.spare_component, spare)))
        # Which of several counts is not specified: recording is off if one of them switches it off
        recorded = all([self.recorded(record) for record in records])
        meta_data = body.get("metaData")
        if meta_data is not None and not isinstance(meta_data, dict):
            raise RefusedError(REQUEST_NULL, "metaData is not an object")
        self.check_account(customer_id, flow)
        return Order(
            flow=flow,
            call_type=call_type,
            agents=agents,
            customers=customers,
            record=recorded,
            callbacks=callbacks,
            meta_data=dict(meta_data or {}),
            remarks=self.remarks,
        )

    def remark_unknown(self, where, mapping, kind):
        for name in mapping:
            if name not in _KNOWN_FIELDS[kind]:
                self.remarks.append(f"{where} has the unknown field {name}")

    def text(self, body, name, key):
        value = body.get(name)
        if _blank(value) or not isinstance(value, str):
            raise RefusedError(key, f"{name} is missing, blank or not a text")
        return value

    def caller_number(self, mapping, where, key):
        value = mapping.get("callerId")
        if _blank(value):
            return None
        if not isinstance(value, str) or not NUMBER.fullmatch(value):
            raise RefusedError(key, f"callerId of {where} is not a text of 10 digits")
        self.caller_numbers.append((where, value))
        return value

    def sort_components(self, configuration):
        """Sort components by name: the first leg, other legs, spare first legs, record components.

        Flows can name components freely. Among components with unknown names, the first leg is the
        one with callBackURLs, else the first one.
        """
        first, others, custom, spare, records = None, [], [], [], []
        for name, component in configuration.items():
            kind = name.split("_", 1)[0]
            if kind == "record" or self.is_record(kind, component):
                records.append((name, component))
            elif kind == "initiateCall" and first is None:
                first = (name, component)
            elif kind == "addParticipant":
                others.append((name, component))
            elif kind == "initiateCall":
                self.remarks.append(f"{name} is ignored: a call starts with one component")
                spare.append((name, component))
            else:
                custom.append((name, component))
        if first is None and custom:
            holders = [
                item for item in custom if isinstance(item[1], dict) and "callBackURLs" in item[1]
            ]
            first = holders[0] if holders else (None if others else custom[0])
            custom = [item for item in custom if item is not first]
        if not others:
            others = custom
        else:
            self.remarks.extend(f"the component {name} is ignored" for name, _value in custom)
            for name, component in custom:
                if not isinstance(component, dict):
                    raise RefusedError(REQUEST_NULL, f"the component {name} is no object")
        if first is None or not isinstance(first[1], dict) or not first[1]:
            raise RefusedError("FROM_BODY_NULL_ERROR", "the initiateCall component is missing")
        if not others or any(not isinstance(item[1], dict) or not item[1] for item in others):
            raise RefusedError("TO_BODY_NULL_ERROR", "the addParticipant component is missing")
        return first, others, spare, records

    def spare_component(self, item):
        """Check a further initiateCall component as strictly, although it rings nobody here."""
        name, component = item
        if not isinstance(component, dict) or not component:
            raise RefusedError("FROM_BODY_NULL_ERROR", f"{name} is no object with fields")
        self.callbacks(component, name)
        return self.component(name, component, "FROM")

    def is_record(self, kind, component):
        return (
            kind not in ("initiateCall", "addParticipant")
            and isinstance(component, dict)
            and "enabled" in component
            and "participants" not in component
        )

    def component(self, name, component, side):
        kind = "initiateCall" if side == "FROM" else "addParticipant"
        self.remark_unknown(name, component, kind)
        own = self.caller_number(component, name, COMPONENT_CALLER_ID_REGEX)
        if own is None and self.settings.caller_id_required:
            raise RefusedError("CALLER_ID_NULL_ERROR", f"{name} has no callerId")
        caller_number = own or self.top_caller_number
        self.whole_number(component, "maxTime", name)
        strategy = self.strategy(component, name, side)
        entries = component.get("participants")
        if entries is not None and not isinstance(entries, list):
            raise RefusedError(f"{side}_NUMBER_NULL_ERROR", f"participants of {name} is no list")
        if strategy == ROUND_ROBIN:
            participants = self.pool_participants(component, name, caller_number, entries)
            return Component(name, strategy, participants)
        if not entries:
            raise RefusedError(f"{side}_NUMBER_NULL_ERROR", f"{name} has no participants")
        participants = tuple(
            self.participant(entry, f"participant {index} of {name}", caller_number, side)
            for index, entry in enumerate(entries, 1)
        )
        return Component(name, strategy, participants)

    def strategy(self, component, name, side):
        value = component.get("mergingStrategy")
        if _blank(value):
            return SEQUENTIAL
        # The specification has ROUND ROBIN, Airtel's other documents ROUND_ROBIN.
        strategy = value.replace(" ", "_") if isinstance(value, str) else value
        if strategy not in STRATEGIES:
            raise RefusedError(REQUEST_NULL, f"mergingStrategy of {name} is unknown")
        if strategy == CONFERENCE and side == "TO":
            raise RefusedError(
                "CONFERENCE_MERGING_STRATEGY_NOT_ALLOWED_FOT_TO_NUMBER",
                f"{name} must not be a conference",
            )
        return strategy

    def pool_participants(self, component, name, caller_number, entries):
        if entries:
            raise RefusedError(
                "ROUNDROBIN_PARTICIPANT_DATA_NOT_ALLOWED",
                f"{name} has participants and ROUND_ROBIN",
            )
        pool_id = component.get("agentPoolId")
        if _blank(pool_id) or not isinstance(pool_id, str):
            raise RefusedError("ROUNDROBIN_AGENT_ID_MISSING", f"{name} has no agentPoolId")
        if caller_number is None:
            raise RefusedError("CALLER_ID_NULL_ERROR", f"there is no callerId for {name}")
        return tuple(Participant(number, None, caller_number) for number in self.pool())

    def participant(self, entry, where, caller_number, side):
        if not isinstance(entry, dict):
            raise RefusedError(f"{side}_PARTICIPANT_NUMBER_NULL_ERROR", f"{where} is no object")
        self.remark_unknown(where, entry, "participant")
        number = entry.get("participantAddress")
        if _blank(number):
            raise RefusedError(
                f"{side}_PARTICIPANT_NUMBER_NULL_ERROR", f"{where} has no participantAddress"
            )
        if not isinstance(number, str) or not NUMBER.fullmatch(number):
            raise RefusedError(
                f"{side}_PARTICIPANT_NUMBER_REGEX_ERROR",
                f"participantAddress of {where} is not a text of 10 digits",
            )
        retries = self.whole_number(entry, "maxRetries", where)
        if retries > MAX_RETRIES:
            raise RefusedError(
                f"{side}_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE",
                f"maxRetries of {where} is above {MAX_RETRIES}",
            )
        self.whole_number(entry, "maxTime", where)
        early_media = self.boolean(entry, "enableEarlyMedia", where, default=False)
        name = entry.get("participantName")
        if name is not None and not isinstance(name, str):
            raise RefusedError(REQUEST_NULL, f"participantName of {where} is not a text")
        own = self.caller_number(entry, where, COMPONENT_CALLER_ID_REGEX)
        effective = own or (None if self.settings.caller_id_required else caller_number)
        if effective is None:
            raise RefusedError("CALLER_ID_NULL_ERROR", f"there is no callerId for {where}")
        return Participant(number, name, effective, retries, early_media)

    def whole_number(self, mapping, name, where):
        value = mapping.get(name)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise RefusedError(REQUEST_NULL, f"{name} of {where} is not a whole number from 0")
        return value

    def boolean(self, mapping, name, where, default):
        value = mapping.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise RefusedError(REQUEST_NULL, f"{name} of {where} is neither true nor false")
        return value

    def recorded(self, record):
        # "default-true" is taken literally: only {"enabled": false} switches recording off, and a
        # request without the component is recorded.
        name, component = record
        if component is None:
            return True
        if not isinstance(component, dict):
            raise RefusedError(REQUEST_NULL, f"{name} is no object")
        self.remark_unknown(name, component, "record")
        return self.boolean(component, "enabled", name, default=True)

    def callbacks(self, component, name):
        entries = component.get("callBackURLs")
        if entries is None:
            return ()
        if not isinstance(entries, list):
            raise RefusedError(REQUEST_NULL, f"callBackURLs of {name} is no list")
        return tuple(
            self.callback(entry, f"callBackURL {index} of {name}")
            for index, entry in enumerate(entries, 1)
        )

    def callback(self, entry, where):
        if not isinstance(entry, dict):
            raise RefusedError(REQUEST_NULL, f"{where} is no object")
        self.remark_unknown(where, entry, "callBackURL")
        event_type = entry.get("eventType")
        if event_type not in EVENT_TYPES:
            raise RefusedError(REQUEST_NULL, f"eventType of {where} is missing or unknown")
        method = entry.get("method")
        # It has a default but is marked as required, and required fields are mandatory (4.1).
        if method not in METHODS:
            raise RefusedError(REQUEST_NULL, f"method of {where} is missing or unknown")
        url = entry.get("notifyURL")
        if not is_web_address(url):
            raise RefusedError(REQUEST_NULL, f"notifyURL of {where} is no http(s) address")
        headers = entry.get("headers")
        if headers is None:
            headers = {}
        if not isinstance(headers, dict) or not all(
            HEADER_NAME.fullmatch(header)
            and isinstance(value, str)
            and HEADER_VALUE.fullmatch(value)
            for header, value in headers.items()
        ):
            raise RefusedError(REQUEST_NULL, f"headers of {where} are no object of header texts")
        return Callback(event_type, url, method, headers)

    def check_duplicates(self, components):
        seen = set()
        for component in components:
            if component.strategy == ROUND_ROBIN:
                continue
            for participant in component.participants:
                if participant.number in seen:
                    raise RefusedError(
                        "DUPLICATE_PARTICIPANT_ADDRESS_FOUND",
                        f"a participantAddress of {component.name} is there twice",
                    )
                seen.add(participant.number)

    def check_account(self, customer_id, flow):
        if customer_id != self.settings.customer_id:
            raise RefusedError("INCORRECT_CUSTOMER_ID", "customerId is not this account's")
        if flow not in self.settings.flows:
            raise RefusedError("INCORRECT_CALL_FLOW_ID", "the account has no such callFlowId")
        for where, caller_number in self.caller_numbers:
            if caller_number not in self.settings.caller_numbers:
                raise RefusedError(
                    "INVALID_CALLER_ID", f"callerId of {where} doesn't belong to the account"
                )
