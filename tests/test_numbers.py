from lxml import etree

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.modules.migration import load_script
from odoo.tests import HttpCase, tagged
from odoo.tools import file_path

from .common import AGENT, CONNECTS, CcpCase

MOBILE = "9012345678"
# Valid in the United States too
DOUBTFUL = "8012345678"


class NumbersCase(CcpCase):
    def click(self, record=None, field_name=None, choice=None, user=None, **options):
        """Click Call; return what the server asks, or the call, which is over then."""
        record = record or self.lead
        calls = self.as_user(self.env["ccp.call"], user or self.rep)
        answer = calls.place(record._name, record.id, field_name, choice, None, options)
        self.env.invalidate_all()
        if "call_id" not in answer:
            return answer
        call = self.env["ccp.call"].browse(answer["call_id"])
        call.live = False
        self.env.flush_all()
        return call


@tagged("post_install", "-at_install")
class TestNumbers(NumbersCase):
    """Which numbers are dialled, which are asked about, and what is said of the others."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.us = cls.env.ref("base.us")
        cls.india = cls.env.ref("base.in")
        cls.customer = cls.env["res.partner"].create({"name": "Neha Rao"})

    def test_the_account_is_indian_at_first(self):
        company = self.env["res.company"].create({"name": "Acme", "country_id": self.us.id})
        self.assertEqual(company.ccp_number_country_id, self.india)
        settings = self.env["res.config.settings"].create({})
        settings.ccp_number_country_id = self.us
        settings.execute()
        self.assertEqual(self.env.company.ccp_number_country_id, self.us)

    def test_numbers_without_a_country_code(self):
        """Companies, and databases made with ``odoo -i``, have any country or none."""
        numbers = {
            MOBILE: MOBILE,
            DOUBTFUL: DOUBTFUL,
            "022 2345 6789": "2223456789",
            "080-41234567": "8041234567",
            "91 11 2345 6789": "1123456789",
            "011-23456789": "1123456789",
            "00919876543210": "9876543210",
            "0091 98765 43210": "9876543210",
            "9876543210.0": "9876543210",
            "0124/4567890": "1244567890",
            "9876543210 (24x7)": "9876543210",
            "tel:9876543210;phone-context=+91": "9876543210",
        }
        for country in (self.us, self.env.ref("base.np"), self.india, self.env["res.country"]):
            self.env.company.country_id = country
            for text, digits in numbers.items():
                with self.subTest(text, country=country.code):
                    self.customer.phone = text
                    self.assertEqual(self.click(self.customer).customer_number, digits)

    def test_what_is_refused_is_shown_as_it_is_written(self):
        sentences = {
            "987654321.0": "987654321.0 is not a complete Indian phone number",
            "9.87654321E+09": r"cut the number of Neha Rao to 9\.87654321E\+09",
            "9876543210 / 9123456789": r"more than one number \(9876543210 / 9123456789\)",
            "9876543210 ext. 12": "9876543210 ext. 12 has an extension",
            "+1 415 555 2671": r"\+1 415 555 2671 is not an Indian number",
            "02 " + "9" * 100: "02 9{37} is not a complete",
        }
        for text, sentence in sentences.items():
            with self.subTest(text):
                self.customer.phone = text
                self.assertRegex(self.refusal(self.customer), sentence)
        self.assertFalse(self.sandbox.calls())

    def test_a_contact_abroad_is_asked_about(self):
        self.customer.write({"phone": DOUBTFUL, "country_id": self.us.id})
        for field_name in ("phone", None):
            with self.subTest(field_name):
                asked = self.click(self.customer, field_name)["doubtful"]
                self.assertEqual(asked["number"], DOUBTFUL)
                self.assertRegex(asked["sentence"], r"\+91 80123 45678 .*Neha Rao.*United States")
                self.assertEqual(
                    self.refusal(self.customer, field_name=field_name), asked["sentence"]
                )
                for wrong in ("", "8012345679", True, ["8012345678"]):
                    answer = self.click(self.customer, field_name, confirmed_number=wrong)
                    self.assertIn("doubtful", answer)
                self.assertFalse(self.sandbox.calls(), "nothing is dialled before the answer")
                call = self.click(self.customer, field_name, confirmed_number=DOUBTFUL)
                self.assertEqual(call.customer_number, DOUBTFUL)
                self.assertIn("doubtful", self.click(self.customer, field_name), "for that click")
                self.sandbox.clear()

    def test_a_chosen_number_is_asked_about(self):
        self.flow.second_customer_phone = True
        self.customer.write(
            {"phone": f"{DOUBTFUL} / {MOBILE} / 9876543210", "country_id": self.us.id}
        )
        choices = {each["phone"]: each["key"] for each in self.click(self.customer)["choices"]}
        key = choices["80123 45678"]
        self.assertEqual(self.click(self.customer, choice=key)["doubtful"]["number"], DOUBTFUL)
        call = self.click(self.customer, choice=key, confirmed_number=DOUBTFUL)
        self.assertEqual(call.customer_number, DOUBTFUL)
        # What was not asked about is not rung beside the chosen one
        self.assertEqual(call.customer_second_number, "9876543210")

    def test_a_landline_that_is_valid_where_the_company_is(self):
        self.env.company.country_id = self.us
        self.customer.phone = "415-555-2671"
        self.assertIn("doubtful", self.click(self.customer))
        self.customer.country_id = self.india
        self.assertEqual(self.click(self.customer).customer_number, "4155552671")
        self.customer.country_id = False
        self.env.company.ccp_number_country_id = self.us
        self.assertRegex(self.refusal(self.customer), "not an Indian number")
        self.customer.phone = MOBILE
        self.assertEqual(self.click(self.customer).customer_number, MOBILE)

    def test_a_doubtful_number_may_stand_on_the_call_list(self):
        self.customer.write({"phone": DOUBTFUL, "country_id": self.us.id})
        items = self.as_user(self.env["ccp.call.list.item"], self.rep)
        self.assertEqual(items.add_records("res.partner", self.customer.ids)["added"], 1)

    # Whose numbers

    def test_lead_with_a_contact_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.lead.company_id = self.env.company
        self.partner.company_id = other
        self.lead.write({"phone": MOBILE, "country_id": False})
        with self.assertRaises(AccessError):
            self.as_user(self.partner, self.rep).check_access("read")
        for field_name in ("phone", None):
            with self.subTest(field_name):
                call = self.click(self.lead, field_name)
                self.assertEqual(call.customer_number, MOBILE)
                self.assertFalse(call.partner_id, "a contact that the company does not have")
        self.assertEqual(self.place(field_name=None).customer_number, MOBILE)

    def test_log_a_call_with_a_contact_of_another_company(self):
        self.lead.company_id = self.env.company
        self.partner.company_id = self.env["res.company"].create({"name": "Other"})
        values = {"res_model": "crm.lead", "res_id": self.lead.id}
        self.as_user(self.env["ccp.manual.call"], self.rep).create(values).action_log()
        call = self.env["ccp.call"].search([("manual", "=", True)], limit=1)
        self.assertEqual((call.res_id, call.partner_id.id), (self.lead.id, False))

    def test_archived_contacts_and_companies_are_not_offered(self):
        acme, person = self.env["res.partner"].create(
            [{"name": "Acme", "phone": "9876543211"}, {"name": "Arjun", "phone": "9876543212"}]
        )
        (person | self.partner).parent_id = acme

        def phones(record):
            return {each["phone"] for each in self.click(record)["choices"]}

        self.assertEqual(phones(self.lead), {"70000 00101", "98765 43211"})
        self.assertEqual(phones(acme), {"70000 00101", "98765 43211", "98765 43212"})
        acme.active = False
        self.assertEqual(self.click(self.lead).customer_number, CONNECTS)
        acme.active = True
        self.partner.active = False
        self.assertEqual(phones(acme), {"98765 43211", "98765 43212"})
        self.lead.phone = False
        self.assertTrue(self.partner.phone)
        self.assertEqual(self.click(self.lead).customer_number, "9876543211")
        acme.active = False
        self.assertRegex(self.refusal(self.lead, field_name=None), "has no phone number")

    # What clients send

    def test_place_on_any_model(self):
        """A sentence, whatever is named: no statement that fails, no traceback."""
        for user in (self.rep, self.env.ref("base.user_admin")):
            calls = self.as_user(self.env["ccp.call"], user)
            for model in sorted(self.env.registry):
                with self.subTest(model, user=user.login):
                    try:
                        answer = calls.place(model, 1)
                    except (AccessError, UserError) as error:
                        self.assertTrue(error.args[0])
                    else:
                        self.assertNotIn("call_id", answer)
        self.assertFalse(self.sandbox.calls())

    def test_place_with_nonsense(self):
        good = ("crm.lead", self.lead.id)
        nonsense = [
            (None, 1),
            ([], 1),
            ({}, 1),
            (1, 1),
            ("mail.thread", 1),
            ("base", 1),
            ("crm.lead", True),
            ("crm.lead", [1]),
            ("crm.lead", -1),
            ("crm.lead", 2**31),
            ("crm.lead", 2**70),
            (*good, ["phone"]),
            (*good, {"phone": 1}),
            (*good, "name"),
            (*good, None, "nonsense"),
            (*good, None, ["nonsense"]),
            (*good, None, {"key": 1}),
            (*good, "phone", None, "1"),
            (*good, "phone", None, -1),
            (*good, "phone", None, 2**40),
        ]
        calls = self.as_user(self.env["ccp.call"], self.rep)
        for arguments in nonsense:
            with self.subTest(arguments):
                # ``assertRaises`` would roll back what a click committed
                try:
                    calls.place(*arguments)
                except UserError as error:
                    self.assertTrue(error.args[0])
                else:
                    self.fail("the call was placed")
        items = self.as_user(self.env["ccp.call.list.item"], self.rep)
        for arguments in (("mail.thread", [1]), (None, [1]), ("crm.lead", None), ([], [])):
            with self.subTest(arguments):
                try:
                    self.assertEqual(items.add_records(*arguments)["added"], 0)
                except UserError as error:
                    self.assertTrue(error.args[0])
        self.assertFalse(self.sandbox.calls())

    # Call buttons

    def phones(self, model, view_type="form"):
        """Return the phone widgets of a view: by field whether it has a Call button."""
        arch = self.as_user(self.env[model], self.rep).get_view(view_type=view_type)["arch"]
        return {
            node.get("name"): not node.get("airtel_ccp_no_call")
            for node in etree.fromstring(arch).iter("field")
            if node.get("widget") == "phone"
        }

    def test_phones_with_a_button(self):
        for model, view_type in (
            ("res.partner", "form"),
            ("crm.lead", "form"),
            ("crm.lead", "list"),
        ):
            with self.subTest(model, view_type=view_type):
                phones = self.phones(model, view_type)
                self.assertIn("phone", phones)
                for name, has_button in phones.items():
                    self.assertEqual(has_button, name in ("phone", "mobile"), name)

    def test_a_button_is_there_when_the_server_takes_the_field(self):
        """Of every model with a form: what has no button is refused, and the other way round."""
        self.env["ir.ui.view"].create(
            {
                "name": "phones of users",
                "model": "res.users",
                "priority": 0,
                "arch": '<form><field name="phone" widget="phone"/>'
                '<field name="login" widget="phone"/></form>',
            }
        )
        self.assertEqual(self.phones("res.users"), {"phone": False, "login": False})
        for name in ("phone", "login"):
            with self.assertRaisesRegex(UserError, "Only a phone field"):
                self.click(self.other_rep, name)


@tagged("post_install", "-at_install")
class TestOwnPhone(NumbersCase):
    """A person's own phone has one form, whoever enters it where."""

    def test_one_form_everywhere(self):
        spellings = ("0091 90000 00001", "+91-90000-00001", "090000 00001", "9000000001")
        for text in spellings:
            with self.subTest(text):
                self.rep.with_user(self.rep).write({"ccp_phone": text, "ccp_second_phone": text})
                self.assertEqual(self.rep.ccp_phone, "9000000001")
                self.assertEqual(self.rep.ccp_second_phone, "9000000001")
                self.rep.write({"ccp_phone": False, "ccp_second_phone": False})
                admin = self.env.ref("base.user_admin")
                page = self.env["ccp.setup"].with_user(admin).create({})
                page.my_phone = text
                self.assertEqual(admin.ccp_phone, "9000000001")
                admin.ccp_phone = False
        user = self.env["res.users"].create(
            {"name": "New", "login": "new", "ccp_phone": "(022) 2345 6789"}
        )
        self.assertEqual(user.ccp_phone, "2223456789")
        for blank in (False, "", "  "):
            user.ccp_phone = blank
            self.assertFalse(user.ccp_phone)

    def test_what_cannot_be_rung_is_refused(self):
        for text in ("12345", "+1 415 555 2671", "1800 123 456", "x" * 1000, 9000000001):
            for name in ("ccp_phone", "ccp_second_phone"):
                with (
                    self.subTest(text, field=name),
                    self.assertRaisesRegex(ValidationError, "Airtel cannot ring") as caught,
                ):
                    self.rep.write({name: text})
                self.assertLess(len(caught.exception.args[0]), 200)
        self.assertEqual(self.rep.ccp_phone, AGENT)

    def test_a_copied_user_has_nobody_elses_phone(self):
        self.rep.write({"ccp_second_phone": "9000000001", "ccp_caller_number": "8000000002"})
        copy = self.rep.copy({"login": "copy"})
        self.assertFalse(copy.ccp_phone or copy.ccp_second_phone or copy.ccp_caller_number)
        self.assertRegex(self.refusal(user=copy), "Odoo does not have its number")

    def test_migration(self):
        """Versions before kept what was typed."""
        self.env.cr.execute(
            "UPDATE res_users SET ccp_phone = '0091 90000 00001', ccp_second_phone = 'my desk' "
            "WHERE id = %s",
            [self.rep.id],
        )
        path = "airtel_ccp/migrations/19.0.1.5.0/post-phones.py"
        load_script(file_path(path), "post_phones").migrate(self.env.cr, "19.0.1.4.0")
        self.env.invalidate_all()
        self.assertEqual(self.rep.ccp_phone, "9000000001")
        self.assertEqual(self.rep.ccp_second_phone, "my desk")


@tagged("post_install", "-at_install")
class TestNumbersOverHttp(CcpCase, HttpCase):
    def sentence(self, model, method, *arguments):
        """Ask over RPC, and return the sentence of the refusal."""
        answer = self.url_open(
            f"/web/dataset/call_kw/{model}/{method}",
            json={"params": {"model": model, "method": method, "args": arguments, "kwargs": {}}},
        ).json()
        return answer["error"]["data"]["message"]

    def test_numbers_in_sentences_reach_no_log(self):
        """Odoo's server logs the sentences of errors; ``CcpCase`` watches what is logged."""
        self.rep.group_ids = [Command.link(self.env.ref("base.group_system").id)]
        self.lead.phone = "9876543210 ext 12"
        self.env.flush_all()
        self.authenticate("rep", "repxxxxx")
        extension = "9876543210 ext 12 has an extension"
        self.assertIn(
            extension, self.sentence("ccp.call", "place", "crm.lead", self.lead.id, "phone")
        )
        self.assertIn(
            extension, self.sentence("crm.lead", "action_ccp_call", self.lead.ids, "phone")
        )
        for phone in ("9876543210 / 9876543211", "9876543210x"):
            values = {"ccp_phone": f"{phone} ext 1"}
            self.assertIn(phone, self.sentence("res.users", "write", self.rep.ids, values))
