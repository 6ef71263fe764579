from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import CONNECTS, CcpCase


@tagged("post_install", "-at_install")
class TestOwnDialogs(CcpCase):
    """What somebody enters in a dialog is nobody else's, whatever rights they share."""

    def setUp(self):
        super().setUp()
        admins = "base.group_user,base.group_system"
        self.admin = new_test_user(self.env, "dialog_admin", admins)
        self.other_admin = new_test_user(self.env, "other_dialog_admin", admins)
        managers = "base.group_user,airtel_ccp.group_ccp_manager"
        self.other_manager = new_test_user(self.env, "other_dialog_manager", managers)

    def check_private(self, model, owner, others, field, **values):
        dialog = self.env[model].with_user(owner).create(values)
        self.assertTrue(dialog.read([field]))
        for user in others:
            for ask in (
                lambda user=user: dialog.with_user(user).read([field]),
                lambda user=user: dialog.with_user(user).write({field: False}),
                lambda user=user: dialog.with_user(user).unlink(),
            ):
                with self.subTest(model=model, user=user.login), self.assertRaises(AccessError):
                    ask()
            self.assertNotIn(dialog, dialog.with_user(user).search([]))
        return dialog

    def test_a_call_logged_by_hand(self):
        values = {"res_model": "crm.lead", "res_id": self.lead.id, "phone": CONNECTS}
        others = (self.other_rep, self.manager)
        dialog = self.check_private("ccp.manual.call", self.rep, others, "note", **values)
        with self.assertRaises(AccessError):
            self.as_user(dialog, self.other_rep).action_log()

    def test_administrators(self):
        others = (self.other_admin,)
        self.check_private("ccp.phone.import", self.admin, others, "text", text="rep; 9876543210")
        self.check_private("ccp.postman.import", self.admin, others, "file", file="e30=")

    def test_an_erasure(self):
        partner = self.env["res.partner"].create({"name": "Priya"})
        others = (self.other_manager,)
        self.check_private("ccp.erasure", self.manager, others, "partner_id", partner_id=partner.id)
