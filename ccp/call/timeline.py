# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Folds the set of a call's reports into its state, its result and its two legs.

Reports come in any order, twice or never (section 3 promises nothing), so ``fold`` is a pure
function of the *set* of reports and can run again at any time. ``sorting`` says which reports
count and for which leg, ``leg`` what they say of one leg, ``result`` how state and result follow.
Reports of unknown words, or about numbers that were not dialled, change nothing but the lines.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ..airtel import vocabulary as words
from ..airtel.reports import (
    Cdr,
    Event,
)
from ..safe.number import (
    mask_in,
)
from . import result as verdict
from .leg import (
    Leg,
    whole_seconds,
)
from .sorting import (
    AGENT,
    CUSTOMER,
    KEYPAD,
    RECORDING_FINISHED,
    RECORDING_STARTED,
    Dialled,
    Evidence,
    Report,
    Told,
)

__all__ = ["AGENT", "CUSTOMER", "LINE_CODES", "Dialled", "Leg", "Line", "Timeline", "fold"]

LINE_CODES = (
    *words.LEG_WORDS,
    RECORDING_STARTED,
    RECORDING_FINISHED,
    KEYPAD,
    "cdr",
    "api_error",
    "other",
)
"""What a line of the timeline can tell."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the timeline, for people."""

    at: datetime
    """Aware, in UTC: when it happened or, where nobody says, when the report came."""
    leg: str | None
    """``agent``, ``customer`` or ``None``."""
    what: str
    """One of ``LINE_CODES``."""
    detail: str = ""
    """The keys for ``keypad``, Airtel's own words for ``api_error``, ``cdr`` and ``other``."""
    cause: str = ""
    """Why a leg ended, in Airtel's words; phone numbers are masked."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """What all reports of a call say together. Times are aware, in UTC."""

    state: str
    """One of ``states.STATES``."""
    result: str | None
    """One of ``states.RESULTS`` once the state is ``ended``."""
    provisional_result: str
    """What the result would be if the call were closed now."""
    answered_at: datetime | None
    """When who was called answered, which connected the call: in an incoming one the agent."""
    ended_at: datetime | None
    talk_seconds: int | None
    """0 for a call that ended unconnected, ``None`` where nobody says."""
    agent: Leg
    customer: Leg
    hung_up_by: str | None
    """``agent``, ``customer``, ``system`` or ``None``."""
    session_id: str
    correlation_id: str
    recording_url: str = field(repr=False)
    """Exactly as received; whoever has it can listen."""
    has_cdr: bool
    """Whether a CDR says how the call went."""
    pulses: int | None
    lines: tuple[Line, ...]
    """In order of time."""


def fold(
    reports: Iterable[Report],
    dialled: Dialled,
    *,
    request: str = "accepted",
    closed: bool = False,
) -> Timeline:
    """Say what a set of reports tells about a call.

    :param reports: what ``reports.parse`` returned, in any order, repeated at will
    :param dialled: whom the request asked Airtel to dial
    :param request: what became of the request: ``accepted``, ``queued``, ``refused`` or ``unknown``
    :param closed: whether nobody waits for reports any more; a refused request stays refused
    """
    evidence = Evidence(reports, dialled)
    state = verdict.state(evidence, request, closed)
    result = verdict.result(evidence)
    is_ended, is_connected = state == "ended", result == "connected"
    legs = {
        role: replace(leg, live=leg.live and not is_ended) for role, leg in evidence.legs.items()
    }
    return Timeline(
        state=state,
        result=result if is_ended else None,
        provisional_result=result,
        answered_at=_answered_at(evidence) if is_connected else None,
        ended_at=_ended_at(evidence) if is_ended else None,
        talk_seconds=_talk_seconds(evidence, is_connected) if is_ended else None,
        agent=legs[AGENT],
        customer=legs[CUSTOMER],
        hung_up_by=verdict.hung_up_by(evidence, result) if is_ended else None,
        session_id=_identifier(evidence, "session_id"),
        correlation_id=_identifier(evidence, "correlation_id"),
        recording_url=evidence.cdr.recording_url if evidence.cdr else "",
        has_cdr=evidence.cdr is not None,
        pulses=_pulses(evidence),
        lines=_lines(evidence),
    )


def _answered_at(evidence: Evidence) -> datetime | None:
    of_cdr = evidence.cdr.answered_at if evidence.cdr else None
    return evidence.legs[evidence.dialled.second].answered_at or of_cdr


def _ended_at(evidence: Evidence) -> datetime | None:
    cdr = evidence.cdr
    if cdr and cdr.ended_at:
        return cdr.ended_at
    known = [leg.ended_at for leg in evidence.legs.values() if leg.ended_at]
    if known:
        return max(known)
    if cdr and cdr.started_at and cdr.total_seconds is not None:
        return cdr.started_at + timedelta(seconds=cdr.total_seconds)
    return None


def _talk_seconds(evidence: Evidence, is_connected: bool) -> int | None:
    """By the CDR, by its leg of who was called, or from the answer to the first end it tells."""
    if not is_connected:
        return 0
    for source in (evidence.cdr, evidence.cdr_legs[evidence.dialled.second]):
        if source and source.talk_seconds is not None:
            return source.talk_seconds
    ends = [leg.ended_at for leg in evidence.legs.values() if leg.ended_at]
    if not ends and evidence.cdr and evidence.cdr.ended_at:
        ends = [evidence.cdr.ended_at]
    return whole_seconds(_answered_at(evidence), min(ends, default=None))


def _identifier(evidence: Evidence, name: str) -> str:
    """The leading CDR's, else the first that any report names."""
    reports = [
        *evidence.cdrs,
        *(each.event for each in evidence.told),
        *evidence.api_errors,
    ]
    return next((value for report in reports if (value := getattr(report, name))), "")


def _pulses(evidence: Evidence) -> int | None:
    if evidence.cdr and evidence.cdr.pulses is not None:
        return evidence.cdr.pulses
    of_legs = [leg.pulses for leg in evidence.cdr_legs.values() if leg and leg.pulses is not None]
    return sum(of_legs) if of_legs else None


def _lines(evidence: Evidence) -> tuple[Line, ...]:
    lines = {_event_line(each, evidence) for each in evidence.told}
    lines |= {_cdr_line(cdr, evidence) for cdr in evidence.cdrs}
    lines |= {
        Line(at=each.received_at, leg=None, what="api_error", detail=mask_in(each.message))
        for each in evidence.api_errors
    }
    return tuple(sorted(lines, key=_line_order))


def _line_order(line: Line) -> tuple:
    return line.at, LINE_CODES.index(line.what), line.leg or "", line.detail, line.cause


def _event_line(told: Told, evidence: Evidence) -> Line:
    event, role, what = told
    detail = event.digits if what == KEYPAD else ""
    if what is None or (role is None and what in words.LEG_WORDS):
        what = "other"
        detail = mask_in(f"{event.event_type} {event.event}".strip())
    elif what == words.FAILED and evidence.parties[role].is_answered:
        # Often only the other party's hanging up
        what = words.HUNG_UP
    cause = cause_of(event) if what in words.ENDS else ""
    return Line(at=event.at or event.received_at, leg=role, what=what, detail=detail, cause=cause)


def cause_of(ended: Event | Leg) -> str:
    """Why a leg ended: Airtel's words, numbers masked, else its code; "" where none is told."""
    if ended.cause_text:
        return mask_in(ended.cause_text)
    if ended.cause_code:
        return f"Q.850 {ended.cause_code}"
    return f"SIP {ended.sip_code}" if ended.sip_code else ""


def _cdr_line(cdr: Cdr, evidence: Evidence) -> Line:
    if not evidence.counts(cdr):
        return Line(at=cdr.received_at, leg=None, what="other", detail="CDR")
    return Line(at=cdr.received_at, leg=None, what="cdr", detail=mask_in(cdr.overall_status))
