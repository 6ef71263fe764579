import psycopg2

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CcpCase


@tagged("post_install", "-at_install")
class TestOneLiveCall(CcpCase):
    def test_an_agent_has_one_live_call_even_for_the_database(self):
        self.make_call()
        with (
            self.assertRaises(psycopg2.errors.UniqueViolation),
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(),
        ):
            self.make_call()
