"""What the history of calls costs at one million calls, and at ten times as many.

Calls are made by plain SQL in a database of its own, and asked for as the web client asks: the
list's first page, one agent's page, a team's page, a number, the dashboard, the default pivots and
graphs. The same calls are asked for in bare SQL beside it, and every figure is compared with the
raw count. The large database takes about 12 GB, and is dropped afterwards.
"""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from unittest.mock import patch

from lxml import etree

import odoo.sql_db
from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import SQL

from .figures import Figure
from .measure import median_ratio, milliseconds
from .stack import Stack

AGENTS = 500
TEAMS = 25
DAYS = 3 * 365
CALLS_OF_A_NUMBER = 5
CALLS_OF_A_CONTACT = 10
# One call in so many is to a contact that Odoo knows
TO_CONTACT = 20
SIZES = (1_000_000, 10_000_000)
QUICK_SIZES = (100_000, 1_000_000)
ROWS_AT_ONCE = 1_000_000
# As many as the web client asks for, and counts
PAGE = 80
COUNT_LIMIT = 10_001
ORDER = "start_date desc, id desc"
ROUNDS = 15
MEASURES = [
    "__count",
    "attempts:sum",
    "reached:sum",
    "connect_rate:avg",
    "customer_connect_rate:avg",
    "talk_seconds:sum",
    "average_talk_seconds:avg",
]
EVERYTHING = []
LAST_30_DAYS = [("start_date", ">=", "today -30d")]
# What the menus under Reporting open with: groups, measures, and the domain with its filter
REPORTS = {
    "call analysis, pivot": (["start_date:week"], MEASURES, EVERYTHING),
    "call analysis, graph": (["start_date:week"], ["__count", "attempts:sum"], EVERYTHING),
    "best hours, pivot": (["start_hour"], MEASURES, EVERYTHING),
    "best hours, graph": (["start_hour"], ["__count", "customer_connect_rate:avg"], EVERYTHING),
    "by agent, pivot": (
        ["user_id"],
        [*MEASURES, "agent_failures:sum", "agent_ring_seconds:avg"],
        LAST_30_DAYS,
    ),
    "by agent, graph": (["user_id"], ["__count", "attempts:sum"], LAST_30_DAYS),
}

_PEOPLE = """
    INSERT INTO res_partner (name, complete_name, active, type, create_date, write_date)
    SELECT 'Contact ' || i, 'Contact ' || i, TRUE, 'contact', now(), now()
      FROM generate_series(1, %(contacts)s) i
"""
# Days of ten hours of calls, as in an office; results as tele-sellers know them
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
    """Who calls in a generated database: ids of users, teams and companies."""

    users: list[int]
    teams: list[int]
    companies: list[int]
    rep: int
    leader: int
    manager: int


def fill(env: api.Environment, total: int) -> People:
    """Make the people and calls of three years, and commit.

    :param env: a database without calls.
    :param total: how many calls.
    """
    people = _make_people(env, total)
    env.cr.commit()
    cr = env.cr
    # Built once over all rows, indexes cost a fraction of what they cost row by row
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
    _vacuum(env)
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


def _vacuum(env):
    """Do what autovacuum would have done in the time in which so many calls come."""
    connection = env.cr._cnx
    connection.rollback()
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) ccp_call")
            cursor.execute("VACUUM (ANALYZE) ccp_call_daily")
            cursor.execute("ANALYZE")
    finally:
        connection.autocommit = False


@dataclass
class History:
    """A database with calls, and how it is asked."""

    database: str
    people: People
    in_database: dict[str, float] = field(default_factory=dict)

    @cached_property
    def specification(self) -> dict:
        """Which fields the web client asks for, of the list of calls."""

        def question(env):
            calls = env["ccp.call"]
            return fields_of(calls, calls.get_view(view_type="list")["arch"])

        return self.ask(question, self.people.manager)[0]

    @cached_property
    def number(self) -> str:
        """A number that was called as often as numbers are, so that each size shows as much."""

        def question(env):
            env.cr.execute(
                """
                SELECT customer_number
                  FROM ccp_call
                 WHERE customer_number IN (
                           SELECT customer_number FROM ccp_call ORDER BY id DESC LIMIT 1000)
                 GROUP BY customer_number
                HAVING COUNT(*) = %s AND COUNT(DISTINCT user_id) = %s AND COUNT(partner_id) = 0
                 ORDER BY customer_number
                 LIMIT 1
                """,
                [CALLS_OF_A_NUMBER, CALLS_OF_A_NUMBER],
            )
            return env.cr.fetchone()[0]

        return self.ask(question, SUPERUSER_ID)[0]

    def ask(self, question: Callable, user_id: int):
        """Ask as one request does: with a cursor and caches of its own.

        :return: the answer, and how long it took
        """
        began = time.perf_counter()
        with Registry(self.database).cursor() as cr:
            context = {
                "lang": "en_US",
                "tz": "Asia/Kolkata",
                "allowed_company_ids": self.people.companies,
            }
            answer = question(api.Environment(cr, user_id, context))
        return answer, time.perf_counter() - began


@dataclass(frozen=True)
class Page:
    """A list's first page: what the web client asks for, and the same in bare SQL.

    :param user: whose page, an attribute of ``People``.
    :param domain: of the list.
    :param where: the same with the record rules, as SQL.
    """

    name: str
    user: str
    domain: Callable[[History], list]
    where: Callable[[History], SQL]

    def by_odoo(self, history: History) -> float:
        """Return how long Odoo takes."""
        domain = self.domain(history)
        specification = history.specification

        def question(env):
            calls = env["ccp.call"]
            return calls.web_search_read(
                domain, specification, 0, PAGE, ORDER, count_limit=COUNT_LIMIT
            )

        # Odoo adds up there how long its statements take
        thread = threading.current_thread()
        thread.query_count = thread.query_time = 0
        seconds = history.ask(question, getattr(history.people, self.user))[1]
        history.in_database[self.name] = thread.query_time
        return seconds

    def by_sql(self, history: History) -> float:
        """Return how long the same rows, names and number take without Odoo."""
        where = self.where(history)
        specification = history.specification

        def question(env):
            stored = [name for name in specification if env["ccp.call"]._fields[name].store]
            env.cr.execute(
                SQL(
                    """
                    SELECT %s, agent.name, contact.name, team.name, outcome.name, company.name
                      FROM (SELECT * FROM ccp_call WHERE %s
                             ORDER BY start_date DESC, id DESC LIMIT %s) ccp_call
                      LEFT JOIN res_users ON res_users.id = ccp_call.user_id
                      LEFT JOIN res_partner agent ON agent.id = res_users.partner_id
                      LEFT JOIN res_partner contact ON contact.id = ccp_call.partner_id
                      LEFT JOIN crm_team team ON team.id = ccp_call.team_id
                      LEFT JOIN ccp_call_outcome outcome ON outcome.id = ccp_call.outcome_id
                      LEFT JOIN res_company company ON company.id = ccp_call.company_id
                     ORDER BY ccp_call.start_date DESC, ccp_call.id DESC
                    """,
                    SQL(", ").join(SQL.identifier("ccp_call", name) for name in stored),
                    where,
                    PAGE,
                )
            )
            rows = env.cr.fetchall()
            if len(rows) == PAGE:
                env.cr.execute(
                    SQL(
                        "SELECT COUNT(*) FROM (SELECT FROM ccp_call WHERE %s LIMIT %s) counted",
                        where,
                        COUNT_LIMIT,
                    )
                )
                env.cr.fetchall()

        return history.ask(question, SUPERUSER_ID)[1]


def fields_of(records, arch: str) -> dict:
    """Return what the web client asks for to show a view: its fields, not those of lists in it.

    :param records: of the view's model.
    :param arch: the view.
    """
    found = {}
    for node in etree.fromstring(arch).iter("field"):
        if any(parent.tag == "field" for parent in node.iterancestors()):
            continue
        known = records._fields[node.get("name")]
        found[known.name] = {"fields": {"display_name": {}}} if known.type == "many2one" else {}
    return found


def _companies(history: History) -> SQL:
    return SQL("company_id IN %s", tuple(history.people.companies))


def _of_agent(history: History) -> SQL:
    return SQL("%s AND user_id = %s", _companies(history), history.people.rep)


def _of_number(history: History) -> SQL:
    return SQL(
        "%s AND reverse(customer_number) LIKE %s", _companies(history), history.number[::-1] + "%"
    )


PAGES = (
    Page("first page, as a manager", "manager", lambda _history: [], _companies),
    Page("first page, as a rep", "rep", lambda _history: [], _of_agent),
    Page(
        "one agent's page, as a manager",
        "manager",
        lambda history: [("user_id", "=", history.people.rep)],
        _of_agent,
    ),
    Page(
        "search by number, as a manager",
        "manager",
        lambda history: [("phone_search", "ilike", history.number)],
        _of_number,
    ),
)


def _pages(small: History, large: History, rounds: int) -> list[Figure]:
    figures = []
    for page in PAGES:
        times = []
        for number in range(rounds + 2):
            row = [
                measure(history)
                for history in (small, large)
                for measure in (page.by_odoo, page.by_sql)
            ]
            # The first ones fill caches
            if number >= 2:
                times.append(row)
        median = [milliseconds(statistics.median(column)) for column in zip(*times, strict=True)]
        note = (
            f"{median[2]:.1f} ms, {median[0]:.1f} ms with a tenth of the calls; bare SQL "
            f"{median[3]:.1f} ms; Odoo's own statements take "
            f"{milliseconds(large.in_database[page.name]):.1f} ms"
        )
        growth = median_ratio([(row[2], row[0]) for row in times])
        bare = median_ratio([(row[2], row[3]) for row in times])
        figures += [
            Figure(f"{page.name}: against a tenth of the calls", growth, "times", 1.2, note=note),
            Figure(f"{page.name}: against bare SQL", bare, "times", 2.5, note=note),
        ]
    return figures


def _lookup(large: History, rounds: int) -> Figure:
    number = large.number
    times = []
    for _round in range(rounds + 2):
        _found, seconds = large.ask(
            lambda env: env["ccp.call"].search([("phone_search", "ilike", number)], limit=PAGE).ids,
            large.people.manager,
        )
        times.append(seconds)
    median = milliseconds(statistics.median(times[2:]))
    return Figure("calls of a number found", median, "ms", 5, note="the search alone")


def _report(groups, measures, domain):
    def question(env):
        report = env["ccp.call.daily"]
        return report.formatted_read_grouping_sets(domain, [[], groups], measures)

    return question


@contextlib.contextmanager
def _raw(env) -> Iterator[None]:
    """Have everything counted from the calls themselves."""
    with patch.object(type(env["ccp.call.daily"]), "_source", lambda *_words: None):
        yield


def _reports(large: History, rounds: int) -> list[Figure]:
    questions = {"dashboard": lambda env: env["ccp.dashboard"].figures()}
    questions.update({name: _report(*words) for name, words in REPORTS.items()})
    figures = []
    for name, question in questions.items():
        times = [large.ask(question, large.people.manager)[1] for _round in range(rounds + 2)]
        median = milliseconds(statistics.median(times[2:]))

        def counted(env, question=question):
            served = question(env)
            with _raw(env):
                return served, question(env)

        (served, raw), seconds = large.ask(counted, large.people.manager)
        note = f"counted from the calls: {seconds:.1f} s"
        figures += [
            Figure(name, median, "ms", 100, note=note),
            Figure(
                f"{name}: numbers that differ from the raw count", differing(served, raw), "", 0
            ),
        ]
    return figures


def differing(ours, theirs) -> int:
    """Return how many numbers of two answers differ, or are in one of them only."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        names = {*ours, *theirs}
        return sum(differing(ours.get(name), theirs.get(name)) for name in names)
    if isinstance(ours, list) and isinstance(theirs, list):
        unpaired = abs(len(ours) - len(theirs))
        return unpaired + sum(map(differing, ours, theirs))
    if isinstance(ours, (float, int)) and isinstance(theirs, (float, int)):
        # Shares are divided by PostgreSQL in one way, by Python in the other
        return int(abs(ours - theirs) > 1e-9 * max(abs(ours), 1))
    return int(ours != theirs)


@contextlib.contextmanager
def _filled(stack: Stack, total: int) -> Iterator[History]:
    """Make a database with calls, and drop it afterwards."""
    name = f"{stack.database}_{total}"
    # PostgreSQL copies no database that somebody is connected to
    odoo.sql_db.close_db(stack.database)
    stack.query(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', database="postgres")
    stack.query(f'CREATE DATABASE "{name}" TEMPLATE "{stack.database}"', database="postgres")
    try:
        # What other parts of the benchmark left
        stack.query("TRUNCATE ccp_call CASCADE", database=name)
        with Registry(name).cursor() as cr:
            people = fill(api.Environment(cr, SUPERUSER_ID, {}), total)
        yield History(name, people)
    finally:
        Registry.delete(name)
        odoo.sql_db.close_db(name)
        stack.query(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', database="postgres")


def compare(small: History, large: History, rounds: int = ROUNDS) -> list[Figure]:
    """Measure two histories, one of ten times as many calls as the other."""
    return [
        *_pages(small, large, rounds),
        _lookup(large, rounds),
        *_reports(large, rounds),
    ]


def run(stack: Stack, quick: bool) -> list[Figure]:
    """Make both histories and measure them."""
    sizes = QUICK_SIZES if quick else SIZES
    with _filled(stack, sizes[0]) as small, _filled(stack, sizes[1]) as large:
        return compare(small, large)
