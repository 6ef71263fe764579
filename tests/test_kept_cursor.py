from contextlib import closing
from types import SimpleNamespace
from unittest.mock import patch

import psycopg2

from odoo.sql_db import close_db, db_connect
from odoo.tests import BaseCase, tagged
from odoo.tests.common import get_db_name

from ..controllers import kept_cursor
from ..controllers.kept_cursor import in_transaction

BACKEND = "SELECT pg_backend_pid(), pg_current_xact_id()::text"


@tagged("post_install", "-at_install")
class TestKeptCursor(BaseCase):
    """Reports share a cursor, which must not show in their results."""

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(kept_cursor, "_kept", []))
        self.addCleanup(kept_cursor.close_all)
        self.opened = 0
        self.registry = self.registry_of(get_db_name())

    def registry_of(self, name):
        """Return what is asked of a registry, with real cursors of a database."""

        def cursor():
            self.opened += 1
            return db_connect(name).cursor()

        return SimpleNamespace(db_name=name, cursor=cursor)

    def ask(self, registry=None):
        """Return in which PostgreSQL process and transaction something is done."""

        def do(cr):
            cr.execute(BACKEND)
            return cr.fetchone()

        return in_transaction(registry or self.registry, do)

    def test_the_next_report_has_the_same_connection_and_a_new_transaction(self):
        (backend, first), (again, second) = self.ask(), self.ask()
        self.assertEqual(backend, again)
        self.assertNotEqual(first, second)
        self.assertEqual(self.opened, 1)

    def test_what_was_done_is_committed(self):
        def lock(cr):
            cr.execute("SELECT pg_advisory_xact_lock(4711)")

        in_transaction(self.registry, lock)
        with closing(db_connect(get_db_name()).cursor()) as cr:
            cr.execute("SELECT pg_try_advisory_xact_lock(4711)")
            self.assertEqual(cr.fetchone(), (True,), "its transaction goes on")

    def test_a_connection_that_died_meanwhile(self):
        backend, _first = self.ask()
        with closing(db_connect("postgres").cursor()) as cr:
            cr.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
        another, _second = self.ask()
        self.assertNotEqual(backend, another)
        self.assertEqual(self.opened, 2)
        self.assertEqual(self.ask()[0], another)

    def test_connections_that_odoo_closed(self):
        """It does so before it drops, copies or renames a database."""
        self.ask()
        close_db(get_db_name())
        self.ask()
        self.assertEqual(self.opened, 2)

    def test_one_that_waited_too_long_goes_back(self):
        self.ask()
        with patch.object(kept_cursor, "IDLE_SECONDS", 0):
            self.ask()
        self.assertEqual(self.opened, 2)

    def test_what_fails(self):
        """It is tried once more only if the cursor had waited."""
        tried = []

        def fail(cr):
            tried.append(cr)
            raise error

        for error in (psycopg2.OperationalError("gone"), ValueError("wrong")):
            for was_kept in (False, True):
                if was_kept:
                    self.ask()
                with (
                    self.subTest(error=type(error).__name__, was_kept=was_kept),
                    self.assertRaises(type(error)),
                ):
                    in_transaction(self.registry, fail)
                is_again = was_kept and isinstance(error, psycopg2.Error)
                self.assertEqual(len(tried), 2 if is_again else 1)
                self.assertTrue(all(cr.closed for cr in tried))
                self.assertFalse(kept_cursor._kept)
                tried.clear()

    def test_no_other_database_has_it(self):
        self.ask()
        other = self.registry_of("postgres")
        in_transaction(other, lambda cr: self.assertEqual(cr.dbname, "postgres"))
        self.assertEqual(self.opened, 2)

    def test_few_are_kept(self):
        def ask_inside(depth):
            def do(_cr):
                if depth:
                    ask_inside(depth - 1)

            in_transaction(self.registry, do)

        ask_inside(3)
        self.assertEqual(self.opened, 4)
        self.assertEqual(len(kept_cursor._kept), kept_cursor.MOST_KEPT)
