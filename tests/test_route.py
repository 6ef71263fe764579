import base64
import json
import re
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import psycopg2
from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from ..ccp.airtel.routing import Question
from ..ccp.call import route as rules
from ..ccp.safe.decisions import Decisions
from ..ccp.safe.spool import Spool
from ..controllers import intake, route
from ..models import route_disk
from ..models.spool import make_token, root
from .common import AGENT, CONNECTS, OTHER_AGENT, CcpCase

AIRTEL, OTHER_AIRTEL = "8000000009", "8000000008"
DESK, CLOSED_DESK = "7000000990", "7000000991"
STRANGER = "7000000777"
SECRET = "s3cret-of-the-route"


class RoutingCase(CcpCase):
    """A company with an Airtel number that customers call, and a team of both reps."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        # Whatever the hour at which tests run
        cls.company.resource_calendar_id = False
        cls.team = cls.env["crm.team"].create(
            {"name": "Front", "member_ids": [Command.set([cls.rep.id, cls.other_rep.id])]}
        )
        cls.number = cls.env["ccp.call.flow"].create(
            {
                "name": "Hotline",
                "code": "IN",
                "call_type": "INBOUND",
                "caller_number": AIRTEL,
                "desk_number": DESK,
                "closed_number": CLOSED_DESK,
                "ring_team_id": cls.team.id,
            }
        )

    def decide(self, customer=CONNECTS, airtel_number=AIRTEL, digit="", **values):
        """Return whom a call is put through to, without HTTP."""
        self.env.flush_all()
        question = Question(customer, airtel_number, digit)
        return self.company._ccp_route(question, **{"is_kept": False, **values})

    def rung(self, **values):
        """Return reason and users of a decision."""
        decision = self.decide(**values).decision
        return decision.reason, [each.user_id for each in decision.ring]

    def hours(self, *hours, name="Hours"):
        """Return a calendar that is open on each day in these hours, in UTC."""
        return self.env["resource.calendar"].create(
            {
                "name": name,
                "tz": "UTC",
                "attendance_ids": [Command.clear()]
                + [
                    Command.create(
                        {
                            "name": "open",
                            "dayofweek": str(day),
                            "hour_from": start,
                            "hour_to": end,
                            "day_period": "morning",
                        }
                    )
                    for day in range(7)
                    for start, end in hours
                ],
            }
        )


@tagged("post_install", "-at_install")
class TestWhoRings(RoutingCase):
    """The order of the rules, over real records."""

    def test_the_owner_of_the_open_lead(self):
        routed = self.decide()
        self.assertEqual(routed.decision.reason, "record_owner")
        (ring,) = routed.decision.ring
        self.assertEqual((ring.user_id, ring.number, ring.name), (self.rep.id, AGENT, "Asha Rep"))
        about = routed.decision.about
        self.assertEqual(
            (about.res_model, about.res_id, about.name),
            ("crm.lead", self.lead.id, "Autumn collection"),
        )
        self.assertEqual(routed.decision.flow_id, self.number.id)
        self.assertEqual(routed.decision.team_id, self.team.id)

    def test_a_lead_is_found_by_its_own_number_and_by_its_contacts(self):
        self.partner.phone = False
        self.assertEqual(self.rung(), ("record_owner", self.rep.ids))
        self.partner.phone = "098765 43210"
        self.assertEqual(self.rung(customer="9876543210"), ("record_owner", self.rep.ids))

    def test_a_lead_that_is_over_or_anothers_is_left_out(self):
        self.lead.partner_id = False
        self.partner.user_id = self.other_rep
        salesperson = ("salesperson", self.other_rep.ids)
        stage = self.env["crm.stage"].create({"name": "Won", "is_won": True})
        for values in (
            {"stage_id": stage.id},
            {"active": False},
            {"user_id": False},
        ):
            kept = {name: self.lead[name] for name in values}
            self.lead.write(values)
            with self.subTest(values=values):
                self.assertEqual(self.rung(), salesperson)
            self.lead.write({name: getattr(value, "id", value) for name, value in kept.items()})

    def test_the_salesperson_and_that_of_the_contacts_company(self):
        self.lead.active = False
        self.partner.user_id = self.other_rep
        self.assertEqual(self.rung(), ("salesperson", self.other_rep.ids))
        parent = self.env["res.partner"].create(
            {"name": "Acme", "is_company": True, "user_id": self.rep.id}
        )
        self.partner.write({"user_id": False, "parent_id": parent.id})
        self.assertEqual(self.rung(), ("salesperson", self.rep.ids))

    def test_who_spoke_with_the_customer_last(self):
        self.lead.active = False
        for user, minutes in ((self.other_rep, 200), (self.rep, 300)):
            self.make_call(
                user_id=user.id,
                result="connected",
                live=False,
                start_date=fields.Datetime.now() - timedelta(minutes=minutes),
            )
        self.assertEqual(self.rung(), ("last_agent", self.other_rep.ids))
        self.number.ring_last_agent = False
        self.assertEqual(self.rung()[0], "team")

    def test_whose_call_was_missed_just_now(self):
        call = self.make_call(user_id=self.other_rep.id, result="customer_no_answer", live=False)
        self.assertEqual(self.rung(), ("missed_agent", self.other_rep.ids))
        call.start_date = fields.Datetime.now() - timedelta(minutes=31)
        self.assertEqual(self.rung(), ("record_owner", self.rep.ids))

    def test_the_team_and_the_digit(self):
        self.assertEqual(self.rung(customer=STRANGER)[0], "team")
        service = self.env["crm.team"].create(
            {"name": "Service", "member_ids": [Command.set(self.other_rep.ids)]}
        )
        self.number.menu_ids = [Command.create({"digit": "2", "team_id": service.id})]
        self.assertEqual(self.rung(customer=STRANGER, digit="2"), ("menu_team", self.other_rep.ids))
        # The owner comes before the digit's team
        self.assertEqual(self.rung(digit="2"), ("record_owner", self.rep.ids))

    def test_nobody_is_there(self):
        self.number.ring_team_id = False
        decision = self.decide(customer=STRANGER).decision
        self.assertEqual((decision.reason, decision.ring, decision.desk), ("desk", (), DESK))

    def test_who_is_skipped(self):
        absent = {
            "away": lambda: self.rep.sudo().write(
                {"ccp_away_until": fields.Datetime.now() + timedelta(hours=1)}
            ),
            "phone": lambda: self.rep.sudo().write({"ccp_phone": False}),
            "busy": lambda: self.make_call(),
            "gone": lambda: self.rep.sudo().write({"active": False}),
        }
        for obstacle, leave in absent.items():
            with self.subTest(obstacle=obstacle), self.undone():
                leave()
                routed = self.decide()
                self.assertEqual(routed.steps[0].obstacle, obstacle)
                self.assertEqual(
                    (routed.decision.reason, routed.decision.ring[0].user_id),
                    ("team", self.other_rep.id),
                )

    @contextmanager
    def undone(self):
        """Undo what a block changes."""
        savepoint = self.env.cr.savepoint()
        yield
        self.env.flush_all()
        savepoint.rollback()
        savepoint.close(rollback=False)
        self.env.invalidate_all(flush=False)

    def test_an_absence_that_is_over(self):
        self.rep.sudo().ccp_away_until = fields.Datetime.now() - timedelta(seconds=1)
        self.assertEqual(self.rung(), ("record_owner", self.rep.ids))

    def test_working_hours_and_leave(self):
        self.company.resource_calendar_id = self.hours((9, 17))
        with freeze_time("2026-03-04 12:00:00"):
            self.assertEqual(self.rung(), ("record_owner", self.rep.ids))
        with freeze_time("2026-03-04 18:00:00"):
            routed = self.decide()
            self.assertEqual(routed.decision.reason, "desk")
            self.assertEqual({each.obstacle for each in routed.steps}, {"hours"})
            # One's own hours count before the company's
            self.env["resource.resource"].create(
                {
                    "name": "Ravi",
                    "user_id": self.other_rep.id,
                    "company_id": self.company.id,
                    "calendar_id": self.hours((17, 20), name="Evening").id,
                    "tz": "UTC",
                }
            )
            self.assertEqual(self.rung(), ("team", self.other_rep.ids))

    def test_a_leave(self):
        calendar = self.hours((0, 24))
        resource = self.env["resource.resource"].create(
            {
                "name": "Asha",
                "user_id": self.rep.id,
                "company_id": self.company.id,
                "calendar_id": calendar.id,
                "tz": "UTC",
            }
        )
        self.assertEqual(self.rung(), ("record_owner", self.rep.ids))
        now = fields.Datetime.now()
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": calendar.id,
                "resource_id": resource.id,
                "date_from": now - timedelta(days=1),
                "date_to": now + timedelta(days=1),
            }
        )
        self.assertEqual(self.rung(), ("team", self.other_rep.ids))

    def test_outside_the_opening_hours(self):
        self.number.calendar_id = self.hours((9, 17))
        with freeze_time("2026-03-04 12:00:00"):
            self.assertEqual(self.rung()[0], "record_owner")
        with freeze_time("2026-03-04 18:00:00"):
            decision = self.decide().decision
            self.assertEqual((decision.reason, decision.desk), ("closed", CLOSED_DESK))
            self.number.closed_number = False
            self.assertEqual(self.decide().decision.desk, DESK)

    def test_blacklisted_callers(self):
        self.env["phone.blacklist"].create({"number": f"+91{CONNECTS}"})
        self.assertEqual(self.rung(), ("blocked", []))
        self.number.blocked_policy = "ring"
        self.assertEqual(self.rung(), ("record_owner", self.rep.ids))

    def test_callers_who_are_agents_or_ourselves(self):
        self.lead.phone = AGENT
        reason, users = self.rung(customer=AGENT)
        self.assertEqual((reason, users), ("team", self.other_rep.ids))
        for customer in ("", AIRTEL, "14155550100", "9" * 15):
            decision = self.decide(customer=customer).decision
            self.assertTrue(decision.participants())

    def test_exchanged_numbers(self):
        decision = self.decide(customer=AIRTEL, airtel_number=CONNECTS).decision
        self.assertEqual((decision.customer, decision.airtel_number), (CONNECTS, AIRTEL))
        self.assertEqual(decision.ring[0].user_id, self.rep.id)

    def test_an_unknown_number_and_none(self):
        decision = self.decide(airtel_number="8000000777").decision
        self.assertEqual((decision.reason, decision.desk), ("unknown_number", DESK))
        # The only number needs no name
        self.assertEqual(self.rung(airtel_number=""), ("record_owner", self.rep.ids))
        decision = self.decide(customer="", airtel_number="").decision
        self.assertEqual((decision.reason, decision.desk), ("unreadable", DESK))

    def test_without_any_number_the_companys_own_phone_rings(self):
        self.number.active = False
        self.company.phone = "+91 70000 00992"
        self.assertEqual(self.decide().decision.desk, "7000000992")
        self.company.phone = False
        self.assertIsNone(self.decide().decision)

    def test_another_companys_records_and_people_ring_nobody(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.rep.sudo().company_ids = [Command.link(other.id)]
        self.lead.company_id = other
        self.partner.write({"company_id": other.id, "user_id": self.rep.id})
        self.assertEqual(self.rung()[0], "team")
        (self.partner | self.partner.commercial_partner_id).company_id = False
        self.lead.company_id = False
        self.rep.sudo().write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        self.assertEqual(self.rung(), ("team", self.other_rep.ids))

    def test_several_phones(self):
        self.number.ring_strategy = "SEQUENTIAL"
        decision = self.decide().decision
        self.assertEqual(
            [number for _name, number in decision.participants()], [AGENT, OTHER_AGENT, DESK]
        )

    def test_candidates_for_the_panel(self):
        self.partner.user_id = self.other_rep
        found = self.env["ccp.call"]._route_candidates(self.company, f"+91 {CONNECTS}")
        self.assertEqual(
            [(each["model"], each["id"], each["user_id"], each["reason"]) for each in found],
            [
                ("crm.lead", self.lead.id, self.rep.id, "record_owner"),
                ("res.partner", self.partner.id, self.other_rep.id, "salesperson"),
            ],
        )
        for number in ("", "12345", False):
            self.assertEqual(self.env["ccp.call"]._route_candidates(self.company, number), [])


@tagged("post_install", "-at_install")
class TestAway(RoutingCase):
    """The switch with which agents say that they are away."""

    def test_one_says_so_oneself(self):
        users = self.env["res.users"].with_user(self.rep)
        answer = users.ccp_set_away(30)
        until = self.rep.sudo().ccp_away_until
        self.assertAlmostEqual(
            until, fields.Datetime.now() + timedelta(minutes=30), delta=timedelta(seconds=5)
        )
        self.assertEqual(answer["away_until"], self.rep._ccp_away_milliseconds())
        self.assertEqual(self.rung(), ("team", self.other_rep.ids))
        self.assertEqual(users.ccp_set_away(0), {"away_until": False})
        self.assertEqual(self.rung(), ("record_owner", self.rep.ids))

    def test_what_is_no_time_is_refused(self):
        users = self.env["res.users"].with_user(self.rep)
        for minutes in (-1, "30", None, True, 10**9, [5]):
            with self.subTest(minutes=minutes), self.assertRaises(ValidationError):
                users.ccp_set_away(minutes)

    def test_who_does_not_call_is_refused(self):
        with self.assertRaises(AccessError):
            self.env["res.users"].with_user(self.plain_user).ccp_set_away(5)


class RouteCase(RoutingCase, HttpCase):
    """Asks the real routing URL of a real HTTP server."""

    def setUp(self):
        super().setUp()
        # Several processes of tests have filters, and tokens from the database they were copied of
        self.startPatcher(patch.dict(intake.config.options, {"dbfilter": ""}))
        self.startPatcher(patch.object(route, "PATIENCE_SECONDS", 30))
        self.startPatcher(patch.dict(route._presences, clear=True))
        self.startPatcher(patch.dict(route_disk._remembered, clear=True))
        self.company.ccp_route_token = make_token(self.env)
        self.env.flush_all()
        self.disk = Decisions(root() / self.env.cr.dbname)
        self.addCleanup(self.forget_decisions)

    def forget_decisions(self):
        for name in self.disk.waiting():
            self.disk.remove(name)

    @property
    def url(self):
        return f"/airtel_ccp/route/{self.company.ccp_route_token}"

    def ask(self, body=None, url=None, method="POST", customer=CONNECTS, **headers):
        """Ask as Airtel does, and return the answer."""
        if body is None:
            body = {"callingParticipant": customer, "callerId": AIRTEL}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.env.flush_all()
        answer = self.url_open(
            url or self.url,
            data=data if method == "POST" else None,
            headers={"Content-Type": "application/json", **headers},
            method=method,
        )
        self.env.invalidate_all()
        return answer

    def phones(self, answer):
        """Return the phones that an answer has rung."""
        self.assertEqual(answer.status_code, 200)
        rung = answer.json()["client_add_participant"]["participants"]
        return [each["participantAddress"] for each in rung]

    def decisions(self):
        """Return the decisions that are stored, in order."""
        self.env.cr.execute(
            "SELECT payload FROM ccp_call_event WHERE kind = 'decision' ORDER BY id"
        )
        return [rules.Decision.of_dict(json.loads(row[0])) for row in self.env.cr.fetchall()]

    @contextmanager
    def by_the_route(self):
        with patch.object(intake, "others", []):
            yield

    def both(self, act):
        """Return what an act returns for each way to the answer."""
        taken = []
        begin = intake.begin_request

        def note(*arguments):
            taken.append(arguments)
            begin(*arguments)

        with patch.object(intake, "begin_request", note):
            results = [act()]
            self.assertTrue(taken, "it was left to the route")
            self.env.cr.execute("DELETE FROM ccp_call_event")
            taken.clear()
            with self.by_the_route():
                results.append(act())
            self.assertFalse(taken)
        self.env.cr.execute("DELETE FROM ccp_call_event")
        return results


@tagged("post_install", "-at_install")
class TestRoute(RouteCase):
    """The routing URL: who may ask, in which forms, and what is kept."""

    def test_the_answer_and_what_is_kept(self):
        def asked():
            answer = self.ask()
            self.assertEqual(self.phones(answer), [AGENT])
            (participant,) = answer.json()["client_add_participant"]["participants"]
            self.assertEqual(participant["callerId"], AIRTEL)
            self.assertEqual(participant["participantName"], "AshaRep")
            self.assertIn("application/json", answer.headers["Content-Type"])
            (decision,) = self.decisions()
            event = self.env["ccp.call.event"].search([("kind", "=", "decision")])
            self.assertEqual(event.company_id, self.company)
            self.assertFalse(event.call_id)
            self.assertEqual(decision.way, "database")
            return answer.json()

        self.assertEqual(*self.both(asked))

    def test_every_form(self):
        query = f"callingParticipant={CONNECTS}&callerId={AIRTEL}"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for act in (
            lambda: self.ask(url=f"{self.url}?{query}", method="GET"),
            lambda: self.ask(url=f"{self.url}?{query}&dialKey=2", method="GET"),
            lambda: self.ask(query.encode(), **form),
            lambda: self.ask(b"", url=f"{self.url}?{query}"),
            lambda: self.ask({"callingParticipant": AIRTEL, "callerId": CONNECTS}),
            lambda: self.ask({"callingParticipant": f"+91{CONNECTS}", "callerId": f"0{AIRTEL}"}),
        ):
            first, second = self.both(lambda act=act: self.phones(act()))
            self.assertEqual(first, [AGENT])
            self.assertEqual(first, second)

    def test_what_cannot_be_read_goes_to_the_desk(self):
        for body in (b"", b"{", b"nonsense", b"[]", b"\0\xff", b"[" * 60_000):
            with self.subTest(body=body[:10]):
                first, second = self.both(lambda body=body: self.phones(self.ask(body)))
                self.assertEqual((first, second), ([DESK], [DESK]))

    def test_odoo_fails_before_the_route_begins(self):
        """The database goes away while the session is opened: the caller is put through."""
        self.assertEqual(self.phones(self.ask()), [AGENT])
        errors = (psycopg2.DatabaseError, psycopg2.InterfaceError, intake.http.RegistryError)
        for error in errors:
            with (
                self.subTest(error.__name__),
                self.by_the_route(),
                patch.object(intake.http.Request, "_serve_db", side_effect=error),
                self.assertLogs("odoo.http", "WARNING"),
            ):
                self.assertEqual(self.phones(self.ask(customer=STRANGER)), [DESK])
                self.assertIn(self.ask(url="/airtel_ccp/route/x").status_code, (404, 500, 503))

    def test_too_large(self):
        for size in (intake.MAX_BODY_BYTES + 1, 1_000_000):
            statuses = self.both(lambda size=size: self.ask(b"x" * size).status_code)
            self.assertEqual(statuses, [413, 413])
        self.assertEqual(self.decisions(), [])

    def test_a_wrong_token(self):
        for token in (make_token(self.env), "x", self.company.ccp_webhook_token):
            url = f"/airtel_ccp/route/{token}"
            statuses = self.both(lambda url=url: self.ask(url=url).status_code)
            self.assertEqual(statuses, [404, 404])

    def test_other_methods_are_odoos(self):
        self.assertEqual(self.ask(method="PUT").status_code, 405)

    def test_the_secret_header(self):
        self.company.write({"ccp_route_header": "dauth", "ccp_route_secret": SECRET})
        for headers, status in (
            ({}, 403),
            ({"dauth": "wrong"}, 403),
            ({"dauth": ""}, 403),
            ({"dauth": f"{SECRET}, {SECRET}"}, 403),
            ({"DAuth": SECRET}, 200),
        ):
            with self.subTest(status=status):
                answers = self.both(lambda headers=headers: self.ask(**headers))
                self.assertEqual([each.status_code for each in answers], [status, status])
                for answer in answers:
                    self.assertEqual(AGENT in answer.text, status == 200)
        refused = route_disk.last_refusal(root() / self.env.cr.dbname, self.company.id)
        self.assertTrue(refused)

    def test_basic(self):
        secret = "airtel:of the route"
        self.company.write({"ccp_route_header": "Authorization", "ccp_route_secret": secret})
        right = base64.b64encode(secret.encode()).decode()
        for value, status in (
            (f"Basic {right}", 200),
            (f"basic {right}", 200),
            (f"Basic {base64.b64encode(b'airtel:x').decode()}", 403),
            ("Basic ???", 403),
            ("Bearer x", 403),
        ):
            statuses = self.both(lambda value=value: self.ask(Authorization=value).status_code)
            self.assertEqual(statuses, [status, status], value[:6])

    def test_a_renewed_token_counts_for_a_day_more(self):
        old = self.url
        self.company._ccp_renew_route_token()
        self.assertNotEqual(self.url, old)
        self.assertEqual(self.phones(self.ask(url=old)), [AGENT])
        self.assertEqual(self.phones(self.ask()), [AGENT])
        (until,) = self.company.ccp_old_route_tokens.values()
        past = fields.Datetime.to_datetime(until) - timedelta(days=2)
        self.company.ccp_old_route_tokens = {
            each: fields.Datetime.to_string(past) for each in self.company.ccp_old_route_tokens
        }
        self.assertEqual(self.ask(url=old).status_code, 404)

    def test_asked_twice_it_says_the_same(self):
        first = self.ask(customer=STRANGER).json()
        for _time in range(4):
            self.assertEqual(self.ask(customer=STRANGER).json(), first)
        (decision,) = self.decisions()
        # Another digit is another question
        self.ask({"callingParticipant": STRANGER, "callerId": AIRTEL, "dialKey": "3"})
        self.assertEqual(len(self.decisions()), 2)
        # A change of the owner too comes with the next call only
        self.rep.sudo().ccp_away_until = fields.Datetime.now() + timedelta(hours=1)
        self.other_rep.sudo().ccp_away_until = fields.Datetime.now() + timedelta(hours=1)
        self.assertEqual(self.ask(customer=STRANGER).json(), first)
        call = self.make_call(live=False, result="connected")
        events = self.env["ccp.call.event"].search([("kind", "=", "decision")], order="id")
        events[0].call_id = call
        self.assertEqual(self.phones(self.ask(customer=STRANGER)), [DESK])
        self.assertNotIn(decision.id, [each.id for each in self.decisions()[2:]])

    def test_who_asks_too_often_disturbs_the_desk_only(self):
        for each in range(rules.FLOOD_COUNT):
            body = {"callingParticipant": CONNECTS, "callerId": f"81000{each:05}"}
            self.assertEqual(self.ask(body).status_code, 200)
        self.assertEqual(self.phones(self.ask()), [DESK])
        self.assertEqual(self.decisions()[-1].reason, "flood")
        self.assertEqual(self.phones(self.ask(customer=STRANGER))[0] in (AGENT, OTHER_AGENT), True)

    def test_the_sets_own_test_keeps_nothing(self):
        self.assertEqual(self.phones(self.ask(**{route.TRY_HEADER: "1"})), [AGENT])
        self.assertEqual(self.decisions(), [])

    def test_a_decision_that_cannot_be_stored_is_kept_on_disk(self):
        error = psycopg2.errors.LockNotAvailable
        with patch.object(route.route_store, "store", side_effect=error):
            self.assertEqual(self.phones(self.ask()), [AGENT])
        self.assertEqual(self.decisions(), [])
        self.assertEqual(len(self.disk.waiting()), 1)
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call.event"]._replay_decisions()
        self.assertEqual([each.reason for each in self.decisions()], ["record_owner"])
        self.assertEqual(self.disk.waiting(), [])


@tagged("post_install", "-at_install")
class TestWithoutDatabase(RouteCase):
    """The table on disk answers as the database would."""

    def setUp(self):
        super().setUp()
        self.folder = self.disk.folder
        self.addCleanup(self.forget)
        self.forget()

    def forget(self):
        route_disk.table_of(self.folder).remove()
        self.forget_decisions()

    def build(self):
        self.env.flush_all()
        self.env["ccp.call"]._cron_build_route_table()

    @contextmanager
    def away(self):
        """Have the database answer nothing."""
        with (
            patch.object(route, "in_database", side_effect=psycopg2.OperationalError("away")),
            patch.object(route, "_probe", side_effect=psycopg2.OperationalError("away")),
            patch.dict(route._presences, clear=True),
        ):
            yield
            for presence in route._presences.values():
                presence._probe = lambda: None

    def on_disk(self, customer=CONNECTS, **values):
        """Return the decision that an answer without the database made."""
        with self.away():
            answer = self.ask(customer=customer, **values)
        self.assertEqual(answer.status_code, 200)
        (decision,) = self.waiting()
        self.assertEqual(answer.json(), decision.answer())
        return decision

    def waiting(self):
        return [rules.Decision.of_dict(self.disk.load(name)[1]) for name in self.disk.waiting()]

    def test_the_owner(self):
        self.build()
        decision = self.on_disk()
        self.assertEqual((decision.way, decision.reason), ("disk", "record_owner"))
        self.assertEqual([each.number for each in decision.ring], [AGENT])
        about = decision.about
        self.assertEqual((about.res_id, about.name), (self.lead.id, ""))

    def test_salesperson_last_agent_team_and_desk(self):
        self.lead.active = False
        self.partner.user_id = self.other_rep
        self.make_call(
            customer_number=STRANGER, user_id=self.rep.id, result="connected", live=False
        )
        self.build()
        for customer, reason in (
            (CONNECTS, "salesperson"),
            (STRANGER, "last_agent"),
            ("7000000666", "team"),
        ):
            decision = self.on_disk(customer)
            self.assertEqual(decision.reason, reason)
            self.disk.remove(self.disk.waiting()[0])
        self.number.ring_team_id = False
        self.build()
        self.assertEqual(self.on_disk("7000000666").desk, DESK)

    def test_what_is_known_of_people_and_hours(self):
        self.rep.sudo().ccp_away_until = fields.Datetime.now() + timedelta(hours=1)
        self.build()
        self.assertEqual(self.on_disk().ring[0].user_id, self.other_rep.id)
        self.forget()
        self.number.calendar_id = self.hours((9, 17))
        with freeze_time("2026-03-04 08:00:00"):
            self.build()
        with freeze_time("2026-03-05 18:00:00"):
            self.assertEqual(self.on_disk().reason, "closed")

    def test_blacklisted_callers(self):
        """By the whole number: a foreign one that ends alike is somebody else's."""
        blacklist = self.env["phone.blacklist"]
        foreign = blacklist.create({"number": "+14155550123"})
        self.env.cr.execute(
            "UPDATE phone_blacklist SET number = %s WHERE id = %s", [f"+1{CONNECTS}", foreign.id]
        )
        self.build()
        self.assertEqual(self.on_disk().reason, "record_owner")
        self.forget()
        blacklist.create({"number": f"+91{CONNECTS}"})
        self.build()
        self.assertEqual(self.on_disk().reason, "blocked")

    def test_it_says_the_same_twice_and_is_taken_in_once(self):
        self.build()
        with self.away():
            first = self.ask().json()
            for _time in range(5):
                self.assertEqual(self.ask().json(), first)
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call.event"]._replay_decisions()
            self.env["ccp.call.event"]._replay_decisions()
        (decision,) = self.decisions()
        self.assertEqual((decision.way, decision.about.name), ("disk", "Autumn collection"))
        self.assertEqual(self.disk.waiting(), [])

    def test_who_may_ask(self):
        self.company.write({"ccp_route_header": "dauth", "ccp_route_secret": SECRET})
        self.build()
        with self.away():
            self.assertEqual(self.ask().status_code, 403)
            self.assertEqual(self.ask(dauth="wrong").status_code, 403)
            self.assertEqual(self.phones(self.ask(dauth=SECRET)), [AGENT])
            # Signed by this database, and no routing URL's
            other = f"/airtel_ccp/route/{make_token(self.env)}"
            self.assertEqual(self.ask(url=other, dauth=SECRET).status_code, 404)
        content = (self.folder / "route.sqlite").read_bytes()
        for secret in (SECRET, CONNECTS, self.company.ccp_route_token):
            self.assertNotIn(secret.encode(), content)

    def test_a_renamed_database_answers_from_its_own_table(self):
        former = Spool(root() / f"{self.env.cr.dbname}-before")
        self.addCleanup(former.remove_all)
        self.company.ccp_route_token = former.make_token()
        self.build()
        name = self.env.cr.dbname
        for dbfilter in ("", f"^{re.escape(name)}$"):
            options = {"db_name": [name], "dbfilter": dbfilter}
            with self.subTest(**options), patch.dict(intake.config.options, options):
                self.assertEqual(self.on_disk().reason, "record_owner")
                self.forget_decisions()

    def test_without_a_table_the_process_remembers_the_desk(self):
        self.company.write({"ccp_route_header": "dauth", "ccp_route_secret": SECRET})
        with self.away():
            self.assertEqual(self.ask(dauth=SECRET).status_code, 503)
        self.assertEqual(self.phones(self.ask(dauth=SECRET)), [AGENT])
        with self.away():
            self.assertEqual(self.ask().status_code, 403)
            self.assertEqual(self.phones(self.ask(dauth=SECRET, customer=STRANGER)), [DESK])
        (decision,) = self.waiting()
        self.assertEqual((decision.way, decision.reason), ("fallback", "database_away"))

    def test_a_table_that_is_broken_does_no_harm(self):
        self.assertEqual(self.phones(self.ask()), [AGENT])
        self.build()
        for content in ({"companies": [{"tokens": {}}]}, {"companies": 5}, {}):
            key = b"k" * 32
            route_disk.table_of(self.folder).build(key, content, [])
            with self.away():
                self.assertIn(self.ask(customer=STRANGER).status_code, (200, 404))

    def test_no_company_takes_calls_any_more(self):
        self.build()
        self.assertTrue(route_disk.table_of(self.folder).built_at())
        self.number.active = False
        self.build()
        self.assertIsNone(route_disk.table_of(self.folder).built_at())

    def test_an_erased_number_is_on_disk_no_more(self):
        self.build()
        self.on_disk()
        companies = self.company
        events = self.env["ccp.call.event"]
        for number, left in ((STRANGER, 1), (CONNECTS, 0)):
            events._erase_spooled(companies, self.env["ccp.call"], {number})
            self.env.cr.postcommit.run()
            self.assertEqual(len(self.disk.waiting()), left)

    def test_what_is_no_decision_is_put_aside(self):
        self.folder.mkdir(exist_ok=True)
        (self.folder / "0.decision").write_text("{}")
        self.addCleanup((self.folder / "0.nodecision").unlink, missing_ok=True)
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call.event"]._replay_decisions()
        self.assertEqual(self.disk.waiting(), [])
        self.assertTrue((self.folder / "0.nodecision").exists())
