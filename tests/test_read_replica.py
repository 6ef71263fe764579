from unittest.mock import patch

from odoo.tests import HttpCase, tagged

from .common import CcpCase

SPECIFICATION = {"display_name": {}, "state": {}, "result": {}, "customer_name": {}}


@tagged("post_install", "-at_install")
class TestReadReplica(CcpCase, HttpCase):
    """Requests that Odoo sends to a read replica; in tests, a read-only transaction."""

    def ask(self, user, model, method, *args, **kwargs):
        """Call a method as a browser does; a write would be logged and tried again."""
        user.password = user.login
        self.authenticate(user.login, user.login)
        with self.assertNoLogs("odoo.http", "WARNING"):
            return self.make_jsonrpc_request(
                f"/web/dataset/call_kw/{model}/{method}",
                {"model": model, "method": method, "args": args, "kwargs": kwargs},
            )

    def is_read_only(self, check, model, method, *args):
        """Return whether the method that a user called could not have written.

        :param str check: the method of ``res.users`` with which the method checks the user's right
        """
        found = set()

        def note(records):
            found.add(records.env.cr.readonly)

        with patch.object(self.registry["res.users"], check, note):
            self.ask(self.manager, model, method, *args)
        (answer,) = found
        return answer

    def test_our_own_methods_that_only_read(self):
        self.make_call(state="ended", live=False, result="connected")
        self.assertTrue(self.is_read_only("_ccp_check_leader", "ccp.dashboard", "figures"))
        self.assertTrue(self.is_read_only("_ccp_check_may_call", "ccp.panel", "find", "a"))

    def test_what_has_to_be_of_this_moment_asks_the_primary(self):
        self.assertFalse(self.is_read_only("_ccp_check_may_call", "ccp.panel", "state"))
        self.assertFalse(self.is_read_only("_ccp_check_leader", "ccp.dashboard", "live"))

    def test_history_and_its_sums_write_nothing(self):
        call = self.make_call(state="ended", live=False, result="connected")
        self.ask(self.manager, "ccp.call", "web_read", call.ids, SPECIFICATION)
        found = self.ask(
            self.manager, "ccp.call", "web_search_read", [["id", "=", call.id]], SPECIFICATION
        )
        self.assertEqual([each["id"] for each in found["records"]], call.ids)
        self.ask(
            self.manager,
            "ccp.call",
            "formatted_read_group",
            [["trial", "=", False]],
            ["user_id"],
            ["attempts:sum"],
        )
