# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Who answered an incoming call: whose phones rang, who took it, who missed it.

Airtel may ring several agents, one after the other or at once, who are not known beforehand.
The result does not depend on the order in which reports came.
"""

from dataclasses import dataclass, field
from datetime import datetime

from ..airtel import vocabulary
from ..airtel.reports import Cdr, CdrLeg
from .dialled import AGENT, CUSTOMER
from .leg import Fact, Phone, is_unanswered, whole_seconds
from .sorting import KEYPAD, Sorting

_RINGS = (vocabulary.DIALLED, vocabulary.RINGING)
_ENDED = (vocabulary.HUNG_UP, vocabulary.FAILED)
_MAX_KEYS = 64


@dataclass(frozen=True, kw_only=True)
class Answering:
    """Who took an incoming call, whom it rings, and who missed it; empty for an outgoing call.

    Numbers have 10 digits.
    """

    picked_up: str = field(default="", repr=False)
    """The agent who talked."""
    ringing: tuple[str, ...] = field(default=(), repr=False)
    """The agents whose phones ring now."""
    missed: tuple[str, ...] = field(default=(), repr=False)
    """The agents whose phones were tried according to reports, and who did not take the call."""
    keys: str = field(default="", repr=False)
    """The keys that the customer pressed before an agent answered."""
    waited_seconds: int | None = None
    """How long the customer waited, for an agent or in vain; ``None`` as long as they wait."""
    abandoned_early: bool = False
    """Whether the customer hung up so soon that nobody missed the call."""


def who_answered(
    sorting: Sorting,
    state: str,
    result: str,
    answered_at: datetime | None,
    ended_at: datetime | None,
) -> Answering:
    """Return who answered.

    :param state: the call's state
    :param result: the call's result, or what it would be if the call were over
    :param answered_at: when an agent answered it
    :param ended_at: when it ended
    """
    if not sorting.dialled.incoming:
        return Answering()
    is_connected = result == "connected"
    phones = sorting.parties[AGENT].phones
    picked_up = _picked_up(sorting) if is_connected else ""
    ringing = []
    if state == "ringing_agent":
        living = [phone for phone in phones if not phone.answer and not phone.ending]
        ringing = [phone.address for phone in sorted(living, key=_began)]
    waited = _waited_seconds(sorting, answered_at, ended_at, is_connected)
    return Answering(
        picked_up=picked_up,
        ringing=tuple(ringing),
        missed=_missed(sorting, picked_up, is_connected, ringing),
        keys=_keys(sorting, answered_at),
        waited_seconds=waited,
        abandoned_early=(
            result == "abandoned"
            and waited is not None
            and waited <= sorting.dialled.abandon_seconds
        ),
    )


def customers_end(sorting: Sorting) -> Fact | None:
    """Return the first event by which the customer of an incoming call left, or ``None``.

    A calling customer cannot be busy or not answer: an event that says so is about a phone that
    Airtel rang.
    """
    facts = sorting.parties[CUSTOMER].facts
    ends = (fact for fact in facts if vocabulary.meaning(fact.event.event) in _ENDED)
    return next(ends, None)


def was_ringing(sorting: Sorting, moment: datetime) -> bool:
    """Return whether events show that any agent's phone rang at a given time."""
    return any(_rang_at(phone, moment) for phone in sorting.parties[AGENT].phones)


def names_agents(sorting: Sorting) -> bool:
    """Return whether any CDR names an agent whose phone was tried."""
    return any(_agents_in(sorting, cdr) or cdr.missed_numbers for cdr in sorting.counting_cdrs)


def _rang_at(phone: Phone, moment: datetime) -> bool:
    # A phone that stops ringing at the same time stops because the customer hung up
    before = [
        fact
        for fact in phone.facts
        if fact.moment < moment or fact.moment == moment and fact.what not in _ENDED
    ]
    # By another clock, the phone may ring a moment longer
    return not before or before[-1].what in _RINGS


def _began(phone: Phone) -> datetime:
    return phone.facts[0].moment


def _picked_up(sorting: Sorting) -> str:
    """Return who picked up, by the CDR, else by the first answer in an event."""
    leg = sorting.cdr_legs[AGENT]
    if leg and _is_agents(sorting, leg.address) and not is_unanswered(leg):
        return leg.address
    first = sorting.parties[AGENT].first_answered
    return first.address if first else ""


def _is_agents(sorting: Sorting, address: str) -> bool:
    return sorting.dialled.role(address) == AGENT


def _agents_in(sorting: Sorting, cdr: Cdr) -> list[CdrLeg]:
    """Return a CDR's entries about agents."""
    return [leg for leg in sorting.legs_in(cdr, AGENT) if _is_agents(sorting, leg.address)]


def _missed(
    sorting: Sorting, picked_up: str, is_connected: bool, ringing: list[str]
) -> tuple[str, ...]:
    """Return who was tried and did not take the call, in the order of the tries."""
    phones = sorted(sorting.parties[AGENT].phones, key=_began)
    tried = [phone.address for phone in phones]
    surely = {phone.address for phone in phones if phone.ending and not phone.answer}
    named = set()
    for cdr in sorting.counting_cdrs:
        surely.update(each for each in cdr.missed_numbers if _is_agents(sorting, each))
        for leg in _agents_in(sorting, cdr):
            named.add(leg.address)
            if is_unanswered(leg):
                surely.add(leg.address)
    tried += sorted((surely | named).difference(tried))
    if is_connected and not picked_up:
        # An agent who was not clearly seen to miss the call may have taken it
        tried = [each for each in tried if each in surely]
    return tuple(each for each in tried if each != picked_up and each not in ringing)


def _keys(sorting: Sorting, answered_at: datetime | None) -> str:
    """Return the pressed keys, by the CDR, else by events until an agent answered."""
    if sorting.cdr and sorting.cdr.keys:
        return sorting.cdr.keys
    pressed = [
        event.digits
        for event, _role, what in sorting.happened
        if what == KEYPAD and (not answered_at or (event.at or event.received_at) <= answered_at)
    ]
    return "".join(pressed)[:_MAX_KEYS]


def _waited_seconds(
    sorting: Sorting, answered_at: datetime | None, ended_at: datetime | None, is_connected: bool
) -> int | None:
    """Return the wait until an agent answered, by the CDR; if nobody did, the longest reported one.

    The wait in a CDR without an agent's answer may be zero.
    """
    cdr, leg = sorting.cdr, sorting.cdr_legs[CUSTOMER]
    said = leg.ring_seconds if leg else None
    moments = [event.at or event.received_at for event, _role, _what in sorting.happened]
    began = (cdr and cdr.started_at) or min(moments, default=None)
    if is_connected:
        return whole_seconds(began, answered_at) if said is None else said
    end = customers_end(sorting)
    known = [said, cdr.total_seconds if cdr else None]
    known.append(whole_seconds(began, end.moment if end else ended_at))
    return max((each for each in known if each is not None), default=None)
