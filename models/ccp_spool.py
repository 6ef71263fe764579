import logging
import secrets
from pathlib import Path

import psycopg2
import psycopg2.errors

from odoo import api, models
from odoo.tools import config

from ..ccp.spool import Spool
from .ccp_folder import naive_utc

_logger = logging.getLogger(__name__)

BATCH = 500


def root():
    """Return the folder of all databases' spools.

    :rtype: pathlib.Path
    """
    return Path(config["data_dir"]) / "airtel_ccp"


class CcpSpool(models.AbstractModel):
    """Takes in the reports that came while the database was away.

    They lie below Odoo's data folder, which all servers of a database share, as its attachments do.
    """

    _name = "ccp.spool"
    _description = "Reports that came while the database was away"

    @api.model
    def _spool(self):
        """Return the spool of this database.

        :rtype: airtel_ccp.ccp.spool.Spool
        """
        return Spool(root() / self.env.cr.dbname)

    @api.model
    def _make_token(self):
        """Return a new token for a notify URL, which is known as ours even without the database.

        :rtype: str
        """
        try:
            return self._spool().make_token()
        except OSError as error:
            # A call counts for more than that its reports outlive the database's absence
            _logger.warning(
                "Reports cannot be kept while the database is away: Odoo's data folder does not "
                "take the key (%s)",
                type(error).__name__,
            )
            return secrets.token_urlsafe(24)

    @api.model
    def _replay(self):
        """Store the reports that wait on disk, and forget them there once they are durable."""
        spool = self._spool()
        names = spool.names()
        if not names:
            return
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            done = [name for name in batch if self._replay_one(spool, name)]
            remaining = len(names) - start - len(batch)
            has_time = self.env["ir.cron"]._commit_progress(remaining=remaining)
            for name in done:
                spool.remove(name)
            _logger.info("%s reports that came without the database were taken in", len(done))
            if not has_time:
                break

    @api.model
    def _replay_one(self, spool, name):
        """Store one report that waits; one that cannot be stored must not hold up the others.

        :param airtel_ccp.ccp.spool.Spool spool: where it waits
        :param str name: its name there
        :return: whether it can be forgotten there
        :rtype: bool
        """
        try:
            report = spool.read(name)
            if report:
                self._store(report)
                return True
            _logger.error("Report %s on disk is none: it is set aside", name)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            # The connection is gone, which says nothing of the report
            raise
        except Exception:  # noqa: BLE001 - see above
            _logger.exception("Report %s on disk cannot be stored: it is set aside", name)
        spool.set_aside(name)
        return False

    @api.model
    def _store(self, report):
        """Store one report as if it had just come, but with the time at which it came.

        :param airtel_ccp.ccp.spool.Spooled report: what lies on disk
        :return: whether it is a new report of one of our calls or companies
        :rtype: bool
        """
        try:
            with self.env.cr.savepoint(flush=False):
                return self.env["ccp.call.event"]._store(
                    report.token_digest,
                    report.header_digest,
                    report.raw,
                    naive_utc(report.received_at),
                )
        except psycopg2.errors.UniqueViolation:
            return False
