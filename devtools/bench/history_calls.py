"""Three years of calls, made by plain SQL, and the people who placed them."""

from __future__ import annotations

from dataclasses import dataclass

from odoo import api
from odoo.tools import SQL

AGENTS = 500
TEAMS = 25
DAYS = 3 * 365
CALLS_OF_A_NUMBER = 5
CALLS_OF_A_CONTACT = 10
# One in this many calls is to a contact that Odoo knows
TO_CONTACT = 20
ROWS_AT_ONCE = 1_000_000

_PEOPLE = """
    INSERT INTO res_partner (name, complete_name, active, type, create_date, write_date)
    SELECT 'Contact ' || i, 'Contact ' || i, TRUE, 'contact', now(), now()
      FROM generate_series(1, %(contacts)s) i
"""
# Days with ten hours of calls, as in an office; results as usual in telesales
_CALLS = """
    INSERT INTO ccp_call (
        res_model, res_id, customer_name, partner_id, user_id, company_id, team_id, currency_id,
        direction, agent_number, customer_number, caller_number, correlation_id, session_id,
        state, result, start_date, agent_answer_date, answer_date, end_date, talk_seconds,
        agent_ring_seconds, customer_ring_seconds, pulses, attempts, reached, agent_failures,
        connect_rate, customer_connect_rate, average_talk_seconds, attempts_until_reached, cost,
        start_hour, start_weekday, measured, ended, hung_up_by, recording_state, recorded,
        outcome_id, note, activity_done, live, request_outcome, token_digest, header_digest,
        customer_operator, customer_circle, customer_cause, first_dial, first_connect,
        create_date, write_date, create_uid, write_uid)
    SELECT CASE WHEN contact IS NOT NULL THEN 'res.partner' END, contact,
           'Customer ' || customer, contact,
           users[agent + 1], companies[agent %% 2 + 1], teams[agent %% %(teams)s + 1], currency,
           'outbound', '70' || lpad(agent::text, 8, '0'),
           '9' || lpad((customer * 7919 %% 1000000000)::text, 9, '0'), '8000000001',
           md5('c' || i), md5('s' || i),
           CASE WHEN result IS NULL THEN 'refused' ELSE 'ended' END, result, start,
           CASE WHEN picked_up THEN start + ring * INTERVAL '1 second' END,
           CASE WHEN reached = 1 THEN start + (ring + 12) * INTERVAL '1 second' END,
           start + (ring + 12 + talk) * INTERVAL '1 second', talk, ring,
           CASE WHEN picked_up THEN 12 ELSE 0 END, talk / 30,
           (result IS NOT NULL)::int, reached, missed,
           100 * reached, 100 * reached, talk, reached * 2, talk / 30 * 0.4,
           to_char(start + INTERVAL '5 hours 30 minutes', 'HH24'),
           to_char(start + INTERVAL '5 hours 30 minutes', 'ID'),
           TRUE, TRUE, CASE WHEN result IS NOT NULL THEN 'customer' END,
           CASE WHEN reached = 1 THEN 'stored' ELSE 'none' END, TRUE,
           CASE WHEN reached = 1 AND outcome > 0 THEN outcomes[outcome] END,
           CASE WHEN reached = 1 AND outcome > 4 THEN 'Wants a quotation' END,
           TRUE, FALSE,
           CASE WHEN result IS NULL THEN 'refused' ELSE 'accepted' END,
           md5('t' || i) || md5('u' || i), md5('h' || i) || md5('g' || i),
           'Airtel', 'Delhi', 'NORMAL_CLEARING', FALSE, FALSE, start, start, users[agent + 1],
           users[agent + 1]
      FROM (SELECT *, COALESCE((result = 'connected')::int, 0) AS reached,
                   COALESCE((result LIKE 'agent%%' OR result = 'canceled')::int, 0) AS missed,
                   COALESCE(result = 'connected' OR result LIKE 'customer%%', FALSE) AS picked_up,
                   CASE WHEN result = 'connected' THEN seconds ELSE 0 END AS talk
              FROM (SELECT i, agent, customer, contact, ring, seconds, outcome,
                           TIMESTAMP %(end)s
                           - (%(days)s - 1 - day) * INTERVAL '1 day'
                           + INTERVAL '3 hours 30 minutes'
                           + floor((i::bigint * %(days)s %% %(total)s)::float / %(total)s
                                   * 36000) * INTERVAL '1 second' AS start,
                           CASE WHEN dice < 0.40 THEN 'connected'
                                WHEN dice < 0.65 THEN 'customer_no_answer'
                                WHEN dice < 0.75 THEN 'customer_busy'
                                WHEN dice < 0.82 THEN 'customer_unreachable'
                                WHEN dice < 0.90 THEN 'agent_no_answer'
                                WHEN dice < 0.94 THEN 'canceled'
                                WHEN dice < 0.97 THEN 'failed'
                                WHEN dice < 0.99 THEN 'no_report' END AS result
                      FROM (SELECT i, i::bigint * %(days)s / %(total)s AS day, random() AS dice,
                                   floor(random() * %(agents)s)::int AS agent,
                                   floor(random() * %(customers)s)::bigint AS customer,
                                   CASE WHEN random() * %(share)s < 1
                                        THEN %(first)s + floor(random() * %(contacts)s)::int
                                   END AS contact,
                                   (2 + random() * 20)::int AS ring,
                                   (5 + random() * 300)::int AS seconds,
                                   floor(random() * 7)::int AS outcome
                              FROM generate_series(%(from)s, %(to)s) i
                            OFFSET 0) drawn) dated) call,
           (SELECT %(users)s::int[] AS users, %(companies)s::int[] AS companies,
                   %(team_ids)s::int[] AS teams, %(outcomes)s::int[] AS outcomes,
                   %(currency)s AS currency) known
"""


@dataclass(frozen=True)
class People:
    """The people of a generated database: ids of users, teams and companies."""

    users: list[int]
    teams: list[int]
    companies: list[int]
    rep: int
    leader: int
    manager: int


def fill(env: api.Environment, total: int) -> People:
    """Create the people and calls of three years, and commit.

    :param env: a database without calls.
    :param total: how many calls.
    """
    people = _make_people(env, total)
    env.cr.commit()
    cr = env.cr
    # Indexes that are built over all rows cost a fraction of indexes updated row by row
    cr.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'ccp_call'"
        " AND indexname != 'ccp_call_pkey'"
    )
    indexes = cr.fetchall()
    for name, _definition in indexes:
        cr.execute(SQL("DROP INDEX %s", SQL.identifier(name)))
    cr.execute("ALTER TABLE ccp_call DISABLE TRIGGER ALL")
    cr.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM res_partner")
    (first,) = cr.fetchone()
    contacts = max(1, total // TO_CONTACT // CALLS_OF_A_CONTACT)
    cr.execute(_PEOPLE, {"contacts": contacts})
    cr.execute("SELECT id FROM ccp_call_outcome ORDER BY id LIMIT 6")
    values = {
        "users": people.users,
        "companies": people.companies,
        "team_ids": people.teams,
        "outcomes": [row[0] for row in cr.fetchall()],
        "currency": env.company.currency_id.id,
        "agents": AGENTS,
        "teams": TEAMS,
        "days": DAYS,
        "total": total,
        "customers": total // CALLS_OF_A_NUMBER,
        "contacts": contacts,
        "first": first,
        "share": TO_CONTACT,
    }
    cr.execute("SELECT date_trunc('day', now() AT TIME ZONE 'UTC')::timestamp::text")
    (end,) = cr.fetchone()
    cr.execute("SELECT setseed(0.5)")
    for start in range(0, total, ROWS_AT_ONCE):
        last = min(start + ROWS_AT_ONCE, total) - 1
        cr.execute(_CALLS, {**values, "end": end, "from": start, "to": last})
        cr.commit()
    cr.execute("SET maintenance_work_mem = '1GB'")
    for _name, definition in indexes:
        cr.execute(definition)
        cr.commit()
    cr.execute("ALTER TABLE ccp_call ENABLE TRIGGER ALL")
    env["ccp.call.daily"]._count_all()
    cr.commit()
    vacuum(env, "ccp_call", "ccp_call_daily")
    return people


def _make_people(env, total):
    other = env["res.company"].create({"name": "South"})
    companies = [env.company.id, other.id]
    groups = {
        "rep": env.ref("airtel_ccp.group_ccp_user"),
        "leader": env.ref("airtel_ccp.group_ccp_team_leader"),
        "manager": env.ref("airtel_ccp.group_ccp_manager"),
    }
    kinds = ["rep"] * AGENTS + ["leader", "manager"]
    users = (
        env["res.users"]
        .with_context(no_reset_password=True, tracking_disable=True)
        .create(
            [
                {
                    "name": f"Agent {number}",
                    "login": f"agent{number}",
                    "tz": "Asia/Kolkata",
                    "company_id": companies[number % 2] if kind == "rep" else companies[0],
                    "company_ids": companies,
                    "group_ids": [
                        (6, 0, (env.ref("base.group_user") | groups[kind]).ids),
                    ],
                }
                for number, kind in enumerate(kinds)
            ]
        )
    )
    teams = env["crm.team"].create(
        [{"name": f"Team {number}", "company_id": False} for number in range(TEAMS)]
    )
    teams[0].user_id = users[AGENTS]
    return People(
        users=users[:AGENTS].ids,
        teams=teams.ids,
        companies=companies,
        rep=users[0].id,
        leader=users[AGENTS].id,
        manager=users[AGENTS + 1].id,
    )


def vacuum(env: api.Environment, *tables: str) -> None:
    """Vacuum tables, as autovacuum would have done over the time of so many calls."""
    connection = env.cr._cnx
    connection.rollback()
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM (ANALYZE) {', '.join(tables)}")
            cursor.execute("ANALYZE")
    finally:
        connection.autocommit = False
