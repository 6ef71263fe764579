import re

from odoo import api, models
from odoo.tools import SQL

from .ccp_call_event_match import CLOCK_TOLERANCE, PAIR_PERIOD
from .utils import naive_utc

# What people and machines write between two digits of a number
GAP = "[^0-9A-Za-z]{0,3}"


class CcpCallEvent(models.Model):
    """Reports of erased calls: those that no call was found for, and those that come late."""

    _inherit = "ccp.call.event"

    @api.model
    def _erase_unmatched(self, companies, words):
        """Delete reports without a call that hold one of some numbers or ids.

        They are looked for in the database and on disk; there they go once this is committed.

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
        """Return a pattern that finds numbers however they are written, and ids; "" for nothing.

        :param words: numbers, ten digits each, and ids
        :rtype: str
        """
        return "|".join(
            GAP.join(word) if word.isdecimal() else re.escape(word) for word in words if word
        )

    def _is_of_erased_call(self, report, erased):
        """Return whether this report, which no call was found for, is about an erased one.

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
