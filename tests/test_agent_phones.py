from contextlib import contextmanager
from datetime import timedelta

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .common import AGENT, OTHER_AGENT, CcpCase

NEW = "9876543210"
OTHER_NEW = "9876543211"
PHONES = ("ccp_phone", "ccp_second_phone", "ccp_further_phones")


class AgentPhonesCase(CcpCase):
    def setUp(self):
        super().setUp()
        self.admin = self.env.ref("base.user_admin")

    def blacklist(self, phone):
        return self.env["phone.blacklist"].create({"number": f"+91{phone}"})

    @contextmanager
    def refused(self, words, error=ValidationError):
        """Check that what is done is refused, and undo it, as a request would."""
        with self.assertRaises(error) as caught:
            yield caught
        self.assertIn(words, str(caught.exception))

    def own(self, user=None):
        """Return a user as they see themselves."""
        return self.as_user(user or self.rep, user or self.rep)

    def make_duplicate(self, user=None, phone=AGENT):
        """Give a user a phone that another one has, as was possible before."""
        user = user or self.other_rep
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_users SET ccp_phone = %s WHERE id = %s", (phone, user.id))
        self.env.invalidate_all()

    def notes(self, user):
        return user.sudo().partner_id.message_ids.filtered(
            lambda message: "Phones that Airtel rings" in (message.body or "")
        )


@tagged("post_install", "-at_install")
class TestAgentPhones(AgentPhonesCase):
    """A phone that rings for an agent's calls is that agent's, and may be called."""

    def test_a_blacklisted_phone_is_refused_when_it_is_set(self):
        self.blacklist(NEW)
        for name in PHONES:
            for user in (self.rep, self.admin):
                with (
                    self.subTest(name, user=user.login),
                    self.refused("98xx…10 must not be called"),
                ):
                    self.as_user(self.rep, user).write({name: "+91 98765 43210"})
        with self.refused("must not be called"):
            new_test_user(self.env, "new", ccp_phone=NEW)
        self.env["phone.blacklist"].search([]).action_archive()
        self.own().ccp_phone = NEW
        self.assertEqual(self.rep.ccp_phone, NEW)

    def test_a_phone_that_was_blacklisted_later_is_not_rung(self):
        self.flow.write({"second_agent_phone": True})
        self.rep.ccp_second_phone = NEW
        for phone in (AGENT, NEW):
            entry = self.blacklist(phone)
            with self.subTest(phone):
                self.assertIn("Your own phone", self.refusal())
                self.assertIn("My Preferences", self.refusal())
                self.env.company.ccp_reserve_phones = True
                self.assertIn("ask your administrator", self.refusal())
                self.env.company.ccp_reserve_phones = False
            entry.action_archive()
        self.assertFalse(self.sandbox.calls())
        self.assertEqual(self.place().request_outcome, "accepted")

    def test_a_phone_is_one_users(self):
        company = self.env["res.company"].create({"name": "Other"})
        foreigner = new_test_user(
            self.env,
            "foreigner",
            "base.group_user,airtel_ccp.group_ccp_user",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        self.rep.write({"ccp_second_phone": NEW, "ccp_further_phones": OTHER_NEW})
        spellings = (f"+91 {AGENT}", f"0{NEW}", OTHER_NEW)
        for name in PHONES:
            for text in spellings:
                with self.subTest(name, text=text):
                    with self.refused("Another user already") as caught:
                        self.own(foreigner).write({name: text})
                    self.assertNotIn("Asha", str(caught.exception), "whose it is, is private")
                    with self.refused("Asha Rep already uses"):
                        self.as_user(foreigner, self.admin).write({name: text})
        with self.assertRaises(ValidationError):
            (self.other_rep | foreigner).ccp_phone = "9876543219"
        self.own().write({"ccp_phone": NEW, "ccp_second_phone": AGENT})
        self.assertEqual(self.rep.ccp_phone, NEW, "one's own phones can change places")

    def test_an_archived_users_phone_is_free(self):
        self.other_rep.active = False
        self.own().ccp_phone = OTHER_AGENT
        with self.refused("Ravi Rep cannot be restored with the phone"):
            self.as_user(self.other_rep, self.admin).action_unarchive()
        self.other_rep.ccp_phone = False
        self.other_rep.action_unarchive()
        self.assertTrue(self.other_rep.active)
        self.other_rep.active = False
        self.other_rep.ccp_phone = AGENT
        self.assertEqual(self.other_rep.ccp_phone, AGENT, "nobody rings an archived user")
        self.other_rep.action_unarchive()

    def test_duplicates_from_before(self):
        """They stay, and hinder nobody from changing anything else; health names them."""
        self.make_duplicate()
        health = self.env["ccp.health"]
        self.own(self.other_rep).write({"ccp_second_phone": NEW, "signature": "Ravi"})
        self.as_user(self.other_rep, self.admin).write({"name": "Ravi R."})
        line = health._standing(self.env.company, "phones")
        self.assertEqual((line.state, line.code), ("warning", "shared"))
        self.assertIn("Asha Rep and Ravi R.", line.sentence)
        self.own(self.other_rep).ccp_phone = OTHER_NEW
        self.assertNotEqual(health._standing(self.env.company, "phones").code, "shared")
        self.blacklist(OTHER_NEW)
        line = health._standing(self.env.company, "phones")
        self.assertEqual((line.state, line.code), ("warning", "unwanted"))
        self.assertIn("Ravi R.", line.sentence)

    def test_each_change_is_kept(self):
        self.own().ccp_phone = NEW
        self.assertEqual(self.rep.ccp_phones_by_id, self.rep)
        self.assertTrue(self.rep.ccp_phones_date)
        note = self.notes(self.rep)[:1]
        self.assertIn("98xx…10. Before: 70xx…01.", note.body)
        self.assertEqual(note.author_id, self.rep.partner_id)
        self.as_user(self.rep, self.admin).write(
            {"ccp_second_phone": OTHER_NEW, "ccp_phone": f"0{NEW}"}
        )
        self.assertEqual(self.rep.ccp_phones_by_id, self.admin)
        before = self.notes(self.rep)
        self.assertIn("98xx…10, 98xx…11. Before: 98xx…10.", before[0].body)
        self.assertEqual(before[0].author_id, self.admin.partner_id)
        for phone in (AGENT, NEW, OTHER_NEW):
            self.assertNotIn(phone, "".join(before.mapped("body")))
        self.own().write({"ccp_phone": NEW, "signature": "Asha"})
        self.assertEqual(self.notes(self.rep), before, "nothing changed")
        self.own().write(dict.fromkeys(PHONES, False))
        self.assertIn("none. Before: 98xx…10", self.notes(self.rep)[0].body)
        created = self.notes(self.other_rep)
        self.assertIn("70xx…02. Before: none.", created.body)

    def test_administrators_see_who_changed_own_phones(self):
        self.env.company._ccp_callers().filtered(lambda user: not user.ccp_phone).write(
            {"group_ids": [Command.unlink(self.env.ref("airtel_ccp.group_ccp_manager").id)]}
        )
        line = self.env["ccp.health"]._standing(self.env.company, "phones")
        self.assertEqual((line.state, line.details["changed"]), ("ok", 0), line.sentence)
        self.own().ccp_phone = NEW
        line = self.env["ccp.health"]._standing(self.env.company, "phones")
        self.assertEqual(line.state, "ok")
        self.assertIn("Agents who changed their own phones in the last 7 days: 1", line.sentence)
        view = self.env.ref("airtel_ccp.res_users_view_list").arch
        self.assertIn("ccp_phones_by_id", view)
        self.rep.ccp_phones_date -= timedelta(days=8)
        line = self.env["ccp.health"]._standing(self.env.company, "phones")
        self.assertEqual(line.details["changed"], 0)

    def test_a_company_may_reserve_them(self):
        other = self.env["res.company"].create({"name": "Other", "ccp_reserve_phones": True})
        self.own().ccp_phone = NEW
        self.rep.company_ids = [Command.link(other.id)]
        for name in PHONES:
            with self.subTest(name), self.refused("Only administrators", AccessError):
                self.own().write({name: OTHER_NEW})
        self.own().write({"ccp_phone": NEW, "signature": "Asha"})
        self.as_user(self.rep, self.admin).ccp_phone = OTHER_NEW
        self.own(self.other_rep).ccp_phone = NEW
        self.env.company.ccp_reserve_phones = True
        self.own(self.admin).ccp_phone = "9876543212"
        self.assertFalse(self.own(self.admin).ccp_phones_reserved)
        self.assertTrue(self.own().ccp_phones_reserved)

    def test_the_preferences_say_so(self):
        view = "base.view_users_form_simple_modif"
        with Form(self.own(), view) as form:
            form.ccp_phone = NEW
        self.env.company.ccp_reserve_phones = True
        form = Form(self.own(), view)
        self.assertEqual(form.ccp_phone, NEW)
        for name in PHONES:
            with self.subTest(name), self.assertRaisesRegex(AssertionError, "readonly"):
                setattr(form, name, OTHER_NEW)

    def test_portal_users_have_none(self):
        with self.refused("Only internal users", AccessError):
            self.own(self.portal_user).write({"ccp_phone": NEW})

    def test_import_says_what_is_wrong_with_each_line(self):
        self.other_rep.ccp_second_phone = OTHER_NEW
        self.blacklist(NEW)
        wizard = self.env["ccp.phone.import"].with_user(self.admin)
        wizard = wizard.create(
            {"text": f"rep; {OTHER_NEW}\nplain; {NEW}\nccp_manager; 9876543212\nother_rep; 12"}
        )
        wizard.action_import()
        self.assertEqual(
            wizard.line_ids.mapped("state"), ["problem", "problem", "saved", "problem"]
        )
        self.assertIn("Ravi Rep already uses", wizard.line_ids[0].note)
        self.assertIn("blacklist", wizard.line_ids[1].note)
        self.assertEqual(self.manager.ccp_phone, "9876543212")
        self.assertEqual(self.manager.ccp_phones_by_id, self.admin)

    def test_the_setup_checks_them_too(self):
        page = self.env["ccp.setup"].with_user(self.admin).create({})
        for phone, words in ((AGENT, "Asha Rep already uses"), (NEW, "blacklist")):
            self.blacklist(NEW)
            with self.subTest(phone), self.refused(words):
                page.my_phone = phone
            self.env["phone.blacklist"].search([]).unlink()
        page.my_phone = NEW
        self.assertIn("98xx…10", self.notes(self.admin)[0].body)


@tagged("post_install", "-at_install")
class TestWhoReadsPhones(AgentPhonesCase, HttpCase):
    """An agent's phones are the agent's and the administrators', whichever way one asks."""

    FIELDS = (*PHONES, "ccp_caller_number", "ccp_caller_series", "ccp_flow_id")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        calls = "base.group_user,base.group_allow_export,airtel_ccp."
        cls.leader = new_test_user(cls.env, "leader", f"{calls}group_ccp_team_leader")
        cls.clerk = new_test_user(cls.env, "clerk", "base.group_erp_manager,base.group_user")
        cls.rep.write(
            {
                "ccp_second_phone": NEW,
                "ccp_further_phones": OTHER_NEW,
                "ccp_caller_number": "8000000002",
            }
        )
        cls.strangers = (
            cls.other_rep | cls.leader | cls.manager | cls.plain_user | cls.portal_user | cls.clerk
        )

    def ask(self, model, method, *args, **kwargs):
        """Ask as a browser does; return the text of the answer and whether it is an error."""
        answer = self.url_open(
            f"/web/dataset/call_kw/{model}/{method}",
            json={"params": {"model": model, "method": method, "args": args, "kwargs": kwargs}},
        )
        return answer.text, "error" in answer.json()

    def ways(self, name, value):
        """Yield ways to get at a field, or to find out what is in it."""
        ids = self.rep.ids
        yield "res.users", "read", [ids, [name]], {}
        yield "res.users", "read", [[self.rep.id, self.env.uid], [name]], {}
        yield "res.users", "search_read", [[["id", "=", self.rep.id]], [name]], {}
        yield "res.users", "web_read", [ids, {name: {}}], {}
        yield "res.users", "web_search_read", [], {"domain": [], "specification": {name: {}}}
        yield "res.users", "export_data", [ids, [name]], {}
        yield "res.users", "search", [[[name, "=", value]]], {}
        yield "res.users", "search_count", [[[name, "like", value[:4]]]], {}
        yield "res.users", "search", [[]], {"order": name}
        yield "res.users", "name_search", ["", [[name, "=", value]]], {}
        yield "res.users", "formatted_read_group", [[], [name], ["__count"]], {}
        yield "res.users", "onchange", [ids, {}, [], {name: {}}], {}
        yield "crm.lead", "search", [[[f"user_id.{name}", "=", value]]], {}
        yield "crm.lead", "web_read", [self.lead.ids, {"user_id": {"fields": {name: {}}}}], {}
        yield "crm.lead", "export_data", [self.lead.ids, [f"user_id/{name}"]], {}
        yield "crm.lead", "formatted_read_group", [[], [f"user_id.{name}"], ["__count"]], {}
        yield "res.partner", "search", [[[f"user_ids.{name}", "=", value]]], {}
        yield "res.partner", "search", [[["user_ids", "any", [[name, "=", value]]]]], {}

    def test_nobody_else_reads_or_probes_them(self):
        values = {name: self.rep[name] or "x" for name in self.FIELDS}
        values["ccp_flow_id"] = "Sandbox"
        secrets = {AGENT, NEW, OTHER_NEW, "8000000002"}
        for user in self.strangers:
            self.authenticate(user.login, user.login.ljust(8, "x"))
            for name, value in values.items():
                for model, method, args, kwargs in self.ways(name, value):
                    with (
                        self.subTest(user=user.login, field=name, model=model, method=method),
                        mute_logger("odoo.http"),
                    ):
                        text, is_error = self.ask(model, method, *args, **kwargs)
                        shown = [each for each in secrets if each in text]
                        # What is asked for by a domain stands in no answer
                        self.assertFalse(shown, text[:300])
                        self.assertTrue(is_error, text[:300])

    def test_the_user_and_administrators_read_them(self):
        rep = self.own()
        self.assertEqual(rep.read(PHONES)[0]["ccp_second_phone"], NEW)
        self.assertEqual(rep.ccp_caller_number, "8000000002")
        self.assertTrue(Form(rep, "base.view_users_form_simple_modif").ccp_phone)
        seen = self.as_user(self.rep, self.admin)
        self.assertEqual(seen.ccp_phone, AGENT)
        self.assertEqual(seen.search([("ccp_phone", "=", AGENT)]), self.rep)

    def test_who_manages_users_sets_no_phones(self):
        with self.assertRaises(AccessError):
            self.as_user(self.rep, self.clerk).write({"ccp_phone": "9876543212"})
        arch = (
            self.env["res.users"]
            .with_user(self.clerk)
            .get_view(self.env.ref("base.view_users_form").id, "form")["arch"]
        )
        self.assertNotIn("ccp_", arch.replace("ccp_call_count", ""))
