import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..ccp.call import route
from ..models import route_store
from ..models.ccp_call_panel_incoming import DECISION_LIFE, _read_decision
from .common import AGENT, OTHER_AGENT
from .incoming import CUSTOMER, STRANGER, IncomingCase

NAMES = ("Priya", "Sharma", "Autumn")


class PanelCase(IncomingCase):
    """What the browsers of Asha and Ravi get when a customer calls both."""

    def setUp(self):
        super().setUp()
        self.both = [(self.rep, AGENT), (self.other_rep, OTHER_AGENT)]

    def state(self, user=None, *arguments):
        """Return what a user's panel shows, read as that user's browser reads it."""
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env["ccp.panel"].with_user(user or self.rep).state(*arguments)

    def shown(self, user=None):
        """Return the one incoming call that a user's browser shows, or None."""
        incoming = self.state(user)["incoming"]
        self.assertLessEqual(len(incoming), 1)
        return incoming[0] if incoming else None

    def sent(self, work):
        """Do something; return what the bus sent, as pairs of user and message."""
        self.env.cr.precommit.run()
        self.env["bus.bus"].search([]).unlink()
        work()
        self.env.flush_all()
        self.env.cr.precommit.run()
        users = {
            f"res.partner,{user.partner_id.id}": user
            for user in self.rep | self.other_rep | self.manager
        }
        sent = []
        for row in self.env["bus.bus"].search([], order="id"):
            channel = json.loads(row.channel)
            message = json.loads(row.message)
            if message["type"] == "airtel_ccp.call":
                sent.append((users.get(f"{channel[1]},{channel[2]}"), message["payload"]["panel"]))
        return sent

    def follow(self, *reports):
        """Have reports arrive and be taken in."""
        self.arrive(*reports)
        self.take_in()

    def ringing_call(self, **values):
        """Return a call that a decision made and that rings at Asha."""
        self.decide(**{"ring": self.both, **values})
        self.follow(self.live_event("Ringing", 4))
        return self.the_call()


@tagged("post_install", "-at_install")
class TestPanelIncoming(PanelCase):
    """Whom a call that comes in is shown to, and what."""

    # Before it rings

    def test_a_decision_is_announced_to_those_whom_it_rings(self):
        decision = self.decide(ring=self.both)
        sent = self.sent(lambda: self.company._ccp_announce([decision]))
        self.assertEqual([user for user, _panel in sent], [self.rep, self.other_rep])
        (_asha, hers), (_ravi, his) = sent
        self.assertEqual((hers["id"], hers["decision"]), (False, decision.id))
        self.assertEqual(hers["message"], "Your phone is about to ring")
        self.assertEqual(his["message"], "About to ring Asha Rep")
        self.assertEqual([each["state"] for each in hers["ringing"]], ["waits", "waits"])
        for text in (str(hers), str(his)):
            for secret in (CUSTOMER, AGENT, OTHER_AGENT, *NAMES):
                self.assertNotIn(secret, text, "the bus asks nobody's rights")

    def test_all_at_once_are_about_to_be_rung(self):
        decision = self.decide(ring=self.both, strategy="PARALLEL")
        sent = self.sent(lambda: self.company._ccp_announce([decision]))
        self.assertEqual(
            [(panel["at_once"], panel["message"]) for _user, panel in sent],
            [
                (True, "About to ring you and Ravi Rep"),
                (True, "About to ring Asha Rep and you"),
            ],
        )
        self.take_in()
        shown = self.shown(self.other_rep)
        self.assertTrue(shown["id"])
        self.assertEqual(
            (shown["at_once"], shown["message"]), (True, "About to ring Asha Rep and you")
        )

    def test_who_calls_is_read_at_once(self):
        decision = self.decide(ring=self.both)
        shown = self.shown()
        self.assertEqual((shown["id"], shown["decision"]), (False, decision.id))
        self.assertEqual((shown["customer"], shown["known"]), ("Priya Sharma", True))
        self.assertEqual(shown["reason_text"], "You own Autumn collection")
        self.assertEqual((shown["res_model"], shown["res_id"]), ("crm.lead", self.lead.id))
        self.assertEqual(shown["record_name"], "Autumn collection")
        self.assertEqual(
            [(each["model"], each["id"]) for each in shown["candidates"]],
            [("res.partner", self.partner.id)],
        )
        self.assertEqual(
            self.shown(self.other_rep)["reason_text"], "Asha Rep owns Autumn collection"
        )
        self.assertIsNone(self.shown(self.manager), "it does not ring the manager")
        self.assertNotIn(CUSTOMER, str(shown))

    def test_a_decision_that_no_call_followed_is_not_shown_for_ever(self):
        decision = self.decide()
        self.assertTrue(self.shown())
        passed = fields.Datetime.now() - DECISION_LIFE - timedelta(seconds=1)
        again = route.Decision.of_dict({**decision.as_dict(), "id": "0" * 32})
        self.env.flush_all()
        self.env["ccp.call.event"].search([("kind", "=", "decision")]).unlink()
        with self.registry.cursor() as cr:
            route_store.store(cr, self.company.id, again, received_at=passed)
        self.assertIsNone(self.shown())

    def test_what_is_no_decision_is_none(self):
        for payload in (False, "", "[]", "{", "null", '{"decision": 1}', "[" * 100000):
            self.assertIsNone(_read_decision(payload), payload)

    def test_the_call_before_is_told(self):
        self.make_call(state="ended", result="connected", customer_number=CUSTOMER)
        self.decide()
        self.assertEqual(self.shown()["last"]["result"], "Connected")

    # While it rings

    def test_it_follows_the_reports(self):
        decision = self.decide(ring=self.both)
        self.take_in()
        call = self.the_call()
        shown = self.shown()
        self.assertEqual((shown["id"], shown["decision"]), (call.id, decision.id))
        self.assertEqual(shown["message"], "Your phone is about to ring")
        self.follow(self.live_event("Ringing", 4))
        self.assertEqual(self.shown()["message"], "Your phone is ringing (1 of 2)")
        self.assertEqual(self.shown(self.other_rep)["message"], "Ringing Asha Rep (1 of 2)")
        self.follow(self.live_event("No Answer", 14))
        self.follow(self.live_event("Ringing", 16, agent=OTHER_AGENT))
        self.assertEqual(self.shown()["message"], "Ringing Ravi Rep (2 of 2); you did not pick up")
        self.assertEqual(self.shown(self.other_rep)["message"], "Your phone is ringing (2 of 2)")
        self.assertEqual([each["state"] for each in self.shown()["ringing"]], ["missed", "rings"])
        self.follow(self.live_event("Answer", 20, agent=OTHER_AGENT))
        self.assertIsNone(self.shown(), "after a reload nobody needs to know")
        (hers,) = self.state(self.rep, None, [call.id])["incoming"]
        self.assertEqual((hers["message"], hers["mine"]), ("Ravi Rep took the call", False))
        his = self.shown(self.other_rep)
        self.assertEqual((his["message"], his["mine"]), ("You are talking", True))
        self.assertEqual(self.state(self.other_rep)["call"]["id"], call.id)
        self.assertFalse(self.state()["call"])

    def test_two_at_once(self):
        self.decide(ring=self.both, strategy="PARALLEL")
        self.follow(self.live_event("Ringing", 4), self.live_event("Ringing", 4, agent=OTHER_AGENT))
        self.assertEqual(self.shown()["message"], "Ringing you and Ravi Rep")
        self.assertEqual(self.shown(self.other_rep)["message"], "Ringing Asha Rep and you")

    def test_every_change_is_sent_to_all_whom_it_rings(self):
        self.decide(ring=self.both)
        self.take_in()
        sent = self.sent(lambda: self.follow(self.live_event("Ringing", 4)))
        self.assertEqual({user for user, _panel in sent}, {self.rep, self.other_rep})
        sent = self.sent(lambda: self.follow(self.live_event("Answer", 9)))
        by_user = dict(sent)
        self.assertTrue(by_user[self.rep]["mine"])
        self.assertIn("note", by_user[self.rep])
        self.assertFalse(by_user[self.other_rep]["mine"])
        self.assertNotIn("note", by_user[self.other_rep], "a colleague's note")
        for _user, panel in sent:
            for secret in (CUSTOMER, *NAMES):
                self.assertNotIn(secret, str(panel))

    def test_how_it_ended(self):
        call = self.ringing_call()
        self.follow(self.customers_end(12))
        self.assertIsNone(self.shown(), "it rings no more")
        told = self.state(self.rep, None, [call.id])["incoming"]
        self.assertEqual(
            [each["message"] for each in told], ["The customer hung up before anybody picked up"]
        )

    def test_missed(self):
        self.decide()
        self.take_in()
        call = self.the_call()
        self.follow(self.missed_cdr())
        told = self.state(self.rep, None, [call.id])["incoming"]
        self.assertEqual([each["message"] for each in told], ["You missed this call"])
        self.assertEqual(
            self.state(self.manager, None, [call.id])["incoming"], [], "not the manager's"
        )

    def test_what_a_browser_names(self):
        outgoing = self.make_call(state="ended", result="connected")
        for named in ([outgoing.id], ["x", None, -1, 2**40], "x", {"a": 1}, [[1]], 7):
            self.assertEqual(self.state(self.rep, None, named)["incoming"], [])

    def test_whoever_left_is_rung_no_more(self):
        call = self.ringing_call()
        self.other_rep.active = False
        self.assertEqual([each["name"] for each in self.shown()["ringing"]], ["Asha Rep"])
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self.other_rep.write(
            {"active": True, "company_ids": [(6, 0, company.ids)], "company_id": company.id}
        )
        self.assertEqual([each["name"] for each in self.shown()["ringing"]], ["Asha Rep"])
        self.assertEqual(self.state(self.other_rep, None, [call.id])["incoming"], [])

    def test_where_nobody_can_call_nothing_is_read(self):
        self.number.active = False
        state = self.state()
        self.assertEqual(
            [state[name] for name in ("incoming", "takes_calls", "away_until", "callbacks")],
            [[], False, False, 0],
        )

    # Rights

    def test_nothing_of_a_record_that_one_may_not_see(self):
        lead = self.env["crm.lead"].create(
            {"name": "Secret plan", "contact_name": "Hidden Person", "phone": f"+91 {STRANGER}"}
        )
        lead.user_id = self.manager
        newcomer = new_test_user(
            self.env,
            "newcomer",
            "base.group_user,sales_team.group_sale_salesman,airtel_ccp.group_ccp_user",
            ccp_phone="7000000977",
        )
        ring = [(newcomer, "7000000977"), (self.rep, AGENT)]
        self.decide(ring=ring, customer=STRANGER, about=route.About("crm.lead", lead.id, lead.name))
        for taken_in in (False, True):
            if taken_in:
                self.take_in()
            shown = self.shown(newcomer)
            self.assertEqual((shown["customer"], shown["known"]), ("", True))
            self.assertFalse(shown["can_open"])
            self.assertEqual(shown["candidates"], [])
            self.assertEqual(shown["reason_text"], "You own a record of the customer")
            for secret in ("Secret", "Hidden", STRANGER):
                self.assertNotIn(secret, str(shown))
            self.assertIn("Hidden Person", str(self.shown(self.rep)))
        with self.assertRaises(AccessError):
            self.env["ccp.panel"].with_user(newcomer).choose_record(
                self.the_call().id, "crm.lead", lead.id
            )

    def test_who_may_do_what(self):
        call = self.ringing_call()
        methods = {
            "choose_record": (call.id, "res.partner", self.partner.id),
            "find_records": (call.id, "priya"),
            "new_contact": (call.id,),
            "new_lead": (call.id,),
        }
        for name, arguments in methods.items():
            for user in (self.plain_user, self.portal_user):
                with self.subTest(method=name, user=user.login), self.assertRaises(AccessError):
                    getattr(self.env["ccp.panel"].with_user(user), name)(*arguments)
        third = new_test_user(
            self.env, "third", "base.group_user,airtel_ccp.group_ccp_user", ccp_phone="7000000978"
        )
        self.follow(self.live_event("Answer", 9))
        for name, arguments in methods.items():
            for user in (third, self.other_rep):
                with self.subTest(method=name, user=user.login), self.assertRaises(AccessError):
                    getattr(self.env["ccp.panel"].with_user(user), name)(*arguments)

    # The panel's own place

    def test_an_outgoing_call_comes_first_unless_the_other_is_opened(self):
        self.decide()
        self.follow(self.live_event("Answer", 9))
        call = self.the_call()
        self.assertEqual(self.state()["call"]["id"], call.id)
        outgoing = self.make_call()
        self.assertEqual(self.state()["call"]["id"], outgoing.id)
        self.assertEqual(self.state(self.rep, call.id)["call"]["id"], call.id)
        outgoing.write({"state": "ended", "result": "connected", "live": False})
        self.assertEqual(self.state()["call"]["id"], call.id)
        self.assertEqual(self.state(self.rep, outgoing.id)["call"]["id"], outgoing.id)

    def test_note_and_outcome_as_of_a_call_that_was_made(self):
        self.decide()
        self.follow(self.live_event("Answer", 9), self.full_cdr())
        call = self.the_call()
        shown = self.state()["call"]
        self.assertEqual((shown["id"], shown["mine"]), (call.id, True))
        self.assertEqual(
            (shown["customer"], shown["message"]), ("Priya Sharma", "The call is over")
        )
        panel = self.env["ccp.panel"].with_user(self.rep)
        outcome = self.env.ref("airtel_ccp.ccp_call_outcome_interested")
        self.assertTrue(panel.save_note(call.id, "Wants linen", "")["saved"])
        self.assertEqual(panel.save_outcome(call.id, outcome.id)["outcome_id"], outcome.id)
        self.assertTrue(panel.follow_up(call.id, "tomorrow")["sentence"])
        self.assertEqual((call.note, call.outcome_id), ("Wants linen", outcome))
        panel.dismiss(call.id)
        self.assertFalse(self.state()["call"])


@tagged("post_install", "-at_install")
class TestUnknownCaller(PanelCase):
    """To whom a call belongs is said while it rings, and kept."""

    def unknown_call(self):
        return self.ringing_call(customer=STRANGER, about=None, reason="team")

    def live_event(self, *arguments, **values):
        event = super().live_event(*arguments, **values)
        event["metaData"] = {**event["metaData"], "displayCli": self.customer}
        return event

    customer = CUSTOMER

    def setUp(self):
        super().setUp()
        self.panel = self.env["ccp.panel"].with_user(self.rep)

    def test_new_lead(self):
        self.customer = STRANGER
        source = self.env["utm.source"].create({"name": "Newspaper"})
        self.number.source_id = source
        call = self.unknown_call()
        shown = self.shown()
        self.assertEqual((shown["customer"], shown["known"], shown["can_open"]), ("", False, False))
        made = self.panel.new_lead(call.id)
        lead = self.env["crm.lead"].browse(made["res_id"])
        self.assertEqual((made["res_model"], call.res_id), ("crm.lead", lead.id))
        self.assertEqual((call.lead_id, call.team_id), (lead, self.team))
        self.assertEqual((lead.user_id, lead.source_id), (self.rep, source))
        self.assertEqual(lead.phone.replace(" ", ""), f"+91{STRANGER}")
        self.assertEqual(
            call.change_ids.mapped(lambda each: (each.kind, each.user_id)), [("record", self.rep)]
        )
        self.assertTrue(self.shown()["can_open"])
        with self.assertRaises(UserError):
            self.panel.new_lead(call.id)
        with self.assertRaises(UserError):
            self.panel.new_contact(call.id)

    def test_new_contact(self):
        self.customer = STRANGER
        call = self.unknown_call()
        made = self.panel.new_contact(call.id)
        contact = self.env["res.partner"].browse(made["res_id"])
        self.assertEqual((call.res_model, call.partner_id), ("res.partner", contact))
        self.assertEqual(contact.phone.replace(" ", ""), f"+91{STRANGER}")

    def test_no_right_to_make_one(self):
        self.customer = STRANGER
        newcomer = new_test_user(
            self.env,
            "newcomer",
            "base.group_user,airtel_ccp.group_ccp_user",
            ccp_phone="7000000977",
        )
        self.decide(ring=[(newcomer, "7000000977")], customer=STRANGER, about=None, reason="team")
        self.take_in()
        panel = self.env["ccp.panel"].with_user(newcomer)
        for method in (panel.new_lead, panel.new_contact):
            with self.assertRaisesRegex(AccessError, "You may not create such a record"):
                method(self.the_call().id)

    def test_another_record_while_it_rings(self):
        call = self.ringing_call()
        other = self.env["crm.lead"].create(
            {"name": "Spare parts", "partner_id": self.partner.id, "user_id": self.rep.id}
        )
        team = call.team_id
        self.assertTrue(self.panel.choose_record(call.id, "crm.lead", other.id))
        self.assertEqual((call.res_id, call.lead_id, call.team_id), (other.id, other, team))
        change = call.change_ids
        self.assertEqual(
            (change.kind, change.before, change.after),
            ("record", "Autumn collection", "Spare parts"),
        )
        self.assertEqual(len(self.cards(other)), 1)
        self.assertFalse(self.cards(self.lead))
        # What the reports say later changes nothing of it
        self.follow(self.live_event("Answer", 9), self.full_cdr())
        self.assertEqual(call.res_id, other.id)

    def test_foreign_and_wrong_ids(self):
        call = self.ringing_call()
        company = self.env["res.company"].create({"name": "Elsewhere"})
        foreign = self.env["crm.lead"].create({"name": "Foreign", "company_id": company.id})
        for model, record_id in (
            ("crm.lead", foreign.id),
            ("crm.lead", 2**40),
            ("crm.lead", "1"),
            ("crm.lead", None),
            ("res.users", self.rep.id),
            ("no.model", 1),
            (None, 1),
            ([], []),
        ):
            with self.subTest(model=model, id=record_id), self.assertRaises(UserError):
                self.panel.choose_record(call.id, model, record_id)
        self.assertEqual(call.res_id, self.lead.id)
        outgoing = self.make_call()
        with self.assertRaises(UserError):
            self.panel.choose_record(outgoing.id, "crm.lead", self.lead.id)
        with self.assertRaises(UserError):
            self.panel.choose_record(2**30, "crm.lead", self.lead.id)

    def test_find(self):
        call = self.ringing_call()
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self.env["res.partner"].create({"name": "Priya Foreign", "company_id": company.id})
        found = self.panel.find_records(call.id, "priya")
        self.assertIn(
            ("res.partner", self.partner.id), [(each["model"], each["id"]) for each in found]
        )
        self.assertNotIn("Priya Foreign", str(found))
        for text in ("", " p ", None, 7, ["priya"], "x" * 5000):
            self.assertEqual(self.panel.find_records(call.id, text), [], text)


@tagged("post_install", "-at_install")
class TestAwayAndPush(PanelCase):
    """Being away, call-backs, and notices on devices."""

    def test_away(self):
        panel = self.env["ccp.panel"].with_user(self.rep)
        until = panel.set_away(30)
        self.assertEqual(self.state()["away_until"], until)
        self.assertFalse(self.state(self.other_rep)["away_until"])
        self.assertFalse(panel.set_away(0))
        self.assertFalse(self.state()["away_until"])
        for minutes in (-1, 10**9, "soon", None, True, 1.5):
            with self.subTest(minutes=minutes), self.assertRaises(UserError):
                panel.set_away(minutes)
        with self.assertRaises(AccessError):
            self.env["ccp.panel"].with_user(self.plain_user).set_away(30)

    def test_call_backs_are_counted(self):
        self.assertEqual(self.state()["callbacks"], 0)
        with patch.object(type(self.env["ccp.call"]), "_callback_count", return_value=3):
            self.assertEqual(self.state()["callbacks"], 3)

    def device(self, user):
        return self.env["mail.push.device"].create(
            {
                "partner_id": user.partner_id.id,
                "endpoint": f"https://push.invalid/{user.id}",
                "keys": "{}",
            }
        )

    def pushed(self):
        """Return what waits to be pushed, by device."""
        return {
            each.mail_push_device_id: json.loads(each.payload)
            for each in self.env["mail.push"].search([], order="id")
        }

    def test_devices_are_notified(self):
        device = self.device(self.rep)
        self.device(self.manager)
        decision = self.decide(ring=self.both)
        self.company._ccp_announce([decision])
        pushed = self.pushed()
        self.assertEqual(set(pushed), {device}, "only whom it rings")
        notice = pushed[device]
        self.assertEqual(notice["title"], "Priya Sharma")
        self.assertEqual(
            notice["options"]["body"], "Your phone is about to ring\nYou own Autumn collection"
        )
        self.assertEqual(notice["options"]["tag"], decision.id)
        self.assertEqual(
            notice["options"]["data"],
            {"type": "CALL", "model": "crm.lead", "res_id": self.lead.id},
        )
        self.assertNotIn(CUSTOMER, str(notice))
        self.env["mail.push"].search([]).unlink()
        self.take_in()
        self.follow(self.live_event("Ringing", 4))
        self.assertFalse(self.pushed(), "one notice for a call")
        self.follow(self.live_event("Answer", 9, agent=OTHER_AGENT))
        options = self.pushed()[device]["options"]
        self.assertEqual((options["tag"], options["data"]["type"]), (decision.id, "CANCEL"))

    def test_a_device_says_nothing_of_hidden_records(self):
        lead = self.env["crm.lead"].create({"name": "Secret plan", "phone": f"+91 {STRANGER}"})
        lead.user_id = self.manager
        newcomer = new_test_user(
            self.env,
            "newcomer",
            "base.group_user,sales_team.group_sale_salesman,airtel_ccp.group_ccp_user",
            ccp_phone="7000000977",
        )
        device = self.device(newcomer)
        about = route.About("crm.lead", lead.id, lead.name)
        decision = self.decide(ring=[(newcomer, "7000000977")], customer=STRANGER, about=about)
        self.company._ccp_announce([decision])
        notice = self.pushed()[device]
        self.assertNotIn("Secret", str(notice))
        self.assertEqual(notice["options"]["data"]["res_id"], "")
