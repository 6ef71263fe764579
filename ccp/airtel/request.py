# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""The body of an execute/workflow request (sections 1.3 to 1.10).

Dataclasses describe the request; ``body`` checks them and returns the JSON object in the order of
the specification's sample. Optional values that are ``None`` are left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import components, const

_TEN_DIGITS = re.compile(r"[0-9]{10}")
_POOL_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_OTHER_KEYS = ("callerId", "mergingStrategy", "participants", "maxTime", "callBackURLs")
_NOTIFY_URL = re.compile(r"https?://[^\s/?#]+[^\s]*\Z", re.IGNORECASE)


class RequestError(ValueError):
    """Airtel would refuse this request, so it is not sent.

    :ivar reason: ``blank_call_flow_id``, ``blank_customer_id``, ``call_type``, ``component_ids``,
        ``strategy``, ``conference_on_second``, ``no_participants``, ``not_ten_digits``,
        ``duplicate_participants``, ``retries``, ``max_time``, ``event_type``, ``notify_url``,
        ``pool`` (a pool without id or field) or ``pool_participants``
    :ivar where: path of the value in the body, such as
        ``addParticipant_1.participants[0].participantAddress``; never the value
    """

    def __init__(self, reason: str, where: str):
        super().__init__(f"{reason}: {where}")
        self.reason = reason
        self.where = where


@dataclass(frozen=True)
class Callback:
    """An entry of ``callBackURLs`` (section 1.9): where Airtel posts reports of one event type."""

    event_type: str
    """One of ``const.CALLBACK_EVENT_TYPES``."""
    notify_url: str = field(repr=False)
    method: str = "POST"
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    """Headers that Airtel sends with each report; ``None`` for no headers."""


@dataclass(frozen=True)
class Participant:
    """One phone to ring (section 1.10)."""

    address: str = field(repr=False)
    """10 digits."""
    caller_id: str = field(repr=False)
    """The Airtel number this phone displays, 10 digits."""
    name: str | None = None
    """The participant's name in reports."""
    max_retries: int | None = None
    """0 to 3."""
    max_time: int | None = None
    """Longest time a call is retried, in Airtel's unit; 0 means no limit."""
    early_media: bool | None = None
    """Whether the network's own announcements are played."""


@dataclass(frozen=True)
class Pool:
    """Agents at Airtel that are rung in turn (``ROUND ROBIN``, section 1.7)."""

    pool_id: str
    """Airtel's id of the pool."""
    key: str = const.DEFAULT_POOL_KEY
    """The field with the id; the specification does not name it."""


@dataclass(frozen=True, kw_only=True)
class InitiateCall:
    """The component that rings the agent (section 1.6)."""

    component_id: str = const.DEFAULT_INITIATE_ID
    caller_id: str = field(repr=False)
    merging_strategy: str | None = "SEQUENTIAL"
    """One of ``const.AGENT_STRATEGIES``."""
    participants: tuple[Participant, ...] = ()
    """Empty if a pool rings."""
    pool: Pool | None = None
    """The pool that rings with the strategy ``ROUND ROBIN``."""
    max_time: int | None = 0
    callbacks: tuple[Callback, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AddParticipant:
    """The component that rings the customer once the agent has answered (section 1.7)."""

    component_id: str = const.DEFAULT_ADD_ID
    caller_id: str | None = field(default=None, repr=False)
    merging_strategy: str | None = "SEQUENTIAL"
    """One of ``const.CUSTOMER_STRATEGIES``."""
    max_time: int | None = 0
    participants: tuple[Participant, ...]


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A whole request (section 1.5)."""

    call_flow_id: str
    """Airtel's callFlowId, of any length and with any characters."""
    customer_id: str
    initiate: InitiateCall
    add: AddParticipant
    call_type: str = "OUTBOUND"
    caller_id: str | None = field(default=None, repr=False)
    """Caller number for participants without one of their own."""
    record_id: str = const.DEFAULT_RECORD_ID
    record: bool | None = True
    """``None`` leaves the component out; Airtel's default is then to record (section 1.8)."""
    further: Mapping[str, Mapping] = field(default_factory=dict, repr=False)
    """Further components by their ids, as ``components.read`` returned them. They ring phones of
    ``initiate`` and ``add``, which then do not ring these phones themselves."""


def body(workflow: Workflow) -> dict:
    """Render the JSON object to POST to ``const.DEFAULT_API_PATH`` (sample in section 1.4).

    Identifiers lose surrounding blanks and are otherwise sent unchanged.

    :raises RequestError: (a ``ValueError``) when Airtel would refuse the request (section 2)
    """
    check(workflow)
    initiate, add = workflow.initiate, workflow.add
    agents = [_participant(each) for each in initiate.participants]
    customers = [_participant(each) for each in add.participants]
    callbacks = [_callback(each) for each in initiate.callbacks]
    configuration = {
        initiate.component_id: _present(
            callerId=initiate.caller_id,
            mergingStrategy=initiate.merging_strategy,
            **({initiate.pool.key: initiate.pool.pool_id.strip()} if initiate.pool else {}),
            participants=_without(agents, components.placed(workflow.further, "agent")) or None,
            maxTime=initiate.max_time,
            callBackURLs=callbacks or None,
        ),
        add.component_id: _present(
            callerId=add.caller_id,
            mergingStrategy=add.merging_strategy,
            maxTime=add.max_time,
            participants=_without(customers, components.placed(workflow.further, "customer")),
        ),
    }
    if workflow.record is not None:
        configuration[workflow.record_id] = {"enabled": workflow.record}
    configuration |= components.fill(
        workflow.further,
        caller_id=initiate.caller_id,
        add_caller_id=add.caller_id is not None,
        agents=agents,
        customers=customers,
        callbacks=callbacks,
    )
    return _present(
        callFlowId=workflow.call_flow_id.strip(),
        customerId=workflow.customer_id.strip(),
        callType=workflow.call_type,
        callerId=workflow.caller_id,
        callFlowConfiguration=configuration,
    )


def _without(participants: list[dict], positions: set[int]) -> list[dict]:
    """Return the participants that no further component rings; positions count from 1."""
    return [
        each for position, each in enumerate(participants, start=1) if position not in positions
    ]


def _participant(participant: Participant) -> dict:
    return _present(
        participantAddress=participant.address,
        callerId=participant.caller_id,
        participantName=participant.name,
        maxRetries=participant.max_retries,
        maxTime=participant.max_time,
        enableEarlyMedia=participant.early_media,
    )


def _callback(callback: Callback) -> dict:
    return {
        "eventType": callback.event_type,
        "notifyURL": callback.notify_url,
        "method": callback.method,
        "headers": dict(callback.headers or {}),
    }


def _present(**values) -> dict:
    return {key: value for key, value in values.items() if value is not None}


def check(workflow: Workflow) -> None:
    """Check that Airtel would accept the request, without sending anything.

    :raises RequestError: for the first fault found
    """
    initiate, add = workflow.initiate, workflow.add
    _need((workflow.call_flow_id or "").strip(), "blank_call_flow_id", "callFlowId")
    _need((workflow.customer_id or "").strip(), "blank_customer_id", "customerId")
    _need(workflow.call_type in ("INBOUND", "OUTBOUND"), "call_type", "callType")
    if workflow.caller_id is not None:
        _check_number(workflow.caller_id, "callerId")

    ids = [initiate.component_id, add.component_id, workflow.record_id, *workflow.further]
    distinct = len(set(ids)) == len(ids) and all((each or "").strip() for each in ids)
    _need(distinct, "component_ids", "callFlowConfiguration")

    _check_number(initiate.caller_id, f"{initiate.component_id}.callerId")
    _check_component(initiate, const.AGENT_STRATEGIES)
    if add.caller_id is not None:
        _check_number(add.caller_id, f"{add.component_id}.callerId")
    conference = add.merging_strategy == "CONFERENCE"
    _need(not conference, "conference_on_second", f"{add.component_id}.mergingStrategy")
    _check_component(add, const.CUSTOMER_STRATEGIES)

    _check_no_duplicates(initiate, add)
    for index, callback in enumerate(initiate.callbacks):
        _check_callback(callback, f"{initiate.component_id}.callBackURLs[{index}]")


def _need(fulfilled, reason: str, where: str) -> None:
    if not fulfilled:
        raise RequestError(reason, where)


def _check_component(component: InitiateCall | AddParticipant, strategies: tuple[str, ...]) -> None:
    where = component.component_id
    strategy = component.merging_strategy
    _need(strategy is None or strategy in strategies, "strategy", f"{where}.mergingStrategy")
    if strategy in const.ROUND_ROBIN:
        _check_pool(component)
    else:
        _need(component.participants, "no_participants", f"{where}.participants")
    _check_max_time(component.max_time, where)
    for index, participant in enumerate(component.participants):
        _check_participant(participant, f"{where}.participants[{index}]")


def is_pool_key(key: str) -> bool:
    """Return whether a field of this name may hold the id of a component's agent pool."""
    return bool(_POOL_KEY.fullmatch(key)) and key not in _OTHER_KEYS


def _check_pool(component: InitiateCall) -> None:
    where, pool = component.component_id, component.pool
    _need(not component.participants, "pool_participants", f"{where}.participants")
    is_named = pool and (pool.pool_id or "").strip() and is_pool_key(pool.key or "")
    _need(is_named, "pool", f"{where}.mergingStrategy")


def _check_participant(participant: Participant, where: str) -> None:
    _check_number(participant.address, f"{where}.participantAddress")
    _check_number(participant.caller_id, f"{where}.callerId")
    retries = participant.max_retries
    allowed = retries is None or 0 <= retries <= const.MAX_RETRIES
    _need(allowed, "retries", f"{where}.maxRetries")
    _check_max_time(participant.max_time, where)


def _check_max_time(max_time: int | None, where: str) -> None:
    _need(max_time is None or max_time >= 0, "max_time", f"{where}.maxTime")


def _check_number(number: str, where: str) -> None:
    _need(_TEN_DIGITS.fullmatch(number or ""), "not_ten_digits", where)


def _check_no_duplicates(initiate: InitiateCall, add: AddParticipant) -> None:
    seen = set()
    for component in (initiate, add):
        for index, participant in enumerate(component.participants):
            where = f"{component.component_id}.participants[{index}].participantAddress"
            _need(participant.address not in seen, "duplicate_participants", where)
            seen.add(participant.address)


def _check_callback(callback: Callback, where: str) -> None:
    known = callback.event_type in const.CALLBACK_EVENT_TYPES
    _need(known, "event_type", f"{where}.eventType")
    _need(_NOTIFY_URL.match(callback.notify_url or ""), "notify_url", f"{where}.notifyURL")
