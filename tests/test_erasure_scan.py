import json

from odoo.exceptions import UserError
from odoo.tests import Form, tagged
from odoo.tools import SQL

from .common import CcpCase
from .test_recording import wav

NAME = "Zebulon Quagmire"
NUMBER = "7000000198"
NOTE = "pelargonium at dawn"
# Not data of calls: the person itself, whom its owner edits or deletes; and what keeps the number
# from being called again
OWN_TABLES = {"res_partner", "crm_lead", "phone_blacklist"}


@tagged("post_install", "-at_install")
class TestErasureScan(CcpCase):
    """After an erasure no column of any table says who was called."""

    def setUp(self):
        super().setUp()
        self.partner.write({"name": NAME, "phone": NUMBER})
        self.lead.write({"name": "Autumn", "phone": NUMBER, "contact_name": NAME})
        self.panel = self.env["ccp.panel"].with_user(self.rep)
        self.outcome = self.env["ccp.call.outcome"].create(
            {
                "name": "Call again",
                "activity_type_id": self.env.ref("mail.mail_activity_data_call").id,
                "blacklist": True,
            }
        )

    def found(self, *texts):
        """Return the columns, other than those of the person itself, that hold one of the texts."""
        self.env.flush_all()
        columns = self.env.execute_query(
            SQL(
                """
                SELECT c.table_name, c.column_name
                  FROM information_schema.columns c
                  JOIN information_schema.tables t USING (table_schema, table_name)
                 WHERE c.table_schema = current_schema
                   AND t.table_type = 'BASE TABLE'
                   AND c.data_type IN ('text', 'character varying', 'json', 'jsonb')
                """
            )
        )
        self.assertGreater(len(columns), 500)
        places = set()
        for table, column in columns:
            if table in OWN_TABLES:
                continue
            for text in texts:
                rows = self.env.execute_query(
                    SQL(
                        "SELECT 1 FROM %s WHERE %s::text LIKE %s LIMIT 1",
                        SQL.identifier(table),
                        SQL.identifier(column),
                        f"%{text}%",
                    )
                )
                if rows:
                    places.add((table, column))
        return places

    def receive(self, payload):
        """Have a report come to the account's own address, which belongs to no call."""
        self.env.flush_all()
        with self.registry.cursor() as cr:
            events = self.env(cr=cr)["ccp.call.event"]
            token = self.env.company.ccp_webhook_token
            self.assertTrue(events._receive(token, None, json.dumps(payload).encode()))
        report = self.env["ccp.call.event"].search([], limit=1, order="id desc")
        self.assertFalse(report.call_id)
        return report

    def test_nothing_is_left(self):
        before = self.found(NAME, NUMBER, NOTE)
        item = self.env["ccp.call.list.item"].with_user(self.rep)
        item.add_records("res.partner", self.partner.ids)
        listed = item.search([], limit=1)
        call = self.place(self.lead)
        call.list_item_id = listed
        number = {"Destination_Number": NUMBER}
        self.report(
            call,
            *(
                {
                    **each,
                    "participantAddress": each["participantAddress"].replace("7000000101", NUMBER),
                }
                for each in self.connected()
            ),
            self.cdr(**number, Recording="https://rec.airtel.in/r?token=1"),
        )
        call._store_recording(wav(), "audio/wav")
        self.panel.save_note(call.id, NOTE, "")
        self.panel.save_outcome(call.id, self.outcome.id, True)
        done = self.lead.activity_ids
        done.with_user(self.rep).action_feedback()
        self.panel.follow_up(call.id, "tomorrow", NOTE)
        dialog = Form(
            self.env["ccp.call.entry"].with_user(self.rep).with_context(default_call_id=call.id)
        )
        dialog.save()
        self.env["ccp.call.link"].with_user(self.rep).create({"call_id": call.id})
        call.with_user(self.manager).link_record("res.partner", self.partner.id)
        self.env["ccp.manual.call"].with_user(self.rep).create(
            {"res_model": "crm.lead", "res_id": self.lead.id, "note": NOTE}
        )
        self.receive(self.cdr(**number))
        self.env.cr.precommit.run()
        wanted = {
            ("ccp_call", "note"),
            ("ccp_call", "customer_name"),
            ("ccp_call_event", "payload"),
            ("ccp_call_list_item", "customer_name"),
            ("ccp_call_change", "after"),
            ("mail_activity", "note"),
            ("mail_activity", "summary"),
            ("mail_message", "body"),
            ("bus_bus", "message"),
            ("ccp_manual_call", "note"),
            ("ccp_call_entry", "note"),
        }
        written = self.found(NAME, NUMBER, NOTE) - before
        self.assertLessEqual(wanted, written)
        erasure = self.env["ccp.erasure"].with_user(self.manager)
        erasure.create({"partner_id": self.partner.id}).action_erase()
        self.env.invalidate_all()
        self.assertEqual(self.found(NAME, NUMBER, NOTE) - before, set())
        self.assertEqual(self.env["phone.blacklist"].search_count([("number", "like", NUMBER)]), 1)
        self.assert_sealed(call)

    def assert_sealed(self, call):
        """Check that an erased call says so, and takes nothing any more."""
        self.assertRecordValues(
            call, [{"erased": True, "recording_state": "erased", "result": "connected"}]
        )
        own = self.as_user(call, self.rep)
        self.assertFalse(own.may_be_changed)
        told = own.timeline_html
        self.assertIn("erased on request", told)
        self.assertNotIn("no report", told)
        entry = self.env["ccp.call.entry"].with_user(self.rep)
        for name, way in {
            "note": lambda: self.panel.save_note(call.id, NOTE, ""),
            "outcome": lambda: self.panel.save_outcome(call.id, self.outcome.id),
            "taken back": lambda: self.panel.save_outcome(call.id, False),
            "link": lambda: own.link_record("crm.lead", self.lead.id),
            "dialog": lambda: Form(entry.with_context(default_call_id=call.id)),
            "follow-up": lambda: self.panel.follow_up(call.id, "tomorrow"),
        }.items():
            with self.subTest(way=name), self.assertRaises(UserError):
                way()
        self.assertEqual(self.found(NOTE), set())

    def test_others_keep_theirs(self):
        """An activity that somebody planned, another person's entry and unmatched report stay."""
        other = self.env["res.partner"].create({"name": "Other", "phone": "7000000104"})
        self.env["ccp.call.list.item"].with_user(self.rep).add_records("res.partner", other.ids)
        planned = self.lead.activity_schedule("mail.mail_activity_data_call", user_id=self.rep.id)
        report = self.receive(self.cdr(Destination_Number="7000000104"))
        self.report(self.make_call(live=False, customer_number=NUMBER), *self.connected())
        erasure = self.env["ccp.erasure"].with_user(self.manager)
        erasure.create({"partner_id": self.partner.id}).action_erase()
        self.assertTrue(planned.active and report.exists())
        self.assertEqual(self.env["ccp.call.list.item"].search([]).mapped("res_id"), other.ids)
