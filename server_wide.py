"""Runs if the addon is one of ``server_wide_modules``: reports are then taken without a database.

Odoo calls the route for reports even without a database, see ``controllers/webhook.py``.
"""

import functools
import logging

import psycopg2

from odoo.service.server import PreforkServer, WorkerHTTP
from odoo.sql_db import close_all
from odoo.tools import config

_logger = logging.getLogger(__name__)


def post_load():
    """Prepare the server, when Odoo loads the addon as one of ``server_wide_modules``."""
    if "airtel_ccp" in config["server_wide_modules"]:
        keep_serving()


def keep_serving():
    """Keep a server running that has to replace a worker while the database is away.

    A worker for scheduled actions ends when PostgreSQL does. Before Odoo's main process starts
    another one, it queries the database for changes; that error would end all workers, and nobody
    could take reports. Workers for requests are replaced: each of their requests checks for changes
    by itself, except those that are answered before Odoo's own request begins.
    """
    process_spawn = PreforkServer.process_spawn

    @functools.wraps(process_spawn)
    def process_spawn_or_wait(self):
        try:
            process_spawn(self)
            return
        except psycopg2.Error as error:
            _logger.warning(
                "The database is away (%s): workers for scheduled actions are replaced when it is "
                "back",
                type(error).__name__,
            )
        while config["http_enable"] and len(self.workers_http) < self.population:
            # Two processes must not share a connection
            close_all()
            self.worker_spawn(WorkerHTTP, self.workers_http)

    PreforkServer.process_spawn = process_spawn_or_wait
