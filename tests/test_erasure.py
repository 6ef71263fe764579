from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from ..models import report_store
from .common import CONNECTS, CcpCase
from .test_recording import wav

OTHER = "7000000104"


@tagged("post_install", "-at_install")
class TestErasure(CcpCase):
    """A person's data in calls are erased; anonymous rows and a log entry stay."""

    def setUp(self):
        super().setUp()
        self.calls = self.env["ccp.call"]
        for values in (
            {},
            {"res_model": "res.partner", "res_id": self.partner.id, "lead_id": False},
            # Called under this number as somebody else
            {"partner_id": False, "res_model": False, "res_id": False},
        ):
            call = self.make_call(live=False, note="Priya prefers mornings", **values)
            self.report(
                call,
                *self.connected(),
                self.cdr(Recording="https://rec.airtel.in/r?token=hidden-value"),
            )
            self.calls |= call
        self.calls[0]._store_recording(wav(), "audio/wav")
        self.stranger = self.make_call(
            live=False,
            customer_number=OTHER,
            customer_name="Somebody Else",
            partner_id=False,
            res_model=False,
            res_id=False,
        )
        self.report(self.stranger, self.cdr(Destination_Number=OTHER))

    def wizard(self, user=None):
        return (
            self.env["ccp.erasure"]
            .with_user(user or self.manager)
            .create({"partner_id": self.partner.id})
        )

    def test_erase(self):
        wizard = self.wizard()
        self.assertEqual(
            (wizard.call_count, wizard.recording_count, wizard.report_count), (3, 1, 21)
        )
        messages = wizard.message_count
        self.assertGreaterEqual(messages, 2)
        files, cards = self.calls.recording_id, self.calls.card_message_ids
        figures = self.calls.read(["state", "result", "talk_seconds", "start_date", "attempts"])
        wizard.action_erase()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertFalse(files.exists() or cards.exists() or self.calls.event_ids)
        self.assertEqual(figures, self.calls.read(list(figures[0])[1:]), "figures stay true")
        self.assertEqual(set(self.calls.mapped("recording_state")), {"erased"})
        for table, column in (
            ("ccp_call", "t::text"),
            ("ccp_call_event", "t::text"),
            ("mail_message", "body"),
        ):
            condition = "body ILIKE '%%o_airtel_ccp%%'" if table == "mail_message" else "TRUE"
            self.env.cr.execute(
                f"SELECT count(*) FROM {table} t WHERE {condition} AND "  # noqa: S608
                f"({column} LIKE %s OR {column} LIKE %s OR {column} LIKE %s)",
                [f"%{CONNECTS}%", "%Priya%", "%hidden-value%"],
            )
            with self.subTest(table=table):
                self.assertEqual(self.env.cr.fetchone()[0], 0)
        self.assertTrue(self.stranger.event_ids and self.stranger.customer_number)
        log = self.env["ccp.erasure.log"].with_user(self.manager).search([])
        self.assertRecordValues(
            log,
            [
                {
                    "user_id": self.manager.id,
                    "partner_reference": self.partner.id,
                    "call_count": 3,
                    "recording_count": 1,
                    "report_count": 21,
                    "message_count": messages,
                }
            ],
        )

    def test_late_reports_bring_nothing_back(self):
        call = self.calls[0]
        token = f"token-{call.id}"
        self.wizard().action_erase()
        self.env.flush_all()
        with self.registry.cursor() as cr:
            self.assertFalse(report_store.receive(cr, token, None, b'{"eventType": "CALL"}'))
        call._fold()
        self.assertFalse(call.customer_number or call.card_message_ids or call.correlation_id)

    def test_notes_mode_goes_too(self):
        self.env.company.ccp_chatter_mode = "notes"
        call = self.make_call(live=False)
        self.report(call, *self.connected())
        before = self.lead.message_ids.filtered(lambda each: "o_airtel_ccp_note" in each.body)
        self.assertTrue(before)
        self.wizard().action_erase()
        self.assertFalse(before.exists())

    def test_form_of_an_erased_call_opens(self):
        self.wizard().action_erase()
        call = self.calls[0].with_user(self.manager)
        self.assertTrue(call.web_read({"timeline_html": {}, "display_name": {}}))
        self.assertEqual(call.action_open_record()["tag"], "display_notification")

    def test_only_managers(self):
        for user in (self.rep, self.plain_user, self.portal_user):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.wizard(user)
            wizard = self.wizard()
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                wizard.with_user(user).action_erase()

    def test_nobody_changes_the_log(self):
        self.wizard().action_erase()
        log = self.env["ccp.erasure.log"].search([]).with_user(self.manager)
        for change in (lambda: log.write({"call_count": 0}), log.unlink, lambda: log.copy()):
            with self.assertRaises(AccessError):
                change()
        with self.assertRaises(AccessError):
            log.with_user(self.rep).read(["call_count"])

    def test_a_call_that_is_not_over(self):
        self.calls[1].write({"live": True, "state": "in_call"})
        with self.assertRaisesRegex(UserError, "not over yet"):
            self.wizard().action_erase()
        self.assertTrue(self.calls.event_ids)

    def test_other_companies_are_left(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.calls[1].company_id = other
        wizard = self.wizard()
        self.assertEqual(wizard.call_count, 2)
        wizard.action_erase()
        self.assertTrue(self.calls[1].customer_number)
        self.assertFalse((self.calls - self.calls[1]).filtered("customer_number"))

    def test_marks_do_not_protect(self):
        self.calls[0].keep_forever = True
        wizard = self.wizard()
        self.assertEqual(wizard.kept_count, 1)
        wizard.action_erase()
        self.assertFalse(self.calls[0].customer_number)

    def test_one_entry_for_each_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.calls[1].company_id = other
        self.manager.company_ids = [Command.link(other.id)]
        self.wizard().action_erase()
        logs = self.env["ccp.erasure.log"].search([])
        self.assertEqual(
            {(log.company_id, log.call_count) for log in logs}, {(self.env.company, 2), (other, 1)}
        )
