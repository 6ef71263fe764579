import json
from dataclasses import replace
from pathlib import Path

import pytest

from ccp import const
from ccp.request import (
    AddParticipant,
    Callback,
    InitiateCall,
    Participant,
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


def test_every_optional_value_can_be_set():
    rendered = body(
        replace(
            WORKFLOW,
            caller_id="8000000002",
            record_id="record_7",
            record=False,
            meta_data={"token": "opaque"},
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
        "metaData",
    ]
    assert rendered["callerId"] == "8000000002"
    assert rendered["metaData"] == {"token": "opaque"}
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
    "blank flow": (replace(WORKFLOW, call_flow_id=" "), "blank_call_flow_id"),
    "no flow": (replace(WORKFLOW, call_flow_id=None), "blank_call_flow_id"),
    "blank customer": (replace(WORKFLOW, customer_id=""), "blank_customer_id"),
    "call type": (replace(WORKFLOW, call_type="SIDEWAYS"), "call_type"),
    "same ids": (with_add(component_id="initiateCall_1"), "component_ids"),
    "blank id": (with_add(component_id=" "), "component_ids"),
    "record's id": (replace(WORKFLOW, record_id="addParticipant_1"), "component_ids"),
    "unknown strategy": (with_initiate(merging_strategy="ROUND_ROBIN"), "strategy"),
    "unknown second": (with_add(merging_strategy="ROUND ROBIN"), "strategy"),
    "conference": (with_add(merging_strategy="CONFERENCE"), "conference_on_second"),
    "nobody to ring": (with_initiate(participants=()), "no_participants"),
    "nobody to add": (with_add(participants=()), "no_participants"),
    "4 retries": (with_agent(max_retries=4), "retries"),
    "4 retries of the second": (with_customer(max_retries=4), "retries"),
    "negative retries": (with_agent(max_retries=-1), "retries"),
    "negative time": (with_customer(max_time=-1), "max_time"),
    "negative component time": (with_initiate(max_time=-1), "max_time"),
    "9 digits": (with_agent(address="987650000"), "not_ten_digits"),
    "11 digits": (with_customer(address="09876500001"), "not_ten_digits"),
    "plus": (with_customer(address="+919876500001"), "not_ten_digits"),
    "devanagari": (with_customer(address="९८७६५०००००"), "not_ten_digits"),
    "line end": (with_customer(address="9876500001\n"), "not_ten_digits"),
    "no address": (with_customer(address=None), "not_ten_digits"),
    "no caller": (with_agent(caller_id=None), "not_ten_digits"),
    "component's caller": (with_initiate(caller_id="123"), "not_ten_digits"),
    "second's caller": (with_add(caller_id="123"), "not_ten_digits"),
    "common caller": (replace(WORKFLOW, caller_id="123"), "not_ten_digits"),
    "same person": (with_customer(address=AGENT.address), "duplicate_participants"),
    "twice": (with_add(participants=(CUSTOMER, CUSTOMER)), "duplicate_participants"),
    "event type": (with_initiate(callbacks=(Callback("all", "http://h"),)), "event_type"),
    "ftp": (with_initiate(callbacks=(Callback("ALL", "ftp://h/x"),)), "notify_url"),
    "no host": (with_initiate(callbacks=(Callback("ALL", "http:///x"),)), "notify_url"),
    "blank in URL": (with_initiate(callbacks=(Callback("ALL", "http://h/a b"),)), "notify_url"),
}


@pytest.mark.parametrize(("workflow", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_airtel_would_refuse_is_not_rendered(workflow, reason):
    with pytest.raises(RequestError) as caught:
        body(workflow)
    assert caught.value.reason == reason
    assert isinstance(caught.value, ValueError)


def test_an_error_tells_the_place_and_not_the_number():
    with pytest.raises(RequestError) as caught:
        body(with_customer(address="987654321"))
    assert caught.value.where == "addParticipant_1.participants[0].participantAddress"
    assert "987654321" not in str(caught.value)


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
