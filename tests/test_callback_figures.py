from odoo.tests import tagged

from .callbacks import CallbackCase
from .common import CONNECTS


@tagged("post_install", "-at_install")
class TestCallbackFigures(CallbackCase):
    """Managers' figures, and what happens to call-backs with time and on request."""

    def figures(self, user=None):
        dashboard = self.as_user(self.env["ccp.dashboard"], user or self.manager)
        return dashboard.figures()["callbacks"]

    def make_some(self):
        """Two open ones, one of which is overdue, and one that was made after ten minutes."""
        self.come_in("7000000171", minutes_ago=5)
        self.come_in("7000000172", minutes_ago=45)
        self.come_in("7000000173", minutes_ago=20)
        self.come_in("7000000173", minutes_ago=10, talked=True)

    def test_dashboard(self):
        self.make_some()
        found = self.figures()
        tiles = {tile["key"]: tile for tile in found["tiles"]}
        self.assertEqual(
            {key: tile["value"] for key, tile in tiles.items()},
            {"open": 2, "overdue": 1, "done": 1, "in_time": 50, "time": 600},
        )
        for key, count in (("open", 2), ("overdue", 1), ("done", 1), ("in_time", 2)):
            self.assertEqual(self.callbacks.search_count(tiles[key]["domain"]), count, key)
        (team,) = (each for each in found["teams"] if each["id"] == self.team.id)
        self.assertEqual(team["name"], "North")
        self.assertEqual([each["value"] for each in team["figures"]], [2, 1, 1, 50, 600])

    def test_leaders_see_their_teams(self):
        self.make_some()
        self.assertEqual([each["name"] for each in self.figures(self.leader)["teams"]], ["North"])
        other = self.stranger
        other.group_ids += self.env.ref("airtel_ccp.group_ccp_team_leader")
        self.assertFalse(self.figures(other)["teams"])

    def test_weekly_mail(self):
        self.make_some()
        digest = self.env.ref("airtel_ccp.digest_ccp_weekly")
        kpis = digest.with_user(self.manager).sudo()._compute_kpis(self.env.company, self.manager)
        values = {kpi["kpi_name"]: kpi["kpi_col2"].get("value") for kpi in kpis}
        self.assertEqual(values["kpi_ccp_callbacks"], "1 of 3")

    def test_a_person_is_erased(self):
        self.come_in(CONNECTS, minutes_ago=40)
        self.come_in(CONNECTS, minutes_ago=10)
        self.come_in(minutes_ago=10)
        owed = self.owed(CONNECTS)
        erasure = self.env["ccp.erasure"].with_user(self.manager)
        erasure.create({"partner_id": self.partner.id}).action_erase()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertRecordValues(
            owed,
            [
                {
                    "erased": True,
                    "state": "dropped",
                    "customer_number": False,
                    "customer_name": "Erased",
                    "partner_id": False,
                    "res_id": 0,
                    "attempts": 2,
                }
            ],
        )
        self.env.cr.execute(
            "SELECT count(*) FROM ccp_callback t WHERE t::text LIKE %s OR t::text LIKE %s",
            [f"%{CONNECTS}%", "%Priya%"],
        )
        self.assertEqual(self.env.cr.fetchone()[0], 0)
        self.assertEqual(self.owed().state, "open", "others stay")
        self.settle()
        self.come_in(CONNECTS, minutes_ago=1)
        self.assertEqual(self.owed(CONNECTS).attempts, 1, "the past of an erased one is forgotten")

    def test_retention(self):
        self.come_in(minutes_ago=5 * 24 * 60)
        self.come_in(minutes_ago=5 * 24 * 60 - 10, talked=True)
        self.come_in("7000000178", minutes_ago=5 * 24 * 60)
        self.env.company.ccp_keep_calls_days = 3
        self.env["ccp.call"]._cron_delete_old_data()
        self.assertFalse(self.owed())
        waiting = self.owed("7000000178")
        self.assertEqual((waiting.state, len(waiting.call_ids)), ("open", 0))
        # It counts on, although its first call is gone
        self.come_in("7000000178", minutes_ago=5)
        waiting = self.owed("7000000178")
        self.assertEqual((len(waiting), waiting.state, waiting.attempts), (1, "open", 2))
        proof = self.come_in("7000000178", minutes_ago=2, talked=True)
        self.assertEqual((waiting.closed_by_id, waiting.attempts), (proof, 2))

    def test_what_was_called_back_stays_so_without_its_calls(self):
        kept = self.come_in(minutes_ago=5 * 24 * 60)
        self.come_in(minutes_ago=5 * 24 * 60 - 10, talked=True)
        owed = self.owed()
        seconds = owed.callback_seconds
        kept.keep_forever = True
        self.env.company.ccp_keep_calls_days = 3
        self.env["ccp.call"]._cron_delete_old_data()
        self.assertFalse(owed.closed_by_id)
        kept._settle_soon()
        self.settle()
        self.assertRecordValues(
            owed, [{"state": "done", "callback_seconds": seconds, "attempts": 1}]
        )
        self.come_in(minutes_ago=5)
        self.assertEqual(self.owed().mapped("state"), ["done", "open"])

    def test_trials_count_nowhere(self):
        self.env.company.ccp_trial = True
        self.come_in(minutes_ago=10)
        self.assertTrue(self.owed().trial)
        self.assertFalse(self.figures()["teams"])
        self.env.company.ccp_trial = False
        self.come_in(minutes_ago=5)
        self.assertEqual(self.owed().mapped("trial"), [True, False])
