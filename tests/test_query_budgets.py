import json
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from lxml import etree

from odoo import fields
from odoo.tests import tagged

from odoo.addons.mail.tools.discuss import Store

from ..ccp.airtel.reports import kind_and_fingerprint
from ..models import report_store
from ..models.res_company_limits import USUAL_LIMITS
from .common import CcpCase

MANY = 100
PAGE = 80


@tagged("post_install", "-at_install")
class TestQueryBudgets(CcpCase):
    """How many statements each way through the addon may take, with caches that are warm."""

    def make_calls(self, count):
        """Make calls that ring, each on a lead and a contact of its own, with eight reports."""
        partners = self.env["res.partner"].create(
            [{"name": f"Customer {number}"} for number in range(count)]
        )
        leads = self.env["crm.lead"].create(
            [
                {"name": f"Lead {partner.id}", "partner_id": partner.id, "user_id": self.rep.id}
                for partner in partners
            ]
        )
        calls = self.env["ccp.call"].union(
            *(
                self.make_call(
                    live=False,
                    res_id=lead.id,
                    partner_id=lead.partner_id.id,
                    customer_name=lead.partner_id.name,
                    correlation_id=f"Xchange-{lead.id}",
                    deadline=fields.Datetime.now() + timedelta(minutes=5),
                )
                for lead in leads
            )
        )
        reports = [
            *self.connected(),
            self.event("Disconnected", "B", 54, causeCode="16"),
            self.cdr(Recording="https://x.airtel.in/a"),
        ]
        rows = []
        for call in calls:
            for report in reports:
                raw = json.dumps(report).encode()
                kind, fingerprint = kind_and_fingerprint(raw)
                rows.append(
                    {
                        "call_id": call.id,
                        "kind": kind,
                        "payload": raw.decode(),
                        "fingerprint": fingerprint,
                        "received_at": fields.Datetime.now(),
                    }
                )
        self.env["ccp.call.event"].create(rows)
        self.forget()
        return calls

    def forget(self):
        """Write what waits to be written, and forget what was read."""
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.env.invalidate_all()

    @contextmanager
    def budget(self, count):
        """Check that a block takes this many statements, including pending writes."""
        self.forget()
        with self.assertQueryCount(count):
            yield
            self.env.flush_all()
            self.env.cr.precommit.run()

    def fold(self, calls, budget):
        self.make_calls(1)._fold()
        with self.budget(budget):
            calls._fold()
        self.assertEqual(set(calls.mapped("result")), {"connected"})
        self.assertEqual(len(calls.card_message_ids), 2 * len(calls))

    def test_fold_of_one(self):
        self.fold(self.make_calls(1), 24)

    def test_fold_of_many(self):
        self.fold(self.make_calls(MANY), 25)

    def test_fold_again(self):
        """If nothing changed, nothing is written."""
        calls = self.make_calls(MANY)
        calls._fold()
        with self.budget(12):
            calls._fold()

    def test_fold_of_what_changes_no_stored_text(self):
        """A report that only adds a line to the story costs no message a write."""
        calls = self.make_calls(MANY)
        calls._fold()
        raw = json.dumps(self.event("DTMF", "B", 40, dtmf="1")).encode()
        kind, fingerprint = kind_and_fingerprint(raw)
        self.env["ccp.call.event"].create(
            [
                {
                    "call_id": call.id,
                    "kind": kind,
                    "payload": raw.decode(),
                    "fingerprint": fingerprint,
                    "received_at": fields.Datetime.now(),
                }
                for call in calls
            ]
        )
        with self.budget(14):
            calls._fold()

    def chatter(self, messages, user):
        """Return how many statements it takes to notify a browser of messages."""
        counts = []
        for _time in range(2):
            self.forget()
            before = self.env.cr.sql_log_count
            Store().add(messages.with_user(user))
            counts.append(self.env.cr.sql_log_count - before)
        return counts[-1]

    def test_chatter(self):
        """All cards together cost a few statements; a chatter without calls costs none more."""
        messages = type(self.env["mail.message"])
        plain = [self.lead._message_log(body=f"Note {number}") for number in range(20)]
        plain = self.env["mail.message"].union(*plain)
        with patch.object(messages, "_ccp_reader_cards", return_value={}):
            bare = self.chatter(plain, self.rep)
        self.assertEqual(self.chatter(plain, self.rep), bare)
        calls = self.make_calls(20)
        calls._fold()
        outcome = self.env.ref("airtel_ccp.ccp_call_outcome_interested")
        for call in calls:
            self.env["ccp.panel"].with_user(self.rep).save_outcome(call.id, outcome.id)
            self.env["ccp.panel"].with_user(self.rep).save_note(call.id, "Linen", "")
        cards = calls.card_message_ids.filtered(lambda card: card.model == "crm.lead")
        self.assertEqual(len(cards), 20)
        for user in (self.rep, self.plain_user):
            with patch.object(messages, "_ccp_reader_cards", return_value={}):
                bare = self.chatter(cards, user)
            self.assertLessEqual(self.chatter(cards, user) - bare, 12)

    def test_report(self):
        call = self.make_call()
        self.report(call, self.connected()[0])
        raw = json.dumps(self.connected()[1]).encode()
        with self.budget(2):
            report_store.receive(self.env.cr, f"token-{call.id}", None, raw)

    def test_click(self):
        self.place().live = False
        lead = self.as_user(self.lead, self.rep)
        with self.budget(38):
            lead.action_ccp_call("phone")

    def test_click_with_the_limits_of_a_new_company(self):
        self.env.company.write(USUAL_LIMITS)
        self.place().write(
            {"live": False, "start_date": fields.Datetime.now() - timedelta(hours=1)}
        )
        lead = self.as_user(self.lead, self.rep)
        with self.budget(47):
            lead.action_ccp_call("phone")

    def test_panel(self):
        self.report(self.make_call(), *self.connected())
        panel = self.env["ccp.panel"].with_user(self.rep)
        panel.state()
        # One of them asks whether customers can call at all
        with self.budget(15):
            panel.state()

    def test_list(self):
        for _number in range(PAGE):
            self.make_call(live=False)
        calls = self.env["ccp.call"].with_user(self.rep)
        specification = self.specification(calls, "list")
        calls.web_search_read([], specification, limit=PAGE)
        with self.budget(7):
            found = calls.web_search_read([], specification, limit=PAGE)
        self.assertEqual(len(found["records"]), PAGE)

    def specification(self, records, view_type):
        """Return what the web client asks for to show a view: its fields, not those below."""
        tree = etree.fromstring(records.get_view(view_type=view_type)["arch"])
        nodes = tree.xpath("//field[not(ancestor::field)]")
        return {node.get("name"): self.detail(records, node.get("name")) for node in nodes}

    def detail(self, records, name):
        is_link = records._fields[name].type == "many2one"
        return {"fields": {"display_name": {}}} if is_link else {}

    def opening(self, record, specification):
        """Return how many statements it takes to read a record for its form."""
        for _time in range(2):
            self.forget()
            before = self.env.cr.sql_log_count
            record.web_read(specification)
        return self.env.cr.sql_log_count - before

    def surplus(self, record):
        """Return how many statements more a form takes with the addon's fields."""
        record = record.with_user(self.rep)
        everything = self.specification(record, "form")
        plain = {name: each for name, each in everything.items() if not name.startswith("ccp_")}
        self.assertLess(len(plain), len(everything))
        return self.opening(record, everything) - self.opening(record, plain)

    def test_forms(self):
        """Whether or not there are calls, their number comes with the record."""
        for records in (self.lead, self.partner):
            self.assertEqual(self.surplus(records), 0)
        self.make_call()
        self.assertEqual(self.surplus(self.lead), 0)
        self.assertEqual(self.surplus(self.partner), 0)
