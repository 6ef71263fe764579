import os
import time
from datetime import timedelta
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tests.common import release_test_lock
from odoo.tools import mute_logger

from ..ccp.call import route as rules
from ..models import route_disk, route_store
from ..models.route_words import obstacle_words, outcome_words, reason_words
from ..models.spool import root
from ..wizard import ccp_setup_incoming
from .common import AGENT, CONNECTS
from .test_route import AIRTEL, DESK, OTHER_AIRTEL, SECRET, STRANGER, RouteCase, RoutingCase


@tagged("post_install", "-at_install")
class TestIncomingNumbers(RoutingCase):
    """An INBOUND call flow is an Airtel number that customers call."""

    def make(self, **values):
        return self.env["ccp.call.flow"].create(
            {
                "name": "Second",
                "code": "IN2",
                "call_type": "INBOUND",
                "caller_number": OTHER_AIRTEL,
                "desk_number": DESK,
                **values,
            }
        )

    def test_it_needs_a_desk(self):
        with self.assertRaisesRegex(ValidationError, "enter the desk's number"):
            self.make(desk_number=False)
        with self.assertRaisesRegex(ValidationError, "enter the desk's number"):
            self.flow.call_type = "INBOUND"
        # Outgoing flows need none
        self.assertFalse(self.flow.desk_number)

    def test_the_desk_is_a_phone(self):
        for number in ("12345", "1800 123 4567", "+1 415 555 0100", "x"):
            with self.subTest(number=number), self.assertRaises(ValidationError):
                self.make(desk_number=number)
        self.assertEqual(self.make(desk_number="+91 70000-00990").desk_number, DESK)

    def test_no_circle(self):
        for values in ({"desk_number": AIRTEL}, {"closed_number": OTHER_AIRTEL}):
            # Odoo undoes what such a block did, unlike one with a pattern
            with self.assertRaises(ValidationError) as raised:
                self.make(**values)
            self.assertIn("in a circle", str(raised.exception))

    def test_numbers_that_customers_call(self):
        for typed, kept in (
            ("+91 80000 00008", OTHER_AIRTEL),
            ("1800 123 4567", "18001234567"),
            ("1860-12345", "186012345"),
        ):
            flow = self.make(caller_number=typed)
            self.assertEqual(flow.caller_number, kept)
            flow.unlink()
        for typed in ("12345", "x", "190012345678901"):
            with self.subTest(typed=typed), self.assertRaises(ValidationError):
                self.make(caller_number=typed)
        # As before for those that both phones show
        with self.assertRaises(ValidationError):
            self.flow.caller_number = "18001234"

    def test_one_number_has_one_flow_among_all_companies(self):
        other = self.env["res.company"].create({"name": "Other"})
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            with self.env.cr.savepoint():
                self.make(caller_number=AIRTEL, company_id=other.id)
        self.number.active = False
        self.make(caller_number=AIRTEL, company_id=other.id)

    def test_times(self):
        for values in ({"abandon_seconds": -1}, {"callback_minutes": 0}):
            with self.subTest(values=values), self.assertRaises(ValidationError):
                self.number.write(values)

    def test_the_menu(self):
        line = {"digit": "2", "team_id": self.team.id}
        self.number.menu_ids = [Command.create(line)]
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            with self.env.cr.savepoint():
                self.number.menu_ids = [Command.create(line)]

    def test_a_team_of_another_company_is_refused(self):
        other = self.env["res.company"].create({"name": "Other"})
        team = self.env["crm.team"].create({"name": "Theirs", "company_id": other.id})
        with self.assertRaises(UserError):
            self.number.ring_team_id = team

    def test_a_change_has_the_table_made_anew(self):
        triggers = self.env["ir.cron.trigger"].sudo()
        action = self.env.ref("airtel_ccp.ir_cron_build_route_table")
        triggers.search([]).unlink()
        self.flow.name = "Outgoing"
        self.assertFalse(triggers.search([("cron_id", "=", action.id)]))
        self.number.desk_number = "7000000993"
        self.assertTrue(triggers.search([("cron_id", "=", action.id)]))

    def test_each_company_has_a_token(self):
        first, second = self.env["res.company"].create([{"name": "A"}, {"name": "B"}])
        self.assertTrue(first.ccp_route_token)
        self.assertNotEqual(first.ccp_route_token, second.ccp_route_token)
        self.assertNotEqual(first.ccp_route_token, first.ccp_webhook_token)

    def test_companies_that_were_there_before_get_tokens_of_their_own(self):
        companies = self.env["res.company"].create([{"name": "A"}, {"name": "B"}])
        self.env.flush_all()
        kept = self.env.company.ccp_route_token
        self.env.cr.execute(
            "UPDATE res_company SET ccp_route_token = 'shared' WHERE id = ANY(%s)",
            [companies.ids],
        )
        self.env["res.company"].init()
        self.env.invalidate_all()
        tokens = set(companies.mapped("ccp_route_token"))
        self.assertEqual(len(tokens - {"shared", False}), 2)
        self.assertEqual(self.env.company.ccp_route_token, kept)

    def test_the_secret_header(self):
        self.company.ccp_route_header = "dauth"
        page = self.env["ccp.setup"].create({})
        self.assertEqual(page.incoming_state, "administrator")
        self.assertIn("Enter the secret header's value", page.incoming_note)
        self.company.write({"ccp_route_header": "dauth", "ccp_route_secret": SECRET})
        self.env.invalidate_all()
        self.assertNotIn(SECRET, self.company.ccp_route_secret)
        self.assertEqual(self.company.ccp_kept_route_secret, SECRET)
        # A form writes back what it shows
        self.company.ccp_route_secret = self.company.ccp_route_secret
        self.assertEqual(self.company.ccp_kept_route_secret, SECRET)
        for name in ("two words", "a:b", "Host", "x\ny", " dauth"):
            with self.subTest(name=name), self.assertRaises(ValidationError):
                self.company.ccp_route_header = name
        for secret in ("\N{SNOWMAN}", "x" * 1000, "a\nb"):
            with self.assertRaises(ValidationError):
                self.company.ccp_route_secret = secret
        self.company.write({"ccp_route_header": False, "ccp_route_secret": False})
        self.assertFalse(self.company.ccp_kept_route_secret)


@tagged("post_install", "-at_install")
class TestTryANumber(RoutingCase):
    """The page on which an administrator sees whom a caller would be put through to."""

    def try_out(self, **values):
        page = self.env["ccp.route.try"].create({"number": CONNECTS, **values})
        page.action_try()
        return page

    def test_who_and_why(self):
        page = self.try_out(number=f"+91 {CONNECTS}")
        self.assertEqual(page.flow_id, self.number)
        self.assertIn("Asha Rep's phone 70xx…01 rings: owner of Autumn collection.", page.answer)
        self.assertFalse(page.passed_over)
        self.assertNotIn(AGENT, page.answer)

    def test_who_was_passed_over(self):
        self.rep.sudo().ccp_away_until = fields.Datetime.now() + timedelta(hours=1)
        page = self.try_out()
        self.assertIn("Ravi Rep's phone", page.answer)
        self.assertEqual(page.passed_over, "Asha Rep (owner of Autumn collection): is away")

    def test_nothing_is_kept(self):
        self.try_out()
        self.assertFalse(self.env["ccp.call.event"].search_count([("kind", "=", "decision")]))

    def test_a_digit_and_a_withheld_number(self):
        self.assertIn("the number's team", self.try_out(number=False, digit="5").answer)

    def test_without_a_number(self):
        page = self.env["ccp.route.try"].create({"number": CONNECTS})
        for flow in (False, self.flow):
            page.flow_id = flow
            with self.assertRaises(UserError):
                page.action_try()

    def test_every_code_has_words(self):
        for reason in rules.REASONS:
            self.assertNotEqual(reason_words(self.env, reason), reason)
        for obstacle in (*rules.OBSTACLES, "gone"):
            self.assertNotEqual(obstacle_words(self.env, obstacle), obstacle)

    def test_several_phones_in_words(self):
        self.number.ring_strategy = "PARALLEL"
        decision = self.decide().decision
        self.assertIn("At the same time: Ravi Rep.", outcome_words(self.env, decision))
        self.number.ring_strategy = "SEQUENTIAL"
        decision = self.decide().decision
        self.assertIn("Afterwards: Ravi Rep.", outcome_words(self.env, decision))


@tagged("post_install", "-at_install")
class TestIncomingHealth(RoutingCase):
    """Whether no report is missing, and whether there are lines enough."""

    def setUp(self):
        super().setUp()
        self.folder = root() / self.env.cr.dbname
        refused = self.folder / f"route.{self.company.id}.refused"
        refused.unlink(missing_ok=True)
        self.addCleanup(refused.unlink, missing_ok=True)
        self.env["ccp.call"]._cron_build_route_table()
        self.addCleanup(route_disk.table_of(self.folder).remove)

    def line(self, key):
        self.env.flush_all()
        health = self.env["ccp.health"]
        health._check(self.company, [key])
        return health._line(self.company, key)

    def decided(self, minutes, customer=CONNECTS):
        """Store a decision that was made some minutes ago; return its row."""
        routed = self.decide(customer)
        moment = fields.Datetime.now() - timedelta(minutes=minutes)
        route_store.store(self.env.cr, self.company.id, routed.decision, received_at=moment)
        self.env.invalidate_all()
        return self.env["ccp.call.event"].search([("kind", "=", "decision")], order="id desc")[0]

    def test_completeness(self):
        self.assertEqual(self.line("completeness").code, "no_call_yet")
        event = self.decided(10)
        self.assertEqual(self.line("completeness").state, "ok")
        self.decided(20, STRANGER)
        line = self.line("completeness")
        self.assertEqual((line.state, line.code, line.turn), ("bad", "without_report", "airtel"))
        self.assertEqual((line.details["count"], line.details["number"]), (1, AIRTEL))
        self.assertIn(AIRTEL, line.sentence)
        event = self.env["ccp.call.event"].search([("kind", "=", "decision")], order="id desc")[0]
        call = self.make_call(live=False)
        event.call_id = call
        self.report(call, self.event("Ringing", "A"), fold=False)
        self.assertEqual(self.line("completeness").state, "ok")

    def test_a_record_may_take_hours(self):
        event = self.decided(250)
        call = self.make_call(live=False)
        event.call_id = call
        self.report(call, self.event("Ringing", "A"), fold=False)
        self.assertEqual(self.line("completeness").code, "without_record")
        self.report(call, self.cdr(), fold=False)
        self.assertEqual(self.line("completeness").state, "ok")

    def test_a_wrong_secret_is_shown(self):
        self.decided(1)
        route_disk.note_refusal(self.folder, self.company.id)
        line = self.line("completeness")
        self.assertEqual((line.state, line.code), ("warning", "refused_requests"))

    def test_an_old_table(self):
        self.decided(1)
        self.env.cr.execute(
            "UPDATE ccp_call_flow SET create_date = now() - interval '1 day' WHERE id = %s",
            [self.number.id],
        )
        self.env.invalidate_all()
        self.assertEqual(self.line("completeness").state, "ok")
        old = time.time() - 7200
        os.utime(route_disk.table_of(self.folder).path, (old, old))
        self.assertEqual(self.line("completeness").code, "table_old")

    def test_without_a_number(self):
        self.number.active = False
        self.assertEqual(self.line("completeness").code, "no_number")

    def test_channels(self):
        self.assertEqual(self.line("channels").state, "ok")
        now = fields.Datetime.now()
        for user, start, end in (
            (self.rep, 60, 50),
            (self.other_rep, 55, 45),
            (self.manager, 45, 40),
        ):
            self.make_call(
                user_id=user.id,
                live=False,
                result="connected",
                start_date=now - timedelta(minutes=start),
                end_date=now - timedelta(minutes=end),
            )
        line = self.line("channels")
        self.assertEqual((line.state, line.details["count"]), ("unknown", 2))
        for channels, state in ((10, "ok"), (2, "bad")):
            self.company.ccp_channels = channels
            self.assertEqual(self.line("channels").state, state)


@tagged("post_install", "-at_install")
class TestIncomingSetup(RouteCase):
    """The step of the set-up page."""

    def page(self):
        return self.env["ccp.setup"].create({})

    def test_from_nothing_to_a_number(self):
        self.number.active = False
        page = self.page()
        self.assertEqual(page.incoming_state, "administrator")
        with self.assertRaises(UserError):
            page.action_test_route()
        page.write(
            {
                "incoming_number": "+91 80000 00008",
                "incoming_desk": DESK,
                "incoming_team_id": self.team.id,
            }
        )
        flow = self.company._ccp_incoming_flows()
        self.assertEqual(
            (flow.caller_number, flow.desk_number, flow.ring_team_id),
            (OTHER_AIRTEL, DESK, self.team),
        )
        # The page that made it shows what comes next
        self.assertEqual(page.incoming_flow_id, flow)
        page = self.page()
        self.assertEqual(page.incoming_flow_id, flow)
        self.assertEqual(page.incoming_state, "airtel")
        self.assertIn(self.company.ccp_route_token, page.route_url)
        page.incoming_desk = "7000000993"
        self.assertEqual(flow.desk_number, "7000000993")
        old = page.route_url
        page.action_renew_route_token()
        self.assertNotEqual(self.page().route_url, old)

    def run_test(self, page):
        """Have the page test the routing URL, which another thread answers."""
        self.env.flush_all()
        post = ccp_setup_incoming.requests.post

        def posted(*arguments, **options):
            headers = {**options.pop("headers"), "Cookie": self.cookie}
            with release_test_lock():
                return post(*arguments, headers=headers, **options)

        self.http_request_key = "incoming_setup"
        self.cookie = f"test_request_key={self.http_request_key}"
        with patch.object(ccp_setup_incoming.requests, "post", posted):
            page.action_test_route()
        return page

    def test_it_asks_as_airtel_would(self):
        self.company.ccp_notify_base_url = self.base_url()
        self.company.write({"ccp_route_header": "dauth", "ccp_route_secret": SECRET})
        page = self.run_test(self.page())
        self.assertTrue(page.route_test_passed, page.route_test)
        self.assertIn("200 in", page.route_test)
        self.assertEqual(self.decisions(), [])

    def test_what_else_it_says(self):
        page = self.page()
        for status, content, passed, words in (
            (403, b"", False, "secret header was not accepted"),
            (200, b"<html>", False, "another server"),
            (404, b"", False, "another server"),
            (
                200,
                b'{"client_add_participant": {"participants": [{"participantAddress": "1"}]}}',
                True,
                "200 in 7 ms",
            ),
        ):
            found = page._answer_sentence(status, content, 7)
            self.assertEqual(found[0], passed)
            self.assertIn(words, found[1])

    def test_nobody_answers(self):
        page = self.page()
        # Nothing listens there, see CcpSetup
        page.action_test_route()
        self.assertFalse(page.route_test_passed)
        self.assertIn("cannot be reached", page.route_test)
