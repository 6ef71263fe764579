import base64
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from ..models.sandbox_command import sandbox_command
from .common import AGENT, CONNECTS, CcpCase

VALUES = {
    "baseUrl": "iqtelephony.airtel.in/gateway/airtel-xchange/v2/execute/workflow",
    "username": "acme",
    "password": "hidden-value-password",
    "customerId": "ACME",
    "callFlowId": " ab+c/d== ",
    "callerId": "+91 80000 00001",
}


def environment(values=None, **content):
    """Return a Postman environment file as a browser sends it."""
    rows = [{"key": key, "value": value} for key, value in (values or VALUES).items()]
    return encode(json.dumps({"name": "Airtel CCP", "values": rows, **content}).encode())


def encode(raw):
    """Return bytes as a browser sends a file."""
    return base64.b64encode(raw)


@tagged("post_install", "-at_install")
class TestPostmanImport(CcpCase):
    """What Airtel hands over is shown first, then saved."""

    def upload(self, file):
        return self.env["ccp.postman.import"].create({"file": file})

    def test_shown_then_saved(self):
        company = self.env.company
        before = company.ccp_username
        wizard = self.upload(environment())
        self.assertRecordValues(
            wizard,
            [
                {
                    "problem": "",
                    "environment_name": "Airtel CCP",
                    "base_url": "https://iqtelephony.airtel.in/gateway/airtel-xchange",
                    "username": "acme",
                    "customer_id": "ACME",
                    "call_flow_id": "ab+c/d==",
                    "caller_id": "8000000001",
                }
            ],
        )
        self.assertNotIn("hidden-value", str(wizard.read()[0] | {"file": ""}))
        self.assertEqual(company.ccp_username, before, "nothing is saved yet")
        wizard.action_save()
        self.assertFalse(wizard.file, "the file holds the password")
        self.assertRecordValues(
            company,
            [
                {
                    "ccp_username": "acme",
                    "ccp_customer_id": "ACME",
                    "ccp_secret_password": "hidden-value-password",
                    "ccp_base_url": "https://iqtelephony.airtel.in/gateway/airtel-xchange",
                }
            ],
        )
        self.assertRecordValues(
            company.ccp_flow_id, [{"code": "ab+c/d==", "caller_number": "8000000001"}]
        )

    def test_what_is_not_in_the_file_stays(self):
        flow = self.env.company.ccp_flow_id
        wizard = self.upload(environment({"callerId": "8000000009"}))
        self.assertFalse(wizard.username or wizard.base_url or wizard.password)
        wizard.action_save()
        self.assertEqual(self.env.company.ccp_username, "demo")
        self.assertEqual(self.env.company.ccp_flow_id, flow)
        self.assertRecordValues(flow, [{"code": "SANDBOX-FLOW", "caller_number": "8000000009"}])

    def test_warnings(self):
        rows = [
            {"key": "username", "value": "first"},
            {"key": "user", "value": "second"},
            {"key": "customerId", "value": "x", "enabled": False},
            {"key": "callerId", "value": ""},
            {"key": "baseUrl", "value": "https://other.airtel.in"},
        ]
        wizard = self.upload(encode(json.dumps({"values": rows}).encode()))
        for words in ("Customer id", "Caller number", "User name", "other.airtel.in"):
            self.assertIn(words, wizard.warning)
        self.assertEqual(wizard.username, "first")

    def test_bad_files(self):
        for file, words in (
            (encode(b"{" * 10), "damaged"),
            (encode(json.dumps({"info": {}, "item": []}).encode()), "collection"),
            (environment({"token": "x"}), "is a setting of Airtel CCP (token)"),
            (environment({"username": ""}), "no values"),
            (encode(b"[]"), "not a Postman file"),
            (b"A" * (50 * 1024 * 1024), "too large"),
            (b"%%%%", "damaged"),
            (environment({"baseUrl": "http://iqtelephony.airtel.in"}), "unencrypted"),
            (environment({"baseUrl": "https://a:b@airtel.in"}), "must not contain"),
        ):
            with self.subTest(words):
                wizard = self.env["ccp.postman.import"].new({"file": file})
                self.assertIn(words, wizard.problem)
                with self.assertRaises(UserError):
                    wizard.action_save()
        self.assertEqual(self.env.company.ccp_username, "demo")

    def test_byte_order_mark(self):
        raw = base64.b64decode(environment())
        for marked in (b"\xef\xbb\xbf" + raw, raw.decode().encode("utf-16")):
            self.assertEqual(self.upload(encode(marked)).username, "acme")


@tagged("post_install", "-at_install")
class TestPhoneImport(CcpCase):
    """Each line is reported; good ones are saved."""

    def take(self, text, **values):
        wizard = self.env["ccp.phone.import"].create({"text": text, **values})
        wizard.action_import()
        return wizard

    def test_lines(self):
        self.rep.ccp_phone = False
        namesakes = [new_test_user(self.env, f"same{n}", name="Same Name") for n in (1, 2)]
        wizard = self.take(
            "\n".join(
                [
                    "rep; 98765 43210",
                    '"Ravi Rep"\t+91-98765-43211',
                    "",
                    "rep, 9876543212",
                    "nobody; 9876543213",
                    "plain; +1 202 555 0100",
                    "plain; 12345",
                    "plain; ",
                    "plain; 9876543210",
                    "ccp_manager",
                    "Same Name; 9876543215",
                    f"ccp_manager; {AGENT}",
                ]
            )
        )
        saved = wizard.line_ids.filtered(lambda line: line.state == "saved")
        self.assertEqual(saved.mapped("sequence"), [1, 2, 11])
        self.assertRecordValues(
            self.rep | self.other_rep | self.plain_user,
            [{"ccp_phone": "9876543210"}, {"ccp_phone": "9876543211"}, {"ccp_phone": False}],
        )
        self.assertTrue(self.manager.ccp_phone)
        self.assertFalse(namesakes[0].ccp_phone or namesakes[1].ccp_phone)
        problems = wizard.line_ids - saved
        self.assertTrue(all(problems.mapped("note")))
        self.assertEqual(len(wizard.text.splitlines()), len(problems))
        for line, words in (
            (3, "line 1"),
            (5, "not an Indian"),
            (8, "Asha Rep already uses"),
        ):
            note = wizard.line_ids.filtered(lambda each: each.sequence == line).note  # noqa: B023
            self.assertIn(words, note)

    def test_again_changes_nothing(self):
        self.assertEqual(self.take(f"rep; {AGENT}").line_ids.state, "unchanged")

    def test_rights_come_along(self):
        self.take("plain; 9876543210", allow_calls=False)
        self.assertFalse(self.plain_user.has_group("airtel_ccp.group_ccp_user"))
        self.take("plain; 9876543210")
        self.assertTrue(self.plain_user.has_group("airtel_ccp.group_ccp_user"))

    def test_users_of_other_companies(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.rep.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        self.assertEqual(self.take("rep; 9876543210").line_ids.state, "problem")

    def test_limits(self):
        for text in ("", "\n \n", "rep; 9876543210\n" * 5001, "x" * (1024 * 1024 + 1)):
            with self.subTest(text[:20]), self.assertRaises(UserError):
                self.take(text)

    def test_file(self):
        wizard = self.env["ccp.phone.import"].new({"file": encode(b"\xef\xbb\xbfrep,9876543210")})
        wizard._onchange_file()
        self.assertEqual(wizard.text, "rep,9876543210")
        self.assertFalse(wizard.file)


@tagged("post_install", "-at_install")
class TestSetup(CcpCase):
    """Each step shows its state, and who must act."""

    def page(self):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env["ccp.setup"].with_user(self.env.ref("base.user_admin")).create({})

    def assert_step(self, step, state, words=""):
        page = self.page()
        self.assertEqual(page[f"{step}_state"], state, page[f"{step}_note"])
        self.assertIn(words, page[f"{step}_note"])

    def call_as_admin(self):
        page = self.page()
        page.my_phone = "7000000905"
        page.test_number = CONNECTS
        self.env.flush_all()
        action = page.action_call()
        self.assertEqual(action["params"]["field_name"], "test_number")
        try:
            self.env["ccp.call"].with_user(page.env.user).place(
                action["params"]["res_model"], action["params"]["res_id"], "test_number"
            )
        except UserError:
            self.env.invalidate_all()

    def test_the_command_shown_starts_the_sandbox(self):
        """Also in a folder whose name a shell would take apart."""
        settings = self.env["res.config.settings"].create({})
        command = self.page().sandbox_command
        self.assertEqual(command, settings.ccp_sandbox_command)
        folder = Path(self.enterContext(tempfile.TemporaryDirectory())) / "my addon's"
        shutil.copytree(Path(__file__).parents[1] / "sandbox", folder / "sandbox")
        for each in (command, sandbox_command(folder)):
            with self.subTest(command=each):
                done = subprocess.run(
                    f"{each} --help", shell=True, capture_output=True, text=True, timeout=60
                )
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("A stand-in for Airtel CCP", done.stdout)
        windows = sandbox_command(Path("C/my addon"), "win32")
        self.assertRegex(windows, r'^cd /d "C.my addon" && python -m sandbox$')

    def test_account(self):
        company = self.env.company
        self.assert_step("account", "administrator", "private")
        company.ccp_base_url = "https://iqtelephony.airtel.in"
        self.assert_step("account", "done", "test call")
        company.ccp_password = False
        self.assert_step("account", "administrator", "password")
        company.ccp_trial = True
        self.assert_step("account", "done", "Trial")

    def test_account_that_airtel_refuses(self):
        self.env.company.ccp_password = "wrong"
        self.call_as_admin()
        self.assert_step("account", "administrator", "password")
        self.assert_step("test", "administrator", "password")

    def test_unreachable_account(self):
        self.env.company.ccp_base_url = "http://127.0.0.1:9"
        self.call_as_admin()
        self.assert_step("account", "server", "could not be reached")

    def test_flow(self):
        self.assert_step("flow", "done", "8000000001")
        self.flow.code = "WRONG"
        self.call_as_admin()
        self.assert_step("flow", "administrator", "does not know call flow")
        self.env.company.ccp_flow_id = False
        self.flow.active = False
        self.assert_step("flow", "administrator", "Enter")

    def test_flow_is_made_on_the_page(self):
        company = self.env.company
        company.ccp_flow_id = False
        page = self.page()
        page.write({"flow_code": " NEW-FLOW ", "caller_number": "080000 00002"})
        self.assertRecordValues(
            company.ccp_flow_id, [{"code": "NEW-FLOW", "caller_number": "8000000002"}]
        )
        self.page().write({"flow_code": "SANDBOX-FLOW", "caller_number": "8000000001"})
        self.assertEqual(company.ccp_flow_id, self.flow, "the same flow is not made twice")

    def test_notify(self):
        company = self.env.company
        self.assert_step("notify", "administrator", "127.0.0.1")
        company.ccp_notify_base_url = False
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param("web.base.url", "http://odoo.example.com")
        self.assert_step("notify", "administrator", "https://")
        company.ccp_notify_base_url = "https://odoo.example.com"
        self.assert_step("notify", "airtel", "allow-list odoo.example.com")
        self.report(self.place(), self.event("Ringing", "A"))
        self.assert_step("notify", "done", "last report")

    def test_users(self):
        self.assert_step("users", "administrator", "Without a phone")
        self.assertIn(self.manager, self.page().phoneless_user_ids)
        self.page().phoneless_user_ids.write({"ccp_may_call": False})
        self.assert_step("users", "done")
        (self.rep | self.other_rep).write({"ccp_may_call": False})
        self.assert_step("users", "administrator", "Nobody")
        self.rep.ccp_may_call = True
        self.assertTrue(self.rep.has_group("airtel_ccp.group_ccp_user"))
        callers = self.env["res.users"].search([("ccp_may_call", "=", True)])
        self.assertEqual(callers, self.rep)
        self.assertNotIn(self.rep, self.env["res.users"].search([("ccp_may_call", "!=", True)]))

    def test_call(self):
        self.assert_step("test", "administrator", "second one")
        self.call_as_admin()
        call = self.page().test_call_id.sudo()
        self.assertRecordValues(
            call, [{"customer_name": "Test call", "customer_number": CONNECTS, "live": True}]
        )
        self.assert_step("test", "running")
        self.assert_step("account", "done", "accepted")
        self.report(call, *self.connected(), self.cdr())
        self.assert_step("test", "done", "connected")

    def test_call_without_report(self):
        self.call_as_admin()
        call = self.page().test_call_id.sudo()
        call.write({"closed_date": call.start_date, "live": False})
        call._fold()
        self.assert_step("test", "administrator", "correct the address")
        self.env.company.ccp_notify_base_url = "https://odoo.example.com"
        self.call_as_admin()
        call = self.page().test_call_id.sudo()
        call.write({"closed_date": call.start_date, "live": False})
        call._fold()
        self.assert_step("test", "airtel", "no report")

    def test_trial_and_back(self):
        page = self.page()
        page.write({"trial": True, "trial_url": self.sandbox.url})
        self.assertEqual(page.test_number, CONNECTS)
        self.call_as_admin()
        call = self.page().test_call_id.sudo()
        self.assertTrue(call.trial)
        self.report(call, *self.connected(), self.cdr())
        page = self.page()
        page.trial = False
        self.assertFalse(page.test_number or page.test_call_id)
        self.assertEqual(page.trial_call_count, 1)
        page.action_delete_trial_calls()
        self.assertFalse(call.exists())
        self.assertRecordValues(self.env.company, [{"ccp_username": "demo", "ccp_trial": False}])

    def test_for_administrators_only(self):
        for user in (self.rep, self.manager, self.plain_user, self.portal_user):
            for model in ("ccp.setup", "ccp.postman.import", "ccp.phone.import"):
                with self.subTest(user=user.login, model=model), self.assertRaises(AccessError):
                    self.env[model].with_user(user).create({})
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.env["ccp.setup"].with_user(user).action_open()
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.rep.with_user(user).write({"ccp_may_call": False})

    def test_wrong_values_are_refused(self):
        for values in (
            {"base_url": "http://airtel.in"},
            {"flow_code": "F", "caller_number": "12"},
            {"my_phone": "123"},
        ):
            with self.subTest(values), self.assertRaises(ValidationError):
                self.page().write(values)
                self.env.flush_all()
