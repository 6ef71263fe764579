from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import AGENT, OTHER_AGENT
from .incoming import STRANGER, IncomingCase


@tagged("post_install", "-at_install")
class TestIncomingRecord(IncomingCase):
    """Which record a call is about, who may change that, and what follows."""

    def test_the_others_are_kept(self):
        other = self.lead.copy({"name": "Spring collection"})
        self.decide()
        self.take_in()
        call = self.the_call()
        names = [each["name"] for each in call._candidates()]
        self.assertIn("Spring collection", names)
        self.assertIn("Spring collection", call.other_records)
        self.assertEqual(call._candidates()[0]["is_chosen"], True)
        self.assertEqual(call._candidates()[0]["reason"], "record_owner")
        stranger = new_test_user(
            self.env, "stranger", "base.group_user,sales_team.group_sale_salesman"
        )
        seen = call.sudo().with_user(stranger).sudo(False)._candidates()
        self.assertNotIn(other.id, [each["res_id"] for each in seen])

    def test_an_unknown_caller(self):
        self.decide(customer=STRANGER, about=None, reason="team")
        self.take_in()
        call = self.the_call()
        self.assertEqual((call.res_id, call.partner_id.id), (0, False))
        self.assertNotIn(STRANGER, call.customer_name)
        self.assertEqual(call._candidates(), [])

    def test_changing_it(self):
        self.arrive(self.full_cdr())
        self.take_in()
        call = self.the_call()
        other = self.lead.copy({"name": "Spring collection"})
        call.with_user(self.rep).link_record("crm.lead", other.id)
        self.assertEqual((call.lead_id, call.res_id), (other, other.id))
        self.assertEqual(call.team_id, self.team, "it stays the number's")
        self.assertEqual((call.change_ids.kind, call.change_ids.user_id), ("record", self.rep))
        self.assertFalse(self.cards(self.lead))
        self.assertEqual(len(self.cards(other)), 1)
        # A decision that comes late changes nothing of what a person said
        self.decide()
        self.take_in()
        self.assertEqual(call.lead_id, other)

    def test_who_may_change_it(self):
        self.arrive(self.full_cdr())
        self.take_in()
        call = self.the_call()
        with self.assertRaises(AccessError):
            call.with_user(self.other_rep).link_record("res.partner", self.partner.id)
        self.assertTrue(call.with_user(self.manager).link_record("res.partner", self.partner.id))

    def test_a_missed_call_is_everybodys_who_sees_it(self):
        self.arrive(self.missed_cdr())
        self.take_in()
        call = self.the_call()
        self.assertTrue(call.with_user(self.other_rep).may_be_changed)
        call.with_user(self.other_rep).link_record("res.partner", self.partner.id)
        self.assertEqual(call.res_model, "res.partner")
        outsider = new_test_user(self.env, "outsider", "airtel_ccp.group_ccp_user")
        with self.assertRaises(AccessError):
            call.with_user(outsider).link_record("res.partner", self.partner.id)


@tagged("post_install", "-at_install")
class TestIncomingRights(IncomingCase):
    """An agent sees calls they took or missed, and those of their team that nobody has."""

    def sees(self, user):
        """Return the incoming calls that a user sees, by search and by reading each."""
        self.env.flush_all()
        self.env.invalidate_all()
        calls = self.env["ccp.call"].with_user(user)
        found = calls.search([("direction", "=", "inbound")])
        readable = self.incoming().with_user(user)._filtered_access("read")
        self.assertEqual(found, readable.sorted(), "search and reading agree")
        return found

    def test_an_agent(self):
        outsider = new_test_user(self.env, "outsider", "airtel_ccp.group_ccp_user")
        self.arrive(self.full_cdr())
        self.take_in()
        call = self.the_call()
        self.assertEqual(self.sees(self.rep), call, "took it")
        self.assertFalse(self.sees(self.other_rep), "a member of the team, but it is hers")
        self.assertFalse(self.sees(outsider))
        self.assertEqual(self.sees(self.manager), call)

    def test_a_missed_one(self):
        outsider = new_test_user(self.env, "outsider", "airtel_ccp.group_ccp_user")
        self.number.ring_team_id = False
        self.arrive(self.missed_cdr())
        self.take_in()
        call = self.the_call()
        self.assertEqual(self.sees(self.rep), call, "missed it")
        self.assertFalse(self.sees(self.other_rep))
        call.team_id = self.team
        self.assertEqual(self.sees(self.other_rep), call, "nobody has it")
        self.assertFalse(self.sees(outsider))

    def test_one_that_another_took(self):
        self.decide(ring=[(self.rep, AGENT), (self.other_rep, OTHER_AGENT)])
        self.arrive(
            self.reduced_cdr(
                Destination_Number=f"0{OTHER_AGENT}", Missed_Destination_Number=f"0{AGENT}"
            )
        )
        self.take_in()
        call = self.the_call()
        self.assertEqual(self.sees(self.rep), call, "she missed it")
        self.assertEqual(self.sees(self.other_rep), call)

    def test_a_leader(self):
        leader = new_test_user(self.env, "leader", "airtel_ccp.group_ccp_team_leader")
        self.arrive(self.full_cdr())
        self.take_in()
        self.assertFalse(self.sees(leader))
        self.team.user_id = leader
        self.assertEqual(self.sees(leader), self.the_call())

    def test_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        foreign = new_test_user(
            self.env,
            "foreign",
            "airtel_ccp.group_ccp_manager",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        self.arrive(self.missed_cdr())
        self.take_in()
        self.assertFalse(self.sees(foreign))


@tagged("post_install", "-at_install")
class TestIncomingFigures(IncomingCase):
    """Incoming calls have figures of their own, and change none of those of outgoing calls."""

    OUTGOING = (
        "attempts:sum",
        "reached:sum",
        "agent_failures:sum",
        "connect_rate:avg",
        "customer_connect_rate:avg",
        "agent_ring_seconds:avg",
        "customer_ring_seconds:avg",
        "attempts_until_reached:avg",
        "speed_to_dial:avg",
        "speed_to_connect:avg",
    )

    def figures(self, names, model="ccp.call.daily"):
        """Return figures over all calls that are no trial."""
        self.env["ccp.call"]._measure_all()
        self.env.flush_all()
        self.env.invalidate_all()
        domain = [] if model == "ccp.call.daily" else [("trial", "=", False)]
        return self.env[model].with_user(self.manager)._read_group(domain, [], names)[0]

    def come_in(self):
        """Have calls come in: answered, missed, abandoned, and one of which nothing is known."""
        self.arrive(self.full_cdr(), self.missed_cdr(60))
        self.decide(-600)
        self.arrive(
            self.live_event("Ringing", -595, "S-5"),
            self.customers_end(-580, "S-5"),
        )
        self.take_in()
        self.decide(-1000, customer=STRANGER, about=None, reason="desk", ring=[])
        self.take_in()
        self.end_silent(self.incoming())

    def test_outgoing_figures_stay_what_they_are(self):
        call = self.place()
        self.report(call, *self.connected(), self.cdr())
        self.make_call(result="customer_no_answer", customer_ring_seconds=20)
        self.make_call(result="agent_busy", agent_ring_seconds=7)
        models = ("ccp.call", "ccp.call.daily")
        before = {model: self.figures(self.OUTGOING, model) for model in models}
        tiles = self.env["ccp.dashboard"].with_user(self.manager).figures()["tiles"]
        self.come_in()
        for model in models:
            self.assertEqual(self.figures(self.OUTGOING, model), before[model], model)
        now = self.env["ccp.dashboard"].with_user(self.manager).figures()["tiles"]
        self.assertEqual(now, tiles)

    def test_incoming_figures(self):
        names = (
            "incoming:sum",
            "incoming_answered:sum",
            "incoming_missed:sum",
            "incoming_abandoned:sum",
            "answer_seconds:avg",
        )
        self.env["ccp.call"].search([]).unlink()
        self.come_in()
        self.assertEqual(self.incoming().mapped("result").count("no_report"), 1)
        for model in ("ccp.call", "ccp.call.daily"):
            with self.subTest(model=model):
                self.assertEqual([*map(int, self.figures(names, model))], [4, 1, 1, 1, 11])

    def test_caps_and_rules_are_about_outgoing_calls(self):
        self.company.write(
            {"ccp_daily_limit": 1, "ccp_number_daily_limit": 1, "ccp_require_outcome": True}
        )
        self.come_in()
        self.assertEqual(self.place().state, "ringing_agent")

    def test_nobody_is_owed_an_outcome_for_being_called(self):
        self.company.ccp_require_outcome = True
        self.arrive(self.full_cdr())
        self.take_in()
        self.assertTrue(self.the_call().user_id)
        self.assertTrue(self.place())

    def test_the_live_view(self):
        self.decide()
        self.take_in()
        (shown,) = self.env["ccp.dashboard"].with_user(self.manager).live()["calls"]
        self.assertEqual((shown["agent"], shown["state"]), ("Asha Rep", "ringing_agent"))

    def test_the_hook_gets_each_call_of_which_something_is_new(self):
        found = []
        with patch.object(
            type(self.env["ccp.call"]), "_after_incoming", lambda _self, calls: found.append(calls)
        ):
            self.make_call()._fold()
            self.arrive(self.missed_cdr())
            self.take_in()
        self.assertEqual(found, [self.the_call()])

    def test_numbers_are_recognised_however_they_are_written(self):
        self.number.write({"caller_number": "18001234567"})
        for position, spelled in enumerate(("18001234567", "018001234567", "+9118001234567")):
            self.arrive(self.reduced_cdr(position * 300, Caller_ID=spelled))
        self.take_in()
        self.assertEqual(self.incoming().flow_id, self.number)
        self.assertEqual(len(self.incoming()), 3)
        self.assertEqual(set(self.incoming().mapped("caller_number")), {"18001234567"})
