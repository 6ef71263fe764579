from datetime import timedelta

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import SQL

from .common import CcpCase


@tagged("post_install", "-at_install")
class TestRemedy(CcpCase):
    """A refusal that a rep can lift carries what lifts it."""

    def setUp(self):
        super().setUp()
        self.panel = self.env["ccp.panel"].with_user(self.rep)
        self.outcome = self.env.ref("airtel_ccp.ccp_call_outcome_interested")

    def finished_call(self, **values):
        call = self.make_call(**values)
        self.report(call, *self.connected(), self.cdr())
        return call

    def remedy(self, record=None):
        """Click Call, and return the refusal's remedy; False when the call was placed."""
        try:
            self.place(record)
        except UserError as error:
            self.env.invalidate_all()
            return getattr(error, "context", {}).get("airtel_ccp_remedy")
        return False

    def shown(self, *arguments):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.panel.state(*arguments)["call"]

    def test_outcome_required_before_the_next_call(self):
        self.env.company.ccp_require_outcome = True
        call = self.finished_call()
        self.assertIn("has no outcome yet", self.refusal())
        self.assertEqual(self.remedy(), {"opens": "outcome", "call_id": call.id})
        self.panel.save_outcome(call.id, self.outcome.id)
        self.assertIs(self.remedy(), False)

    def test_a_phone_from_before_that_cannot_be_read(self):
        """An upgrade leaves it as it is: only its user knows which number it should be."""
        self.flow.second_agent_phone = True
        for name in ("ccp_second_phone", "ccp_phone"):
            self.env.flush_all()
            column = SQL.identifier(name)
            self.env.cr.execute(
                SQL("UPDATE res_users SET %s = 'x12' WHERE id = %s", column, self.rep.id)
            )
            self.env.invalidate_all()
            with self.subTest(name):
                self.assertIn("cannot ring your own phone x12", self.refusal())
                self.assertEqual(self.remedy(), {"opens": "preferences"})

    def test_the_call_that_lacks_an_outcome_can_always_be_opened(self):
        """Put away, of yesterday, its record gone: the remedy shows it, and lifts the rule."""
        self.env.company.ccp_require_outcome = True
        for trouble in (
            lambda call: self.panel.dismiss(call.id),
            lambda call: call.write({"start_date": call.start_date - timedelta(days=3)}),
            lambda call: call.write({"res_id": 0}),
            lambda call: self.flow.write({"active": True}),
        ):
            call = self.finished_call()
            trouble(call)
            remedy = self.remedy()
            self.assertEqual(remedy, {"opens": "outcome", "call_id": call.id})
            self.panel.open_call(remedy["call_id"])
            shown = self.shown(remedy["call_id"])
            self.assertEqual(shown["id"], call.id)
            self.assertTrue(self.panel.state(call.id)["outcomes"])
            self.panel.save_outcome(call.id, self.outcome.id)
            self.assertEqual(self.shown(call.id)["id"], call.id, "it stays to be seen")

    def test_calls_that_cannot_get_an_outcome_block_nobody(self):
        self.env.company.ccp_require_outcome = True
        for change in (
            lambda call: call.write({"erased": True}),
            lambda call: call.write({"manual": True}),
            lambda call: call.write({"trial": True}),
            lambda call: call.write({"token_digest": False}),
            lambda call: self.env["ccp.call.outcome"].search([]).write({"active": False}),
            lambda call: call.unlink(),
        ):
            call = self.finished_call()
            change(call)
            self.env.flush_all()
            self.assertIs(self.remedy(), False)
            self.env["ccp.call"].search([("user_id", "=", self.rep.id)])._close()
            self.env.flush_all()

    def test_live_call_opens_the_panel(self):
        call = self.make_call()
        self.assertEqual(self.remedy(), {"opens": "panel"})
        self.assertEqual(self.shown()["id"], call.id)

    def test_own_phone_opens_the_preferences(self):
        self.rep.ccp_phone = False
        self.assertEqual(self.remedy(), {"opens": "preferences"})

    def test_a_number_to_correct_opens_its_record(self):
        for phone in (False, "12"):
            self.lead.phone = phone
            self.partner.phone = phone
            self.assertEqual(
                self.remedy(),
                {"opens": "record", "res_model": "crm.lead", "res_id": self.lead.id},
            )

    def test_only_the_own_calls_are_opened(self):
        call = self.finished_call()
        for user in (self.other_rep, self.manager, self.plain_user):
            panel = self.env["ccp.panel"].with_user(user)
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                panel.open_call(call.id)
        foreign = self.env["ccp.panel"].with_user(self.other_rep)
        for call_id in (call.id, 0, "x", [call.id], None):
            self.assertFalse(foreign.state(call_id)["call"])


@tagged("post_install", "-at_install")
class TestPutAway(CcpCase):
    """The panel shows the live call, else the last one until it is put away: never an older one."""

    def setUp(self):
        super().setUp()
        self.panel = self.env["ccp.panel"].with_user(self.rep)

    def shown(self):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.panel.state()["call"]

    def finished_call(self):
        call = self.make_call()
        self.report(call, *self.connected(), self.cdr())
        return call

    def test_nothing_older_comes_back(self):
        self.finished_call()
        self.finished_call()
        last = self.finished_call()
        self.assertEqual(self.shown()["id"], last.id)
        self.panel.dismiss(last.id)
        self.assertFalse(self.shown())

    def test_a_call_that_was_never_placed_is_not_shown(self):
        """Such as the demo data's: a new rep begins with an empty panel."""
        self.make_call(live=False, state="ended", result="connected", token_digest=False)
        self.assertFalse(self.shown())

    def test_refused_calls_do_not_hide_the_last_one(self):
        last = self.finished_call()
        self.make_call(live=False, state="refused")
        self.assertEqual(self.shown()["id"], last.id)
