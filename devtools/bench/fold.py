"""Folding: how many reports per second one worker turns into states, cards and messages."""

from __future__ import annotations

import json
import statistics
import threading
import time

from . import company
from .figures import Figure
from .stack import Stack

REPORTS = 8


def run(stack: Stack, quick: bool) -> list[Figure]:
    """Fold whole calls at once, and calls whose reports come one after another."""
    calls, rounds = (200, 2) if quick else (500, 5)
    whole, steps = [], []
    with stack.env() as env:
        company.set_up(env)
    _fold_made(stack, 20, REPORTS)
    for _number in range(rounds):
        whole.append(_fold_made(stack, calls, REPORTS))
        steps.append(_fold_stepwise(stack, calls // 4))
    speed, statements, cards, messages = (
        statistics.median(each) for each in zip(*whole, strict=True)
    )
    return [
        Figure(
            "reports folded a second, one worker",
            speed,
            "reports/s",
            1000,
            True,
            f"{calls} calls with {REPORTS} reports each, median of {rounds}",
        ),
        Figure("statements of a fold, for each call", statements, ""),
        Figure("chatter messages of a fold, for each call", cards, ""),
        Figure("bus messages of a fold, for each call", messages, ""),
        Figure(
            "reports folded a second, each by itself",
            statistics.median(steps),
            "reports/s",
            800,
            True,
            f"each call is folded {REPORTS} times, after each report",
        ),
    ]


def insert_reports(env, calls, reports):
    """Insert reports of calls, each report for each call, as the webhook would."""
    from odoo.addons.airtel_ccp.ccp.airtel.reports import kind_and_fingerprint

    bodies = [json.dumps(each).encode() for each in reports]
    kinds = [(*kind_and_fingerprint(body), body.decode()) for body in bodies]
    rows = [(call.id, *each) for call in calls for each in kinds]
    env.cr.execute_values(
        """
        INSERT INTO ccp_call_event (call_id, kind, fingerprint, payload, matched_by, received_at)
        VALUES %s
        """,
        rows,
        template="(%s, %s, %s, %s, 'token', now() AT TIME ZONE 'UTC')",
    )


def _fold_made(stack, count, reports):
    """Fold new calls once; return speed, statements, chatter and bus messages for each call."""
    with stack.env() as env:
        calls = company.make_calls(env, count)
        story = company.story(env)[-reports:]
        insert_reports(env, calls, story)
    before = _told(stack)
    seconds, statements = _fold(stack)
    cards, messages = (after - each for after, each in zip(_told(stack), before, strict=True))
    return count * len(story) / seconds, statements / count, cards / count, messages / count


def _fold_stepwise(stack, count):
    with stack.env() as env:
        calls = company.make_calls(env, count)
        story = company.story(env)[-REPORTS:]
    seconds = 0
    for report in story:
        with stack.env() as env:
            insert_reports(env, calls, [report])
        seconds += _fold(stack)[0]
    return count * len(story) / seconds


def _fold(stack):
    """Run the scheduled action as its worker does; return seconds and statements."""
    thread = threading.current_thread()
    with stack.env() as env:
        thread.query_count = 0
        thread.query_time = 0
        began = time.perf_counter()
        env["ccp.call"]._cron_fold()
        env.cr.commit()
        seconds = time.perf_counter() - began
        statements = thread.query_count
        del thread.query_count, thread.query_time
    if left := stack.unfolded():
        raise RuntimeError(f"{left} reports were not folded")
    return seconds, statements


def _told(stack):
    return stack.query(
        "SELECT (SELECT count(*) FROM mail_message), (SELECT COALESCE(max(id), 0) FROM bus_bus)"
    )[0]
