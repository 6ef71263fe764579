import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import config

from ..ccp.safe.spool import digest
from ..models import ccp_call_fold_queue, report_store
from ..models.ccp_call_fold_mark import FOLD_ACTION
from ..models.ccp_call_fold_shards import HELPERS, Shard
from .common import CcpCase


@tagged("post_install", "-at_install")
class TestFoldShards(CcpCase):
    """Several scheduled actions fold at once when many calls wait."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calls_class = type(cls.env["ccp.call"])
        cls.helpers = cls.env["ir.cron"].concat(*(cls.env.ref(name) for name in HELPERS))
        cls.helpers.active = True

    def setUp(self):
        super().setUp()
        crons = type(self.env["ir.cron"])
        self.startPatcher(patch.object(crons, "_commit_progress", return_value=1))

    def workers(self, count):
        """Give the server this many workers for scheduled actions."""
        return patch.dict(config.options, {"max_cron_threads": count})

    def waiting_calls(self, count):
        """Make calls whose reports wait."""
        calls = self.env["ccp.call"]
        for _number in range(count):
            call = self.make_call(live=False)
            self.report(call, self.event("Answer", "A", 1), fold=False)
            calls |= call
        return calls

    def woken(self):
        """Return the names of the actions that were woken, and forget that they were."""
        triggers = self.env["ir.cron.trigger"].search([])
        names = triggers.cron_id.get_external_id().values()
        triggers.unlink()
        return sorted(name for name in names if name.startswith(FOLD_ACTION))

    def fold_some_with(self, count, left_after):
        """Run the first action with this many workers; return the helpers that it triggers."""
        self.woken()
        with (
            self.workers(count),
            patch.object(ccp_call_fold_queue, "HELP_CALLS", left_after),
            patch.object(ccp_call_fold_queue, "COMMIT_SECONDS", 0),
        ):
            self.env["ccp.call"]._cron_fold()
        return self.woken()

    def test_each_call_is_in_one_shard(self):
        calls = self.waiting_calls(6)
        failed = calls[-1]
        failed._mark_folded()
        failed.fold_retry_date = fields.Datetime.now() - timedelta(seconds=1)
        self.env.flush_all()
        for count in (1, 2, 3, 4):
            taken = [
                self.env["ccp.call"]._take_pending(Shard(number, count)) for number in range(count)
            ]
            together = self.env["ccp.call"].concat(*taken)
            with self.subTest(count=count):
                self.assertEqual(sorted(together.ids), sorted(calls.ids))
                for number, part in enumerate(taken):
                    pending = self.env["ccp.call"]._count_pending(Shard(number, count))
                    self.assertEqual(pending, len(part))

    def test_a_helper_folds_its_shard_only(self):
        calls = self.waiting_calls(6)
        with self.workers(4):
            self.env["ccp.call"]._cron_help_fold(HELPERS[1])
        folded = calls.filtered(lambda call: all(call.event_ids.mapped("folded")))
        self.assertEqual(folded, calls.filtered(lambda call: call.id % 3 == 2))
        self.assertEqual(set(folded.mapped("state")), {"ringing_customer"})

    def test_the_first_action_folds_all_if_nobody_helps(self):
        """It was asked for nothing else, and helpers that do not come keep no call waiting."""
        calls = self.waiting_calls(5)
        self.assertEqual(self.fold_some_with(5, 0), sorted(HELPERS))
        self.assertEqual(set(calls.mapped("state")), {"ringing_customer"})

    def test_help_is_asked_for_if_many_calls_wait(self):
        for workers, many, expected in (
            (5, 0, HELPERS),
            (3, 0, HELPERS[:1]),
            (2, 0, ()),
            (1, 0, ()),
            (5, 10, ()),
        ):
            with self.subTest(workers=workers, many=many):
                self.waiting_calls(9)
                self.assertEqual(self.fold_some_with(workers, many), sorted(expected))

    def test_a_report_without_its_call_does_not_wake_it_again(self):
        """However short a step is, it looks at some of them."""
        token = self.env.company.ccp_webhook_token
        raw = json.dumps(self.event("Answer", "A", 1)).encode()
        with self.registry.cursor() as cr:
            self.assertTrue(report_store.store(cr, digest(token), None, raw))
        self.assertEqual(self.fold_some_with(5, 10), [])

    def test_only_those_are_woken_for_whom_a_call_waits(self):
        calls = self.waiting_calls(9)
        calls.filtered(lambda call: call.id % 4 != 2)._mark_folded()
        self.env.flush_all()
        self.assertEqual(self.fold_some_with(5, 0), [HELPERS[1]])

    def test_who_is_switched_off_is_not_asked(self):
        self.helpers[0].active = False
        self.waiting_calls(9)
        self.assertEqual(self.fold_some_with(3, 0), [HELPERS[1]])
        calls = self.waiting_calls(2)
        with self.workers(5):
            self.env["ccp.call"]._cron_help_fold(HELPERS[0])
        self.assertEqual(set(calls.mapped("state")), {"ringing_agent"})

    def test_a_server_with_few_workers_does_not_help(self):
        calls = self.waiting_calls(2)
        with self.workers(2):
            for name in HELPERS:
                self.env["ccp.call"]._cron_help_fold(name)
        self.assertEqual(set(calls.mapped("state")), {"ringing_agent"})

    def test_the_settings_say_how_many(self):
        settings = self.env["res.config.settings"].create({})
        self.assertEqual(settings.ccp_fold_actions, 4)
        for count in (1, 3, 3, 2):
            settings.ccp_fold_actions = count
            settings.flush_recordset()
            self.assertEqual(len(self.helpers.filtered("active")), count - 1)
            self.assertEqual(
                self.env["res.config.settings"].create({}).ccp_fold_actions,
                count,
            )
        for count in (0, 5):
            with self.assertRaises(ValidationError):
                settings.ccp_fold_actions = count
