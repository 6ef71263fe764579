import logging
import re

LOGGERS = ("werkzeug", "longpolling", "odoo.http", "urllib3.connectionpool")
SECRETS = re.compile(r"(/airtel_ccp/webhook/|[?&]token=)[^\s\"'?&]+")
MASKED = r"\1***"
CALLS = "odoo.service.model"
PASSWORDS = re.compile(r"((['\"])(?:ccp_)?password\2: ['\"])[^'\"]*")
FILES = "ccp.postman.import"
FILE = re.compile(r"((['\"])file\2: b?['\"])[^'\"]*")


class TokenFilter(logging.Filter):
    """Masks the tokens of notify URLs and recordings: anybody who has one can report, or listen."""

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


class PasswordFilter(logging.Filter):
    """Masks what forms send: the password, and the Postman file that holds it.

    At debug level Odoo logs the arguments of each call of a browser.
    """

    def filter(self, record):
        """Mask the record's text; never drops a record.

        :rtype: bool
        """
        message = record.getMessage()
        masked = PASSWORDS.sub(MASKED, message)
        if FILES in message:
            masked = FILE.sub(MASKED, masked)
        if masked != message:
            record.msg, record.args = masked, ()
        return True


def mask_tokens():
    """Mask tokens in all that the HTTP server and the HTTP client log about a request.

    And passwords in what Odoo logs about calls of a browser.
    """
    logging.getLogger(CALLS).addFilter(PasswordFilter())
    for name in LOGGERS:
        logging.getLogger(name).addFilter(TokenFilter())
