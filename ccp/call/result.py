# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""State and result of a call, by its reports.

The first party is the one that Airtel has on the phone first: in an outgoing call the agent, in an
incoming one the customer, who called. The second party's answer connects the call.

- A CDR is the authority; if it says nothing, events decide.
- Reports that show that phones were dialled win over what we thought of the request.
- The first party is on the phone with its ``Answer``, or with any event of the second party's leg,
  because Airtel dials that one only then. In an incoming call it is on the phone from the start.
- The call is connected with the second party's ``Answer``, while the first party's leg lives.
- The end of an unanswered leg does not end the call, because Airtel may dial again (maxRetries);
  the end of an answered one does.
- An agent who declines counts as ``agent_busy``: handsets answer a declined call with "busy".
- What nobody reported is not guessed: a call that is closed while a phone rings is ``no_report``.
  An error among the API results makes it ``failed`` if nothing else came.
"""

from ..airtel import vocabulary as words
from ..airtel.fields import (
    fold_name,
)
from ..airtel.reports import (
    CdrLeg,
)
from . import states
from .leg import (
    Fact,
    Party,
    cdr_end,
)
from .sorting import (
    AGENT,
    CUSTOMER,
    Evidence,
)

SYSTEM = "system"
_RINGING = {AGENT: "ringing_agent", CUSTOMER: "ringing_customer"}
_NO_LEG = CdrLeg()


def state(evidence: Evidence, request: str, closed: bool) -> str:
    """One of ``states.STATES``; arguments as in ``timeline.fold``."""
    if evidence.cdr:
        return "ended"
    if not evidence.has_life and request == "refused":
        return "refused"
    if closed:
        return "ended"
    if not evidence.has_life:
        return "ringing_agent" if request == "accepted" else request
    return _live_state(evidence)


def _live_state(evidence: Evidence) -> str:
    dialled = evidence.dialled
    first, second = _parties(evidence)
    first_picked_up = dialled.incoming or first.is_answered or bool(second.facts)
    if first_picked_up and _has_first_left(evidence):
        return "ended"
    if second.is_answered:
        return "ended" if second.is_over else "in_call"
    return _RINGING[dialled.second if first_picked_up else dialled.first]


def _parties(evidence: Evidence) -> tuple[Party, Party]:
    """Return the first party and the second one."""
    return evidence.parties[evidence.dialled.first], evidence.parties[evidence.dialled.second]


def _has_first_left(evidence: Evidence) -> bool:
    """Whether the first party, who was on the phone, is gone."""
    first, second = _parties(evidence)
    if first.ending is None or first.is_answered or evidence.dialled.incoming:
        return first.ending is not None
    # Nobody reported the first party's answer, but the second one's leg shows that it happened. An
    # end before that belongs to an earlier attempt.
    is_earlier = first.ending.is_surely_before(second.facts[0])
    return first.ending.what not in words.TELLING_ENDS and not is_earlier


def result(evidence: Evidence) -> str:
    """One of ``states.RESULTS``: what the result is if the call is over."""
    if _is_connected(evidence):
        return "connected"
    first_answered = _has_first_answered(evidence)
    if first_answered is None:
        return "failed" if evidence.cdr or evidence.api_errors else "no_report"
    if not first_answered:
        return _result_of_agent(evidence)
    return _result_of_second(evidence)


def _is_connected(evidence: Evidence) -> bool:
    second, says = evidence.dialled.second, None
    if evidence.cdr:
        says = evidence.says_connected(evidence.cdr, evidence.cdr_legs[second])
    return evidence.parties[second].is_answered if says is None else says


def _has_first_answered(evidence: Evidence) -> bool | None:
    """Whether the first party was on the phone, ``None`` if nobody says."""
    if evidence.dialled.incoming:
        return True
    first, second = evidence.dialled.first, evidence.dialled.second
    if evidence.legs[first].answered_at or evidence.parties[second].facts:
        return True
    first_end, second_end = (cdr_end(evidence.cdr_legs[who] or _NO_LEG) for who in (first, second))
    if first_end in words.TELLING_ENDS:
        return False
    # Nobody dials the second party before; and a leg that was answered ends with "Disconnected".
    if second_end in words.TELLING_ENDS or first_end == words.HUNG_UP:
        return True
    return False if first_end or evidence.parties[first].facts else None


def _result_of_agent(evidence: Evidence) -> str:
    """The call stopped at the agent, who was the first party or the second one."""
    end = evidence.legs[AGENT].end or _overall_end(evidence)
    if end:
        return states.result_of(AGENT, end)
    return "agent_no_answer" if evidence.cdr else "no_report"


def _result_of_second(evidence: Evidence) -> str:
    """The first party was on the phone, the second one did not pick up."""
    if evidence.dialled.incoming:
        # A customer who hangs up while an agent's phone rings counts as missed by the agent. A
        # result of its own for it (``abandoned``) belongs here.
        return _result_of_agent(evidence)
    end = evidence.legs[evidence.dialled.second].end
    if end in words.TELLING_ENDS and end != words.NO_ANSWER:
        return states.result_of(evidence.dialled.second, end)
    if _has_first_canceled(evidence, end):
        return "canceled"
    end = end or _overall_end(evidence) or _network_end(evidence)
    if end:
        return states.result_of(evidence.dialled.second, end)
    return "failed" if evidence.cdr else "no_report"


def _overall_end(evidence: Evidence) -> str | None:
    """How the call stopped by the CDR's overall status."""
    return words.OVERALL_UNANSWERED.get(evidence.cdr.overall_status) if evidence.cdr else None


def _network_end(evidence: Evidence) -> str | None:
    ending = evidence.parties[evidence.dialled.first].ending
    return words.FAILED if ending and ending.what == words.FAILED else None


def _has_first_canceled(evidence: Evidence, second_end: str | None) -> bool:
    """Whether the first party hung up while the second one's phone was still ringing."""
    said = _who_hung_up(evidence)
    if said in (AGENT, CUSTOMER, SYSTEM):
        return said == evidence.dialled.first
    ending = evidence.parties[evidence.dialled.first].ending
    if second_end == words.NO_ANSWER or ending is None or ending.what == words.FAILED:
        return False
    second_ended_at = evidence.legs[evidence.dialled.second].ended_at
    return second_ended_at is None or ending.moment <= second_ended_at


def hung_up_by(evidence: Evidence, call_result: str) -> str | None:
    """``agent``, ``customer``, ``system``, or ``None`` if nobody says."""
    said = _who_hung_up(evidence)
    if said in (AGENT, CUSTOMER, SYSTEM):
        return said
    if call_result == "canceled":
        return evidence.dialled.first
    return _first_to_leave(evidence) if call_result == "connected" else None


def _who_hung_up(evidence: Evidence) -> str | None:
    """What the CDR says; ``user`` is one of the two."""
    if evidence.cdr is None:
        return None
    word = evidence.cdr.hangup_cause
    said = words.who_hung_up(fold_name(word))
    return evidence.dialled.role("", word) or evidence.dialled.who(said) or said


def _first_to_leave(evidence: Evidence) -> str | None:
    """Whose leg ended first; from one that the network ended, the other party had gone."""
    first, second = (party.ending for party in _parties(evidence))
    if _is_network(first) and not _is_network(second):
        return evidence.dialled.second
    if _is_network(second) and not _is_network(first):
        return evidence.dialled.first
    if first and second and first.moment == second.moment:
        return None
    if first and (not second or first.moment < second.moment):
        return evidence.dialled.first
    return evidence.dialled.second if second else None


def _is_network(ending: Fact | None) -> bool:
    return ending is not None and ending.what == words.FAILED
