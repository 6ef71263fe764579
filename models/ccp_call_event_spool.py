import contextlib
import functools
import logging
import random
import re
from datetime import datetime, timedelta, timezone

import psycopg2.errors

from odoo import api, fields, models
from odoo.tools import SQL

from ..ccp.safe.faults import name_of
from ..ccp.safe.spool import digest, waiting_below
from . import report_store
from .ccp_call_fold_queue import FOLD_ACTION
from .contention import CONTENTION, is_gone, take_turns
from .spool import root, spool_of
from .utils import naive_utc

_logger = logging.getLogger(__name__)

BATCH = 500
ADOPTED_AT_ONCE = 50
# How long to wait with a report that a lock in the database keeps from being stored
LOCKED_PAUSE = timedelta(minutes=1)
# The reason given for files that were set aside because they hold no report
NO_REPORT = "NoReport"


class CcpCallEvent(models.Model):
    """Stores reports that came while the database was away, once it is back."""

    _inherit = "ccp.call.event"

    @api.model
    def _replay_spool(self):
        """Store the reports that wait on disk; delete each file once its report is committed.

        A folder or file that cannot be used is logged and shown by health; the others are stored.
        """
        spool = spool_of(self.env)
        try:
            names = spool.names()
        except OSError as error:
            _logger.warning("Reports on disk cannot be looked at (%s)", name_of(error))
            return
        done = []

        def store_some(is_patient=True):
            batch = names[:BATCH]
            done[:] = [name for name in batch if self._replay_one(spool, name, is_patient)]
            return len(batch), len(names) - len(batch)

        def forget(count):
            del names[:count]
            for name in done:
                self._try_on_disk(spool.remove, name)
            _logger.info("%s reports that came without the database were taken in", len(done))

        if names:
            around = functools.partial(store_some, is_patient=False)
            take_turns(self, store_some, FOLD_ACTION, forget, around)

    @api.model
    def _adopt_spooled(self):
        """Take over this database's reports that wait under names that no database has any more.

        A database that was renamed may have left some in the folder of its former name. If several
        databases are served, further ones arrive there while PostgreSQL is away.
        """
        own = spool_of(self.env)
        try:
            others = [each for each in waiting_below(root()) if each.folder != own.folder]
        except OSError as error:
            _logger.warning("Reports on disk cannot be looked at (%s)", name_of(error))
            return
        if not others:
            return
        databases = self.env.execute_query(SQL("SELECT datname FROM pg_database"))
        names = {name for (name,) in databases}
        for other in others:
            if other.folder.name not in names:
                self._adopt_from(other, own)

    @api.model
    def _adopt_from(self, other, own):
        """Take over the reports in a folder whose tokens belong to this database.

        :param airtel_ccp.ccp.safe.spool.Spool other: where they wait
        :param airtel_ccp.ccp.safe.spool.Spool own: this database's
        """

        def adopt(name):
            report = other.read(name)
            if report and report_store.is_known(self.env.cr, report):
                own.take_over(other, name)
                adopted.append(name)

        adopted = [None]
        # Reports of others may stay for ever: each round takes a few files at random
        while adopted and (names := other.names()):
            adopted.clear()
            for name in random.sample(names, min(ADOPTED_AT_ONCE, len(names))):
                self._try_on_disk(adopt, name)
            if adopted:
                _logger.info("%s reports of ours waited under a former name", len(adopted))

    @api.model
    def _replay_one(self, spool, name, is_patient=True):
        """Store one waiting report; an error does not hold up the others.

        :param airtel_ccp.ccp.safe.spool.Spool spool: the folder
        :param str name: the file's name
        :param bool is_patient: see ``contention.apart``
        :return: whether the file can be deleted
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
            # Another run stored it first
            return False
        except OSError as error:
            # The report is not at fault: it stays in place
            _logger.warning("Report %s on disk cannot be read (%s)", name, name_of(error))
            return False
        except CONTENTION as error:
            if is_patient:
                raise
            _logger.info("Report %s on disk goes on waiting (%s)", name, name_of(error))
            self.env.ref(FOLD_ACTION)._trigger(fields.Datetime.now() + LOCKED_PAUSE)
            return False
        except Exception as error:  # noqa: BLE001 - see above
            if is_gone(self.env.cr):
                raise
            reason = type(error).__name__
            _logger.exception("Report %s on disk cannot be stored: it is set aside", name)
        self._try_on_disk(spool.set_aside, name, reason)
        return False

    @api.model
    def _try_on_disk(self, do, *arguments):
        """Run a file operation and log an error, which does not hold up the other files.

        :param do: a method of a spool
        :return: whether it succeeded
        :rtype: bool
        """
        try:
            do(*arguments)
        except OSError as error:
            _logger.warning(
                "%s: a file of reports on disk cannot be touched (%s)",
                do.__name__,
                name_of(error),
            )
            return False
        return True

    @api.model
    def _take_back(self, tried_before=None):
        """Move reports that were set aside back into the queue, and trigger the scheduled action.

        :param datetime.datetime | None tried_before: only those last tried before this moment,
            with a time zone
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

    @api.model
    def _erase_spooled(self, companies, calls, words):
        """Delete files of reports about erased calls, once the erasure is committed.

        :param companies: the ``res.company`` records to whose notify URLs they came
        :param calls: the ``ccp.call`` records that are being erased
        :param words: numbers and ids to look for in reports without a call
        """
        of_calls = {call.token_digest for call in calls.sudo() if call.token_digest}
        of_companies = self._token_digests(companies)
        pattern = re.compile(self._pattern(words) or r"(?!)")

        def is_meant(report, content):
            token = report.token_digest if report else None
            return token in of_calls or (
                (report is None or token in of_companies)
                and pattern.search(content.decode(errors="replace"))
            )

        spool = spool_of(self.env)
        self.env.cr.postcommit.add(lambda: self._delete_on_disk(spool, is_meant))
        ids = companies.ids
        self.env.cr.postcommit.add(lambda: self._erase_decisions(ids, pattern))

    @api.model
    def _delete_spooled(self, company, days):
        """Delete the files of a company's reports that were set aside longer ago than the period.

        :param company: a ``res.company``
        :param int days: the period
        """
        since = datetime.now(timezone.utc) - timedelta(days=days)
        of_company = self._token_digests(company)

        def is_meant(report, _content):
            if not report or report.received_at >= since:
                return False
            token = report.token_digest
            self.env.cr.execute(
                "SELECT FROM ccp_call WHERE token_digest = %s AND company_id = %s",
                [token, company.id],
            )
            return token in of_company or self.env.cr.rowcount

        self._delete_on_disk(spool_of(self.env), is_meant)

    @api.model
    def _token_digests(self, companies):
        """Return the digests of the tokens of companies' own notify URLs, also of former ones.

        :rtype: set[str]
        """
        tokens = set()
        for company in companies.sudo():
            tokens.add(digest(company.ccp_webhook_token or ""))
            tokens.update(company.ccp_old_tokens or ())
        return tokens

    @api.model
    def _delete_on_disk(self, spool, is_meant):
        """Delete files of reports that wait on disk or were set aside.

        :param airtel_ccp.ccp.safe.spool.Spool spool: the folder
        :param is_meant: called with the file's report (None if it holds none) and content; returns
            whether to delete the file
        """
        try:
            names = [*spool.names(), *(each.name for each in spool.aside())]
        except OSError as error:
            _logger.warning("Reports on disk cannot be looked at (%s)", name_of(error))
            return

        def delete(name):
            with contextlib.suppress(FileNotFoundError):  # taken in meanwhile
                if is_meant(spool.read(name), spool.content(name)):
                    spool.remove(name)

        for name in names:
            self._try_on_disk(delete, name)

    @api.private
    def init(self):
        """After an installation or update, try again what another version set aside."""
        spool = spool_of(self.env)
        try:
            for each in spool.aside():
                spool.take_back(each.name)
        except OSError as error:
            _logger.warning("Reports on disk cannot be looked at (%s)", name_of(error))
        return super().init()

    @api.model
    def _store_spooled(self, report):
        """Store one report as if it had just come, with the time of its real arrival.

        :param airtel_ccp.ccp.safe.spool.Spooled report: the file's content
        :return: whether it was new, and belongs to a call or company of this database
        :rtype: bool
        """
        try:
            with self.env.cr.savepoint(flush=False):
                return report_store.store(
                    self.env.cr,
                    report.token_digest,
                    report.header_digest,
                    report.raw,
                    naive_utc(report.received_at),
                )
        except psycopg2.errors.UniqueViolation:
            return False
