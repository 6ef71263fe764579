import hashlib
from datetime import time, timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.sql import table_exists

from ..ccp.airtel.fields import IST
from .contention import take_turns
from .measures import AGGREGATES, PARTS, columns, part_sql
from .utils import HOME_TIME_ZONES

# India's offset from UTC has not changed since 1945
HOME_OFFSET = IST.utcoffset(None)
HOME_INTERVAL = f"{HOME_OFFSET // timedelta(minutes=1)} minutes"
MERGE_BATCH = 20000
# Periods of whole days
GRANULARITIES = ("day", "week", "month", "quarter", "year")
# The columns that calls are summed by, with their SQL types
DIMENSIONS = {
    "start_date": "TIMESTAMP",
    "company_id": "INTEGER",
    "team_id": "INTEGER",
    "user_id": "INTEGER",
    "flow_id": "INTEGER",
    "start_weekday": "VARCHAR",
    "start_hour": "VARCHAR",
    "direction": "VARCHAR",
    "result": "VARCHAR",
    "outcome_id": "INTEGER",
}
# All dimensions together would make about as many rows as there are calls, so there are rows of
# several kinds. Each kind sums all calls by some dimensions; the kind with the fewest rows is first
KINDS = {
    "hour": ("start_date", "company_id", "start_weekday", "start_hour", "direction"),
    "result": ("start_date", "company_id", "flow_id", "direction", "result", "outcome_id"),
    "agent": ("start_date", "company_id", "team_id", "user_id"),
}
KEY = ("kind", "is_attempt", *DIMENSIONS)
NEVER_NULL = ("kind", "is_attempt", "start_date", "company_id")
# Only a change of these columns changes a sum
WATCHED = sorted({*DIMENSIONS, *columns(), "attempts", "trial"})
# Fields of the report that the sums lack
PER_CALL = (
    "connect_rate",
    "customer_connect_rate",
    "average_talk_seconds",
    "pulses",
    "currency_id",
    "cost",
)


class Grouping(NamedTuple):
    """The groups that a report asks for; its own class, as clients cannot send one in a context."""

    columns: frozenset
    is_whole: bool


class Source(NamedTuple):
    """The rows that a report reads: one kind of sums, grouped by some of its columns."""

    kind: str
    columns: tuple


class CcpCallDaily(models.Model):
    """The report on calls: one row for each call that is not a trial, summed by day where possible.

    Each row has the id of its call. A report whose groups and conditions are covered by one kind
    of daily sums reads those; any other report reads the calls. Both give the same figures. So a
    report stays quick with ten million calls and is always right.

    A trigger appends one delta row of each kind when a call changes, in the same transaction.
    Appending takes no row lock: writers never wait and the sums are always exact. A scheduled
    action merges the rows. A day of the sums begins at midnight in India.
    """

    _name = "ccp.call.daily"
    _description = "Call analysis"
    _auto = False
    _log_access = False
    _order = "start_date desc, id desc"
    _depends = {"ccp.call": [*WATCHED, *PER_CALL]}

    start_date = fields.Datetime("Started", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    team_id = fields.Many2one("crm.team", "Sales team", readonly=True)
    user_id = fields.Many2one("res.users", "Agent", readonly=True)
    reader_id = fields.Many2one(
        "res.users",
        "Agent who may see it",
        compute="_compute_reader_id",
        search="_search_reader_id",
    )
    flow_id = fields.Many2one("ccp.call.flow", "Call flow", readonly=True)
    start_weekday = fields.Selection(
        lambda self: self._selection_of_call("start_weekday"), "Weekday", readonly=True
    )
    start_hour = fields.Selection(
        lambda self: self._selection_of_call("start_hour"), "Hour", readonly=True
    )
    direction = fields.Selection(lambda self: self._selection_of_call("direction"), readonly=True)
    result = fields.Selection(lambda self: self._selection_of_call("result"), readonly=True)
    missed_by = fields.Selection(
        lambda self: self._selection_of_call("missed_by"),
        store=False,
        search="_search_missed_by",
    )
    outcome_id = fields.Many2one("ccp.call.outcome", readonly=True)
    attempts = fields.Integer(readonly=True, aggregator="sum")
    reached = fields.Integer(readonly=True, aggregator="sum")
    agent_failures = fields.Integer("Missed by agent", readonly=True, aggregator="sum")
    incoming = fields.Integer("Incoming calls", readonly=True, aggregator="sum")
    incoming_answered = fields.Integer("Incoming, answered", readonly=True, aggregator="sum")
    incoming_missed = fields.Integer("Incoming, missed", readonly=True, aggregator="sum")
    incoming_abandoned = fields.Integer("Incoming, abandoned", readonly=True, aggregator="sum")
    answer_seconds = fields.Integer("Time to answer (seconds)", readonly=True, aggregator="avg")
    connect_rate = fields.Float("Connect rate (%)", digits=(5, 1), readonly=True, aggregator="avg")
    customer_connect_rate = fields.Float(
        "Customer connect rate (%)", digits=(5, 1), readonly=True, aggregator="avg"
    )
    talk_seconds = fields.Integer("Talk time (seconds)", readonly=True, aggregator="sum")
    average_talk_seconds = fields.Float(
        "Average talk time (seconds)", digits=(16, 1), readonly=True, aggregator="avg"
    )
    agent_ring_seconds = fields.Integer(
        "Agent ring time (seconds)", readonly=True, aggregator="avg"
    )
    customer_ring_seconds = fields.Integer(
        "Customer ring time (seconds)", readonly=True, aggregator="avg"
    )
    attempts_until_reached = fields.Integer(
        "Attempts until reached", readonly=True, aggregator="avg"
    )
    speed_to_dial = fields.Float(
        "Speed to dial (seconds)", digits=(16, 0), readonly=True, aggregator="avg"
    )
    speed_to_connect = fields.Float(
        "Speed to connect (seconds)", digits=(16, 0), readonly=True, aggregator="avg"
    )
    # The sums lack these fields: reports on them read the calls
    pulses = fields.Integer(readonly=True, aggregator="sum")
    currency_id = fields.Many2one("res.currency", readonly=True)
    cost = fields.Monetary(readonly=True)

    @api.model
    def _selection_of_call(self, name):
        return self.env["ccp.call"]._fields[name]._description_selection(self.env)

    @api.depends("user_id")
    @api.depends_context("uid")
    def _compute_reader_id(self):
        user = self.env.user
        for row in self:
            row.reader_id = user if row.sudo().user_id == user else False

    @api.model
    def _search_reader_id(self, operator, value):
        """Find the calls of one agent: an agent's figures count what that agent did."""
        return Domain("user_id", operator, value) if operator == "in" else NotImplemented

    @api.model
    def _search_missed_by(self, operator, value):
        return self.env["ccp.call"]._search_missed_by(operator, value)

    # The report

    @property
    def _table_query(self):
        source = self.env.context.get("ccp_source")
        if isinstance(source, Source):
            return self._sums_query(source)
        names = [
            field.name for field in self._fields.values() if field.store and field.name not in PARTS
        ]
        return SQL(
            "SELECT %s, %s, COALESCE(call.attempts, 0) = 1 AS is_attempt FROM ccp_call call"
            " WHERE call.trial IS NOT TRUE AND call.start_date IS NOT NULL",
            SQL(", ").join(SQL.identifier("call", name) for name in names),
            SQL(", ").join(
                SQL("%s AS %s", SQL(part_sql(name, "call")), SQL.identifier(name)) for name in PARTS
            ),
        )

    @api.model
    def _sums_query(self, source):
        """Return the statement that sums rows of a kind by fewer columns.

        It comes before the report's own grouping, which would otherwise compute the week in a time
        zone for each row of a day. Sums that became zero because calls were deleted make no row.

        :param Source source: the kind and the columns
        :rtype: odoo.tools.SQL
        """
        by = _identifiers("is_attempt", *source.columns)
        return SQL(
            "SELECT %s, %s FROM ccp_call_daily WHERE kind = %s GROUP BY %s HAVING SUM(calls) > 0",
            by,
            SQL(", ").join(
                SQL("SUM(%(name)s) AS %(name)s", name=SQL.identifier(name)) for name in PARTS
            ),
            source.kind,
            by,
        )

    @api.model
    def _search(self, domain, *args, bypass_access=False, **kwargs):
        domain = Domain(domain)
        seen = Domain.TRUE
        if not (self.env.su or bypass_access):
            self.env["ccp.call"].check_access("read")
            seen = self.env["ir.rule"]._compute_domain(self._name, "read")
            domain &= self._rules_of_calls(seen)
        model = self.with_context(ccp_source=self._source(domain & seen))
        return super(CcpCallDaily, model)._search(
            domain, *args, bypass_access=bypass_access, **kwargs
        )

    @api.model
    def _rules_of_calls(self, own):
        """Return the domain of the rows whose calls the user may read.

        An administrator may have added a record rule for calls without one for the report.

        :param Domain own: this model's own rules
        :rtype: Domain
        """
        rules = self.env["ir.rule"]._compute_domain("ccp.call", "read")
        if rules == own:
            return Domain.TRUE
        if all(_field_name(condition) in DIMENSIONS for condition in rules.iter_conditions()):
            return rules
        return Domain("id", "in", self.env["ccp.call"]._search([]))

    @api.model
    def _source(self, domain):
        """Return the kind of sums that can answer a report.

        :param Domain domain: which rows, rules included
        :return: None if only the calls can
        :rtype: Source | None
        """
        grouping = self.env.context.get("ccp_grouping")
        if not isinstance(grouping, Grouping) or not grouping.is_whole:
            return None
        names = set(grouping.columns)
        optimized = domain.optimize_full(self.sudo())
        if optimized.is_false():
            # The optimizer removes the conditions of a domain that contradicts itself, such as one
            # for another company's calls; the statement keeps them
            return None
        for condition in optimized.iter_conditions():
            name = _field_name(condition)
            if name == "start_date" and not _is_midnight(condition):
                return None
            names.add(name)
        kind = next((kind for kind, has in KINDS.items() if names <= set(has)), None)
        return kind and Source(kind, tuple(sorted(names)))

    @api.model
    def _grouping(self, groupby, specs):
        """Return this model with a context that holds a report's groups.

        :param list[str] groupby: the groups, such as ``start_date:week``
        :param specs: the aggregates and the sort terms
        """
        names, is_whole = set(), set(specs) - set(groupby) <= {"__count", *AGGREGATES}
        for spec in groupby:
            name, _colon, granularity = spec.partition(":")
            names.add(name)
            if name == "start_date" and (
                granularity not in GRANULARITIES
                or self.env.context.get("tz") not in HOME_TIME_ZONES
            ):
                is_whole = False
        return self.with_context(ccp_grouping=Grouping(frozenset(names), is_whole))

    @api.model
    def _read_group(
        self, domain, groupby=(), aggregates=(), having=(), offset=0, limit=None, order=None
    ):
        compared = [part[0] for part in having if not isinstance(part, str)]
        model = self._grouping(groupby, [*aggregates, *compared, *_ordered(order)])
        return super(CcpCallDaily, model)._read_group(
            domain, groupby, aggregates, having, offset, limit, order
        )

    @api.model
    def _read_grouping_sets(self, domain, grouping_sets, aggregates=(), order=None):
        groupby = list({spec: None for specs in grouping_sets for spec in specs})
        model = self._grouping(groupby, [*aggregates, *_ordered(order)])
        return super(CcpCallDaily, model)._read_grouping_sets(
            domain, grouping_sets, aggregates, order
        )

    def _read_group_select(self, aggregate_spec, query):
        if aggregate_spec == "__count":
            return SQL("COALESCE(SUM(%s), 0)::bigint", SQL.identifier(self._table, "calls"))
        if aggregate_spec not in AGGREGATES:
            return super()._read_group_select(aggregate_spec, query)
        return SQL(AGGREGATES[aggregate_spec].sql(lambda part: f'"{self._table}"."{part}"'))

    def _read_group_postprocess_groupby(self, groupby_spec, raw_values):
        # The records in the groups get the caller's context
        context = {key: value for key, value in self.env.context.items() if key != "ccp_grouping"}
        model = self.with_env(self.env(context=context))
        return super(CcpCallDaily, model)._read_group_postprocess_groupby(groupby_spec, raw_values)

    @api.model
    def _attempts(self, domain, groupby):
        """Return the attempts of a period, summed by groups.

        :param domain: which rows
        :param list[str] groupby: as for ``_read_group``
        :return: the sum of each part, by the values of the groups
        :rtype: dict[tuple, dict[str, int]]
        """
        model = self._grouping(groupby, [])
        query = model._search(domain)
        if query.is_empty():
            return {}
        query.add_where(SQL.identifier(self._table, "is_attempt"))
        terms = [model._read_group_groupby(self._table, spec, query) for spec in groupby]
        query.groupby = SQL(", ").join(terms)
        sums = [SQL("SUM(%s)::bigint", SQL.identifier(self._table, name)) for name in PARTS]
        return {
            row[: len(groupby)]: dict(zip(PARTS, row[len(groupby) :], strict=True))
            for row in self.env.execute_query(query.select(*terms, *sums))
        }

    # The sums

    @api.private
    def init(self):
        """Create the table and the trigger, and count all calls if the sums' definition changed."""
        cr = self.env.cr
        definition = "".join(
            map(str, (self._create_sql(), self._trigger_sql(), self._sums_sql(SQL("calls"))))
        )
        digest = hashlib.sha256(definition.encode()).hexdigest()
        if table_exists(cr, self._table):
            cr.execute("SELECT obj_description('ccp_call_daily'::regclass, 'pg_class')")
            if cr.fetchone() == (digest,):
                return
            # Before the columns change: a change of a call would run the former trigger
            self._drop_trigger()
            cr.execute("DROP TABLE ccp_call_daily")
        cr.execute(self._create_sql())
        cr.execute(SQL("COMMENT ON TABLE ccp_call_daily IS %s", digest))
        cr.execute(self._trigger_sql())
        self._count_all()

    @api.model
    def _create_sql(self):
        """Return the statements that create the table.

        :rtype: odoo.tools.SQL
        """
        # No foreign keys: each change of a call would lock the agent and the company
        return SQL(
            """
            CREATE TABLE ccp_call_daily (
                id BIGSERIAL PRIMARY KEY,
                kind VARCHAR NOT NULL,
                is_attempt BOOLEAN NOT NULL,
                merged BOOLEAN NOT NULL DEFAULT FALSE,
                %s, %s);
            CREATE INDEX ccp_call_daily_day_idx ON ccp_call_daily (kind, start_date);
            CREATE INDEX ccp_call_daily_merge_idx ON ccp_call_daily (id) WHERE NOT merged
            """,
            SQL(", ").join(
                SQL(f"{name} {kind}{' NOT NULL' if name in NEVER_NULL else ''}")
                for name, kind in DIMENSIONS.items()
            ),
            SQL(", ").join(SQL(f"{name} INTEGER NOT NULL") for name in PARTS),
        )

    @api.model
    def _trigger_sql(self):
        """Return the statements that create the trigger: it updates the sums when a call changes.

        :rtype: odoo.tools.SQL
        """
        return SQL(
            """
            CREATE OR REPLACE FUNCTION ccp_call_daily_change() RETURNS trigger AS $$
            BEGIN
                INSERT INTO ccp_call_daily (%(columns)s) %(sums)s;
                RETURN NULL;
            END
            $$ LANGUAGE plpgsql;
            DROP TRIGGER IF EXISTS ccp_call_daily_change ON ccp_call;
            CREATE TRIGGER ccp_call_daily_change
                AFTER INSERT OR DELETE ON ccp_call
                FOR EACH ROW EXECUTE FUNCTION ccp_call_daily_change();
            DROP TRIGGER IF EXISTS ccp_call_daily_update ON ccp_call;
            CREATE TRIGGER ccp_call_daily_update
                AFTER UPDATE ON ccp_call
                FOR EACH ROW WHEN (ROW(%(old)s) IS DISTINCT FROM ROW(%(new)s))
                EXECUTE FUNCTION ccp_call_daily_change()
            """,
            columns=_identifiers(*KEY, *PARTS),
            sums=self._sums_sql(
                SQL("(SELECT -1 AS sign, (OLD).* UNION ALL SELECT 1 AS sign, (NEW).*)")
            ),
            old=SQL(", ".join(f"OLD.{name}" for name in WATCHED)),
            new=SQL(", ".join(f"NEW.{name}" for name in WATCHED)),
        )

    @api.model
    def _drop_trigger(self):
        """Remove the trigger's function, which stays when the tables are removed."""
        self.env.cr.execute("DROP FUNCTION IF EXISTS ccp_call_daily_change() CASCADE")

    @api.model
    def _count_all(self):
        """Count all calls again, including those that changed while there was no trigger."""
        self.env["ccp.call"].flush_model()
        # A change in the meantime would be counted twice or not at all
        self.env.cr.execute("LOCK TABLE ccp_call, ccp_call_daily IN SHARE ROW EXCLUSIVE MODE")
        self.env.cr.execute("DELETE FROM ccp_call_daily")
        self.env.cr.execute(
            SQL(
                "INSERT INTO ccp_call_daily (%s, merged)"
                " SELECT *, TRUE FROM (%s) AS counted ORDER BY kind, start_date",
                _identifiers(*KEY, *PARTS),
                self._sums_sql(SQL("(SELECT 1 AS sign, * FROM ccp_call)")),
            )
        )

    @api.model
    def _sums_sql(self, rows):
        """Return the statement that sums calls, once for each kind.

        :param odoo.tools.SQL rows: the calls, with a column ``sign``: 1 to add, -1 to subtract
        :rtype: odoo.tools.SQL
        """
        values = {name: f"call.{name}" for name in DIMENSIONS}
        values["start_date"] = (
            f"date_trunc('day', call.start_date + INTERVAL '{HOME_INTERVAL}')"
            f" - INTERVAL '{HOME_INTERVAL}'"
        )
        dimensions = []
        for name, value in values.items():
            kinds = ", ".join(f"'{kind}'" for kind, has in KINDS.items() if name in has)
            dimensions.append(
                SQL(
                    value
                    if name in NEVER_NULL
                    else f"CASE WHEN kind.name IN ({kinds}) THEN {value} END"
                )
            )
        sums = [SQL(f"SUM(call.sign * {part_sql(name, 'call')})::int") for name in PARTS]
        return SQL(
            """
            SELECT kind.name AS kind, COALESCE(call.attempts, 0) = 1 AS is_attempt,
                   %(dimensions)s, %(sums)s
              FROM %(rows)s AS call
             CROSS JOIN (VALUES %(kinds)s) AS kind (name)
             WHERE call.start_date IS NOT NULL
               AND call.trial IS NOT TRUE
             GROUP BY %(group)s
            HAVING %(something)s
            """,
            dimensions=SQL(", ").join(
                SQL("%s AS %s", value, SQL.identifier(name))
                for name, value in zip(DIMENSIONS, dimensions, strict=True)
            ),
            sums=SQL(", ").join(
                SQL("%s AS %s", value, SQL.identifier(name))
                for name, value in zip(PARTS, sums, strict=True)
            ),
            rows=rows,
            kinds=SQL(", ".join(f"('{kind}')" for kind in KINDS)),
            group=SQL(", ".join(map(str, range(1, len(KEY) + 1)))),
            something=SQL(" OR ").join(SQL("%s != 0", each) for each in sums),
        )

    @api.model
    def _cron_merge(self):
        """Merge the delta rows of the sums, in batches."""

        def merge_some():
            return self._merge(), self._count_unmerged()

        take_turns(self, merge_some, "airtel_ccp.ir_cron_merge_sums")

    @api.model
    def _merge(self):
        """Replace the rows of one key by one row.

        :return: how many rows were merged
        :rtype: int
        """
        same = SQL(" AND ").join(
            SQL(
                f"old.{name} = key.{name}"
                if name in NEVER_NULL
                else f"old.{name} IS NOT DISTINCT FROM key.{name}"
            )
            for name in KEY
        )
        sums = [SQL("SUM(%s)", SQL.identifier(name)) for name in PARTS]
        self.env.cr.execute(
            SQL(
                """
                WITH taken AS (
                    DELETE FROM ccp_call_daily
                     WHERE id IN (SELECT id FROM ccp_call_daily
                                   WHERE NOT merged ORDER BY id LIMIT %(limit)s)
                    RETURNING *
                ), key AS (
                    SELECT DISTINCT %(key)s FROM taken
                ), earlier AS (
                    DELETE FROM ccp_call_daily old USING key WHERE old.merged AND %(same)s
                    RETURNING old.*
                ), added AS (
                    INSERT INTO ccp_call_daily (%(key)s, %(names)s, merged)
                    SELECT %(key)s, %(sums)s, TRUE
                      FROM (SELECT * FROM taken UNION ALL SELECT * FROM earlier) rows
                     GROUP BY %(key)s
                    HAVING %(something)s
                )
                SELECT count(*) FROM taken
                """,
                limit=MERGE_BATCH,
                key=_identifiers(*KEY),
                same=same,
                names=_identifiers(*PARTS),
                sums=SQL(", ").join(sums),
                something=SQL(" OR ").join(SQL("%s != 0", each) for each in sums),
            )
        )
        return self.env.cr.fetchone()[0]

    @api.model
    def _count_unmerged(self):
        """Return how many rows ``_merge`` has left to merge.

        :rtype: int
        """
        self.env.cr.execute("SELECT count(*) FROM ccp_call_daily WHERE NOT merged")
        return self.env.cr.fetchone()[0]


def _identifiers(*names):
    return SQL(", ").join(SQL.identifier(name) for name in names)


def _field_name(condition):
    return condition.field_expr.partition(".")[0]


def _is_midnight(condition):
    """Return whether a condition on the start selects whole days of India only."""
    if condition.operator not in (">=", "<"):
        return False
    local = fields.Datetime.to_datetime(condition.value) + HOME_OFFSET
    return local.time() == time.min


def _ordered(order):
    """Return the terms of an ORDER BY."""
    return [part.split()[0] for part in (order or "").split(",") if part.strip()]
