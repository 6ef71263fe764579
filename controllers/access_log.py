import logging
import re
from urllib.parse import unquote

# What logs addresses of requests: at debug level also parts of Odoo that only look at them
LOGGERS = (
    "werkzeug",
    "longpolling",
    "odoo.http",
    "odoo.addons.base.models.ir_http",
    "odoo.addons.http_routing.models.ir_http",
    "urllib3.connectionpool",
)
# Proxies and people double slashes and change the case; Odoo logs an address as it came
SECRETS = re.compile(r"(airtel_ccp[/\\]+webhook[/\\]+|[?&]token=)[^\s\"'?&]+", re.IGNORECASE)
# The token of a routing URL, and the numbers of who calls and whom, which may follow it
ROUTED = re.compile(r"(airtel_ccp[/\\]+route[/\\]+)[^\s\"']+", re.IGNORECASE)
MASKED = r"\1***"
# An address may have signs written in hexadecimal, several times over
WORD = re.compile(r"[^\s\"']+")
DECODED_TIMES = 3
CALLS = "odoo.service.model"
# A text as Python writes it, also one that was cut
TEXT = r"b?(?:'(?:[^'\\]|\\.)*(?:'|$)|\"(?:[^\"\\]|\\.)*(?:\"|$))"
# Fields and parameters of ours that hold a secret; in what is logged as "name: text" or "name=text"
NAMES = (
    r"(?:ccp_)?(?:secret_)?password|ccp_webhook_token|callback_secrets|callback_secret_headers"
    r"|ccp_route_token|(?:ccp_)?(?:kept_)?route_secret"
)
PASSWORDS = re.compile(rf"(['\"]?\b(?:{NAMES})['\"]?(?::\s?|=)){TEXT}", re.DOTALL)
FILES = "ccp.postman.import"
FILE = re.compile(rf"(['\"]?\bfile['\"]?(?::\s?|=)){TEXT}", re.DOTALL)
HIDDEN = r"\1'***'"


def mask(text):
    """Return a text without the tokens of addresses, however the addresses are spelled.

    :param str text: what is about to be logged
    :rtype: str
    """
    masked = SECRETS.sub(MASKED, ROUTED.sub(MASKED, text))
    return WORD.sub(_mask_encoded, masked) if "%" in masked else masked


def _mask_encoded(match):
    """Return one word of a text, decoded and masked if a token stands in it."""
    plain = match[0]
    if "%" not in plain:
        return plain
    for _time in range(DECODED_TIMES):
        plain = unquote(plain)
    masked = SECRETS.sub(MASKED, ROUTED.sub(MASKED, plain))
    return match[0] if masked == plain else masked


class MaskingFilter(logging.Filter):
    """Has a text masked before it is logged; never drops a line."""

    def filter(self, record):
        """Mask the record's text with its arguments in it.

        :rtype: bool
        """
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            # The arguments do not fit the text, so it is not printed: logging says so instead
            return True
        masked = self.mask(message)
        if masked != message:
            record.msg, record.args = masked, ()
        return True


class TokenFilter(MaskingFilter):
    """Masks the tokens of notify URLs and recordings: anybody who has one can report, or listen."""

    mask = staticmethod(mask)


class PasswordFilter(MaskingFilter):
    """Masks what forms send: the password, and the Postman file that holds it.

    At debug level Odoo logs the arguments of each call of a browser.
    """

    @staticmethod
    def mask(message):
        """Return a text without the values of fields that hold a secret.

        :param str message: what is about to be logged
        :rtype: str
        """
        masked = PASSWORDS.sub(HIDDEN, message)
        return FILE.sub(HIDDEN, masked) if FILES in message else masked


def mask_tokens():
    """Mask tokens in all that the HTTP server and the HTTP client log about a request.

    And passwords in what Odoo logs about calls of a browser. What other addons log of a request
    passes the handlers, which print it: they mask too.
    """
    logging.getLogger(CALLS).addFilter(PasswordFilter())
    for name in LOGGERS:
        logging.getLogger(name).addFilter(TokenFilter())
    for handler in logging.getLogger().handlers:
        handler.addFilter(TokenFilter())
