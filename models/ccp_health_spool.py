import logging
from datetime import datetime, timedelta, timezone

from odoo import api, models

from ..ccp.safe.faults import name_of
from ..ccp.safe.spool import SpoolFullError
from .spool import spool_of
from .utils import RELOAD, notice

_logger = logging.getLogger(__name__)

# Pause before a report that was set aside is tried again
RETRY_AFTER = timedelta(days=1)


class CcpHealth(models.Model):
    """Checks the reports on disk, and retries those that were set aside."""

    _inherit = "ccp.health"

    @api.model
    def _retry_reports(self):
        """Have reports tried again that were set aside some time ago."""
        try:
            self.env["ccp.call.event"]._take_back(datetime.now(timezone.utc) - RETRY_AFTER)
        except OSError as error:
            # Shown by the line about reports on disk
            _logger.info("Reports on disk cannot be looked at (%s)", name_of(error))

    @api.model
    def _check_spool(self, _company):
        """Check whether reports can wait on disk, and which of them cannot be stored."""
        spool = spool_of(self.env)
        try:
            aside = spool.aside()
            waiting = len(spool.names())
            spool.check()
        except SpoolFullError:
            return "bad", "spool_full", {}
        except OSError as error:
            return "bad", "spool_closed", {"reason": name_of(error)}
        if aside:
            reasons = ", ".join(sorted({each.reason or "?" for each in aside}))
            return "bad", "aside", {"count": len(aside), "reason": reasons}
        return "ok", "waiting_on_disk" if waiting else "empty", {"count": waiting}

    def action_try_again(self):
        """Try again to store the reports that were set aside.

        :return: an action that reloads the view
        :rtype: dict
        :raise AccessError: when the user is not an administrator
        """
        self._check_administrator()
        self.env["ccp.call.event"].sudo()._take_back()
        sentence = self.env._("The reports on disk are tried again. Check again in a minute.")
        return notice(sentence, then=RELOAD)

    def _words_of_spool(self):
        _ = self.env._
        return {
            "empty": _("No report is waiting on disk."),
            "waiting_on_disk": _(
                "%(count)s reports arrived while the database was unreachable, and are now being "
                "processed."
            ),
            "aside": _(
                "%(count)s reports on disk could not be processed (%(reason)s): Odoo tries them "
                "again every day. Check the server's log, then choose “Try again”."
            ),
            "spool_closed": _(
                "Odoo cannot keep reports on disk while the database is unreachable (%(reason)s): "
                "ask your server administrator to give Odoo's account the folder airtel_ccp in "
                "Odoo's data folder."
            ),
            "spool_full": _(
                "Odoo cannot keep reports on disk while the database is unreachable: ask your "
                "server administrator to free space on the disk of Odoo's data folder."
            ),
        }
