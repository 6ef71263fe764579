import json

import pytest

from ccp.airtel.components import (
    ComponentsError,
    fill,
    placed,
    read,
)

CALLER = "8000000001"
AGENTS = [{"participantAddress": f"900000000{each}", "callerId": CALLER} for each in (1, 2)]
CUSTOMERS = [
    {
        "participantAddress": f"900000001{each}",
        "callerId": CALLER,
        "participantName": f"B{each}",
        "maxRetries": 1,
    }
    for each in (1, 2, 3)
]
CALLBACKS = [{"eventType": "CDR", "notifyURL": "https://h/x", "method": "POST", "headers": {}}]
UUID = "0b5f4ce1-1234-4000-8000-446655440000"
ROBIN = {"mergingStrategy": "ROUND ROBIN", "agentPoolId": "1234567890"}


def filled(components, add_caller_id=True, agents=AGENTS, customers=CUSTOMERS):
    return fill(
        read(json.dumps(components)),
        caller_id=CALLER,
        add_caller_id=add_caller_id,
        agents=agents,
        customers=customers,
        callbacks=CALLBACKS,
    )


def ring(*placeholders, **values):
    entries = [{"participantAddress": f"{{{{{each}}}}}"} for each in placeholders]
    return {"participants": entries, **values}


def test_nothing_is_no_components():
    for text in (None, "", "  \n", "{}"):
        assert read(text) == {}


def test_numbers_come_from_the_call():
    components = {
        "addParticipant_2": ring("customer2", mergingStrategy="PARALLEL", maxTime=30),
        "initiateCall_2": ring("agent2"),
        "record_2": {"enabled": False},
        "playAudio_1": {"audio": UUID, "callerId": "{{callerId}}"},
    }
    assert filled(components) == {
        "addParticipant_2": {
            "callerId": CALLER,
            "mergingStrategy": "PARALLEL",
            "maxTime": 30,
            "participants": [CUSTOMERS[1]],
        },
        "initiateCall_2": {
            "callerId": CALLER,
            "participants": [AGENTS[1]],
            "callBackURLs": CALLBACKS,
        },
        "record_2": {"enabled": False},
        "playAudio_1": {"audio": UUID, "callerId": CALLER},
    }
    assert placed(components, "customer") == {2}
    assert placed(components, "agent") == {2}
    assert "callerId" not in filled(components, add_caller_id=False)["addParticipant_2"]


def test_what_the_component_says_of_a_participant_goes_before():
    entry = {"participantAddress": "{{customer3}}", "maxRetries": 3, "participantName": "Boss"}
    got = filled({"addParticipant_2": {"participants": [entry]}})
    assert got["addParticipant_2"]["participants"] == [
        {**CUSTOMERS[2], "maxRetries": 3, "participantName": "Boss"}
    ]


def test_a_number_that_the_call_does_not_have_is_left_out():
    components = {"addParticipant_2": ring("customer2", "customer4"), "x_1": ring("agent2")}
    got = filled(components, agents=AGENTS[:1])
    assert list(got) == ["addParticipant_2"]
    assert got["addParticipant_2"]["participants"] == [CUSTOMERS[1]]


@pytest.mark.parametrize("strategy", ["ROUND ROBIN", "ROUND_ROBIN"])
def test_a_pool_may_join(strategy):
    got = filled({"addParticipant_2": {**ROBIN, "mergingStrategy": strategy}})
    assert got == {
        "addParticipant_2": {
            "callerId": CALLER,
            "mergingStrategy": strategy,
            "agentPoolId": "1234567890",
        }
    }


def deep(levels):
    return {"x": deep(levels - 1)} if levels else {"x": 1}


def entry(**values):
    return {"addParticipant_2": {"participants": [values]}}


def second(**values):
    return {"addParticipant_2": ring("customer2", **values)}


def robin(**values):
    return {"addParticipant_2": {**ROBIN, **values}}


REFUSED = {
    "no JSON": ("{", "json"),
    "a list": ("[]", "json"),
    "a text": ('"x"', "json"),
    "no number of JSON": ('{"x_1": {"y": NaN}}', "json"),
    "one name twice": ('{"x_1": {"y": 1}, "x_1": {"y": 2}}', "json"),
    "nested without end": ('{"x_1": ' + '{"y":' * 1500 + "1" + "}" * 1501, "json or deep"),
    "too long": ('{"x_1": {"y": "' + "a" * 10_000 + '"}}', "long"),
    "too many": ({f"x_{each}": {"y": 1} for each in range(21)}, "many"),
    "too deep": ({"x_1": deep(8)}, "deep"),
    "a bad id": ({"x 1": {"y": 1}}, "name"),
    "an empty id": ({"": {"y": 1}}, "name"),
    "no object": ({"x_1": [1]}, "object"),
    "an empty object": ({"x_1": {}}, "object"),
    "a notify URL": ({"x_1": {"callBackURLs": []}}, "forbidden"),
    "a notify URL deep down": ({"x_1": {"a": [{"NotifyUrl": "https://evil"}]}}, "forbidden"),
    "a customer id": ({"x_1": {"customerId": "C"}}, "forbidden"),
    "a flow": ({"x_1": {"call_flow_id": "C"}}, "forbidden"),
    "credentials": ({"x_1": {"Authorization": "Basic x"}}, "forbidden"),
    "a number": (entry(participantAddress="9876543210"), "address"),
    "a number in another spelling": ({"x_1": {"to": "+91 (0) 98765-43210"}}, "number"),
    "a number in other digits": ({"x_1": {"to": "९८७६५४३२१०"}}, "number"),
    "a number in wide digits": ({"x_1": {"to": ["９８７６５４３２１０"]}}, "number"),
    "a number in an address": ({"x_1": {"to": "tel:9876543210"}}, "number"),
    "a number of JSON": ({"x_1": {"to": 9876543210}}, "number"),
    "a number with a point": ({"x_1": {"to": 9876543210.0}}, "number"),
    "a number as a name": ({"x_1": {"9876543210": True}}, "number"),
    "a number in another field than the pool's": (robin(pool="9876543210"), "number"),
    "a number beside a pool": (robin(agentPoolId=["9876543210"]), "number"),
    "the agent's first phone": ({"addParticipant_2": ring("agent1")}, "address"),
    "the customer's first number": ({"addParticipant_2": ring("customer1")}, "address"),
    "an unknown placeholder": ({"addParticipant_2": ring("boss")}, "address"),
    "a participant without address": (entry(participantName="C"), "address"),
    "an address in another spelling": ({"x_1": {"participant_address": "112"}}, "address"),
    "another caller number": ({"x_1": {"callerId": "8000000002"}}, "caller_id"),
    "one phone twice": ({"a_1": ring("customer2"), "b_1": ring("customer2")}, "twice"),
    "an unknown strategy": (second(mergingStrategy="X"), "strategy"),
    "a conference": (second(mergingStrategy="CONFERENCE"), "conference"),
    "nobody": ({"addParticipant_2": {"maxTime": 0}}, "no_participants"),
    "no participants": ({"initiateCall_2": {"participants": []}}, "no_participants"),
    "participants that are no list": ({"x_1": {"participants": {"a": 1}}}, "object"),
    "a participant that is no object": ({"x_1": {"participants": ["{{customer2}}"]}}, "object"),
    "a pool without id": ({"addParticipant_2": {"mergingStrategy": "ROUND ROBIN"}}, "pool"),
    "a pool with participants": (robin(**ring("customer2")), "pool_participants"),
    "too many retries": (
        entry(participantAddress="{{customer2}}", maxRetries=4),
        "retries",
    ),
    "half a second": (second(maxTime=0.5), "max_time"),
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_refused(value):
    components, reason = value
    text = components if isinstance(components, str) else json.dumps(components)
    with pytest.raises(ComponentsError) as caught:
        read(text)
    assert caught.value.reason in reason.split(" or ")


def test_eight_digits_are_no_number_that_airtel_dials():
    components = {"x_1": {"file": "welcome-20261126.wav", "volume": 12345678}}
    assert read(json.dumps(components)) == components
