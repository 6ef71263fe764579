# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Reports of incoming calls: who called which Airtel number, and whether two belong together.

Odoo did not place such a call, so its reports contain no id of Odoo's. Numbers show who is who: the
company knows its Airtel numbers and its agents' phones, and anybody else is the customer. Airtel
sometimes exchanges its fields for caller and destination, so a field's name or place only decides
where numbers don't: between two unknown numbers, or two agents.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from ..airtel import vocabulary
from ..airtel.reports import Cdr, Decided, Event, Report
from ..safe.number import last10
from .dialled import OF_A_DIALLED_PHONE, WHOLE, is_same_number, without_abroad
from .sorting import says_how_it_went

REPEAT_TOLERANCE = timedelta(seconds=2)
"""How far apart the starts in two CDRs of one call may be; nobody calls again so soon."""
# Withheld numbers are sent as "0" and the like
_SHORTEST = 5


@dataclass(frozen=True)
class Incoming:
    """What one report says about an incoming call."""

    customer: str = field(default="", repr=False)
    """Last ten digits of the caller, "" if the number is missing or withheld.

    A number abroad counts as withheld: in India its last ten digits belong to somebody else."""
    airtel_number: str = field(default="", repr=False)
    """Last ten digits of the called number, "" if it is missing."""
    agents: tuple[str, ...] = field(default=(), repr=False)
    """10 digits each: the report's agents, first the one who took the call or was tried last."""
    session_id: str = ""
    at: datetime | None = None
    """Aware, in UTC: the start of a CDR's call, else the event's time. ``read`` always sets it."""
    digit: str = ""
    """The first key that was pressed in the menu."""
    is_cdr: bool = False
    ended: bool = False
    """Whether the report says that the call is over."""
    is_sure: bool = False
    """Whether the report alone shows an incoming call: only such a report may create a call.

    Others are added to known calls: live events contain neither direction nor number."""
    is_timed: bool = True
    """Whether ``at`` is the report's own time; otherwise it is the time of its arrival, minus the
    call's length."""
    total_seconds: int | None = None
    """The length of a CDR's call, from its start."""


def read(
    report: Report, airtel_numbers: Iterable[str], agent_numbers: Iterable[str]
) -> Incoming | None:
    """Return what a report says about an incoming call, ``None`` if it is not about one.

    :param report: a result of ``reports.parse``, or a decision
    :param airtel_numbers: the numbers that customers call: last ten digits, or a full toll-free one
    :param agent_numbers: last ten digits of the phones that may ring, including desks
    """
    who = _who(frozenset(airtel_numbers), frozenset(agent_numbers))
    report = without_abroad(report, who.is_airtel)
    if isinstance(report, Cdr):
        return _of_cdr(report, who)
    if isinstance(report, Event):
        return _of_event(report, who)
    return _of_decision(report) if isinstance(report, Decided) else None


def same_call(one: Incoming, other: Incoming, tolerance: timedelta) -> bool:
    """Return whether two reports are about the same call.

    If both have a session id, that decides. Otherwise it is the same call if customer, Airtel
    number and time are the same; an event may also lie within the time that a CDR covers.

    :param tolerance: how far apart the times of two reports of one call may be; two CDRs with a
        start may only be ``REPEAT_TOLERANCE`` apart
    """
    if one.session_id and other.session_id:
        return one.session_id == other.session_id
    if one.customer != other.customer:
        return False
    if one.airtel_number and other.airtel_number:
        if not is_same_number(one.airtel_number, other.airtel_number):
            return False
    elif not one.customer:
        # Both callers withhold their numbers, and at least one report lacks the called number
        return False
    if one.is_cdr and other.is_cdr and one.is_timed and other.is_timed:
        tolerance = min(tolerance, REPEAT_TOLERANCE)
    return distance(one, other) <= tolerance


def distance(one: Incoming, other: Incoming) -> timedelta:
    """Return the time between two reports; zero if a CDR covers the other one's time."""
    if one.is_cdr == other.is_cdr or one.at is None or other.at is None:
        return _apart(one, other)
    cdr, event = (one, other) if one.is_cdr else (other, one)
    ended_at = cdr.at + timedelta(seconds=cdr.total_seconds or 0)
    return max(cdr.at - event.at, event.at - ended_at, timedelta())


def _apart(one: Incoming, other: Incoming) -> timedelta:
    return timedelta.max if one.at is None or other.at is None else abs(one.at - other.at)


def closest(one: Incoming, others: Sequence[Incoming], tolerance: timedelta) -> int | None:
    """Return the index of the report that is most likely about the same call, or ``None``.

    A customer may call twice within a minute; the report closest in time is taken.

    :param tolerance: see ``same_call``
    """
    places = [place for place, other in enumerate(others) if same_call(one, other, tolerance)]

    def likelihood(place: int) -> tuple:
        other = others[place]
        has_session = bool(one.session_id) and one.session_id == other.session_id
        return not has_session, distance(one, other), _apart(one, other)

    return min(places, key=likelihood, default=None)


class _Who:
    """Tells Airtel numbers, agents' phones and other numbers apart."""

    def __init__(self, airtel_numbers: frozenset[str], agent_numbers: frozenset[str]):
        self._airtel_numbers = frozenset(map(last10, airtel_numbers)) - {""}
        self._toll_free = [each for each in self._airtel_numbers if len(each) < WHOLE]
        self._agents = frozenset(map(last10, agent_numbers)) - {""}

    def is_airtel(self, number: str) -> bool:
        if number in self._airtel_numbers:
            return True
        return any(is_same_number(number, each) for each in self._toll_free)

    def is_agent(self, number: str) -> bool:
        return number in self._agents and not self.is_airtel(number)

    def is_strange(self, number: str) -> bool:
        """Return whether it may be a customer's number."""
        return (
            len(number) >= _SHORTEST and number not in self._agents and not self.is_airtel(number)
        )


# Cached, because many reports are read with the same numbers
_who = lru_cache(maxsize=16)(_Who)


def _unknown(airtel_number: str) -> str:
    """Return a called number that is not one of the company's, "" if it is not a number."""
    return airtel_number if len(airtel_number) >= _SHORTEST else ""


def _of_decision(report: Decided) -> Incoming:
    return Incoming(
        customer=report.customer,
        airtel_number=report.airtel_number,
        agents=report.agents,
        at=report.at or report.received_at,
        digit=report.digit,
        is_sure=True,
        is_timed=report.at is not None,
    )


# Events


def _of_event(event: Event, who: _Who) -> Incoming | None:
    is_sure = (
        event.direction == "inbound"
        or who.is_airtel(event.airtel_number)
        or who.is_airtel(event.address)
    )
    if event.direction == "outbound" or not is_sure and who.is_airtel(event.shown):
        # The phones of an outgoing call show the Airtel number
        return None
    customer = _customer_of_event(event, who)
    if not is_sure and not event.session_id and not customer:
        return None
    numbers = (event.airtel_number, event.address, event.shown)
    return Incoming(
        customer=customer,
        airtel_number=next(filter(who.is_airtel, numbers), _unknown(event.airtel_number)),
        agents=_agents_of_event(event, who, customer),
        session_id=event.session_id,
        at=event.at or event.received_at,
        digit=event.digits[:1] if event.event_type == "DTMF" else "",
        is_sure=is_sure,
        is_timed=event.at is not None,
    )


def _customer_of_event(event: Event, who: _Who) -> str:
    address, shown = event.address, event.shown
    if who.is_strange(shown):
        return shown
    if who.is_strange(address):
        # A single number may be either party's if the event is about a phone
        is_of_customer = who.is_agent(shown) or event.event_type not in ("CALL", "")
        return address if is_of_customer else ""
    # A phone never shows its own number, so a shown agent is the caller
    return shown if who.is_agent(shown) and who.is_agent(address) else ""


def _agents_of_event(event: Event, who: _Who, customer: str) -> tuple[str, ...]:
    others = bool(customer) or vocabulary.meaning(event.event) in OF_A_DIALLED_PHONE
    numbers = dict.fromkeys((event.address, event.shown))
    return tuple(
        each
        for each in numbers
        if each != customer
        and len(each) == WHOLE
        and not who.is_airtel(each)
        and (others or who.is_agent(each))
    )


# CDRs


def _of_cdr(cdr: Cdr, who: _Who) -> Incoming | None:
    named = [leg.address for leg in cdr.legs]
    called = next(filter(who.is_airtel, (cdr.airtel_number, *named)), "")
    if cdr.direction == "outbound" or not called and cdr.direction != "inbound":
        return None
    customer = _customer_of_cdr(cdr, who, called)
    if not called and cdr.airtel_number not in (customer, *named):
        called = _unknown(cdr.airtel_number)
    at, is_timed = _beginning(cdr)
    numbers = dict.fromkeys((cdr.destination, *named, *cdr.missed_numbers))
    return Incoming(
        customer=customer,
        airtel_number=called,
        agents=tuple(
            each
            for each in numbers
            if len(each) == WHOLE and each not in (customer, called) and not who.is_airtel(each)
        ),
        session_id=cdr.session_id,
        at=at,
        digit=cdr.keys[:1],
        is_cdr=True,
        ended=says_how_it_went(cdr),
        is_sure=True,
        is_timed=is_timed,
        total_seconds=cdr.total_seconds,
    )


def _customer_of_cdr(cdr: Cdr, who: _Who, called: str) -> str:
    callers = _on_side(cdr, vocabulary.FROM)
    strange = [
        each
        for each in dict.fromkeys(leg.address for leg in cdr.legs)
        if who.is_strange(each) and each not in cdr.missed_numbers
    ]
    if cdr.shown in strange:
        return cdr.shown
    if len(strange) > 1:
        strange = [each for each in strange if each in callers]
    if not any(callers):
        # The numbers on the called side, if the caller withholds the number
        called_ones = _on_side(cdr, vocabulary.TO)
        strange = [each for each in strange if each not in called_ones]
    # An agent's phone shows the customer's number
    others = [cdr.shown, cdr.airtel_number if called != cdr.airtel_number and called else ""]
    # An agent who calls is that call's customer
    agents = [each for each in callers if who.is_agent(each) and each not in cdr.missed_numbers]
    return next(iter((*strange, *filter(who.is_strange, others), *agents)), "")


def _on_side(cdr: Cdr, side: str) -> list[str]:
    return [leg.address for leg in cdr.legs if leg.side == side]


def _beginning(cdr: Cdr) -> tuple[datetime, bool]:
    """Return when a call began, and whether the CDR says so."""
    length = timedelta(seconds=cdr.total_seconds or 0)
    if cdr.started_at:
        return cdr.started_at, True
    if cdr.ended_at:
        return cdr.ended_at - length, True
    return cdr.received_at - length, False
