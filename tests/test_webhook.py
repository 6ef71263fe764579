import base64
import gzip
import json
import logging
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import HttpCase, tagged

from ..ccp.safe.spool import digest
from ..controllers import intake
from ..controllers.access_log import LOGGERS, PasswordFilter, TokenFilter, mask
from ..controllers.intake import MAX_BODY_BYTES
from ..models import report_store
from .common import HEADER, TOKEN, CcpCase
from .secrets_in_logs import searching_logs

URL = f"/airtel_ccp/webhook/{TOKEN}"


class WebhookCase(CcpCase, HttpCase):
    """Posts to the real route of a real HTTP server."""

    def setUp(self):
        super().setUp()
        # Several processes of tests have filters, and tokens from the database they were copied of
        self.startPatcher(patch.dict(intake.config.options, {"dbfilter": ""}))
        self.call = self.make_call(token_digest=digest(TOKEN))

    def post(self, body, url=URL, method="POST", **headers):
        """Post a body to the webhook, and return the answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        answer = self.url_open(url, data=data, headers=headers, method=method)
        self.env.invalidate_all()
        return answer

    def fold(self):
        self.call._fold()
        self.env.invalidate_all()

    def note_taken(self):
        """Return a list that gets the database's name for each request that the intake takes."""
        taken = []
        begin = intake.begin_request

        def note(database):
            taken.append(database)
            begin(database)

        self.startPatcher(patch.object(intake, "begin_request", note))
        return taken


@contextmanager
def by_the_route():
    """Have all reports go through Odoo's own request."""
    with patch.object(intake, "take", lambda _environ: None):
        yield


@tagged("post_install", "-at_install")
class TestWebhook(WebhookCase):
    """Taking reports, see ``controllers/intake.py``."""

    def test_report_is_stored_as_it_came(self):
        raw = b'{"eventType": "CALL",   "event":"Ringing", "unknown": {"kept": [1]}}'
        answer = self.post(raw)
        self.assertEqual(answer.status_code, 200)
        event = self.call.event_ids
        self.assertRecordValues(event, [{"kind": "event", "folded": False}])
        self.assertEqual(event.payload.encode(), raw)
        self.assertEqual(self.call.state, "ringing_agent", "the request folds nothing")

    def test_kinds(self):
        self.post(self.event("Ringing", "A"))
        self.post({"requestMessageType": "x", "responseType": "SUCCESS"})
        self.post(self.cdr())
        self.post(b"nonsense")
        self.assertEqual(
            self.call.event_ids.mapped("kind"), ["event", "api_result", "cdr", "unreadable"]
        )

    def test_repeat_is_no_second_row(self):
        report = self.event("Ringing", "A")
        shuffled = dict(reversed(report.items()))
        for body in (report, report, shuffled):
            self.assertEqual(self.post(body).status_code, 200)
        self.assertEqual(len(self.call.event_ids), 1)

    def test_wrong_token(self):
        for token in ("wrong", TOKEN + "x", TOKEN[:-1], "%00", "a" * 5000, "é"):
            with self.subTest(token=token[:20]):
                answer = self.post(self.cdr(), url=f"/airtel_ccp/webhook/{token}")
                self.assertIn(answer.status_code, (404, 414))
        self.assertFalse(self.call.event_ids)

    def test_a_proxy_can_tell_an_unknown_token_from_a_database_that_is_away(self):
        answer = self.post(self.cdr(), url="/airtel_ccp/webhook/unknown")
        self.assertEqual((answer.status_code, answer.headers["X-Airtel-Ccp"]), (404, "unknown"))

    def test_wrong_method(self):
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            with self.subTest(method=method):
                answer = self.post(b"{}", method=method)
                self.assertIn(answer.status_code, (404, 405))
        self.assertFalse(self.call.event_ids)

    def test_too_large(self):
        answer = self.post(b"[" + b"1," * 2_500_000 + b"1]")
        self.assertEqual(answer.status_code, 413)
        self.assertFalse(self.call.event_ids)

    def test_too_large_however_it_is_sent(self):
        """Also a body of unknown length, sent in chunks, is stored whole or refused."""

        def in_chunks(size):
            yield b"["
            yield b"1," * (size // 2 - 1)
            yield b"1"

        for size, status in ((MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 2, 413)):
            with self.subTest(size=size):
                answer = self.url_open(URL, data=in_chunks(size), timeout=30)
                self.assertEqual(answer.status_code, status)
                exact = self.url_open(URL, data=b"2" * size, timeout=30)
                self.assertEqual(exact.status_code, status)
        self.env.invalidate_all()
        lengths = [len(event.payload) for event in self.call.event_ids]
        self.assertEqual(lengths, [MAX_BODY_BYTES] * 2)

    def test_bytes_that_are_no_text_are_kept_as_they_came(self):
        story = json.dumps(self.event("Answer", "A", 1))
        bodies = [
            gzip.compress(story.encode()),
            '{"eventType": "CALL", "event": "caf\xe9"}'.encode("latin-1"),
            story.encode("utf-16"),
            b'{"eventType": "CALL", "event": "a\0b"}',
        ]
        for body in bodies:
            self.assertEqual(self.post(body).status_code, 200)
        kept = [base64.b64decode(event.raw_payload) for event in self.call.event_ids]
        self.assertEqual(kept, bodies)
        self.post(self.event("Answer", "B", 2))
        text = self.call.event_ids.filtered(lambda event: event.payload[:1] == "{")[-1:]
        self.assertFalse(text.raw_payload, "a text holds it already")

    def test_a_token_ends_some_days_after_its_call(self):
        def age(days, **values):
            start = fields.Datetime.now() - timedelta(days=days)
            self.call.write({"start_date": start, "live": False, **values})
            self.env.flush_all()

        age(6)
        self.call._fold(closing=True)
        self.assertEqual(self.call.result, "no_report")
        self.assertEqual(self.post(self.cdr()).status_code, 200)
        self.fold()
        self.assertEqual(self.call.result, "connected", "a late record still heals it")
        now = fields.Datetime.now()
        for days, end in ((8.1, False), (7.1, now - timedelta(days=7.05))):
            age(days, end_date=end)
            answer = self.post(self.event("Answer", "A", 1))
            self.assertEqual((answer.status_code, answer.headers["X-Airtel-Ccp"]), (404, "unknown"))
        # What Airtel says of the end counts for a day at most
        age(8.1, end_date=fields.Datetime.now())
        self.assertEqual(self.post(self.event("Answer", "A", 2)).status_code, 404)
        self.env.company.ccp_token_days = 30
        self.env.flush_all()
        self.assertEqual(self.post(self.event("Answer", "A", 3)).status_code, 200)
        for days in (0, 366):
            with self.assertRaises(ValidationError):
                self.env.company.ccp_token_days = days

    def test_a_report_that_waited_on_disk_came_in_time(self):
        self.call.start_date = fields.Datetime.now() - timedelta(days=20)
        self.env.flush_all()
        for waited, known in ((timedelta(days=15), True), (timedelta(days=1), False)):
            received = fields.Datetime.now() - waited
            raw = json.dumps(self.event("Answer", "A", waited.days)).encode()
            kept = report_store.store(self.env.cr, digest(TOKEN), None, raw, received)
            self.assertEqual(kept, known)

    def test_content_types(self):
        """The body is stored whatever the sender calls it."""
        for position, content_type in enumerate(
            (
                "application/json; charset=utf-8",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "text/plain",
                "",
                "nonsense",
            )
        ):
            with self.subTest(content_type=content_type):
                report = {**self.event("Ringing", "A"), "eventId": str(position)}
                answer = self.post(report, **{"Content-Type": content_type})
                self.assertEqual(answer.status_code, 200)
                self.assertEqual(json.loads(self.call.event_ids[-1:].payload), report)

    def test_secret_header(self):
        self.assertEqual(self.post(b"1", **{"X-Airtel-Ccp-Secret": HEADER}).status_code, 200)
        self.assertEqual(self.post(b"2", **{"X-Airtel-Ccp-Secret": "wrong"}).status_code, 404)
        self.assertEqual(self.post(b"3").status_code, 200)
        self.env.company.ccp_require_header = True
        self.env.flush_all()
        self.assertEqual(self.post(b"4").status_code, 404)
        self.assertEqual(self.post(b"5", **{"X-Airtel-Ccp-Secret": HEADER}).status_code, 200)
        self.assertEqual(self.call.event_ids.mapped("payload"), ["1", "3", "5"])

    def test_nonsense_is_stored_and_changes_nothing(self):
        """Never a 5xx, never a changed state, nothing lost that was authenticated."""
        wrong = [None, True, 0, -1, 1.5, 10**4000, "x" * 5000, [], {}, [[]], {"a": {"b": 1}}]
        fields = (
            list(self.event("Answer", "B"))
            + list(self.cdr())
            + [
                "participants",
                "events",
                "recordingURL",
                "Recording",
                "duration",
                "startTime",
                "vmSessionId",
            ]
        )
        bodies = [
            b"",
            b" ",
            b"{",
            b"[]",
            b"[1, 2]",
            b"null",
            b"true",
            b'"text"',
            b"12",
            b"1e999",
            b"NaN",
            b'{"eventType": NaN}',
            b'{"eventType": "CALL", "event": "Answer\\u0000"}',
            b'\x00\x00{"eventType": "CALL"}',
            b'{"eventType": "\\ud800"}',
            b"\xff\xfe{\x00}\x00",
            b"\xef\xbb\xbf{}",
            b"\xff" * 100,
            b"9" * 60_000,
            b"[" * 30_000,
            b'{"a":' * 10_000,
            b'{"eventType": "CALL", "participantAddress": ' + b"9" * 50_000 + b"}",
        ]
        for field in fields:
            bodies += [json.dumps({field: value}).encode() for value in wrong]
        for body in bodies:
            with self.subTest(body=body[:60]):
                self.assertEqual(self.post(body).status_code, 200)
        distinct = len({digest(event.payload) for event in self.call.event_ids})
        self.assertGreater(distinct, len(fields))
        self.fold()
        self.assertTrue(all(self.call.event_ids.mapped("folded")))
        self.assertNotEqual(self.call.result, "connected")
        self.assertFalse(self.call.talk_seconds)
        self.assertFalse(self.call.recording_url)

    def test_absurd_times_change_no_date(self):
        for time in ("0001-01-01T00:00:00.000+0000", "9999-12-31T23:59:59.999+0000", 10**30, -1):
            self.post({**self.event("Answer", "A"), "time": time})
        self.fold()
        self.assertEqual(self.call.state, "ringing_customer")
        delta = abs(self.call.agent_answer_date - self.call.start_date)
        self.assertLess(delta.total_seconds(), 3600)

    def test_two_statements(self):
        """A report costs one look-up and one insert, whatever its kind."""
        self.env.flush_all()
        for body in (self.event("Ringing", "A"), self.cdr(), b"nonsense"):
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            with self.assertQueryCount(2):
                report_store.receive(self.env.cr, TOKEN, None, raw)

    def test_access_log_masks_the_token(self):
        record = logging.LogRecord(
            "werkzeug", 20, "", 0, '"%s" %s', (f"POST {URL} HTTP/1.1", 200), None
        )
        TokenFilter().filter(record)
        self.assertNotIn(TOKEN, record.getMessage())
        self.assertIn("/airtel_ccp/webhook/***", record.getMessage())
        for name in LOGGERS:
            filters = logging.getLogger(name).filters
            self.assertTrue(any(isinstance(each, TokenFilter) for each in filters), name)

    def test_a_token_is_masked_however_its_address_is_spelled(self):
        for path in (
            "//airtel_ccp/webhook/{}",
            "/airtel_ccp//webhook///{}/",
            "/AIRTEL_CCP/Webhook/{}?x=1",
            "http://odoo.example.com:8069/airtel_ccp/webhook/{}",
            "/airtel_ccp/webhook%2f{}",
            "/airtel_ccp%252Fwebhook%252F{}/",
            "/airtel%5fccp/%77ebhook/{}",
            "\\airtel_ccp\\webhook\\{}",
        ):
            for text, arguments in (
                ('"POST %s HTTP/1.1" 404', (path.format(TOKEN),)),
                ("'/odoo%s' (lang: %r) no lang in url", (path.format(TOKEN), "hi_IN")),
                (f"{path.format(TOKEN).replace('%', '%%')} took %.2f s", (0.25,)),
                (path.format(TOKEN), None),
            ):
                record = logging.LogRecord("werkzeug", 20, "", 0, text, arguments, None)
                with self.subTest(path=path, text=text):
                    self.assertTrue(TokenFilter().filter(record))
                    self.assertNotIn(TOKEN, record.getMessage())
                    self.assertIn("***", record.getMessage())
        for text in ("100% of 5", "GET /web?x=%2Fodoo HTTP/1.1", "a%2"):
            self.assertEqual(mask(text), text)

    def test_a_log_line_that_cannot_be_made_is_logged_as_ever(self):
        record = logging.LogRecord("werkzeug", 20, "", 0, "%s and %s", (TOKEN,), None)
        self.assertTrue(TokenFilter().filter(record))

    def test_no_log_has_the_token_of_an_odd_address(self):
        with searching_logs() as finder:
            for path in (
                f"//airtel_ccp/webhook/{TOKEN}",
                f"/airtel_ccp//webhook/{TOKEN}/",
                f"/AIRTEL_CCP/webhook/{TOKEN}",
                f"/airtel_ccp/webhook%2F{TOKEN}",
                f"/airtel_ccp/%77ebhook/{TOKEN}",
                f"/hi/airtel_ccp/webhook/{TOKEN}?x=1",
            ):
                for method in ("POST", "GET"):
                    self.post(b"{}", url=path, method=method)
        self.assertFalse(finder.found)

    def test_secrets_are_masked_however_python_writes_them(self):
        """A password with an apostrophe is written between double quotes, and so on."""
        for secret in (
            "hidden'value",
            'hidden"value',
            "hid'den\"value",
            "hidden\\'value\\",
            "hidden\nvalue'",
            "ഹidden value \N{PILE OF POO}'\t",
            "',hidden 'password': '",
        ):
            for arguments in (
                {"ccp_password": secret},
                {"params": [{"password": secret, "x": 1}]},
                {"callback_secret_headers": f"X-Key: {secret}"},
                {"ccp_webhook_token": secret},
                [[0, 0, {"ccp_secret_password": secret}]],
            ):
                for text in (repr(arguments), repr(arguments)[:-1], f"password={secret!r}"):
                    with self.subTest(text=text):
                        masked = PasswordFilter.mask(f"call res.company(1,).write({text}, 'rest')")
                        self.assertNotIn("hid", masked)
                        self.assertNotIn("alue", masked)

    def test_calls_of_a_browser_are_logged_without_the_password(self):
        logger = logging.getLogger("odoo.service.model")
        with searching_logs() as finder:
            finder.found = lines = []
            finder.emit = lambda record: lines.append(record.getMessage())
            for model, values in (
                (
                    "res.config.settings()",
                    {"ccp_password": "hidden-value", "ccp_username": "100% me"},
                ),
                ("ccp.setup(1,)", {"password": "hidden-value"}),
                ("ccp.postman.import()", {"file": "Y2FuYXJ5", "file_name": "x"}),
            ):
                logger.debug("call %s.%s(%s)", model, "web_save", values)
        text = "\n".join(lines)
        self.assertEqual(len(lines), 3)
        self.assertIn("100% me", text)
        self.assertNotIn("hidden-value", text)
        self.assertNotIn("Y2FuYXJ5", text)

    def test_company_url(self):
        """Reports to the company's own address find their call by Airtel's ids, or wait."""
        url = f"/airtel_ccp/webhook/{self.env.company.ccp_webhook_token}"
        named = {**self.event("Answer", "A", 1), "clientCorrelationId": "Xchange-test"}
        early = {**self.event("Answer", "A", 2), "clientCorrelationId": "Xchange-later"}
        for body in (named, named, early, b"nonsense"):
            self.assertEqual(self.post(body, url=url).status_code, 200)
        waiting = self.env["ccp.call.event"].search([("call_id", "=", False)])
        self.assertEqual(len(waiting), 3)
        self.env["ccp.call.event"]._match()
        self.assertEqual(len(self.call.event_ids), 1)
        self.fold()
        self.assertEqual(self.call.state, "ringing_customer")
        later = self.make_call(correlation_id="Xchange-later", user_id=self.other_rep.id)
        # As it is when Airtel accepted it
        later._fold()
        self.env["ccp.call.event"]._match()
        self.assertEqual(len(later.event_ids), 1)
        waiting = self.env["ccp.call.event"].search([("call_id", "=", False)])
        self.assertEqual(waiting.kind, "unreadable")

    def test_company_url_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        named = {**self.event("Answer", "A", 1), "clientCorrelationId": "Xchange-test"}
        self.post(named, url=f"/airtel_ccp/webhook/{other.ccp_webhook_token}")
        self.env["ccp.call.event"]._match()
        self.assertFalse(self.call.event_ids)

    def test_renewed_token(self):
        """The old address counts for a day when calls were live, or not at all."""
        company = self.env.company
        first = company.ccp_webhook_token
        company._ccp_renew_token()
        second = company.ccp_webhook_token
        self.call.live = False
        company._ccp_renew_token()
        third = company.ccp_webhook_token
        self.assertEqual(len({first, second, third}), 3)
        statuses = {first: 200, second: 404, third: 200}
        for token, status in statuses.items():
            answer = self.post(self.cdr(), url=f"/airtel_ccp/webhook/{token}")
            self.assertEqual(answer.status_code, status)
        self.assertNotIn(first, str(company.ccp_old_tokens))
        with freeze_time(fields.Datetime.now() + timedelta(days=2)):
            self.assertEqual(report_store.find_company(self.env.cr, digest(third)), company.id)
            self.assertIsNone(report_store.find_company(self.env.cr, digest(first)))


@tagged("post_install", "-at_install")
class TestWebhookRoute(TestWebhook):
    """The same through Odoo's own route, which takes what the intake leaves to it."""

    def setUp(self):
        super().setUp()
        self.enterContext(by_the_route())
        taken = self.note_taken()
        self.addCleanup(lambda: self.assertFalse(taken))
