import logging
import re
from urllib.parse import unquote

# The loggers that log addresses of requests; at debug level parts of Odoo that read them, too
LOGGERS = (
    "werkzeug",
    "longpolling",
    "odoo.http",
    "odoo.addons.base.models.ir_http",
    "odoo.addons.http_routing.models.ir_http",
    "urllib3.connectionpool",
)
# Proxies and people double slashes and change the case; Odoo logs an address as received
SECRETS = re.compile(r"(airtel_ccp[/\\]+webhook[/\\]+|[?&]token=)[^\s\"'?&]+", re.IGNORECASE)
# The token of a routing URL, and the caller's and called numbers that may follow it
ROUTED = re.compile(r"(airtel_ccp[/\\]+route[/\\]+)[^\s\"']+", re.IGNORECASE)
MASKED = r"\1***"
# Characters of an address may be percent-encoded, even several times over
WORD = re.compile(r"[^\s\"']+")
DECODED_TIMES = 3
CALLS = "odoo.service.model"
# A string as Python prints it, even one that was cut
TEXT = r"b?(?:'(?:[^'\\]|\\.)*(?:'|$)|\"(?:[^\"\\]|\\.)*(?:\"|$))"
# The addon's fields and parameters that hold a secret, logged as "name: text" or "name=text"
NAMES = (
    r"(?:ccp_)?(?:secret_)?password|ccp_webhook_token|callback_secrets|callback_secret_headers"
    r"|ccp_route_token|(?:ccp_)?(?:kept_)?route_secret"
)
PASSWORDS = re.compile(rf"(['\"]?\b(?:{NAMES})['\"]?(?::\s?|=)){TEXT}", re.DOTALL)
FILES = "ccp.postman.import"
FILE = re.compile(rf"(['\"]?\bfile['\"]?(?::\s?|=)){TEXT}", re.DOTALL)
HIDDEN = r"\1'***'"


def mask(text):
    """Return a text in which tokens of addresses are masked, however the addresses are spelled.

    :param str text: what is about to be logged
    :rtype: str
    """
    masked = SECRETS.sub(MASKED, ROUTED.sub(MASKED, text))
    return WORD.sub(_mask_encoded, masked) if "%" in masked else masked


def _mask_encoded(match):
    """Return one word of a text; if it contains a token, decoded and masked."""
    plain = match[0]
    if "%" not in plain:
        return plain
    for _time in range(DECODED_TIMES):
        plain = unquote(plain)
    masked = SECRETS.sub(MASKED, ROUTED.sub(MASKED, plain))
    return match[0] if masked == plain else masked


class MaskingFilter(logging.Filter):
    """Masks a text before it is logged; never drops a line."""

    def filter(self, record):
        """Mask a record's text after its arguments were inserted.

        :rtype: bool
        """
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            # The arguments do not fit the text: it is not printed, and logging reports the error
            return True
        masked = self.mask(message)
        if masked != message:
            record.msg, record.args = masked, ()
        return True


class TokenFilter(MaskingFilter):
    """Masks tokens of notify URLs and recordings, with which anybody could report or listen."""

    mask = staticmethod(mask)


class PasswordFilter(MaskingFilter):
    """Masks secrets that forms send: the password, and the Postman file that contains it.

    At debug level Odoo logs the arguments of each RPC call.
    """

    @staticmethod
    def mask(message):
        """Return a text without the values of secret fields.

        :param str message: what is about to be logged
        :rtype: str
        """
        masked = PASSWORDS.sub(HIDDEN, message)
        return FILE.sub(HIDDEN, masked) if FILES in message else masked


def mask_tokens():
    """Mask tokens in everything that the HTTP server and the HTTP client log about a request.

    Passwords are masked in what Odoo logs about RPC calls. Other addons' loggers end in the same
    handlers, which mask too.
    """
    logging.getLogger(CALLS).addFilter(PasswordFilter())
    for name in LOGGERS:
        logging.getLogger(name).addFilter(TokenFilter())
    for handler in logging.getLogger().handlers:
        handler.addFilter(TokenFilter())
