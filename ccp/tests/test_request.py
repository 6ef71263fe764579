import json
from dataclasses import replace
from pathlib import Path

import pytest

from ccp.airtel import const
from ccp.airtel.request import (
    AddParticipant,
    Callback,
    InitiateCall,
    Participant,
    Pool,
    RequestError,
    Workflow,
    body,
)

SAMPLE = json.loads((Path(__file__).parent / "data" / "sample_request.json").read_text())
CALLER = "8000000001"
AGENT = Participant("9876500000", CALLER, "A", max_retries=1, max_time=0)
CUSTOMER = Participant("9876500001", CALLER, "B", max_retries=1, max_time=0, early_media=True)
WORKFLOW = Workflow(
    call_flow_id="c2FtcGxl+flow/id==",
    customer_id="SAMPLE-CUSTOMER",
    initiate=InitiateCall(
        caller_id=CALLER,
        participants=(AGENT,),
        callbacks=(
            Callback("CDR", "https://host.example.com:8080/cdr"),
            Callback("ALL", "https://host.example.com:8080/events"),
        ),
    ),
    add=AddParticipant(participants=(CUSTOMER,)),
)


def leaves(value, path=""):
    """Every key and value with its path and type, in order."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield f"{path}.{key}", "key"
            yield from leaves(each, f"{path}.{key}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from leaves(each, f"{path}[{index}]")
    else:
        yield path, type(value), value


def with_agent(**changes):
    initiate = replace(WORKFLOW.initiate, participants=(replace(AGENT, **changes),))
    return replace(WORKFLOW, initiate=initiate)


def with_customer(**changes):
    return replace(
        WORKFLOW, add=replace(WORKFLOW.add, participants=(replace(CUSTOMER, **changes),))
    )


def with_initiate(**changes):
    return replace(WORKFLOW, initiate=replace(WORKFLOW.initiate, **changes))


def with_add(**changes):
    return replace(WORKFLOW, add=replace(WORKFLOW.add, **changes))


def with_pool(pool, strategy="ROUND ROBIN", participants=()):
    return with_initiate(merging_strategy=strategy, pool=pool, participants=participants)


def test_equals_the_sample_of_the_specification_key_by_key():
    assert list(leaves(body(WORKFLOW))) == list(leaves(SAMPLE))


def test_is_the_samples_text_after_serialisation():
    assert json.dumps(body(WORKFLOW)) == json.dumps(SAMPLE)


def test_optional_values_are_left_out():
    agent = Participant(AGENT.address, CALLER)
    customer = Participant(CUSTOMER.address, CALLER)
    rendered = body(
        replace(
            WORKFLOW,
            initiate=InitiateCall(
                caller_id=CALLER, participants=(agent,), max_time=None, merging_strategy=None
            ),
            add=AddParticipant(participants=(customer,), max_time=None, merging_strategy=None),
            record=None,
        )
    )
    configuration = rendered["callFlowConfiguration"]
    assert configuration == {
        "initiateCall_1": {
            "callerId": CALLER,
            "participants": [{"participantAddress": AGENT.address, "callerId": CALLER}],
        },
        "addParticipant_1": {
            "participants": [{"participantAddress": CUSTOMER.address, "callerId": CALLER}],
        },
    }


@pytest.mark.parametrize("strategy", ["ROUND ROBIN", "ROUND_ROBIN"])
def test_a_pool_takes_the_place_of_the_agents_phones(strategy):
    rendered = body(with_pool(Pool(" POOL-7 "), strategy))["callFlowConfiguration"]
    callbacks = SAMPLE["callFlowConfiguration"]["initiateCall_1"]["callBackURLs"]
    assert rendered["initiateCall_1"] == {
        "callerId": CALLER,
        "mergingStrategy": strategy,
        "agentPoolId": "POOL-7",
        "maxTime": 0,
        "callBackURLs": callbacks,
    }
    rendered = body(with_pool(Pool("POOL-7", "poolId"), strategy))["callFlowConfiguration"]
    assert rendered["initiateCall_1"]["poolId"] == "POOL-7"


def test_every_optional_value_can_be_set():
    rendered = body(
        replace(
            WORKFLOW,
            caller_id="8000000002",
            record_id="record_7",
            record=False,
            initiate=replace(
                WORKFLOW.initiate,
                component_id="first_leg",
                merging_strategy="CONFERENCE",
                max_time=30,
                callbacks=(Callback("CALL", "http://h.example/x", "PUT", {"X-Secret": "s"}),),
            ),
            add=replace(
                WORKFLOW.add,
                component_id="client_add_participant",
                caller_id="8000000003",
                merging_strategy="PARALLEL",
                max_time=45,
                participants=(CUSTOMER, replace(CUSTOMER, address="1123456789", name="C")),
            ),
        )
    )
    assert list(rendered) == [
        "callFlowId",
        "customerId",
        "callType",
        "callerId",
        "callFlowConfiguration",
    ]
    assert rendered["callerId"] == "8000000002"
    configuration = rendered["callFlowConfiguration"]
    assert list(configuration) == ["first_leg", "client_add_participant", "record_7"]
    assert configuration["record_7"] == {"enabled": False}
    assert configuration["first_leg"]["callBackURLs"] == [
        {
            "eventType": "CALL",
            "notifyURL": "http://h.example/x",
            "method": "PUT",
            "headers": {"X-Secret": "s"},
        }
    ]
    second = configuration["client_add_participant"]
    assert (second["callerId"], second["maxTime"]) == ("8000000003", 45)
    assert [each["participantName"] for each in second["participants"]] == ["B", "C"]


def test_identifiers_lose_blanks_around_them_and_nothing_else():
    call_flow_id = "+/=" + "aB3+/" * 50 + "=="
    rendered = body(replace(WORKFLOW, call_flow_id=f" \t{call_flow_id}\n", customer_id=" c d "))
    assert rendered["callFlowId"] == call_flow_id
    assert rendered["customerId"] == "c d"


REFUSED = {
    "blank flow": (replace(WORKFLOW, call_flow_id=" "), "blank_call_flow_id", "callFlowId"),
    "no flow": (replace(WORKFLOW, call_flow_id=None), "blank_call_flow_id", "callFlowId"),
    "blank customer": (replace(WORKFLOW, customer_id=""), "blank_customer_id", "customerId"),
    "call type": (replace(WORKFLOW, call_type="SIDEWAYS"), "call_type", "callType"),
    "same ids": (with_add(component_id="initiateCall_1"), "component_ids", "callFlowConfiguration"),
    "blank id": (with_add(component_id=" "), "component_ids", "callFlowConfiguration"),
    "record's id": (
        replace(WORKFLOW, record_id="addParticipant_1"),
        "component_ids",
        "callFlowConfiguration",
    ),
    "unknown strategy": (
        with_initiate(merging_strategy="ROUNDROBIN"),
        "strategy",
        "initiateCall_1.mergingStrategy",
    ),
    "round robin without a pool": (
        with_initiate(merging_strategy="ROUND ROBIN", participants=()),
        "pool",
        "initiateCall_1.mergingStrategy",
    ),
    "pool without an id": (with_pool(Pool(" ")), "pool", "initiateCall_1.mergingStrategy"),
    "pool in a taken field": (
        with_pool(Pool("P", "maxTime")),
        "pool",
        "initiateCall_1.mergingStrategy",
    ),
    "pool in no field": (with_pool(Pool("P", "a b")), "pool", "initiateCall_1.mergingStrategy"),
    "pool with participants": (
        with_pool(Pool("P"), participants=(AGENT,)),
        "pool_participants",
        "initiateCall_1.participants",
    ),
    "pool in place of the customer": (
        with_add(merging_strategy="ROUND_ROBIN", participants=()),
        "strategy",
        "addParticipant_1.mergingStrategy",
    ),
    "further component of a taken id": (
        replace(WORKFLOW, further={"record": {"enabled": False}}),
        "component_ids",
        "callFlowConfiguration",
    ),
    "unknown second": (
        with_add(merging_strategy="ROUND ROBIN"),
        "strategy",
        "addParticipant_1.mergingStrategy",
    ),
    "conference": (
        with_add(merging_strategy="CONFERENCE"),
        "conference_on_second",
        "addParticipant_1.mergingStrategy",
    ),
    "nobody to ring": (
        with_initiate(participants=()),
        "no_participants",
        "initiateCall_1.participants",
    ),
    "nobody to add": (
        with_add(participants=()),
        "no_participants",
        "addParticipant_1.participants",
    ),
    "4 retries": (
        with_agent(max_retries=4),
        "retries",
        "initiateCall_1.participants[0].maxRetries",
    ),
    "4 retries of the second": (
        with_customer(max_retries=4),
        "retries",
        "addParticipant_1.participants[0].maxRetries",
    ),
    "negative retries": (
        with_agent(max_retries=-1),
        "retries",
        "initiateCall_1.participants[0].maxRetries",
    ),
    "negative time": (
        with_customer(max_time=-1),
        "max_time",
        "addParticipant_1.participants[0].maxTime",
    ),
    "negative component time": (with_initiate(max_time=-1), "max_time", "initiateCall_1.maxTime"),
    "9 digits": (
        with_agent(address="987650000"),
        "not_ten_digits",
        "initiateCall_1.participants[0].participantAddress",
    ),
    "11 digits": (
        with_customer(address="09876500001"),
        "not_ten_digits",
        "addParticipant_1.participants[0].participantAddress",
    ),
    "plus": (
        with_customer(address="+919876500001"),
        "not_ten_digits",
        "addParticipant_1.participants[0].participantAddress",
    ),
    "devanagari": (
        with_customer(address="९८७६५०००००"),
        "not_ten_digits",
        "addParticipant_1.participants[0].participantAddress",
    ),
    "line end": (
        with_customer(address="9876500001\n"),
        "not_ten_digits",
        "addParticipant_1.participants[0].participantAddress",
    ),
    "no address": (
        with_customer(address=None),
        "not_ten_digits",
        "addParticipant_1.participants[0].participantAddress",
    ),
    "no caller": (
        with_agent(caller_id=None),
        "not_ten_digits",
        "initiateCall_1.participants[0].callerId",
    ),
    "component's caller": (
        with_initiate(caller_id="123"),
        "not_ten_digits",
        "initiateCall_1.callerId",
    ),
    "second's caller": (with_add(caller_id="123"), "not_ten_digits", "addParticipant_1.callerId"),
    "common caller": (replace(WORKFLOW, caller_id="123"), "not_ten_digits", "callerId"),
    "same person": (
        with_customer(address=AGENT.address),
        "duplicate_participants",
        "addParticipant_1.participants[0].participantAddress",
    ),
    "twice": (
        with_add(participants=(CUSTOMER, CUSTOMER)),
        "duplicate_participants",
        "addParticipant_1.participants[1].participantAddress",
    ),
    "event type": (
        with_initiate(callbacks=(Callback("all", "http://h"),)),
        "event_type",
        "initiateCall_1.callBackURLs[0].eventType",
    ),
    "ftp": (
        with_initiate(callbacks=(Callback("ALL", "ftp://h/x"),)),
        "notify_url",
        "initiateCall_1.callBackURLs[0].notifyURL",
    ),
    "no host": (
        with_initiate(callbacks=(Callback("ALL", "http:///x"),)),
        "notify_url",
        "initiateCall_1.callBackURLs[0].notifyURL",
    ),
    "blank in URL": (
        with_initiate(callbacks=(Callback("ALL", "http://h/a b"),)),
        "notify_url",
        "initiateCall_1.callBackURLs[0].notifyURL",
    ),
    "no call type": (replace(WORKFLOW, call_type=None), "call_type", "callType"),
    "no customer": (replace(WORKFLOW, customer_id=None), "blank_customer_id", "customerId"),
    "no id": (with_add(component_id=None), "component_ids", "callFlowConfiguration"),
    "no URL": (
        with_initiate(callbacks=(Callback("ALL", None),)),
        "notify_url",
        "initiateCall_1.callBackURLs[0].notifyURL",
    ),
    "second callback": (
        with_initiate(callbacks=(*WORKFLOW.initiate.callbacks, Callback("all", "http://h"))),
        "event_type",
        "initiateCall_1.callBackURLs[2].eventType",
    ),
}


@pytest.mark.parametrize(("workflow", "reason", "where"), REFUSED.values(), ids=REFUSED.keys())
def test_what_airtel_would_refuse_is_not_rendered(workflow, reason, where):
    with pytest.raises(RequestError) as caught:
        body(workflow)
    assert (caught.value.reason, caught.value.where) == (reason, where)
    assert str(caught.value) == f"{reason}: {where}"
    assert isinstance(caught.value, ValueError)


def test_an_error_tells_the_place_and_not_the_number():
    with pytest.raises(RequestError) as caught:
        body(with_customer(address="987654321"))
    assert "987654321" not in str(caught.value)


@pytest.mark.parametrize("call_type", ["INBOUND", "OUTBOUND"])
def test_both_directions_are_allowed(call_type):
    assert body(replace(WORKFLOW, call_type=call_type))["callType"] == call_type


@pytest.mark.parametrize("retries", [0, const.MAX_RETRIES])
def test_limits_themselves_are_allowed(retries):
    rendered = body(with_agent(max_retries=retries))
    participant = rendered["callFlowConfiguration"]["initiateCall_1"]["participants"][0]
    assert participant["maxRetries"] == retries


@pytest.mark.parametrize("event_type", const.CALLBACK_EVENT_TYPES)
def test_every_event_type_of_the_specification_is_allowed(event_type):
    body(with_initiate(callbacks=(Callback(event_type, "https://h.example/x"),)))


def test_representations_hide_numbers_and_secrets():
    secret = replace(
        WORKFLOW,
        caller_id="8000000002",
        initiate=replace(
            WORKFLOW.initiate,
            callbacks=(Callback("ALL", "https://h.example/t0ken", headers={"X": "s3cret"}),),
        ),
    )
    for hidden in (AGENT.address, CUSTOMER.address, CALLER, "8000000002", "t0ken", "s3cret"):
        assert hidden not in repr(secret)
