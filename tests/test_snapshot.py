import importlib.util
from pathlib import Path

from odoo.tests import tagged

from .common import CONNECTS, CcpCase

MIGRATION = Path(__file__).parents[1] / "migrations/19.0.1.6.0/post-snapshot.py"
# Reports name parties, not numbers: the flow's names alone say whose leg is whose
UNNAMED = {"participantAddress": ""}


@tagged("post_install", "-at_install")
class TestSnapshot(CcpCase):
    """What was dialled is kept on the call; changing the call flow changes no history."""

    def reports(self):
        return [{**report, **UNNAMED} for report in self.connected()]

    def rename(self):
        self.flow.write(
            {
                "agent_name": "Renamed1",
                "customer_name": "Renamed2",
                "agent_component": "renamedCall_1",
                "customer_component": "renamedParticipant_1",
            }
        )

    def fold_again(self, call):
        call._fold_again()
        self.env.invalidate_all()

    def test_renaming_participants_changes_no_history(self):
        call = self.place()
        self.report(call, *self.reports())
        self.assertEqual(call.state, "in_call")
        before = call.read(["state", "result", "answer_date", "agent_answer_date"])
        self.rename()
        self.fold_again(call)
        self.assertEqual(call.read(["state", "result", "answer_date", "agent_answer_date"]), before)

    def test_calls_of_before_get_the_flow_of_now_once(self):
        spec = importlib.util.spec_from_file_location("post_snapshot", MIGRATION)
        migration = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(migration)
        call = self.make_call(customer_further_numbers="7000000103 7000000104", live=False)
        hand_logged = self.log_by_hand()
        self.env.flush_all()
        migration.migrate(self.env.cr, "19.0.1.5.0")
        self.rename()
        migration.migrate(self.env.cr, "19.0.1.5.0")
        self.env.invalidate_all()
        self.assertFalse(hand_logged.dialled)
        dialled = call._dialled()
        self.assertEqual(dialled.customer_numbers, (CONNECTS, "7000000103", "7000000104"))
        self.assertEqual(
            (dialled.agent_name, dialled.customer_name, dialled.incoming), ("A", "B", False)
        )
        self.report(call, *self.reports())
        self.assertEqual(call.state, "in_call")
