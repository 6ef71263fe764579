import logging
import re

LOGGERS = ("werkzeug", "longpolling", "odoo.http", "urllib3.connectionpool")
SECRETS = re.compile(r"(/airtel_ccp/webhook/|[?&]token=)[^\s\"'?&]+")
MASKED = r"\1***"


class TokenFilter(logging.Filter):
    """Masks the tokens of notify URLs and recordings: whoever has one can report, or listen."""

    def filter(self, record):
        """Mask the record's text and arguments; never drops a record.

        :rtype: bool
        """
        if isinstance(record.msg, str):
            record.msg = SECRETS.sub(MASKED, record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(
                SECRETS.sub(MASKED, value) if isinstance(value, str) else value
                for value in record.args
            )
        return True


def mask_tokens():
    """Mask tokens in all that the HTTP server and the HTTP client log about a request."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(TokenFilter())
