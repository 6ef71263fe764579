"""What changes where the addon is one of ``server_wide_modules``: reports outlive the database.

Then Odoo brings a report to its route even without a database, see ``controllers/webhook.py``.
"""

import functools
import logging

import psycopg2

from odoo.service.server import PreforkServer
from odoo.tools import config

_logger = logging.getLogger(__name__)


def post_load():
    """Prepare the server, when Odoo loads the addon as one of ``server_wide_modules``."""
    if "airtel_ccp" in config["server_wide_modules"]:
        keep_serving()


def keep_serving():
    """Let the workers that are there go on, when a worker has to be replaced without a database.

    A worker for scheduled actions ends when PostgreSQL does. Odoo's main process then looks into
    the database before it starts another one; the error of that would end all workers, and nobody
    would be there to take reports.
    """
    process_spawn = PreforkServer.process_spawn

    @functools.wraps(process_spawn)
    def process_spawn_or_wait(self):
        try:
            process_spawn(self)
        except psycopg2.Error as error:
            _logger.warning(
                "The database is away (%s): no worker is replaced until it is back",
                type(error).__name__,
            )

    PreforkServer.process_spawn = process_spawn_or_wait
