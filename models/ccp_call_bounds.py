import dataclasses
from itertools import product

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..ccp.safe.spool import digest

# How many reports of a kind count for one call. A call brings about eleven, and one CDR; retries
# and several tries of the flow make that a few dozen.
COUNTED_REPORTS = {"cdr": 20, "event": 150, "api_result": 50, "unreadable": 10, "decision": 5}
# How much text of each kind counts: a report has 1 to 4 KB. Reading this much takes about as long
# as folding an ordinary call.
COUNTED_BYTES = 256 * 1024
# How many reports and CDRs of a call are kept, and how much text of each: enough to see what went
# wrong, and only a few MB even if an address gets into the wrong hands
KEPT_REPORTS = 500
KEPT_CDRS = 100
KEPT_BYTES = 4 * 1024 * 1024
# How many waiting reports one fold has looked at again: those of a few calls
RELEASED_REPORTS = 100
# Two pages: nobody reads more, and browsers get the whole note with each change
MAX_NOTE = 4000


@dataclasses.dataclass(frozen=True)
class Counted:
    """Which of a call's reports count.

    :param reports: ``ccp.call.event`` records, in the order in which they came
    :param bound: what the call's ``report_bound`` should be
    :param is_new: whether the call has a report that was not folded yet, or waiting reports
        may name it
    """

    reports: models.BaseModel
    bound: str | bool
    is_new: bool


def keeps(bound, kind):
    """Return whether a call takes a further report.

    :param str | None bound: the call's ``report_bound``
    :param str kind: the report's kind
    :rtype: bool
    """
    return bound != "full" and (bound != "cdr" or kind == "cdr")


def pair_digest(agent, customer):
    """Return a digest of an agent's and a customer's number, ten digits each.

    :rtype: str
    """
    return digest(f"{agent} {customer}")


def check_note(env, note):
    """Check that a note is short enough for a card.

    :param odoo.api.Environment env: for the language of the sentence
    :param str | bool note: what somebody typed
    :raise ValidationError: with a sentence that says how long it may be
    """
    if len(note or "") > MAX_NOTE:
        raise ValidationError(
            env._(
                "This note has %(length)s characters, and a call takes %(limit)s: shorten it.",
                length=len(note),
                limit=MAX_NOTE,
            )
        )


class CcpCall(models.Model):
    """Limits on what one call takes from outside: anybody who knows its address can send anything.

    Which reports count depends on their content, never on when they came: of each kind the
    shortest first. So the state stays a function of the set of reports, a flood of one kind cannot
    hide another kind, and a flood of long reports cannot hide Airtel's, which are short. Only the
    limits on what is kept depend on the order of arrival: after ``KEPT_REPORTS`` only CDRs are
    kept, after ``KEPT_CDRS`` nothing. The call stores which limit it passed, so a request that
    brings a report need not count.
    """

    _inherit = "ccp.call"

    report_bound = fields.Selection(
        [
            ("counted", "Some of its reports are ignored"),
            ("cdr", "Only call data records are still kept"),
            ("full", "Further reports are discarded"),
        ],
        "Too many reports",
        readonly=True,
        copy=False,
        groups="base.group_system",
    )

    _bound_idx = models.Index("(company_id, start_date) WHERE report_bound IS NOT NULL")

    # Reports

    @api.model
    def _no_reports(self):
        """Return an empty recordset of reports, as superuser.

        :rtype: odoo.models.BaseModel
        """
        return self.browse().event_ids.sudo()

    def _have_reports(self):
        """Return whether a report came for one of these calls.

        :rtype: bool
        """
        return bool(self._no_reports().search_count([("call_id", "in", self.ids)], limit=1))

    def _have_new_reports(self):
        """Return whether one of these calls has a report that was not folded yet.

        :rtype: bool
        """
        new = [("call_id", "in", self.ids), ("folded", "=", False)]
        return bool(self._no_reports().search_count(new, limit=1))

    def _counted_reports(self):
        """Return which reports of these calls count, ready to be parsed.

        :return: by call: a ``Counted``
        :rtype: dict
        """
        counted = self._count_reports()
        reports = self._no_reports().union(*(each.reports for each in counted.values()))
        reports.fetch(["kind", "payload", "received_at", "folded"])
        return counted

    def _count_reports(self):
        """Return which reports of these calls count, without reading their text.

        :return: by call: a ``Counted``
        :rtype: dict
        """
        reports = self._no_reports()
        reports.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                WITH sized AS MATERIALIZED (
                    SELECT id, call_id, kind, received_at, fingerprint, folded,
                           octet_length(payload) AS size
                      FROM ccp_call_event
                     WHERE call_id = ANY(%(calls)s)
                ), placed AS (
                    SELECT *,
                           row_number() OVER shortest_first AS place,
                           sum(size) OVER shortest_first AS total
                      FROM sized
                    WINDOW shortest_first AS (
                        PARTITION BY call_id, kind ORDER BY size, fingerprint
                        ROWS UNBOUNDED PRECEDING)
                ), judged AS (
                    SELECT placed.*,
                           place = 1 OR (place <= most.reports AND total <= %(bytes)s) AS counts
                      FROM placed
                      JOIN (VALUES %(most)s) AS most (kind, reports) ON most.kind = placed.kind
                )
                SELECT call.id,
                       array_agg(judged.id ORDER BY received_at, judged.id) FILTER (WHERE counts),
                       bool_or(judged.id IS NOT NULL AND folded IS NOT TRUE) OR EXISTS (
                           SELECT FROM ccp_call_event
                            WHERE call_id IS NULL AND folded IS NOT TRUE),
                       COALESCE(bool_and(counts), TRUE),
                       count(*) FILTER (WHERE kind <> 'cdr'),
                       COALESCE(sum(size) FILTER (WHERE kind <> 'cdr'), 0),
                       count(*) FILTER (WHERE kind = 'cdr'),
                       COALESCE(sum(size) FILTER (WHERE kind = 'cdr'), 0)
                  FROM unnest(%(calls)s::integer[]) AS call (id)
                  LEFT JOIN judged ON judged.call_id = call.id
                 GROUP BY call.id
                """,
                calls=self.ids,
                bytes=COUNTED_BYTES,
                most=SQL(", ").join(SQL("(%s, %s)", *each) for each in COUNTED_REPORTS.items()),
            )
        )
        prefetched = [report_id for row in rows for report_id in row[1] or ()]
        return {
            self.browse(call_id): Counted(
                reports.browse(ids or ()).with_prefetch(prefetched),
                self._bound_of(*totals),
                is_new,
            )
            for call_id, ids, is_new, *totals in rows
        }

    @api.model
    def _bound_of(self, all_count, others, other_bytes, cdrs, cdr_bytes):
        """Return which bound a call with this many reports has passed.

        :param bool all_count: whether all of them count
        :param int others: number of reports that are not CDRs
        :param int other_bytes: their total length
        :param int cdrs: number of CDRs
        :param int cdr_bytes: their total length
        :return: a value of ``report_bound``
        :rtype: str | bool
        """
        if cdrs >= KEPT_CDRS or cdr_bytes >= KEPT_BYTES:
            return "full"
        if others >= KEPT_REPORTS or other_bytes >= KEPT_BYTES:
            return "cdr"
        return False if all_count else "counted"

    def _keep_bounds(self, counted):
        """Write which bounds these calls have passed.

        :param dict counted: see ``_count_reports``
        """
        for call in self:
            if call.report_bound != counted[call].bound:
                call.report_bound = counted[call].bound

    def _mark_folded(self):
        """Mark all reports of these calls as folded, in one statement.

        Also have reports looked at again that wait at the company's own address and name one of
        these calls, see ``ccp.call.event._match``: more may be known of the calls now. If there are
        too many, those that were looked at longest ago come first.

        :return: the reports to look at again, ``ccp.call.event`` records
        :rtype: odoo.models.BaseModel
        """
        reports = self._no_reports()
        if not self:
            return reports
        reports.flush_model()
        released = self.env.execute_query(
            SQL(
                """
                WITH marked AS (
                    UPDATE ccp_call_event
                       SET folded = TRUE
                     WHERE call_id = ANY(%s) AND folded IS NOT TRUE)
                UPDATE ccp_call_event
                   SET match_date = NULL
                 WHERE id IN (
                           SELECT id
                             FROM ccp_call_event
                            WHERE match_date IS NOT NULL AND %s
                            ORDER BY match_date
                            LIMIT %s)
                RETURNING id
                """,
                self.ids,
                reports._naming(self),
                RELEASED_REPORTS,
            )
        )
        reports.invalidate_model(["folded", "match_date"], flush=False)
        return reports.browse(each for (each,) in released)

    def _pairs(self):
        """Return digests of all pairs of an agent's and a customer's number of these calls.

        Of an incoming call only the customer's number: who picks up is not known beforehand.

        :rtype: list[str]
        """
        return [
            pair_digest(*pair)
            for call in self
            for pair in product(
                ("",) if call._is_reported_incoming() else call._agent_numbers(),
                call._customer_numbers(),
            )
        ]

    # Notes

    @api.constrains("note")
    def _check_note_length(self):
        for call in self:
            check_note(self.env, call.note)
