from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from .common import CcpCase

SECRET = "hidden-value-password"


@tagged("post_install", "-at_install")
class TestSettingChanges(CcpCase):
    """An administrator reads who changed which setting of calling, from what to what."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.env.ref("base.user_admin")
        cls.env["ccp.setting.change"].search([]).unlink()

    def kept(self, *names, lang="en_US"):
        """Return what is kept, the first change first, as the administrator reads it."""
        self.env.flush_all()
        self.env.invalidate_all()
        changes = self.env["ccp.setting.change"].with_user(self.admin).with_context(lang=lang)
        return [tuple(each[name] for name in names) for each in changes.search([], order="id")]

    def test_on_the_settings_page(self):
        with Form(self.env["res.config.settings"].with_user(self.admin)) as page:
            page.ccp_daily_limit = 40
            page.ccp_require_outcome = True
            page.ccp_recording_policy = "never"
            page.ccp_calendar_id = self.env.ref("airtel_ccp.resource_calendar_calling_hours")
        page.record.execute()
        self.assertEqual(
            set(self.kept("user_id", "record_name", "setting", "before", "after")),
            {
                (self.admin, self.env.company.name, *words)
                for words in (
                    ("Calls a day for each user", "0", "40"),
                    ("Require an outcome", "No", "Yes"),
                    ("Record calls", "As set in each call flow", "Never"),
                    ("Calling hours", False, self.env.company.ccp_calendar_id.display_name),
                )
            },
        )

    def test_what_stays_as_it_was_is_not_kept(self):
        company = self.env.company
        company.write({"ccp_username": " demo ", "ccp_daily_limit": 0, "name": "Another name"})
        with Form(self.env["res.config.settings"].with_user(self.admin)) as page:
            pass
        page.record.execute()
        self.assertFalse(self.kept("setting"))

    def test_secrets_are_masked(self):
        company = self.env.company.with_user(self.admin)
        company.ccp_password = SECRET
        company.ccp_route_secret = SECRET
        company._ccp_renew_token()
        company._ccp_renew_route_token()
        flow = self.flow.with_user(self.admin)
        flow.callback_secret_headers = f"X-Key: {SECRET}"
        flow.callback_secret_headers = f"X-Key: {SECRET}2"
        self.assertEqual(
            [name for (name,) in self.kept("field")],
            [
                "ccp_secret_password",
                "ccp_kept_route_secret",
                "ccp_webhook_token",
                "ccp_route_token",
                "callback_secrets",
                "callback_secrets",
            ],
        )
        self.assertNotIn(False, [after for (after,) in self.kept("after")])
        self.env.cr.execute("SELECT to_jsonb(c)::text FROM ccp_setting_change c")
        text = str(self.env.cr.fetchall())
        for secret in (SECRET, company.ccp_webhook_token, company.ccp_route_token):
            self.assertNotIn(secret, text)

    def test_flows_and_outcomes(self):
        flow = self.env["ccp.call.flow"].with_user(self.admin)
        flow = flow.create({"name": "Sales", "code": "SALES", "caller_number": "8000000003"})
        flow.write({"caller_number": "8000000004", "user_ids": [Command.set(self.rep.ids)]})
        flow.unlink()
        outcome = self.env["ccp.call.outcome"].with_user(self.admin).create({"name": "Sold"})
        outcome.activity_days = 3
        self.assertEqual(
            self.kept("kind", "record_name", "setting", "before", "after"),
            [
                ("added", "Sales", False, False, False),
                ("changed", "Sales", "Caller number", "8000000003", "8000000004"),
                ("changed", "Sales", "Users", False, "Asha Rep"),
                ("deleted", "Sales", False, False, False),
                ("added", "Sold", False, False, False),
                ("changed", "Sold", "After (days)", "1", "3"),
            ],
        )

    def test_what_an_installation_brings_along_is_not_kept(self):
        with patch.object(self.registry, "ready", False):
            self.env["ccp.call.outcome"].create({"name": "Comes along"}).sequence = 3
        self.assertFalse(self.kept("kind"))

    def test_nobody_hides_a_change(self):
        """A request chooses its context."""
        context = {"install_mode": True, "_force_unlink": True, "module": "airtel_ccp"}
        outcomes = self.env["ccp.call.outcome"].with_user(self.admin).with_context(**context)
        outcome = outcomes.create({"name": "Sold"})
        outcome.activity_days = 3
        outcome.unlink()
        self.assertEqual(self.kept("kind"), [("added",), ("changed",), ("deleted",)])

    def test_what_changes_out_of_sight(self):
        """Behind what is shown of a long value, and among people of one name."""
        company = self.env.company
        hosts = ",".join(f"host-{number}.example.com" for number in range(40))
        company.ccp_recording_hosts = hosts
        company.ccp_recording_hosts = f"{hosts},more.example.com"
        namesake = self.rep.copy({"name": self.rep.name, "login": "namesake"})
        self.flow.user_ids = self.rep
        self.flow.user_ids = namesake
        self.assertEqual(len(self.kept("field")), 4)

    def test_long_values_are_cut(self):
        self.env.company.ccp_recording_hosts = ",".join(f"host-{n}.example.com" for n in range(40))
        ((after,),) = self.kept("after")
        self.assertEqual(len(after), 200)

    def test_in_the_readers_language(self):
        self.env["res.lang"]._activate_lang("hi_IN")
        self.env.ref("base.module_airtel_ccp")._update_translations("hi_IN")
        self.env.company.ccp_require_outcome = True
        ((english,),) = self.kept("setting")
        ((hindi, after),) = self.kept("setting", "after", lang="hi_IN")
        self.assertNotIn(hindi, (english, False))
        self.assertEqual(after, "हाँ")

    def test_a_field_that_is_there_no_more(self):
        self.env.company.ccp_daily_limit = 5
        self.env.cr.execute("UPDATE ccp_setting_change SET field = 'ccp_gone'")
        self.assertEqual(self.kept("setting", "after"), [("ccp_gone", "5")])
        self.env.cr.execute("UPDATE ccp_setting_change SET model = 'ccp.gone'")
        self.assertEqual(self.kept("setting", "after"), [("ccp_gone", "5")])

    def test_who_may_read(self):
        self.env.company.ccp_daily_limit = 5
        other = self.env["res.company"].create({"name": "Elsewhere"})
        of = {"company_id": other.id, "company_ids": [Command.set(other.ids)]}
        elsewhere = new_test_user(self.env, "other_admin", "base.group_system", **of)
        changes = self.env["ccp.setting.change"]
        self.assertFalse(changes.with_user(elsewhere).search([]))
        for user in (self.rep, self.manager, self.portal_user):
            with self.subTest(user=user.name), self.assertRaises(AccessError):
                changes.with_user(user).search([])
        kept = changes.with_user(self.admin).search([])
        for act in (kept.unlink, lambda: kept.write({"after_value": "0"}), lambda: kept.copy()):
            with self.assertRaises(AccessError):
                act()
