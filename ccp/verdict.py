# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""State and result of a call, judged from the evidence.

- A CDR is the authority; where it is silent, events decide.
- Reports that show that phones were dialled win over what we thought of the request.
- The agent is on the phone with the agent's ``Answer``, or with any event of the customer's leg,
  which Airtel dials only then. The call is connected with the customer's ``Answer``, while the
  agent's leg lives.
- The end of an unanswered leg does not end the call, because Airtel may dial again (maxRetries);
  the end of an answered one does.
- In an incoming call the agent's answer connects it, and who did not pick up is the agent.
- An agent who declines counts as ``agent_busy``: handsets answer a declined call with "busy".
- What nobody reported is not guessed: a call that is closed while a phone rings is ``no_report``.
  An error among the API results makes it ``failed`` where nothing else came.
"""

from . import states
from . import vocabulary as words
from .callback import CdrLeg
from .evidence import AGENT, CUSTOMER, Evidence
from .fields import fold_name
from .leg import Fact, cdr_end

SYSTEM = "system"
_WHO = (AGENT, CUSTOMER)

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
    agent, customer = evidence.parties[AGENT], evidence.parties[CUSTOMER]
    agent_picked_up = agent.is_answered or bool(customer.facts)
    if agent_picked_up and _has_agent_left(evidence):
        return "ended"
    if customer.is_answered:
        return "ended" if customer.is_over else "in_call"
    return "ringing_customer" if agent_picked_up else "ringing_agent"


def _has_agent_left(evidence: Evidence) -> bool:
    """Whether the agent, who had picked up, is gone."""
    agent, customer = evidence.parties[AGENT], evidence.parties[CUSTOMER]
    if agent.ending is None or agent.is_answered:
        return agent.ending is not None
    # The agent's answer was not reported, but the customer's leg shows that it happened. What ended
    # before that was an earlier attempt.
    is_earlier = agent.ending.is_surely_before(customer.facts[0])
    return agent.ending.what not in words.TELLING_ENDS and not is_earlier


def result(evidence: Evidence) -> str:
    """One of ``states.RESULTS``: what the result is if the call is over."""
    if _is_connected(evidence):
        return "connected"
    if evidence.dialled.incoming:
        return _result_of_agent(evidence)
    agent_answered = _has_agent_answered(evidence)
    if agent_answered is None:
        return "failed" if evidence.cdr or evidence.api_errors else "no_report"
    return _result_of_customer(evidence) if agent_answered else _result_of_agent(evidence)


def _is_connected(evidence: Evidence) -> bool:
    called, says = evidence.dialled.called, None
    if evidence.cdr:
        says = evidence.says_connected(evidence.cdr, evidence.cdr_legs[called])
    return evidence.parties[called].is_answered if says is None else says


def _has_agent_answered(evidence: Evidence) -> bool | None:
    """``None`` where nobody says."""
    if evidence.legs[AGENT].answered_at or evidence.parties[CUSTOMER].facts:
        return True
    agent_end, customer_end = (
        cdr_end(evidence.cdr_legs[role] or _NO_LEG) for role in (AGENT, CUSTOMER)
    )
    if agent_end in words.TELLING_ENDS:
        return False
    # Nobody dials the customer before; and a leg that was answered ends with "Disconnected".
    if customer_end in words.TELLING_ENDS or agent_end == words.HUNG_UP:
        return True
    return False if agent_end or evidence.parties[AGENT].facts else None


def _result_of_agent(evidence: Evidence) -> str:
    """The call stopped at the agent."""
    end = evidence.legs[AGENT].end or _overall_end(evidence)
    if end:
        return states.result_of(AGENT, end)
    return "agent_no_answer" if evidence.cdr else "no_report"


def _result_of_customer(evidence: Evidence) -> str:
    """The agent picked up, the customer did not."""
    end = evidence.legs[CUSTOMER].end
    if end in words.TELLING_ENDS and end != words.NO_ANSWER:
        return states.result_of(CUSTOMER, end)
    if _has_agent_canceled(evidence, end):
        return "canceled"
    end = end or _overall_end(evidence) or _network_end(evidence)
    if end:
        return states.result_of(CUSTOMER, end)
    return "failed" if evidence.cdr else "no_report"


def _overall_end(evidence: Evidence) -> str | None:
    """How the call stopped by the CDR's overall status."""
    return words.OVERALL_UNANSWERED.get(evidence.cdr.overall_status) if evidence.cdr else None


def _network_end(evidence: Evidence) -> str | None:
    ending = evidence.parties[AGENT].ending
    return words.FAILED if ending and ending.what == words.FAILED else None


def _has_agent_canceled(evidence: Evidence, customer_end: str | None) -> bool:
    """Whether the agent hung up while the customer's phone was still ringing."""
    said = _who_hung_up(evidence)
    if said in (AGENT, CUSTOMER, SYSTEM):
        return said == AGENT
    ending = evidence.parties[AGENT].ending
    if customer_end == words.NO_ANSWER or ending is None or ending.what == words.FAILED:
        return False
    customer_ended_at = evidence.legs[CUSTOMER].ended_at
    return customer_ended_at is None or ending.moment <= customer_ended_at


def hung_up_by(evidence: Evidence, call_result: str) -> str | None:
    """``agent``, ``customer``, ``system``, or ``None`` where nobody says."""
    said = _who_hung_up(evidence)
    if said in (AGENT, CUSTOMER, SYSTEM):
        return said
    if call_result == "canceled":
        return AGENT
    return _first_to_leave(evidence) if call_result == "connected" else None


def _who_hung_up(evidence: Evidence) -> str | None:
    """What the CDR says; ``user`` is one of the two."""
    if evidence.cdr is None:
        return None
    word = evidence.cdr.hangup_cause
    said = words.who_hung_up(fold_name(word))
    if evidence.dialled.incoming and said in (AGENT, CUSTOMER) and fold_name(word) not in _WHO:
        # "Caller", which is the customer here
        said = AGENT if said == CUSTOMER else CUSTOMER
    return evidence.dialled.role("", word) or said


def _first_to_leave(evidence: Evidence) -> str | None:
    """Whose leg ended first; from one that the network ended, the other party had gone."""
    agent, customer = (evidence.parties[role].ending for role in (AGENT, CUSTOMER))
    if _is_network(agent) and not _is_network(customer):
        return CUSTOMER
    if _is_network(customer) and not _is_network(agent):
        return AGENT
    if agent and customer and agent.moment == customer.moment:
        return None
    if agent and (not customer or agent.moment < customer.moment):
        return AGENT
    return CUSTOMER if customer else None


def _is_network(ending: Fact | None) -> bool:
    return ending is not None and ending.what == words.FAILED
