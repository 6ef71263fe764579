# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""State and result of a call, from its reports.

The first party is the one that Airtel has on the phone first: the agent in an outgoing call; in an
incoming one the customer, who called. The second party's answer connects the call.

- A CDR decides; if it says nothing, events decide.
- Reports that phones were dialled override the outcome of the request.
- The first party is on the phone from its ``Answer`` on, or from any event of the second party's
  leg, because Airtel only dials that one afterwards. In an incoming call it is from the start.
- The call is connected by the second party's ``Answer``, while the first party's leg lives.
- The end of an unanswered leg does not end the call, because Airtel may dial again (maxRetries);
  the end of an answered one does.
- A customer who called and hangs up while a phone rings, or before any does, has abandoned the
  call. If the agents' phones had stopped ringing, the last agent missed it.
- An agent who declines counts as ``agent_busy``: handsets answer a declined call with "busy".
- Nothing is guessed: a call that is closed while a phone rings is ``no_report``. An error among the
  API results makes it ``failed`` if there is no other report.
"""

from ..airtel import vocabulary
from ..airtel.fields import fold_name
from ..airtel.reports import CdrLeg
from . import answering, states
from .dialled import AGENT, CUSTOMER
from .leg import (
    Fact,
    Party,
    cdr_end,
)
from .sorting import Sorting

SYSTEM = "system"
_RINGING = {AGENT: "ringing_agent", CUSTOMER: "ringing_customer"}
_NO_LEG = CdrLeg()
_NOT_RINGING = (vocabulary.BUSY, vocabulary.UNREACHABLE, vocabulary.REJECTED)


def state(sorting: Sorting, request: str, closed: bool) -> str:
    """Return one of ``states.STATES``; arguments as in ``timeline.fold``."""
    if sorting.cdr:
        return "ended"
    if not sorting.has_life and request == "refused":
        return "refused"
    if closed:
        return "ended"
    if not sorting.has_life:
        return "ringing_agent" if request == "accepted" else request
    return _live_state(sorting)


def _live_state(sorting: Sorting) -> str:
    dialled = sorting.dialled
    first, second = _parties(sorting)
    first_picked_up = dialled.incoming or first.is_answered or bool(second.facts)
    if first_picked_up and _has_first_left(sorting):
        return "ended"
    if second.is_answered:
        return "ended" if second.is_over else "in_call"
    return _RINGING[dialled.second if first_picked_up else dialled.first]


def _parties(sorting: Sorting) -> tuple[Party, Party]:
    """Return the first party and the second one."""
    return sorting.parties[sorting.dialled.first], sorting.parties[sorting.dialled.second]


def _has_first_left(sorting: Sorting) -> bool:
    """Return whether the first party was on the phone and has left."""
    first, second = _parties(sorting)
    if sorting.dialled.incoming:
        return answering.customers_end(sorting) is not None
    if first.ending is None or first.is_answered:
        return first.ending is not None
    # The first party's answer was not reported, but the second one's leg proves it. An end before
    # that belongs to an earlier attempt.
    is_earlier = first.ending.is_surely_before(second.facts[0])
    return first.ending.what not in vocabulary.UNANSWERED_ENDS and not is_earlier


def result(sorting: Sorting) -> str:
    """Return one of ``states.RESULTS``: the result if the call is over."""
    if _is_connected(sorting):
        return "connected"
    first_answered = _has_first_answered(sorting)
    if first_answered is None:
        return "failed" if sorting.cdr or sorting.api_errors else "no_report"
    if not first_answered:
        return _result_of_agent(sorting)
    return _result_of_second(sorting)


def _is_connected(sorting: Sorting) -> bool:
    says = sorting.connected
    return sorting.parties[sorting.dialled.second].is_answered if says is None else says


def _has_first_answered(sorting: Sorting) -> bool | None:
    """Return whether the first party was on the phone, ``None`` if unknown."""
    if sorting.dialled.incoming:
        return True
    first, second = sorting.dialled.first, sorting.dialled.second
    if sorting.legs[first].answered_at or sorting.parties[second].facts:
        return True
    first_end, second_end = (cdr_end(sorting.cdr_legs[who] or _NO_LEG) for who in (first, second))
    if first_end in vocabulary.UNANSWERED_ENDS:
        return False
    # The second party is only dialled afterwards; and an answered leg ends with "Disconnected".
    if second_end in vocabulary.UNANSWERED_ENDS or first_end == vocabulary.HUNG_UP:
        return True
    return False if first_end or sorting.parties[first].facts else None


def _result_of_agent(sorting: Sorting) -> str:
    """Return the result of a call that stopped at the agent, on either side."""
    end = sorting.legs[AGENT].end or _overall_end(sorting)
    if sorting.dialled.incoming and end in (vocabulary.HUNG_UP, vocabulary.FAILED):
        # The call's overall status says why a phone stopped ringing: often the customer hung up
        end = _overall_end(sorting) or end
    if end:
        return states.result_of(AGENT, end)
    is_over = sorting.cdr or sorting.dialled.incoming and answering.customers_end(sorting)
    return "agent_no_answer" if is_over else "no_report"


def _result_of_second(sorting: Sorting) -> str:
    """Return the result if the first party was on the phone and the second did not pick up."""
    if sorting.dialled.incoming:
        return "abandoned" if _has_customer_given_up(sorting) else _result_of_agent(sorting)
    end = sorting.legs[sorting.dialled.second].end
    if end in vocabulary.UNANSWERED_ENDS and end != vocabulary.NO_ANSWER:
        return states.result_of(sorting.dialled.second, end)
    if _has_first_canceled(sorting, end):
        return "canceled"
    end = end or _overall_end(sorting) or _network_end(sorting)
    if end:
        return states.result_of(sorting.dialled.second, end)
    return "failed" if sorting.cdr else "no_report"


def _has_customer_given_up(sorting: Sorting) -> bool:
    """Return whether an incoming call's customer hung up while agents' phones were ringing.

    Events of both show it. Without them it is who hung up according to the CDR, unless the agent
    was busy, unreachable or declined; else the order in which the legs ended.
    """
    cdr_leg = sorting.cdr_legs[AGENT] or _NO_LEG
    said = _who_hung_up(sorting)
    if cdr_end(cdr_leg) in _NOT_RINGING or said in (AGENT, SYSTEM):
        return False
    end = answering.customers_end(sorting)
    if end and sorting.parties[AGENT].phones:
        return answering.was_ringing(sorting, end.moment)
    if _overall_end(sorting) in _NOT_RINGING:
        return False
    if said == CUSTOMER:
        return True
    if end:
        return not answering.names_agents(sorting)
    customers = sorting.cdr_legs[CUSTOMER] or _NO_LEG
    return (
        cdr_end(cdr_leg) != vocabulary.NO_ANSWER
        and None not in (customers.ended_at, cdr_leg.ended_at)
        and customers.ended_at < cdr_leg.ended_at
    )


def _overall_end(sorting: Sorting) -> str | None:
    """Return how the call stopped, by the CDR's overall status."""
    return vocabulary.OVERALL_UNANSWERED.get(sorting.cdr.overall_status) if sorting.cdr else None


def _network_end(sorting: Sorting) -> str | None:
    ending = sorting.parties[sorting.dialled.first].ending
    return vocabulary.FAILED if ending and ending.what == vocabulary.FAILED else None


def _has_first_canceled(sorting: Sorting, second_end: str | None) -> bool:
    """Return whether the first party hung up while the second one's phone was ringing."""
    said = _who_hung_up(sorting)
    if said in (AGENT, CUSTOMER, SYSTEM):
        return said == sorting.dialled.first
    ending = sorting.parties[sorting.dialled.first].ending
    if second_end == vocabulary.NO_ANSWER or ending is None or ending.what == vocabulary.FAILED:
        return False
    second_ended_at = sorting.legs[sorting.dialled.second].ended_at
    return second_ended_at is None or ending.moment <= second_ended_at


def hung_up_by(sorting: Sorting, call_result: str) -> str | None:
    """Return ``agent``, ``customer``, ``system``, or ``None`` if unknown."""
    said = _who_hung_up(sorting)
    if said in (AGENT, CUSTOMER, SYSTEM):
        return said
    if call_result in ("canceled", "abandoned"):
        return sorting.dialled.first
    return _first_to_leave(sorting) if call_result == "connected" else None


def _who_hung_up(sorting: Sorting) -> str | None:
    """Return who hung up according to the CDR; ``user`` is one of the two."""
    if sorting.cdr is None:
        return None
    word = sorting.cdr.hangup_cause
    said = vocabulary.who_hung_up(fold_name(word))
    return sorting.dialled.role("", word) or sorting.who(sorting.cdr, said) or said


def _first_to_leave(sorting: Sorting) -> str | None:
    """Return whose leg ended first; if the network ended it, the other party had left."""
    first, second = (party.ending for party in _parties(sorting))
    if _is_network(first) and not _is_network(second):
        return sorting.dialled.second
    if _is_network(second) and not _is_network(first):
        return sorting.dialled.first
    if first and second and first.moment == second.moment:
        return None
    if first and (not second or first.moment < second.moment):
        return sorting.dialled.first
    return sorting.dialled.second if second else None


def _is_network(ending: Fact | None) -> bool:
    return ending is not None and ending.what == vocabulary.FAILED
