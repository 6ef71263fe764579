import contextlib
import json
import os
import socket
import struct
import tempfile
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import BaseCase, tagged
from odoo.tools import mute_logger

from ...ccp.safe.spool import Spool
from ...models import ccp_health_spool, report_store
from ...models.contention import is_gone
from ...models.spool import make_token
from ..common import AGENT, CcpSetup
from .server import LiveServer

SPOOL_LOGGER = "odoo.addons.airtel_ccp.models.ccp_call_event_spool"
TOKEN_LOGGER = "odoo.addons.airtel_ccp.models.spool"
REPORT = {"eventType": "CALL", "event": "Ringing", "participantAddress": AGENT}
# What PostgreSQL sends to all when one of its processes crashed, before it closes connections
CRASH_NOTICE = b"SWARNING\0C57P02\0Mterminating connection because of crash of another process\0\0"


class CrashingServer:
    """Stands before PostgreSQL, and ends a connection as PostgreSQL does when it crashes."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{self.folder.name}/.s.PGSQL.5432")
        self.listener.listen()
        self.ends = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        client, _address = self.listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{os.environ['PGHOST']}/.s.PGSQL.{os.environ.get('PGPORT', 5432)}")
        self.ends += [client, server]
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=self.pass_on, args=(source, target), daemon=True).start()

    def pass_on(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    def crash(self):
        client, server = self.ends
        client.sendall(b"N" + struct.pack("!i", len(CRASH_NOTICE) + 4) + CRASH_NOTICE)
        client.shutdown(socket.SHUT_RDWR)
        server.close()

    def close(self):
        for each in (self.listener, *self.ends):
            each.close()
        self.folder.cleanup()


@tagged("post_install", "-at_install")
class TestSetAside(BaseCase):
    """What was answered 200 is never put aside for good."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.enterClassContext(LiveServer())
        cls.server.stop()
        with cls.server.env() as env:
            CcpSetup.set_up_company(env, "http://127.0.0.1:9")

    def setUp(self):
        super().setUp()
        self.addCleanup(self.server.spool.remove_all)
        with self.server.env() as env:
            env["ccp.call"].search([]).unlink()
            self.token = make_token(env)
            env.company.ccp_webhook_token = self.token

    def wait_on_disk(self, *numbers):
        for number in numbers:
            body = json.dumps({**REPORT, "eventId": str(number)}).encode()
            self.server.spool.put(self.token, None, body)

    def stored(self):
        rows = self.server.query("SELECT payload FROM ccp_call_event WHERE call_id IS NULL")
        return sorted(json.loads(payload).get("eventId") for (payload,) in rows)

    def forget_stored(self):
        self.server.query("DELETE FROM ccp_call_event")

    def replay(self):
        with self.server.env() as env:
            env["ccp.call"]._cron_fold()

    def look(self):
        """Return health's line about reports on disk."""
        with self.server.env() as env:
            line = env["ccp.health"]._check(env.company, ["spool"])
            return line.filtered(lambda each: each.key == "spool").read(
                ["state", "code", "sentence", "turn"]
            )[0]

    def test_a_crash_of_postgresql_is_known_as_a_lost_connection(self):
        """psycopg2 raises its base class then, and takes the connection for open."""
        server = CrashingServer()
        self.addCleanup(server.close)
        connection = psycopg2.connect(
            dbname=self.server.database, host=server.folder.name, user=os.environ.get("PGUSER")
        )
        self.addCleanup(connection.close)
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        cr = SimpleNamespace(_cnx=connection)
        self.assertFalse(is_gone(cr))
        server.crash()
        with self.assertRaises(psycopg2.DatabaseError) as caught:
            cursor.execute("SAVEPOINT one")
        self.assertNotIsInstance(caught.exception, psycopg2.OperationalError)
        self.assertFalse(connection.closed)
        self.assertTrue(is_gone(cr))

    def test_a_statement_that_fails_is_no_lost_connection(self):
        with self.server.env() as env:
            for statement in ("SELECT 1/0", "SELECT nothing"):
                with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.Error):
                    env.cr.execute(statement)
                self.assertFalse(is_gone(env.cr))
                env.cr.rollback()
            env.cr.execute("SET LOCAL lock_timeout = '1ms'")
            with contextlib.closing(psycopg2.connect(dbname=self.server.database)) as connection:
                connection.cursor().execute("LOCK TABLE ccp_request_log")
                with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.OperationalError):
                    env.cr.execute("SELECT FROM ccp_request_log")
            self.assertFalse(is_gone(env.cr))
            env.cr.rollback()

    def test_a_connection_that_dies_whatever_the_error_sets_nothing_aside(self):
        self.wait_on_disk(1, 2, 3)
        self.forget_stored()
        store = report_store.store
        seen = []

        def die_at_the_second(cr, *arguments):
            seen.append(arguments)
            if len(seen) == 2:
                self.server.query("SELECT pg_terminate_backend(%s)", cr._cnx.info.backend_pid)
                raise psycopg2.DatabaseError("server closed the connection unexpectedly")
            return store(cr, *arguments)

        with (
            patch.object(report_store, "store", die_at_the_second),
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.Error),
        ):
            self.replay()
        self.assertEqual(len(self.server.spool.names()), 3)
        self.assertFalse(self.server.spool.aside())
        self.replay()
        self.assertEqual(self.stored(), ["1", "2", "3"])
        self.assertFalse(self.server.spool.names())

    def test_a_lock_sets_nothing_aside(self):
        self.wait_on_disk(1)
        self.forget_stored()
        store = report_store.store
        seen = []

        def trip_once(cr, *arguments):
            if not seen:
                seen.append(arguments)
                raise psycopg2.errors.SerializationFailure("could not serialize access")
            return store(cr, *arguments)

        with patch.object(report_store, "store", trip_once):
            self.replay()
        self.assertEqual(self.stored(), ["1"])

    def test_a_report_that_others_hold_keeps_no_other_waiting(self):
        self.wait_on_disk("held", "free")
        self.forget_stored()
        store = report_store.store

        def hold(cr, token, header, raw, received_at=None):
            if b'"held"' in raw:
                raise psycopg2.errors.LockNotAvailable("held")
            return store(cr, token, header, raw, received_at)

        with patch.object(report_store, "store", hold):
            self.replay()
        self.assertEqual(self.stored(), ["free"])
        self.replay()
        self.assertEqual(sorted(self.stored()), ["free", "held"])

    def set_one_aside(self):
        """Have one of two reports fail in the database, as a fault of the addon would."""
        self.wait_on_disk("good", "bad")
        self.forget_stored()
        store = report_store.store

        def fail(cr, token, header, raw, received_at=None):
            if b'"bad"' in raw:
                cr.execute("SELECT 1/0")
            return store(cr, token, header, raw, received_at)

        with (
            patch.object(report_store, "store", fail),
            mute_logger("odoo.sql_db", SPOOL_LOGGER),
        ):
            self.replay()
        self.assertEqual(self.stored(), ["good"])

    def test_what_is_set_aside_is_shown_with_its_reason_and_tried_again_by_a_button(self):
        self.assertEqual(self.look()["state"], "ok")
        self.set_one_aside()
        self.assertEqual([each.reason for each in self.server.spool.aside()], ["DivisionByZero"])
        line = self.look()
        self.assertEqual((line["state"], line["code"]), ("bad", "aside"))
        self.assertIn("1 reports on disk could not be processed (DivisionByZero)", line["sentence"])
        self.replay()
        self.assertEqual(self.stored(), ["good"], "not tried again with each run")
        with self.server.env() as env:
            lines = env["ccp.health"].search([("key", "=", "spool")], limit=1)
            with self.assertRaises(AccessError):
                lines.with_user(env.ref("base.public_user")).action_try_again()
            lines.with_user(env.ref("base.user_admin")).action_try_again()
        self.replay()
        self.assertEqual(self.stored(), ["bad", "good"])
        self.assertEqual(self.look()["state"], "ok")

    def test_it_is_tried_again_each_day_and_after_an_update(self):
        self.set_one_aside()
        with self.server.env() as env:
            env["ccp.health"]._cron_check()
        self.assertEqual(len(self.server.spool.aside()), 1, "tried a moment ago")
        (aside,) = self.server.spool.aside()
        old = (datetime.now(timezone.utc) - timedelta(days=1, minutes=1)).timestamp()
        os.utime(self.server.spool.folder / aside.name, (old, old))
        with self.server.env() as env:
            env["ccp.health"]._cron_check()
        self.assertFalse(self.server.spool.aside())
        self.assertEqual(len(self.server.spool.names()), 1)
        self.server.spool.set_aside(self.server.spool.names()[0], "DataError")
        with self.server.env() as env:
            env["ccp.call.event"].init()
        self.replay()
        self.assertEqual(self.stored(), ["bad", "good"])

    def test_a_folder_that_cannot_be_read_stops_no_folding(self):
        """A file in the folder's place, for root may read every folder."""
        with self.server.env() as env:
            event = env["ccp.call.event"].create(
                {
                    "company_id": env.company.id,
                    "kind": "event",
                    "payload": "{}",
                    "fingerprint": "a",
                    "received_at": fields.Datetime.now() - timedelta(days=3),
                }
            )
        folder = self.server.spool.folder
        self.server.spool.remove_all()
        folder.write_text("no folder")
        self.addCleanup(folder.unlink, missing_ok=True)
        with self.assertLogs(SPOOL_LOGGER, "WARNING"):
            self.replay()
        self.assertEqual(
            self.server.query("SELECT folded FROM ccp_call_event WHERE id = %s", event.id),
            [(True,)],
        )
        with (
            self.server.env() as env,
            self.assertLogs(SPOOL_LOGGER, "WARNING"),
            self.assertLogs(TOKEN_LOGGER, "WARNING"),
        ):
            env["ccp.health"]._cron_check()
            env["ccp.call.event"].init()
            self.assertTrue(make_token(env))
        line = self.look()
        self.assertEqual((line["code"], line["turn"]), ("spool_closed", "server"))
        self.assertIn("NotADirectoryError", line["sentence"])

    def test_a_file_that_cannot_be_read_or_removed_holds_up_no_other(self):
        """A folder in the file's place, for root may read and remove every file."""
        self.wait_on_disk(1, 2)
        self.forget_stored()
        closed = self.server.spool.folder / "0.report"
        closed.mkdir()
        (closed / "x").write_text("")
        with self.assertLogs(SPOOL_LOGGER, "WARNING"):
            self.replay()
        self.assertEqual(self.stored(), ["1", "2"])
        self.assertEqual(self.server.spool.names(), ["0.report"], "it goes on waiting")
        self.assertFalse(self.server.spool.aside())

    def test_a_report_that_cannot_be_removed_is_stored_once(self):
        self.wait_on_disk(1)
        self.forget_stored()

        def remove(_spool, _name):
            raise PermissionError

        with (
            patch.object(Spool, "remove", remove),
            self.assertLogs(SPOOL_LOGGER, "WARNING"),
        ):
            self.replay()
            self.replay()
        self.assertEqual(self.stored(), ["1"])
        self.replay()
        self.assertEqual((self.stored(), self.server.spool.names()), (["1"], []))

    def test_a_full_disk_is_told(self):
        full = Spool(self.server.spool.folder, min_free_bytes=2**62)
        with patch.object(ccp_health_spool, "spool_of", lambda _env: full):
            line = self.look()
        self.assertEqual((line["state"], line["code"]), ("bad", "spool_full"))
        self.assertEqual([path.name for path in Path(full.folder).iterdir()], ["key"])
