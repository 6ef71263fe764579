# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""The one table of a call's states and results, and of their properties.

Fold, models, views and reports use it. Labels are in the Selection fields of ``ccp.call``, where
Odoo translates them; a test compares both. A new state or result also needs a sentence in
``models/ccp_call_words.py``.
"""

from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple

from ..airtel import vocabulary

AGENT = vocabulary.AGENT
CUSTOMER = vocabulary.CUSTOMER


class State(NamedTuple):
    """The properties of a state."""

    tone: str
    """The colour in which every view shows it, by Bootstrap's name."""
    waits: timedelta | None = None
    """How long a call may wait for its next report before it is ended without one; ``None`` if
    the call is over."""

    @property
    def is_live(self) -> bool:
        """Whether the call still waits for reports."""
        return self.waits is not None


class Result(NamedTuple):
    """The properties of a result."""

    tone: str
    """The colour in which every view shows it: grey if the customer was not reached, as often
    happens; amber if the agent can change it; red if something is broken."""
    missed_by: str | None = None
    """``AGENT`` or ``CUSTOMER``: the one because of whom they did not talk."""
    picked_up: bool = False
    """Whether the agent certainly picked up."""
    ends: tuple[str, ...] = ()
    """The ends of the leg of the one who missed it that lead to this result."""


# In the order of an ordinary call
STATES = MappingProxyType(
    {
        "queued": State("info", timedelta(minutes=5)),
        "refused": State("warning"),
        "unknown": State("warning", timedelta(minutes=5)),
        "ringing_agent": State("info", timedelta(minutes=5)),
        "ringing_customer": State("info", timedelta(minutes=10)),
        "in_call": State("success", timedelta(hours=4)),
        "ended": State("secondary"),
    }
)
RESULTS = MappingProxyType(
    {
        "connected": Result("success", picked_up=True),
        "agent_no_answer": Result(
            "warning", AGENT, ends=(vocabulary.NO_ANSWER, vocabulary.HUNG_UP)
        ),
        # Handsets answer a declined call with "busy"
        "agent_busy": Result("warning", AGENT, ends=(vocabulary.BUSY, vocabulary.REJECTED)),
        "agent_unreachable": Result("warning", AGENT, ends=(vocabulary.UNREACHABLE,)),
        "customer_no_answer": Result(
            "secondary", CUSTOMER, picked_up=True, ends=(vocabulary.NO_ANSWER, vocabulary.HUNG_UP)
        ),
        "customer_busy": Result("secondary", CUSTOMER, picked_up=True, ends=(vocabulary.BUSY,)),
        "customer_unreachable": Result(
            "secondary", CUSTOMER, picked_up=True, ends=(vocabulary.UNREACHABLE,)
        ),
        "customer_rejected": Result(
            "secondary", CUSTOMER, picked_up=True, ends=(vocabulary.REJECTED,)
        ),
        "canceled": Result("warning", AGENT),
        # The customer of an incoming call hung up before anybody picked up: neither's result alone
        "abandoned": Result("warning"),
        "failed": Result("danger"),
        "no_report": Result("danger"),
    }
)

LIVE_STATES = tuple(name for name, state in STATES.items() if state.is_live)
PICKED_UP_RESULTS = tuple(name for name, result in RESULTS.items() if result.picked_up)
MISSED_BY = MappingProxyType(
    {
        who: tuple(name for name, result in RESULTS.items() if result.missed_by == who)
        for who in (AGENT, CUSTOMER)
    }
)
MISSED_BY_AGENT = MISSED_BY[AGENT]
_OF_ENDS = {
    (result.missed_by, end): name for name, result in RESULTS.items() for end in result.ends
}


def result_of(who: str, end: str) -> str:
    """Return the result of a call that stopped at one of the parties.

    :param who: ``AGENT`` or ``CUSTOMER``
    :param end: how that party's leg ended, one of ``vocabulary.ENDS``
    """
    return _OF_ENDS.get((who, end), "failed")


def tone(state: str, result: str | None) -> str:
    """Return the colour of a call: its result's if there is one, else its state's.

    :param state: one of ``STATES``
    :param result: one of ``RESULTS``, or nothing
    """
    if result in RESULTS:
        return RESULTS[result].tone
    return STATES[state].tone if state in STATES else "secondary"
