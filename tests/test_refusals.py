import functools
import hmac
import json
import re
import statistics
import time
from contextlib import contextmanager
from unittest.mock import patch

from odoo.tests import tagged

from ..ccp.safe import spool
from ..ccp.safe.spool import digest
from ..models import report_store
from ..models.spool import spool_of
from .common import HEADER, TOKEN
from .test_webhook import URL, WebhookCase

ROUNDS = 25
DIGEST = re.compile("[0-9a-f]{64}")


@tagged("post_install", "-at_install")
class TestRefusals(WebhookCase):
    """The cost of refusing a report, and what the refusal reveals."""

    def test_a_wrong_token_costs_less_than_a_page(self):
        paths = {"refusal": "/airtel_ccp/webhook/wrong-token", "page": "/web/login"}
        seconds = {name: [] for name in paths}
        body = json.dumps(self.cdr()).encode()
        for _round in range(ROUNDS):
            for name, path in paths.items():
                began = time.perf_counter()
                status = self.url_open(path, data=body if name == "refusal" else None).status_code
                seconds[name].append(time.perf_counter() - began)
                self.assertEqual(status, {"refusal": 404, "page": 200}[name])
        medians = {name: statistics.median(values[1:]) for name, values in seconds.items()}
        self.assertLess(medians["refusal"], medians["page"], medians)

    def test_a_wrong_token_costs_two_statements(self):
        self.env.flush_all()
        with self.assertQueryCount(2):
            self.assertFalse(report_store.receive(self.env.cr, "wrong", None, b"{}"))

    @contextmanager
    def spying(self):
        """Note what is compared in constant time, and what reaches the database."""
        compared, asked = [], []
        compare = hmac.compare_digest

        def noting_compare(one, other):
            compared.append((one, other))
            return compare(one, other)

        cursor_class = type(self.env.cr)
        execute = cursor_class.execute

        def noting_execute(cursor, query, params=None, **options):
            asked.append(f"{query} {params}")
            return execute(cursor, query, params, **options)

        with (
            patch.object(hmac, "compare_digest", noting_compare),
            patch.object(cursor_class, "execute", noting_execute),
        ):
            yield compared, asked

    def test_secrets_are_compared_in_constant_time(self):
        """The database is asked for digests only, which nobody can steer bit by bit."""
        receive = functools.partial(report_store.receive, self.env.cr)
        company_token = self.env.company.ccp_webhook_token
        for token, header, pair in (
            (TOKEN, HEADER, (digest(HEADER), digest(HEADER))),
            (TOKEN, "wrong", (digest("wrong"), digest(HEADER))),
            (company_token, None, (digest(company_token), digest(company_token))),
        ):
            with self.subTest(token=token[:5], header=header), self.spying() as (compared, asked):
                receive(token, header, b"{}")
                self.assertIn(pair, compared)
                statements = "\n".join(asked)
                self.assertRegex(statements, DIGEST)
                self.assertNotIn(token, statements)
                self.assertNotIn(header or "no header", statements)

    def test_the_signature_of_a_token_too(self):
        kept = spool_of(self.env)
        token = kept.make_token()
        for each, known in ((token, True), (f"A{token[1:]}", token[0] == "A")):
            with self.spying() as (compared, _asked):
                self.assertEqual(kept.knows(each), known)
            self.assertEqual(len(compared), 1)
        self.assertEqual({len(part) for part in compared[0]}, {spool._SIGNATURE_BYTES})

    def test_a_refusal_tells_nothing(self):
        """Whether the token or only the header is wrong, the answer is the same."""
        self.env.company.ccp_require_header = True
        answers = [
            self.post(self.cdr(), url="/airtel_ccp/webhook/wrong"),
            self.post(self.cdr()),
            self.post(self.cdr(), **{"X-Airtel-Ccp-Secret": "wrong"}),
        ]
        self.assertEqual({answer.status_code for answer in answers}, {404})
        self.assertEqual({answer.content for answer in answers}, {b""})
        headers = [
            {name: value for name, value in answer.headers.items() if name != "Date"}
            for answer in answers
        ]
        self.assertEqual(headers[1:], headers[:-1])
        right = self.post(self.cdr(), url=URL, **{"X-Airtel-Ccp-Secret": HEADER})
        self.assertEqual(right.status_code, 200)
