import random
from datetime import datetime, timedelta
from unittest.mock import patch

from odoo.fields import Domain
from odoo.models import BaseModel
from odoo.tests import new_test_user, tagged

from ..models.ccp_call_tally import AGGREGATES, CcpCallTally
from .common import CcpCase

RESULTS = (
    "connected",
    "connected",
    "customer_no_answer",
    "customer_busy",
    "agent_no_answer",
    "canceled",
    "failed",
    "no_report",
    False,
)
# India's midnight, an hour around it, and other days of other weeks and months
MOMENTS = [
    datetime(2026, 2, 28, 18, 30) + timedelta(minutes=minutes)  # noqa: DTZ001 - as Odoo stores it
    for minutes in (0, -1, 1, -60, 60, 24 * 60 - 1, 24 * 60, 9000, -50000, 100000)
]
GROUPS = (
    [],
    ["start_date:day"],
    ["start_date:week"],
    ["start_date:month"],
    ["start_date:day", "company_id"],
    ["start_weekday", "start_date:month"],
    ["start_hour"],
    ["start_weekday", "start_hour"],
    ["user_id"],
    ["user_id", "start_date:week"],
    ["company_id"],
)


@tagged("post_install", "-at_install")
class TestTally(CcpCase):
    """The sums agree with the calls to the unit, whatever happens to the calls."""

    def setUp(self):
        super().setUp()
        self.env["ccp.call"].search([]).unlink()
        self.random = random.Random(7)
        self.outcome = self.env["ccp.call.outcome"].search([], limit=1)
        self.calls = self.env["ccp.call"]
        for _ in range(60):
            self.calls |= self.make_call(**self.values())

    def values(self):
        dice = self.random
        result = dice.choice(RESULTS)
        return {
            "live": False,
            "state": dice.choice(("ended", "ended", "refused")),
            "result": result,
            "start_date": dice.choice(MOMENTS),
            "user_id": dice.choice((self.rep.id, self.other_rep.id)),
            "direction": dice.choice(("outbound", "outbound", "inbound")),
            "trial": dice.random() < 0.1,
            "talk_seconds": dice.choice((0, 35, 95)),
            "agent_ring_seconds": dice.choice((0, 4, 9)),
            "agent_answer_date": dice.choice((False, MOMENTS[0])),
            "outcome_id": dice.choice((False, self.outcome.id)),
        }

    def manager_calls(self):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env["ccp.call"].with_user(self.manager).with_context(tz="Asia/Kolkata")

    def assert_exact(self):
        """Compare each report from the sums with the same from the calls."""
        calls = self.manager_calls()
        for period in ([], [("start_date", ">=", MOMENTS[0]), ("start_date", "<", MOMENTS[6])]):
            domain = [("trial", "=", False), *period]
            for groups in GROUPS:
                with self.subTest(period=period, groups=groups):
                    served = (
                        self.env["ccp.call.tally"]
                        .with_env(calls.env)
                        ._grouped(domain, [groups], list(AGGREGATES), None)
                    )
                    self.assertIsNotNone(served)
                    self.assertEqual(
                        calls._read_grouping_sets(domain, [groups], list(AGGREGATES)), served
                    )
                    with patch.object(CcpCallTally, "_grouped", return_value=None):
                        (raw,) = calls._read_grouping_sets(domain, [groups], list(AGGREGATES))
                    self.assertEqual(served[0], raw)
                    for each in (each for row in served[0] for each in row):
                        if isinstance(each, BaseModel):
                            self.assertEqual(each.env, calls.env)

    def test_after_creation(self):
        self.assert_exact()

    def test_after_any_change(self):
        for call in self.calls[:40]:
            values = self.values()
            names = self.random.sample(sorted(values), 4)
            call.write({name: values[name] for name in names})
        self.calls[40:45].unlink()
        # Nor does it matter who writes
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ccp_call SET talk_seconds = talk_seconds + 1, company_id = company_id"
            " WHERE id IN %s",
            [self.calls[50:].ids and tuple(self.calls[50:].ids)],
        )
        self.env.cr.execute("DELETE FROM ccp_call WHERE id = %s", [self.calls[46].id])
        self.env.invalidate_all()
        self.assert_exact()

    def test_merging_and_counting_anew_change_nothing(self):
        self.calls[:10].write({"user_id": self.other_rep.id})
        tally = self.env["ccp.call.tally"]
        self.env.flush_all()
        self.assertTrue(tally._merge())
        self.assertFalse(tally._merge())
        self.assert_exact()
        self.calls[10:20].write({"result": "connected"})
        self.env.flush_all()
        self.assertTrue(tally._merge())
        self.assert_exact()
        tally._count_all()
        self.assert_exact()

    def test_calls_that_are_gone_leave_no_group(self):
        self.calls.filtered(lambda call: call.user_id == self.rep).unlink()
        rows = self.manager_calls()._read_group([("trial", "=", False)], ["user_id"], ["__count"])
        self.assertEqual([user for user, _count in rows], [self.other_rep])
        self.calls.exists().unlink()
        rows = self.manager_calls()._read_group([("trial", "=", False)], [], ["attempts:sum"])
        self.assertEqual(rows, [(False,)])

    def test_whoever_sees_less_gets_no_sums(self):
        leader = new_test_user(self.env, "tally_leader", "airtel_ccp.group_ccp_team_leader")
        rule = self.env["ir.rule"].create(
            {
                "name": "No secrets",
                "model_id": self.env["ir.model"]._get_id("ccp.call"),
                "domain_force": "[('note', '!=', 'secret')]",
            }
        )
        tally = self.env["ccp.call.tally"]
        for user in (leader, self.rep, self.manager):
            with self.subTest(user=user.login):
                self.assertIsNone(tally.with_user(user)._seen())
        rule.unlink()
        companies = self.manager_calls().env["ccp.call.tally"]._seen()
        self.assertEqual({each.field_expr for each in companies.iter_conditions()}, {"company_id"})

    def test_what_the_sums_cannot_tell_is_counted(self):
        tally = self.manager_calls().env["ccp.call.tally"]
        late = MOMENTS[2]
        for domain in (
            [],
            [("trial", "=", True)],
            [("trial", "=", False), ("result", "=", "connected")],
            [("trial", "=", False), ("start_date", ">=", late)],
            [("trial", "=", False), ("start_date", "<=", MOMENTS[0])],
            ["|", ("trial", "=", False), ("start_date", "<", MOMENTS[0])],
            Domain("trial", "=", False) & ~Domain("user_id", "=", self.rep.id),
        ):
            with self.subTest(domain=domain):
                self.assertIsNone(tally._grouped(domain, [["user_id"]], ["__count"], None))
        domain = [("trial", "=", False)]
        for groups, aggregates, order in (
            (["result"], ["__count"], None),
            (["start_date:hour"], ["__count"], None),
            (["user_id", "start_hour"], ["__count"], None),
            (["user_id"], ["pulses:sum"], None),
            (["user_id"], ["__count"], "pulses:sum desc"),
        ):
            with self.subTest(groups=groups, aggregates=aggregates):
                self.assertIsNone(tally._grouped(domain, [groups], aggregates, order))
        elsewhere = tally.with_context(tz="Europe/Berlin")
        self.assertIsNone(elsewhere._grouped(domain, [["start_date:day"]], ["__count"], None))

    def test_the_dashboard_is_the_same_from_calls(self):
        now = datetime.now() - timedelta(hours=2)  # noqa: DTZ005 - as Odoo stores it
        for call in self.calls:
            call.start_date = now - timedelta(hours=self.random.randrange(40 * 24))
        self.manager.tz = "Asia/Kolkata"
        dashboard = self.manager_calls().env["ccp.dashboard"]
        served = dashboard.figures()
        with patch.object(CcpCallTally, "_translate", return_value=None):
            self.assertEqual(dashboard.figures(), served)
        self.assertTrue(served["reps"] and served["hours"])
