# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Folds the set of a call's reports into its state, its result and its two legs.

Reports come in any order, twice or never (section 3 promises nothing), so ``fold`` is a pure
function of the *set* of reports and can run again at any time. ``sorting`` decides which reports
count and for which leg, ``leg`` combines the reports of a leg, ``result`` derives state and result,
``answering`` finds who took an incoming call and who missed it.

Reports with unknown words, or about numbers that were not dialled, only add lines.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ..airtel import vocabulary
from ..airtel.reports import (
    Cdr,
    Event,
)
from ..safe.number import mask_in
from . import answering, result
from .dialled import AGENT, CUSTOMER, Dialled
from .leg import (
    Leg,
    whole_seconds,
)
from .sorting import (
    KEYPAD,
    RECORDING_FINISHED,
    RECORDING_STARTED,
    Happened,
    Report,
    Sorting,
)

__all__ = ["AGENT", "CUSTOMER", "LINE_CODES", "Dialled", "Leg", "Line", "Timeline", "fold"]

LINE_CODES = (
    *vocabulary.LEG_WORDS,
    RECORDING_STARTED,
    RECORDING_FINISHED,
    KEYPAD,
    "cdr",
    "api_error",
    "other",
)
"""The kinds of lines of the timeline."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the timeline, for people."""

    at: datetime
    """Aware, in UTC: when it happened; if unknown, when the report came."""
    leg: str | None
    """``agent``, ``customer`` or ``None``."""
    what: str
    """One of ``LINE_CODES``."""
    address: str = field(default="", repr=False)
    """In an incoming call, the number of the agent that it is about: several may ring."""
    detail: str = ""
    """The keys for ``keypad``; Airtel's own words for ``api_error``, ``cdr`` and ``other``."""
    cause: str = ""
    """Why a leg ended, in Airtel's words; phone numbers are masked."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """What all reports of a call say when combined. Times are aware, in UTC."""

    state: str
    """One of ``states.STATES``."""
    result: str | None
    """One of ``states.RESULTS`` once the state is ``ended``."""
    answered_at: datetime | None
    """When the called party answered, which connected the call: in an incoming one the agent."""
    ended_at: datetime | None
    talk_seconds: int | None
    """0 for a call that ended unconnected, ``None`` if no report says."""
    agent: Leg
    customer: Leg
    hung_up_by: str | None
    """``agent``, ``customer``, ``system`` or ``None``."""
    session_id: str
    correlation_id: str
    recording_url: str = field(repr=False)
    """Exactly as received; anybody who has it can listen."""
    has_reports: bool = field(compare=False)
    """Whether there is any report; not compared, as a report may have no effect."""
    has_cdr: bool
    """Whether a CDR says how the call went."""
    pulses: int | None
    lines: tuple[Line, ...]
    """In order of time."""
    picked_up: str = field(default="", repr=False)
    """10 digits: the agent who took an incoming call; "" if nobody did or it is unknown."""
    ringing: tuple[str, ...] = field(default=(), repr=False)
    """10 digits each: the phones that an incoming call rings now, in the order of ringing."""
    missed: tuple[str, ...] = field(default=(), repr=False)
    """10 digits each: the agents who were tried in an incoming call and did not take it."""
    keys: str = field(default="", repr=False)
    """The keys that the customer of an incoming call pressed in the menu."""
    waited_seconds: int | None = None
    """How long the customer of an incoming call waited until an agent answered, or in vain;
    ``None`` as long as they wait, or if unknown."""
    abandoned_early: bool = False
    """Whether the customer of an incoming call hung up within ``Dialled.abandon_seconds``: nobody
    missed it."""


def fold(
    reports: Iterable[Report],
    dialled: Dialled,
    *,
    request: str = "accepted",
    closed: bool = False,
) -> Timeline:
    """Return the timeline that a set of reports makes.

    :param reports: results of ``reports.parse``, in any order, with any repeats
    :param dialled: whom the request asked Airtel to dial
    :param request: the request's outcome: ``accepted``, ``queued``, ``refused`` or ``unknown``
    :param closed: whether to stop waiting for reports; a refused request stays refused
    """
    reports = tuple(reports)
    sorting = Sorting(reports, dialled)
    call_state = result.state(sorting, request, closed)
    call_result = result.result(sorting)
    is_ended, is_connected = call_state == "ended", call_result == "connected"
    answered_at = _answered_at(sorting) if is_connected else None
    ended_at = _ended_at(sorting) if is_ended else None
    legs = {
        role: replace(leg, live=leg.live and not is_ended) for role, leg in sorting.legs.items()
    }
    return Timeline(
        state=call_state,
        result=call_result if is_ended else None,
        answered_at=answered_at,
        ended_at=ended_at,
        talk_seconds=_talk_seconds(sorting, is_connected) if is_ended else None,
        agent=legs[AGENT],
        customer=legs[CUSTOMER],
        hung_up_by=result.hung_up_by(sorting, call_result) if is_ended else None,
        session_id=_identifier(sorting, "session_id"),
        correlation_id=_identifier(sorting, "correlation_id"),
        recording_url=sorting.cdr.recording_url if sorting.cdr else "",
        has_reports=bool(reports),
        has_cdr=sorting.cdr is not None,
        pulses=_pulses(sorting),
        lines=_lines(sorting),
        **vars(answering.who_answered(sorting, call_state, call_result, answered_at, ended_at)),
    )


def _answered_at(sorting: Sorting) -> datetime | None:
    of_cdr = sorting.cdr.answered_at if sorting.cdr else None
    answered_at = sorting.legs[sorting.dialled.second].answered_at or of_cdr
    if answered_at is None and sorting.dialled.incoming and sorting.cdr:
        return _answered_at_by_durations(sorting)
    return answered_at


def _answered_at_by_durations(sorting: Sorting) -> datetime | None:
    """Return when the agent answered, from the talk time, else from the customer's wait."""
    cdr, ended_at = sorting.cdr, _ended_at(sorting)
    if ended_at and cdr.talk_seconds is not None:
        return ended_at - timedelta(seconds=cdr.talk_seconds)
    waiting = sorting.cdr_legs[CUSTOMER]
    if cdr.started_at and waiting and waiting.ring_seconds is not None:
        return cdr.started_at + timedelta(seconds=waiting.ring_seconds)
    return None


def _ended_at(sorting: Sorting) -> datetime | None:
    cdr = sorting.cdr
    if cdr and cdr.ended_at:
        return cdr.ended_at
    known = [leg.ended_at for leg in sorting.legs.values() if leg.ended_at]
    if known:
        return max(known)
    if cdr and cdr.started_at and cdr.total_seconds is not None:
        return cdr.started_at + timedelta(seconds=cdr.total_seconds)
    return None


def _talk_seconds(sorting: Sorting, is_connected: bool) -> int | None:
    """Return the talk time: from the CDR, from its called party's leg, or from answer to end."""
    if not is_connected:
        return 0
    for source in (sorting.cdr, sorting.cdr_legs[sorting.dialled.second]):
        if source and source.talk_seconds is not None:
            return source.talk_seconds
    ends = [leg.ended_at for leg in sorting.legs.values() if leg.ended_at]
    if not ends and sorting.cdr and sorting.cdr.ended_at:
        ends = [sorting.cdr.ended_at]
    return whole_seconds(_answered_at(sorting), min(ends, default=None))


def _identifier(sorting: Sorting, name: str) -> str:
    """Return the leading CDR's id, else the first one in any report."""
    reports = [
        *sorting.cdrs,
        *(each.event for each in sorting.happened),
        *sorting.api_errors,
    ]
    return next((value for report in reports if (value := getattr(report, name))), "")


def _pulses(sorting: Sorting) -> int | None:
    if sorting.cdr and sorting.cdr.pulses is not None:
        return sorting.cdr.pulses
    of_legs = [leg.pulses for leg in sorting.cdr_legs.values() if leg and leg.pulses is not None]
    return sum(of_legs) if of_legs else None


def _lines(sorting: Sorting) -> tuple[Line, ...]:
    lines = {_event_line(each, sorting) for each in sorting.happened}
    lines |= {_cdr_line(cdr, sorting) for cdr in sorting.cdrs}
    lines |= {
        Line(at=each.received_at, leg=None, what="api_error", detail=mask_in(each.message))
        for each in sorting.api_errors
    }
    return tuple(sorted(lines, key=_line_order))


def _line_order(line: Line) -> tuple:
    place = LINE_CODES.index(line.what)
    return line.at, place, line.leg or "", line.address, line.detail, line.cause


def _event_line(happened: Happened, sorting: Sorting) -> Line:
    event, role, what = happened
    detail = event.digits if what == KEYPAD else ""
    if what is None or (role is None and what in vocabulary.LEG_WORDS):
        what = "other"
        detail = mask_in(f"{event.event_type} {event.event}".strip())
    elif what == vocabulary.FAILED and sorting.parties[role].is_answered:
        # Often this only means that the other party hung up
        what = vocabulary.HUNG_UP
    return Line(
        at=event.at or event.received_at,
        leg=role,
        what=what,
        address=event.address if sorting.dialled.incoming and role == AGENT else "",
        detail=detail,
        cause=cause_of(event) if what in vocabulary.ENDS else "",
    )


def cause_of(ended: Event | Leg) -> str:
    """Return why a leg ended: Airtel's words with numbers masked, else its code; "" if unknown."""
    if ended.cause_text:
        return mask_in(ended.cause_text)
    if ended.cause_code:
        return f"Q.850 {ended.cause_code}"
    return f"SIP {ended.sip_code}" if ended.sip_code else ""


def _cdr_line(cdr: Cdr, sorting: Sorting) -> Line:
    if not sorting.counts(cdr):
        return Line(at=cdr.received_at, leg=None, what="other", detail="CDR")
    return Line(at=cdr.received_at, leg=None, what="cdr", detail=mask_in(cdr.overall_status))
