# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
import json
from base64 import b64encode

import pytest

from ccp.postman import MAX_BYTES, PostmanError, read

FLOW = "c2FuZGJveCtmbG93L2RlbW8=+/="


def environment(*variables, **top):
    values = [
        {"key": key, "value": value, "enabled": True, "type": "default"} for key, value in variables
    ]
    content = {
        "id": "00000000-0000-4000-8000-000000000000",
        "name": "Airtel CCP",
        "values": values,
        "_postman_variable_scope": "environment",
    }
    return {**content, **top}


def raw(content):
    return json.dumps(content).encode()


WHOLE = environment(
    ("baseUrl", "https://iqtelephony.airtel.in/gateway/airtel-xchange"),
    ("username", "demo"),
    ("password", "p@55w0rd"),
    ("customerId", "CUSTOMER"),
    ("callFlowId", f"  {FLOW}\n"),
    ("callerId", "8000000001"),
    ("participantAddress", "7000000901"),
    ("cdrNotifyUrl", "https://example.com/cdr"),
)
SETTINGS = {
    "base_url": "https://iqtelephony.airtel.in/gateway/airtel-xchange",
    "username": "demo",
    "password": "p@55w0rd",
    "customer_id": "CUSTOMER",
    "call_flow_id": FLOW,
    "caller_id": "8000000001",
}


def reason(content):
    with pytest.raises(PostmanError) as caught:
        read(content)
    return caught.value.reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_whole_environment(encoding):
    found = read(json.dumps(WHOLE).encode(encoding))
    assert found.name == "Airtel CCP"
    assert found.values == SETTINGS
    assert (found.disabled, found.empty, found.conflicting) == ((), (), ())


def test_spellings_and_authorization_header():
    header = b64encode(b"demo:p@55:w0rd").decode()
    found = read(
        raw(
            environment(
                ("Base_URL", "https://openapi.airtel.in"),
                ("Authorization", f"Basic {header}"),
                ("CUSTOMER-ID", 42),
            )
        )
    )
    assert found.values == {
        "base_url": "https://openapi.airtel.in",
        "username": "demo",
        "password": "p@55:w0rd",
        "customer_id": "42",
    }


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Bearer abc", "", "Basic YWJj"])
def test_authorization_header_without_credentials(header):
    found = read(raw(environment(("authorization", header), ("customerId", "C"))))
    assert found.values == {"customer_id": "C"}
    assert found.empty == ("password", "username")


def test_disabled_empty_and_placeholder_values_are_told():
    content = environment(("customerId", "C"), ("callerId", "{{callerId}}"), ("username", ""))
    content["values"].append({"key": "password", "value": "old", "enabled": False})
    found = read(raw(content))
    assert found.values == {"customer_id": "C"}
    assert found.disabled == ("password",)
    assert found.empty == ("caller_id", "username")


def test_two_values_for_one_setting():
    found = read(raw(environment(("customerId", "FIRST"), ("customer_id", "SECOND"))))
    assert found.values == {"customer_id": "FIRST"}
    assert found.conflicting == ("customer_id",)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "broken"),
        (b"not json", "broken"),
        (b"[1, 2]", "broken"),
        (b"\xff\xfe\x00", "broken"),
        (raw(WHOLE)[:-20], "broken"),
        (b"[" * 100_000, "broken"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "broken"),
        (raw({"info": {"name": "Airtel CCP"}, "item": []}), "collection"),
        (raw({"name": "x"}), "no_environment"),
        (raw({"values": {"key": "customerId"}}), "no_environment"),
        (raw(environment(("token", "x"), ("participantAddress", "7000000901"))), "unknown"),
        (raw({"values": [None, 3, "x", [], {}, {"key": []}]}), "unknown"),
        (raw(environment(("customerId", ""), ("callFlowId", "{{callFlowId}}"))), "empty"),
        (raw(environment(("customerId", ["C"]), ("callFlowId", True))), "empty"),
        (raw(environment(("customerId", "A\nB"))), "empty"),
        (raw(environment(("customerId", "C" * 1001))), "empty"),
        (b" " * (MAX_BYTES + 1), "too_large"),
        (b"{" * (50 * MAX_BYTES), "too_large"),
    ],
)
def test_what_is_no_account(content, expected):
    assert reason(content) == expected


def test_repr_holds_no_credential():
    assert "p@55w0rd" not in repr(read(raw(WHOLE)))
