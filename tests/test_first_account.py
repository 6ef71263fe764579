from datetime import datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, mute_logger

from ..ccp.airtel import client, const
from ..ccp.safe import probe
from ..models import refusals
from ..models.ccp_health import CcpHealth
from ..sandbox import scripts
from .common import CONNECTS, LONG, CcpCase

LOGGER = "odoo.addons.airtel_ccp.models.ccp_call_answer"
PUBLIC = "https://odoo.example.com"
# Which lines of the health list a step of the set-up is about
ABOUT = {
    "account": ("base_url", "credentials"),
    "flow": ("flow",),
    "notify": ("notify_url", "reports", "silent_calls"),
    "users": ("phones",),
}


class FirstAccountCase(CcpCase):
    """What the administrator of a first account sees, in three places at once."""

    def setUp(self):
        super().setUp()
        self.company = self.env.company
        self.admin = self.env.ref("base.user_admin")
        self.startPatcher(
            patch.object(CcpHealth, "_certificate", lambda _self, _url: probe.Certificate("", 60))
        )

    def page(self):
        self.env.flush_all()
        self.env.invalidate_all()
        pages = self.env["ccp.setup"].with_user(self.admin)
        return pages.browse(pages.action_open()["res_id"])

    def line(self, key):
        self.env.flush_all()
        self.env.invalidate_all()
        return (
            self.env["ccp.health"]
            .search([("company_id", "=", self.company.id)])
            .filtered(lambda line: line.key == key)
        )

    def click(self):
        """Click Call; return the sentence that says why no call was placed, or ""."""
        self.env.flush_all()
        self.env["ccp.call"].search([("live", "=", True)]).live = False
        try:
            self.place()
        except UserError as error:
            self.env.invalidate_all()
            return error.args[0]
        return ""

    def assert_agreement(self, before=("setup", "check")):
        """Look at set-up and health, and check that none contradicts the other.

        :param before: in which orders: the set-up first, or after a check
        :return: the set-up page
        """
        for first in before:
            if first == "check":
                self.env["ccp.health"]._check(self.company)
            page = self.page()
            for step, keys in ABOUT.items():
                state, note = page[f"{step}_state"], page[f"{step}_note"]
                lines = [self.line(key) for key in keys]
                bad = [line for line in lines if line.state == "bad"]
                said = [(line.key, line.state, line.code) for line in lines if line]
                if state == "done":
                    self.assertFalse(bad, (step, note, said))
                if bad:
                    shown = [(line.turn, line.sentence) for line in bad]
                    self.assertIn((state, note), shown, (step, said))
            turns = [
                line.key
                for key in ABOUT["notify"]
                if (line := self.line(key)) and line.state == "bad" and line.turn
            ]
            self.assertLessEqual(len(turns), 1, "one cause, one turn")
        return page


@tagged("post_install", "-at_install")
class TestAgreement(FirstAccountCase):
    """Done in the set-up and Bad in the health list at the same time cannot be."""

    def settings(self):
        """Yield names of states, and what brings them about."""
        company = self.company
        for value in (
            "",
            "http://127.0.0.1:9",
            "http://odoo.example.com",
            "odoo.example.com",
            "ftp://x",
            "https://10.0.0.5",
            "https://user:pw@x.in",
            "https://odoo.example.com/?a=b#c",
            PUBLIC,
        ):
            # As a version before may have kept it
            yield (
                f"public address {value}",
                lambda value=value: self.keep("ccp_notify_base_url", value),
                lambda: company.write({"ccp_notify_base_url": "http://127.0.0.1:9"}),
            )
        present = self.sandbox.url
        for value in ("", "http://127.0.0.1:9", "http://airtel.in", "airtel", "https://[half"):
            yield (
                f"base URL {value}",
                lambda value=value: self.keep("ccp_base_url", value),
                lambda: company.write({"ccp_base_url": present}),
            )
        for name, value in (
            ("ccp_password", False),
            ("ccp_password", "wrong"),
            ("ccp_customer_id", False),
            ("ccp_customer_id", "WRONG"),
            ("ccp_api_path", "/nowhere"),
            ("ccp_api_path", ""),
        ):
            before = {
                "ccp_password": "p@55w0rd",
                "ccp_customer_id": "SANDBOX-CUSTOMER",
                "ccp_api_path": const.DEFAULT_API_PATH,
            }
            yield (
                f"{name} {value}",
                lambda name=name, value=value: company.write({name: value}),
                lambda before=before: company.write(before),
            )
        yield (
            "archived call flow",
            lambda: self.flow.write({"active": False}),
            lambda: self.flow.write({"active": True}),
        )
        yield (
            "trial",
            lambda: company.write({"ccp_trial": True, "ccp_trial_url": present}),
            lambda: company.write({"ccp_trial": False}),
        )
        yield (
            "trial without a sandbox",
            lambda: company.write({"ccp_trial": True, "ccp_trial_url": "http://127.0.0.1:9"}),
            lambda: company.write({"ccp_trial": False}),
        )

    def keep(self, name, value):
        """Have a company hold what earlier versions saved."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE res_company SET %s = %s, ccp_account_date = now() WHERE id = %s",
                SQL.identifier(name),
                value,
                self.company.id,
            )
        )
        self.env.invalidate_all()

    @mute_logger(LOGGER)
    def test_settings(self):
        # The short form looks in one order before the click, and in the other after it
        orders = ("setup", "check")
        before, after = (orders, orders) if LONG else (orders[:1], orders[1:])
        for name, set_up, take_back in self.settings():
            with self.subTest(name):
                set_up()
                self.assert_agreement(before)
                refused = self.click()
                self.assert_agreement(after)
                if refused:
                    self.assertNotIn("would refuse", refused, "the call flow is not to blame")
                    page = self.page()
                    states = {page.account_state, page.flow_state, page.notify_state}
                    self.assertNotEqual(states, {"done"}, refused)
                take_back()

    @mute_logger(LOGGER)
    def test_every_error_code(self):
        """For each code, all three agree on who must act and on the sentence."""
        self.company.ccp_notify_base_url = PUBLIC
        by_code = {
            script.name.removeprefix("error_").upper(): script.number
            for script in scripts.SCRIPTS
            if script.name.startswith("error_")
        }
        numbers = [*by_code.values(), "7000000115", "7000000131", "7000000132"]
        seen = set()
        for customer in numbers:
            self.lead.phone = customer
            self.assertTrue(self.click())
            call = self.env["ccp.call"].search([], limit=1)
            code = call.refusal_code
            seen.add(code)
            with self.subTest(code):
                self.assert_one_answer(call)
        self.assertLessEqual({*const.ERROR_CODES}, seen)

    @mute_logger(LOGGER)
    def test_every_own_code_and_status(self):
        """The same for codes of our own, and for statuses that come without a code."""
        self.company.ccp_notify_base_url = PUBLIC
        errors = [client.CcpError("refused", code) for code in const.OWN_CODES]
        errors += [
            client.CcpError("refused", f"HTTP_{status}", status=status)
            for status in (302, *const.STATUSES, 418, 599)
        ]
        for error in errors:
            with self.subTest(error.code):
                with patch.object(client.Client, "execute", side_effect=error):
                    self.assertTrue(self.click())
                call = self.env["ccp.call"].search([], limit=1)
                self.assertEqual(call.refusal_code, error.code)
                self.assert_one_answer(call)

    def assert_one_answer(self, call):
        """Check that the refusal of the last call has one sentence, turn and step everywhere."""
        # A check that is made later than the call reaches the sandbox, and counts then
        moment = call.create_date.replace(microsecond=0)
        with patch.object(fields.Datetime, "now", lambda *_arguments: moment):
            page = self.assert_agreement(before=("check",))
        about = const.ABOUT[call._about()]
        sentence = call.with_user(self.admin).sudo()._refusal_sentence()
        if about.step:
            shown = (page[f"{about.step}_state"], page[f"{about.step}_note"])
            self.assertEqual(shown, (about.turn, sentence))
        if about.credentials is not None:
            expected = "ok" if about.credentials else "bad"
            self.assertEqual(self.line("credentials").state, expected)

    @mute_logger(LOGGER)
    def test_an_unknown_code_beside_a_known_status(self):
        """If the code is unknown, the status counts, in all places."""
        error = client.CcpError("refused", "UNAUTHORIZED", status=401)
        with patch.object(client.Client, "execute", side_effect=error):
            self.assertIn("user name or password", self.click())
        page = self.assert_agreement()
        self.assertEqual(page.account_state, "administrator")
        self.assertIn("UNAUTHORIZED", page.account_note)

    def test_reports(self):
        """Only a report that came to the present address, in the present mode, proves it."""
        company = self.company
        company.ccp_notify_base_url = PUBLIC
        self.assertEqual(self.assert_agreement().notify_state, "airtel")
        call = self.place()
        self.assertEqual(self.assert_agreement().notify_state, "airtel")
        self.report(call, *self.connected(), self.cdr())
        self.assertEqual(self.assert_agreement().notify_state, "done")
        company.ccp_notify_base_url = "https://other.example.com"
        self.assertEqual(self.assert_agreement().notify_state, "airtel", "came to another address")
        company.write({"ccp_trial": True, "ccp_trial_url": self.sandbox.url})
        self.assertEqual(self.assert_agreement().notify_state, "done")
        call = self.place()
        self.assertTrue(call.trial)
        self.report(call, *self.connected(), self.cdr(Session_ID="trial"))
        company.ccp_trial = False
        self.assertEqual(self.assert_agreement().notify_state, "airtel", "came from the sandbox")

    def test_late_reports(self):
        """Calls without reports are no riddle while Airtel cannot reach us: one cause, one turn."""
        old = fields.Datetime.now() - timedelta(minutes=10)
        self.make_call(start_date=old)
        self.make_call(live=False, state="ended", result="no_report", start_date=old)
        page = self.assert_agreement()
        self.assertEqual(page.notify_state, "administrator")
        self.assertEqual(self.line("reports").state, "bad")
        self.assertFalse(self.line("reports").turn or self.line("silent_calls").turn)
        self.assertEqual(self.line("notify_url").turn, "administrator")
        self.company.ccp_notify_base_url = PUBLIC
        page = self.assert_agreement()
        self.assertEqual(page.notify_state, "airtel")
        self.assertEqual(self.line("notify_url").state, "ok")

    def test_nobody_may_call(self):
        callers = self.company._ccp_callers()
        callers.write({"ccp_may_call": False})
        page = self.assert_agreement()
        self.assertEqual(page.users_state, "administrator")
        self.assertEqual(self.line("phones").state, "warning")

    def test_a_probe_counts_until_a_call_tells_better(self):
        self.env["ccp.health"]._check(self.company)
        self.assertEqual(self.page().account_state, "done")
        self.company.ccp_base_url = "http://127.0.0.1:9"
        self.assertEqual(self.line("base_url").code, "private", "of the present address")
        self.assertEqual(self.page().account_state, "administrator")
        self.env["ccp.health"]._check(self.company)
        self.assertEqual(self.page().account_state, "server")
        self.assertIn("refuses the connection", self.page().account_note)


@tagged("post_install", "-at_install")
class TestAddresses(FirstAccountCase):
    """Addresses are corrected or refused before they are saved; the sentence names the field."""

    def test_mended(self):
        for name, typed, expected in (
            ("ccp_notify_base_url", " odoo.example.com/ ", PUBLIC),
            ("ccp_notify_base_url", "HTTPS://ODOO.example.com:443", PUBLIC),
            ("ccp_notify_base_url", "https://odoo.example.com/odoo/settings", PUBLIC),
            ("ccp_notify_base_url", "https://odoo.example.com/web/login", PUBLIC),
            ("ccp_notify_base_url", "https://example.com/erp/", "https://example.com/erp"),
            ("ccp_notify_base_url", "http://127.0.0.1:8069", "http://127.0.0.1:8069"),
            ("ccp_notify_base_url", "localhost:8069", "http://localhost:8069"),
            ("ccp_notify_base_url", " ", ""),
            ("ccp_base_url", "openapi.airtel.in/x/", "https://openapi.airtel.in/x"),
            (
                "ccp_base_url",
                "https://openapi.airtel.in/x/v2/execute/workflow",
                "https://openapi.airtel.in/x",
            ),
            ("ccp_trial_url", "127.0.0.1:8270", "http://127.0.0.1:8270"),
            ("ccp_api_path", "v2/execute/workflow\n", "/v2/execute/workflow"),
            ("ccp_username", "\u200b acme ", "acme"),
            ("ccp_recording_hosts", " *.airtel.in, rec.acme.in ", "*.airtel.in, rec.acme.in"),
        ):
            with self.subTest(name, typed=typed):
                self.company[name] = typed
                self.assertEqual(self.company[name] or "", expected)

    def test_refused(self):
        both = (
            "ftp://x",
            "https://user:secret@x.in",
            "https://odoo.example.com/?a=b#c",
            "https://odoo.example.com/web#action=3",
            "https://odoo acme.in",
            "https://odoo.example.com:port",
            "https://127.1",
            "https://",
            "http://odoo.example.com",
        )
        public = ("https://10.0.0.5", "https://odoo", "odoo.lan", "http://192.168.1.4:8069")
        cases = [("ccp_notify_base_url", "Public address of this Odoo", (*both, *public))]
        cases += [("ccp_base_url", "Airtel base URL", both), ("ccp_trial_url", "Sandbox", both)]
        cases += [
            ("ccp_api_path", "Airtel API path", ("https://airtel.in/v2", "/v2?x=1", "/v 2")),
            (
                "ccp_recording_hosts",
                "Recording hosts",
                ("*.airtel", "rec.airtel.in:8443", "*airtel.in", "*.airtel.in, rec_airtel,in/x"),
            ),
        ]
        for name, label, texts in cases:
            before = self.company[name]
            for text in texts:
                with self.subTest(name, text=text):
                    with self.assertRaises(ValidationError) as caught:
                        self.company[name] = text
                    self.assertIn(label, caught.exception.args[0])
                    self.assertNotIn("secret", str(caught.exception))
            self.env.invalidate_all()
            self.assertEqual(self.company[name], before)

    def test_new_companies(self):
        make = self.env["res.company"].create
        company = make({"name": "New", "ccp_notify_base_url": "odoo.example.com"})
        self.assertEqual(company.ccp_notify_base_url, PUBLIC)
        with self.assertRaises(ValidationError):
            make({"name": "Other", "ccp_notify_base_url": "ftp://x"})

    def test_what_was_kept_before_hinders_nobody(self):
        """A settings page writes all that it shows."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_company SET ccp_notify_base_url = 'ftp://x' WHERE id = %s",
            [self.company.id],
        )
        self.env.invalidate_all()
        self.company.write({"ccp_notify_base_url": "ftp://x", "ccp_daily_limit": 3})
        self.assertEqual(self.company.ccp_daily_limit, 3)

    def test_a_misspelt_host_of_before_is_told(self):
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_company SET ccp_recording_hosts = '*.airtel.in, *.air,tel'")
        self.env.invalidate_all()
        self.env["ccp.health"]._check(self.company, ["recordings"])
        line = self.line("recordings")
        self.assertEqual((line.state, line.turn), ("warning", "administrator"))
        self.assertIn("“*.air”", line.sentence)

    def test_reports_keep_their_address(self):
        """Odoo's web address follows the one an administrator logs in at."""
        parameters = self.env["ir.config_parameter"].sudo()
        self.company.ccp_notify_base_url = False
        parameters.set_param("web.base.url", PUBLIC)
        self.report(self.place(), *self.connected(), self.cdr())
        self.env["ccp.health"]._check(self.company)
        parameters.set_param("web.base.url", "http://localhost:8069")
        self.assertEqual(self.company._ccp_notify_url("x"), f"{PUBLIC}/airtel_ccp/webhook/x")
        self.assertEqual(self.assert_agreement().notify_state, "done")

    def test_airtel_is_never_sent_to_this_machine(self):
        """If nothing has proved an address, a click is refused."""
        self.company.write({"ccp_notify_base_url": False, "ccp_base_url": "https://airtel.in"})
        for url in (
            "http://localhost:8069",
            "http://[::1]",
            "http://0.0.0.0:8069",
            "nothing at all",
        ):
            self.env["ir.config_parameter"].sudo().set_param("web.base.url", url)
            with self.subTest(url), patch.object(client.Client, "execute") as execute:
                self.assertIn("ask your administrator to correct “Public address”", self.click())
                self.assertFalse(execute.called)
                self.assertEqual(self.page().notify_state, "administrator")

    def test_the_sandbox_may_report_to_this_machine(self):
        self.company.ccp_notify_base_url = "http://localhost:8069"
        self.assertFalse(self.click())
        self.company.write({"ccp_trial": True, "ccp_trial_url": self.sandbox.url})
        self.assertFalse(self.click())


@tagged("post_install", "-at_install")
class TestFirstCalls(FirstAccountCase):
    """From the first trial to the first call of a rep."""

    def setUp(self):
        super().setUp()
        closed = self.env["resource.calendar"].create({"name": "Closed", "tz": "Asia/Kolkata"})
        closed.attendance_ids = [Command.clear()]
        self.closed = closed

    def strict(self):
        """Have each house rule speak against each call."""
        self.company.write(
            {
                "ccp_calendar_id": self.closed.id,
                "ccp_daily_limit": 1,
                "ccp_company_daily_limit": 1,
                "ccp_number_daily_limit": 1,
                "ccp_require_outcome": True,
            }
        )

    def test_trials_know_no_house_rules(self):
        self.strict()
        self.company.write({"ccp_trial": True, "ccp_trial_url": self.sandbox.url})
        for _each in range(3):
            call = self.place()
            self.report(call, *self.connected(), self.cdr(Session_ID=str(call.id)))
            self.assertEqual(call.result, "connected")
        self.company.ccp_trial = False
        self.assertIn("outside the calling hours", self.refusal(), "real calls still do")
        self.company.ccp_calendar_id = False
        self.assertTrue(self.place(), "nor does a trial need an outcome")

    def call_on_page(self):
        page = self.page()
        page.my_phone = "7000000905"
        page.test_number = CONNECTS
        self.env.flush_all()
        result = (
            self.env["ccp.call"].with_user(self.admin).place("ccp.setup", page.id, "test_number")
        )
        self.env.invalidate_all()
        return self.env["ccp.call"].browse(result["call_id"])

    def test_nor_does_the_test_call(self):
        self.strict()
        for _each in range(2):
            call = self.call_on_page()
            self.report(call, *self.connected(), self.cdr(Session_ID=str(call.id)))
            self.assertEqual(call.result, "connected")
        self.company.write({"ccp_calendar_id": False, "ccp_daily_limit": 0})
        self.company.write({"ccp_company_daily_limit": 0, "ccp_number_daily_limit": 0})
        self.assertTrue(self.place(user=self.admin), "it needs no outcome")

    def test_a_test_call_that_connected_stays_done(self):
        call = self.call_on_page()
        self.report(call, *self.connected(), self.cdr())
        self.assertEqual(self.page().test_state, "done")
        busy = self.call_on_page()
        self.assertEqual(self.page().test_state, "done")
        self.report(
            busy,
            self.event("Answer", "A", 5),
            self.cdr(
                Session_ID="busy",
                Overall_Call_Status="Missed",
                Destination_Status="Busy",
                Conversation_Duration="00:00:00",
            ),
        )
        self.assertNotEqual(busy.result, "connected")
        self.assertEqual(self.page().test_state, "done")
        self.company.ccp_trial = True
        self.assertNotEqual(self.page().test_state, "done", "a trial proves itself")

    def test_hours_name_their_zone_and_who_can_change_them(self):
        hours = self.env.ref("airtel_ccp.resource_calendar_calling_hours")
        self.company.ccp_calendar_id = hours
        guard = self.env["ccp.dialer"]
        admin = new_test_user(self.env, "boss", "base.group_system,airtel_ccp.group_ccp_user")
        # 18:34 UTC is four minutes past midnight in India
        with freeze_time(datetime(2026, 11, 24, 18, 34)):  # noqa: DTZ001 - as fields hold it
            for user, zone in ((self.rep, "Asia/Kolkata"), (admin, "Europe/London")):
                user.tz = zone
                sentence = next(guard.with_user(user)._broken_hours(user, self.company, self.flow))
                self.assertIn(f"({zone})", sentence)
                self.assertEqual("ask your administrator" in sentence, user == self.rep)

    def test_an_administrator_is_never_sent_to_the_administrator(self):
        admin = new_test_user(self.env, "boss", "base.group_system,airtel_ccp.group_ccp_user")
        env = self.env(user=admin)
        for about in const.ABOUT:
            self.assertNotIn(
                "your administrator", refusals.words(env, about, "Sales", "8000000001")
            )
        self.closed.attendance_ids = [Command.clear()]
        self.strict()
        self.make_call(live=False, user_id=admin.id)
        broken = self.env["ccp.dialer"].with_user(admin)
        sentences = [
            *broken._broken_hours(admin, self.company, self.flow),
            *broken._broken_caps(admin, self.company, (CONNECTS,)),
        ]
        self.assertEqual(len(sentences), 4)
        self.assertNotIn("your administrator", " ".join(sentences))

    def test_a_blank_code_is_not_saved(self):
        for field in ("code", "agent_component", "customer_component", "record_component"):
            for blank in ("", " ", "\t\n", "\u200b", "\u00a0\ufeff", "a\u200bb"):
                with self.subTest(field, blank=blank):
                    if blank == "a\u200bb" and field != "code":
                        continue
                    with self.assertRaises(ValidationError):
                        self.flow[field] = blank
                        self.env.flush_all()
                    self.env.invalidate_all()

    @mute_logger(LOGGER)
    def test_a_wrong_code_points_to_the_call_flows(self):
        self.flow.code = "WRONG"
        self.assertIn("Configuration > Call flows", self.click())
        self.assertIn("Configuration > Call flows", self.assert_agreement().flow_note)

    def test_the_only_call_flow_is_the_default(self):
        self.company.ccp_flow_id = False
        self.assertFalse(self.click())
        page = self.assert_agreement()
        self.assertEqual((page.flow_state, page.flow_id), ("done", self.flow))
        incoming = {"call_type": "INBOUND", "desk_number": "7000000990"}
        inbound = self.flow.copy({"code": "IN", **incoming})
        self.assertFalse(self.click(), "customers' numbers are no way to call")
        self.company.ccp_trial = True
        self.company.ccp_trial = False
        self.assertFalse(self.click(), "nor is the sandbox's flow")
        second = self.flow.copy({"code": "SECOND"})
        self.assertIn("choose a default call flow", self.click())
        self.assertEqual(self.assert_agreement().flow_state, "administrator")
        second.active = False
        self.assertFalse(self.click())
        self.flow.active = False
        inbound.active = False
        self.assertIn("choose a default call flow", self.click())

    def test_companies_that_cannot_call_are_not_offered(self):
        other = self.env["res.company"].create({"name": "Other"})
        other.write(
            {
                "ccp_base_url": self.sandbox.url,
                "ccp_username": "demo",
                "ccp_password": "p@55w0rd",
                "ccp_customer_id": "SANDBOX-CUSTOMER",
                "ccp_notify_base_url": "http://127.0.0.1:9",
            }
        )
        self.rep.company_ids |= other
        partner = self.as_user(self.partner, self.rep)
        partner = partner.with_context(allowed_company_ids=[self.company.id, other.id])
        dialer = partner.env["ccp.dialer"]
        options = dialer._read_options({})
        self.assertEqual(dialer._companies(partner, options), self.company, "no call flow")
        flow = self.flow.copy({"company_id": other.id, "user_ids": [], "team_ids": []})
        self.assertEqual(dialer._companies(partner, options), self.company | other)
        flow.user_ids = new_test_user(
            self.env,
            "others_rep",
            "airtel_ccp.group_ccp_user",
            company_ids=[Command.set(other.ids)],
            company_id=other.id,
        )
        self.env.flush_all()
        self.assertEqual(dialer._companies(partner, options), self.company, "for others only")

    def test_the_page_is_needed_until_a_call_can_be_placed(self):
        self.assertTrue(self.company._ccp_is_set_up())
        self.company.ccp_base_url = "https://airtel.in"
        self.assertFalse(self.company._ccp_is_set_up(), "reports would go to this machine")
        self.company.ccp_notify_base_url = PUBLIC
        self.assertTrue(self.company._ccp_is_set_up())
        self.flow.active = False
        self.assertFalse(self.company._ccp_is_set_up())
