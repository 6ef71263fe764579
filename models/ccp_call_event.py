from datetime import timezone

from odoo import api, fields, models

from ..ccp.airtel.reports import parse_all
from .guarded_fields import GuardedFields
from .system_made import SystemMade


class CcpCallEvent(GuardedFields, SystemMade, models.Model):
    """A report: anything that Airtel posted about a call, stored as received."""

    _name = "ccp.call.event"
    _description = "Airtel Report"
    _order = "received_at, id"
    _rec_name = "kind"

    # Uses the index that ``init`` makes: each further index would cost time with every report
    call_id = fields.Many2one("ccp.call", readonly=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(
        "res.company",
        readonly=True,
        ondelete="cascade",
        help="The company whose notify URL received the report, if it did not arrive at a call's "
        "own URL.",
    )
    kind = fields.Selection(
        [
            ("event", "Event"),
            ("api_result", "API result"),
            ("cdr", "Call data record"),
            ("unreadable", "Unreadable"),
        ],
        readonly=True,
        required=True,
    )
    # It holds the recording's address, with which anybody can listen: only this addon reads it,
    # searches it or groups by it; others get ``pretty_payload``
    payload = fields.Text("As received", readonly=True, groups=fields.NO_ACCESS, prefetch=False)
    raw_payload = fields.Binary(
        "As received, byte for byte",
        attachment=False,
        readonly=True,
        groups=fields.NO_ACCESS,
        prefetch=False,
        help="Filled only for a report that is not valid UTF-8, because a text field cannot hold "
        "it unchanged.",
    )
    fingerprint = fields.Char(readonly=True, required=True, groups="base.group_system")
    received_at = fields.Datetime("Received", readonly=True, required=True)
    folded = fields.Boolean("Processed", readonly=True)
    matched_by = fields.Selection(
        [
            ("token", "Call's own notify URL"),
            ("correlation", "Airtel's correlation id"),
            ("session", "Airtel's session id"),
            ("numbers", "Both numbers"),
        ],
        "Matched by",
        readonly=True,
    )
    match_date = fields.Datetime("Last matched", readonly=True)
    # The ids under which a report without a call may still find it
    named_correlation = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    named_session = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    named_pair = fields.Char(
        "Digest of both numbers that it names", readonly=True, groups=fields.NO_ACCESS
    )
    summary = fields.Char("What it says", compute="_compute_summary")
    changed = fields.Char(
        "What it changed",
        compute="_compute_changed",
        help="What this report added to the call, or changed in it.",
    )
    not_understood = fields.Char("Not understood", compute="_compute_not_understood")
    pretty_payload = fields.Text(
        "As received, formatted",
        compute="_compute_pretty_payload",
        search="_search_pretty_payload",
        groups="base.group_system",
        help="Addresses of recordings are hidden: whoever has one can listen.",
    )
    error = fields.Char(related="call_id.fold_error", string="Error", groups="base.group_system")

    _company_fingerprint_uniq = models.UniqueIndex(
        "(company_id, fingerprint) WHERE call_id IS NULL"
    )
    _pending_idx = models.Index("(call_id) WHERE folded IS NOT TRUE")
    _received_idx = models.Index("(received_at)")
    # For reports that wait for their call: those not looked at yet, and all
    _unmatched_idx = models.Index(
        "(id) WHERE call_id IS NULL AND folded IS NOT TRUE AND match_date IS NULL"
    )
    _waiting_idx = models.Index("(received_at) WHERE call_id IS NULL AND folded IS NOT TRUE")
    _failed_idx = models.Index(
        "(match_date) WHERE call_id IS NULL AND folded IS NOT TRUE AND named_correlation IS NULL"
        " AND named_session IS NULL AND named_pair IS NULL"
    )
    _named_correlation_idx = models.Index(
        "(named_correlation) WHERE call_id IS NULL AND folded IS NOT TRUE"
    )
    _named_session_idx = models.Index(
        "(named_session) WHERE call_id IS NULL AND folded IS NOT TRUE"
    )
    _named_pair_idx = models.Index("(named_pair) WHERE call_id IS NULL AND folded IS NOT TRUE")

    @api.private
    def init(self):
        """Create the index of a call's reports, and the function that finds a call by its token.

        The index has the name of Odoo's own index of ``call_id``, so Odoo does not create a second
        one; as its first column is the call, it serves for both.

        PostgreSQL plans the body of a function once per connection. A plain statement would be
        planned for each report, considering all indexes of calls, which takes longer than
        everything else that a report costs in the database.

        A token ends some days after its call did. The end of a call comes from reports, so it
        counts for at most a day after the click: no report can prolong a token beyond that.
        """
        self.env.cr.execute(
            """
            CREATE UNIQUE INDEX IF NOT EXISTS ccp_call_event__call_id_index
                ON ccp_call_event (call_id, fingerprint)
            """
        )
        self._drop_function()
        self.env.cr.execute(
            """
            CREATE FUNCTION ccp_call_of_token(wanted varchar, moment timestamp)
                RETURNS TABLE (
                    call_id integer, header varchar, header_required boolean, bound varchar)
                LANGUAGE plpgsql STABLE
            AS $$
            BEGIN
                RETURN QUERY
                    SELECT call.id, call.header_digest, company.ccp_require_header,
                           call.report_bound
                      FROM ccp_call call
                      JOIN res_company company ON company.id = call.company_id
                     WHERE call.token_digest = wanted
                       AND moment < company.ccp_token_days * interval '1 day'
                           + GREATEST(
                                 call.start_date,
                                 LEAST(call.end_date, call.start_date + interval '1 day'));
            END
            $$
            """
        )

    @api.model
    def _drop_function(self):
        """Remove the function of ``init``, which stays when the tables are removed."""
        self.env.cr.execute("DROP FUNCTION IF EXISTS ccp_call_of_token(varchar)")
        self.env.cr.execute("DROP FUNCTION IF EXISTS ccp_call_of_token(varchar, timestamp)")

    def _parsed(self):
        """Return what ``ccp.airtel.reports`` reads in these reports.

        :return: one or more for each
        :rtype: list
        """
        return [report for reports in self._parsed_each() for report in reports]

    def _parsed_each(self):
        """Return what ``ccp.airtel.reports`` reads in each of these; one may hold several reports.

        :rtype: list[tuple]
        """
        return [
            parse_all(event.payload or "", event.received_at.replace(tzinfo=timezone.utc))
            for event in self.sudo()
        ]
