import logging

from odoo.tests import BaseCase, tagged

from .common import AGENT, HEADER, TOKEN
from .secrets_in_logs import find, searching_logs


@tagged("post_install", "-at_install")
class TestSecretsInLogs(BaseCase):
    """The search in the logs of all other tests finds every kind of secret."""

    def test_finds(self):
        for text in (
            "password is p@55w0rd",
            "Authorization: Basic ZGVtbzpwQDU1dzByZA==",
            f"POST /airtel_ccp/webhook/{TOKEN}",
            "POST /airtel_ccp/webhook/Zm9vYmFyYmF6cXV4",
            f"header {HEADER}",
            "GET http://127.0.0.1:8270/recording/1.wav?token=x",
            "https://rec.airtel.in/r?token=1",
            f"calling {AGENT}",
            f"calling +91{AGENT[:0]}7000000101",
        ):
            with self.subTest(text):
                self.assertTrue(find(text))

    def test_lets_pass(self):
        for text in (
            "POST /airtel_ccp/webhook/***",
            "70xx…01",
            "call 17000000101234",
            "recording 5",
        ):
            with self.subTest(text):
                self.assertFalse(find(text))

    def test_searches_every_level_and_tracebacks(self):
        logger = logging.getLogger("odoo.addons.airtel_ccp.models.ccp_call")
        with searching_logs() as finder:
            logger.debug("%s", TOKEN)
            try:
                raise ValueError(AGENT)
            except ValueError:
                # Not as an error: runners count those as failures
                logger.info("It failed", exc_info=True)
            logging.getLogger("urllib3.connectionpool").debug("https://rec.airtel.in/r")
            logger.info("Nothing here")
        self.assertEqual(len(finder.found), 3)
