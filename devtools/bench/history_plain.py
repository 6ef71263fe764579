"""The same calls in a plain model, defined by an addon of the benchmark's own.

It has the columns, relations, indexes, access rights and record rules of calls, but none of their
methods. The five texts that are computed when a list of calls is read (colour and durations) are
plain columns there. Both pages show the same, so the cost of computing counts against the addon.
"""

from __future__ import annotations

from odoo import api
from odoo.tools import SQL

from .history_calls import ROWS_AT_ONCE, vacuum
from .stack import Stack

ADDON = "airtel_ccp_bench_history"
MODEL = "bench.history"
TABLE = "bench_history"
_DURATION = "CASE WHEN {0} > 0 THEN to_char({0} * INTERVAL '1 second', 'MI:SS') ELSE '' END"
_DURATIONS = {
    "talk_time": "talk_seconds",
    "agent_ring_time": "agent_ring_seconds",
    "customer_ring_time": "customer_ring_seconds",
    "total_time": "extract(epoch FROM end_date - start_date)::float",
}


def _texts() -> dict[str, SQL]:
    from odoo.addons.airtel_ccp.ccp.call import states

    tones = SQL(" ").join(
        SQL("WHEN %s THEN %s", name, result.tone) for name, result in states.RESULTS.items()
    )
    # Calls that did not end were refused, see how they are made
    tone = SQL("CASE result %s ELSE %s END", tones, states.tone("refused", None))
    durations = {name: SQL(_DURATION.format(each)) for name, each in _DURATIONS.items()}
    return {"tone": tone, **durations}


def install(stack: Stack, database: str) -> None:
    """Install the addon in a database that nobody uses."""
    stack.odoo(database=database, workers=0).run(f"--init={ADDON}")


def fill(env: api.Environment) -> None:
    """Copy all calls and their indexes, and commit.

    :raises RuntimeError: when its columns differ from those of calls.
    """
    cr = env.cr
    columns = _columns(env, "ccp.call")
    texts = _texts()
    if differing := _columns(env, MODEL) ^ columns ^ set(texts):
        raise RuntimeError(f"other columns: {differing}")
    names = sorted(columns)
    statement = SQL(
        "INSERT INTO bench_history (%s) SELECT %s FROM ccp_call WHERE id BETWEEN",
        SQL(", ").join(map(SQL.identifier, [*names, *texts])),
        SQL(", ").join([*map(SQL.identifier, names), *texts.values()]),
    )
    # As for calls: without checks of relations and updates of indexes for each row
    cr.execute("ALTER TABLE bench_history DISABLE TRIGGER ALL")
    cr.execute("SELECT min(id), max(id) FROM ccp_call")
    first, last = cr.fetchone()
    for start in range(first, last + 1, ROWS_AT_ONCE):
        cr.execute(SQL("%s %s AND %s", statement, start, start + ROWS_AT_ONCE - 1))
        cr.commit()
    cr.execute("ALTER TABLE bench_history ENABLE TRIGGER ALL")
    cr.execute("SET maintenance_work_mem = '1GB'")
    cr.execute(
        "SELECT replace(indexdef, 'ccp_call', 'bench_history') FROM pg_indexes"
        " WHERE tablename = 'ccp_call' AND indexname != 'ccp_call_pkey'"
    )
    for (definition,) in cr.fetchall():
        cr.execute(definition)
        cr.commit()
    vacuum(env, TABLE)


def _columns(env, model):
    fields = env[model]._fields.values()
    return {field.name for field in fields if field.store and field.column_type}
