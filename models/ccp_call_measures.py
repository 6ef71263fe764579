from odoo import api, models
from odoo.tools import SQL

from .ccp_call import CUSTOMER_KEY
from .contention import take_turns
from .measures import AGGREGATES, PLACEHOLDER, part_template

BATCH = 500


class CcpCall(models.Model):
    """The measures of calls: rates of groups, and measures that depend on several calls.

    Attempts until reached and a lead's first calls depend on other calls of the same customer or
    lead, but a report changes its own call only. So a scheduled action measures these again for
    the customers and leads of all calls that changed.
    """

    _inherit = "ccp.call"

    def _read_group_select(self, aggregate_spec, query):
        measure = AGGREGATES.get(aggregate_spec)
        if measure is None or not measure.whole:
            return super()._read_group_select(aggregate_spec, query)
        # For its check that the user may read the field
        super()._read_group_select(aggregate_spec, query)
        return self._aggregate_sql(measure.sql(part_template), query)

    def _aggregate_sql(self, template, query):
        """Return an aggregate in which columns replace the names of fields.

        :param str template: an expression with names of fields in braces
        :param odoo.tools.Query query: the query that uses it
        :rtype: odoo.tools.SQL
        """
        parts = PLACEHOLDER.split(template)
        return SQL("").join(
            self._field_to_sql(self._table, part, query) if position % 2 else SQL(part)
            for position, part in enumerate(parts)
        )

    @api.model
    def _cron_measure(self):
        """Measure the customers and leads of calls that changed, in batches."""

        def measure_some():
            calls = self._take_unmeasured()
            calls._measure()
            return len(calls), self.sudo().search_count(self._unmeasured_domain())

        take_turns(self, measure_some, "airtel_ccp.ir_cron_measure_calls")

    @api.model
    def _measure_all(self):
        """Measure every call that has ended, at once: for data that was loaded by a script."""
        self.sudo().search([("state", "in", ("ended", "refused"))])._measure()

    @api.model
    def _unmeasured_domain(self):
        """Return the domain of calls that ended and were not measured since."""
        return [("measured", "!=", True), ("state", "in", ("ended", "refused"))]

    @api.model
    def _take_unmeasured(self):
        """Lock and return the next calls that ended and were not measured since.

        :rtype: odoo.models.BaseModel
        """
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id
                  FROM ccp_call
                 WHERE measured IS NOT TRUE
                   AND state IN ('ended', 'refused')
                 ORDER BY id
                 LIMIT %s
                   FOR NO KEY UPDATE SKIP LOCKED
                """,
                BATCH,
            )
        )
        return self.browse([row[0] for row in rows])

    def _measure(self):
        """Measure again what depends on other calls of the customers and leads of these calls.

        Rows that do not change are not written: no live call is locked.
        """
        if not self:
            return
        self.env.flush_all()
        ids = tuple(self.ids)
        self.env.cr.execute(self._customers_sql(ids))
        self.env.cr.execute(self._leads_sql(ids))
        self.env.cr.execute(SQL("UPDATE ccp_call SET measured = TRUE WHERE id IN %s", ids))
        self.invalidate_model()

    @api.model
    def _customers_sql(self, ids):
        """Return the statement that counts attempts until reached, for the customers of calls.

        :param tuple[int, ...] ids: the calls that changed
        :rtype: odoo.tools.SQL
        """
        key = SQL(CUSTOMER_KEY.replace("customer_number", "call.customer_number"))
        return SQL(
            """
            WITH touched AS (
                SELECT DISTINCT call.company_id, %(key)s AS customer
                  FROM ccp_call call
                 WHERE call.id IN %(ids)s
                   AND call.customer_number IS NOT NULL
            ), attempt AS (
                SELECT call.id, call.reached, call.company_id, touched.customer, call.start_date,
                       COALESCE(SUM(call.reached) OVER (
                           PARTITION BY call.company_id, touched.customer
                           ORDER BY call.start_date, call.id
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS reached_before
                  FROM touched
                  JOIN ccp_call call
                    ON call.company_id = touched.company_id
                   AND %(key)s = touched.customer
                 WHERE call.attempts = 1
            ), counted AS (
                SELECT id, reached, ROW_NUMBER() OVER (
                           PARTITION BY company_id, customer, reached_before
                           ORDER BY start_date, id) AS attempts
                  FROM attempt
            ), measure AS (
                SELECT call.id,
                       CASE WHEN counted.reached = 1 THEN counted.attempts ELSE 0 END AS attempts
                  FROM touched
                  JOIN ccp_call call
                    ON call.company_id = touched.company_id
                   AND %(key)s = touched.customer
                  LEFT JOIN counted ON counted.id = call.id
            )
            UPDATE ccp_call call
               SET attempts_until_reached = measure.attempts
              FROM measure
             WHERE call.id = measure.id
               AND COALESCE(call.attempts_until_reached, 0) != measure.attempts
            """,
            key=key,
            ids=ids,
        )

    @api.model
    def _leads_sql(self, ids):
        """Return the statement that finds first calls and their speed, for the leads of calls.

        A lead that gets another salesperson keeps the moment that was measured first.

        :param tuple[int, ...] ids: the calls that changed
        :rtype: odoo.tools.SQL
        """
        return SQL(
            """
            WITH touched AS (
                SELECT DISTINCT lead_id FROM ccp_call WHERE id IN %(ids)s AND lead_id IS NOT NULL
            ), attempt AS (
                SELECT call.id, call.lead_id, call.start_date, call.reached,
                       ROW_NUMBER() OVER (
                           PARTITION BY call.lead_id ORDER BY call.start_date, call.id
                       ) = 1 AS first_dial,
                       call.reached = 1 AND ROW_NUMBER() OVER (
                           PARTITION BY call.lead_id, call.reached
                           ORDER BY call.start_date, call.id
                       ) = 1 AS first_connect
                  FROM touched
                  JOIN ccp_call call ON call.lead_id = touched.lead_id
                 WHERE call.attempts = 1
            ), known AS (
                SELECT call.lead_id,
                       MIN(call.start_date - call.speed_to_dial * INTERVAL '1 second') AS moment
                  FROM touched
                  JOIN ccp_call call ON call.lead_id = touched.lead_id
                 WHERE call.first_dial AND call.speed_to_dial IS NOT NULL
                 GROUP BY call.lead_id
            ), began AS (
                SELECT attempt.lead_id,
                       COALESCE(
                           CASE WHEN known.moment <= attempt.start_date THEN known.moment END,
                           GREATEST(
                               CASE WHEN date_trunc('second', lead.create_date)
                                         <= attempt.start_date
                                    THEN date_trunc('second', lead.create_date) END,
                               CASE WHEN date_trunc('second', lead.date_open)
                                         <= attempt.start_date
                                    THEN date_trunc('second', lead.date_open) END)) AS moment
                  FROM attempt
                  JOIN crm_lead lead ON lead.id = attempt.lead_id
                  LEFT JOIN known ON known.lead_id = attempt.lead_id
                 WHERE attempt.first_dial
            ), measure AS (
                SELECT call.id,
                       COALESCE(attempt.first_dial, FALSE) AS first_dial,
                       COALESCE(attempt.first_connect, FALSE) AS first_connect,
                       CASE WHEN attempt.first_dial THEN
                           EXTRACT(EPOCH FROM call.start_date - began.moment) END AS to_dial,
                       CASE WHEN attempt.first_connect THEN
                           EXTRACT(EPOCH FROM COALESCE(call.answer_date, call.start_date)
                                              - began.moment) END AS to_connect
                  FROM ccp_call call
                  LEFT JOIN attempt ON attempt.id = call.id
                  LEFT JOIN began ON began.lead_id = call.lead_id
                 WHERE call.lead_id IN (SELECT lead_id FROM touched) OR call.id IN %(ids)s
            )
            UPDATE ccp_call call
               SET first_dial = measure.first_dial,
                   first_connect = measure.first_connect,
                   speed_to_dial = measure.to_dial,
                   speed_to_connect = measure.to_connect
              FROM measure
             WHERE call.id = measure.id
               AND (COALESCE(call.first_dial, FALSE), COALESCE(call.first_connect, FALSE),
                    call.speed_to_dial, call.speed_to_connect)
                   IS DISTINCT FROM
                   (measure.first_dial, measure.first_connect, measure.to_dial, measure.to_connect)
            """,
            ids=ids,
        )
