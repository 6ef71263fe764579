import re

from odoo import api, models
from odoo.tools import SQL

from .ccp_call_event_match import CLOCK_TOLERANCE, PAIR_PERIOD
from .utils import naive_utc

# What may stand between two digits of a number
GAP = "[^0-9A-Za-z]{0,3}"


class CcpCallEvent(models.Model):
    """Deletes reports of erased calls: those without a call, and those that come late."""

    _inherit = "ccp.call.event"

    @api.model
    def _erase_unmatched(self, companies, words):
        """Delete reports without a call that contain one of some numbers or ids.

        Both in the database and on disk; files are deleted after this transaction is committed.

        :param companies: the ``res.company`` records to whose notify URLs the reports came
        :param words: numbers, ten digits each, and ids
        """
        pattern = self._pattern(words)
        if not pattern:
            return
        self.flush_model(["call_id", "company_id", "payload"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM ccp_call_event
                 WHERE call_id IS NULL AND company_id = ANY(%s) AND payload ~ %s
                """,
                companies.ids,
                pattern,
            )
        )
        self.sudo().browse([row[0] for row in rows]).unlink()

    @api.model
    def _pattern(self, words):
        """Return a pattern that finds ids, and numbers in any spelling; "" if there are none.

        :param words: numbers, ten digits each, and ids
        :rtype: str
        """
        return "|".join(
            GAP.join(word) if word.isdecimal() else re.escape(word) for word in words if word
        )

    def _is_of_erased_call(self, report, erased):
        """Return whether this report without a call is about an erased call.

        :param report: the report as the protocol core reads it
        :param tuple erased: see ``ccp.call._erased_of``
        :rtype: bool
        """
        pair = self._pair(report)
        started = naive_utc(getattr(report, "started_at", None))
        return self.call_id._is_erased(
            erased,
            (getattr(report, "correlation_id", ""), getattr(report, "session_id", "")),
            pair[0] if pair else "",
            (started or self.received_at - PAIR_PERIOD) - CLOCK_TOLERANCE,
            (started or self.received_at) + CLOCK_TOLERANCE,
        )
