import logging
import secrets
from pathlib import Path

import psycopg2.errors

from odoo import api, models
from odoo.tools import config

from ..ccp.spool import Spool
from .ccp_call_fold_queue import FOLD_ACTION
from .contention import CONTENTION, is_gone, take_turns
from .utils import naive_utc

_logger = logging.getLogger(__name__)

BATCH = 500
# Why a file was set aside in which there is no report
NO_REPORT = "NoReport"


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
        """Store the reports that wait on disk, and forget them there once they are durable.

        A folder or file that cannot be used is logged and told by health; all else goes on.
        """
        spool = self._spool()
        try:
            names = spool.names()
        except OSError as error:
            _logger.warning("Reports on disk cannot be looked at (%s)", type(error).__name__)
            return
        done = []

        def store_some():
            batch = names[:BATCH]
            done[:] = [name for name in batch if self._replay_one(spool, name)]
            return len(batch), len(names) - len(batch)

        def forget(count):
            del names[:count]
            for name in done:
                self._try(spool.remove, name)
            _logger.info("%s reports that came without the database were taken in", len(done))

        if names:
            take_turns(self, store_some, FOLD_ACTION, forget)

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
            reason = NO_REPORT
            _logger.error("Report %s on disk is none: it is set aside", name)
        except FileNotFoundError:
            # Another run was quicker
            return False
        except OSError as error:
            # That says nothing of the report, which goes on waiting
            _logger.warning("Report %s on disk cannot be read (%s)", name, type(error).__name__)
            return False
        except CONTENTION:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            if is_gone(self.env.cr):
                raise
            reason = type(error).__name__
            _logger.exception("Report %s on disk cannot be stored: it is set aside", name)
        self._try(spool.set_aside, name, reason)
        return False

    @api.model
    def _try(self, do, *arguments):
        """Do something with a file; one that cannot be touched must not hold up the others.

        :param do: a method of a spool
        :return: whether it was done
        :rtype: bool
        """
        try:
            do(*arguments)
        except OSError as error:
            _logger.warning(
                "%s: a file of reports on disk cannot be touched (%s)",
                do.__name__,
                type(error).__name__,
            )
            return False
        return True

    @api.model
    def _take_back(self, tried_before=None):
        """Have reports tried again that were set aside.

        :param datetime.datetime | None tried_before: only those tried last before this moment,
            aware
        :return: how many are tried again
        :rtype: int
        :raise OSError: when the folder cannot be read
        """
        spool = self._spool()
        taken = sum(
            self._try(spool.take_back, each.name)
            for each in spool.aside()
            if not tried_before or each.tried_at < tried_before
        )
        if taken:
            self.env.ref(FOLD_ACTION)._trigger()
        return taken

    @api.private
    def init(self):
        """Try again, when the addon is installed or updated, what another version set aside."""
        spool = self._spool()
        try:
            for each in spool.aside():
                spool.take_back(each.name)
        except OSError as error:
            _logger.warning("Reports on disk cannot be looked at (%s)", type(error).__name__)

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
