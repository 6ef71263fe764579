import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..ccp.airtel.reports import kind_and_fingerprint, split
from .contention import apart
from .utils import naive_utc

_logger = logging.getLogger(__name__)

MATCH_BATCH = 500
# How long a report to the company's own address waits for its call
MATCH_PERIOD = timedelta(days=1)
# How long before its record a call may have begun, if the record does not say when it began
PAIR_PERIOD = timedelta(hours=4)
# How far Airtel's clock and ours, and the click and the first ring, may lie apart
CLOCK_TOLERANCE = timedelta(minutes=3)


class CcpCallEvent(models.Model):
    """How the call of a report is found that came to the company's own notify URL."""

    _inherit = "ccp.call.event"

    @api.model
    def _match(self):
        """Assign reports that came to a company's own notify URL to the calls they are about.

        A report names its call by Airtel's correlation id, its session id, or the pair of numbers
        that were dialled. One that fits no call waits, because an answer or another report may
        still name its call; those that were looked at longest ago come first.

        :return: the reports that found their call
        :rtype: odoo.models.BaseModel
        """
        waiting = self._unmatched(limit=MATCH_BATCH)
        matched = waiting._match_each()
        if "numbers" in matched.mapped("matched_by"):
            # Now the session id of a call is known that other reports name alone
            matched |= (waiting.exists() - matched)._match_each()
        return matched

    @api.model
    def _unmatched(self, limit):
        """Return reports that wait for their call, those first that wait longest for a look.

        :param int limit: how many at most
        :rtype: odoo.models.BaseModel
        """
        return self.search(
            [("call_id", "=", False), ("folded", "=", False)],
            limit=limit,
            order="match_date ASC NULLS FIRST, id",
        )

    def _match_each(self):
        """Look for the calls of these reports; see ``_match``.

        :return: the reports that found their call
        :rtype: odoo.models.BaseModel
        """
        matched = []
        apart(
            self,
            lambda some: matched.append(some._match_some()),
            lambda event, error: event._match_later(error),
        )
        return self.browse().union(*matched).exists().filtered("call_id")

    def _match_some(self):
        """Look for the calls of these reports; one that fails undoes the others.

        :return: the reports that found their call
        :rtype: odoo.models.BaseModel
        """
        now = fields.Datetime.now()
        matched = self.browse()
        for event in self._split():
            report = event._parsed()[0]
            call, matched_by = event._call_of(report)
            if not call:
                # A report that names no call can never match one
                is_old = event.received_at < now - MATCH_PERIOD
                event.write({"folded": is_old or not self._names(report), "match_date": now})
            elif event.fingerprint in call.event_ids.mapped("fingerprint"):
                event.unlink()
            else:
                event.write({"call_id": call.id, "matched_by": matched_by, "match_date": now})
                if not call.session_id and getattr(report, "session_id", ""):
                    call.session_id = report.session_id
                matched |= event
        return matched

    def _match_later(self, error):
        """Let a report wait behind the others, because looking for its call failed.

        :param Exception error: why
        """
        _logger.error("Report %s: its call cannot be looked for now", self.id, exc_info=error)
        self.env.cr.execute(
            SQL(
                "UPDATE ccp_call_event SET match_date = %s WHERE id = %s",
                fields.Datetime.now(),
                self.id,
            )
        )
        self.invalidate_recordset(["match_date"])

    def _split(self):
        """Make a row of each report if several came at once: each may be about another call.

        What came is there until then, and in its parts from then on.

        :return: these reports, each alone in its row
        :rtype: odoo.models.BaseModel
        """
        alone = self.browse()
        for event, reports in zip(self, self._parsed_each(), strict=True):
            if len(reports) == 1:
                alone |= event
                continue
            for text in split(event.payload):
                kind, fingerprint = kind_and_fingerprint(text.encode())
                known = self.search(
                    Domain("company_id", "=", event.company_id.id)
                    & Domain("call_id", "=", False)
                    & Domain("fingerprint", "=", fingerprint)
                )
                alone |= known or self.create(
                    {
                        "company_id": event.company_id.id,
                        "kind": kind,
                        "payload": text,
                        "fingerprint": fingerprint,
                        "received_at": event.received_at,
                    }
                )
            event.unlink()
        return alone

    @api.model
    def _names(self, report):
        """Return the names under which a report's call may be found.

        :param report: a report as the protocol core reads it
        :return: by how a call is found: the value to look for
        :rtype: dict
        """
        names = {
            "correlation": getattr(report, "correlation_id", ""),
            "session": getattr(report, "session_id", ""),
            "numbers": self._pair(report),
        }
        return {name: value for name, value in names.items() if value}

    @api.model
    def _pair(self, report):
        """Return the numbers of agent and customer in a call data record, or None.

        :return: each one's last ten digits
        :rtype: tuple[str, str] | None
        """
        legs = [leg for leg in getattr(report, "legs", ()) if leg.address]
        addresses = {report.who(leg): leg.address for leg in legs}
        pair = addresses.get("agent", ""), addresses.get("customer", "")
        return pair if all(len(each) == 10 for each in pair) else None

    def _call_of(self, report):
        """Return the call that a report names, among those of the company it came for, and how.

        :return: a ``ccp.call``, empty if none or several fit, and a key of ``matched_by``
        :rtype: tuple
        """
        calls = self.env["ccp.call"].sudo()
        own = (
            Domain("company_id", "=", self.company_id.id)
            & Domain("manual", "=", False)
            & Domain("imported", "=", False)
            & Domain("reports_deleted", "=", False)
        )
        for matched_by, value in self._names(report).items():
            if matched_by == "numbers":
                found = self._calls_between(own, value, report)
            else:
                found = calls.search(own & Domain(f"{matched_by}_id", "=", value), limit=2)
            if len(found) == 1:
                return found, matched_by
        return calls.browse(), False

    def _calls_between(self, own, pair, report):
        """Return the calls between two numbers that a call data record may be about.

        :param odoo.fields.Domain own: the calls that may be matched
        :param tuple pair: agent's and customer's last ten digits
        :param ccp.airtel.reports.Cdr report: the record
        """
        agent, customer = pair
        started = naive_utc(report.started_at)
        if started:
            window = (started - CLOCK_TOLERANCE, started + CLOCK_TOLERANCE)
        else:
            window = (self.received_at - PAIR_PERIOD, self.received_at + CLOCK_TOLERANCE)
        calls = self.env["ccp.call"].sudo()
        found = calls.search(
            own
            & Domain("trial", "=", False)
            & Domain("request_outcome", "!=", "refused")
            & Domain("start_date", ">=", window[0])
            & Domain("start_date", "<=", window[1])
            & calls._numbers_domain("agent", [agent])
            & calls._numbers_domain("customer", [customer])
        )
        # A call with a record or ids of its own is another call than the one in this record
        return found.filtered(
            lambda call: (
                "cdr" not in call.event_ids.mapped("kind")
                and not (report.correlation_id and call.correlation_id)
                and not (report.session_id and call.session_id)
            )
        )
