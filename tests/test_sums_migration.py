import importlib.util
from pathlib import Path

from odoo.tests import tagged
from odoo.tools.sql import table_exists

from .common import CcpCase

SCRIPTS = Path(__file__).parents[1] / "migrations" / "19.0.1.6.0"


def script(name):
    """Return the module of a migration script."""
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@tagged("post_install", "-at_install")
class TestSumsMigration(CcpCase):
    """A database of 19.0.1.5.0 gets the sums by day, and keeps what people saved."""

    def test_former_sums_go(self):
        cr = self.env.cr
        cr.execute(
            """
            CREATE TABLE ccp_call_tally (id SERIAL PRIMARY KEY);
            CREATE FUNCTION ccp_call_tally_change() RETURNS trigger AS $$
            BEGIN RETURN NULL; END $$ LANGUAGE plpgsql;
            CREATE TRIGGER ccp_call_tally_change AFTER INSERT ON ccp_call
                FOR EACH ROW EXECUTE FUNCTION ccp_call_tally_change()
            """
        )
        script("pre-sums").migrate(cr, "19.0.1.5.0")
        self.assertFalse(table_exists(cr, "ccp_call_tally"))
        for query in (
            "SELECT proname FROM pg_proc WHERE proname LIKE '%ccp_call_tally%'",
            "SELECT tgname FROM pg_trigger WHERE tgname LIKE '%ccp_call_tally%'",
        ):
            cr.execute(query)
            self.assertFalse(cr.fetchall())

    def test_the_scheduled_action_stays(self):
        action = self.env.ref("airtel_ccp.ir_cron_measure_calls").ir_actions_server_id
        cr = self.env.cr
        cr.execute(
            """
            INSERT INTO ir_model (model, name, state, "order")
            VALUES ('ccp.measures', '{"en_US": "Measures"}', 'base', 'id')
            RETURNING id
            """
        )
        (former,) = cr.fetchone()
        self.env.flush_all()
        cr.execute("UPDATE ir_act_server SET model_id = %s WHERE id = %s", [former, action.id])
        script("pre-call_actions").migrate(cr, "19.0.1.5.0")
        action.invalidate_recordset()
        self.assertEqual((action.model_id.model, action.model_name), ("ccp.call", "ccp.call"))

    def test_favorites_move_with_the_report(self):
        report = self.env.ref("airtel_ccp.action_ccp_call_report")
        filters = self.env["ir.filters"].create(
            [
                {
                    "name": name,
                    "model_id": "ccp.call",
                    "action_id": report.id,
                    "domain": domain,
                    "context": f"{{'group_by': ['{group}']}}",
                }
                for name, domain, group in (
                    ("Weeks", "[('trial', '=', False)]", "start_date:week"),
                    ("Agents", "[('result', '=', 'connected')]", "user_id"),
                    ("Customers", "[]", "partner_id"),
                )
            ]
        )
        script("post-report_filters").migrate(self.env.cr, "19.0.1.5.0")
        weeks, agents, customers = filters
        self.assertEqual((weeks.model_id, agents.model_id), ("ccp.call.daily", "ccp.call.daily"))
        self.assertEqual(weeks.action_id.id, report.id)
        self.assertEqual(weeks.domain, "[(1, '=', 1)]")
        self.assertEqual(customers.model_id, "ccp.call")
        self.assertEqual(customers.action_id.id, self.env.ref("airtel_ccp.action_ccp_call").id)
