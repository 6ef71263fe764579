from datetime import datetime, timedelta, timezone

from odoo import api, fields, models
from odoo.tools import SQL

from . import route_disk
from .spool import root

# How long the first report, and the CDR, of a call that was put through may take
REPORT_WAITS = timedelta(minutes=15)
RECORD_WAITS = timedelta(hours=4)
LOOKED_BACK = timedelta(days=7)
# The routing table on disk is rewritten every ten minutes
TABLE_AGE = timedelta(hours=1)
REFUSED_SHOWN = timedelta(days=1)
CHANNELS_PERIOD = timedelta(days=1)
# From this percentage of the account's channels on, the line is a warning
CHANNELS_SHARE = 90


class CcpHealth(models.Model):
    """Checks that no report of an incoming call is missing, and that there are enough channels."""

    _inherit = "ccp.health"

    @api.model
    def _check_completeness(self, company):
        """Check that each call that was put through brought reports and a CDR."""
        flows = company._ccp_incoming_flows()
        if not flows:
            return "ok", "no_number", {}
        now = fields.Datetime.now()
        for code, waits, proof in (
            ("without_report", REPORT_WAITS, SQL("report.kind <> 'decision'")),
            ("without_record", RECORD_WAITS, SQL("report.kind = 'cdr'")),
        ):
            found = self._incomplete(company, now - waits, proof)
            if found:
                return "bad", code, found
        refused = route_disk.last_refusal(root() / self.env.cr.dbname, company.id)
        if refused and datetime.now(timezone.utc) - refused < REFUSED_SHOWN:
            when = fields.Datetime.to_string(refused.replace(tzinfo=None, microsecond=0))
            return "warning", "refused_requests", {"when": when}
        built = route_disk.table_of(root() / self.env.cr.dbname).built_at()
        # A new number waits for the scheduled action
        is_new = min(flows.mapped("create_date")) > now - TABLE_AGE
        if not is_new and (
            built is None
            or built < now.replace(tzinfo=timezone.utc).timestamp() - TABLE_AGE.total_seconds()
        ):
            return "warning", "table_old", {}
        total = self._count_decisions(company, now - LOOKED_BACK)
        return ("ok", "complete", {"total": total}) if total else ("unknown", "no_call_yet", {})

    @api.model
    def _count_decisions(self, company, since):
        """Return how many calls were put through since a given time.

        :rtype: int
        """
        ((count,),) = self.env.execute_query(
            SQL(
                """
                SELECT count(*) FROM ccp_call_event
                 WHERE kind = 'decision' AND company_id = %s AND received_at > %s
                """,
                company.id,
                since,
            )
        )
        return count

    @api.model
    def _incomplete(self, company, until, proof):
        """Return the decisions before a given time without a report that proves something.

        :param datetime.datetime until: naive UTC
        :param odoo.tools.SQL proof: the condition on the report
        :return: ``count``, ``when`` (the first one) and ``number`` (the Airtel number with most)
        :rtype: dict
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT substring(decision.payload FROM '"airtel_number": "([0-9]+)"'), count(*),
                       min(decision.received_at)
                  FROM ccp_call_event decision
                 WHERE decision.kind = 'decision' AND decision.company_id = %s
                   AND decision.received_at > %s AND decision.received_at < %s
                   AND NOT EXISTS (
                           SELECT FROM ccp_call_event report
                            WHERE report.call_id = decision.call_id AND %s)
                   AND NOT EXISTS (
                           SELECT FROM ccp_call call
                            WHERE call.id = decision.call_id AND call.reports_deleted)
                 GROUP BY 1
                 ORDER BY 2 DESC, 1
                """,
                company.id,
                until - LOOKED_BACK,
                until,
                proof,
            )
        )
        if not rows:
            return {}
        return {
            "count": sum(count for _number, count, _first in rows),
            "when": fields.Datetime.to_string(
                min(first for _number, _count, first in rows).replace(microsecond=0)
            ),
            "number": rows[0][0] or "",
        }

    @api.model
    def _check_channels(self, company):
        """Check how many calls ran at once, compared with the account's channels."""
        channels = company.ccp_channels
        most = self._most_at_once(company)
        details = {"count": most, "total": channels}
        if not channels:
            is_asked = most and company._ccp_incoming_flows()
            return ("unknown" if is_asked else "ok"), "channels_unknown", details
        if most >= channels:
            return "bad", "all_channels", details
        if 100 * most >= CHANNELS_SHARE * channels:
            return "warning", "near_channels", details
        return "ok", "channels", details

    @api.model
    def _most_at_once(self, company):
        """Return how many calls of a company ran at once at most, in the last day.

        :rtype: int
        """
        now = fields.Datetime.now()
        ((most,),) = self.env.execute_query(
            SQL(
                """
                SELECT max(at_once)
                  FROM (SELECT sum(step) OVER (ORDER BY moment, step) AS at_once
                          FROM (SELECT start_date AS moment, 1 AS step
                                  FROM ccp_call
                                 WHERE %(counts)s
                                 UNION ALL
                                SELECT COALESCE(end_date, %(now)s), -1
                                  FROM ccp_call
                                 WHERE %(counts)s
                               ) AS steps
                       ) AS sums
                """,
                counts=SQL(
                    "company_id = %s AND start_date > %s AND trial IS NOT TRUE"
                    " AND manual IS NOT TRUE AND imported IS NOT TRUE AND state <> 'refused'"
                    " AND (end_date IS NOT NULL OR live IS TRUE)",
                    company.id,
                    now - CHANNELS_PERIOD,
                ),
                now=now,
            )
        )
        return int(most or 0)

    def _words_of_completeness(self):
        _ = self.env._
        return {
            "no_number": _("No Airtel number takes incoming calls."),
            "no_call_yet": _("No call came in during the last 7 days."),
            "complete": _(
                "Each of the %(total)s calls that were put through in the last 7 days has its "
                "reports."
            ),
            "without_report": _(
                "Incoming calls that were put through but have no report: %(count)s, the first one "
                "%(when)s, most of them to %(number)s. Ask Airtel whether it sends reports of "
                "incoming calls to the notify URL."
            ),
            "without_record": _(
                "Incoming calls that were put through but have no call data record: %(count)s, the "
                "first one %(when)s, most of them to %(number)s. Ask Airtel for it."
            ),
            "refused_requests": _(
                "Somebody asked the routing URL without the right secret, last %(when)s, and got "
                "no answer. If it was Airtel, callers hear nothing: give Airtel the secret header "
                "again."
            ),
            "table_old": _(
                "The routing table that is used while the database is unreachable is out of date: "
                "ask your server administrator to check the scheduled actions and Odoo's data "
                "folder."
            ),
        }

    def _words_of_channels(self):
        _ = self.env._
        return {
            "channels_unknown": _(
                "At most %(count)s calls ran at the same time in the last day. Enter how many your "
                "account allows under Set up calling > Incoming calls."
            ),
            "channels": _(
                "At most %(count)s calls ran at the same time in the last day; your account allows "
                "%(total)s."
            ),
            "near_channels": _(
                "%(count)s calls ran at the same time in the last day, and your account allows "
                "%(total)s: ask Airtel for more before callers hear that all lines are busy."
            ),
            "all_channels": _(
                "%(count)s calls ran at the same time in the last day, and your account allows "
                "%(total)s: further callers heard that all lines are busy. Ask Airtel for more."
            ),
        }
