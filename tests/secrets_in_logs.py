import logging
import re
from base64 import b64encode
from contextlib import contextmanager

TOKEN = "token-of-a-test-call"
HEADER = "header-of-a-test-call"
PASSWORD = "p@55w0rd"
SECRETS = (
    PASSWORD,
    b64encode(f"demo:{PASSWORD}".encode()).decode(),
    TOKEN,
    HEADER,
    "hidden-value",
)
SECRET = re.compile(
    "|".join(
        [
            *map(re.escape, SECRETS),
            # The token of a notify URL, and what makes a recording's address worth having
            r"/airtel_ccp/webhook/(?!\*\*\*)[\w%-]{12,}",
            r"https?://[^\s\"']*/recording[^\s\"']*",
            r"(?:rec|recordings|x)\.airtel\.in/",
            # Agents, customers and caller numbers of the tests
            r"(?<!\d)(?:91|0)?(?:7000000[19]\d\d|800000000\d|98765432\d\d)(?!\d)",
        ]
    )
)
# What tests and the browser log themselves; SQL and RPC with their values are Odoo's to show
NOT_OURS = (
    "odoo.api",
    "odoo.service",
    "odoo.sql_db",
    "odoo.tests",
    "odoo.addons.airtel_ccp.tests",
    "sandbox",
    "pytest",
)


# A line of Odoo's log: time, process, level, database, logger
_OTHERS = "|".join(map(re.escape, NOT_OURS))
_LOGGED_BY_OTHERS = re.compile(rf"\S+ \S+ \d+ \w+ \S+ (?:{_OTHERS})")


def find(text):
    """Return the first secret in a log's text, shortened, or nothing.

    :rtype: str
    """
    found = SECRET.search(text)
    return f"…{text[max(0, found.start() - 60) : found.end()]}" if found else ""


def own_lines(text):
    """Return the lines of a log without those that are Odoo's to show.

    :rtype: list[str]
    """
    return [line for line in text.splitlines() if not _LOGGED_BY_OTHERS.match(line)]


def find_all(text):
    """Return the first secret of each line of a log that has one.

    :rtype: list[str]
    """
    return [secret for line in own_lines(text) if (secret := find(line))]


class SecretFinder(logging.Handler):
    """Searches every line that is logged, at any level, for what no log may hold."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.found = []

    def emit(self, record):
        """Keep the line if it holds a secret; tracebacks count too."""
        if not record.name.startswith(NOT_OURS) and (secret := find(self.format(record))):
            self.found.append(f"{record.name} {record.levelname}: {secret}")


@contextmanager
def searching_logs():
    """Log everything at debug level as long as the block lasts, and search it.

    :return: the ``SecretFinder``
    """
    root = logging.getLogger()
    finder = SecretFinder()
    # Handlers would print what is only logged to be looked at
    printing = [(handler, handler.level) for handler in root.handlers]
    for handler, level in printing:
        handler.setLevel(max(level, root.level))
    named = [each for each in logging.root.manager.loggerDict.values() if hasattr(each, "level")]
    levels = [(logger, logger.level) for logger in (root, *named) if logger.level]
    for logger, _level in levels:
        logger.setLevel(logging.DEBUG)
    logging.getLogger("odoo.sql_db").setLevel(logging.INFO)
    root.addHandler(finder)
    try:
        yield finder
    finally:
        root.removeHandler(finder)
        logging.getLogger("odoo.sql_db").setLevel(logging.NOTSET)
        for logger, level in levels:
            logger.setLevel(level)
        for handler, level in printing:
            handler.setLevel(level)
