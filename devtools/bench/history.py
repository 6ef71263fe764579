"""The history of calls with one million calls, and with ten times as many.

Calls are made by plain SQL in a database of its own, and read as the web client reads them: the
list's first page, one agent's page, a team's page, a number, the dashboard, the default pivots and
graphs. A list's page is compared with the same page of a plain model (``history_plain.py``) and
with bare SQL, and every figure with the raw count. The large database takes about 22 GB, and is
dropped afterwards.
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

from . import history_plain
from .figures import Figure
from .history_calls import CALLS_OF_A_NUMBER, People, fill
from .measure import median_ratio, milliseconds
from .stack import Stack

SIZES = (1_000_000, 10_000_000)
QUICK_SIZES = (100_000, 1_000_000)
# The web client's own limits, for a page and for counting
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
# What the menus under Reporting open: groups, measures, and the domain with its filter
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


@dataclass
class History:
    """A database with calls, and methods that read it."""

    database: str
    people: People
    in_database: dict[str, float] = field(default_factory=dict)

    @cached_property
    def specification(self) -> dict:
        """The fields of the list of calls that the web client requests."""

        def question(env):
            calls = env["ccp.call"]
            return fields_of(calls, calls.get_view(view_type="list")["arch"])

        return self.ask(question, self.people.manager)[0]

    @cached_property
    def number(self) -> str:
        """A number with the same number of calls in each size of database."""

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
        """Run a question like one request: with a cursor and caches of its own.

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
    """A list's first page: the web client's request, for calls and for the plain model.

    :param user: the reader, an attribute of ``People``.
    :param domain: the list's domain.
    :param where: the same with the record rules, as SQL.
    :param plain: the domain that finds the same in the plain model.
    :param limit: how many times as long as the plain model's page it may take.
    :param bare_limit: how many times as long as bare SQL it may take.
    """

    name: str
    user: str
    domain: Callable[[History], list]
    where: Callable[[History], SQL]
    plain: Callable[[History], list]
    limit: float | None = 1.15
    bare_limit: float | None = None

    def by_odoo(self, history: History) -> float:
        """Return how long the page of calls takes."""
        # Odoo adds up the time of its statements there
        thread = threading.current_thread()
        thread.query_count = thread.query_time = 0
        seconds = self._read(history, "ccp.call", self.domain)[1]
        history.in_database[self.name] = thread.query_time
        return seconds

    def by_plain_model(self, history: History) -> float:
        """Return how long the same page of the plain model takes."""
        return self._read(history, history_plain.MODEL, self.plain)[1]

    def check(self, history: History) -> None:
        """Check that both pages show the same.

        :raises RuntimeError: when one shows another value somewhere.
        """
        ours, plain = (
            self._read(history, model, domain)[0]
            for model, domain in (
                ("ccp.call", self.domain),
                (history_plain.MODEL, self.plain),
            )
        )
        different = differing(ours, plain)
        if different or not ours["records"]:
            raise RuntimeError(f"{self.name}: {different} values differ from the plain model's")

    def _read(self, history, model, domain):
        words = domain(history), history.specification, 0, PAGE, ORDER

        def question(env):
            return env[model].web_search_read(*words, count_limit=COUNT_LIMIT)

        return history.ask(question, getattr(history.people, self.user))

    def by_sql(self, history: History) -> float:
        """Return how long the same rows, names and count take without Odoo."""
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
    """Return the fields that the web client requests for a view, without those of its lists.

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


def _everything(_history: History) -> list:
    return EVERYTHING


def _of_rep(history: History) -> list:
    return [("user_id", "=", history.people.rep)]


def _found(history: History) -> list:
    return [("phone_search", "ilike", history.number)]


def _with_number(history: History) -> list:
    return [("customer_number", "=", history.number)]


PAGES = (
    Page("first page, as a manager", "manager", _everything, _companies, _everything),
    Page("first page, as a rep", "rep", _everything, _of_agent, _everything),
    Page("one agent's page, as a manager", "manager", _of_rep, _of_agent, _of_rep),
    # The plain model compares one column: it finds no other spelling, ending or second phone
    Page("search by number, as a manager", "manager", _found, _of_number, _with_number, None, 2.5),
)


def _pages(small: History, large: History, rounds: int) -> list[Figure]:
    figures = []
    for page in PAGES:
        page.check(large)
        times = []
        for number in range(rounds + 2):
            turns = [
                (page.by_odoo, small),
                (page.by_odoo, large),
                (page.by_plain_model, large),
                (page.by_sql, large),
            ]
            step = 1 if number % 2 else -1
            row = [measure(history) for measure, history in turns[::step]][::step]
            # The first rounds fill caches
            if number >= 2:
                times.append(row)
        tenth, ours, plain, bare = (
            milliseconds(statistics.median(column)) for column in zip(*times, strict=True)
        )
        note = (
            f"{ours:.1f} ms, {tenth:.1f} ms with a tenth of the calls; the plain model "
            f"{plain:.1f} ms; bare SQL {bare:.1f} ms; Odoo's own statements take "
            f"{milliseconds(large.in_database[page.name]):.1f} ms"
        )
        compared = {
            "against a tenth of the calls": (0, 1.2),
            "to the plain model's": (2, page.limit),
            "against bare SQL": (3, page.bare_limit),
        }
        for name, (other, limit) in compared.items():
            ratio = median_ratio([(row[1], row[other]) for row in times])
            figures.append(Figure(f"{page.name}: {name}", ratio, "times", limit, note=note))
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
    """Have everything counted from the calls instead of the sums."""
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
        # PostgreSQL and Python divide with different rounding
        return int(abs(ours - theirs) > 1e-9 * max(abs(ours), 1))
    return int(ours != theirs)


@contextlib.contextmanager
def _filled(stack: Stack, total: int) -> Iterator[History]:
    """Make a database with calls, and drop it afterwards."""
    name = f"{stack.database}_{total}"
    # PostgreSQL cannot copy a database with open connections
    odoo.sql_db.close_db(stack.database)
    stack.query(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', database="postgres")
    stack.query(f'CREATE DATABASE "{name}" TEMPLATE "{stack.database}"', database="postgres")
    try:
        # Calls that other parts of the benchmark left
        stack.query("TRUNCATE ccp_call CASCADE", database=name)
        history_plain.install(stack, name)
        with Registry(name).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            people = fill(env, total)
            history_plain.fill(env)
        yield History(name, people)
    finally:
        Registry.delete(name)
        odoo.sql_db.close_db(name)
        stack.query(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', database="postgres")


def compare(small: History, large: History, rounds: int = ROUNDS) -> list[Figure]:
    """Measure two histories, one with ten times as many calls as the other."""
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
