import base64
import contextlib
import gzip
import io
import json
import logging
import re
import shutil
import threading
from unittest.mock import patch

import psycopg2

from odoo.tests import tagged

from ..ccp.safe.spool import Spool, digest
from ..controllers import intake
from ..models import ccp_call_event_spool, report_store
from ..models.spool import make_token, root, spool_of
from .common import HEADER, TOKEN
from .test_webhook import URL, WebhookCase, by_the_route


@tagged("post_install", "-at_install")
class TestBothWays(WebhookCase):
    """Nobody can see from the answer, the row or the log which way a report came."""

    def setUp(self):
        super().setUp()
        self.taken = self.note_taken()

    def both(self, act):
        """Return what ``act`` returns for each way; what it stores is gone after the first."""
        results = [act()]
        self.assertTrue(self.taken, "the intake left it to the route")
        self.env.cr.execute("DELETE FROM ccp_call_event")
        self.taken.clear()
        with by_the_route():
            results.append(act())
        self.assertFalse(self.taken)
        self.env.cr.execute("DELETE FROM ccp_call_event")
        return results

    def row(self):
        """Return all columns of the only report, but its id."""
        self.env.cr.execute("SELECT * FROM ccp_call_event")
        (row,) = self.env.cr.dictfetchall()
        row.pop("id")
        return row

    def test_the_same_row(self):
        """One transaction, so even the time is the same."""
        company_url = f"/airtel_ccp/webhook/{self.env.company.ccp_webhook_token}"
        event = json.dumps(self.event("Answer", "A", 1))
        bodies = [
            event.encode(),
            json.dumps(self.cdr(), indent=4).encode(),
            json.dumps([self.event("Ringing", "A"), self.cdr()]).encode(),
            b"",
            b"nonsense\r\n",
            b"\xff" * 100,
            b"a\0b",
            "caf\xe9 \N{PILE OF POO} \ud800".encode("utf-8", "surrogatepass"),
            event.encode("utf-16"),
            gzip.compress(event.encode(), mtime=0),
            b"[" * intake.MAX_BODY_BYTES,
        ]
        for url in (URL, company_url):
            for body in bodies:

                def stored(body=body, url=url):
                    self.assertEqual(self.post(body, url=url).status_code, 200)
                    return self.row()

                with self.subTest(body=body[:40], url=url == URL):
                    taken, routed = self.both(stored)
                    self.assertEqual(taken, routed)
                    kept = taken["raw_payload"]
                    text = taken["payload"].encode()
                    self.assertEqual(base64.b64decode(kept) if kept else text, body)

    def test_the_same_answer(self):
        report = self.event("Ringing", "A")
        unknown = "/airtel_ccp/webhook/unknown"
        for name, status, request in (
            ("stored", 200, {"body": report}),
            ("wrong token", 404, {"body": report, "url": unknown}),
            ("wrong header", 404, {"body": report, "X-Airtel-Ccp-Secret": "wrong"}),
            ("too large", 413, {"body": b"1" * (intake.MAX_BODY_BYTES + 1)}),
        ):

            def answered(request=request):
                answer = self.post(**request)
                headers = {key: value for key, value in answer.headers.items() if key != "Date"}
                return answer.status_code, headers, answer.content

            with self.subTest(name):
                taken, routed = self.both(answered)
                self.assertEqual(taken[0], status)
                self.assertEqual(taken, routed)

    def test_the_same_on_disk(self):
        """While the database takes nothing: kept, if the token is signed."""
        spool = spool_of(self.env)
        token = make_token(self.env)
        self.addCleanup(spool.remove_all)

        def kept(url):
            answer = self.post(b"waits", url=url, **{"X-Airtel-Ccp-Secret": HEADER})
            reports = [spool.read(name) for name in spool.names()]
            for name in spool.names():
                spool.remove(name)
            headers = {key: value for key, value in answer.headers.items() if key != "Date"}
            return (
                answer.status_code,
                headers,
                answer.content,
                [(each.token_digest, each.header_digest, each.raw) for each in reports],
            )

        for error in (psycopg2.OperationalError, psycopg2.errors.DiskFull):
            for url, status, count in (
                (f"/airtel_ccp/webhook/{token}", 200, 1),
                ("/airtel_ccp/webhook/unknown", 503, 0),
            ):
                with (
                    self.subTest(status=status),
                    patch.object(report_store, "receive", side_effect=error),
                    self.assertLogs("odoo.addons.airtel_ccp.controllers.intake", "WARNING") as logs,
                ):
                    taken, routed = self.both(lambda url=url: kept(url))
                    self.assertEqual(taken, routed)
                    self.assertEqual((taken[0], len(taken[3])), (status, count))
                self.assertEqual(*logs.output)

    def test_the_same_line_in_the_access_log(self):
        lines = []

        class Handler(logging.Handler):
            def emit(self, record):
                thread = threading.current_thread()
                line = re.sub(r"\[.*?\]", "", record.getMessage())
                lines.append((line, thread.dbname))

        def logged():
            lines.clear()
            headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "odoo.example.com"}
            self.assertEqual(self.post(self.event("Ringing", "A"), **headers).status_code, 200)
            return lines[:]

        logger = logging.getLogger("werkzeug")
        handler = Handler()
        logger.addHandler(handler)
        self.addCleanup(logger.removeHandler, handler)
        level = logger.level
        logger.setLevel(logging.INFO)
        self.addCleanup(logger.setLevel, level)
        for behind_proxy in (False, True):
            with patch.dict(intake.config.options, {"proxy_mode": behind_proxy}):
                taken, routed = self.both(logged)
            self.assertEqual(taken, routed)
            ((line, database),) = taken
            self.assertEqual(database, self.env.cr.dbname)
            self.assertIn("POST /airtel_ccp/webhook/*** HTTP", line)
            self.assertEqual(line.startswith("203.0.113.9 "), behind_proxy)


@tagged("post_install", "-at_install")
class TestIntake(WebhookCase):
    """What the intake takes itself, and what it leaves to the route."""

    def setUp(self):
        super().setUp()
        self.taken = self.note_taken()

    def take(self, **environ):
        """Return the intake's answer to a request that brings a report."""
        raw = json.dumps(self.event("Ringing", "A")).encode()
        return intake.take(
            {
                "REQUEST_METHOD": "POST",
                "PATH_INFO": URL,
                "HTTP_HOST": "localhost",
                "CONTENT_LENGTH": str(len(raw)),
                "wsgi.input": io.BytesIO(raw),
                **environ,
            }
        )

    def test_a_report_does_not_reach_the_route(self):
        with patch.object(intake.http.Request, "_serve_db", side_effect=AssertionError):
            self.assertEqual(self.post(self.event("Ringing", "A")).status_code, 200)
        self.assertEqual(self.taken, [self.env.cr.dbname])
        self.assertEqual(len(self.call.event_ids), 1)

    def test_installed_twice_it_is_there_once(self):
        before = intake.http.Application.__call__
        intake.install()
        self.assertIs(intake.http.Application.__call__, before)

    def test_what_is_left_to_the_route(self):
        for environ in (
            {"REQUEST_METHOD": "GET"},
            {"REQUEST_METHOD": "OPTIONS"},
            {"PATH_INFO": "/airtel_ccp/webhook/"},
            {"PATH_INFO": URL + "/"},
            {"PATH_INFO": URL + "\n"},
            {"PATH_INFO": "/" + URL},
            {"PATH_INFO": "/hi" + URL},
            {"PATH_INFO": "/airtel_ccp/webhook/\xc3\xa9"},
            {"SCRIPT_NAME": "/below"},
            {"HTTP_COOKIE": "tz=UTC; session_id=x"},
            {"HTTP_X_ODOO_DATABASE": "nobody"},
        ):
            with self.subTest(**environ):
                self.assertIsNone(self.take(**environ))
        self.assertEqual(self.take().status_code, 200)

    def test_a_registry_that_is_not_ready_or_has_no_reports_is_left_to_the_route(self):
        with patch.object(self.registry, "ready", False):
            self.assertIsNone(self.take())
        with patch.object(intake, "MODEL", "ccp.nothing"):
            self.assertIsNone(self.take())
        with patch.object(intake.Registry, "registries", {}):
            self.assertIsNone(self.take())
        self.assertFalse(self.taken)

    def test_the_filter_by_host_decides(self):
        """Also the host that a proxy forwards."""
        domain = self.env.cr.dbname
        self.call.token_digest = digest(token := make_token(self.env))
        self.env.flush_all()
        path = {"PATH_INFO": f"/airtel_ccp/webhook/{token}"}
        forwarded = {"HTTP_X_FORWARDED_HOST": f"{domain}.example.com"}
        options = {"dbfilter": "^%d$", "proxy_mode": True}
        with patch.dict(intake.config.options, options):
            self.assertEqual(self.take(**path, HTTP_HOST=f"{domain}.in").status_code, 200)
            self.assertEqual(self.take(**path, HTTP_HOST=f"www.{domain}.in:80").status_code, 200)
            self.assertIsNone(self.take(**path, HTTP_HOST="other.example.com"))
            self.assertEqual(self.take(**path, **forwarded).status_code, 200)
        with patch.dict(intake.config.options, {**options, "proxy_mode": False}):
            self.assertIsNone(self.take(**path, **forwarded))

    def test_the_token_says_whose_it_is(self):
        name = self.env.cr.dbname
        token = make_token(self.env)
        self.call.token_digest = digest(token)
        self.env.flush_all()
        path = {"PATH_INFO": f"/airtel_ccp/webhook/{token}"}
        for names in ([], ["other", name]):
            with self.subTest(names=names), patch.dict(intake.config.options, {"db_name": names}):
                self.taken.clear()
                self.assertIsNone(self.take(), "nobody signed it")
                self.assertEqual(self.take(**path).status_code, 200)
                self.assertEqual(self.taken, [name])
        with patch.dict(intake.config.options, {"db_name": ["other", "more"]}):
            self.assertIsNone(self.take(**path), "this server does not show the database")

    def test_a_renamed_database_takes_what_its_old_name_signed(self):
        """Also a copy that is the only one served."""
        former = Spool(root() / f"{self.env.cr.dbname}-before")
        self.addCleanup(shutil.rmtree, former.folder, ignore_errors=True)
        token = former.make_token()
        self.call.token_digest = digest(token)
        self.env.flush_all()
        path = {"PATH_INFO": f"/airtel_ccp/webhook/{token}"}
        name = self.env.cr.dbname
        only = {"db_name": [name], "dbfilter": f"^{re.escape(name)}$"}
        with patch.dict(intake.config.options, only):
            self.assertEqual(self.take(**path).status_code, 200)
            self.assertEqual(self.taken, [name])
        with patch.dict(intake.config.options, {**only, "db_name": []}):
            self.assertIsNone(self.take(**path), "which one it is, nobody says")

    def test_a_renamed_database_keeps_its_reports_while_postgresql_is_away(self):
        """They wait under the name that takes them in, by both ways."""
        own = spool_of(self.env)
        self.addCleanup(own.remove_all)
        former = Spool(root() / f"{self.env.cr.dbname}-before")
        self.addCleanup(former.remove_all)
        token = former.make_token()
        self.call.token_digest = digest(token)
        self.env.flush_all()
        url = f"/airtel_ccp/webhook/{token}"
        name = self.env.cr.dbname
        one_by_host = {"db_name": [name], "dbfilter": f"^{re.escape(name)}$"}
        for options in ({"db_name": [name], "dbfilter": ""}, one_by_host):
            for way in (contextlib.nullcontext, by_the_route):
                with (
                    self.subTest(way=way.__name__, **options),
                    way(),
                    patch.dict(intake.config.options, options),
                    patch.object(report_store, "receive", side_effect=psycopg2.OperationalError),
                ):
                    self.assertEqual(self.post(b"waits", url=url).status_code, 200)
                    self.assertEqual(len(own.names()), 1)
                    self.assertFalse(former.names())
                    own.remove(own.names()[0])
        # Several are served: the signature alone says whose it is
        with (
            patch.dict(intake.config.options, {"db_name": [], "dbfilter": ""}),
            patch.object(report_store, "receive", side_effect=psycopg2.OperationalError),
        ):
            self.assertEqual(self.post(b"waits", url=url).status_code, 200)
        self.assertFalse(own.names())
        self.assertEqual(len(former.names()), 1)

    def test_what_waits_under_a_former_name_is_taken_in(self):
        """Unless a database has that name, or the report is another's."""
        self.addCleanup(spool_of(self.env).remove_all)
        former = Spool(root() / f"{self.env.cr.dbname}-before")
        there = Spool(root() / "postgres")
        tokens = {}
        for spool in (former, there):
            self.addCleanup(spool.remove_all)
            tokens[spool] = spool.make_token()
        self.call.token_digest = digest(tokens[former])
        self.env.company.ccp_webhook_token = tokens[there]
        self.env.flush_all()
        report = json.dumps(self.event("Answer", "A", 1)).encode()
        former.put(tokens[former], None, report)
        former.put(former.make_token(), None, b"of another database")
        there.put(tokens[there], None, report)
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1):
            self.env["ccp.call"]._cron_fold()
        self.assertEqual(self.call.state, "ringing_customer")
        (left,) = former.names()
        self.assertEqual(former.read(left).raw, b"of another database")
        self.assertEqual(len(there.names()), 1)
        with patch.object(ccp_call_event_spool, "waiting_below", side_effect=PermissionError):
            self.env["ccp.call.event"]._adopt_spooled()

    def test_tables_that_change_are_left_to_the_route_with_the_body(self):
        report = self.event("Ringing", "A")
        receive = report_store.receive
        for number, error in enumerate(intake.CHANGED):
            failures = [error]

            def fail_once(*arguments, failures=failures):
                if failures:
                    raise failures.pop()()
                return receive(*arguments)

            report["eventId"] = str(number)
            with self.subTest(error.__name__), patch.object(report_store, "receive", fail_once):
                self.assertEqual(self.post(report).status_code, 200)
                self.assertEqual(json.loads(self.call.event_ids[-1:].payload), report)
            self.assertFalse(failures)

    def test_a_report_that_odoo_fails_to_take_waits_on_disk(self):
        """The database goes away before the route begins, so Odoo answers 500, or 404."""
        spool = spool_of(self.env)
        self.addCleanup(spool.remove_all)
        signed = f"/airtel_ccp/webhook/{make_token(self.env)}"
        unsigned = "/airtel_ccp/webhook/unknown"
        errors = (psycopg2.DatabaseError, psycopg2.InterfaceError, intake.http.RegistryError)
        for error in errors:
            with (
                self.subTest(error.__name__),
                by_the_route(),
                patch.object(intake.http.Request, "_serve_db", side_effect=error),
                self.assertLogs("odoo.http", "WARNING"),
            ):
                self.assertEqual(self.post(b"waits", url=signed).status_code, 200)
                (name,) = spool.names()
                self.assertEqual(spool.read(name).raw, b"waits")
                spool.remove(name)
                self.assertIn(self.post(b"waits", url=unsigned).status_code, (404, 500, 503))
                self.assertFalse(spool.names())

    def test_a_sender_that_goes_away_leaves_nothing(self):
        self.assertEqual(self.take(CONTENT_LENGTH="5000").code, 400)
        self.env.invalidate_all()
        self.assertFalse(self.call.event_ids)

    def test_a_dump_of_threads_shows_no_token(self):
        self.take()
        self.assertNotIn(TOKEN, threading.current_thread().url)
