import itertools
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import new_test_user, tagged

from ..ccp.call import route
from ..models import ccp_call_incoming
from ..models.utils import milliseconds
from .common import AGENT, OTHER_AGENT
from .incoming import CUSTOMER, STRANGER, IncomingCase


@tagged("post_install", "-at_install")
class TestIncoming(IncomingCase):
    """Calls that came in have one row each, whatever comes first and however often."""

    # One row

    def test_a_decision_makes_the_call(self):
        self.decide()
        self.take_in()
        call = self.the_call()
        self.assertEqual((call.state, call.live, call.user_id.id), ("ringing_agent", True, False))
        self.assertEqual((call.flow_id, call.team_id), (self.number, self.team))
        self.assertEqual((call.res_model, call.res_id), ("crm.lead", self.lead.id))
        self.assertEqual((call.partner_id, call.lead_id), (self.partner, self.lead))
        self.assertEqual((call.route_reason, call.route_about), ("record_owner", self.lead.name))
        self.assertEqual(call.customer_number, CUSTOMER)
        self.assertTrue(call.deadline > fields.Datetime.now())
        self.assertFalse(call._timeline().has_reports, "our own decision is no report")
        self.assertEqual(
            call._route_sentence(), "Put through to Asha Rep: owner of Autumn collection"
        )
        self.assertEqual(len(self.cards(self.lead)), 1)

    def test_a_record_makes_the_call(self):
        self.arrive(self.reduced_cdr())
        self.take_in()
        call = self.the_call()
        self.assertEqual((call.state, call.result, call.live), ("ended", "connected", False))
        self.assertEqual((call.user_id, call.talk_seconds), (self.rep, 39))
        self.assertEqual((call.flow_id, call.start_date), (self.number, self.now()))
        self.assertEqual((call.res_model, call.res_id), ("crm.lead", self.lead.id))

    def test_every_order_gives_the_same_call(self):
        """Decision, two events and a record of each template: each order says the same."""
        pieces = {
            "decision": lambda: self.decide(),
            "ringing": lambda: self.arrive(self.live_event("Ringing", 4)),
            "answer": lambda: self.arrive(self.live_event("Answer", 11)),
            "reduced": lambda: self.arrive(self.reduced_cdr(1)),
            "full": lambda: self.arrive(self.full_cdr(1)),
        }
        expected = None
        for number, names in enumerate(itertools.permutations(pieces)):
            if number % 7:
                continue
            with self.subTest(order=names), self.env.cr.savepoint() as savepoint:
                for name in names:
                    pieces[name]()
                    self.take_in()
                told = self.told(self.the_call())
                expected = expected or told
                self.assertEqual(told, expected)
                savepoint.rollback()
            self.env.invalidate_all()
        self.assertEqual(expected["count"], 1)
        self.assertEqual((expected["user"], expected["session"]), ("Asha Rep", "S-1"))
        self.assertEqual((expected["start"], expected["reason"]), (self.now(), "record_owner"))

    def test_all_at_once(self):
        self.arrive(self.full_cdr(1), self.live_event("Answer", 11), self.live_event("Ringing", 4))
        self.arrive(self.reduced_cdr(1))
        self.decide()
        self.take_in()
        call = self.the_call()
        self.assertEqual(len(call.event_ids), 5)
        self.assertFalse(self.env["ccp.call.event"]._count_unmatched())
        self.assertFalse(self.env["ccp.call"]._count_pending())

    def test_repeats_make_no_second_call(self):
        self.arrive(self.reduced_cdr(), self.reduced_cdr())
        self.take_in()
        self.arrive(self.reduced_cdr())
        self.take_in()
        self.arrive(self.reduced_cdr(Pulse_Count=3))
        self.take_in()
        call = self.the_call()
        self.assertEqual(len(call.event_ids), 2, "an equal one is kept once")

    def test_a_repeat_in_a_list(self):
        self.arrive([self.reduced_cdr(), self.full_cdr()])
        self.take_in()
        self.assertEqual(len(self.the_call().event_ids), 2)

    def test_a_customer_who_calls_again(self):
        """Two calls within a minute stay two, with and without session ids."""
        self.arrive(self.missed_cdr(0), self.reduced_cdr(40))
        self.take_in()
        first, second = self.incoming()
        self.assertEqual(first.result, "agent_no_answer")
        self.assertEqual(second.result, "connected")
        self.arrive(self.full_cdr(90, "S-9"), self.full_cdr(150, "S-10"))
        self.take_in()
        self.assertEqual(len(self.incoming()), 4)

    def test_a_question_that_was_answered_twice_is_one_call(self):
        """Its first answer was lost, and the second one came from the disk."""
        for order in (1, -1):
            with self.subTest(order=order):
                self.incoming().unlink()
                asked = [(0, [(self.rep, AGENT)]), (4, [(self.other_rep, OTHER_AGENT)])]
                for seconds, ring in asked[::order]:
                    self.decide(seconds, ring=ring, reason="record_owner")
                    self.take_in()
                call = self.the_call()
                self.assertEqual(len(call.event_ids), 2)
                self.assertLessEqual({AGENT, OTHER_AGENT}, set(call.dialled["users"]))
                last = call._decisions()[call][0]
                self.assertEqual([each.user_id for each in last.ring], [self.other_rep.id])
                self.assertEqual(
                    milliseconds(call.decided_date), self.milliseconds(4) // 1000 * 1000
                )

    def test_another_question_is_another_call(self):
        for values in ({"digit": "2"}, {"customer": "7000000778"}, {"seconds": 70}):
            with self.subTest(**values):
                self.incoming().unlink()
                self.decide()
                self.decide(**values)
                self.take_in()
                self.assertEqual(len(self.incoming()), 2)
        self.incoming().unlink()
        for _caller in range(2):
            self.decide(customer="")
            self.take_in()
        self.assertEqual(len(self.incoming()), 2, "two who withhold their numbers")

    def test_who_calls_again_after_a_decision(self):
        self.decide(0)
        self.take_in()
        self.arrive(self.missed_cdr(1))
        self.take_in()
        self.decide(70)
        self.take_in()
        self.arrive(self.live_event("Ringing", 75, "S-2"))
        self.take_in()
        first, second = self.incoming()
        self.assertEqual((first.result, second.state), ("agent_no_answer", "ringing_agent"))
        self.assertEqual((first.session_id, second.session_id), (False, "S-2"))

    def test_the_session_is_learned(self):
        """An event names neither Airtel number nor direction: it belongs to the decision's call."""
        self.arrive(self.live_event("Ringing", 4))
        self.take_in()
        self.assertFalse(self.incoming(), "such an event alone makes no call")
        self.decide()
        self.take_in()
        call = self.the_call()
        self.assertEqual((call.session_id, len(call.event_ids)), ("S-1", 2))
        self.assertEqual(call.ringing_user_ids, self.rep)
        # Who hung up, by the session alone
        self.arrive(self.customers_end(20))
        self.take_in()
        self.assertEqual((call.state, call.result), ("ended", "abandoned"))
        self.assertFalse(call.ringing_user_ids or call.live)

    def test_an_unknown_airtel_number(self):
        self.arrive(self.full_cdr(calledNumber="8000000077", callerId="8000000077"))
        self.take_in()
        call = self.the_call()
        self.assertEqual((call.flow_id.id, call.caller_number), (False, "8000000077"))

    def test_a_number_that_is_withheld(self):
        self.decide(customer="", about=None, reason="team")
        self.take_in()
        call = self.the_call()
        self.assertEqual(call.customer_name, "Number withheld")
        self.assertFalse(call.customer_number or call.res_id or call.partner_id)
        self.arrive(self.full_cdr(1, callerNumber=None, participants=[]))
        self.take_in()
        self.assertEqual(self.the_call().result, "connected")

    def test_a_record_of_which_each_field_is_missing(self):
        for template in (self.reduced_cdr(1), self.full_cdr(1)):
            for name in template:
                without = {key: value for key, value in template.items() if key != name}
                with self.subTest(missing=name), self.env.cr.savepoint() as savepoint:
                    self.decide()
                    self.take_in()
                    self.arrive(without)
                    self.take_in()
                    self.arrive(without)
                    self.take_in()
                    if without.get("Call_Type") or without.get("callType"):
                        self.assertTrue(self.incoming().filtered("cdr_date"))
                    self.assertLessEqual(len(self.incoming()), 2)
                    savepoint.rollback()
                self.env.invalidate_all()

    # Who took it, who missed it

    def test_a_ring_group(self):
        self.decide(ring=[(self.rep, AGENT), (self.other_rep, OTHER_AGENT)])
        self.arrive(self.live_event("Ringing", 4))
        self.take_in()
        call = self.the_call()
        self.assertEqual((call.ringing_user_ids, call.user_id.id), (self.rep, False))
        self.assertEqual(call._headline(), "Priya Sharma is calling; ringing Asha Rep.")
        self.arrive(
            self.live_event("NoAnswer", 24),
            self.live_event("Ringing", 25, agent=OTHER_AGENT),
        )
        self.take_in()
        self.assertEqual(call.ringing_user_ids, self.other_rep)
        self.arrive(self.live_event("Answer", 30, agent=OTHER_AGENT))
        self.take_in()
        self.assertEqual((call.state, call.user_id), ("in_call", self.other_rep))
        self.assertEqual(call._headline(), "Ravi Rep is talking with Priya Sharma.")
        self.assertEqual(call.agent_number, OTHER_AGENT)
        self.arrive(
            self.reduced_cdr(
                Destination_Number=f"0{OTHER_AGENT}", Missed_Destination_Number=f"0{AGENT}"
            )
        )
        self.take_in()
        self.assertEqual((call.result, call.user_id), ("connected", self.other_rep))
        self.assertEqual(call.missed_user_ids, self.rep)
        self.assertEqual(call._headline(), "Ravi Rep picked up, talked for 00:39.")

    def test_missed(self):
        self.arrive(self.missed_cdr())
        self.take_in()
        call = self.the_call()
        self.assertEqual((call.result, call.missed_user_ids), ("agent_no_answer", self.rep))
        self.assertFalse(call.user_id)
        self.assertEqual(call._headline(), "Missed: Asha Rep did not pick up.")
        self.assertEqual(call._title(), "Missed call from Priya Sharma")
        card = self.cards(self.lead)
        self.assertIn("Missed: Asha Rep did not pick up.", card.body)
        self.assertEqual(card.author_id, self.env.ref("base.partner_root"))

    def test_missed_and_nobody_is_named(self):
        """Whom Airtel was to ring missed it, if the record names nobody."""
        self.decide()
        self.arrive(self.missed_cdr(1, Missed_Destination_Number=None))
        self.take_in()
        self.assertEqual(self.the_call().missed_user_ids, self.rep)

    def test_five_minutes_without_a_report(self):
        self.decide()
        self.take_in()
        call = self.the_call()
        self.end_silent(call)
        self.assertEqual((call.state, call.result, call.live), ("ended", "no_report", False))
        self.assertFalse(call.missed_user_ids)
        self.arrive(self.missed_cdr(2))
        self.take_in()
        self.assertEqual(
            (self.the_call().result, call.missed_user_ids.id), ("agent_no_answer", self.rep.id)
        )

    def test_a_long_ring_goes_on_while_reports_come(self):
        self.decide()
        self.take_in()
        call = self.the_call()
        call.deadline = fields.Datetime.now() + timedelta(seconds=1)
        self.arrive(self.live_event("Ringing", 4))
        self.take_in()
        self.assertGreater(call.deadline, fields.Datetime.now() + timedelta(minutes=4))

    def test_being_called_twice_at_once(self):
        """An agent may be called while another call of theirs goes on, in either direction."""
        outgoing = self.make_call(customer_number=STRANGER)
        self.decide()
        self.arrive(self.live_event("Answer", 4))
        self.take_in()
        other = self.live_event("Answer", 9, "S-2")
        other["metaData"]["displayCli"] = STRANGER
        self.decide(5, customer=STRANGER, about=None, reason="team")
        self.arrive(other)
        self.take_in()
        calls = self.incoming()
        self.assertEqual(calls.mapped("state"), ["in_call", "in_call"])
        self.assertEqual(calls.user_id, self.rep)
        self.assertTrue(all(calls.mapped("live")) and outgoing.live)
        self.assertFalse(any(calls.mapped("fold_error")))

    # People and records that change while it rings

    def test_an_agent_who_leaves_while_it_rings(self):
        self.decide()
        self.arrive(self.live_event("Ringing", 4))
        self.take_in()
        self.rep.write({"active": False, "ccp_phone": False})
        self.arrive(self.full_cdr(1))
        self.take_in()
        self.assertEqual((self.the_call().user_id, self.the_call().result), (self.rep, "connected"))

    def test_a_phone_that_moves_while_it_rings(self):
        self.decide()
        self.take_in()
        self.rep.ccp_phone = "7000000903"
        self.other_rep.ccp_phone = AGENT
        self.arrive(self.full_cdr(1))
        self.take_in()
        self.assertEqual(self.the_call().user_id, self.rep, "it was hers when it rang")

    def test_an_agent_who_is_deleted_while_it_rings(self):
        gone = new_test_user(self.env, "gone", "base.group_user", ccp_phone="7000000904")
        self.decide(ring=[(gone, "7000000904")])
        self.take_in()
        gone.unlink()
        self.arrive(self.full_cdr(1, destinationNumber="7000000904", participants=[]))
        self.take_in()
        call = self.the_call()
        self.assertEqual((call.result, call.user_id.id), ("connected", False))
        self.assertFalse(call.fold_error)

    def test_a_shared_phone(self):
        """Of two users with one phone, it is the one whom we put through to."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_users SET ccp_phone = %s WHERE id = %s", [AGENT, self.other_rep.id]
        )
        self.env.invalidate_all()
        self.decide(ring=[(self.other_rep, AGENT)])
        self.arrive(self.full_cdr(1))
        self.take_in()
        self.assertEqual(self.the_call().user_id, self.other_rep)

    def test_a_lead_that_is_merged_while_it_rings(self):
        other = self.lead.copy({"name": "Spring collection"})
        self.decide()
        self.take_in()
        merged = (self.lead | other)._merge_opportunity(auto_unlink=True)
        self.arrive(self.full_cdr(1))
        self.take_in()
        call = self.the_call()
        self.assertEqual((call.lead_id, call.res_id), (merged, merged.id))

    def test_a_record_that_is_gone_before_the_call_is_taken_in(self):
        lead = self.lead.copy()
        self.decide(about=route.About("crm.lead", lead.id, "Gone"))
        lead.unlink()
        self.take_in()
        call = self.the_call()
        self.assertEqual((call.res_id, call.route_about), (self.lead.id, "Gone"))

    def test_a_company_that_is_archived(self):
        other = self.env["res.company"].create({"name": "Closed"})
        other.active = False
        self.arrive(self.full_cdr(), company=other)
        self.take_in()
        self.assertEqual(self.the_call().company_id, other)

    def test_two_companies_do_not_meet(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.arrive(self.full_cdr())
        self.arrive(self.full_cdr(), company=other)
        self.take_in()
        self.assertEqual(self.incoming().company_id, self.company | other)

    # What others post

    def test_a_decision_that_somebody_posts_is_none(self):
        forged = self.decide().as_dict()
        self.take_in()
        self.arrive({**forged, "id": "0" * 32, "customer": STRANGER})
        self.take_in()
        self.the_call()
        events = self.env["ccp.call.event"].search([], order="id desc", limit=1)
        self.assertEqual((events.kind, events.call_id.id), ("unreadable", False))

    def test_foreign_reports_make_no_call(self):
        self.arrive(
            {
                "vmSessionId": "F-1",
                "eventType": "CALL",
                "event": "Ringing",
                "participantAddress": "7111111111",
                "metaData": {"displayCli": "8111111111"},
            },
            self.cdr(
                Session_ID="F-2",
                Caller_Number="7111111112",
                Destination_Number="7111111113",
                Call_Type="OUTBOUND",
            ),
            {"whatever": 1},
            b"\xff\xfe",
        )
        self.take_in()
        self.assertFalse(self.incoming())
        self.assertFalse(self.env["ccp.call.event"]._count_unmatched())

    def test_a_flood_is_bounded(self):
        # Rows of a test are all as old as its transaction
        with patch.multiple(ccp_call_incoming, MOST_CALLS=3, MOST_CALLS_PERIOD=timedelta(days=1)):
            for number in range(6):
                self.arrive(
                    self.full_cdr(number, f"S-{number}", callerNumber=f"70000002{number:02d}")
                )
            self.take_in()
            self.assertEqual(len(self.incoming()), 3)
            self.assertFalse(self.env["ccp.call.event"]._count_unmatched(), "they wait")
        self.env["ccp.call.event"].search([("call_id", "=", False)]).match_date = (
            fields.Datetime.now() - timedelta(hours=1)
        )
        self.take_in()
        self.assertEqual(len(self.incoming()), 6)

    def test_a_report_at_the_address_of_a_placed_call(self):
        call = self.place()
        self.report(call, *self.connected())
        before = call.read(["state", "result", "session_id", "talk_seconds"])
        self.report(call, self.full_cdr(), self.reduced_cdr())
        self.assertEqual(call.read(["state", "result", "session_id", "talk_seconds"]), before)
        self.assertFalse(self.incoming())
        # What is this call's own counts, whatever Airtel calls it
        self.report(call, self.cdr(Call_Type="INBOUND", Client_Correlation_Id=call.correlation_id))
        self.assertEqual((call.state, call.result), ("ended", "connected"))

    def test_an_incoming_record_is_no_placed_calls(self):
        """Who is called back within a minute has two calls."""
        placed = self.make_call(correlation_id=False, start_date=self.now())
        self.arrive(self.reduced_cdr(5))
        self.take_in()
        self.assertEqual(self.the_call().result, "connected")
        self.assertFalse(placed.event_ids)

    # Erasure

    def test_an_erased_call_does_not_come_back(self):
        self.arrive(self.reduced_cdr())
        self.take_in()
        call = self.the_call()
        self.env["ccp.erasure"].with_user(self.manager).create(
            {"partner_id": self.partner.id}
        ).action_erase()
        self.env.invalidate_all()
        self.assertTrue(call.erased)
        self.assertFalse(call.route_about or call.route_candidates or call.dialled)
        self.arrive(self.reduced_cdr(Pulse_Count=9))
        self.take_in()
        self.assertEqual(self.the_call(), call)
