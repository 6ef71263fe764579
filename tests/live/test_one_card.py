import threading
import uuid
from contextlib import contextmanager
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.tests import BaseCase, tagged
from odoo.tools import mute_logger

from ...ccp.safe.spool import digest
from ...models import report_store
from ..common import CcpSetup, accepted_call
from .server import LiveServer, end_all, wait_for

REPORT = b'{"correlationId": "Xchange-test", "status": "success"}'


@tagged("post_install", "-at_install")
class TestOneCard(BaseCase):
    """A call has one card, whoever posts it first, and whoever else tries in that moment.

    In transactions of their own, as the click's request and the scheduled action have.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.enterClassContext(LiveServer())
        cls.server.stop()
        with cls.server.env() as env:
            cls.flow = CcpSetup.set_up_company(env, "http://127.0.0.1:9")

    @contextmanager
    def accepted_call(self):
        """A call that Airtel accepted, and the address for its reports."""
        token = uuid.uuid4().hex
        with self.server.env() as env:
            partner = env["res.partner"].create({"name": "Priya Sharma"})
            agent = env.ref("base.user_admin")
            call = accepted_call(
                env, partner, partner, agent, self.flow, token_digest=digest(token)
            )
        self.addCleanup(end_all, self.server)
        yield call.id, token
        cards = self.server.query(
            """
            SELECT body FROM mail_message
             WHERE model = 'res.partner' AND res_id = %s AND body LIKE '%%o_airtel_ccp_card%%'
            """,
            partner.id,
        )
        self.assertEqual(len(cards), 1)

    def report(self, token):
        """Have a report arrive that says no more than what is known."""
        with self.server.env() as env:
            self.assertTrue(report_store.receive(env.cr, token, None, REPORT))

    def fold(self, env):
        """Fold as the scheduled action does, and return the calls."""
        calls = env["ccp.call"]._take_pending()
        calls._fold()
        env.flush_all()
        return calls

    def waits_for_a_lock(self):
        return self.server.query(
            """
            SELECT pid FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'
            """
        )

    def test_the_click_tells_while_a_report_is_folded(self):
        with self.accepted_call() as (call_id, token):
            self.report(token)
            with self.server.env() as env:
                self.assertEqual(self.fold(env).ids, [call_id])
                click = threading.Thread(target=env["ccp.call"]._notify_accepted, args=(call_id,))
                click.start()
                wait_for(self.waits_for_a_lock, "the click, held up by the fold")
            click.join(30)
            self.assertFalse(click.is_alive())

    def test_the_click_knows_neither_the_report_nor_its_fold(self):
        """Its transaction began before them, and came to the call after them."""
        with self.accepted_call() as (call_id, token), self.server.env() as env:
            early = env.registry.cursor()
            early.execute("SELECT 1")
            self.report(token)
            self.assertEqual(self.fold(env).ids, [call_id])
            env.cr.commit()
            cursor = type(env.registry).cursor
            waiting = [early]

            def open_cursor(registry, readonly=False):
                return waiting.pop() if waiting else cursor(registry, readonly)

            with patch.object(type(env.registry), "cursor", open_cursor):
                env["ccp.call"]._notify_accepted(call_id)
            self.assertTrue(early.closed)

    def test_a_report_is_folded_while_the_click_tells(self):
        with self.accepted_call() as (call_id, token):
            self.report(token)
            told, go_on = threading.Event(), threading.Event()

            def hold(_calls, companies):
                if companies:
                    told.set()
                    go_on.wait(30)

            with self.server.env() as env:
                click = threading.Thread(target=env["ccp.call"]._notify_accepted, args=(call_id,))
                with patch.object(type(env["ccp.call"]), "_notify_leaders", hold):
                    click.start()
                    self.assertTrue(told.wait(30))
                    self.assertFalse(self.fold(env))
                    go_on.set()
                    click.join(30)
                # Its snapshot is older than the card
                with mute_logger("odoo.sql_db"), self.assertRaises(SerializationFailure):
                    self.fold(env)
                env.cr.rollback()
                env.invalidate_all(flush=False)
                self.assertFalse(self.fold(env), "the click took the report into account")
