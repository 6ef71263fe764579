import logging

import psycopg2.errors

from odoo import api, models

from .ccp_call_fold_queue import FOLD_ACTION
from .contention import CONTENTION, is_gone, take_turns
from .spool import spool_of
from .utils import naive_utc

_logger = logging.getLogger(__name__)

BATCH = 500
# The reason of files that were set aside because they hold no report
NO_REPORT = "NoReport"


class CcpCallEvent(models.Model):
    """Reports that came while the database was away are stored once it is back."""

    _inherit = "ccp.call.event"

    @api.model
    def _replay_spool(self):
        """Store the reports that wait on disk, and remove them there once they are durable.

        A folder or file that cannot be used is logged and shown by health; the rest goes on.
        """
        spool = spool_of(self.env)
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
                self._try_on_disk(spool.remove, name)
            _logger.info("%s reports that came without the database were taken in", len(done))

        if names:
            take_turns(self, store_some, FOLD_ACTION, forget)

    @api.model
    def _replay_one(self, spool, name):
        """Store one report that waits; one that cannot be stored does not hold up the others.

        :param airtel_ccp.ccp.safe.spool.Spool spool: where it waits
        :param str name: its name there
        :return: whether it can be removed there
        :rtype: bool
        """
        try:
            report = spool.read(name)
            if report:
                self._store_spooled(report)
                return True
            reason = NO_REPORT
            _logger.error("File %s on disk holds no report: it is set aside", name)
        except FileNotFoundError:
            # Another run was quicker
            return False
        except OSError as error:
            # The database's fault, not the report's: the report goes on waiting
            _logger.warning("Report %s on disk cannot be read (%s)", name, type(error).__name__)
            return False
        except CONTENTION:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            if is_gone(self.env.cr):
                raise
            reason = type(error).__name__
            _logger.exception("Report %s on disk cannot be stored: it is set aside", name)
        self._try_on_disk(spool.set_aside, name, reason)
        return False

    @api.model
    def _try_on_disk(self, do, *arguments):
        """Do something with a file; one that cannot be touched does not hold up the others.

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
        """Move reports that were set aside back to those that wait, and wake the action.

        :param datetime.datetime | None tried_before: only those tried last before this moment,
            aware
        :return: how many were moved
        :rtype: int
        :raise OSError: when the folder cannot be read
        """
        spool = spool_of(self.env)
        taken = sum(
            self._try_on_disk(spool.take_back, each.name)
            for each in spool.aside()
            if not tried_before or each.tried_at < tried_before
        )
        if taken:
            self.env.ref(FOLD_ACTION)._trigger()
        return taken

    @api.private
    def init(self):
        """Try again, when the addon is installed or updated, what another version set aside."""
        spool = spool_of(self.env)
        try:
            for each in spool.aside():
                spool.take_back(each.name)
        except OSError as error:
            _logger.warning("Reports on disk cannot be looked at (%s)", type(error).__name__)
        return super().init()

    @api.model
    def _store_spooled(self, report):
        """Store one report as if it had just come, with the time at which it really came.

        :param airtel_ccp.ccp.safe.spool.Spooled report: what lies on disk
        :return: whether it is a new report of one of our calls or companies
        :rtype: bool
        """
        try:
            with self.env.cr.savepoint(flush=False):
                return self._store(
                    report.token_digest,
                    report.header_digest,
                    report.raw,
                    naive_utc(report.received_at),
                )
        except psycopg2.errors.UniqueViolation:
            return False
