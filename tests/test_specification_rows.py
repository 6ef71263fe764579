import json

from psycopg2.errors import CheckViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..ccp.airtel import components as further_components
from ..sandbox.server import Sandbox
from .common import AGENT, CONNECTS, CcpCase

CALLER = "8000000001"
SECOND, THIRD = "7000000102", "7000000103"
AGENT_2, AGENT_3, AGENT_4 = "7000000911", "7000000912", "7000000913"


class SpecificationCase(CcpCase):
    """What a flow sends in full, and what the sandbox makes of it over HTTP."""

    def sent(self):
        """Return the body that the sandbox took last."""
        entry = self.sandbox.calls()[-1]
        self.assertEqual((entry["status"], entry.get("errorCode")), (200, None), entry)
        return entry["body"]

    def golden(self, *, agents=(AGENT,), customers=(CONNECTS,), further=None, **initiate):
        """Return the whole request of a new flow, as the specification's tables ask for it."""
        body = self.sent()
        callbacks = body["callFlowConfiguration"]["initiateCall_1"]["callBackURLs"]
        first = {
            "callerId": CALLER,
            "mergingStrategy": "SEQUENTIAL",
            "participants": [
                {
                    "participantAddress": address,
                    "callerId": CALLER,
                    "participantName": "A" if position == 1 else f"A{position}",
                    "maxRetries": 1,
                    "maxTime": 0,
                }
                for position, address in enumerate(agents, 1)
            ],
            "maxTime": 0,
            "callBackURLs": callbacks,
            **initiate,
        }
        return {
            "callFlowId": "SANDBOX-FLOW",
            "customerId": "SANDBOX-CUSTOMER",
            "callType": "OUTBOUND",
            "callerId": CALLER,
            "callFlowConfiguration": {
                "initiateCall_1": {key: value for key, value in first.items() if value is not None},
                "addParticipant_1": {
                    "callerId": CALLER,
                    "mergingStrategy": "SEQUENTIAL",
                    "maxTime": 0,
                    "participants": [
                        {
                            "participantAddress": address,
                            "callerId": CALLER,
                            "participantName": "B" if position == 1 else f"B{position}",
                            "maxRetries": 1,
                            "maxTime": 0,
                            "enableEarlyMedia": True,
                        }
                        for position, address in enumerate(customers, 1)
                    ],
                },
                "record": {"enabled": True},
                **(further or {}),
            },
        }


@tagged("post_install", "-at_install")
class TestCallerId(SpecificationCase):
    """callerId is required in the tables of 1.5 to 1.7, and left out by the sample."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.strict = Sandbox(port=0, speed=10000, callback_attempts=1, caller_id_required=True)
        cls.strict.start()
        cls.addClassCleanup(cls.strict.stop)

    def test_a_new_flow_sends_it_everywhere(self):
        self.place()
        self.assertEqual(self.sent(), self.golden())

    def test_strictly(self):
        self.env.company.write({"ccp_base_url": self.strict.url})
        call = self.place()
        self.assertEqual(call.request_outcome, "accepted", call.refusal_code)
        call.live = False
        for switch in ("top_caller_number", "customer_component_caller_number"):
            self.flow.write({"top_caller_number": True, "customer_component_caller_number": True})
            self.flow[switch] = False
            self.refusal()
            refused = self.env["ccp.call"].search([], limit=1)
            self.assertEqual(refused.refusal_code, "CALLER_ID_NULL_ERROR", switch)

    def test_the_sample_leaves_it_out(self):
        self.flow.write({"top_caller_number": False, "customer_component_caller_number": False})
        self.place()
        expected = self.golden()
        del expected["callerId"], expected["callFlowConfiguration"]["addParticipant_1"]["callerId"]
        self.assertEqual(self.sent(), expected)


@tagged("post_install", "-at_install")
class TestAgentPool(SpecificationCase):
    """ROUND ROBIN (1.7): agents of a pool ring, the phone of whoever clicks does not."""

    def use_pool(self, **values):
        self.flow.write({"agent_strategy": "ROUND_ROBIN", "pool_code": "POOL-7", **values})

    def test_golden(self):
        self.use_pool()
        self.rep.ccp_phone = False
        call = self.place()
        self.assertEqual(
            self.sent(),
            self.golden(mergingStrategy="ROUND ROBIN", agentPoolId="POOL-7", participants=None),
        )
        self.assertRecordValues(
            call,
            [{"agent_number": False, "customer_number": CONNECTS, "agent_pool": "POOL-7"}],
        )

    def test_other_spelling(self):
        self.use_pool(pool_strategy="underscore")
        self.place()
        first = self.sent()["callFlowConfiguration"]["initiateCall_1"]
        self.assertEqual(first["mergingStrategy"], "ROUND_ROBIN")

    def test_another_field_is_refused_by_this_account(self):
        self.use_pool(pool_key="poolId")
        self.assertIn("did not find the agent pool", self.refusal())
        refused = self.env["ccp.call"].search([], limit=1)
        self.assertEqual(refused.refusal_code, "ROUNDROBIN_AGENT_ID_MISSING")
        body = self.sandbox.calls()[-1]["body"]
        self.assertEqual(body["callFlowConfiguration"]["initiateCall_1"]["poolId"], "POOL-7")

    def test_story(self):
        """Card and panel name no agent, and leave the rep's phone out."""
        self.use_pool()
        answer = self.as_user(self.lead, self.rep).action_ccp_call("phone")
        self.assertIn("an agent of the pool", answer["message"])
        call = self.env["ccp.call"].browse(answer["call_id"])
        panel = self.env["ccp.panel"].with_user(self.rep)
        events = self.connected()
        steps = [
            (2, "ringing_agent", "Calling an agent of the pool"),
            (3, "ringing_customer", "An agent of the pool picked up, calling Priya Sharma"),
        ]
        for count, state, sentence in steps:
            self.report(call, *events[:count])
            self.assertEqual(call.state, state)
            self.assertEqual(panel.state()["call"]["message"], sentence)
        self.report(call, *events, self.cdr())
        self.assertEqual((call.state, call.result), ("ended", "connected"))
        self.assertIn("An agent of the pool picked up", self.cards(self.lead).body)
        self.assertNotIn("Asha", self.cards(self.lead).body)

    def test_nobody_of_the_pool(self):
        self.use_pool()
        call = self.place()
        ring, *_rest = self.connected()
        self.report(call, ring, {**ring, "event": "Noanswer"})
        self.end_silent(call)
        self.assertEqual(call.result, "agent_no_answer")
        self.assertIn("An agent of the pool did not pick up", self.cards(self.lead).body)

    def test_flow_checks(self):
        for values in (
            {"agent_strategy": "ROUND_ROBIN"},
            {"agent_strategy": "ROUND_ROBIN", "pool_code": " "},
            {"pool_key": "participants"},
            {"pool_key": "pool id"},
        ):
            with self.subTest(values=values), self.assertRaises(ValidationError):
                self.flow.write(values)


@tagged("post_install", "-at_install")
class TestFurtherComponents(SpecificationCase):
    """Components by unique ids (1.5), written as JSON; numbers come from the call alone."""

    def further(self, components):
        self.flow.further_components = json.dumps(components)

    def test_golden(self):
        self.rep.ccp_second_phone = AGENT_2
        self.lead.phone = f"{CONNECTS} / {SECOND}"
        self.flow.write({"second_agent_phone": True, "second_customer_phone": True})
        self.further(
            {
                "addParticipant_2": {
                    "mergingStrategy": "PARALLEL",
                    "participants": [{"participantAddress": "{{customer2}}", "maxRetries": 0}],
                },
                "addParticipant_3": {"mergingStrategy": "ROUND ROBIN", "agentPoolId": "POOL-7"},
                "initiateCall_2": {"participants": [{"participantAddress": "{{agent2}}"}]},
                "record_2": {"enabled": False},
                "playAudio_1": {"fileId": "0b5f4ce1-1234-4000-8000-446655440000"},
            }
        )
        choice = next(
            each["key"]
            for each in self.lead.with_user(self.rep)._ccp_number_choices(self.env.company, "phone")
            if each["phone"] == f"{CONNECTS[:5]} {CONNECTS[5:]}"
        )
        calls = self.env["ccp.call"].with_user(self.rep)
        call = self.env["ccp.call"].browse(
            calls.place("crm.lead", self.lead.id, "phone", choice)["call_id"]
        )
        body = self.sent()
        self.assertEqual(
            body,
            self.golden(
                further={
                    "addParticipant_2": {
                        "callerId": CALLER,
                        "mergingStrategy": "PARALLEL",
                        "participants": [
                            {
                                "participantAddress": SECOND,
                                "callerId": CALLER,
                                "participantName": "B2",
                                "maxRetries": 0,
                                "maxTime": 0,
                                "enableEarlyMedia": True,
                            }
                        ],
                    },
                    "addParticipant_3": {
                        "callerId": CALLER,
                        "mergingStrategy": "ROUND ROBIN",
                        "agentPoolId": "POOL-7",
                    },
                    "initiateCall_2": {
                        "callerId": CALLER,
                        "participants": [
                            {
                                "participantAddress": AGENT_2,
                                "callerId": CALLER,
                                "participantName": "A2",
                                "maxRetries": 1,
                                "maxTime": 0,
                            }
                        ],
                        "callBackURLs": body["callFlowConfiguration"]["initiateCall_1"][
                            "callBackURLs"
                        ],
                    },
                    "record_2": {"enabled": False},
                    "playAudio_1": {"fileId": "0b5f4ce1-1234-4000-8000-446655440000"},
                }
            ),
        )
        self.assertEqual(call._customer_numbers(), (CONNECTS, SECOND))
        self.assertEqual(call._agent_numbers(), (AGENT, AGENT_2))
        logged = call.request_ids.body
        self.assertNotIn(SECOND, logged)
        self.assertIn("addParticipant_2", logged)

    def test_a_number_in_a_placeholder_obeys_the_blacklist(self):
        self.lead.phone = f"{CONNECTS} / {SECOND}"
        self.flow.second_customer_phone = True
        self.further(
            {"addParticipant_2": {"participants": [{"participantAddress": "{{customer2}}"}]}}
        )
        self.env["phone.blacklist"].create({"number": f"+91{SECOND}"})
        choice = self.lead.with_user(self.rep)._ccp_number_choices(self.env.company, "phone")[0][
            "key"
        ]
        calls = self.env["ccp.call"].with_user(self.rep)
        with self.assertRaisesRegex(UserError, "blacklist"):
            calls.place("crm.lead", self.lead.id, "phone", choice)
        self.assertFalse(self.sandbox.calls())

    def test_refused_when_saved(self):
        number = {"participants": [{"participantAddress": SECOND}]}
        for components, words in (
            ({"addParticipant_2": number}, "needs a placeholder"),
            ({"x_1": {"to": SECOND}}, "contains a phone number"),
            ({"x_1": {"callBackURLs": []}}, "Odoo sets it"),
            ({"x_1": {"customerId": "C"}}, "Odoo sets it"),
            ({"addParticipant_1": {"maxTime": 0}}, "addParticipant_1.participants is missing"),
            ({"record": {"enabled": False}}, "already a component of this call flow"),
            ([], "not a JSON object"),
        ):
            with self.subTest(components), self.assertRaisesRegex(ValidationError, words):
                self.further(components)
        with self.assertRaisesRegex(ValidationError, "already"):
            self.further({"record_2": {"enabled": False}})
            self.flow.record_component = "record_2"

    def test_every_reason_has_a_sentence(self):
        reasons = further_components.ComponentsError.__doc__.partition(":ivar reason:")[2]
        reasons = reasons.partition(":ivar where:")[0]
        for reason in reasons.split("``")[1::2]:
            error = further_components.ComponentsError(reason, "x_1.y")
            sentence = self.flow._components_sentence(error)
            self.assertRegex(sentence, r"\.$|:", reason)


@tagged("post_install", "-at_install")
class TestReportHeaders(SpecificationCase):
    """headers and method of callback URLs (1.9)."""

    def test_golden(self):
        self.flow.write(
            {
                "callback_headers": "X-Stage: test\n",
                "callback_secret_headers": "X-Proxy-Key: s3cret-value",
            }
        )
        call = self.place()
        for callback in self.sent()["callFlowConfiguration"]["initiateCall_1"]["callBackURLs"]:
            own = callback["headers"].pop("X-Airtel-Ccp-Secret")
            self.assertGreater(len(own), 20)
            self.assertEqual(
                callback["headers"], {"X-Stage": "test", "X-Proxy-Key": "s3cret-value"}
            )
            self.assertEqual(callback["method"], "POST")
        self.assertNotIn("s3cret-value", call.request_ids.body)
        self.assertIn("X-Proxy-Key", call.request_ids.body)

    def test_nobody_reads_a_secret_again(self):
        self.flow.callback_secret_headers = "X-Proxy-Key: s3cret-value\nX-Other: another"
        self.env.invalidate_all()
        administrator = self.env.ref("base.user_admin")
        flow = self.flow.with_user(administrator)
        shown = flow.callback_secret_headers
        self.assertEqual(shown, "X-Proxy-Key: ••••••••\nX-Other: ••••••••")
        exported = flow.export_data(["callback_secret_headers"])["datas"]
        self.assertNotIn("s3cret", str(exported) + str(flow.read()) + str(flow.copy_data()))
        for operation in (
            lambda: flow.read(["callback_secrets"]),
            lambda: flow.search([("callback_secrets", "like", "s3")]),
            lambda: flow.with_user(self.rep).read(["callback_headers"]),
            lambda: flow.with_user(self.rep).read(["callback_secret_headers"]),
            lambda: flow.with_user(self.rep).read(["further_components"]),
        ):
            with self.assertRaises(AccessError):
                operation()
        flow.callback_secret_headers = shown.replace("X-Other: ••••••••", "X-Other: changed")
        self.assertEqual(
            self.flow._report_headers({}), {"X-Proxy-Key": "s3cret-value", "X-Other": "changed"}
        )
        flow.callback_secret_headers = "X-Other: ••••••••"
        self.assertEqual(self.flow._report_headers({}), {"X-Other": "changed"})
        with self.assertRaises(ValidationError):
            flow.callback_secret_headers = "X-New: ••••••••"

    def test_in_the_form(self):
        with Form(self.flow) as form:
            form.callback_secret_headers = "X-Proxy-Key: s3cret-value"
        with Form(self.flow) as form:
            form.name = "Renamed"
        self.assertEqual(self.flow._report_headers({}), {"X-Proxy-Key": "s3cret-value"})

    def test_refused(self):
        for values, words in (
            ({"callback_method": "PUT"}, "accepts reports by POST only"),
            ({"callback_method": "post"}, "accepts reports by POST only"),
            ({"callback_headers": "nonsense"}, "Line 1"),
            ({"callback_headers": "X-Airtel-Ccp-Secret: mine"}, "is already set"),
            ({"callback_secret_headers": "x-airtel-ccp-secret: mine"}, "is already set"),
            ({"callback_headers": "Content-Type: text/plain"}, "is already set"),
            ({"callback_headers": "X-A: 1", "callback_secret_headers": "x-a: 2"}, "is already set"),
            ({"callback_headers": "X-A: 1\nX-A: 2"}, "listed twice"),
            ({"callback_headers": "X-A: Grüße"}, "cannot be sent"),
            ({"callback_headers": "\n".join(f"X-{i}: 1" for i in range(30))}, "too many"),
        ):
            with self.subTest(values), self.assertRaisesRegex(ValidationError, words):
                self.flow.write(values)


@tagged("post_install", "-at_install")
class TestFurtherPhones(SpecificationCase):
    """More than two participants a side (1.10); each number of a call obeys the rules."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rep.write(
            {
                "ccp_second_phone": AGENT_2,
                "ccp_further_phones": f"+91 {AGENT_3[:5]} {AGENT_3[5:]}\n\n0{AGENT_4}\n{AGENT_3}",
            }
        )
        cls.lead.phone = f"{CONNECTS} / {SECOND} / {THIRD}"

    def ring_all(self, agents=4, customers=4):
        self.flow.write(
            {
                "second_agent_phone": True,
                "agent_phone_limit": agents,
                "second_customer_phone": True,
                "customer_number_limit": customers,
            }
        )

    def place_chosen(self, position=0, user=None):
        user = user or self.rep
        self.env.flush_all()
        self.env.invalidate_all()
        choices = self.lead.with_user(user)._ccp_number_choices(self.env.company, "phone")
        by_phone = {each["phone"].replace(" ", ""): each["key"] for each in choices}
        choice = by_phone[(CONNECTS, SECOND, THIRD)[position]]
        calls = self.env["ccp.call"].with_user(user)
        result = calls.place("crm.lead", self.lead.id, "phone", choice)
        self.env.invalidate_all()
        return self.env["ccp.call"].browse(result["call_id"])

    def test_golden(self):
        self.ring_all()
        call = self.place_chosen()
        agents, customers = (AGENT, AGENT_2, AGENT_3, AGENT_4), (CONNECTS, SECOND, THIRD)
        self.assertEqual(self.sent(), self.golden(agents=agents, customers=customers))
        self.assertEqual(call._agent_numbers(), agents)
        self.assertEqual(call._customer_numbers(), customers)

    def test_as_many_as_before(self):
        """A flow with second phones switched on rings two, as it did."""
        self.flow.write({"second_agent_phone": True, "second_customer_phone": True})
        self.place_chosen()
        self.assertEqual(
            self.sent(), self.golden(agents=(AGENT, AGENT_2), customers=(CONNECTS, SECOND))
        )

    def test_one_as_before(self):
        self.place_chosen(1)
        self.assertEqual(self.sent(), self.golden(customers=(SECOND,)))

    def test_legs_by_every_number(self):
        self.ring_all()
        call = self.place_chosen()
        for agent, customer in ((AGENT_4, THIRD), (AGENT_3, SECOND)):
            call.event_ids.unlink()
            call.write({"state": "ringing_agent", "result": False})
            times = {"time": 1572612345000}
            rings = [
                {"eventType": "CALL", "event": word, "participantAddress": number, **times}
                for word, number in (("Answer", agent), ("Answer", customer))
            ]
            self.report(call, *rings)
            self.assertEqual(call.state, "in_call", (agent, customer))
        rows = call._leg_facts()[0]["values"]
        self.assertIn(AGENT_4, rows[0])
        self.assertIn(THIRD, rows[1])

    def test_rules_hold_for_every_number(self):
        self.ring_all()
        entry = self.env["phone.blacklist"].create({"number": f"+91{THIRD}"})
        for blocked in (THIRD, AGENT_4):
            entry.number = f"+91{blocked}"
            with self.subTest(blocked), self.assertRaisesRegex(UserError, "blacklist"):
                self.place_chosen()
        entry.unlink()
        self.lead.phone = f"{CONNECTS} / {SECOND} / {AGENT_4}"
        with self.assertRaisesRegex(UserError, "own phone"):
            self.env["ccp.call"].with_user(self.rep).place(
                "crm.lead",
                self.lead.id,
                "phone",
                self.lead.with_user(self.rep)._ccp_number_choices(self.env.company, "phone")[0][
                    "key"
                ],
            )
        self.assertFalse(self.sandbox.calls())

    def test_cap_search_and_erasure_by_the_third_number(self):
        self.ring_all()
        call = self.place_chosen()
        call.live = False
        self.env.company.ccp_number_daily_limit = 1
        partner = self.env["res.partner"].create({"name": "Another", "phone": f"+91 {THIRD}"})
        self.assertIn("reached the daily limit for one number", self.refusal(partner))
        calls = self.env["ccp.call"].with_user(self.rep)
        for text in (f"+91 {THIRD}", THIRD[-5:], AGENT_4[-6:], f"0{AGENT_3}"):
            self.assertEqual(calls.search([("phone_search", "ilike", text)]), call, text)
            ending = calls._ending_domain(text[-4:])
            self.assertEqual(call.filtered_domain(ending), call, text)
        self.assertFalse(calls.search([("phone_search", "ilike", THIRD[:7])]))
        self.env.company.ccp_number_daily_limit = 0
        self.env.flush_all()
        wizard = self.env["ccp.erasure"].with_user(self.manager).create({"partner_id": partner.id})
        self.assertEqual(wizard.call_count, 1)
        wizard.action_erase()
        self.assertFalse(call._customer_numbers())
        self.assertTrue(call._agent_numbers())

    def test_never_again_holds_for_every_number(self):
        self.ring_all()
        call = self.place_chosen()
        self.report(call, *self.connected(), self.cdr())
        outcome = self.env.ref("airtel_ccp.ccp_call_outcome_do_not_call")
        panel = self.env["ccp.panel"].with_user(self.rep)
        question = panel.save_outcome(call.id, outcome.id)["confirm"]
        for each in (CONNECTS, SECOND, THIRD):
            self.assertIn(f"{each[:5]} {each[5:]}", question)
        panel.save_outcome(call.id, outcome.id, confirmed=True)
        listed = self.env["phone.blacklist"].search([]).mapped("number")
        self.assertEqual(set(listed), {f"+91{each}" for each in (CONNECTS, SECOND, THIRD)})

    def test_a_record_without_a_number_for_the_call_matches_nothing(self):
        found = self.env["ccp.call"].search(
            self.env["ccp.call"]._numbers_domain("customer", ["", "101"])
        )
        self.assertFalse(found)

    def test_only_the_user_and_administrators_read_them(self):
        rep = self.rep.with_user(self.rep)
        self.assertEqual(rep.ccp_further_phones, f"{AGENT_3}\n{AGENT_4}")
        with self.assertRaises(AccessError):
            self.rep.with_user(self.other_rep).read(["ccp_further_phones"])
        rep.ccp_further_phones = "98765-43210"
        self.assertEqual(self.rep.ccp_further_phones, "9876543210")
        self.assertFalse(self.rep.copy({"login": "newcomer"}).ccp_further_phones)
        view = self.env["res.users"].with_user(self.rep)
        arch = view.get_view(self.env.ref("base.view_users_form_simple_modif").id)["arch"]
        self.assertIn("ccp_further_phones", arch)

    def test_bad_further_phones(self):
        for text in ("12345", "98765 43210, 98765 43211", "+1 415 555 2671", "1800 123 4567"):
            with self.subTest(text), self.assertRaises(ValidationError):
                self.rep.ccp_further_phones = text
        with self.assertRaises(ValidationError):
            self.rep.ccp_further_phones = "\n".join(f"987654321{each}" for each in range(9))

    def test_limits(self):
        for name in ("agent_phone_limit", "customer_number_limit"):
            for value in (0, 11):
                with (
                    self.subTest(name, value=value),
                    mute_logger("odoo.sql_db"),
                    self.assertRaises(CheckViolation),
                ):
                    self.flow[name] = value
                    self.env.flush_all()
