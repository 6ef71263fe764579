from datetime import time, timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, Query
from odoo.tools.sql import table_exists

from ..ccp import states
from .utils import HOME_TIME_ZONES

# India has had no other time since 1945
HOME_OFFSET = timedelta(hours=5, minutes=30)
HOME_INTERVAL = "330 minutes"
MERGE_BATCH = 20000
# Odoo names this class in ``odoo.orm`` only, from which addons do not import
CONJUNCTION = type(Domain("id", "=", 1) & Domain("active", "=", True))
# Parts of a date that a day lies in as a whole
GRANULARITIES = ("day", "week", "month", "quarter", "year")
KEY = ("start_date", "company_id", "user_id", "start_weekday", "start_hour", "is_attempt")
IS_PICKED_UP = (
    "call.agent_ring_seconds > 0"
    f" AND (call.agent_answer_date IS NOT NULL OR call.result IN {states.PICKED_UP_RESULTS})"
)
# What is added up of each call: a column, and what one call gives to it
SUMS = {
    "calls": "1",
    "attempts": "COALESCE(call.attempts, 0)",
    "reached": "COALESCE(call.reached, 0)",
    "agent_failures": "COALESCE(call.agent_failures, 0)",
    "ended": "CASE WHEN call.result IS NOT NULL THEN COALESCE(call.attempts, 0) ELSE 0 END",
    "with_outcome": "(call.result = 'connected' AND call.outcome_id IS NOT NULL)::int",
    "talk_seconds": "COALESCE(call.talk_seconds, 0)",
    "talk_known": "(call.talk_seconds IS NOT NULL)::int",
    "connected_talk": "CASE WHEN call.result = 'connected' THEN call.talk_seconds ELSE 0 END",
    "connected_known": (
        "(call.result = 'connected' AND call.talk_seconds IS NOT NULL"
        " AND call.talk_unknown IS NOT TRUE)::int"
    ),
    "ring_seconds": f"CASE WHEN {IS_PICKED_UP} THEN call.agent_ring_seconds ELSE 0 END",
    "ring_known": f"({IS_PICKED_UP})::int",
}
# A call that changes in nothing of this counts as before
WATCHED = (
    "{row}.start_date, {row}.company_id, {row}.user_id, {row}.start_weekday, {row}.start_hour,"
    " {row}.trial, {row}.attempts, {row}.reached, {row}.agent_failures, {row}.result,"
    " {row}.talk_seconds, {row}.talk_unknown, {row}.agent_ring_seconds,"
    " {row}.agent_answer_date IS NULL, {row}.outcome_id IS NULL"
)
# How a measure of calls is had from the sums; see ``ccp_call.AGGREGATES``
AGGREGATES = {
    "__count": "SUM({calls})",
    "attempts:sum": "SUM({attempts})",
    "reached:sum": "SUM({reached})",
    "agent_failures:sum": "SUM({agent_failures})",
    "connect_rate:avg": "100.0 * SUM({reached}) / NULLIF(SUM({ended}), 0)",
    "customer_connect_rate:avg": (
        "100.0 * SUM({reached}) / NULLIF(SUM({ended} - {agent_failures}), 0)"
    ),
    "talk_seconds:sum": "CASE WHEN SUM({talk_known}) > 0 THEN SUM({talk_seconds}) END",
    "average_talk_seconds:avg": (
        "SUM({connected_talk})::numeric / NULLIF(SUM({connected_known}), 0)"
    ),
    "agent_ring_seconds:avg": "SUM({ring_seconds})::numeric / NULLIF(SUM({ring_known}), 0)",
}


class CcpCallTally(models.Model):
    """Sums of the calls of each day, so that a report need not read every call of a month.

    A trigger of the database adds what each change of a call adds or takes away, in the change's
    own transaction and as rows of its own: nobody waits for anybody, and the sums are those of the
    calls at any moment. A scheduled action merges the rows of a key. There are two kinds of rows,
    each of which counts every call that is no trial: by agent, and by weekday and hour. Of an
    imported call whose agent nobody knows the agent is 0.

    A day begins at India's midnight. Nobody reads or writes here but the code of this addon.
    """

    _name = "ccp.call.tally"
    _description = "Call analysis"
    _auto = False
    _log_access = False

    # What the ORM groups and filters by; the sums themselves are columns of the table only
    start_date = fields.Datetime("Started", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    user_id = fields.Many2one("res.users", "Agent", readonly=True)
    start_weekday = fields.Char("Weekday", readonly=True)
    start_hour = fields.Char("Hour", readonly=True)

    @api.private
    def init(self):
        """Make table and trigger; count the calls that are there already."""
        cr = self.env.cr
        is_new = not table_exists(cr, self._table)
        if is_new:
            # No foreign keys: they would lock the agent and the company with each change of a call
            cr.execute(
                """
                CREATE TABLE ccp_call_tally (
                    id BIGSERIAL PRIMARY KEY,
                    start_date TIMESTAMP NOT NULL,
                    company_id INTEGER NOT NULL,
                    user_id INTEGER,
                    start_weekday VARCHAR,
                    start_hour VARCHAR,
                    is_attempt BOOLEAN NOT NULL,
                    merged BOOLEAN NOT NULL DEFAULT FALSE,
                    calls INTEGER NOT NULL,
                    attempts INTEGER NOT NULL,
                    reached INTEGER NOT NULL,
                    agent_failures INTEGER NOT NULL,
                    ended INTEGER NOT NULL,
                    with_outcome INTEGER NOT NULL,
                    talk_seconds INTEGER NOT NULL,
                    talk_known INTEGER NOT NULL,
                    connected_talk INTEGER NOT NULL,
                    connected_known INTEGER NOT NULL,
                    ring_seconds INTEGER NOT NULL,
                    ring_known INTEGER NOT NULL);
                CREATE INDEX ccp_call_tally_day_idx ON ccp_call_tally (start_date);
                CREATE INDEX ccp_call_tally_hour_idx
                    ON ccp_call_tally (start_date) WHERE user_id IS NULL;
                CREATE INDEX ccp_call_tally_merge_idx ON ccp_call_tally (id) WHERE NOT merged
                """
            )
        cr.execute(self._trigger_sql())
        if is_new:
            self._count_all()

    @api.model
    def _trigger_sql(self):
        """Return the statements that have the database keep the sums.

        :rtype: odoo.tools.SQL
        """
        # Whoever changes calls writes the sums too, by whatever way
        return SQL(
            """
            CREATE OR REPLACE FUNCTION ccp_call_tally_change() RETURNS trigger AS $$
            BEGIN
                INSERT INTO ccp_call_tally (%(columns)s) %(sums)s;
                RETURN NULL;
            END
            $$ LANGUAGE plpgsql;
            DROP TRIGGER IF EXISTS ccp_call_tally_change ON ccp_call;
            CREATE TRIGGER ccp_call_tally_change
                AFTER INSERT OR DELETE ON ccp_call
                FOR EACH ROW EXECUTE FUNCTION ccp_call_tally_change();
            DROP TRIGGER IF EXISTS ccp_call_tally_update ON ccp_call;
            CREATE TRIGGER ccp_call_tally_update
                AFTER UPDATE ON ccp_call
                FOR EACH ROW WHEN (ROW(%(old)s) IS DISTINCT FROM ROW(%(new)s))
                EXECUTE FUNCTION ccp_call_tally_change()
            """,
            columns=self._columns(*KEY, *SUMS),
            sums=self._sums_sql(
                SQL("(SELECT -1 AS sign, (OLD).* UNION ALL SELECT 1 AS sign, (NEW).*)")
            ),
            old=SQL(WATCHED.format(row="OLD")),
            new=SQL(WATCHED.format(row="NEW")),
        )

    @api.model
    def _drop_trigger(self):
        """Remove what stays in the database when the tables are removed."""
        self.env.cr.execute("DROP FUNCTION IF EXISTS ccp_call_tally_change() CASCADE")

    @api.model
    def _count_all(self):
        """Count all calls anew, for calls that came while the trigger did not see them."""
        self.env["ccp.call"].flush_model()
        # A change meanwhile would be counted twice, or not at all
        self.env.cr.execute("LOCK TABLE ccp_call, ccp_call_tally IN SHARE ROW EXCLUSIVE MODE")
        self.env.cr.execute("DELETE FROM ccp_call_tally")
        self.env.cr.execute(
            SQL(
                "INSERT INTO ccp_call_tally (%s, merged)"
                " SELECT *, TRUE FROM (%s) AS counted ORDER BY start_date",
                self._columns(*KEY, *SUMS),
                self._sums_sql(SQL("(SELECT 1 AS sign, * FROM ccp_call)")),
            )
        )

    @api.model
    def _columns(self, *names):
        return SQL(", ").join(SQL.identifier(name) for name in names)

    @api.model
    def _sums_sql(self, rows, day=None):
        """Return the statement that adds calls up.

        :param odoo.tools.SQL rows: the calls, with a column ``sign``: 1, or -1 to take away
        :param odoo.tools.SQL | None day: what a day is known by; by default its begin in India
        :rtype: odoo.tools.SQL
        """
        if day is None:
            day = SQL(
                "date_trunc('day', call.start_date + INTERVAL %(offset)s) - INTERVAL %(offset)s",
                offset=HOME_INTERVAL,
            )
        sums = SQL(", ").join(
            SQL(
                "SUM(call.sign * (%s))::int AS %s",
                SQL(f"COALESCE({each}, 0)"),
                SQL.identifier(name),
            )
            for name, each in SUMS.items()
        )
        return SQL(
            """
            SELECT %(day)s AS start_date,
                   call.company_id,
                   CASE WHEN by_agent THEN COALESCE(call.user_id, 0) END AS user_id,
                   CASE WHEN NOT by_agent THEN call.start_weekday END AS start_weekday,
                   CASE WHEN NOT by_agent THEN call.start_hour END AS start_hour,
                   COALESCE(call.attempts, 0) = 1 AS is_attempt,
                   %(sums)s
              FROM %(rows)s AS call
             CROSS JOIN (VALUES (TRUE), (FALSE)) AS kind (by_agent)
             WHERE call.start_date IS NOT NULL
               AND call.trial IS NOT TRUE
             GROUP BY 1, 2, 3, 4, 5, 6
            """,
            day=day,
            sums=sums,
            rows=rows,
        )

    @api.model
    def _merge(self):
        """Make one row of the rows of a key.

        :return: how many rows were merged
        :rtype: int
        """
        key = self._columns(*KEY)
        sums = SQL(", ").join(SQL("SUM(%s)", SQL.identifier(name)) for name in SUMS)
        same = SQL(" AND ").join(
            SQL("old.%(name)s IS NOT DISTINCT FROM key.%(name)s", name=SQL.identifier(name))
            if name in ("user_id", "start_weekday", "start_hour")
            else SQL("old.%(name)s = key.%(name)s", name=SQL.identifier(name))
            for name in KEY
        )
        self.env.cr.execute(
            SQL(
                """
                WITH taken AS (
                    DELETE FROM ccp_call_tally
                     WHERE id IN (SELECT id FROM ccp_call_tally
                                   WHERE NOT merged ORDER BY id LIMIT %(limit)s)
                    RETURNING *
                ), key AS (
                    SELECT DISTINCT %(key)s FROM taken
                ), earlier AS (
                    DELETE FROM ccp_call_tally old USING key WHERE old.merged AND %(same)s
                    RETURNING old.*
                ), added AS (
                    INSERT INTO ccp_call_tally (%(key)s, %(names)s, merged)
                    SELECT %(key)s, %(sums)s, TRUE
                      FROM (SELECT * FROM taken UNION ALL SELECT * FROM earlier) rows
                     GROUP BY %(key)s
                    HAVING %(something)s
                )
                SELECT count(*) FROM taken
                """,
                limit=MERGE_BATCH,
                key=key,
                same=same,
                names=self._columns(*SUMS),
                sums=sums,
                something=SQL(" OR ").join(
                    SQL("SUM(%s) != 0", SQL.identifier(name)) for name in SUMS
                ),
            )
        )
        return self.env.cr.fetchone()[0]

    @api.model
    def _count_unmerged(self):
        """Return how many rows ``_merge`` would still take.

        :rtype: int
        """
        return self.env.execute_query(SQL("SELECT count(*) FROM ccp_call_tally WHERE NOT merged"))[
            0
        ][0]

    # Who may have the sums instead of the calls

    @api.model
    def _seen(self):
        """Return the domain of the sums of all calls that the user sees.

        :return: None where a rule leaves out some calls of a company
        :rtype: odoo.fields.Domain | None
        """
        calls = self.env["ccp.call"]
        calls.check_access("read")
        if self.env.su:
            return Domain.TRUE
        rules = self.env["ir.rule"]._compute_domain("ccp.call", "read").optimize_full(calls.sudo())
        conditions = rules.iter_conditions()
        return rules if all(each.field_expr == "company_id" for each in conditions) else None

    @api.model
    def _translate(self, domain):
        """Return the domain of the sums of just the calls of a domain that the user sees.

        :param domain: a domain of ``ccp.call``
        :return: None where the sums cannot tell
        :rtype: odoo.fields.Domain | None
        """
        calls = self.env["ccp.call"]
        no_trials = Domain("trial", "=", False).optimize_full(calls)
        domain = Domain(domain).optimize_full(calls)
        parts = list(domain.children if isinstance(domain, CONJUNCTION) else [domain])
        # Trials are in no sum
        if no_trials not in parts:
            return None
        parts.remove(no_trials)
        if not all(self._takes_whole_days(part) for part in parts):
            return None
        seen = self._seen()
        return None if seen is None else Domain.AND([seen, *parts])

    @api.model
    def _takes_whole_days(self, part):
        """Tell whether a part of a domain is a condition that takes whole days of India."""
        if getattr(part, "field_expr", None) != "start_date" or part.operator not in (">=", "<"):
            return False
        local = fields.Datetime.to_datetime(part.value) + HOME_OFFSET
        return local.time() == time.min

    @api.model
    def _kind(self, specs):
        """Return the domain of the rows to group, of the kind that tells about all groups.

        :param specs: what is grouped by, as for ``_read_group``
        :return: None where neither kind does
        :rtype: odoo.fields.Domain | None
        """
        parts = [spec.partition(":") for spec in specs]
        names = {name for name, _colon, _granularity in parts}
        if "start_date" in names and self.env.context.get("tz") not in HOME_TIME_ZONES:
            return None
        if any(part[2] not in GRANULARITIES for part in parts if part[0] == "start_date"):
            return None
        # There are far fewer rows by hour
        if names <= {"start_date", "company_id", "start_weekday", "start_hour"}:
            return Domain("user_id", "=", False)
        if names <= {"start_date", "company_id", "user_id"}:
            return Domain("user_id", "!=", False)
        return None

    @api.model
    def _grouped(self, domain, grouping_sets, aggregates, order):
        """Return what ``_read_grouping_sets`` of calls returns, from the sums.

        :return: None where the sums cannot tell
        :rtype: list[list[tuple]] | None
        """
        specs = {spec for specs in grouping_sets for spec in specs}
        ordered = {part.split()[0] for part in (order or "").split(",") if part.strip()}
        kind = self._kind(specs)
        if kind is None or not set(aggregates) | (ordered - specs) <= set(AGGREGATES):
            return None
        found = self._translate(domain)
        if found is None:
            return None
        self.env["ccp.call"].flush_model()
        # The number of calls comes last: sums of calls that are gone make no group
        # By their ids: to sort agents by name, each row would be joined with its agent
        by_name = (order or "").strip() == "user_id"
        tally = self.sudo().with_context(ccp_summed_by=self._summed_by(specs | ordered))
        groups = tally._read_grouping_sets(
            found & kind, grouping_sets, [*aggregates, "__count"], None if by_name else order
        )
        rows = [[row for row in rows if row[-1]] for rows in groups]
        if by_name:
            rows = self._by_name(grouping_sets, rows)
        if not all(rows):
            # Of no calls at all, each aggregate is as Odoo has it
            return None
        return [
            [
                tuple(
                    each.with_env(self.env) if isinstance(each, models.BaseModel) else each
                    for each in row[:-1]
                )
                for row in of_set
            ]
            for of_set in rows
        ]

    @api.model
    def _summed_by(self, specs):
        """Return the columns to sum rows by before their days are grouped to weeks and the like.

        A day's week in a time zone costs more than all sums of a row, and a day has a row for each
        hour. Of agents it has about one row each, which is not worth a step of its own.

        :param specs: what is grouped and ordered by, as for ``_read_group``
        :return: nothing where the rows themselves are to be grouped
        :rtype: list[str]
        """
        names = sorted({spec.partition(":")[0] for spec in specs} & set(KEY))
        return names if "start_date" in names and "user_id" not in names else []

    def _search(self, domain, *args, **kwargs):
        query = super()._search(domain, *args, **kwargs)
        names = self.env.context.get("ccp_summed_by")
        if not names:
            return query
        columns = self._columns(*names)
        sums = [SQL("SUM(%(name)s)::int AS %(name)s", name=SQL.identifier(name)) for name in SUMS]
        rows = SQL("(%s GROUP BY %s)", query.select(columns, *sums), columns)
        return Query(self.env, self._table, rows)

    @api.model
    def _by_name(self, grouping_sets, rows):
        """Return groups in the order of their agents' names.

        :param grouping_sets: what each list of groups is grouped by
        :param list[list[tuple]] rows: the groups
        :rtype: list[list[tuple]]
        """
        ids = {
            row[list(specs).index("user_id")].id
            for specs, of_set in zip(grouping_sets, rows, strict=True)
            if "user_id" in specs
            for row in of_set
        }
        everybody = self.env["res.users"].sudo().with_context(active_test=False)
        users = everybody.search([("id", "in", list(ids))])
        position = {user_id: index for index, user_id in enumerate(users.ids)}
        # Who is nobody comes last
        position[False] = len(position)
        found = []
        for specs, of_set in zip(grouping_sets, rows, strict=True):
            if "user_id" in specs:
                column = list(specs).index("user_id")
                of_set = sorted(of_set, key=lambda row, at=column: position.get(row[at].id, -1))
            found.append(of_set)
        return found

    @api.model
    def _figures(self, domain, zone):
        """Add the attempts of a period up: by agent, by day, and by weekday and hour.

        :param list domain: the period, a domain of calls
        :param zoneinfo.ZoneInfo zone: where a day begins at midnight
        :return: three dicts of dicts of sums, by user id, by date, and by weekday and hour
        :rtype: tuple[dict, dict, dict]
        """
        calls = self.env["ccp.call"]
        calls.flush_model()
        found = None
        if zone.key in HOME_TIME_ZONES:
            found = self._translate([*domain, ("trial", "=", False)])
        if found is not None:
            query = self.sudo()._search(found)
            rows = SQL("(%s)", query.select(SQL("*")))
            day = SQL("(start_date + INTERVAL %s)::date", HOME_INTERVAL)
        else:
            query = calls._search([*domain, ("attempts", "=", 1)])
            local = SQL("(call.start_date AT TIME ZONE 'UTC' AT TIME ZONE %s)::date", zone.key)
            own = SQL("(%s)", query.select(SQL("1 AS sign"), SQL('"ccp_call".*')))
            rows = SQL("(%s)", self._sums_sql(own, local))
            day = SQL("start_date")
        sums = SQL(", ").join(SQL("SUM(%s)::bigint", SQL.identifier(name)) for name in SUMS)
        found = self.env.execute_query(
            SQL(
                """
                WITH attempt AS (
                    SELECT *, %(day)s AS day FROM %(rows)s AS counted WHERE is_attempt
                )
                SELECT NULL, user_id, NULL, NULL, NULL, %(sums)s
                  FROM attempt
                 WHERE user_id IS NOT NULL
                 GROUP BY user_id
                HAVING SUM(calls) > 0
                 UNION ALL
                SELECT GROUPING(day), NULL, day, start_weekday, start_hour, %(sums)s
                  FROM attempt
                 WHERE user_id IS NULL
                 GROUP BY GROUPING SETS ((day), (start_weekday, start_hour))
                HAVING SUM(calls) > 0
                """,
                sums=sums,
                day=day,
                rows=rows,
            )
        )
        by_user, by_day, by_hour = {}, {}, {}
        for no_day, user_id, date, weekday, hour, *values in found:
            row = dict(zip(SUMS, values, strict=True))
            if user_id:
                by_user[user_id] = row
            elif not no_day:
                by_day[date] = row
            else:
                by_hour[weekday, hour] = row
        return by_user, by_day, by_hour

    def _read_group_empty_value(self, spec):
        if spec in AGGREGATES:
            return 0 if spec == "__count" else False
        return super()._read_group_empty_value(spec)

    def _read_group_postprocess_aggregate(self, aggregate_spec, raw_values):
        return self.env["ccp.call"]._read_group_postprocess_aggregate(aggregate_spec, raw_values)

    def _read_group_select(self, aggregate_spec, query):
        if aggregate_spec not in AGGREGATES:
            return super()._read_group_select(aggregate_spec, query)
        columns = {name: f"{self._table}.{name}" for name in SUMS}
        return SQL(AGGREGATES[aggregate_spec].format_map(columns))
