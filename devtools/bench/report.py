"""Acknowledging a report, beside an empty route and other ways to take reports."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import random
import re
import statistics
import time
import urllib.parse
import uuid

from . import company
from .figures import Figure
from .load import QUEUED, Generator, Job, request_bytes
from .measure import median_ratio, percentile
from .stack import NOT_SERVER_WIDE, Odoo, Stack

RATE = 60
CONNECTIONS = 8
WORKERS = 4
WARM_UP = 200
# How many are made for each second in which they are sent as fast as they are answered
MOST = {"ours": 2000, "empty": 1200, "bare": 1200, "usual": 400, "twilio": 150}
# Of each kind, when statements are counted
COUNTED = 20
LOGGING = ("log_statement", "log_connections", "log_line_prefix")
TWILIO_SECRET = "benchmark"


class Supply:
    """Ready-made requests of each kind, none of them sent twice."""

    def __init__(self, stack: Stack, calls: int, sms: int):
        """Make the records that the requests are about."""
        self._serial = itertools.count()
        with stack.env() as env:
            self.calls = company.make_calls(env, calls)
            self._story = company.story(env)
            self._usual = self._make_usual(env)
            self._sms = self._make_sms(env, sms)
        self._rng = random.Random(1)

    def _make_usual(self, env):
        made = env["bench.call"].create(
            [{"token": uuid.uuid4().hex, "lead_id": call.lead_id} for call in self.calls]
        )
        return made.mapped("token")

    def _make_sms(self, env, count):
        """Make messages that were sent by SMS and wait for the provider's report."""
        env.company.sms_twilio_auth_token = TWILIO_SECRET
        leads = env["crm.lead"].browse([call.lead_id for call in self.calls])
        messages = env["mail.message"].create(
            [
                {
                    "model": "crm.lead",
                    "res_id": leads[number % len(leads)].id,
                    "message_type": "sms",
                    "author_id": env.user.partner_id.id,
                    "body": "text",
                }
                for number in range(count)
            ]
        )
        partner_ids = leads.partner_id.ids
        notifications = env["mail.notification"].create(
            [
                {
                    "mail_message_id": message.id,
                    "res_partner_id": partner_ids[number % len(partner_ids)],
                    "notification_type": "sms",
                    "notification_status": "pending",
                }
                for number, message in enumerate(messages)
            ]
        )
        uuids = [uuid.uuid4().hex for _message in messages]
        env["sms.sms"].create(
            [
                {
                    "uuid": each,
                    "mail_message_id": message.id,
                    "number": "+917000000101",
                    "body": "text",
                    "state": "pending",
                }
                for each, message in zip(uuids, messages, strict=True)
            ]
        )
        env["sms.tracker"].create(
            [
                {"sms_uuid": each, "mail_notification_id": notification.id}
                for each, notification in zip(uuids, notifications, strict=True)
            ]
        )
        base = env.company.get_base_url()
        return iter([self._twilio(base, each) for each in uuids])

    @staticmethod
    def _twilio(base, sms_uuid):
        path = f"/sms_twilio/status/{sms_uuid}"
        values = {"MessageSid": "SM1", "MessageStatus": "delivered", "SmsStatus": "delivered"}
        text = urllib.parse.urljoin(base, path) + "".join(
            f"{name}{value}" for name, value in sorted(values.items())
        )
        digest = hmac.new(TWILIO_SECRET.encode(), text.encode(), hashlib.sha1).digest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": base64.b64encode(digest).decode(),
        }
        return request_bytes(path, urllib.parse.urlencode(values).encode(), headers)

    def _bodies(self, count):
        """Return reports of calls, event after event, none a repeat of another."""
        reports = itertools.islice(itertools.cycle(self._story), count)
        return [company.unlike(report, next(self._serial)) for report in reports]

    def reports(self, count):
        """Return reports to the addon, of one call after another."""
        chosen = itertools.islice(itertools.cycle(self._shuffled()), count)
        pairs = zip(chosen, self._bodies(count), strict=True)
        return [call.request(body) for call, body in pairs]

    def _shuffled(self):
        return self._rng.sample(self.calls, len(self.calls))

    def empty(self, count, route="empty"):
        """Return the same to the empty route."""
        return [
            request_bytes(f"/bench/{route}/{'x' * 32}", body, {company.SECRET_HEADER: "x" * 32})
            for body in self._bodies(count)
        ]

    def bare(self, count):
        """Return the same to the route that keeps each in a bare row."""
        return self.empty(count, "bare")

    def usual(self, count):
        """Return the same to the usual addon."""
        tokens = itertools.islice(itertools.cycle(self._usual), count)
        return [
            request_bytes(f"/bench/usual/{token}", body)
            for token, body in zip(tokens, self._bodies(count), strict=True)
        ]

    def twilio(self, count):
        """Return reports about messages, as many as are left."""
        return list(itertools.islice(self._sms, count))

    def of_kind(self, kind, count):
        """Return reports of one kind to the addon."""
        samples = {
            "event": next(each for each in self._story if _kind(each) == "event"),
            "cdr": next(each for each in self._story if _kind(each) == "cdr"),
            "api_result": {"requestMessageType": "initiateCall", "responseType": "SUCCESS"},
        }
        bodies = [
            company.unlike(samples[kind], next(self._serial))
            if kind in samples
            else f"no JSON {next(self._serial)}".encode()
            for _number in range(count)
        ]
        return [call.request(body) for call, body in zip(self._shuffled(), bodies, strict=False)]


def _kind(report):
    from odoo.addons.airtel_ccp.ccp.airtel.reports import kind_and_fingerprint

    return kind_and_fingerprint(json.dumps(report).encode())[0]


def run(stack: Stack, quick: bool) -> list[Figure]:
    """Measure latency, worker CPU, statements and throughput; then some of it a second time.

    The second time the addon is not in Odoo's server_wide_modules.
    """
    supply = Supply(stack, 100 if quick else 400, 2000 if quick else 9200)
    figures = []
    with Generator() as generator:
        with stack.odoo(workers=WORKERS) as odoo:
            for make in (supply.reports, supply.empty, supply.bare, supply.usual):
                generator.send(Job(odoo.port, make(WARM_UP)))
            generator.send(Job(odoo.port, supply.twilio(40)))
            figures += _acknowledging(odoo, generator, supply, quick)
            figures += _counted(stack, odoo, generator, supply)
            figures += _throughput(stack, odoo, generator, supply, quick)
        with stack.odoo(workers=WORKERS, options=NOT_SERVER_WIDE) as odoo:
            for make in (supply.reports, supply.empty):
                generator.send(Job(odoo.port, make(WARM_UP)))
            figures += _not_server_wide(stack, odoo, generator, supply, quick)
    return figures


def _in_turn(odoo: Odoo, generator, supply, quick):
    """Send reports and requests to the empty route in turn, at a constant rate.

    :return: of each, latencies and a request's CPU for each slice; and a note of how many
    """
    rounds, seconds = (8, 2) if quick else (30, 4)
    slices = {"ours": [], "empty": []}
    for number in range(rounds):
        order = ("ours", "empty") if number % 2 else ("empty", "ours")
        for name in order:
            make = supply.reports if name == "ours" else supply.empty
            requests = make(RATE * seconds)
            cpu = odoo.cpu_seconds()
            outcome = generator.send(Job(odoo.port, requests, RATE, QUEUED))
            # What a worker does after its answer belongs to the request too
            time.sleep(0.3)
            cpu = odoo.cpu_seconds() - cpu
            outcome.require_accepted(name)
            slices[name].append((outcome.latencies, cpu / len(requests)))
    note = f"{RATE} a second, {rounds} pairs of {seconds} s in turn, median of the pairs' ratios"
    return slices, note


def _latency_ratio(slices, share):
    """Return the median of the ratios of the slices' percentiles."""
    return median_ratio(
        [
            (percentile(ours, share), percentile(theirs, share))
            for (ours, _c), (theirs, _d) in zip(slices["ours"], slices["empty"], strict=True)
        ]
    )


def _acknowledging(odoo: Odoo, generator, supply, quick) -> list[Figure]:
    slices, note = _in_turn(odoo, generator, supply, quick)
    cpu_pairs = [
        (ours, theirs)
        for (_l, ours), (_m, theirs) in zip(slices["ours"], slices["empty"], strict=True)
    ]
    pooled = {
        name: [each for latencies, _cpu in made for each in latencies]
        for name, made in slices.items()
    }
    total = {name: statistics.fmean(cpu for _l, cpu in made) for name, made in slices.items()}
    return [
        Figure(
            "report acknowledged: p50, to the empty route",
            _latency_ratio(slices, 0.5),
            "times",
            0.5,
            note=note,
        ),
        Figure(
            "report acknowledged: worker CPU, to the empty route",
            total["ours"] / total["empty"],
            "times",
            0.6,
            note=f"mean of all; median of the pairs {median_ratio(cpu_pairs):.2f}",
        ),
        Figure(
            "report acknowledged: p99, to the empty route",
            _latency_ratio(slices, 0.99),
            "times",
            0.6,
            note="all slices together: "
            f"{percentile(pooled['ours'], 0.99) / percentile(pooled['empty'], 0.99):.2f}",
        ),
        Figure("report acknowledged: p50", percentile(pooled["ours"], 0.5) * 1000, "ms"),
        Figure("empty route: p50", percentile(pooled["empty"], 0.5) * 1000, "ms"),
        Figure("report acknowledged: p99", percentile(pooled["ours"], 0.99) * 1000, "ms"),
        Figure("empty route: p99", percentile(pooled["empty"], 0.99) * 1000, "ms"),
        Figure("report acknowledged: worker CPU", total["ours"] * 1000, "ms"),
        Figure("empty route: worker CPU", total["empty"] * 1000, "ms"),
    ]


def _not_server_wide(stack: Stack, odoo, generator, supply, quick) -> list[Figure]:
    slices, note = _in_turn(odoo, generator, supply, quick)
    makers = {"ours": supply.reports, "empty": supply.empty}
    speeds, lost, how = _speeds(stack, odoo, generator, makers, quick)
    rate = median_ratio(list(zip(speeds["ours"], speeds["empty"], strict=True)))
    return [
        Figure(
            "report acknowledged, not server-wide: p50, to the empty route",
            _latency_ratio(slices, 0.5),
            "times",
            0.5,
            note=note,
        ),
        Figure(
            "reports a second, not server-wide, to the empty route", rate, "times", 2.4, True, how
        ),
        Figure("reports lost, or doubled, not server-wide", lost, "", 0),
    ]


class StatementLog:
    """What PostgreSQL was asked while it was watched, from its own log."""

    def __init__(self, stack: Stack):
        self._stack = stack
        self.transactions: list[list[str]] = []
        self.connections = 0

    def __enter__(self):
        values = ("all", "on", "bench %p %d ")
        for name, value in zip(LOGGING, values, strict=True):
            self._stack.query(f"ALTER SYSTEM SET {name} = '{value}'")
        self._stack.query("SELECT pg_reload_conf()")
        time.sleep(0.5)
        self._start = self._stack.server_log.stat().st_size
        return self

    def __exit__(self, *_exception):
        time.sleep(1)
        with self._stack.server_log.open("rb") as file:
            file.seek(self._start)
            text = file.read().decode(errors="replace")
        for name in LOGGING:
            self._stack.query(f"ALTER SYSTEM RESET {name}")
        self._stack.query("SELECT pg_reload_conf()")
        self._read(text)

    def _read(self, text):
        self.connections = text.count(f"authorized: user=odoo database={self._stack.database}")
        begun = {}
        line = re.compile(rf"bench (\d+) {self._stack.database} LOG:  statement: (.*\S.*)")
        # Further lines of a statement begin with a tab
        for pid, statement in line.findall(text.replace("\n\t", " ")):
            word = statement.split(None, 1)[0].upper().rstrip(";")
            if word == "BEGIN":
                begun[pid] = []
            elif word in ("COMMIT", "ROLLBACK"):
                self.transactions.append([*begun.pop(pid, []), word])
            else:
                begun.setdefault(pid, []).append(statement)
        self.transactions += [[*each, "open"] for each in begun.values()]


def _counted(stack: Stack, odoo, generator, supply) -> list[Figure]:
    figures = []
    with StatementLog(stack) as log:
        generator.send(Job(odoo.port, supply.empty(COUNTED), connections=1))
    base, _commits, _connections = _per_request(log, "")
    for kind in company.KINDS:
        requests = supply.of_kind(kind, COUNTED)
        figures += _count_kind(stack, odoo, generator, requests, kind, base)
    return [
        *figures,
        Figure("statements of Odoo itself for each request", base, note="the empty route's"),
    ]


def _per_request(log: StatementLog, mark: str):
    """Return statements and commits for each request; the wake-up's transactions are its own."""
    requests = [
        each for each in log.transactions if not any("ir_cron" in text for text in each[:-1])
    ]
    statements = sum(len(each) - 1 for each in requests)
    commits = sum(each[-1] == "COMMIT" and any(mark in text for text in each) for each in requests)
    return statements / COUNTED, commits / COUNTED, log.connections


def _count_kind(stack, odoo, generator, requests, kind, base):
    with StatementLog(stack) as log:
        outcome = generator.send(Job(odoo.port, requests, connections=1))
    outcome.require_accepted(kind)
    statements, commits, connections = _per_request(log, "ccp_call_event")
    return [
        Figure(f"{kind}: statements beside Odoo's own", statements - base, "", 2),
        Figure(f"{kind}: commits", commits, "", 1),
        Figure(f"{kind}: new PostgreSQL connections", connections, "", 0),
    ]


def _speeds(stack: Stack, odoo, generator, makers, quick):
    """Send requests of each kind in turn, as fast as they are answered.

    :param makers: what makes so many requests, by the kind's name.
    :return: of each kind its slices' requests a second; how many reports were lost, or stored
        twice; and a note of how many
    """
    rounds, seconds = (6, 2) if quick else (20, 3)
    speeds = {name: [] for name in makers}
    lost = 0
    for number in range(rounds):
        # In another order each time: what one leaves to PostgreSQL hits each of the others
        names = [*makers][:: 1 if number % 2 else -1]
        for name in names:
            requests = makers[name](MOST[name] * seconds)
            before = stack.stored()
            outcome = generator.send(
                Job(odoo.port, requests, connections=CONNECTIONS, seconds=seconds)
            )
            if name == "ours":
                lost += abs(outcome.accepted - (stack.stored() - before))
                lost += len(outcome.statuses) - outcome.accepted
            elif outcome.accepted < 0.99 * len(outcome.statuses):
                raise RuntimeError(f"{name}: {len(outcome.statuses) - outcome.accepted} failed")
            speeds[name].append(outcome.per_second)
    note = f"{WORKERS} workers, {CONNECTIONS} requests at once, {rounds} slices of {seconds} s each"
    return speeds, lost, note


def _throughput(stack: Stack, odoo, generator, supply, quick) -> list[Figure]:
    makers = {
        "ours": supply.reports,
        "empty": supply.empty,
        "bare": supply.bare,
        "usual": supply.usual,
        "twilio": supply.twilio,
    }
    speeds, lost, note = _speeds(stack, odoo, generator, makers, quick)
    median = {name: statistics.median(each) for name, each in speeds.items()}

    def ratio(other, one="ours"):
        return median_ratio(list(zip(speeds[one], speeds[other], strict=True)))

    return [
        Figure("reports a second, to the empty route", ratio("empty"), "times", 2.4, True, note),
        Figure("reports a second, to the usual addon", ratio("usual"), "times", 8.5, True, note),
        Figure("reports a second, to sms_twilio", ratio("twilio"), "times", 7, True, note),
        Figure("a bare durable row for each, to the empty route", ratio("empty", "bare"), "times"),
        Figure("reports lost, or doubled", lost, "", 0, note="stored against answered 200"),
        *(
            Figure(f"a second: {name}", value, "requests/s")
            for name, value in zip(
                ("reports", "empty route", "bare durable row", "usual addon", "sms_twilio"),
                median.values(),
                strict=True,
            )
        ),
    ]
