from unittest.mock import patch

from odoo.tests import tagged
from odoo.tests.common import TransactionCase

from ..models.ccp_call_merge import CcpCall
from ..models.presence import CALLS
from .common import CONNECTS, CcpCase

LEADS = 3


class Merges:
    """Merges what duplicates there are, and counts the statements that this takes."""

    def make_leads(self):
        return self.env["crm.lead"].create(
            [
                {"name": f"Lead {number}", "type": "opportunity", "phone": CONNECTS}
                for number in range(LEADS)
            ]
        )

    def make_partners(self):
        return self.env["res.partner"].create(
            [{"name": "Priya", "email": "priya@example.com"} for _number in range(LEADS)]
        )

    def merge_leads(self, leads):
        leads.merge_opportunity()

    def merge_partners(self, partners):
        self.env["base.partner.merge.automatic.wizard"].create({})._merge(partners.ids)

    def count(self, merge, records):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        merge(records)
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def more_than_without(self):
        """Return how many statements merges take more than they do without the addon."""
        more = {}
        for kind in ("leads", "partners"):
            make, merge = getattr(self, f"make_{kind}"), getattr(self, f"merge_{kind}")
            self.count(merge, make())
            own = self.count(merge, make())
            with patch.object(CcpCall, "_follow_merge", lambda *_arguments: None):
                more[kind] = own - self.count(merge, make())
        return more


@tagged("post_install", "-at_install")
class TestMergeStatementsWithoutCalls(Merges, TransactionCase):
    """In a database without calls, a merge takes no statement more than without the addon."""

    def setUp(self):
        super().setUp()
        self.assertFalse(CALLS.look(self.env))

    def test_merges(self):
        self.assertEqual(self.more_than_without(), {"leads": 0, "partners": 0})

    def test_merges_after_another_process_cleared_the_caches(self):
        registry = self.env.registry
        registry.cache_sequences["default"] += 1
        self.addCleanup(registry.cache_sequences.update, default=0)
        self.addCleanup(setattr, registry, "ccp_presence", (True, None))
        before = self.env.cr.sql_log_count
        for _twice in range(2):
            self.assertFalse(CALLS.may_be(self.env))
        self.assertEqual(self.env.cr.sql_log_count - before, 1)


@tagged("post_install", "-at_install")
class TestMergeStatementsBesideCalls(Merges, CcpCase):
    """Beside calls, a merge of records that were never called takes one statement more."""

    def test_merges(self):
        self.make_call(live=False)
        self.assertEqual(self.more_than_without(), {"leads": 1, "partners": 1})

    def test_the_first_call_is_known_at_once(self):
        self.assertFalse(CALLS.look(self.env))
        leads = self.make_leads()
        call = self.make_call(live=False, res_id=leads[1].id, lead_id=leads[1].id)
        self.merge_leads(leads)
        self.assertEqual((call.res_id, call.lead_id), (leads.exists().id, leads.exists()))

    def test_the_first_entry_of_a_call_list_too(self):
        self.assertFalse(CALLS.look(self.env))
        leads = self.make_leads()
        item = self.env["ccp.call.list.item"].create(
            {"res_model": "crm.lead", "res_id": leads[1].id, "user_id": self.rep.id}
        )
        self.merge_leads(leads)
        self.assertEqual(item.res_id, leads.exists().id)

    def test_other_processes_are_signalled_the_first_call_once(self):
        registry = self.env.registry
        CALLS.look(self.env)
        with (
            patch.object(registry, "signal_changes") as signal,
            patch.object(registry, "clear_cache") as clear,
        ):
            self.env.cr.postcommit.clear()
            self.make_call(live=False)
            signal.assert_not_called()
            self.env.cr.postcommit.run()
            signal.assert_called_once_with()
            clear.assert_called_once_with("default")
            self.make_call(live=False)
            self.env.cr.postcommit.run()
            signal.assert_called_once_with()
