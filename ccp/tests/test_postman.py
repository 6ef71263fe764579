# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
import json
from base64 import b64encode

import pytest

from ccp.airtel.postman import (
    MAX_BYTES,
    MAX_VARIABLES,
    PostmanError,
    read,
)

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


def test_names_with_words_before_them():
    found = read(
        raw(
            environment(
                ("BASE_URL", "https://openapi.airtel.in"),
                ("API_USERNAME", "demo"),
                ("API_PASSWORD", "s3cret"),
                ("ccpCustomerId", "C"),
                ("airtel.ccp.call_flow_id", "F"),
            )
        )
    )
    assert found.values == {
        "base_url": "https://openapi.airtel.in",
        "username": "demo",
        "password": "s3cret",
        "customer_id": "C",
        "call_flow_id": "F",
    }
    assert found.unused == ()
    found = read(raw(environment(("ccpHost", "openapi.airtel.in"), ("ccpUser", "demo"))))
    assert found.values == {"base_url": "openapi.airtel.in", "username": "demo"}


@pytest.mark.parametrize(
    "key",
    [
        "API_KEY",
        "apikey",
        "token",
        "secret",
        "clientSecret",
        "db_password",
        "smtpPassword",
        "oldPassword",
        "password2",
        "notifyUrl",
        "cdrNotifyUrl",
        "webhookPassword",
        "myDbUser",
        "userEmail",
        "participantAddress",
        "ccp",
        "api",
    ],
)
def test_what_is_not_known_for_sure_is_named_and_not_taken(key):
    found = read(raw(environment(("customerId", "C"), (key, "canary"))))
    assert found.values == {"customer_id": "C"}
    assert found.unused == (key,)
    assert "canary" not in repr(found)


def test_an_exact_name_counts_before_one_with_words_before_it():
    found = read(raw(environment(("uat_password", "test"), ("password", "real"))))
    assert found.values == {"password": "real"}
    assert found.conflicting == ("password",)


@pytest.mark.parametrize(
    "variable",
    [
        {"currentValue": "C"},
        {"value": "", "currentValue": "C"},
        {"initialValue": "C"},
        {"value": "C", "currentValue": "other"},
        {"value": "\u200bC\ufeff"},
    ],
)
def test_where_a_value_may_stand(variable):
    found = read(raw({"values": [{"key": "customerId", **variable}]}))
    assert found.values == {"customer_id": "C"}


@pytest.mark.parametrize(
    "content",
    [
        {"environment": {"values": [{"key": "customerId", "value": "C"}]}},
        {"environments": [{"name": "x", "values": [{"key": "customerId", "value": "C"}]}]},
        {"data": {"values": [{"key": "customerId", "value": "C"}]}},
        {"variables": [{"key": "customerId", "value": "C"}]},
        {"values": [{"key": "airtel", "values": [{"key": "customerId", "value": "C"}]}]},
        {"values": [[{"key": "customerId", "value": "C"}]]},
    ],
)
def test_where_the_list_may_stand(content):
    assert read(raw(content)).values == {"customer_id": "C"}


def test_disabled_in_either_spelling():
    for flag in ({"enabled": False}, {"disabled": True}):
        content = {"values": [{"key": "customerId", "value": "C", **flag}]}
        assert reason(raw(content)) == "empty"


def test_an_unknown_environment_names_its_variables():
    with pytest.raises(PostmanError) as caught:
        read(raw(environment(("token", "canary"), ("region", "north"))))
    assert caught.value.unused == ("token", "region")
    assert "canary" not in repr(caught.value)


def test_many_variables():
    many = [(f"name{number}", "x") for number in range(5000)]
    found = read(raw(environment(("customerId", "C"), *many)))
    assert len(found.unused) == MAX_VARIABLES - 1
