# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
import pytest

from ccp.airtel import vocabulary
from ccp.call import states

WHO = (states.AGENT, states.CUSTOMER)


def test_every_live_state_has_a_limit():
    assert [name for name, state in states.STATES.items() if not state.is_live] == [
        "refused",
        "ended",
    ]
    assert all(states.STATES[name].waits.total_seconds() > 0 for name in states.LIVE_STATES)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("end", vocabulary.ENDS)
def test_every_end_of_a_leg_has_one_result(who, end):
    result = states.result_of(who, end)
    assert result in states.RESULTS
    assert states.RESULTS[result].missed_by == (None if end == vocabulary.FAILED else who)


def test_who_missed_it():
    assert states.MISSED_BY_AGENT == (
        "agent_no_answer",
        "agent_busy",
        "agent_unreachable",
        "canceled",
    )
    assert states.PICKED_UP_RESULTS == (
        "connected",
        "customer_no_answer",
        "customer_busy",
        "customer_unreachable",
        "customer_rejected",
    )


def test_the_result_decides_the_colour_before_the_state():
    assert states.tone("ended", "failed") == "danger"
    assert states.tone("in_call", None) == "success"
    assert states.tone("ended", None) == states.tone("", None) == "secondary"
