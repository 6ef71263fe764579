"""What the sandbox accepts and refuses, over HTTP."""

import json

import pytest
from conftest import (
    AGENT,
    CONNECTS,
    WAIT,
    authorization,
    changed,
    post,
    request,
    specification_sample,
)

from sandbox.errors import COMPONENT_CALLER_ID_REGEX, ERRORS, ROWS
from sandbox.scripts import BY_NAME

FIRST = ("callFlowConfiguration", "initiateCall_1")
SECOND = ("callFlowConfiguration", "addParticipant_1")
FIRST_PARTICIPANT = (*FIRST, "participants", 0)
SECOND_PARTICIPANT = (*SECOND, "participants", 0)
FIRST_CALLBACK = (*FIRST, "callBackURLs", 0)
NULL = "CLICK_TO_CALL_REQUEST_NULL_ERROR"

# The specification's table, section 2, typed anew: errors.py has to say the same.
SPECIFIED = [
    ("INCORRECT_CALL_FLOW_ID", "incorrect call flow id"),
    ("CUSTOMER_DETAILS_NOT_AVAILABLE", "cpm details not found"),
    ("INCORRECT_CUSTOMER_ID", "incorrect customerId"),
    ("INVALID_CALLER_ID", "invalid called id"),
    ("CALLER_ID_REGEX_ERROR", "Incorrect number"),
    ("DUPLICATE_PARTICIPANT_ADDRESS_FOUND", "participant address cannot be duplicate"),
    ("UNABLE_TO_CREATE_SECRET_KEY", "unable to create secret key data"),
    ("CLICK_TO_CALL_REQUEST_NULL_ERROR", "click to call request cannot be null/blank"),
    ("FROM_BODY_NULL_ERROR", "from body cannot be null/blank"),
    ("TO_BODY_NULL_ERROR", "to body cannot be null/blank"),
    ("CUSTOMER_ID_NULL_ERROR", "customerId cannot be null/blank"),
    ("CALL_FLOW_ID_NULL_ERROR", "callflowId cannot be null/blank"),
    ("CALLER_ID_REGEX_ERROR", "caller Id not valid"),
    ("ROUNDROBIN_AGENT_ID_MISSING", "Agent Pool Id cannot be null/empty in case of Round Robin"),
    (
        "ROUNDROBIN_PARTICIPANT_DATA_NOT_ALLOWED",
        "Participant List not allowed in case of Round Robin. Please provide Agent pool Id",
    ),
    ("FROM_NUMBER_NULL_ERROR", "There should be atleast one participant in from"),
    ("FROM_PARTICIPANT_NUMBER_NULL_ERROR", "from participant number null error"),
    ("FROM_PARTICIPANT_NUMBER_REGEX_ERROR", "from participant number not valid"),
    (
        "FROM_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE",
        "Max retries can't be greater than 3",
    ),
    ("CALLER_ID_NULL_ERROR", "caller Id required"),
    ("TO_NUMBER_NULL_ERROR", "There should be atleast one participant in to"),
    ("TO_PARTICIPANT_NUMBER_NULL_ERROR", "to participant number null error"),
    ("TO_PARTICIPANT_NUMBER_REGEX_ERROR", "to participant number not valid"),
    (
        "TO_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE",
        "Max retries can't be greater than 3",
    ),
    (
        "CONFERENCE_MERGING_STRATEGY_NOT_ALLOWED_FOT_TO_NUMBER",
        "CONFERENCE merging strategy not allowed in toNumber",
    ),
    ("AIRTEL_ONLINE_UNCAUGHT_ERROR", "2"),
]

SAMPLE = specification_sample()


def without_caller_ids(body):
    body = changed(body, (*FIRST, "callerId"), ...)
    body = changed(body, (*FIRST_PARTICIPANT, "callerId"), ...)
    return changed(body, (*SECOND_PARTICIPANT, "callerId"), ...)


def robin(component, strategy="ROUND_ROBIN", **fields):
    """Return the sample with a component that has no participants but these fields."""
    body = changed(SAMPLE, (*component, "mergingStrategy"), strategy)
    body = changed(body, (*component, "participants"), ...)
    for name, value in fields.items():
        body = changed(body, (*component, name), value)
    return body


# (key of the error row, body)
REFUSED = [
    ("INCORRECT_CALL_FLOW_ID", changed(SAMPLE, ["callFlowId"], "NO-SUCH-FLOW")),
    ("INCORRECT_CUSTOMER_ID", changed(SAMPLE, ["customerId"], "SOMEBODY-ELSE")),
    ("INVALID_CALLER_ID", changed(SAMPLE, ["callerId"], "8000000009")),
    ("INVALID_CALLER_ID", changed(SAMPLE, (*FIRST, "callerId"), "8000000009")),
    ("INVALID_CALLER_ID", changed(SAMPLE, (*SECOND_PARTICIPANT, "callerId"), "8000000009")),
    ("CALLER_ID_REGEX_ERROR", changed(SAMPLE, ["callerId"], "+918000000001")),
    ("CALLER_ID_REGEX_ERROR", changed(SAMPLE, ["callerId"], 8000000001)),
    (COMPONENT_CALLER_ID_REGEX, changed(SAMPLE, (*FIRST, "callerId"), "800000000")),
    (COMPONENT_CALLER_ID_REGEX, changed(SAMPLE, (*SECOND, "callerId"), "80000 00001")),
    (COMPONENT_CALLER_ID_REGEX, changed(SAMPLE, (*SECOND_PARTICIPANT, "callerId"), "x" * 10)),
    (
        "DUPLICATE_PARTICIPANT_ADDRESS_FOUND",
        changed(SAMPLE, (*SECOND_PARTICIPANT, "participantAddress"), AGENT),
    ),
    (
        "DUPLICATE_PARTICIPANT_ADDRESS_FOUND",
        changed(
            SAMPLE,
            (*SECOND, "participants"),
            SAMPLE["callFlowConfiguration"]["addParticipant_1"]["participants"] * 2,
        ),
    ),
    (NULL, b""),
    (NULL, b"  \n"),
    (NULL, b"null"),
    (NULL, b"{}"),
    (NULL, b"[]"),
    (NULL, b'"text"'),
    (NULL, b'{"callFlowId": '),
    (NULL, b'{"callFlowId": NaN}'),
    (NULL, b"\xff\xfe{"),
    (NULL, b"[" * 100_000),
    (NULL, b'{"metaData": ' + b"[" * 300 + b"]" * 300 + b"}"),
    (NULL, changed(SAMPLE, ["metaData"], json.loads('{"a":' * 40 + "1" + "}" * 40))),
    (NULL, b'{"callFlowId": ' + b"1" * 10_000 + b"}"),
    (NULL, changed(SAMPLE, ["callType"], ...)),
    (NULL, changed(SAMPLE, ["callType"], "outbound")),
    (NULL, changed(SAMPLE, ["callType"], ["OUTBOUND"])),
    (NULL, changed(SAMPLE, ["callFlowConfiguration"], ...)),
    (NULL, changed(SAMPLE, ["callFlowConfiguration"], {})),
    (NULL, changed(SAMPLE, ["callFlowConfiguration"], [])),
    (NULL, changed(SAMPLE, ["metaData"], "token")),
    (NULL, changed(SAMPLE, (*FIRST, "mergingStrategy"), "RANDOM")),
    (NULL, changed(SAMPLE, (*FIRST, "mergingStrategy"), ["SEQUENTIAL"])),
    (NULL, changed(SAMPLE, (*FIRST, "maxTime"), "0")),
    (NULL, changed(SAMPLE, (*SECOND, "maxTime"), -1)),
    (NULL, changed(SAMPLE, (*FIRST_PARTICIPANT, "maxRetries"), "1")),
    (NULL, changed(SAMPLE, (*FIRST_PARTICIPANT, "maxRetries"), True)),
    (NULL, changed(SAMPLE, (*FIRST_PARTICIPANT, "maxTime"), 1.5)),
    (NULL, changed(SAMPLE, (*FIRST_PARTICIPANT, "participantName"), 7)),
    (NULL, changed(SAMPLE, (*SECOND_PARTICIPANT, "enableEarlyMedia"), "true")),
    (NULL, changed(SAMPLE, ("callFlowConfiguration", "record", "enabled"), "false")),
    (NULL, changed(SAMPLE, ("callFlowConfiguration", "record"), True)),
    (NULL, changed(SAMPLE, (*FIRST, "callBackURLs"), {})),
    (NULL, changed(SAMPLE, FIRST_CALLBACK, "http://127.0.0.1:9")),
    (NULL, changed(SAMPLE, ("callFlowConfiguration", "record_0"), {"enabled": "no"})),
    (NULL, changed(SAMPLE, ("callFlowConfiguration", "playAudio_1"), "hello")),
    ("FROM_BODY_NULL_ERROR", changed(SAMPLE, ("callFlowConfiguration", "initiateCall_2"), {})),
    (
        "FROM_NUMBER_NULL_ERROR",
        changed(SAMPLE, ("callFlowConfiguration", "initiateCall_2"), {"maxTime": 0}),
    ),
    (
        "TO_NUMBER_NULL_ERROR",
        changed(SAMPLE, ("callFlowConfiguration", "addParticipant_2"), {"maxTime": 0}),
    ),
    (
        "DUPLICATE_PARTICIPANT_ADDRESS_FOUND",
        changed(
            SAMPLE,
            ("callFlowConfiguration", "initiateCall_2"),
            SAMPLE["callFlowConfiguration"]["initiateCall_1"],
        ),
    ),
    (NULL, changed(SAMPLE, (*FIRST_CALLBACK, "eventType"), ...)),
    (NULL, changed(SAMPLE, (*FIRST_CALLBACK, "eventType"), "EVERYTHING")),
    (NULL, changed(SAMPLE, (*FIRST_CALLBACK, "eventType"), {})),
    (NULL, changed(SAMPLE, (*FIRST_CALLBACK, "method"), ...)),
    (NULL, changed(SAMPLE, (*FIRST_CALLBACK, "method"), "DELETE")),
    (NULL, changed(SAMPLE, (*FIRST_CALLBACK, "notifyURL"), ...)),
    (NULL, changed(SAMPLE, (*FIRST_CALLBACK, "notifyURL"), "ftp://127.0.0.1/")),
    (NULL, changed(SAMPLE, (*FIRST_CALLBACK, "notifyURL"), "http:///path")),
    (NULL, changed(SAMPLE, (*FIRST_CALLBACK, "notifyURL"), "http://127.0.0.1:99999/")),
    (NULL, changed(SAMPLE, (*FIRST_CALLBACK, "notifyURL"), "http://127.0.0.1/a b")),
    (NULL, changed(SAMPLE, (*FIRST_CALLBACK, "headers"), ["X-Secret"])),
    (NULL, changed(SAMPLE, (*FIRST_CALLBACK, "headers"), {"X-Secret": 7})),
    (NULL, changed(SAMPLE, (*FIRST_CALLBACK, "headers"), {"X-Secret": "a\r\nb: c"})),
    (NULL, changed(SAMPLE, (*FIRST_CALLBACK, "headers"), {"X Secret": "a"})),
    ("FROM_BODY_NULL_ERROR", changed(SAMPLE, FIRST, ...)),
    ("FROM_BODY_NULL_ERROR", changed(SAMPLE, FIRST, None)),
    ("FROM_BODY_NULL_ERROR", changed(SAMPLE, FIRST, {})),
    ("FROM_BODY_NULL_ERROR", changed(SAMPLE, FIRST, "")),
    ("TO_BODY_NULL_ERROR", changed(SAMPLE, SECOND, ...)),
    ("TO_BODY_NULL_ERROR", changed(SAMPLE, SECOND, None)),
    ("TO_BODY_NULL_ERROR", changed(SAMPLE, SECOND, {})),
    ("CUSTOMER_ID_NULL_ERROR", changed(SAMPLE, ["customerId"], ...)),
    ("CUSTOMER_ID_NULL_ERROR", changed(SAMPLE, ["customerId"], " ")),
    ("CUSTOMER_ID_NULL_ERROR", changed(SAMPLE, ["customerId"], 5)),
    ("CALL_FLOW_ID_NULL_ERROR", changed(SAMPLE, ["callFlowId"], ...)),
    ("CALL_FLOW_ID_NULL_ERROR", changed(SAMPLE, ["callFlowId"], "")),
    ("ROUNDROBIN_AGENT_ID_MISSING", robin(SECOND)),
    ("ROUNDROBIN_AGENT_ID_MISSING", robin(SECOND, "ROUND ROBIN", agentPoolId=" ")),
    ("ROUNDROBIN_AGENT_ID_MISSING", robin(FIRST, participants=[])),
    (
        "ROUNDROBIN_PARTICIPANT_DATA_NOT_ALLOWED",
        changed(SAMPLE, (*SECOND, "mergingStrategy"), "ROUND_ROBIN"),
    ),
    (
        "ROUNDROBIN_PARTICIPANT_DATA_NOT_ALLOWED",
        changed(SAMPLE, (*FIRST, "mergingStrategy"), "ROUND ROBIN"),
    ),
    ("FROM_NUMBER_NULL_ERROR", changed(SAMPLE, (*FIRST, "participants"), ...)),
    ("FROM_NUMBER_NULL_ERROR", changed(SAMPLE, (*FIRST, "participants"), [])),
    ("FROM_NUMBER_NULL_ERROR", changed(SAMPLE, (*FIRST, "participants"), {"a": 1})),
    (
        "FROM_PARTICIPANT_NUMBER_NULL_ERROR",
        changed(SAMPLE, (*FIRST_PARTICIPANT, "participantAddress"), ...),
    ),
    ("FROM_PARTICIPANT_NUMBER_NULL_ERROR", changed(SAMPLE, FIRST_PARTICIPANT, None)),
    (
        "FROM_PARTICIPANT_NUMBER_REGEX_ERROR",
        changed(SAMPLE, (*FIRST_PARTICIPANT, "participantAddress"), "98765432101"),
    ),
    (
        "FROM_PARTICIPANT_NUMBER_REGEX_ERROR",
        changed(SAMPLE, (*FIRST_PARTICIPANT, "participantAddress"), 9876543210),
    ),
    (
        "FROM_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE",
        changed(SAMPLE, (*FIRST_PARTICIPANT, "maxRetries"), 4),
    ),
    ("CALLER_ID_NULL_ERROR", without_caller_ids(SAMPLE)),
    ("CALLER_ID_NULL_ERROR", changed(SAMPLE, (*SECOND_PARTICIPANT, "callerId"), ...)),
    ("CALLER_ID_NULL_ERROR", changed(SAMPLE, (*SECOND_PARTICIPANT, "callerId"), " ")),
    ("CALLER_ID_NULL_ERROR", robin(SECOND, agentPoolId="POOL")),
    ("TO_NUMBER_NULL_ERROR", changed(SAMPLE, (*SECOND, "participants"), ...)),
    ("TO_NUMBER_NULL_ERROR", changed(SAMPLE, (*SECOND, "participants"), [])),
    (
        "TO_PARTICIPANT_NUMBER_NULL_ERROR",
        changed(SAMPLE, (*SECOND_PARTICIPANT, "participantAddress"), ""),
    ),
    (
        "TO_PARTICIPANT_NUMBER_REGEX_ERROR",
        changed(SAMPLE, (*SECOND_PARTICIPANT, "participantAddress"), "\uff17" + "0" * 9),
    ),
    (
        "TO_PARTICIPANT_NUMBER_REGEX_ERROR",
        changed(SAMPLE, (*SECOND_PARTICIPANT, "participantAddress"), "700000010\n"),
    ),
    (
        "TO_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE",
        changed(SAMPLE, (*SECOND_PARTICIPANT, "maxRetries"), 4),
    ),
    (
        "CONFERENCE_MERGING_STRATEGY_NOT_ALLOWED_FOT_TO_NUMBER",
        changed(SAMPLE, (*SECOND, "mergingStrategy"), "CONFERENCE"),
    ),
]


def expected_body(code, message, status=400, layer="CONTROLLER"):
    return [
        ("httpStatus", status),
        ("displayMessage", None),
        ("errorMessage", message),
        ("errorCode", code),
        ("errorType", None),
        ("apiPath", None),
        ("errorDetails", None),
        ("resourceLayer", layer),
        ("errorMeta", None),
    ]


def test_error_table_is_the_specification():
    assert [(row.code, row.message) for row in ERRORS] == SPECIFIED
    assert len(ROWS) == len(ERRORS)


@pytest.mark.parametrize(("key", "body"), REFUSED)
def test_refused(shared_sandbox, key, body):
    status, headers, answer = post(shared_sandbox, body)
    row = ROWS[key]
    assert (status, list(answer.items())) == (400, expected_body(row.code, row.message))
    assert headers["Content-Type"] == "application/json"
    entry = shared_sandbox.calls()[-1]
    assert (entry["status"], entry["errorCode"]) == (400, row.code)
    assert entry["reason"]
    assert entry["correlationId"] is None


def test_refusals_cover_every_row_that_a_request_can_provoke():
    assert {key for key, _body in REFUSED} == {row.key for row in ERRORS if row.provoked_by}


@pytest.mark.parametrize("index", range(1, len(SPECIFIED) + 1))
def test_error_by_script_number(shared_sandbox, index):
    code, message = SPECIFIED[index - 1]
    status, _headers, answer = post(
        shared_sandbox, specification_sample(customer=f"70000003{index:02d}")
    )
    last = index == len(SPECIFIED)
    expected = expected_body(code, message, *((500, "UNKNOWN") if last else ()))
    assert (status, list(answer.items())) == (500 if last else 400, expected)
    assert shared_sandbox.calls()[-1]["script"] == f"error_{index:02d}"


def test_sample_of_the_specification_is_accepted(shared_sandbox):
    status, headers, answer = post(shared_sandbox, SAMPLE)
    assert status == 200
    assert list(answer) == ["status", "correlationId"]
    assert answer["status"] == "success"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Content-Type"] == "application/json"
    entry = shared_sandbox.calls()[-1]
    assert answer["correlationId"] == entry["correlationId"] == "Xchange" + entry["sessionId"]
    assert entry["remarks"] == []
    assert entry["body"] == SAMPLE


@pytest.mark.parametrize(
    "body",
    [
        changed(SAMPLE, ["callFlowId"], "c2FuZGJveCtmbG93L2RlbW8=+/="),
        changed(SAMPLE, ["callType"], "INBOUND"),
        changed(SAMPLE, ["callerId"], "1400000001"),
        changed(without_caller_ids(SAMPLE), ["callerId"], "8000000002"),
        changed(SAMPLE, (*FIRST_PARTICIPANT, "callerId"), ...),
        changed(SAMPLE, (*FIRST_PARTICIPANT, "maxRetries"), 3),
        changed(SAMPLE, (*FIRST, "mergingStrategy"), "CONFERENCE"),
        changed(SAMPLE, (*FIRST, "mergingStrategy"), ...),
        changed(SAMPLE, (*SECOND, "mergingStrategy"), "PARALLEL"),
        changed(SAMPLE, (*FIRST, "callBackURLs"), ...),
        changed(SAMPLE, (*FIRST, "callBackURLs"), None),
        changed(SAMPLE, (*FIRST_CALLBACK, "headers"), ...),
        changed(SAMPLE, ("callFlowConfiguration", "record"), ...),
        changed(SAMPLE, ("callFlowConfiguration", "record"), {}),
        changed(SAMPLE, ("callFlowConfiguration", "record", "enabled"), False),
        changed(SAMPLE, ["metaData"], {"ticket": "17"}),
        robin(SECOND, agentPoolId="POOL", callerId="8000000001"),
        robin(SECOND, "ROUND ROBIN", agentPoolId="POOL", callerId="8000000001", participants=[]),
    ],
)
def test_accepted(shared_sandbox, body):
    status, _headers, answer = post(shared_sandbox, body)
    assert (status, answer["status"]) == (200, "success")
    assert shared_sandbox.calls()[-1]["remarks"] == []


def with_every_caller_id():
    body = changed(SAMPLE, ["callerId"], "8000000001")
    return changed(body, (*SECOND, "callerId"), "8000000001")


def test_every_required_caller_id_can_be_asked_for(make_sandbox):
    sandbox = make_sandbox(caller_id_required=True)
    full = with_every_caller_id()
    assert post(sandbox, full)[0] == 200
    pool = robin(FIRST, agentPoolId="POOL")
    for path in (["callerId"], [*FIRST, "callerId"], [*SECOND, "callerId"]):
        answer = post(sandbox, changed(full, path, ...))[2]
        assert answer["errorCode"] == "CALLER_ID_NULL_ERROR", path
    for path in (FIRST_PARTICIPANT, SECOND_PARTICIPANT):
        answer = post(sandbox, changed(full, (*path, "callerId"), ...))[2]
        assert answer["errorCode"] == "CALLER_ID_NULL_ERROR", path
    assert post(sandbox, pool)[2]["errorCode"] == "CALLER_ID_NULL_ERROR"


def test_one_of_several_record_components_switches_recording_off(shared_sandbox, receiver):
    body = specification_sample(receiver.url)
    body["callFlowConfiguration"] |= {"record_2": {"enabled": False}, "record_3": {"enabled": True}}
    assert post(shared_sandbox, body)[0] == 200
    shared_sandbox.wait_idle(WAIT)
    events = [report.get("event") for report in receiver.reports("/events")]
    assert "Answer" in events and "RecordingStarted" not in events


@pytest.mark.parametrize(
    "names",
    [
        ("initiateCall_sales", "addParticipant_sales", "record_sales"),
        ("initiateCall", "addParticipant", "record"),
        ("agent_initiate_call", "client_add_participant", "call_recording"),
        ("initiateCall_1", "client_add_participant", "record"),
        ("agent_initiate_call", "addParticipant_1", "record"),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_component_names(shared_sandbox, receiver, names, backwards):
    body = specification_sample(receiver.url)
    parts = list(zip(names, body["callFlowConfiguration"].values(), strict=True))
    body["callFlowConfiguration"] = dict(reversed(parts) if backwards else parts)
    assert post(shared_sandbox, body)[0] == 200
    shared_sandbox.wait_idle(WAIT)
    who = [
        (report["participantAddress"], report["requestName"])
        for report in receiver.reports("/events")
        if report.get("event") == "CalledNumber"
    ]
    assert who == [(AGENT, names[0]), (CONNECTS, names[1])]


def test_custom_components_without_callbacks_count_in_their_order(shared_sandbox):
    parts = SAMPLE["callFlowConfiguration"]
    first = {
        name: value for name, value in parts["initiateCall_1"].items() if name != "callBackURLs"
    }
    body = changed(
        SAMPLE,
        ["callFlowConfiguration"],
        {"one": first, "two": parts["addParticipant_1"], "record": {}},
    )
    assert post(shared_sandbox, body)[0] == 200
    assert shared_sandbox.calls()[-1]["script"] == "connects"


def test_unknown_fields_are_remarked(shared_sandbox):
    body = changed(SAMPLE, (*FIRST_PARTICIPANT, "maxRetry"), 1)
    body = changed(body, ["callerID"], "8000000001")
    assert post(shared_sandbox, body)[0] == 200
    remarks = " ".join(shared_sandbox.calls()[-1]["remarks"])
    assert "maxRetry" in remarks
    assert "callerID" in remarks


@pytest.mark.parametrize(
    "path",
    [
        "/v2/execute/workflow",
        "/gateway/airtel-xchange/v2/execute/workflow",
        "/a/v2/execute/workflow",
    ],
)
def test_prefixes(shared_sandbox, path):
    assert post(shared_sandbox, SAMPLE, path=path)[0] == 200
    assert shared_sandbox.calls()[-1]["path"] == path


@pytest.mark.parametrize("path", ["/", "/v2/execute", "/v2/execute/workflow/", "/v3/x"])
def test_wrong_path(shared_sandbox, path):
    status, _headers, answer = post(shared_sandbox, SAMPLE, path=path)
    assert (status, answer) == (404, {"message": "Not Found"})
    assert shared_sandbox.calls()[-1]["status"] == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_wrong_method(shared_sandbox, method):
    status, headers, answer = request(shared_sandbox.api_url, method)
    assert status == 405
    assert headers["Allow"] == "POST"
    assert answer == b"" if method == "HEAD" else json.loads(answer)


@pytest.mark.parametrize(
    "value",
    [
        None,
        authorization(password="wrong"),
        authorization(user="other"),
        authorization().replace("Basic", "Bearer"),
        "Basic",
        "Basic ####",
        "Basic ZGVtbw==",
        authorization()[6:],
    ],
)
def test_unauthorized(shared_sandbox, value):
    status, _headers, answer = post(shared_sandbox, SAMPLE, authorization=value)
    assert (status, answer) == (401, {"message": "Unauthorized"})
    entry = shared_sandbox.calls()[-1]
    assert (entry["status"], entry["errorCode"]) == (401, None)
    assert entry["body"] is None


def test_authorization_of_the_specification(shared_sandbox):
    value = "Basic ZGVtbzpwQDU1dzByZA=="
    assert value == authorization()
    assert post(shared_sandbox, SAMPLE, authorization=value)[0] == 200


@pytest.mark.parametrize("value", [None, "text/plain", "application/x-www-form-urlencoded", ""])
def test_content_type_must_be_json(shared_sandbox, value):
    status, _headers, answer = post(shared_sandbox, SAMPLE, content_type=value)
    assert (status, answer["errorCode"]) == (400, NULL)
    assert "content type" in shared_sandbox.calls()[-1]["reason"]


@pytest.mark.parametrize("value", ["application/json; charset=utf-8", "Application/JSON"])
def test_content_type_with_parameters(shared_sandbox, value):
    assert post(shared_sandbox, SAMPLE, content_type=value)[0] == 200


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 5 * 1024 * 1024])
def test_too_large(shared_sandbox, size):
    status, headers, answer = post(shared_sandbox, b" " * size)
    assert (status, answer) == (413, {"message": "Request Entity Too Large"})
    assert headers["Connection"] == "close"


def test_largest_body_is_read(shared_sandbox):
    body = changed(SAMPLE, ["metaData"], {"padding": "x" * 1_000_000})
    assert post(shared_sandbox, body)[0] == 200


@pytest.mark.parametrize(
    ("header", "value"), [("Transfer-Encoding", "chunked"), ("Content-Length", "many")]
)
def test_body_of_unknown_length(shared_sandbox, header, value):
    headers = {
        "Authorization": authorization(),
        "Content-Type": "application/json",
        header: value,
    }
    status, answered, answer = request(shared_sandbox.api_url, "POST", b"", headers)
    assert (status, json.loads(answer)["errorCode"]) == (400, NULL)
    assert answered["Connection"] == "close"


@pytest.mark.parametrize(
    ("script", "status", "message"),
    [
        ("answer_403", 403, "Forbidden"),
        ("answer_429", 429, "Too Many Requests"),
        ("answer_503", 503, "Service Unavailable"),
    ],
)
def test_gateway_scripts(shared_sandbox, script, status, message):
    body = specification_sample(customer=BY_NAME[script].number)
    assert post(shared_sandbox, body)[::2] == (status, {"message": message})


def test_a_bad_request_is_refused_whatever_its_script(shared_sandbox):
    body = changed(
        specification_sample(customer=BY_NAME["answer_503"].number), ["callFlowId"], "OTHER"
    )
    assert post(shared_sandbox, body)[0] == 400
