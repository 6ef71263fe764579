# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Sorts a call's reports: which of them count, and which leg each is about.

Several CDRs of one call may contradict each other, as when Airtel writes one for each try. Which
of them leads depends on what they say and never on which came first: one of a call that connected
before one of a call that did not, then the longer conversation, the longer call, the later one. The
others complete it, unless they say that the call went the other way.
"""

from collections.abc import Iterable
from dataclasses import fields, replace
from functools import partial, reduce
from typing import NamedTuple

from ..airtel import vocabulary
from ..airtel.fields import fold_name
from ..airtel.reports import (
    ApiResult,
    Cdr,
    CdrLeg,
    Decided,
    Event,
    Report,
    Unreadable,
)
from .dialled import AGENT, CUSTOMER, Dialled, without_abroad
from .leg import (
    Fact,
    Leg,
    Party,
    cdr_end,
    filled,
    is_unanswered,
    merge_cdr_legs,
    with_cdr,
)

KEYPAD = "keypad"
RECORDING_STARTED = "recording_started"
RECORDING_FINISHED = "recording_finished"

_RECORDING = {
    "recordingstarted": RECORDING_STARTED,
    "recordingfinished": RECORDING_FINISHED,
    "recordingstopped": RECORDING_FINISHED,
}


class Happened(NamedTuple):
    """An event, the leg it belongs to and what it means."""

    event: Event
    role: str | None
    what: str | None
    """A word of ``vocabulary``, a recording or keypad word from here, or ``None``."""


class Sorting:
    """A call's reports, deduplicated and assigned to its legs.

    :ivar happened: the events in order of time
    :ivar cdrs: the CDRs, those first that lead
    :ivar counting_cdrs: those of them that are about this call and say how it went
    :ivar cdr: the CDRs that say how this call went, as one; ``None`` without any
    :ivar api_errors: API results that report an error
    :ivar parties: what events say of each leg
    :ivar cdr_legs: what CDRs say of each leg, ``None`` if nothing
    :ivar legs: both together
    """

    def __init__(self, reports: Iterable[Report], dialled: Dialled):
        self.dialled = dialled
        if dialled.incoming:
            reports = (without_abroad(each, dialled.is_airtel) for each in reports)
        # Whom we meant to ring says nothing of what happened
        distinct = _distinct(each for each in reports if not isinstance(each, Decided))
        self.api_errors = [each for each in distinct if isinstance(each, ApiResult) and not each.ok]
        cdrs = (each for each in distinct if isinstance(each, Cdr))
        # Stable: CDRs of equal rank keep the order of their content
        self.cdrs = sorted(cdrs, key=self._precedence, reverse=True)
        self.counting_cdrs = [each for each in self.cdrs if self.counts(each)]
        answers = [self._connected(each) for each in self.counting_cdrs]
        self._leading_answer = next((each for each in answers if each is not None), None)
        self._agreeing_cdrs = [
            cdr
            for cdr, says in zip(self.counting_cdrs, answers, strict=True)
            if says is None or says == self._leading_answer
        ]
        self.cdr = reduce(_completed, self._agreeing_cdrs, None)
        if self.cdr and not self.cdr.recording_url:
            urls = filter(None, (each.recording_url for each in self.counting_cdrs))
            self.cdr = replace(self.cdr, recording_url=next(urls, ""))
        self.happened = self._in_order([each for each in distinct if isinstance(each, Event)])

        # Of those who may be rung in an incoming call, only reports say who is
        is_pool = dialled.agent_pool or dialled.incoming
        agents = dialled.agent_numbers
        if dialled.incoming and len(agents) > 1:
            agents = ()
        self.parties = {
            AGENT: Party(self._facts(AGENT), agents, is_pool),
            CUSTOMER: Party(self._facts(CUSTOMER), dialled.customer_numbers),
        }
        self.cdr_legs = {role: self._cdr_leg(role) for role in self.parties}
        self.legs = {role: self._leg(role) for role in self.parties}

    @property
    def has_life(self) -> bool:
        """Whether Airtel dialled anyone."""
        return any(party.facts for party in self.parties.values())

    def counts(self, cdr: Cdr) -> bool:
        """Whether a CDR is about this call, as far as one can see, and says how it went."""
        known = [leg for leg in cdr.legs if len(leg.address) == 10]
        is_ours = not known or any(self.dialled.knows(leg.address) for leg in known)
        if not is_ours and self.dialled.incoming:
            is_ours = self._may_be_of_agents(known)
        elif not is_ours and self.dialled.agent_pool:
            # The call may never have come to the customer
            is_ours = all(
                self._cdr_role(cdr, leg) == AGENT and self.dialled.who(leg.side) != CUSTOMER
                for leg in known
            )
        return is_ours and says_how_it_went(cdr)

    def _may_be_of_agents(self, legs: list[CdrLeg]) -> bool:
        """Whether all numbers of an incoming call's CDR that nobody knows may be agents'.

        If it names two, one on each side, one of them is a customer, and not ours.
        """
        strange = [leg for leg in legs if not self.dialled.is_airtel(leg.address)]
        numbers = {leg.address for leg in strange}
        sides = {leg.side for leg in strange}
        return len(numbers) < 2 or sides == {vocabulary.TO} or not self.dialled.customer_numbers

    def says_connected(self, cdr: Cdr, leg: CdrLeg | None) -> bool | None:
        """Whether a CDR says that agent and customer talked; ``None`` if it does not say.

        :param leg: what it says of whose answer connects the call
        """
        leg = leg or CdrLeg()
        if self.dialled.incoming and cdr.talk_seconds == 0 and not leg.answered_at:
            # The menu answers a call, too
            if is_unanswered(leg):
                return False
            if not leg.address and cdr.overall_status in vocabulary.OVERALL_ANSWERED:
                return None
        if leg.answered_at or cdr.overall_status in vocabulary.OVERALL_ANSWERED:
            return True
        if cdr.overall_status in vocabulary.OVERALL_UNANSWERED:
            return False
        if cdr.talk_seconds or vocabulary.meaning(leg.status) == vocabulary.ANSWERED:
            return True
        return None

    def _connected(self, cdr: Cdr) -> bool | None:
        return self.says_connected(cdr, self._leg_of(cdr, self.dialled.second))

    def _precedence(self, cdr: Cdr) -> tuple:
        """The higher, the more this CDR counts when others contradict it."""
        says = self._connected(cdr)
        latest = cdr.ended_at or cdr.started_at
        return (
            (says is not None) + bool(says),
            -1 if cdr.talk_seconds is None else cdr.talk_seconds,
            -1 if cdr.total_seconds is None else cdr.total_seconds,
            latest.timestamp() if latest else 0.0,
        )

    @property
    def connected(self) -> bool | None:
        """Whether CDRs say that agent and customer talked; ``None`` if they do not say."""
        if self.dialled.incoming and self._leading_answer is not None:
            # What another one adds, maybe of another agent, does not change that
            return self._leading_answer
        if self.cdr is None:
            return None
        return self.says_connected(self.cdr, self.cdr_legs[self.dialled.second])

    def _in_order(self, live: list[Event]) -> list[Happened]:
        """Return the events in order of time. A CDR repeats them: only lost ones are added."""
        happened = [self._meaning_of(event) for event in live]
        known = {self._what_of_whom(each) for each in happened}
        repeated = dict.fromkeys(event for cdr in self.counting_cdrs for event in cdr.events)
        happened += [
            each
            for each in map(self._meaning_of, repeated)
            if each.what and self._what_of_whom(each) not in known
        ]
        return sorted(happened, key=lambda each: each.event.at or each.event.received_at)

    def _what_of_whom(self, happened: Happened) -> tuple:
        event, role, what = happened
        return role, what, event.address if self.dialled.incoming else ""

    def _meaning_of(self, event: Event) -> Happened:
        event = self.dialled.turned(event)
        return Happened(event, self.dialled.role_of_event(event), _what(event))

    def _facts(self, role: str) -> list[Fact]:
        """What happened to one leg, in order of time."""
        facts = [
            Fact(each.what, each.event)
            for each in self.happened
            if each.role == role and each.what in vocabulary.LEG_WORDS
        ]
        return sorted(facts, key=lambda fact: (fact.moment, fact.rank))

    def _cdr_leg(self, role: str) -> CdrLeg | None:
        legs = filter(None, (self._leg_of(cdr, role) for cdr in self._agreeing_cdrs))
        if self._is_of_several(role):
            # Another CDR may be about another agent's phone
            return merge_cdr_legs(legs, order=_as_they_are)
        return reduce(_completed, legs, None)

    def _leg_of(self, cdr: Cdr, role: str) -> CdrLeg | None:
        """What one CDR says of one leg."""
        legs = self.legs_in(cdr, role)
        if self._is_of_several(role):
            return merge_cdr_legs(legs, order=partial(_precedence_among_agents, cdr))
        return merge_cdr_legs(legs)

    def legs_in(self, cdr: Cdr, role: str) -> list[CdrLeg]:
        """Return the entries of a CDR about one leg."""
        return [each for each in cdr.legs if self._cdr_role(cdr, each) == role]

    def _is_of_several(self, role: str) -> bool:
        """Whether a CDR may name several agents, of whom one took the call."""
        return self.dialled.incoming and role == AGENT

    def _cdr_role(self, cdr: Cdr, leg: CdrLeg) -> str | None:
        if self.dialled.is_airtel(leg.address):
            return None
        return self.dialled.role(leg.address, leg.name) or self.who(cdr, leg.side)

    def who(self, cdr: Cdr, side: str | None) -> str | None:
        """Return the party on a side of a CDR, which an incoming call's may have exchanged."""
        if self.dialled.incoming and self._is_turned(cdr):
            return vocabulary.who(side, incoming=False)
        return self.dialled.who(side)

    def _is_turned(self, cdr: Cdr) -> bool:
        """Whether an incoming call's CDR names the agent as the caller, by the numbers."""
        callers, called = (
            {self.dialled.role(leg.address) for leg in cdr.legs if leg.side == side} - {None}
            for side in (vocabulary.FROM, vocabulary.TO)
        )
        return (callers == {AGENT} and AGENT not in called) or (
            called == {CUSTOMER} and CUSTOMER not in callers
        )

    def _leg(self, role: str) -> Leg:
        party, cdr_leg = self.parties[role], self.cdr_legs[role]
        if self._is_of_several(role):
            party, cdr_leg = self._of_one_agent(party, cdr_leg)
        leg = party.leg()
        return with_cdr(leg, cdr_leg) if cdr_leg else leg

    def _of_one_agent(self, party: Party, cdr_leg: CdrLeg | None) -> tuple[Party, CdrLeg | None]:
        """Of whom the CDR names, else of who took the call; of all if nobody is named."""
        taker = party.first_answered
        if taker and self.connected and cdr_leg and is_unanswered(cdr_leg):
            # The CDR names only who missed it
            is_takers = cdr_leg.address == taker.address
            return party.of_phone(taker.address), cdr_leg if is_takers else None
        is_named = cdr_leg and self.dialled.role(cdr_leg.address) == AGENT
        phone = cdr_leg if is_named else taker
        return party.of_phone(phone.address) if phone else party, cdr_leg


def _precedence_among_agents(cdr: Cdr, leg: CdrLeg) -> tuple:
    """Who took the call first; without one, whom it tried last."""
    return (
        leg.answered_at is None,
        vocabulary.meaning(leg.status) != vocabulary.ANSWERED,
        is_unanswered(leg) and cdr.overall_status in vocabulary.OVERALL_ANSWERED,
        leg.address in cdr.missed_numbers,
        leg.address != cdr.destination,
        -leg.started_at.timestamp() if leg.started_at else 0.0,
        leg.address,
    )


def _as_they_are(_leg: CdrLeg) -> int:
    return 0


def _distinct(reports: Iterable[Report]) -> list[Report]:
    """Each report once, as it came first, in an order that depends on nothing but what they say.

    Later sorts by time are stable, so what happened in the same moment keeps this order.
    """
    earliest: dict[Report, Report] = {}
    for report in reports:
        known = earliest.get(report)
        if known is None or report.received_at < known.received_at:
            earliest[report] = report
    return sorted(earliest.values(), key=_content)


_NAMES = {
    cls: tuple(each.name for each in fields(cls) if each.compare)
    for cls in (Event, ApiResult, Cdr, CdrLeg, Unreadable)
}


def _content(value) -> tuple | str:
    """All that a report says, comparable with any other report."""
    if isinstance(value, str):
        return value
    if names := _NAMES.get(type(value)):
        return getattr(value, "kind", ""), *[_content(getattr(value, name)) for name in names]
    if isinstance(value, tuple):
        return tuple(map(_content, value))
    return str(value)


def _completed(leading, other):
    return filled(leading, other) if leading else other


def _what(event: Event) -> str | None:
    if event.event_type == "DTMF":
        return KEYPAD if event.digits else None
    if event.event in _RECORDING:
        return _RECORDING[event.event]
    # Other types say nothing about a leg.
    if event.event_type in ("CALL", ""):
        return vocabulary.meaning(event.event, event.cause_code, event.sip_code)
    return None


def says_how_it_went(cdr: Cdr) -> bool:
    """Whether a CDR says anything about how the call went; otherwise it is ignored."""
    measures = (cdr.ended_at, cdr.talk_seconds, cdr.total_seconds, cdr.billable_seconds)
    return (
        vocabulary.is_overall_status(cdr.overall_status)
        or vocabulary.who_hung_up(fold_name(cdr.hangup_cause)) is not None
        or bool(cdr.recording_url)
        or any(measure is not None for measure in measures)
        or any(leg.answered_at or leg.ended_at or cdr_end(leg) for leg in cdr.legs)
    )
