# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Sorts a call's reports: which of them count, and which leg each is about.

Several CDRs of one call may contradict each other, as when Airtel writes one for each try. Which
of them leads depends on what they say and never on which came first: one of a call that connected
before one of a call that did not, then the longer conversation, the longer call, the later one. The
others complete it, unless they say that the call went the other way.
"""

from collections.abc import Iterable
from dataclasses import fields, replace
from functools import reduce
from typing import NamedTuple

from ..airtel import vocabulary
from ..airtel.fields import fold_name
from ..airtel.reports import (
    ApiResult,
    Cdr,
    CdrLeg,
    Event,
    Report,
    Unreadable,
)
from .dialled import AGENT, CUSTOMER, Dialled
from .leg import (
    Fact,
    Leg,
    Party,
    cdr_end,
    filled,
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
    :ivar cdr: the CDRs that say how this call went, as one; ``None`` without any
    :ivar api_errors: API results that report an error
    :ivar parties: what events say of each leg
    :ivar cdr_legs: what CDRs say of each leg, ``None`` if nothing
    :ivar legs: both together
    """

    def __init__(self, reports: Iterable[Report], dialled: Dialled):
        self.dialled = dialled
        distinct = _distinct(reports)
        self.api_errors = [each for each in distinct if isinstance(each, ApiResult) and not each.ok]
        cdrs = (each for each in distinct if isinstance(each, Cdr))
        # Stable: CDRs of equal rank keep the order of their content
        self.cdrs = sorted(cdrs, key=self._precedence, reverse=True)
        self._counting_cdrs = [each for each in self.cdrs if self.counts(each)]
        self._agreeing_cdrs = self._agreeing()
        self.cdr = reduce(_completed, self._agreeing_cdrs, None)
        if self.cdr and not self.cdr.recording_url:
            urls = filter(None, (each.recording_url for each in self._counting_cdrs))
            self.cdr = replace(self.cdr, recording_url=next(urls, ""))
        self.happened = self._in_order([each for each in distinct if isinstance(each, Event)])

        self.parties = {
            AGENT: Party(self._facts(AGENT), dialled.agent_numbers, dialled.agent_pool),
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
        if not is_ours and self.dialled.agent_pool:
            # The call may never have come to the customer
            is_ours = all(
                self._cdr_role(leg) == AGENT and self.dialled.who(leg.side) != CUSTOMER
                for leg in known
            )
        return is_ours and says_how_it_went(cdr)

    def says_connected(self, cdr: Cdr, leg: CdrLeg | None) -> bool | None:
        """Whether a CDR says that agent and customer talked; ``None`` if it does not say.

        :param leg: what it says of whose answer connects the call
        """
        leg = leg or CdrLeg()
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

    def _agreeing(self) -> list[Cdr]:
        """The CDRs that do not contradict the one that leads."""
        answers = [self._connected(each) for each in self._counting_cdrs]
        leading = next((each for each in answers if each is not None), None)
        return [
            cdr
            for cdr, says in zip(self._counting_cdrs, answers, strict=True)
            if says is None or says == leading
        ]

    def _in_order(self, live: list[Event]) -> list[Happened]:
        """Return the events in order of time. A CDR repeats them: only lost ones are added."""
        happened = [self._meaning_of(event) for event in live]
        known = {(each.role, each.what) for each in happened}
        repeated = dict.fromkeys(event for cdr in self._counting_cdrs for event in cdr.events)
        happened += [
            each
            for each in map(self._meaning_of, repeated)
            if each.what and (each.role, each.what) not in known
        ]
        return sorted(happened, key=lambda each: each.event.at or each.event.received_at)

    def _meaning_of(self, event: Event) -> Happened:
        role = self.dialled.role(event.address, event.participant_name, event.component)
        return Happened(event, role, _what(event))

    def _facts(self, role: str) -> list[Fact]:
        """What happened to one leg, in order of time."""
        facts = [
            Fact(each.what, each.event)
            for each in self.happened
            if each.role == role and each.what in vocabulary.LEG_WORDS
        ]
        return sorted(facts, key=lambda fact: (fact.moment, fact.rank))

    def _cdr_leg(self, role: str) -> CdrLeg | None:
        legs = (self._leg_of(cdr, role) for cdr in self._agreeing_cdrs)
        return reduce(_completed, filter(None, legs), None)

    def _leg_of(self, cdr: Cdr, role: str) -> CdrLeg | None:
        """What one CDR says of one leg."""
        return merge_cdr_legs(each for each in cdr.legs if self._cdr_role(each) == role)

    def _cdr_role(self, leg: CdrLeg) -> str | None:
        return self.dialled.role(leg.address, leg.name) or self.dialled.who(leg.side)

    def _leg(self, role: str) -> Leg:
        leg, cdr_leg = self.parties[role].leg(), self.cdr_legs[role]
        return with_cdr(leg, cdr_leg) if cdr_leg else leg


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
