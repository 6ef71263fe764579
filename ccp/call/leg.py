# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""One party of a call: its events and its part of the CDR combined.

A leg may ring several phones (the component's participants), each several times (maxRetries,
section 1.10). About the order only one thing is certain: a phone that was answered is not dialled
again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from ..airtel import vocabulary
from ..airtel.reports import (
    CdrLeg,
    Event,
)

_RANKS = {
    what: rank
    for rank, what in enumerate((vocabulary.DIALLED, vocabulary.RINGING, vocabulary.ANSWERED))
}


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One party of a call. Times are aware, in UTC."""

    address: str = field(default="", repr=False)
    """10 digits: the phone that answered, else the one dialled last."""
    rang: bool = False
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ring_seconds: int | None = None
    end: str | None = None
    """One of ``vocabulary.ENDS``, or ``None``."""
    cause_code: int | None = None
    sip_code: int | None = None
    cause_text: str = ""
    operator: str = ""
    circle: str = ""
    live: bool = False
    """Whether it is being dialled, rings or talks, according to reports."""


@dataclass(frozen=True)
class Fact:
    """A CALL event that is understood and belongs to a leg."""

    what: str
    event: Event

    @property
    def moment(self) -> datetime:
        """When it happened; if the event has no time, when it arrived."""
        return self.event.at or self.event.received_at

    @property
    def is_timed(self) -> bool:
        """Whether the event has its own time, so its place in the order is certain."""
        return self.event.at is not None

    @property
    def rank(self) -> int:
        """The order among facts of the same time."""
        return _RANKS.get(self.what, len(_RANKS))

    def is_surely_before(self, other: "Fact") -> bool:
        """Return whether both have their own time, and this one's is earlier."""
        return self.is_timed and other.is_timed and self.moment < other.moment


class Phone:
    """One phone of a leg, from its events.

    :param facts: in order of time
    """

    def __init__(self, facts: list[Fact]):
        self.facts = facts
        self.address = facts[0].event.address
        self.answer = self._first(vocabulary.ANSWERED)
        self.ending = self._ending_of_answered() if self.answer else self._ending_of_unanswered()
        """The fact that ended it, ``None`` while it lives."""

    def all(self, *whats: str) -> list[Fact]:
        """Return the facts of these kinds."""
        return [fact for fact in self.facts if fact.what in whats]

    def _first(self, what: str) -> Fact | None:
        return next((fact for fact in self.facts if fact.what == what), None)

    def _ending_of_unanswered(self) -> Fact | None:
        """Return the last event: Airtel may dial again, so earlier ends do not count."""
        last = self.facts[-1]
        return last if last.what in vocabulary.ENDS else None

    def _ending_of_answered(self) -> Fact | None:
        return next(
            (fact for fact in self.all(*vocabulary.ENDS) if self._ends_the_answer(fact)), None
        )

    def _ends_the_answer(self, end: Fact) -> bool:
        """Return whether an end is that of the answered attempt, not of an earlier one."""
        if end.what in vocabulary.UNANSWERED_ENDS:
            return self.answer.is_surely_before(end)
        marks = self.all(vocabulary.DIALLED) or self.all(vocabulary.RINGING)
        attempts = [mark for mark in marks if not self.answer.is_surely_before(mark)]
        return not (attempts and end.is_surely_before(attempts[-1]))


class Party:
    """The events of one leg.

    :param facts: in order of time
    :param numbers: the numbers that were dialled, 10 digits each
    :param is_pool: whether Airtel chose the numbers, of which there may be several
    """

    def __init__(self, facts: list[Fact], numbers: tuple[str, ...], is_pool: bool = False):
        self.facts = facts
        self.numbers = numbers
        self.has_several = is_pool or len(numbers) > 1
        by_address = sorted(facts, key=self._address)
        self.phones = [Phone(list(each)) for _, each in groupby(by_address, key=self._address)]
        self._answered_phones = [phone for phone in self.phones if phone.answer]

    def _address(self, fact: Fact) -> str:
        # If there is one number, an event without a number is about it.
        return fact.event.address if self.has_several else ""

    @property
    def is_answered(self) -> bool:
        """Return whether any of its phones was picked up."""
        return bool(self._answered_phones)

    @property
    def first_answered(self) -> Phone | None:
        """Return the phone that was picked up first."""
        key = attrgetter("answer.moment", "address")
        return min(self._answered_phones, key=key, default=None)

    @property
    def is_over(self) -> bool:
        """Return whether events ended all its phones. In a conference the last one decides."""
        phones = self._answered_phones or self.phones
        return bool(phones) and all(phone.ending for phone in phones)

    @property
    def ending(self) -> Fact | None:
        """The last event that ended it."""
        if not self.is_over:
            return None
        phones = self._answered_phones or self.phones
        return max((phone.ending for phone in phones), key=lambda fact: fact.moment)

    def of_phone(self, address: str) -> "Party":
        """Return a party with the events of one of its phones."""
        facts = [fact for fact in self.facts if fact.event.address == address]
        return Party(facts, (address,), is_pool=True)

    def leg(self) -> Leg:
        """Return the leg that the events describe."""
        if not self.facts:
            return Leg(address=next(iter(self.numbers), ""))
        ending = self.ending
        event = ending.event if ending else None
        phone = self._shown_phone()
        answered_at = phone.answer.moment if phone.answer else None
        ended_at = _not_before(ending.moment, answered_at) if ending else None
        ringing_at = _last_until(phone.all(vocabulary.RINGING), answered_at or ended_at)
        return Leg(
            address=phone.address or next(iter(self.numbers), ""),
            rang=bool(self._all(vocabulary.RINGING, vocabulary.ANSWERED)),
            answered_at=answered_at,
            ended_at=ended_at,
            ring_seconds=whole_seconds(ringing_at, answered_at or ended_at),
            end=self._end(ending),
            cause_code=event and event.cause_code,
            sip_code=event and event.sip_code,
            cause_text=event.cause_text if event else "",
            live=ending is None,
        )

    def _shown_phone(self) -> Phone:
        phones = self._answered_phones or self.phones
        return max(phones, key=lambda phone: phone.facts[-1].moment)

    def _all(self, *whats: str) -> list[Fact]:
        return [fact for fact in self.facts if fact.what in whats]

    def _end(self, ending: Fact | None) -> str | None:
        if ending is None:
            return None
        # After an answer, a network error often only means that the other party hung up.
        return vocabulary.HUNG_UP if self.is_answered else ending.what


def merge_cdr_legs(legs: Iterable[CdrLeg], order=None) -> CdrLeg | None:
    """Combine one party's entries of a CDR; entries of other phones than the first's are ignored.

    :param order: how to sort the entries; by default the answered one comes first, else the
        latest attempt
    """
    ordered = sorted(legs, key=order or _precedence)
    if not ordered:
        return None
    lead = ordered[0]
    for other in ordered[1:]:
        if not (lead.address and other.address) or lead.address == other.address:
            lead = filled(lead, other)
    return lead


def _precedence(leg: CdrLeg) -> tuple:
    started = leg.started_at.timestamp() if leg.started_at else 0.0
    return leg.answered_at is None, -started


def filled(first, second):
    """Return a copy of a dataclass instance whose empty fields are filled from another one."""
    own = {name: value for name, value in vars(first).items() if not _is_empty(value)}
    return type(first)(**(vars(second) | own))


def _is_empty(value) -> bool:
    return value is None or value == "" or value == ()


def cdr_end(cdr_leg: CdrLeg) -> str | None:
    """Return how a leg ended, by its status and causes in the CDR."""
    if cdr_leg.answered_at:
        return vocabulary.HUNG_UP
    causes = cdr_leg.cause_code, cdr_leg.sip_code
    what = vocabulary.meaning(cdr_leg.status, *causes)
    if what == vocabulary.ANSWERED:
        return vocabulary.HUNG_UP
    return what if what in vocabulary.ENDS else vocabulary.reason(*causes)


def is_unanswered(cdr_leg: CdrLeg) -> bool:
    """Return whether a CDR says that a leg was not answered."""
    return cdr_end(cdr_leg) in vocabulary.UNANSWERED_ENDS


def with_cdr(leg: Leg, cdr_leg: CdrLeg) -> Leg:
    """Return a leg with the CDR's values; events fill in values that the CDR lacks."""
    end = cdr_end(cdr_leg)
    if (
        end in (None, vocabulary.HUNG_UP)
        and leg.end in vocabulary.UNANSWERED_ENDS
        and not cdr_leg.answered_at
    ):
        end = leg.end
    answered_at = cdr_leg.answered_at or leg.answered_at
    ended_at = cdr_leg.ended_at or leg.ended_at
    ring_seconds = cdr_leg.ring_seconds
    if ring_seconds is None:
        ring_seconds = leg.ring_seconds
    return Leg(
        address=leg.address or cdr_leg.address,
        rang=leg.rang or bool(answered_at) or end in (vocabulary.NO_ANSWER, vocabulary.REJECTED),
        answered_at=answered_at,
        ended_at=ended_at,
        ring_seconds=ring_seconds,
        end=end or leg.end,
        cause_code=cdr_leg.cause_code or leg.cause_code,
        sip_code=cdr_leg.sip_code or leg.sip_code,
        cause_text=cdr_leg.cause_text or leg.cause_text,
        operator=cdr_leg.operator,
        circle=cdr_leg.circle,
        live=False,
    )


def whole_seconds(start: datetime | None, end: datetime | None) -> int | None:
    """Return the seconds between two times, ``None`` if one is missing or their order is wrong."""
    if start is None or end is None or end < start:
        return None
    return int((end - start).total_seconds() + 0.5)


def _not_before(moment: datetime, earliest: datetime | None) -> datetime:
    return max(moment, earliest) if earliest else moment


def _last_until(facts: list[Fact], limit: datetime | None) -> datetime | None:
    moments = [fact.moment for fact in facts if limit is None or fact.moment <= limit]
    return max(moments, default=None)
