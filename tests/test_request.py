import json
from pathlib import Path

from psycopg2.errors import CheckViolation

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CcpCase

SAMPLE = Path(__file__).parent / "data" / "specification_sample.json"


@tagged("post_install", "-at_install")
class TestRequest(CcpCase):
    """The body that a call flow gives, against the specification's sample."""

    def body(self, flow=None, **values):
        arguments = {
            "customer_id": "{{customerId}}",
            "agent_numbers": ("9000000001",),
            "customer_numbers": ("9000000002",),
            "caller_number": "8000000001",
            "notify_url": "https://odoo.example.com/notify",
            "headers": {},
            **values,
        }
        return (flow or self.flow)._request_body(**arguments)

    def test_golden(self):
        """A flow gives the specification's sample, key by key, but for the caller numbers there."""
        self.flow.write(
            {
                "code": "{{callFlowId}}",
                "top_caller_number": False,
                "customer_component_caller_number": False,
            }
        )
        body = self.body()
        expected = json.loads(SAMPLE.read_text())
        self.assertEqual(json.dumps(body, indent=1), json.dumps(expected, indent=1))

    def test_every_field_is_settable(self):
        self.flow.write(
            {
                "code": "a+b/c=",
                "call_type": "INBOUND",
                "desk_number": "7000000990",
                "top_caller_number": True,
                "recording": False,
                "record_component": "record_2",
                "event_types": "CDR, CALL, record",
                "agent_component": "initiateCall_9",
                "agent_strategy": "CONFERENCE",
                "agent_name": "Agent",
                "agent_retries": 3,
                "agent_time": 11,
                "agent_component_time": 12,
                "customer_component": "client_add_participant",
                "customer_strategy": "PARALLEL",
                "customer_name": "Customer",
                "customer_retries": 0,
                "customer_time": 13,
                "customer_component_time": 14,
                "customer_component_caller_number": True,
                "early_media": False,
            }
        )
        body = self.body(customer_id="C1", notify_url="https://h/x", headers={"X": "1"})
        callback = {"notifyURL": "https://h/x", "method": "POST", "headers": {"X": "1"}}
        self.assertEqual(
            body,
            {
                "callFlowId": "a+b/c=",
                "customerId": "C1",
                "callType": "INBOUND",
                "callerId": "8000000001",
                "callFlowConfiguration": {
                    "initiateCall_9": {
                        "callerId": "8000000001",
                        "mergingStrategy": "CONFERENCE",
                        "participants": [
                            {
                                "participantAddress": "9000000001",
                                "callerId": "8000000001",
                                "participantName": "Agent",
                                "maxRetries": 3,
                                "maxTime": 11,
                            }
                        ],
                        "maxTime": 12,
                        "callBackURLs": [
                            {"eventType": "CDR", **callback},
                            {"eventType": "CALL", **callback},
                            {"eventType": "RECORD", **callback},
                        ],
                    },
                    "client_add_participant": {
                        "callerId": "8000000001",
                        "mergingStrategy": "PARALLEL",
                        "maxTime": 14,
                        "participants": [
                            {
                                "participantAddress": "9000000002",
                                "callerId": "8000000001",
                                "participantName": "Customer",
                                "maxRetries": 0,
                                "maxTime": 13,
                                "enableEarlyMedia": False,
                            }
                        ],
                    },
                    "record_2": {"enabled": False},
                },
            },
        )

    def test_flow_refuses_what_airtel_would(self):
        bad = [
            {"caller_number": "+918000000"},
            {"caller_number": "80000"},
            {"event_types": "CDR, SOMETHING"},
            {"event_types": "MEDIA"},
            {"customer_component": "initiateCall_1"},
            {"customer_name": "A"},
        ]
        for values in bad:
            with self.subTest(values=values), self.assertRaises(ValidationError):
                self.flow.write(values)

    def test_flow_refuses_more_than_three_retries(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(CheckViolation):
            self.flow.agent_retries = 4
            self.env.flush_all()

    def test_pasted_blanks_are_dropped(self):
        self.flow.write({"code": "  a+b/c=\n", "caller_number": " 8000000002 "})
        self.assertEqual(self.flow.code, "a+b/c=")
        self.assertEqual(self.flow.caller_number, "8000000002")
