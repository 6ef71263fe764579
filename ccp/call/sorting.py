# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Sorts a call's reports: which of them count, and to which leg each belongs.

Several CDRs of one call may contradict each other, for example if Airtel writes one for each try.
Which one leads depends on their content, never on their order of arrival: a call that connected
comes before one that did not, then the longer conversation, the longer call, the later one. The
others fill in missing values, unless they say that the call had the other direction.
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
    """An event, its leg and its meaning."""

    event: Event
    role: str | None
    what: str | None
    """A word of ``vocabulary``, a recording or keypad word from here, or ``None``."""


class Sorting:
    """A call's reports, deduplicated and assigned to its legs.

    :ivar happened: the events in order of time
    :ivar cdrs: the CDRs, the leading ones first
    :ivar counting_cdrs: those that are about this call and say how it went
    :ivar cdr: the counting CDRs combined; ``None`` without any
    :ivar api_errors: API results with an error
    :ivar parties: each leg from its events
    :ivar cdr_legs: each leg from the CDRs, ``None`` if they lack it
    :ivar legs: each leg from both
    """

    def __init__(self, reports: Iterable[Report], dialled: Dialled):
        self.dialled = dialled
        if dialled.incoming:
            reports = (without_abroad(each, dialled.is_airtel) for each in reports)
        # Whom Odoo meant to ring is no evidence of what happened
        distinct = _distinct(each for each in reports if not isinstance(each, Decided))
        self.api_errors = [each for each in distinct if isinstance(each, ApiResult) and not each.ok]
        cdrs = (each for each in distinct if isinstance(each, Cdr))
        # Stable: CDRs of equal rank stay in the order of their content
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

        # Only reports show which of the possible agents of an incoming call rang
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
        """Return whether Airtel dialled anyone."""
        return any(party.facts for party in self.parties.values())

    def counts(self, cdr: Cdr) -> bool:
        """Return whether a CDR seems to be about this call, and says how it went."""
        known = [leg for leg in cdr.legs if len(leg.address) == 10]
        is_ours = not known or any(self.dialled.knows(leg.address) for leg in known)
        if not is_ours and self.dialled.incoming:
            is_ours = self._may_be_of_agents(known)
        elif not is_ours and self.dialled.agent_pool:
            # The customer may never have been dialled
            is_ours = all(
                self._cdr_role(cdr, leg) == AGENT and self.dialled.who(leg.side) != CUSTOMER
                for leg in known
            )
        return is_ours and says_how_it_went(cdr)

    def _may_be_of_agents(self, legs: list[CdrLeg]) -> bool:
        """Return whether all unknown numbers in an incoming call's CDR may be agents'.

        If there are two, one on each side, one of them is a customer, but another call's.
        """
        strange = [leg for leg in legs if not self.dialled.is_airtel(leg.address)]
        numbers = {leg.address for leg in strange}
        sides = {leg.side for leg in strange}
        return len(numbers) < 2 or sides == {vocabulary.TO} or not self.dialled.customer_numbers

    def says_connected(self, cdr: Cdr, leg: CdrLeg | None) -> bool | None:
        """Return whether agent and customer talked according to a CDR; ``None`` if unknown.

        :param leg: the CDR's leg of the party whose answer connects the call
        """
        leg = leg or CdrLeg()
        if self.dialled.incoming and cdr.talk_seconds == 0 and not leg.answered_at:
            # The menu answers calls, too
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
        """Return the rank of a CDR: of contradicting ones, the highest counts."""
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
        """Return whether agent and customer talked according to CDRs; ``None`` if unknown."""
        if self.dialled.incoming and self._leading_answer is not None:
            # Values that another CDR adds, perhaps of another agent, do not change that
            return self._leading_answer
        if self.cdr is None:
            return None
        return self.says_connected(self.cdr, self.cdr_legs[self.dialled.second])

    def _in_order(self, live: list[Event]) -> list[Happened]:
        """Return the events in order of time. A CDR repeats events: only missing ones are added."""
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
        """Return what happened to one leg, in order of time."""
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
        """Return one leg from one CDR."""
        legs = self.legs_in(cdr, role)
        if self._is_of_several(role):
            return merge_cdr_legs(legs, order=partial(_precedence_among_agents, cdr))
        return merge_cdr_legs(legs)

    def legs_in(self, cdr: Cdr, role: str) -> list[CdrLeg]:
        """Return the entries of a CDR about one leg."""
        return [each for each in cdr.legs if self._cdr_role(cdr, each) == role]

    def _is_of_several(self, role: str) -> bool:
        """Return whether CDRs may name several agents, one of whom took the call."""
        return self.dialled.incoming and role == AGENT

    def _cdr_role(self, cdr: Cdr, leg: CdrLeg) -> str | None:
        if self.dialled.is_airtel(leg.address):
            return None
        return self.dialled.role(leg.address, leg.name) or self.who(cdr, leg.side)

    def who(self, cdr: Cdr, side: str | None) -> str | None:
        """Return the party on a side of a CDR; in an incoming call's CDR sides may be exchanged."""
        if self.dialled.incoming and self._is_turned(cdr):
            return vocabulary.who(side, incoming=False)
        return self.dialled.who(side)

    def _is_turned(self, cdr: Cdr) -> bool:
        """Return whether an incoming call's CDR has the agent as the caller, by the numbers."""
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
        """Return the leg of the agent in the CDR, else of who took the call; else of all."""
        taker = party.first_answered
        if taker and self.connected and cdr_leg and is_unanswered(cdr_leg):
            # The CDR only names an agent who missed it
            is_takers = cdr_leg.address == taker.address
            return party.of_phone(taker.address), cdr_leg if is_takers else None
        is_named = cdr_leg and self.dialled.role(cdr_leg.address) == AGENT
        phone = cdr_leg if is_named else taker
        return party.of_phone(phone.address) if phone else party, cdr_leg


def _precedence_among_agents(cdr: Cdr, leg: CdrLeg) -> tuple:
    """Rank the agent who took the call first; if nobody did, the one who was tried last."""
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
    """Return each report once, in an order that depends only on their content.

    Later sorts by time are stable, so events of the same time stay in this order.
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
    """Return a report's content, comparable with any other report's."""
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
    # Other types are not about a leg.
    if event.event_type in ("CALL", ""):
        return vocabulary.meaning(event.event, event.cause_code, event.sip_code)
    return None


def says_how_it_went(cdr: Cdr) -> bool:
    """Return whether a CDR says anything about how the call went; otherwise it is ignored."""
    measures = (cdr.ended_at, cdr.talk_seconds, cdr.total_seconds, cdr.billable_seconds)
    return (
        vocabulary.is_overall_status(cdr.overall_status)
        or vocabulary.who_hung_up(fold_name(cdr.hangup_cause)) is not None
        or bool(cdr.recording_url)
        or any(measure is not None for measure in measures)
        or any(leg.answered_at or leg.ended_at or cdr_end(leg) for leg in cdr.legs)
    )
